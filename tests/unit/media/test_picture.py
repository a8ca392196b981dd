"""What a file is by its own bytes, and the same picture in another format."""

from __future__ import annotations

import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from jimeng_api.domain.errors import ResultCorrupt
from jimeng_api.domain.requests import PictureFormat
from jimeng_api.media.anatomy import MOST_PIXELS
from jimeng_api.media.picture import Darkroom, drawing_of
from tests.unit.media.pictures import claiming, picture

FORMS: tuple[PictureFormat, ...] = ("png", "webp", "jpeg")


@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_known_by_its_bytes(form: PictureFormat) -> None:
    drawing = drawing_of(picture(form))
    assert (drawing.format, drawing.width, drawing.height) == (form, 40, 30)
    assert drawing.content_type == f"image/{form}"


@pytest.mark.parametrize("form", FORMS)
def test_bytes_behind_the_end_do_no_harm(form: PictureFormat) -> None:
    assert drawing_of(picture(form) + b"\0" * 100).format == form


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("part", [0.01, 0.3, 0.5, 0.9])
def test_a_file_that_ends_early_is_refused(form: PictureFormat, part: float) -> None:
    body = picture(form, (400, 300))
    with pytest.raises(ResultCorrupt):
        drawing_of(body[: int(len(body) * part)])


@pytest.mark.parametrize(
    "body",
    [b"", b"\0", b"<!DOCTYPE html><html></html>", b"%PDF-1.7", b"GIF89a" + bytes(200), bytes(5000),
     b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8 ", b"\xff\xd8\xff\xe0",
     b'<svg xmlns="http://www.w3.org/2000/svg"/>'],
)  # fmt: skip
def test_what_is_no_picture_of_ours_is_refused(body: bytes) -> None:
    with pytest.raises(ResultCorrupt):
        drawing_of(body)


@pytest.mark.parametrize("form", ["gif", "bmp", "tiff", "ico", "ppm"])
def test_other_formats_are_refused_although_they_could_be_read(form: str) -> None:
    with pytest.raises(ResultCorrupt):
        drawing_of(picture(form))


@given(st.binary(max_size=300))
def test_no_bytes_whatever_raise_anything_else(body: bytes) -> None:
    for start in (b"", b"\x89PNG\r\n\x1a\n", b"RIFF\x20\0\0\0WEBPVP8X", b"\xff\xd8\xff\xe0"):
        with pytest.raises(ResultCorrupt):
            drawing_of(start + body)


@pytest.mark.parametrize(
    "size", [(13_000, 13_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1), (1, 2**31 - 1)]
)
def test_a_bomb_is_refused_by_its_header_before_it_costs_anything(size: tuple[int, int]) -> None:
    began = time.monotonic()
    with pytest.raises(ResultCorrupt):
        drawing_of(claiming(*size))
    assert time.monotonic() - began < 0.2


def test_the_largest_picture_that_is_taken() -> None:
    assert drawing_of(claiming(MOST_PIXELS, 1)).width == MOST_PIXELS
    with pytest.raises(ResultCorrupt):
        drawing_of(claiming(MOST_PIXELS + 1, 1))


@pytest.mark.parametrize("start", FORMS)
@pytest.mark.parametrize("end", FORMS)
async def test_every_format_becomes_every_other(start: PictureFormat, end: PictureFormat) -> None:
    drawing = await Darkroom().developed(drawing_of(picture(start)), end)
    with Image.open(io.BytesIO(drawing.body)) as image:
        assert image.format == end.upper()
        assert image.size == (drawing.width, drawing.height) == (40, 30)


@pytest.mark.parametrize("form", FORMS)
async def test_what_is_in_its_format_already_is_left_as_it_came(form: PictureFormat) -> None:
    drawing = drawing_of(picture(form))
    assert await Darkroom().developed(drawing, form) is drawing


async def test_a_png_is_left_as_it_came_whatever_compression_is_asked_for() -> None:
    drawing = drawing_of(picture("png"))
    assert await Darkroom().developed(drawing, "png", compression=50) is drawing


@pytest.mark.parametrize("form", ["webp", "jpeg"])
async def test_compression_is_the_quality(form: PictureFormat) -> None:
    drawing = drawing_of(picture("png", (400, 300)))
    small = await Darkroom().developed(drawing, form, compression=0)
    large = await Darkroom().developed(drawing, form, compression=100)
    assert len(small.body) < len(large.body)


@pytest.mark.parametrize("mode", ["RGBA", "P", "L", "LA", "1"])
@pytest.mark.parametrize("form", FORMS)
async def test_every_kind_of_colour_is_understood(form: PictureFormat, mode: str) -> None:
    drawing = await Darkroom().developed(drawing_of(picture("png", mode=mode)), form)
    assert drawing_of(drawing.body).format == form


async def test_transparency_is_kept_where_the_format_has_it() -> None:
    clear = io.BytesIO()
    Image.new("RGBA", (10, 10), (255, 0, 0, 0)).save(clear, "PNG")
    drawing = await Darkroom().developed(drawing_of(clear.getvalue()), "webp")
    with Image.open(io.BytesIO(drawing.body)) as image:
        assert image.convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]


async def test_a_picture_that_cannot_be_decoded_is_corrupt() -> None:
    with pytest.raises(ResultCorrupt):
        await Darkroom().developed(drawing_of(claiming(3000, 3000)), "jpeg")


@pytest.mark.parametrize(
    ("asked", "got"),
    [((32, 8), (32, 8)), ((64, 64), (64, 64)), ((65, 8), (64, 48)), ((8, 49), (64, 48))],
)
async def test_a_picture_is_cut_and_scaled_down_and_never_up(
    asked: tuple[int, int], got: tuple[int, int]
) -> None:
    body = io.BytesIO()
    Image.new("RGB", (64, 48 if got != (64, 64) else 64), "teal").save(body, "PNG")
    drawing = await Darkroom().developed(drawing_of(body.getvalue()), "png", cut_to=asked)
    assert (drawing.width, drawing.height) == got
    assert Image.open(io.BytesIO(drawing.body)).size == got


async def test_what_is_cut_away_lies_on_both_sides() -> None:
    image = Image.new("RGB", (90, 30), "red")
    image.paste("blue", (30, 0, 60, 30))
    body = io.BytesIO()
    image.save(body, "PNG")
    drawing = await Darkroom().developed(drawing_of(body.getvalue()), "png", cut_to=(30, 30))
    assert Image.open(io.BytesIO(drawing.body)).getcolors() == [(900, (0, 0, 255))]
