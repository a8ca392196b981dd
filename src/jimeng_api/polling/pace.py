"""When to look at a submission, and when to ask for all of an account's. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jimeng_api.domain.progress import Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Seconds such a job takes from sending to end: few are done before `low` or after `high`."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The figures of the pace, in seconds (`most_ids` apart).

    `step` between looks while a job may end at any moment; `round` at least from the end of a look at an
    account to the next one; `join` is how much earlier than due a job is taken along in a round that happens
    anyway; `slowest` bounds the waits for a job that takes much longer than others did, and `slow_watch`
    those for one that was given up already.
    """

    step: float = 1.06
    round: float = 1.0
    join: float = 0.6
    slowest: float = 30.0
    slow_watch: float = 600.0
    stretch: float = 0.1
    most_ids: int = 50


_CONFIRMING = (2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 90.0, 120.0, 150.0, 180.0)


def next_look(
    pace: Pace,
    expected: Expectation,
    *,
    age: float,
    confirmed: bool,
    looked: bool,
    queue: Queue | None = None,
    given_up: bool = False,
    between: float = 0.0,
) -> float:
    """The age, in seconds since the sending, at which this job is due for its next look.

    `between` is the least pause between two looks for its sake.
    """
    step = max(pace.step, between)
    if not confirmed and not looked and age > _CONFIRMING[0]:
        return age  # in doubt since before a restart: whatever is to be known of it is known by now
    slowest = pace.slow_watch if given_up else pace.slowest
    if not confirmed:
        rarely = age + min(max(pace.slowest, age * pace.stretch), slowest)
        return next((at for at in _CONFIRMING if at > age), rarely)
    if queue is not None and queue.waiting and queue.wait_seconds:
        return age + min(max(queue.wait_seconds / 2, step), pace.slowest)
    start = (
        expected.low + step / 2
    )  # hardly anything ends before `low`: a look at it would be wasted
    if age < start:
        return start
    if not looked:
        return age
    over = max(0.0, age - expected.high)
    return age + min(max(step, over * pace.stretch), slowest)


def next_round(pace: Pace, dues: Iterable[float], *, last: float) -> float | None:
    """When to look at an account's jobs next, given when each is due and when the last look was over."""
    earliest = min(dues, default=None)
    return None if earliest is None else max(earliest, last + pace.round)


def after_trouble(pace: Pace, failures: int) -> float:
    """Seconds to wait after the given number of looks that failed in a row."""
    return float(min(pace.round * 2 ** min(failures, 10), pace.slowest))
