"""What a picture's bytes are, and the same picture in another format."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass, field

from PIL import Image, ImageOps

from jimeng_api.domain.errors import ResultCorrupt
from jimeng_api.domain.requests import PictureFormat
from jimeng_api.media.anatomy import MOST_PIXELS

_FORMATS: dict[str, PictureFormat] = {"PNG": "png", "WEBP": "webp", "JPEG": "jpeg"}
_READ = tuple(_FORMATS)
Size = tuple[int, int]
_TAIL = 4096

# Pillow's own limit warns, and lets through three times what we do; ours is checked before any decoding.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A picture in hand: what its bytes really are, and its size in pixels."""

    format: PictureFormat
    width: int
    height: int
    body: bytes = field(repr=False)

    @property
    def content_type(self) -> str:
        return f"image/{self.format}"


def drawing_of(body: bytes) -> Drawing:
    """What the bytes are, by their own header; nothing is decoded. Raises ResultCorrupt."""
    try:
        with Image.open(io.BytesIO(body), formats=_READ) as image:
            kind, (width, height) = _FORMATS[image.format or ""], image.size
    except (OSError, ValueError, KeyError, SyntaxError) as error:
        raise ResultCorrupt("The upstream's result is not a picture.") from error
    if not _whole(body, kind):
        raise ResultCorrupt("The upstream's result ends early.")
    if width * height > MOST_PIXELS:
        raise ResultCorrupt(f"The upstream's result has more than {MOST_PIXELS} pixels.")
    return Drawing(format=kind, width=width, height=height, body=body)


def _whole(body: bytes, kind: PictureFormat) -> bool:
    """Whether the end of the file is there; some bytes may follow it."""
    match kind:
        case "png":
            return b"IEND" in body[-_TAIL:]
        case "jpeg":
            return b"\xff\xd9" in body[-_TAIL:]
        case "webp":
            return len(body) >= int.from_bytes(body[4:8], "little") + 8


class Darkroom:
    """Turns pictures into other formats, in threads, a few at a time."""

    def __init__(self, *, at_once: int = 2) -> None:
        self._places = asyncio.Semaphore(at_once)

    async def developed(
        self,
        drawing: Drawing,
        into: PictureFormat,
        *,
        compression: int | None = None,
        cut_to: Size | None = None,
    ) -> Drawing:
        """The drawing in format `into`; as it is where it has that format and nothing else is asked.

        `compression` is 0…100: OpenAI's quality of a webp or jpeg. `cut_to` are the pixels that its middle is
        cut and scaled down to; one that has fewer stays whole.
        """
        size = (drawing.width, drawing.height)
        smaller = cut_to is not None and cut_to != size and not _exceeds(cut_to, size)
        end = cut_to if cut_to is not None and smaller else size
        if drawing.format == into and (compression is None or into == "png") and end == size:
            return drawing
        async with self._places:
            body = await asyncio.to_thread(_encoded, drawing.body, into, compression, end)
        return Drawing(format=into, width=end[0], height=end[1], body=body)


def _exceeds(one: Size, other: Size) -> bool:
    return one[0] > other[0] or one[1] > other[1]


def _encoded(body: bytes, into: PictureFormat, compression: int | None, size: Size) -> bytes:
    out = io.BytesIO()
    try:
        with Image.open(io.BytesIO(body), formats=_READ) as image:
            image.load()
            colours = image.convert("RGB" if into == "jpeg" else _plain_mode(image))
        if colours.size != size:
            colours = ImageOps.fit(colours, size, Image.Resampling.LANCZOS)
        quality = {} if compression is None or into == "png" else {"quality": compression}
        colours.save(out, into.upper(), **quality)
    except (OSError, ValueError, SyntaxError) as error:
        raise ResultCorrupt("The upstream's result cannot be decoded.") from error
    return out.getvalue()


def _plain_mode(image: Image.Image) -> str:
    return "RGBA" if image.has_transparency_data else "RGB"
