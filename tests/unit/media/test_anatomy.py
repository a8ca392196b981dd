"""What a caller's file is: true type and size of whole pictures, and a quick no to everything else."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence

import psutil  # type: ignore[import-untyped]
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from jimeng_api.media.anatomy import MOST_BYTES, MOST_PIXELS, NotTaken, anatomy_of
from tests.unit.media.hostile_files import (
    DATA,
    END,
    FILES,
    MEGABYTE,
    chunk,
    frame,
    header,
    jpeg,
    png,
    segment,
)
from tests.unit.media.hostile_files import SCAN as JPEG_SCAN
from tests.unit.media.pictures import claiming, picture

FORMS = ("png", "jpeg", "webp")


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("png", {}),
        ("png", {"mode": "RGBA"}),
        ("png", {"mode": "P"}),
        ("png", {"mode": "1"}),
        ("png", {"mode": "LA"}),
        ("png", {"optimize": True}),
        ("jpeg", {}),
        ("jpeg", {"mode": "L"}),
        ("jpeg", {"mode": "CMYK"}),
        ("jpeg", {"progressive": True, "quality": 100}),
        ("jpeg", {"restart_marker_rows": 1}),
        ("jpeg", {"comment": b"\xff\xd9 no end"}),
        ("webp", {}),
        ("webp", {"lossless": True}),
        ("webp", {"mode": "RGBA"}),
        ("webp", {"icc_profile": b"\xff" * 999}),
    ],
)
def test_a_whole_picture_is_known_by_its_bytes(form: str, options: dict[str, object]) -> None:
    found = anatomy_of(picture(form, (321, 123), **options))
    assert (found.format, found.width, found.height) == (form, 321, 123)


@pytest.mark.parametrize("form", FORMS)
def test_bytes_behind_the_end_do_no_harm(form: str) -> None:
    assert anatomy_of(picture(form) + b"\0\xff" * 100).format == form


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("orientation", range(10))
def test_a_picture_that_lies_on_its_side_has_the_size_that_is_seen(
    form: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x010F] = "maker"
    exif[0x0112] = orientation
    found = anatomy_of(picture(form, (40, 30), exif=exif))
    assert (found.width, found.height) == ((30, 40) if 5 <= orientation <= 8 else (40, 30))


@given(st.binary(max_size=60))
@example(b"II*\0\xff\xff\xff\xff")
@example(b"MM\0*\0\0\0\x08\xff\xff")
def test_notes_of_a_camera_that_cannot_be_read_do_no_harm(notes: bytes) -> None:
    assert anatomy_of(png(header(), chunk(b"eXIf", notes), DATA, END)).format == "png"
    body = jpeg(segment(0xE1, b"Exif\0\0" + notes), frame(), JPEG_SCAN)
    assert anatomy_of(body).format == "jpeg"


def test_the_largest_picture_that_is_taken() -> None:
    assert anatomy_of(claiming(MOST_PIXELS, 1)).width == MOST_PIXELS
    with pytest.raises(NotTaken, match="50000000 pixels"):
        anatomy_of(claiming(MOST_PIXELS + 1, 1))
    body = picture("png")
    assert anatomy_of(body + bytes(MOST_BYTES - len(body))).width == 40
    with pytest.raises(NotTaken, match="larger than 20 MiB"):
        anatomy_of(body + bytes(MOST_BYTES - len(body) + 1))


# What is packed beside the pixels would grow a thousand times if anybody unpacked it; nobody here does.
@pytest.mark.parametrize("name", [b"zTXt", b"iCCP"])
def test_packed_notes_are_left_packed(name: bytes) -> None:
    packed = zlib.compress(bytes(200 * MEGABYTE), 9)
    body = png(header(), chunk(name, b"name\0\0" + packed), DATA, END)
    before = _memory()
    began = time.perf_counter()
    assert anatomy_of(body).format == "png"
    assert time.perf_counter() - began < 0.5
    assert _memory() - before < 4 * MEGABYTE


def test_sixty_hostile_files_are_refused_at_once_and_cost_no_memory() -> None:
    assert len(FILES) >= 60
    anatomy_of(picture("png"))
    slowest = 0.0
    grown = 0
    for name, made in FILES.items():
        body = made()
        assert len(body) <= MEGABYTE, name
        before = _memory()
        began = time.perf_counter()
        try:
            anatomy_of(body)
        except NotTaken:
            slowest = max(slowest, time.perf_counter() - began)
        else:
            pytest.fail(f"{name} was taken")
        grown += max(0, _memory() - before)
    print(f"{len(FILES)} files: slowest {slowest:.3f} s, {grown / MEGABYTE:.1f} MB grown")
    assert slowest <= 1
    assert grown <= 32 * MEGABYTE


def _memory() -> int:
    found: int = psutil.Process().memory_info().rss
    return found


@given(st.binary(max_size=300))
def test_no_bytes_whatever_raise_anything_else(body: bytes) -> None:
    for start in (
        b"",
        png(),
        png(header()),
        b"\xff\xd8\xff",
        jpeg(frame(), end=b""),
        b"RIFF\x20\0\0\0WEBP",
    ):
        _judged(start + body)


@given(
    st.sampled_from(
        [
            picture(form, (64, 48), **options)
            for form, options in (
                ("png", {}),
                ("jpeg", {}),
                ("jpeg", {"progressive": True}),
                ("webp", {}),
                ("webp", {"mode": "RGBA"}),
            )
        ]
    ),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255), st.sampled_from("xid")), max_size=8),
)
@settings(max_examples=400)
def test_no_spoilt_picture_raises_anything_else(
    body: bytes, changes: Sequence[tuple[float, int, str]]
) -> None:
    spoilt = bytearray(body)
    for at, byte, kind in changes:
        place = int(at * (len(spoilt) - 1))
        match kind:
            case "x":
                spoilt[place] = byte
            case "i":
                spoilt.insert(place, byte)
            case _:
                del spoilt[place : place + byte]
                spoilt += b"\0"
    _judged(bytes(spoilt))


def _judged(body: bytes) -> None:
    try:
        found = anatomy_of(body)
    except NotTaken:
        return
    assert 0 < found.width * found.height <= MOST_PIXELS


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("part", [0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_file_that_ends_early_is_refused(form: str, part: float) -> None:
    body = picture(form, (400, 300))
    with pytest.raises(NotTaken):
        anatomy_of(body[: int(len(body) * part)])
