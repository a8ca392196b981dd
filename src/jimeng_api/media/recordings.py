"""What a caller's film or sound is: its true type, its size, how long it is. Nothing in it is decoded."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from jimeng_api.media.anatomy import NotTaken
from jimeng_api.media.films import film_of, is_film
from jimeng_api.media.sounds import is_mp3, is_wav, mp3_seconds, wav_seconds

MOST_FILM_BYTES = 200 * 1024 * 1024
MOST_SOUND_BYTES = 15 * 1024 * 1024
_HEAD = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A whole film or sound. A sound has no pixels and no pictures a second."""

    content_type: str
    seconds: float
    width: int = 0
    height: int = 0
    fps: float = 0.0


async def recording_of(source: Path | bytes) -> Recording:
    """What the file is, by its own bytes. Raises NotTaken."""
    return await asyncio.to_thread(_examined, source)


def _examined(source: Path | bytes) -> Recording:
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        return examine(file)


def examine(file: BinaryIO) -> Recording:
    """The same of an open file. How much of it is read does not depend on what it says."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(_HEAD)
    if is_film(head):
        _check(size, MOST_FILM_BYTES)
        film = film_of(file, size)
        kind = "video/quicktime" if film.quicktime else "video/mp4"
        return Recording(
            content_type=kind,
            seconds=_lasting(film.seconds),
            width=film.width,
            height=film.height,
            fps=film.fps,
        )
    if not (is_wav(head) or is_mp3(head)):
        raise NotTaken(
            "is neither a PNG, JPEG or WebP picture nor an MP4 or MOV film nor a WAV or MP3 sound"
        )
    _check(size, MOST_SOUND_BYTES)
    if is_wav(head):
        return Recording(content_type="audio/wav", seconds=_lasting(wav_seconds(file, size)))
    file.seek(0)
    return Recording(content_type="audio/mpeg", seconds=_lasting(mp3_seconds(file.read())))


def _check(size: int, most: int) -> None:
    if size > most:
        raise NotTaken(f"is larger than {most // 1024**2} MiB")


def _lasting(seconds: float) -> float:
    if not 0 < seconds < 24 * 3600:
        raise NotTaken("does not say how long it is")
    return seconds
