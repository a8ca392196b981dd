"""What a film or a sound is, by its own bytes; nothing of it is decoded."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import BinaryIO

from jimeng_api.domain.errors import ResultCorrupt
from jimeng_api.media.anatomy import NotTaken

MOST_FILM_BYTES = 200 * 1024 * 1024
MOST_SOUND_BYTES = 15 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    content_type: str
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    fps: float = 0.0


def is_film_or_sound(head: bytes) -> bool:
    return (
        head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free")
        or head[:3] == b"ID3"
        or (head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE6 in (0xE2,))
        or (head[:4] == b"RIFF" and head[8:12] == b"WAVE")
    )


async def probed(file: BinaryIO) -> Film:
    """Raises NotTaken."""
    return await asyncio.to_thread(_probe, file)


async def probed_result(file: BinaryIO) -> Film:
    try:
        return await probed(file)
    except NotTaken as error:
        raise ResultCorrupt(f"The upstream's result {error}.") from error


def _probe(file: BinaryIO) -> Film:
    import av

    file.seek(0)
    head = file.read(12)
    file.seek(0)
    try:
        with av.open(file) as box:
            seconds = (box.duration or 0) / 1e6
            if box.streams.video:
                stream = box.streams.video[0]
                kind = "video/quicktime" if head[8:12] == b"qt  " else "video/mp4"
                return Film(
                    content_type=kind,
                    width=stream.width,
                    height=stream.height,
                    seconds=seconds,
                    fps=float(stream.average_rate or 0),
                )
            kind = "audio/wav" if head[:4] == b"RIFF" else "audio/mpeg"
            return Film(content_type=kind, seconds=seconds)
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise NotTaken("is not a film or a sound that is taken") from error
