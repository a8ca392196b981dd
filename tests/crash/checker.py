"""Whether a history keeps the promises: none lost, none paid twice, what was paid for collected.

Pure. `python -m tests.crash.checker HISTORY` judges a history that was kept.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from typing_extensions import override

from tests.crash.history import (
    Acknowledged,
    Answered,
    Charged,
    Cut,
    Event,
    Excused,
    Fell,
    Files,
    ForeignRead,
    JobRead,
    Killed,
    MediaRead,
    Missing,
    Ordered,
    Planned,
    Ready,
    Refused,
    Stored,
    Taken,
    Totals,
    read,
)

RULES = {
    "R0": "the run was what it was to be",
    "R1": "what was acknowledged is there, for its owner",
    "R2": "a submission is accepted upstream at most once, an order becomes one job",
    "R3": "what was paid for is collected; nothing else may fail than what was not taken",
    "R4": "a job ends once and stays as it ended",
    "R5": "every job ends",
    "R6": "a job and its pictures are its owner's, and whole",
    "R7": "the credits charged are those of the accepted submissions",
}

IN_DOUBT = frozenset({"submitting", "reconciling"})
ENDED = frozenset({"completed", "failed"})
NOT_TAKEN = frozenset({"submission_unconfirmed", "upstream_unreachable"})
"""What a submission may fail with that the upstream never accepted."""
EXCUSES = {"cancelled": "job_cancelled", "overdue": "generation_timeout"}
"""What else it may fail with, if there is a reason."""
MAY_COME_LATE = frozenset({"cancelled", "listed late"})
"""The reasons for which what was paid for may fail, if its pictures are kept when they come."""


@dataclass(frozen=True, slots=True)
class Violation:
    rule: str
    about: str
    text: str

    @override
    @override
    def __str__(self) -> str:
        return f"{self.rule} {self.about}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The violations, and the figures of the run in the order in which they are printed."""

    violations: tuple[Violation, ...]
    figures: dict[str, str]

    @override
    @override
    def __str__(self) -> str:
        width = max(map(len, self.figures))
        lines = [f"{name:<{width}}  {value}" for name, value in self.figures.items()]
        return "\n".join([*lines, "", *map(str, self.violations or ("no violation",))])


