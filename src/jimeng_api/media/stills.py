"""Pictures out of a finished film: its first, and many small ones on one sheet."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from PIL import Image

from jimeng_api.domain.errors import ResultCorrupt

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

StillFormat = Literal["webp", "jpeg"]
T = TypeVar("T")

MOST_PIXELS = 4096 * 4096
THUMBNAIL = 512  # pixels of its longer side, at most
TILE = 160
COLUMNS, ROWS = 5, 5
_MOST_PACKETS = 50_000
_QUALITY = 85
# Nothing is opened but this file, and nothing is tried but this kind.
_OPTIONS = {"enable_drefs": "0", "use_absolute_path": "0", "protocol_whitelist": "none"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """A picture in hand."""

    format: StillFormat
    width: int
    height: int
    body: bytes = field(repr=False)

    @property
    def content_type(self) -> str:
        return f"image/{self.format}"


class Stills:
    """Takes pictures out of films, in threads, a few at a time."""

    def __init__(self, *, at_once: int = 1) -> None:
        self._places = asyncio.Semaphore(at_once)

    async def thumbnail(self, film: Path | bytes, into: StillFormat = "webp") -> Still:
        """The first picture, made small. Raises ResultCorrupt."""
        return await self._made(lambda: _thumbnail(film, into))

    async def spritesheet(self, film: Path | bytes, into: StillFormat = "jpeg") -> Still:
        """Pictures from the whole film, as far apart in time as can be, row by row. Raises ResultCorrupt."""
        return await self._made(lambda: _spritesheet(film, into))

    async def _made(self, make: Callable[[], T]) -> T:
        async with self._places:
            return await asyncio.to_thread(make)


def _thumbnail(film: Path | bytes, into: StillFormat) -> Still:
    first = next(_pictures(film, count=1, side=THUMBNAIL), None)
    if first is None:
        raise _unreadable()
    return _encoded(first, into)


def _spritesheet(film: Path | bytes, into: StillFormat) -> Still:
    sheet: Image.Image | None = None
    for number, picture in enumerate(_pictures(film, count=COLUMNS * ROWS, side=TILE)):
        width, height = picture.size
        if sheet is None:
            sheet = Image.new("RGB", (width * COLUMNS, height * ROWS))
        sheet.paste(picture, (number % COLUMNS * width, number // COLUMNS * height))
    if sheet is None:
        raise _unreadable()
    return _encoded(sheet, into)


def _pictures(film: Path | bytes, *, count: int, side: int) -> Iterator[Image.Image]:
    """As many pictures of the film, made so small; where it has fewer, some come twice."""
    import av  # a tenth of a second, and twenty megabytes, for those who make films

    try:
        with (
            io.BytesIO(film) if isinstance(film, bytes) else film.open("rb") as file,
            av.open(file, "r", format="mov", options=_OPTIONS) as container,
        ):
            stream = container.streams.video[0]
            if not 0 < stream.width * stream.height <= MOST_PIXELS:
                raise _unreadable()
            stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
            size = _within(stream.width, stream.height, side)
            yield from _spread(container, stream, count, size)
    except (av.FFmpegError, OSError, ValueError, IndexError, MemoryError) as error:
        raise _unreadable() from error


def _spread(
    container: InputContainer, stream: VideoStream, count: int, size: tuple[int, int]
) -> Iterator[Image.Image]:
    """One picture for each of so many moments, decoding the film once."""
    length = float((stream.duration or 0) * (stream.time_base or 0))
    made = 0
    last: Image.Image | None = None
    for packets, frame in enumerate(container.decode(stream)):
        if packets >= _MOST_PACKETS:
            break
        if (frame.width, frame.height) != (stream.width, stream.height):
            raise _unreadable()  # films of ours do not change their size
        moment = frame.time or 0.0
        if moment < length * made / count and last is not None:
            continue
        last = frame.to_image(width=size[0], height=size[1])  # type: ignore[no-untyped-call]
        while made < count and moment >= length * made / count:
            yield last
            made += 1
        if made == count:
            return
    while last is not None and made < count:
        yield last
        made += 1


def _within(width: int, height: int, side: int) -> tuple[int, int]:
    factor = min(1.0, side / max(width, height))
    return max(1, round(width * factor)), max(1, round(height * factor))


def _encoded(picture: Image.Image, into: StillFormat) -> Still:
    out = io.BytesIO()
    picture.save(out, into.upper(), quality=_QUALITY)
    return Still(format=into, width=picture.width, height=picture.height, body=out.getvalue())


def _unreadable() -> ResultCorrupt:
    return ResultCorrupt("The upstream's film cannot be decoded.")
