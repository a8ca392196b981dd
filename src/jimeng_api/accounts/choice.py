"""Which of the accounts that could take a submission takes it now, if any. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

Kind = Literal["image", "video"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a submission asks of an account: a model, and what that is thought to cost, if anybody knows."""

    kind: Kind
    model: str
    price: int | None = None


class Rest(IntEnum):
    """How far an account is left alone: the higher, the further."""

    NONE = 0
    WAIT = 1  # it is waited for, as where it has no room: soon it may take more
    LAST = (
        2  # it is taken where nothing better is left: only its owner, or its site, can change that
    )
    SHUT = 3  # it is sent nothing at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an account stands to a need at this moment.

    `until` is when it opens again, if it is SHUT. `room` is whether it may take one more now; where it may
    not, `opens` is the earliest moment at which that may change by itself. `running` is what it has in hand
    of this kind. `pays` says whether its credits are enough, None where that is not known; `expires` is when
    the first of them lapse (never: infinite). `trouble` grows with what went wrong lately, `seconds` is how
    long it took lately.
    """

    account: str
    rest: Rest = Rest.NONE
    until: float = 0.0
    room: bool = True
    opens: float | None = None
    running: int = 0
    pays: bool | None = None
    expires: float = math.inf
    trouble: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Take:
    """It goes to this account."""

    account: str


@dataclass(frozen=True, slots=True)
class Wait:
    """It has to wait: until a place gets free, or at least until then."""

    until: float | None


@dataclass(frozen=True, slots=True)
class Shut:
    """No account may be sent anything; this one opens first, then."""

    account: str
    until: float


Verdict = Take | Wait | Shut


def choose(standings: Iterable[Standing]) -> Verdict | None:
    """What becomes of a submission that these accounts could take; None where there is no account.

    A healthy one is waited for rather than that a doubtful one is tried.
    """
    healthy: list[Standing] = []
    doubtful: list[Standing] = []
    shut: list[Standing] = []
    for one in standings:
        if one.rest is Rest.SHUT:
            shut.append(one)
        elif one.rest is Rest.LAST or one.pays is False:
            doubtful.append(one)
        else:
            healthy.append(one)
    for group in (healthy, doubtful):
        if ready := [one for one in group if one.room]:
            return Take(min(ready, key=_rank).account)
        if group:
            opens = [one.opens for one in group if one.opens is not None]
            return Wait(min(opens) if len(opens) == len(group) else None)
    if shut:
        first = min(shut, key=lambda one: one.until)
        return Shut(first.account, first.until)
    return None


def _rank(one: Standing) -> tuple[float, ...]:
    """Who can pay, credits that lapse soonest, what works, the least loaded, the quickest; or the first.

    How quick one is counts only where another takes half as long again.
    """
    pace = round(math.log(one.seconds, 1.5)) if one.seconds > 0 else 0
    return (one.pays is False, one.rest, one.expires, one.trouble, one.running, pace)


def lapsing(amounts: Iterable[tuple[float, float]], *, now: float) -> float:
    """When the first of an account's credits lapse: (amount, moment) pairs; infinite where none do."""
    return min((at for amount, at in amounts if amount > 0 and at > now), default=math.inf)
