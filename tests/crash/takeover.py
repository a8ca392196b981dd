"""What was asked of two gateways when one of them went, what was measured, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from tests.crash.checker import Verdict, Violation, check
from tests.crash.history import Event

Name = Literal["a", "b"]
How = Literal["kill", "stop", "cut"]
BOTH: tuple[Name, Name] = ("a", "b")

TAKEOVER_SECONDS = 10.0
"""How long after the death of a gateway each of its jobs may wait for the first look by another one."""

LEASE_SECONDS = 15.0
"""How long a gateway that says nothing keeps its accounts."""

LEAST_BETWEEN_LOOKS = 0.9
"""Seconds from a look at an account to the next: one, of which a busy machine may take a tenth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Times are seconds. `job` is how long the upstream takes for a job, `answer` how late it answers half of
    the submissions. So many `fresh` jobs are ordered, beyond the others, just before the gateway goes, or
    between the `cuts`.
    """

    jobs: int
    accounts: int
    fresh: int
    seed: int
    how: How = "kill"
    job: tuple[float, float] = (35.0, 50.0)
    answer: float = 0.25
    confirmation: float = 30.0
    cuts: int = 8
    frozen: float = LEASE_SECONDS + TAKEOVER_SECONDS
    settle: float = 120.0
    total: float = 300.0


@dataclass(slots=True)
class Measured:
    """`waited`: by submission that was in flight when the gateway went, the seconds until it was looked at.

    `held` is how many accounts each gateway had at that moment; times are unix seconds.
    """

    held: dict[str, int] = field(default_factory=dict)
    in_flight: int = 0
    waited: dict[str, float] = field(default_factory=dict)
    never: list[str] = field(default_factory=list)
    taken_at: float = 0.0
    looked: dict[str, list[float]] = field(default_factory=dict)


def judged(plan: Plan, events: Sequence[Event], measured: Measured) -> Verdict:
    """What the checker says of every crash, and what is asked of two gateways in addition."""
    verdict = check(events)
    more = tuple(Violation("T", about, text) for about, text in _unlike_one(plan, measured))
    waited = sorted(measured.waited.values())
    gaps = _gaps(measured)
    happened = {
        "kill": "a was killed",
        "stop": f"a was stopped for {plan.frozen:g} s",
        "cut": f"{plan.cuts} times the connections of one were cut",
    }
    figures = {
        "what happened": happened[plan.how],
        "accounts held then": ", ".join(f"{name} {n}" for name, n in sorted(measured.held.items())),
        "submissions in flight then": str(measured.in_flight),
        "seconds to the next look": (
            f"{waited[len(waited) // 2]:.1f} in the median, {waited[-1]:.1f} at most"
            if waited
            else "-"
        ),
        "seconds between looks at an account": (
            f"{min(gaps.before):.2f} at least before, {min(gaps.across):.2f} at the change, "
            f"{min(gaps.after):.2f} after; {LEAST_BETWEEN_LOOKS:g} are asked for"
        ),
    }
    return replace(verdict, violations=verdict.violations + more, figures=verdict.figures | figures)


def _unlike_one(plan: Plan, measured: Measured) -> Iterator[tuple[str, str]]:
    for replica in BOTH:
        if not measured.held.get(replica):
            yield replica, "held no account when it was to be taken away or to take over"
    if measured.in_flight < plan.jobs:
        yield "jobs", f"only {measured.in_flight} were in flight when a gateway was taken away"
    allowed = TAKEOVER_SECONDS + (LEASE_SECONDS if plan.how == "stop" else 0.0)
    for submit_id, seconds in measured.waited.items():
        if seconds > allowed:
            yield submit_id, f"was looked at {seconds:.1f} s after its gateway went"
    for submit_id in measured.never:
        yield submit_id, "was not looked at any more"
    if not measured.looked:
        yield "looks", "were not counted"
    for account, times in measured.looked.items():
        for first, second in pairwise(times):
            if second - first < LEAST_BETWEEN_LOOKS:
                at = second - measured.taken_at
                yield (
                    account,
                    f"was looked at again after {second - first:.2f} s, {at:+.1f} s from the change",
                )


@dataclass(slots=True)
class _Gaps:
    before: list[float] = field(default_factory=lambda: [float("inf")])
    across: list[float] = field(default_factory=lambda: [float("inf")])
    after: list[float] = field(default_factory=lambda: [float("inf")])


def _gaps(measured: Measured) -> _Gaps:
    gaps = _Gaps()
    for times in measured.looked.values():
        for one, other in pairwise(times):
            if other <= measured.taken_at:
                gaps.before.append(other - one)
            elif one <= measured.taken_at:
                gaps.across.append(other - one)
            else:
                gaps.after.append(other - one)
    return gaps
