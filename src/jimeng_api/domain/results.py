"""What a finished generation left behind."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One stored result: true size in pixels, true type, length in bytes, SHA-256 of the stored bytes.

    `number` orders the results of a job; `media_id` is unguessable and names it at `/media/{media_id}`.
    `seconds` is the length of a film, 0 for what does not move, and `vid` its name in the upstream's store.
    """

    media_id: str
    number: int
    item_id: str
    content_type: str
    width: int
    height: int
    size: int
    sha256: str
    seconds: float = 0.0
    vid: str = ""

    @property
    def is_film(self) -> bool:
        return self.content_type.startswith("video/")
