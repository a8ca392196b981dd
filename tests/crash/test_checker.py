"""The checker of crash tests can fail: each promise, broken in a history that was sound before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.crash.checker import check
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
    ResultSeen,
    Started,
    Stored,
    SubmissionSeen,
    Taken,
    Totals,
    read,
    written,
)

Change = Callable[[list[Event]], list[Event]]


def sound() -> list[Event]:
    """One kill over three jobs: one answered, one adopted after a doubt, one that was never taken."""
    job_a = JobRead(
        reading=1,
        owner="us",
        job="job_a",
        prompt="order 1",
        status="completed",
        submissions=[SubmissionSeen(submit_id="a0", state="completed")],
        results=[ResultSeen(media="m1", size=10, sha256="s1")],
    )
    job_b = JobRead(
        reading=1,
        owner="cn",
        job="job_b",
        prompt="order 2",
        status="completed",
        submissions=[
            SubmissionSeen(submit_id="b0", state="completed"),
            SubmissionSeen(submit_id="b1", state="completed"),
        ],
        results=[
            ResultSeen(media="m2", size=20, sha256="s2"),
            ResultSeen(media="m3", size=30, sha256="s3"),
        ],
    )
    code = "submission_unconfirmed"
    job_c = JobRead(
        reading=1,
        owner="cn",
        job="job_c",
        prompt="order 4",
        status="failed",
        code=code,
        submissions=[SubmissionSeen(submit_id="c0", state="failed", code=code)],
    )
    jobs = (job_a, job_b, job_c)
    return [
        Planned(kills=1, jobs=3, seed=1, owners={"us": "usus…ssss", "cn": "cncn…nnnn"}),
        Started(life=1),
        Ready(life=1, seconds=1.5),
        Ordered(order=1, owner="us", form="stream", prompt="order 1", count=1),
        Acknowledged(order=1, job="job_a"),
        Answered(order=1, job="job_a", media=["m1"]),
        Ordered(order=2, owner="cn", form="blocking", prompt="order 2", count=2),
        Ordered(order=3, owner="cn", form="blocking", prompt="order 3", count=1),
        Killed(life=1, moment="working", open={"b0": "submitting", "b1": "running"}),
        Cut(order=2, why="ServerDisconnectedError"),
        Cut(order=3, why="ServerDisconnectedError"),
        Started(life=2),
        Ready(life=2, seconds=1.5),
        Acknowledged(order=2, job="job_b"),
        Missing(order=3),
        Ordered(order=4, owner="cn", form="blocking", prompt="order 4", count=1),
        Acknowledged(order=4, job="job_c"),
        Answered(order=4, job="job_c", code=code),
        *jobs,
        ForeignRead(job="job_a", owner="cn", status=404),
        ForeignRead(job="job_b", owner="us", status=404),
        ForeignRead(job="job_c", owner="us", status=404),
        _file("job_a", "m1", 10, "s1"),
        _file("job_b", "m2", 20, "s2"),
        _file("job_b", "m3", 30, "s3"),
        _taken("a0", "usus…ssss", "order 1"),
        _taken("b0", "cncn…nnnn", "order 2"),
        _taken("b1", "cncn…nnnn", "order 2"),
        Charged(submit_id="a0", credits=2),
        Charged(submit_id="b0", credits=2),
        Charged(submit_id="b1", credits=2),
        Totals(accepted=3, double=0, charged=6),
        Killed(life=2, moment="last"),
        Started(life=3),
        Ready(life=3, seconds=1.5),
        *(replace(job, reading=2) for job in jobs),
        Stored(job="job_a", submit_id="a0", state="completed"),
        Stored(job="job_b", submit_id="b0", state="completed"),
        Stored(job="job_b", submit_id="b1", state="completed"),
        Stored(job="job_c", submit_id="c0", state="failed"),
        Files(count=3),
    ]


def _file(job: str, media: str, size: int, sha256: str) -> MediaRead:
    return MediaRead(
        job=job,
        media=media,
        status=200,
        size=size,
        sha256=sha256,
        etag=f'"{sha256}"',
        of_prompt=True,
    )


def _taken(submit_id: str, session: str, prompt: str) -> Taken:
    return Taken(
        submit_id=submit_id, session=session, prompt=prompt, pictures=1, price=2, double=False
    )


def with_(*events: Event) -> Change:
    return lambda history: [*history, *events]


def without(kind: type[Event], **values: object) -> Change:
    return lambda history: [one for one in history if not _is(one, kind, values)]


def with_other(kind: type[Event], where: Mapping[str, object], **changes: object) -> Change:
    def change(history: list[Event]) -> list[Event]:
        found = [one for one in history if _is(one, kind, where)]
        assert found, "nothing was changed, so nothing would be shown"
        return [replace(one, **changes) if one in found else one for one in history]

    return change


def _is(event: Event, kind: type[Event], values: Mapping[str, object]) -> bool:
    return isinstance(event, kind) and all(
        getattr(event, name) == value for name, value in values.items()
    )


def _states(*parts: tuple[str, str, str | None]) -> list[SubmissionSeen]:
    return [SubmissionSeen(submit_id=name, state=state, code=code) for name, state, code in parts]


def failed(code: str, **results: object) -> Change:
    """The first job fails with the code although it was paid for, and its caller is told so."""
    parts = _states(("a0", "failed", code))

    def change(history: list[Event]) -> list[Event]:
        for one in (
            with_other(JobRead, A, status="failed", code=code, submissions=parts, **results),
            with_other(Answered, A, code=code, media=[]),
            with_other(Stored, A, state="failed"),
        ):
            history = one(history)
        return history

    return change


def broken_rules(history: list[Event]) -> set[str]:
    return {one.rule for one in check(history).violations}


A, B, C = {"job": "job_a"}, {"job": "job_b"}, {"job": "job_c"}


def test_a_sound_history_is_not_blamed() -> None:
    verdict = check(sound())
    assert verdict.violations == ()
    assert verdict.figures["kills"] == "1 (working 1)"
    assert verdict.figures["acknowledged"] == "3"
    assert verdict.figures["completed"] == "2 (3 pictures)"
    assert verdict.figures["failed"] == "1 (submission_unconfirmed 1)"
    assert verdict.figures["accepted upstream"] == "3"
    assert verdict.figures["in doubt at a kill"] == "1"
    assert verdict.figures["adopted after a doubt"] == "1"


def test_a_history_is_the_same_after_it_was_kept(tmp_path: Path) -> None:
    kept = tmp_path / "history.jsonl"
    kept.write_bytes(written(sound()))
    assert list(read(kept)) == sound()


FIRST_A, FIRST_B, FIRST_C = ({**job, "reading": 1} for job in (A, B, C))
UNCONFIRMED = "submission_unconfirmed"


def test_what_was_paid_for_may_come_late_where_there_is_a_reason() -> None:
    taken_back = failed("job_cancelled")(sound())
    assert "R3" in broken_rules(taken_back)
    assert broken_rules([*taken_back, Excused(order=1, why="cancelled")]) == set()
    not_kept = failed("job_cancelled", results=[])(sound())
    assert "R3" in broken_rules([*not_kept, Excused(order=1, why="cancelled")])


@pytest.mark.parametrize(
    ("code", "excuse", "other"),
    [
        ("job_cancelled", Excused(order=4, why="cancelled"), Excused(order=4, why="overdue")),
        ("generation_timeout", Excused(order=4, why="overdue"), Excused(order=4, why="cancelled")),
    ],
)
def test_what_was_never_taken_may_fail_where_there_is_a_reason(
    code: str, excuse: Excused, other: Excused
) -> None:
    told = with_other(Answered, C, code=code)(sound())
    parts = _states(("c0", "failed", code))
    never = with_other(JobRead, C, code=code, submissions=parts)(told)
    assert "R3" in broken_rules(never)
    assert "R3" in broken_rules([*never, other])
    assert broken_rules([*never, excuse]) == set()


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        pytest.param(rule, change, id=name)
        for rule, name, change in (
            ("R0", "a kill is missing", without(Killed, moment="working")),
            ("R0", "there was no last restart", without(Killed, moment="last")),
            ("R0", "there are fewer jobs than planned", with_other(Planned, {}, jobs=4)),
            ("R0", "the gateway fell by itself", with_(Fell(life=2, why="exit code 1"))),
            ("R0", "an order has no outcome", without(Missing, order=3)),
            ("R0", "the ledger was not read", without(Totals)),
            ("R0", "there is no plan", without(Planned)),
            ("R1", "an acknowledged job is gone", without(JobRead, **A)),
            ("R1", "a job is gone after the last restart", without(JobRead, **A, reading=2)),
            ("R1", "a job is another's", with_other(Acknowledged, A, job="job_b")),
            ("R1", "a job is nobody's", with_(Stored(job="job_x", submit_id="x", state="failed"))),
            ("R1", "a job is not on the disk", without(Stored, **A)),
            ("R2", "a submit id was taken twice", with_(_taken("a0", "usus…ssss", "order 1"))),
            ("R2", "a submission was sent under two ids", with_(_taken("a1", "u", "order 1"))),
            (
                "R2",
                "the upstream marks a double",
                with_other(Taken, {"submit_id": "a0"}, double=True),
            ),
            ("R2", "the ledger counts a double", with_other(Totals, {}, double=1)),
            ("R2", "an order became two jobs", with_other(JobRead, C, prompt="order 2")),
            ("R2", "a job came of an order given up", with_other(JobRead, C, prompt="order 3")),
            ("R2", "a job came of a refused order", with_(Refused(order=4, status=503))),
            (
                "R2",
                "two jobs share a submission",
                with_other(JobRead, FIRST_C, submissions=_states(("b0", "failed", UNCONFIRMED))),
            ),
            ("R3", "nobody knows a paid submission", with_(_taken("x", "u", "order 1"))),
            (
                "R3",
                "a paid submission failed",
                with_other(
                    JobRead,
                    FIRST_A,
                    status="failed",
                    code=UNCONFIRMED,
                    submissions=_states(("a0", "failed", UNCONFIRMED)),
                ),
            ),
            ("R3", "a paid picture is missing", with_other(JobRead, FIRST_B, results=[])),
            ("R3", "a job completed unpaid", without(Taken, submit_id="a0")),
            (
                "R3",
                "what was not taken failed for another reason",
                with_other(JobRead, FIRST_C, submissions=_states(("c0", "failed", "server_error"))),
            ),
            (
                "R3",
                "a job failed, its parts did not",
                with_other(JobRead, FIRST_A, status="failed"),
            ),
            ("R4", "a job ended anew", with_other(JobRead, {**A, "reading": 2}, status="failed")),
            ("R4", "a picture was exchanged", with_other(JobRead, {**B, "reading": 2}, results=[])),
            ("R4", "a caller was told failure", with_other(Answered, A, code="server_error")),
            ("R4", "a caller was told success", with_other(Answered, C, code=None)),
            ("R4", "a caller got another's picture", with_other(Answered, A, media=["m2"])),
            ("R4", "a caller got no picture", with_other(Answered, A, media=[])),
            ("R4", "the disk disagrees", with_other(Stored, C, state="reconciling")),
            ("R5", "a job goes on for ever", with_other(JobRead, A, status="in_progress")),
            ("R6", "a job is in a foreign list", with_other(JobRead, A, owner="cn")),
            ("R6", "a job was ordered by nobody", with_other(JobRead, C, prompt="order 9")),
            ("R6", "a stranger saw a job", with_other(ForeignRead, B, status=200)),
            ("R6", "no stranger tried", without(ForeignRead, **B)),
            (
                "R6",
                "another account paid",
                with_other(Taken, {"submit_id": "a0"}, session="cncn…nnnn"),
            ),
            ("R6", "a picture was not fetched", without(MediaRead, media="m1")),
            ("R6", "a picture is not served", with_other(MediaRead, {"media": "m1"}, status=404)),
            ("R6", "a picture is cut", with_other(MediaRead, {"media": "m1"}, size=9)),
            (
                "R6",
                "a picture has other bytes",
                with_other(MediaRead, {"media": "m1"}, sha256="s2"),
            ),
            ("R6", "a picture has another tag", with_other(MediaRead, {"media": "m1"}, etag=None)),
            (
                "R6",
                "a picture is another's",
                with_other(MediaRead, {"media": "m1"}, of_prompt=False),
            ),
            ("R7", "a charge is missing", without(Charged, submit_id="a0")),
            ("R7", "a charge came twice", with_(Charged(submit_id="a0", credits=2))),
            ("R7", "a charge belongs to nothing", with_(Charged(submit_id="x", credits=2))),
            ("R7", "the ledger's sum is another", with_other(Totals, {}, charged=7)),
            ("R7", "the ledger hides a submission", with_other(Totals, {}, accepted=4)),
        )
    ],
)
def test_a_broken_promise_is_found(rule: str, change: Change) -> None:
    assert rule in broken_rules(change(sound()))
