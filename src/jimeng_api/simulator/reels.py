"""Uploaded films and sounds: measured as they arrive, and then let go."""

import asyncio
import hashlib
import io
import zlib
from typing import Any, NamedTuple

import av

from jimeng_api.simulator.tiles import SOUND, UNKNOWN, Tile, tile_of

LARGEST = 200 * 2**20
"""Bytes of one file."""

_FORMS = {"mov": "MP4", "mp4": "MP4", "matroska": "MKV", "webm": "WEBM", "wav": "WAV", "mp3": "MP3"}


class Reel(NamedTuple):
    """All that is kept of an upload."""

    size: int
    crc: int
    md5: str
    kind: str = ""
    """`film` or `sound`; empty where the bytes are neither."""
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    fps: float = 0.0
    bitrate: int = 0
    form: str = ""
    codec: str = ""
    heard: bool = False
    """Whether there is sound in it."""
    tile: Tile = UNKNOWN


class Screening:
    """Looks at uploads, one at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def reel_of(self, body: bytes) -> Reel:
        async with self._turn:
            return await asyncio.to_thread(_measured, body)


def _measured(body: bytes) -> Reel:
    reel = Reel(len(body), zlib.crc32(body), hashlib.md5(body, usedforsecurity=False).hexdigest())
    try:
        with av.open(io.BytesIO(body)) as container:
            return _seen(reel, container)
    except (av.FFmpegError, ValueError, OverflowError):
        return reel


def _seen(reel: Reel, container: Any) -> Reel:
    form = container.format.name.split(",")[0]
    pictures, sounds = (
        [stream for stream in streams if stream.codec_context is not None]
        for streams in (container.streams.video, container.streams.audio)
    )
    seconds = (container.duration or 0) / 1_000_000
    reel = reel._replace(
        seconds=round(seconds, 3),
        form=_FORMS.get(form, form.upper()),
        bitrate=round(reel.size * 8 / seconds) if seconds else 0,
        heard=bool(sounds),
    )
    if pictures and form not in ("mp3", "wav"):  # there it is the picture of a cover
        stream = pictures[0]
        reel = reel._replace(
            kind="film",
            codec=stream.codec_context.name,
            width=stream.codec_context.width,
            height=stream.codec_context.height,
            fps=round(float(stream.average_rate or 0), 3),
        )
        first = next(container.decode(stream), None)
        return reel if first is None else reel._replace(tile=tile_of(first.to_image()))
    if reel.heard:
        return reel._replace(kind="sound", codec=sounds[0].codec_context.name, tile=SOUND)
    return reel
