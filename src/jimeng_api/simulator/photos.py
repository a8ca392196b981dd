"""Uploaded bytes: measured and made small as they arrive, and then let go."""

import asyncio
import hashlib
import io
import zlib
from typing import NamedTuple

from PIL import Image

from jimeng_api.simulator.tiles import UNKNOWN, Tile, tile_of

LARGEST = 100 * 2**20
"""Bytes of one file."""

_MOST_PIXELS = 64 * 10**6  # larger ones are taken, but not looked into
_AT_ONCE = 2**20  # so many pixels are decoded without a thread
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


class Photo(NamedTuple):
    """All that is kept of an upload."""

    size: int
    crc: int
    md5: str
    width: int = 0
    height: int = 0
    form: str = ""
    """`png`, `jpeg` and so on; empty where the bytes are no picture."""
    frames: int = 1
    tile: Tile = UNKNOWN


class Darkroom:
    """Looks at uploads, at one large picture at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def photo_of(self, body: bytes) -> Photo:
        measured = Photo(
            len(body), zlib.crc32(body), hashlib.md5(body, usedforsecurity=False).hexdigest()
        )
        try:
            image = Image.open(io.BytesIO(body), formats=_FORMATS)
        except _UNREADABLE:
            return measured
        form = (image.format or "").lower()
        frames = getattr(image, "n_frames", 1)
        measured = measured._replace(form=form, frames=frames)
        measured = measured._replace(width=image.width, height=image.height)
        pixels = image.width * image.height
        if pixels > _MOST_PIXELS:
            return measured
        if pixels <= _AT_ONCE:
            return measured._replace(tile=_small(image))
        async with self._turn:
            return measured._replace(tile=await asyncio.to_thread(_small, image))


def _small(image: Image.Image) -> Tile:
    try:
        with image:
            return tile_of(image)
    except _UNREADABLE:
        return UNKNOWN
