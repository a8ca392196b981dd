"""What happened in one simulation, as it was seen from outside the gateway. Times are virtual seconds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from tests.crash.history import Event

End = Literal["killed", "stopped", ""]


@dataclass(slots=True, kw_only=True)
class Asked:
    """A request that the gateway sent to the upstream.

    `outcome` is status and `ret` of the answer, or an error; empty when the gateway died over it.
    """

    at: float
    account: str
    path: str
    ids: tuple[str, ...] = ()
    outcome: str = ""
    until: float = 0.0


@dataclass(slots=True, kw_only=True)
class Life:
    """One gateway, from its start to its end."""

    began: float
    ended: float = float("inf")
    end: End = ""


@dataclass(slots=True, kw_only=True)
class Spell:
    """A time of one weather. In a `whole` outage the upstream answers nothing that could be used."""

    name: str
    began: float
    ended: float = float("inf")
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """The time of day was set: from now on it is wrong by `off`."""

    at: float
    off: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A job, or one of its submissions, as it stood at this moment: on the disk, or told to its owner."""

    at: float
    where: Literal["disk", "told"]
    job: str
    number: int | None = None
    state: str
    code: str | None = None

    @property
    def ended(self) -> bool:
        return self.state in ("completed", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A caller was given fewer pictures than were asked for, and was told so."""

    order: int
    job: str
    media: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a job says of the credits of one of its submissions that failed."""

    job: str
    submit_id: str
    charge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """A submission that the upstream took, when, and when it was done (None: never).

    `open`: whether the upstream would show it to whoever asks for it.
    """

    submit_id: str
    open: bool
    at: float
    ready: float | None
    pictures: int


@dataclass(kw_only=True)
class Facts:
    """`events` are for the rules that crash tests have, the rest for those that only virtual time allows."""

    seed: int
    hours: float
    accounts: dict[str, frozenset[str]] = field(default_factory=dict)
    """Of each owner, as requests name them."""
    events: list[Event] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    spells: list[Spell] = field(default_factory=list)
    jumps: list[Jump] = field(default_factory=list)
    sights: list[Sight] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    """Orders that were sent again and became another job."""
    defects: list[str] = field(default_factory=list)

    def trace(self) -> str:
        """A digest of all that happened: two runs with the same one went the same way."""
        digest = hashlib.sha256()
        for one in self.asked:
            line = (one.at, one.account, one.path, one.ids, one.outcome, one.until)
            digest.update(repr(line).encode())
        digest.update(msgspec.json.Encoder().encode_lines(self.events))
        for sight in self.sights:
            digest.update(repr(sight).encode())
        return digest.hexdigest()
