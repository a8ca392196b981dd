"""What happened in a crash test, one event a line: written by the harness, judged by the checker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

Moment = Literal["starting", "recovering", "working", "last"]
Form = Literal["blocking", "stream"]


class Happening(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """`at`: seconds since the test began."""

    at: float = 0.0


# ---------------------------------------------------------- the gateway ----


class Planned(Happening, frozen=True, kw_only=True, tag="planned"):
    """What the run was to do; `owners` maps a caller's name to its session as the upstream masks it."""

    kills: int
    jobs: int
    seed: int
    owners: dict[str, str]


class Started(Happening, frozen=True, kw_only=True, tag="started"):
    life: int


class Ready(Happening, frozen=True, kw_only=True, tag="ready"):
    life: int
    seconds: float


class Killed(Happening, frozen=True, kw_only=True, tag="killed"):
    """`open` holds the submissions that had not ended on the disk, by submit id, with their states."""

    life: int
    moment: Moment
    open: dict[str, str] = {}


class Fell(Happening, frozen=True, kw_only=True, tag="fell"):
    """The gateway ended, or did not become ready, without having been killed."""

    life: int
    why: str


# -------------------------------------------------------------- callers ----


class Ordered(Happening, frozen=True, kw_only=True, tag="ordered"):
    """A request of a caller. Its prompt is its own, so job and submissions can be told by it."""

    order: int
    owner: str
    form: Form
    prompt: str
    count: int


class Acknowledged(Happening, frozen=True, kw_only=True, tag="acknowledged"):
    """The caller was given the id of a job: from now on it may not be lost."""

    order: int
    job: str


class Excused(Happening, frozen=True, kw_only=True, tag="excused"):
    """The order may fail although nothing went wrong upstream.

    Its caller took it back, or the upstream told nothing of it for longer than the gateway waits: then its
    pictures are to be kept when they come. Or its time was over before anything of it was sent.
    """

    order: int
    why: Literal["cancelled", "listed late", "overdue"]


class Answered(Happening, frozen=True, kw_only=True, tag="answered"):
    """The caller was told the end: pictures (by media id), or the code of an error."""

    order: int
    job: str
    code: str | None = None
    media: list[str] = []


class Refused(Happening, frozen=True, kw_only=True, tag="refused"):
    """An answer that names no job: nothing was taken, the caller may order anew."""

    order: int
    status: int
    code: str | None = None


class Cut(Happening, frozen=True, kw_only=True, tag="cut"):
    order: int
    why: str


class Missing(Happening, frozen=True, kw_only=True, tag="missing"):
    """Cut before an acknowledgement, and not in the list afterwards: the caller may order anew."""

    order: int


# ------------------------------------------------------- what was found ----


class SubmissionSeen(msgspec.Struct, frozen=True, kw_only=True):
    submit_id: str
    state: str
    code: str | None = None


class ResultSeen(msgspec.Struct, frozen=True, kw_only=True):
    media: str
    size: int
    sha256: str


class JobRead(Happening, frozen=True, kw_only=True, tag="job"):
    """A job as its owner sees it; `reading` 2 comes after yet another kill."""

    reading: Literal[1, 2]
    owner: str
    job: str
    prompt: str
    status: str
    code: str | None = None
    submissions: list[SubmissionSeen] = []
    results: list[ResultSeen] = []


class ForeignRead(Happening, frozen=True, kw_only=True, tag="foreign"):
    job: str
    owner: str
    status: int


class MediaRead(Happening, frozen=True, kw_only=True, tag="media"):
    """A result as it was downloaded; `of_prompt`: whether the picture was made from its job's prompt."""

    job: str
    media: str
    status: int
    size: int
    sha256: str
    etag: str | None
    of_prompt: bool


class Stored(Happening, frozen=True, kw_only=True, tag="stored"):
    """A submission in the database of the gateway, at the end."""

    job: str
    submit_id: str
    state: str


class Files(Happening, frozen=True, kw_only=True, tag="files"):
    """How many files the media store holds at the end."""

    count: int


# ---------------------------------------------- the truth of the upstream ----


class Taken(Happening, frozen=True, kw_only=True, tag="taken"):
    """A submission that the upstream accepted and was paid for."""

    submit_id: str
    session: str
    prompt: str
    pictures: int
    price: int
    double: bool


class Charged(Happening, frozen=True, kw_only=True, tag="charged"):
    submit_id: str
    credits: int


class Totals(Happening, frozen=True, kw_only=True, tag="totals"):
    accepted: int
    double: int
    charged: int


Event = (
    Planned
    | Started
    | Ready
    | Killed
    | Fell
    | Ordered
    | Acknowledged
    | Excused
    | Answered
    | Refused
    | Cut
    | Missing
    | JobRead
    | ForeignRead
    | MediaRead
    | Stored
    | Files
    | Taken
    | Charged
    | Totals
)

_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def written(events: Iterable[Event]) -> bytes:
    return msgspec.json.Encoder().encode_lines(events)


def read(path: Path) -> Sequence[Event]:
    return _decoder.decode_lines(path.read_bytes())
