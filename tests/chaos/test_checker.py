"""The checker of the simulation can fail: each promise, broken in facts that were sound before."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from tests.chaos.checker import RULES, check
from tests.chaos.facts import Asked, Claim, Facts, Jump, Life, Part, Sight, Spell, Truth
from tests.crash.history import (
    Acknowledged,
    Answered,
    Charged,
    Cut,
    Event,
    Files,
    ForeignRead,
    JobRead,
    Killed,
    MediaRead,
    Ordered,
    Planned,
    ResultSeen,
    Stored,
    SubmissionSeen,
    Taken,
    Totals,
)
from tests.simulated.door import GENERATE, PICTURE, POLL

UNCONFIRMED = "submission_unconfirmed"
UNREACHABLE = "upstream_unreachable"


@dataclasses.dataclass(frozen=True)
class Case:
    """A job of these facts; `made` is how many pictures the upstream made, None when it took nothing."""

    name: str
    owner: str
    at: float
    end: float
    code: str | None = None
    count: int = 1
    made: int | None = 1

    @property
    def state(self) -> str:
        return "failed" if self.code else "completed"

    @property
    def media(self) -> list[str]:
        return [] if self.code else [f"{self.name}-{place}" for place in range(self.made or 0)]


CASES = (
    Case("calm", "us", 100, 120),
    Case("doubt", "cn", 4_999, 5_200, code=UNCONFIRMED, made=None),
    Case("nobody", "cn", 21_000, 21_010, code=UNREACHABLE, made=None),
    Case("few", "us", 31_000, 31_100, count=4, made=2),
    Case("lost", "us", 32_000, 32_020, code="generation_failed", made=0),
)


def sound() -> Facts:
    """Calm, an outage, trouble, and calm; one kill, which left a submission in doubt."""
    accounts = {"us": frozenset({"u"}), "cn": frozenset({"c"})}
    facts = Facts(seed=1, hours=15, accounts=accounts)
    facts.spells = [
        Spell(name="calm", began=0, ended=20_000),
        Spell(name="outage", began=20_000, ended=30_000, whole=True),
        Spell(name="flaky", began=30_000, ended=40_000),
        Spell(name="calm", began=40_000, ended=50_000),
    ]
    facts.lives = [Life(began=0, ended=5_000, end="killed"), Life(began=5_010, ended=50_000)]
    facts.asked = [_look(111), _look(112.1), _look(113.2)]
    facts.asked += [Asked(at=21_000 + again, account="c", path=GENERATE) for again in range(3)]
    facts.asked += [_look(20_400 + 30.0 * number) for number in range(300)]
    facts.claims = [
        Claim(job="job doubt", submit_id="doubt", charge="unknown"),
        Claim(job="job nobody", submit_id="nobody", charge="none"),
        Claim(job="job lost", submit_id="lost", charge="charged"),
    ]
    facts.events = [Planned(kills=1, jobs=1, seed=1, owners={"us": "us", "cn": "cn"})]
    for order, case in enumerate(CASES):
        _add(facts, order, case)
    facts.events += [
        Killed(at=5_000, life=1, moment="working", open={"doubt": "submitting"}),
        Totals(accepted=3, double=0, charged=3),
        Killed(at=50_000, life=2, moment="last"),
        *(replace(one, reading=2) for one in facts.events if isinstance(one, JobRead)),
        *(Stored(job=f"job {one.name}", submit_id=one.name, state=one.state) for one in CASES),
        Files(at=50_000, count=3),
    ]
    return facts


def _look(at: float) -> Asked:
    return Asked(at=at, account="u", path=POLL, ids=("calm",), outcome="200 0")


def _add(facts: Facts, order: int, case: Case) -> None:
    """The job, as its caller, the disk and the upstream saw it."""
    job, prompt = f"job {case.name}", f"order {order}"
    facts.events += [
        Ordered(
            at=case.at,
            order=order,
            owner=case.owner,
            form="blocking",
            prompt=prompt,
            count=case.count,
        ),
        Acknowledged(order=order, job=job),
        JobRead(
            reading=1,
            owner=case.owner,
            job=job,
            prompt=prompt,
            status=case.state,
            code=case.code,
            submissions=[SubmissionSeen(submit_id=case.name, state=case.state, code=case.code)],
            results=[ResultSeen(media=media, size=1, sha256="s") for media in case.media],
        ),
        ForeignRead(job=job, owner="cn" if case.owner == "us" else "us", status=404),
        *(_file(job, media) for media in case.media),
    ]
    if case.code is None and len(case.media) < case.count:
        facts.parts.append(Part(order=order, job=job, media=tuple(case.media)))
    else:
        facts.events.append(Answered(order=order, job=job, code=case.code, media=case.media))
    for number in (None, 0):
        sight = Sight(
            at=case.end, where="disk", job=job, number=number, state=case.state, code=case.code
        )
        told = dataclasses.replace(sight, at=case.end + 10, where="told")
        facts.sights += [dataclasses.replace(told, at=case.at + 1, state="running", code=None)]
        facts.sights += [sight, told]
    if case.made is not None:
        facts.events += [
            Taken(
                submit_id=case.name,
                session=case.owner,
                prompt=prompt,
                pictures=case.made,
                price=1,
                double=False,
            ),
            Charged(submit_id=case.name, credits=1),
        ]
        facts.truths.append(
            Truth(
                submit_id=case.name,
                open=True,
                at=case.at,
                ready=case.at + 12,
                pictures=case.made,
            )
        )


def _file(job: str, media: str) -> MediaRead:
    return MediaRead(
        job=job, media=media, status=200, size=1, sha256="s", etag='"s"', of_prompt=True
    )


# ------------------------------------------------------------------ changes ----

Change = Callable[[Facts], None]


def read_as(name: str, **changes: Any) -> Change:
    """The job is another one at both readings."""

    def change(facts: Facts) -> None:
        facts.events = [
            replace(one, **changes)
            if isinstance(one, JobRead) and one.job == f"job {name}"
            else one
            for one in facts.events
        ]

    return change


def failed(name: str, code: str) -> Change:
    """The job failed so, and everybody says so."""
    parts = [SubmissionSeen(submit_id=name, state="failed", code=code)]

    def change(facts: Facts) -> None:
        job = f"job {name}"
        read_as(name, status="failed", code=code, submissions=parts, results=[])(facts)
        facts.events = [_failed(one, job, code) for one in facts.events]
        facts.sights = [
            dataclasses.replace(one, state="failed", code=code)
            if one.job == job and one.ended
            else one
            for one in facts.sights
        ]

    return change


def _failed(event: Event, job: str, code: str) -> Event:
    match event:
        case Answered() if event.job == job:
            return replace(event, code=code, media=[])
        case Stored() if event.job == job:
            return replace(event, state="failed")
    return event


def also(*found: object) -> Change:
    """This was seen as well."""

    def change(facts: Facts) -> None:
        for one in found:
            match one:
                case Asked():
                    facts.asked.append(one)
                    facts.asked.sort(key=lambda asked: asked.at)
                case Sight():
                    facts.sights.append(one)
                case Claim():
                    facts.claims = [each for each in facts.claims if each.job != one.job]
                    facts.claims.append(one)
                case Truth():
                    facts.truths.append(one)
                case Part():
                    facts.parts = [one]
                case _:
                    assert isinstance(one, Event)
                    facts.events.append(one)

    return change


def ended_at(name: str, at: float) -> Change:
    """The job was seen to end at another time."""

    def change(facts: Facts) -> None:
        facts.sights = [
            dataclasses.replace(one, at=at) if one.job == f"job {name}" and one.ended else one
            for one in facts.sights
        ]

    return change


def without(kind: type[Event]) -> Change:
    def change(facts: Facts) -> None:
        facts.events = [one for one in facts.events if not isinstance(one, kind)]

    return change


def all_of(*changes: Change) -> Change:
    def change(facts: Facts) -> None:
        for one in changes:
            one(facts)

    return change


def set_clock(at: float, off: float) -> Change:
    return lambda facts: facts.jumps.append(Jump(at=at, off=off))


def broken(*changes: Change) -> set[str]:
    facts = sound()
    all_of(*changes)(facts)
    return {one.rule for one in check(facts).violations}


# -------------------------------------------------------------------- tests ----


def test_sound_facts_are_not_blamed() -> None:
    assert check(sound()).violations == ()


PLANTED: tuple[tuple[str, str, Change], ...] = (
    ("R1", "a job is gone", without(JobRead)),
    (
        "R2",
        "a submission was taken twice",
        also(
            Taken(
                submit_id="calm", session="us", prompt="order 0", pictures=1, price=1, double=True
            )
        ),
    ),
    ("R4", "a caller was told something else", also(Answered(order=0, job="job calm", code="x"))),
    ("R5", "a job did not end", read_as("few", status="in_progress")),
    ("R6", "a job was shown to another", also(ForeignRead(job="job calm", owner="cn", status=200))),
    ("R7", "credits were charged twice", also(Charged(submit_id="calm", credits=1))),
    (
        "C1",
        "the upstream took what no job knows",
        also(Truth(submit_id="x", open=False, at=31_000, ready=None, pictures=0)),
    ),
    (
        "C2",
        "a submission that was taken in calm weather failed",
        failed("calm", "job_lost_upstream"),
    ),
    (
        "C2",
        "a picture that was made in calm weather is missing",
        lambda facts: facts.truths.__setitem__(0, dataclasses.replace(facts.truths[0], pictures=2)),
    ),
    ("C2", "calm weather, and no kill to blame", failed("doubt", UNREACHABLE)),
    (
        "C3",
        "a job that had failed runs again",
        also(Sight(at=40_000, where="told", job="job lost", state="running")),
    ),
    (
        "C3",
        "a submission failed for another reason later",
        also(
            Sight(at=40_000, where="disk", job="job lost", number=0, state="failed", code="other")
        ),
    ),
    ("C4", "a job went on for hours in calm weather", ended_at("calm", 4_000)),
    ("C4", "a job went on after an outage", ended_at("nobody", 33_000)),
    ("C5", "two looks at once", also(_look(112.9))),
    (
        "C5",
        "a look that renewed a link came too early",
        also(Asked(at=113.5, account="", path=PICTURE, ids=("/tos-1",)), _look(113.7)),
    ),
    ("C6", "many looks in an outage", also(*(_look(20_415 + 30.0 * at) for at in range(300)))),
    (
        "C6",
        "a paid request again and again in an outage",
        also(*(Asked(at=22_000 + at, account="c", path=GENERATE) for at in range(10))),
    ),
    (
        "C6",
        "a file asked for again and again in an outage",
        also(
            *(Asked(at=22_000 + at, account="", path=PICTURE, ids=("/tos-1",)) for at in range(500))
        ),
    ),
    (
        "C7",
        "free of charge, and charged",
        also(Claim(job="job lost", submit_id="lost", charge="none")),
    ),
    (
        "C7",
        "charged, and not so",
        also(Claim(job="job doubt", submit_id="doubt", charge="charged")),
    ),
    (
        "C8",
        "a caller was given what is not the job's",
        also(Part(order=3, job="job few", media=("calm-0",))),
    ),
    ("C9", "a defect was logged", lambda facts: facts.defects.append("it broke")),
    (
        "C10",
        "what was made after the time was never collected",
        all_of(
            failed("few", "generation_timeout"),
            lambda facts: facts.parts.clear(),
        ),
    ),
    (
        "C10",
        "a session died, and was signed in again, and nothing came of it",
        all_of(
            failed("few", "upstream_session_expired"),
            lambda facts: facts.parts.clear(),
            lambda facts: facts.spells.insert(
                3, Spell(name="signed out", began=31_000, ended=33_000)
            ),
        ),
    ),
    ("C11", "an order became two jobs", lambda facts: facts.strangers.append("order 1")),
)


@pytest.mark.parametrize(
    ("rule", "change"), [pytest.param(rule, change, id=name) for rule, name, change in PLANTED]
)
def test_a_broken_promise_is_seen(rule: str, change: Change) -> None:
    assert rule in broken(change)


def test_every_rule_of_the_simulation_is_shown_to_fail() -> None:
    assert {rule for rule, _, _ in PLANTED} >= RULES.keys()


# What is excused is excused for its reason alone: without it, the same facts are blamed.


def test_a_kill_may_leave_a_doubt_and_nothing_else_may() -> None:
    def later(facts: Facts) -> None:
        facts.events = [
            replace(one, at=9_000) if isinstance(one, Killed) and one.moment != "last" else one
            for one in facts.events
        ]

    assert broken() == set()
    assert broken(later) == {"C2"}


def test_a_job_may_wait_for_the_end_of_an_outage() -> None:
    assert broken(ended_at("nobody", 31_500)) == set()


def test_a_job_may_wait_while_risk_control_has_spoken() -> None:
    late = ended_at("few", 31_000 + 1_200 + 3_000)
    spoke = dataclasses.replace(_look(32_100), ids=("few",), outcome="200 1019")
    assert broken(late) == {"C4"}
    assert broken(late, also(spoke)) == set()


def test_nothing_need_be_sent_while_risk_control_has_spoken() -> None:
    refused = failed("doubt", "upstream_risk_control")
    free = also(Claim(job="job doubt", submit_id="doubt", charge="none"))
    spoke = Asked(at=4_000, account="c", path=POLL, outcome="200 1019", until=4_000.2)
    assert broken(refused, free) == {"C2"}
    assert broken(refused, free, also(dataclasses.replace(spoke, account="u"))) == {"C2"}
    assert broken(refused, free, also(dataclasses.replace(spoke, path=GENERATE))) == {"C2"}
    assert broken(refused, free, also(spoke)) == set()


def test_a_gateway_that_starts_while_the_clock_is_wrong_may_take_a_job_for_old() -> None:
    late = all_of(failed("few", "generation_timeout"), lambda facts: facts.parts.clear())
    start = [Life(began=35_000, ended=50_000)]
    assert broken(late, lambda facts: facts.lives.extend(start)) == {"C10"}
    assert (
        broken(late, set_clock(34_000, 86_400.0), lambda facts: facts.lives.extend(start)) == set()
    )


def test_the_same_facts_have_the_same_trace_and_others_another() -> None:
    other = sound()
    other.asked[0].at += 0.001
    assert sound().trace() == sound().trace() != other.trace()


def test_an_order_that_was_cut_needs_no_answer() -> None:
    facts = sound()
    facts.events = [
        Cut(order=one.order, why="hung up") if isinstance(one, Answered) and one.order == 0 else one
        for one in facts.events
    ]
    assert check(facts).violations == ()