class _Book:
    """The events of a history, sorted by what they are about."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events
        self.plan = next(_of(events, Planned), None)
        self.orders = {one.order: one for one in _of(events, Ordered)}
        self.order_of = {one.prompt: one for one in self.orders.values()}
        self.acknowledged = {one.order: one.job for one in _of(events, Acknowledged)}
        self.answers = list(_of(events, Answered))
        self.given_up = {one.order for one in _of(events, Missing)}
        self.given_up |= {one.order for one in _of(events, Refused)}
        self.excused: dict[str, set[str]] = defaultdict(set)
        for excuse in _of(events, Excused):
            self.excused[self.orders[excuse.order].prompt].add(excuse.why)
        readings = list(_of(events, JobRead))
        self.first = {one.job: one for one in readings if one.reading == 1}
        self.second = {one.job: one for one in readings if one.reading == 2}
        self.stored = list(_of(events, Stored))
        self.taken = list(_of(events, Taken))
        self.taken_ids = Counter(one.submit_id for one in self.taken)
        self.taken_of: dict[str, list[Taken]] = defaultdict(list)
        for one in self.taken:
            self.taken_of[one.prompt].append(one)
        self.kills = list(_of(events, Killed))


def check(events: Sequence[Event]) -> Verdict:
    book = _Book(events)
    violations = tuple(
        Violation(rule, about, text) for rule, find in _FINDERS for about, text in find(book)
    )
    return Verdict(violations=violations, figures=_figures(book, violations))


Found = Iterator[tuple[str, str]]


def _run(book: _Book) -> Found:
    if book.plan is None:
        yield "history", "holds no plan"
        return
    kills = sum(one.moment != "last" for one in book.kills)
    if kills != book.plan.kills:
        yield "kills", f"{kills} of {book.plan.kills}"
    if len(book.first) < book.plan.jobs:
        yield "jobs", f"{len(book.first)} of {book.plan.jobs}"
    if not any(one.moment == "last" for one in book.kills):
        yield "kills", "no last one, after which all is read again"
    for fall in _of(book.events, Fell):
        yield f"life {fall.life}", fall.why
    if not any(True for _ in _of(book.events, Totals)):
        yield "ledger", "was not read"
    outcomes = {*book.acknowledged, *book.given_up}
    for order in book.orders.keys() - outcomes:
        yield f"order {order}", "has no known outcome"


def _lost(book: _Book) -> Found:
    for order, job in book.acknowledged.items():
        ordered = book.orders[order]
        for number, reading in ((1, book.first), (2, book.second)):
            seen = reading.get(job)
            if seen is None:
                yield job, f"acknowledged to {ordered.owner} and not there at reading {number}"
            elif seen.prompt != ordered.prompt:
                yield job, f"acknowledged for order {order} and made of {seen.prompt!r}"
    for job in {one.job for one in book.stored} - book.first.keys():
        yield job, "in the database and in nobody's list"
    if book.stored:
        for job in book.first.keys() - {one.job for one in book.stored}:
            yield job, "shown to its owner and not in the database"


def _twice(book: _Book) -> Found:
    for submit_id, times in book.taken_ids.items():
        if times > 1:
            yield submit_id, f"accepted {times} times"
    for one in book.taken:
        if one.double:
            yield one.submit_id, "marked double by the upstream"
    for totals in _of(book.events, Totals):
        if totals.double:
            yield "ledger", f"counts {totals.double} double submissions"
    jobs_of = Counter(one.prompt for one in book.first.values())
    for prompt, number in jobs_of.items():
        if number > 1:
            yield prompt, f"became {number} jobs"
    for job in book.first.values():
        accepted = len(book.taken_of[job.prompt])
        if accepted > len(job.submissions):
            yield (
                job.job,
                f"{accepted} accepted submissions where {len(job.submissions)} were meant",
            )
        order = book.order_of.get(job.prompt)
        if order is not None and order.order in book.given_up:
            yield job.job, f"its caller was told that order {order.order} was not taken"
    owner_of: dict[str, str] = {}
    for job in book.first.values():
        for part in job.submissions:
            other = owner_of.setdefault(part.submit_id, job.job)
            if other != job.job:
                yield part.submit_id, f"belongs to {other} and {job.job}"


def _uncollected(book: _Book) -> Found:
    parts = {part.submit_id: part for job in book.first.values() for part in job.submissions}
    for one in book.taken:
        part = parts.get(one.submit_id)
        if part is None:
            yield one.submit_id, f"paid for ({one.prompt!r}) and no job knows it"
        elif part.state != "completed" and not book.excused[one.prompt] & MAY_COME_LATE:
            yield one.submit_id, f"paid for and {part.state} ({part.code})"
    for job in book.first.values():
        paid = sum(one.pictures for one in book.taken_of[job.prompt])
        if len(job.results) != paid:
            yield job.job, f"{len(job.results)} pictures of {paid} that were paid for"
        allowed = NOT_TAKEN | {EXCUSES.get(why) for why in book.excused[job.prompt]}
        for part in job.submissions:
            if part.submit_id in book.taken_ids:
                continue
            if part.state == "completed":
                yield job.job, f"{part.submit_id} completed, and the upstream never took it"
            elif part.state == "failed" and part.code not in allowed:
                yield job.job, f"{part.submit_id} was never taken, and failed with {part.code}"
        whole = all(part.state == "completed" for part in job.submissions)
        if job.status in ENDED and (job.status == "completed") != whole:
            yield job.job, f"is {job.status}, which its submissions are not"


def _changed(book: _Book) -> Found:
    for job, before in book.first.items():
        after = book.second.get(job)
        if after is None:
            yield job, "was there at reading 1 only"
        elif _end(before) != _end(after):
            yield job, f"was {_end(before)}, then {_end(after)}"
    for job in book.second.keys() - book.first.keys():
        yield job, "was there at reading 2 only"
    for told in book.answers:
        seen = book.first.get(told.job)
        if seen is None:
            continue  # R1 has it
        # What came late is handed over to whoever asks again.
        late = (
            told.code is None
            and bool(told.media)
            and bool(book.excused[seen.prompt] & MAY_COME_LATE)
        )
        same = seen.code == told.code and (seen.status == "failed") == (told.code is not None)
        if not same and not late:
            yield told.job, f"its caller was told {told.code}, and it is {seen.status} {seen.code}"
        if not {*told.media} <= {one.media for one in seen.results}:
            yield told.job, "its caller was given pictures that it does not have"
        asked = book.orders[told.order].count
        if told.code is None and len(told.media) != asked:
            yield told.job, f"its caller was given {len(told.media)} pictures of {asked}"
    for one in book.stored:
        job_seen = book.second.get(one.job)
        states = {part.submit_id: part.state for part in job_seen.submissions} if job_seen else {}
        if states.get(one.submit_id, one.state) != one.state:
            yield one.job, f"{one.submit_id} is {one.state} on the disk"


def _endless(book: _Book) -> Found:
    for job in book.first.values():
        if job.status not in ENDED:
            yield job.job, f"is {job.status} at the deadline"


def _astray(book: _Book) -> Found:
    for job in (*book.first.values(), *book.second.values()):
        order = book.order_of.get(job.prompt)
        if order is None:
            yield job.job, f"is in the list of {job.owner}, and nobody ordered {job.prompt!r}"
        elif order.owner != job.owner:
            yield job.job, f"ordered by {order.owner} and shown to {job.owner}"
    foreign: dict[str, list[ForeignRead]] = defaultdict(list)
    for tried in _of(book.events, ForeignRead):
        foreign[tried.job].append(tried)
        if tried.status != 404:
            yield tried.job, f"{tried.owner}, whose it is not, got {tried.status}"
    for job_id in book.first.keys() - foreign.keys():
        yield job_id, "was never asked for with another key"
    if book.plan is not None:
        for one in book.taken:
            order = book.order_of.get(one.prompt)
            if order is not None and one.session != book.plan.owners[order.owner]:
                yield one.submit_id, f"ordered by {order.owner} and paid by {one.session}"
    yield from _spoilt(book)


def _spoilt(book: _Book) -> Found:
    files = {one.media: one for one in _of(book.events, MediaRead)}
    for job in book.first.values():
        for result in job.results:
            file = files.get(result.media)
            if file is None:
                yield job.job, f"its picture {result.media} was never fetched"
            elif file.status != 200:
                yield job.job, f"its picture {result.media} answered {file.status}"
            elif (file.size, file.sha256) != (result.size, result.sha256):
                yield job.job, f"its picture {result.media} is not the file that was promised"
            elif file.etag != f'"{result.sha256}"':
                yield job.job, f"its picture {result.media} has the ETag {file.etag}"
            elif not file.of_prompt:
                yield job.job, f"its picture {result.media} was made of another prompt"


def _miscounted(book: _Book) -> Found:
    charged: Counter[str] = Counter()
    for one in _of(book.events, Charged):
        charged[one.submit_id] += one.credits
    price: Counter[str] = Counter()
    for taken in book.taken:
        price[taken.submit_id] += taken.price
    for submit_id in charged.keys() | price.keys():
        if charged[submit_id] != price[submit_id]:
            yield submit_id, f"charged {charged[submit_id]} for {price[submit_id]}"
    for totals in _of(book.events, Totals):
        if totals.accepted != len(book.taken):
            yield "ledger", f"counts {totals.accepted} accepted and lists {len(book.taken)}"
        if totals.charged != price.total():
            yield "ledger", f"counts {totals.charged} credits for {price.total()}"


_FINDERS = (
    ("R0", _run),
    ("R1", _lost),
    ("R2", _twice),
    ("R3", _uncollected),
    ("R4", _changed),
    ("R5", _endless),
    ("R6", _astray),
    ("R7", _miscounted),
)


def _end(job: JobRead) -> tuple[object, ...]:
    parts = tuple((part.submit_id, part.state, part.code) for part in job.submissions)
    return job.status, job.code, parts, tuple(one.media for one in job.results)


# -------------------------------------------------------------- figures ----


@dataclass(slots=True)
class _Doubts:
    """Submissions that a kill found between being sent and being answered."""

    met: set[str] = field(default_factory=set)
    adopted: int = 0


def _doubts(book: _Book) -> _Doubts:
    doubts = _Doubts()
    for kill in book.kills:
        doubts.met |= {submit_id for submit_id, state in kill.open.items() if state in IN_DOUBT}
    for job in book.first.values():
        doubts.adopted += sum(
            part.submit_id in doubts.met and part.state == "completed" for part in job.submissions
        )
    return doubts


def _figures(book: _Book, violations: Iterable[Violation]) -> dict[str, str]:
    broken = Counter(one.rule for one in violations)
    jobs = book.first.values()
    failed = Counter(str(job.code) for job in jobs if job.status == "failed")
    moments = Counter(str(one.moment) for one in book.kills if one.moment != "last")
    at_kills = Counter(state for one in book.kills for state in one.open.values())
    doubts = _doubts(book)
    pictures = sum(len(job.results) for job in jobs)
    starts = sorted(one.seconds for one in _of(book.events, Ready))
    files = next((one.count for one in _of(book.events, Files)), 0)
    cut = len({one.order for one in _of(book.events, Cut)})
    return {
        "seed": str(book.plan.seed) if book.plan else "-",
        "kills": f"{moments.total()}{_parts(moments)}",
        "open submissions met by kills": f"{at_kills.total()}{_parts(at_kills)}",
        "orders sent": f"{len(book.orders)} (cut {cut}, not taken and ordered anew {len(book.given_up)})",
        "jobs": f"{len(book.first)} ({sum(len(job.submissions) for job in jobs)} submissions)",
        "acknowledged": str(len(book.acknowledged)),
        "answered while waiting": str(len(book.answers)),
        "completed": f"{sum(job.status == 'completed' for job in jobs)} ({pictures} pictures)",
        "failed": f"{failed.total()}{_parts(failed)}",
        "accepted upstream": str(len(book.taken)),
        "in doubt at a kill": str(len(doubts.met)),
        "adopted after a doubt": str(doubts.adopted),
        "files without a job": str(max(0, files - pictures)),
        "lost": str(broken["R1"]),
        "double": str(broken["R2"]),
        "paid and not collected": str(broken["R3"]),
        "ended twice": str(broken["R4"]),
        "without end": str(broken["R5"]),
        "wrong owner or file": str(broken["R6"]),
        "credits miscounted": str(broken["R7"]),
        "start to ready": f"{starts[len(starts) // 2]:.1f} s in the median" if starts else "-",
        "seconds": f"{max((event.at for event in book.events), default=0):.0f}",
    }


def _parts(counts: Counter[str]) -> str:
    parts = ", ".join(f"{name} {number}" for name, number in counts.most_common())
    return f" ({parts})" if parts else ""


Kind = TypeVar("Kind")


def _of(events: Iterable[object], kind: type[Kind]) -> Iterator[Kind]:
    return (event for event in events if isinstance(event, kind))


if __name__ == "__main__":
    verdict = check(read(Path(sys.argv[1])))
    print(verdict)
    sys.exit(1 if verdict.violations else 0)
