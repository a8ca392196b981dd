"""Whether a simulation kept the promises. Pure.

What crash tests promise is judged by their own rules; here are those that need the time, the weather and
every request to be known.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import TypeVar

from tests.chaos.facts import Asked, Facts, Life, Sight, Spell
from tests.crash.checker import Verdict, Violation
from tests.crash.checker import check as crash_check
from tests.crash.history import JobRead, Killed, Ordered, Stored, Taken
from tests.simulated.door import GENERATE, PICTURE, POLL

RULES = {
    "C1": "what the upstream took is a submission of a job",
    "C2": "in calm weather what was taken is collected, and nothing fails but what a kill left in doubt, and "
    "what was not sent since risk control had stopped a look at the account",
    "C3": "a job or submission that has ended stays as it ended",
    "C4": "every job ends in its time, or soon after there is an upstream again",
    "C5": "an account is looked at once a second at most",
    "C6": "in an outage the upstream is asked rarely",
    "C7": "what a failed submission says of its credits is true",
    "C8": "a caller who was given fewer pictures was given some of a completed job",
    "C9": "the gateway meets no defect of its own",
    "C10": "what the upstream made is collected, be it late",
    "C11": "an order that is sent again stays the same job",
}

NOT_HERE = frozenset({"R3"})
"""Rules of the crash tests that need an upstream that fails no job: C1, C2, C7 and C10 replace them."""

JOB_SECONDS = 1200.0
GRACE = 1800.0
"""How long after its time a job may go on while gateway and upstream are there: sessions may be signed in
again for a quarter of an hour, and an upstream under maintenance says itself when to come back."""
RISK = (" 1019", " 1021", " -4")
HALT = 2160.0
"""Seconds that an account is left alone after risk control has stopped a look at it, at most."""
SETTLED = 2700.0
"""What was accepted so long before a calm spell ends is collected in it, also by a gateway that was down."""
COLLECTED = 5400.0
"""Seconds of calm after which the result of a job that was given up has been found."""
PATIENT = 300.0
"""Seconds until all waits of an outage are long."""
SELDOM = 24.0
"""Seconds between two looks of an account in an outage: half a minute, drawn a fifth earlier."""
AGAIN = 8
"""Looks that each start of a gateway costs until its waits are long."""
TRIES = 4

Found = Iterator[tuple[str, str]]


class _Book:
    """The facts, sorted by what they are about."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        events = facts.events
        self.orders = {one.prompt: one for one in _of(events, Ordered)}
        self.jobs = [one for one in _of(events, JobRead) if one.reading == 1]
        self.order_of = {job.job: self.orders.get(job.prompt) for job in self.jobs}
        self.stored = {one.submit_id: one for one in _of(events, Stored)}
        self.taken = {one.submit_id for one in _of(events, Taken)}
        self.kills = [one.at for one in _of(events, Killed)]
        self.truths = {one.submit_id: one for one in facts.truths}

    def off(self, at: float) -> float:
        """By how many seconds the time of day was wrong at this moment."""
        return next((jump.off for jump in reversed(self.facts.jumps) if jump.at <= at), 0.0)

    def clock_was_touched(self, since: float, until: float) -> bool:
        """Whether the time of day was wrong, or was set, in this time."""
        return self.off(since) != 0 or any(since <= jump.at <= until for jump in self.facts.jumps)

    def rested(self, owner: str, at: float) -> bool:
        """Whether an account of the owner was left alone when something that began at this moment was due."""
        return any(
            one.path == POLL
            and one.outcome.endswith(RISK)
            and one.account in self.facts.accounts[owner]
            and at - HALT <= one.until <= at + JOB_SECONDS
            for one in self.facts.asked
        )

    def calm(self, at: float) -> bool:
        """Whether what began at this moment could come to its end in calm weather."""
        return any(
            spell.name == "calm" and spell.began <= at and at + SETTLED <= spell.ended
            for spell in self.facts.spells
        ) and not self.clock_was_touched(at - JOB_SECONDS, at + SETTLED)


def check(facts: Facts) -> Verdict:
    own = _Book(facts)
    verdict = crash_check(facts.events)
    violations = [one for one in verdict.violations if one.rule not in NOT_HERE]
    for rule, find in _FINDERS:
        violations += (Violation(rule, about, text) for about, text in find(own))
    return Verdict(violations=tuple(violations), figures=verdict.figures | _figures(facts))


