"""What a finished generation left behind."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One stored picture: true size in pixels, true type, length in bytes, SHA-256 of the stored bytes.

    `number` orders the pictures of a job; `media_id` is unguessable and names it at `/media/{media_id}`.
    """

    media_id: str
    number: int
    item_id: str
    content_type: str
    width: int
    height: int
    size: int
    sha256: str
