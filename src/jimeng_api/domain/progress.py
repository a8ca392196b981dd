"""How far the upstream has come with one submission, in our words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from jimeng_api.domain.failure import Failure


class Stage(Enum):
    """What the upstream says of a submission as a whole; its pictures may say more."""

    WAITING = "waiting"
    RUNNING = "running"
    PARTIAL = "partial"  # some pictures may be there; more may come
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One result as the upstream offers it: its id, a link that expires, and what is said of its form.

    `width`, `height` are 0 and `format` is empty where the upstream does not say. `preview` marks a link that
    is only a small rendition, used when no full one is offered. `download_url` leads to a better quality than
    `url` does, where there is one. `seconds`, `cover_url`, `has_audio` and `vid` (the id under which the
    upstream keeps it) are those of a film.
    """

    id: str
    url: str
    download_url: str = ""
    width: int = 0
    height: int = 0
    format: str = ""
    preview: bool = False
    kind: Literal["picture", "film"] = "picture"
    seconds: float = 0.0
    cover_url: str = ""
    has_audio: bool = False
    vid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The place in the upstream's line. Times are seconds, None where nothing was said."""

    position: int = 0
    length: int = 0
    waiting: bool = False
    wait_seconds: float | None = None
    run_seconds: float | None = None
    interval_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One look at one submission. `finished_at` is 0 while the upstream has not set it (unix seconds)."""

    submit_id: str
    history_id: str
    stage: Stage
    status: int
    items: tuple[Item, ...] = ()
    total: int = 0
    finished: int = 0
    finished_at: float = 0
    queue: Queue = Queue()
    failure: Failure | None = None