def _figures(facts: Facts) -> dict[str, str]:
    weather: Counter[str] = Counter()
    for spell in facts.spells:
        weather[spell.name] += round((spell.ended - spell.began) / 360)
    return {
        "lives": str(len(facts.lives)),
        "requests": str(len(facts.asked)),
        "clock set": str(len(facts.jumps)),
        "hours": ", ".join(f"{name} {tenths / 10:g}" for name, tenths in weather.most_common()),
        "trace": facts.trace(),
    }


def _astray(book: _Book) -> Found:
    for submit_id in book.truths.keys() - book.stored.keys():
        yield submit_id, "taken by the upstream, and no job knows it"


def _calm(book: _Book) -> Found:
    for job in book.jobs:
        order = book.order_of[job.job]
        results = len(job.results)
        made = 0
        for part in job.submissions:
            truth = book.truths.get(part.submit_id)
            cancelled = part.code == "job_cancelled"
            calm = truth is not None and book.calm(truth.at)
            if calm and part.state != "completed" and not cancelled:
                yield job.job, f"{part.submit_id} was taken in calm weather and {part.code}"
            made += truth.pictures if truth is not None else 0
        if order is None or not book.calm(order.at):
            continue
        if job.status == "completed" and results < made:
            yield job.job, f"has {results} of {made} pictures that were made in calm weather"
        for part in job.submissions:
            killed = any(order.at <= at <= order.at + JOB_SECONDS for at in book.kills)
            doubted = killed and part.code == "submission_unconfirmed"
            rests = part.code == "upstream_risk_control" and book.rested(order.owner, order.at)
            meant = doubted or rests or part.code == "job_cancelled"
            if part.state == "failed" and not meant and part.submit_id not in book.truths:
                yield job.job, f"{part.submit_id} failed in calm weather with {part.code}"


def _changed(book: _Book) -> Found:
    ended: dict[tuple[str, int | None], Sight] = {}
    for sight in book.facts.sights:
        key = (sight.job, sight.number)
        before = ended.get(key)
        what = sight.job if sight.number is None else f"{sight.job} {sight.number}"
        if before is None:
            if sight.ended:
                ended[key] = sight
        elif (before.state, before.code) != (sight.state, sight.code):
            yield (
                what,
                f"{before.state} {before.code} ({before.where}, {before.at:.0f} s), then "
                f"{sight.state} {sight.code} ({sight.where}, {sight.at:.0f} s)",
            )


def _late(book: _Book) -> Found:
    ended = _ends(book.facts)
    part_ids = {job.job: {part.submit_id for part in job.submissions} for job in book.jobs}
    for job, order in book.order_of.items():
        if order is None:
            continue
        end = ended[job]
        due = order.at + JOB_SECONDS
        if book.clock_was_touched(order.at, end):
            # A gateway that starts knows the age of a job by the time of day alone.
            starts = [life.began for life in book.facts.lives if order.at <= life.began <= end]
            due = max([due, *(start + JOB_SECONDS for start in starts)])
        late = _fair(book.facts, due, end)
        if late > GRACE:
            late -= _halted(book.facts, part_ids[job], due, end)
        if late > GRACE:
            yield job, f"ended {end - due:.0f} s after its time, {late:.0f} s of it fair ones"


def _ends(facts: Facts) -> dict[str, float]:
    """When each job was seen to have ended; the end of all where it was not."""
    last = max((one.at for one in facts.events), default=0.0)
    ended: dict[str, float] = defaultdict(lambda: last)
    for sight in facts.sights:
        if sight.number is None and sight.ended:
            ended.setdefault(sight.job, sight.at)
    return ended


def _fair(facts: Facts, since: float, until: float) -> float:
    """Seconds of this time in which a gateway lived and the upstream answered."""
    total = 0.0
    for life in facts.lives:
        start, end = max(since, life.began), min(until, life.ended)
        if start < end:
            total += end - start
            total -= sum(_overlap(spell, start, end) for spell in facts.spells if spell.whole)
    return total


def _halted(facts: Facts, submit_ids: set[str], since: float, until: float) -> float:
    """Seconds of this time in which these were left alone because risk control had spoken."""
    total, halted = 0.0, since
    for one in facts.asked:
        stop = (
            one.outcome.endswith(RISK) and one.path == POLL and not submit_ids.isdisjoint(one.ids)
        )
        if stop and one.at + HALT > halted:
            total += max(0.0, min(until, one.at + HALT) - max(halted, one.at))
            halted = one.at + HALT
    return total


