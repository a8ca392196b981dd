"""How a simulated job moves on: at once, after some looks, or after some seconds. Pure."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

SUBMITTED = 20
FAILED = 30
THINKING = 42
PARTIAL = 45
SUCCESS = 50

THINKING_FROM = 0.12
PARTIAL_FROM = 0.42
_STUCK_AT = {SUBMITTED: 0.0, THINKING: 0.3, PARTIAL: 0.9}

FOR_EVER = -1


@dataclass(slots=True)
class Ending:
    """What the record says once the run is over."""

    status: int = SUCCESS
    items: int | None = None
    """How many pictures came out; all of them when None."""
    fail_code: Any = ""
    key: str = ""
    message: str = ""


@dataclass(slots=True)
class Plan:
    """The course that a job takes, fixed when it is accepted."""

    count: int
    run_seconds: float
    looks: int = 0
    """Done at the look of this number; 0 when seconds decide."""
    first_status: int = SUBMITTED
    queue_seconds: float = 0.0
    queue_length: int = 0
    hidden_looks: int = 0
    hidden_seconds: float = 0.0
    stuck_at: int | None = None
    stuck_items: int = 0
    grows: bool = False
    """The total becomes known one by one, as in a series."""
    one_by_one: bool = False
    """Pictures are shown as each is finished, and not all at the end."""
    unfinished_looks: int = 0
    unfinished_seconds: float = 0.0
    """All pictures are there, but for so long the record does not say that it is finished."""
    stays_partial: bool = False
    itemless_looks: int = 0
    cover_only: bool = False
    origin_missing: bool = False
    """The record of a film lacks the rendition that is called `origin`."""
    escaped_links: bool = False
    queue_status_zero: bool = False
    ending: Ending = field(default_factory=Ending)

    def wait_first(self, share: float, length: int) -> None:
        """Spend a share of the time in a queue, where the course is not another one already."""
        if self.looks or self.queue_seconds or self.first_status != SUBMITTED:
            return
        self.queue_seconds = self.run_seconds * share
        self.run_seconds -= self.queue_seconds
        self.queue_length = length

    @property
    def made(self) -> int:
        items = self.ending.items
        if items is not None:
            return min(items, self.count)
        return self.count if self.ending.status == SUCCESS else 0

    @property
    def wait_seconds(self) -> float:
        """From acceptance to the end; infinite when it never ends or looks decide."""
        if self.stuck_at is not None or self.looks:
            return float("inf")
        return self.queue_seconds + self.run_seconds


class View(NamedTuple):
    """What one look sees."""

    status: int
    shown: int
    total: int
    finish_time: int
    queue_status: int
    queue_idx: int
    queue_length: int
    queue_seconds: int
    """Seconds of queue that still lie ahead."""
    ended: bool
    final: bool
    """Nothing will change any more."""


def first_view(plan: Plan) -> View:
    """What the answer to the submission itself shows."""
    queued = plan.queue_seconds > 0
    return View(
        status=plan.first_status,
        shown=0,
        total=0,
        finish_time=0,
        queue_status=1 if queued else 2,
        queue_idx=plan.queue_length if queued else 0,
        queue_length=plan.queue_length,
        queue_seconds=round(plan.queue_seconds),
        ended=False,
        final=False,
    )


def view_of(
    plan: Plan,
    *,
    accepted_at: float,
    now: float,
    looks: int,
    late_looks: int,
    ended_at: float | None = None,
) -> View:
    """What a look sees; `looks` counts this one, `late_looks` those that saw the end already."""
    elapsed = now - accepted_at
    if not plan.looks and elapsed < plan.queue_seconds:
        left = 1 - elapsed / plan.queue_seconds
        ahead = round(plan.queue_seconds - elapsed)
        place = max(1, round(plan.queue_length * left))
        return first_view(plan)._replace(
            status=SUBMITTED, queue_idx=place, queue_seconds=ahead, queue_status=1
        )
    part = _part_done(plan, elapsed, looks)
    if part < 1:
        return _running(plan, part)
    if ended_at is None:
        ended_at = now if plan.looks else accepted_at + plan.queue_seconds + plan.run_seconds
    return _ended(plan, ended_at, now, late_looks)


def _part_done(plan: Plan, elapsed: float, looks: int) -> float:
    if plan.looks:
        part = min(1.0, looks / plan.looks)
    elif plan.run_seconds > 0:
        part = min(1.0, (elapsed - plan.queue_seconds) / plan.run_seconds)
    else:
        part = 1.0
    if plan.stuck_at is not None:
        part = min(part, _STUCK_AT.get(plan.stuck_at, 0.9))
    return part


def _running(plan: Plan, part: float) -> View:
    stuck = plan.stuck_at is not None and part >= _STUCK_AT.get(plan.stuck_at, 0.9)
    if stuck and plan.stuck_at is not None:
        status = plan.stuck_at
    elif part >= PARTIAL_FROM:
        status = PARTIAL
    elif part >= THINKING_FROM or plan.first_status == THINKING:
        status = THINKING
    else:
        status = SUBMITTED
    total, shown = (0 if status == SUBMITTED else plan.count), 0
    if plan.grows and total:
        total = 1 + int((plan.count - 1) * part)
        shown = max(0, total - 1) if status == PARTIAL else 0
    elif plan.one_by_one and status == PARTIAL:
        shown = int(plan.made * (part - PARTIAL_FROM) / (1 - PARTIAL_FROM))
    if stuck:
        shown = min(plan.stuck_items, plan.count)
    return View(status, shown, total, 0, 2, 0, 0, 0, ended=False, final=False)


def _ended(plan: Plan, ended_at: float, now: float, late_looks: int) -> View:
    ending = plan.ending
    good = ending.status == SUCCESS
    full = View(
        status=PARTIAL if plan.stays_partial and good else ending.status,
        shown=plan.made,
        total=plan.made if good else plan.count,
        finish_time=int(ended_at) or 1,
        queue_status=3,
        queue_idx=0,
        queue_length=0,
        queue_seconds=0,
        ended=True,
        final=True,
    )
    if late_looks < plan.unfinished_looks or now < ended_at + plan.unfinished_seconds:
        return full._replace(status=PARTIAL, finish_time=0, final=False)
    if plan.itemless_looks == FOR_EVER:
        return full._replace(shown=0)
    if late_looks < plan.itemless_looks:
        return full._replace(shown=0, final=False)
    return full
