"""What a request starts from: what is kept of a caller's files, and what the upstream has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Material = Literal["image", "video", "audio"]
FinishingTool = Literal["hd", "smart_hd", "outpaint", "repair"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One picture, film or sound of the caller's, whole and checked, in the media store until it is uploaded.

    True type, size in pixels (0 for a sound), length in bytes, SHA-256 of the bytes. `seconds` and `fps` are
    those of a film or a sound. `media_id` names it in the media store only: it is never served.
    """

    media_id: str
    content_type: str
    width: int
    height: int
    size: int
    sha256: str
    seconds: float = 0.0
    fps: float = 0.0

    @property
    def kind(self) -> Material:
        family = self.content_type.partition("/")[0]
        return "video" if family == "video" else "audio" if family == "audio" else "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A picture or film that the upstream made and has: its item in a history record of this account.

    `vid` is what its store of films calls a film; size in pixels and `seconds` are the film's.
    """

    item_id: str
    history_id: str
    account: str
    vid: str = ""
    width: int = 0
    height: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finishing:
    """What is to be done to a finished picture: `origin`, or the request's one input where that is None.

    The margins of `outpaint` are shares of the picture's height (`top`, `bottom`) and width (`left`,
    `right`). The strengths of `smart_hd` lie in 0…1.
    """

    tool: FinishingTool
    origin: Origin | None = None
    top: float = 0.0
    bottom: float = 0.0
    left: float = 0.0
    right: float = 0.0
    original_strength: float = 0.65
    detail_strength: float = 0.65
