from __future__ import annotations

import io
from math import ceil
from pathlib import Path

import av
import pytest
from PIL import Image

from jimeng_api.domain.errors import ResultCorrupt
from jimeng_api.media.stills import COLUMNS, ROWS, THUMBNAIL, TILE, Still, StillFormat, Stills
from tests.unit.media.test_recordings import HOSTILE, MP3, WAV


def film(
    colours: list[tuple[int, int, int]], *, size: tuple[int, int] = (640, 360), fps: int = 24
) -> bytes:
    """A film of a second for each colour."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for colour in colours:
            image = Image.new("RGB", size, colour)
            for _ in range(fps):
                container.mux(stream.encode(av.VideoFrame.from_image(image)))  # type: ignore[no-untyped-call]
        container.mux(stream.encode(None))
    return target.getvalue()


RED, GREEN, BLUE = (220, 20, 20), (20, 220, 20), (20, 20, 220)
FILM = film([RED, GREEN, BLUE])


def shown(still: Still) -> Image.Image:
    picture = Image.open(io.BytesIO(still.body))
    assert picture.format == still.format.upper()
    assert picture.size == (still.width, still.height)
    return picture.convert("RGB")


def near(found: object, wanted: tuple[int, int, int]) -> bool:
    assert isinstance(found, tuple)
    return bool(max(abs(a - b) for a, b in zip(found, wanted, strict=True)) < 40)


@pytest.mark.parametrize("form", ["webp", "jpeg"])
async def test_a_thumbnail_is_the_first_picture_made_small(form: StillFormat) -> None:
    still = await Stills().thumbnail(FILM, form)
    assert still.content_type == f"image/{form}"
    assert (still.width, still.height) == (THUMBNAIL, 288)
    assert near(shown(still).getpixel((100, 100)), RED)


async def test_a_small_film_is_not_made_larger() -> None:
    still = await Stills().thumbnail(film([RED], size=(64, 48)))
    assert (still.width, still.height) == (64, 48)


async def test_a_sheet_goes_through_the_whole_film(tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(FILM)
    still = await Stills().spritesheet(path)
    assert (still.width, still.height) == (TILE * COLUMNS, 90 * ROWS)
    sheet = shown(still)
    tiles = [
        sheet.getpixel((TILE * column + TILE // 2, 90 * row + 45))
        for row in range(ROWS)
        for column in range(COLUMNS)
    ]
    for number, tile in enumerate(tiles):
        moment = (
            ceil(number * 3 * 24 / len(tiles)) / 24
        )  # of the first picture that is not too early
        assert near(tile, (RED, GREEN, BLUE)[int(moment)]), number


async def test_a_film_of_few_pictures_still_fills_a_sheet() -> None:
    still = await Stills().spritesheet(film([BLUE], fps=3))
    sheet = shown(still)
    assert near(sheet.getpixel((still.width - 5, still.height - 5)), BLUE)


BROKEN = [
    "nothing",
    "a page",
    "a playlist",
    "a concat list",
    "a picture",
    "matroska",
    "half a film",
    "contents without a film",
    "a film without contents",
    "in another file",
    "many other files",
    "very many pixels",
]


@pytest.mark.parametrize(
    "body", [*map(HOSTILE.__getitem__, BROKEN), WAV, MP3], ids=[*BROKEN, "wav", "mp3"]
)
async def test_what_is_no_film_gives_no_picture(body: bytes) -> None:
    for take in (Stills().thumbnail, Stills().spritesheet):
        try:
            still = await take(body)
        except ResultCorrupt:
            continue
        assert body in (HOSTILE["very many pixels"], HOSTILE["in another file"])
        assert shown(still).size == (still.width, still.height)