def _overlap(spell: Spell, start: float, end: float) -> float:
    return max(0.0, min(end, spell.ended) - max(start, spell.began))


def _hasty(book: _Book) -> Found:
    for account, looks in _by_account(book.facts.asked, POLL).items():
        for first, second in pairwise(looks):
            if second.at - first.at < 1 - 1e-6:
                yield account, f"looked at {first.at:.2f} s and {second.at:.2f} s"


def _impatient(book: _Book) -> Found:
    facts = book.facts
    for spell in facts.spells:
        start = spell.began + PATIENT
        if not spell.whole or spell.ended <= start:
            continue
        asked = [one for one in facts.asked if start <= one.at < spell.ended]
        lives = sum(_alive(life, spell) for life in facts.lives)
        most = (spell.ended - start) / SELDOM + AGAIN * lives
        for account, looks in _by_account(asked, POLL).items():
            if len(looks) > most:
                yield account, f"{len(looks)} looks in {spell.name} ({most:.0f} are enough)"
        files = Counter(one.ids for one in asked if one.path == PICTURE)
        for file, times in files.items():
            if times > most + TRIES * lives:
                yield "".join(file), f"asked for {times} times in {spell.name}"
        sent = sum(one.path == GENERATE for one in asked)
        meant = sum(
            len(job.submissions)
            for job in book.jobs
            if (order := book.order_of[job.job]) is not None
            and spell.began - JOB_SECONDS <= order.at < spell.ended
        )
        if sent > TRIES * meant:
            yield spell.name, f"{sent} submissions sent where {meant} were meant"


def _alive(life: Life, spell: Spell) -> bool:
    return life.began < spell.ended and life.ended > spell.began


def _by_account(asked: Iterable[Asked], path: str) -> dict[str, list[Asked]]:
    found: dict[str, list[Asked]] = defaultdict(list)
    for one in asked:
        if one.path == path:
            found[one.account].append(one)
    return found


def _untrue(book: _Book) -> Found:
    for claim in book.facts.claims:
        taken = claim.submit_id in book.taken
        if claim.charge == "none" and taken:
            yield claim.job, f"{claim.submit_id} says that it cost nothing, and it was charged"
        if claim.charge == "charged" and not taken:
            yield claim.job, f"{claim.submit_id} says that it was charged, and it was not"


def _short(book: _Book) -> Found:
    jobs = {job.job: job for job in book.jobs}
    for part in book.facts.parts:
        job = jobs.get(part.job)
        if job is None:
            continue  # R1 has it
        if job.status != "completed":
            yield (
                part.job,
                f"its caller was given {len(part.media)} pictures, and it is {job.status}",
            )
        if not {*part.media} <= {one.media for one in job.results}:
            yield part.job, "its caller was given pictures that it does not have"


def _defects(book: _Book) -> Found:
    return (("gateway", defect) for defect in book.facts.defects)


def _uncollected(book: _Book) -> Found:
    facts = book.facts
    end = max((spell.ended for spell in facts.spells), default=0.0)
    ended = _ends(facts)
    for job in book.jobs:
        due: list[str] = []
        for part in job.submissions:
            truth = book.truths.get(part.submit_id)
            if truth is None or not truth.pictures or not truth.open or truth.ready is None:
                continue
            # Whoever begins to follow a job knows its age by the time of day alone: it may seem a day old.
            begins = [life.began for life in facts.lives] + [ended[job.job]]
            aged = any(at > truth.at and book.off(at) > book.off(truth.at) for at in begins)
            if truth.ready + COLLECTED < end and not aged:
                due.append(f"{part.submit_id} ({part.code or part.state})")
        if len(job.results) < len(due):
            yield job.job, f"has {len(job.results)} pictures of {', '.join(due)}"


def _other(book: _Book) -> Found:
    return (("order", stranger) for stranger in book.facts.strangers)


_FINDERS: tuple[tuple[str, Callable[[_Book], Found]], ...] = (
    ("C1", _astray),
    ("C2", _calm),
    ("C3", _changed),
    ("C4", _late),
    ("C5", _hasty),
    ("C6", _impatient),
    ("C7", _untrue),
    ("C8", _short),
    ("C9", _defects),
    ("C10", _uncollected),
    ("C11", _other),
)

Kind = TypeVar("Kind")


def _of(events: Iterable[object], kind: type[Kind]) -> Iterator[Kind]:
    return (event for event in events if isinstance(event, kind))
