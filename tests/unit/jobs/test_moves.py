"""Where a submission may go, and above all where it may not."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jimeng_api.domain.errors import JobCancelled, OutOfCredits, SubmissionUnconfirmed
from jimeng_api.domain.failure import UNKNOWN_CHARGE, Failure
from jimeng_api.domain.results import Picture
from jimeng_api.jobs.job import MOVES, PER_SUBMISSION, IllegalMove, Job, State, Submission
from tests.machines.profile import run
from tests.unit.jobs.made import (
    FAILURE,
    MOVE,
    REQUEST,
    TIMED_OUT,
    a_job,
    a_part,
    a_picture,
    given_up,
    in_state,
)

SENT = (State.RUNNING, State.RECONCILING)


@pytest.mark.parametrize(("start", "end"), list(product(State, State)))
def test_only_the_moves_of_the_table_are_possible(start: State, end: State) -> None:
    part = in_state(start)
    if end in MOVES[start]:
        assert MOVE[end](part).state is end
    else:
        with pytest.raises(IllegalMove, match=f"{start.value} → {end.value}"):
            MOVE[end](part)


def test_nothing_leads_from_a_sent_state_back_to_the_start() -> None:
    def reached(start: State) -> set[State]:
        found: set[State] = set()
        left = [start]
        while left:
            for state in MOVES[left.pop()] - found:
                found.add(state)
                left.append(state)
        return found

    for state in SENT:
        assert reached(state).isdisjoint({State.ACCEPTED, State.SUBMITTING})
    for state in State:
        assert bool(MOVES[state]) != state.ended


@pytest.mark.parametrize(("account", "kept"), [("a", ("u",)), ("b", ())])
def test_what_was_uploaded_to_one_account_is_no_others(account: str, kept: tuple[str, ...]) -> None:
    part = replace(in_state(State.ACCEPTED), account="a", uploads=("u",))
    placed = part.placed(site="us", account=account)
    assert (placed.site, placed.account, placed.uploads) == ("us", account, kept)


def test_a_refused_submission_begins_anew_elsewhere_with_nothing_of_the_last_attempt() -> None:
    part = in_state(State.SUBMITTING).refused(
        submit_id="another", site="us", account="b", refused_by=("a",)
    )
    assert (part.submit_id, part.attempt, part.open) == ("another", 1, True)
    assert (part.site, part.account, part.refused_by) == ("us", "b", ("a",))
    assert (part.digest, part.sent_at, part.history_id) == (None,) * 3


@pytest.mark.parametrize(("account", "kept"), [("a" * 32, ("tos-1", "tos-2")), ("b" * 32, ())])
def test_what_was_uploaded_serves_its_own_account_only(account: str, kept: tuple[str, ...]) -> None:
    part = a_part(account="a" * 32).uploaded(["tos-1", "tos-2"])
    again = part.submitting(digest="d", at=1.0).refused(
        submit_id="another", site="cn", account=account, refused_by=()
    )
    assert again.uploads == kept


@pytest.mark.parametrize("state", [state for state in State if state is not State.ACCEPTED])
def test_nothing_is_uploaded_for_what_was_sent_or_has_ended(state: State) -> None:
    with pytest.raises(IllegalMove):
        in_state(state).uploaded(["tos-1"])


# ------------------------------------------------------- after it was given up ----


@pytest.mark.parametrize("to", State)
def test_a_submission_that_was_given_up_has_ended_for_good_and_is_still_watched(to: State) -> None:
    part = given_up()
    assert (part.state, part.open) == (State.FAILED, True)
    moved = {State.RUNNING, State.COMPLETED}  # which only mean here that it was listed, or came
    if to in moved:
        assert MOVE[to](part).state is State.FAILED
    else:
        with pytest.raises(IllegalMove):
            MOVE[to](part)


def test_a_result_that_comes_late_ends_the_watching_and_changes_no_verdict() -> None:
    part = given_up(State.RECONCILING).listed("h")
    assert (part.history_id, part.open) == ("h", True)
    part = part.collected()
    assert (part.state, part.failure, part.open) == (State.FAILED, TIMED_OUT, False)
    for again in (Submission.collected, MOVE[State.RUNNING]):
        with pytest.raises(IllegalMove):
            again(part)


def test_the_rest_of_a_result_is_watched_for_and_changes_no_verdict() -> None:
    part = in_state(State.RUNNING).collected(watched_until=50.0)
    assert (part.state, part.open) == (State.COMPLETED, True)
    for ended in (part.collected(), part.let_go()):
        assert (ended.state, ended.failure, ended.open) == (State.COMPLETED, None, False)
    job = a_job().moved(part, at=4.0)
    assert (job.state, job.finished_at, job.sessions != b"") == (State.COMPLETED, 4.0, True)
    job = job.moved(part.collected(), at=50.0)
    assert (job.state, job.finished_at, job.sessions) == (State.COMPLETED, 4.0, b"")


def test_a_result_that_never_comes_is_let_go() -> None:
    part = given_up().let_go()
    assert (part.state, part.failure, part.open) == (State.FAILED, TIMED_OUT, False)


@pytest.mark.parametrize("state", State)
def test_only_what_has_neither_ended_nor_is_watched_has_nothing_left_to_do(state: State) -> None:
    assert in_state(state).open is not state.ended


# -------------------------------------------------------- any order of events ----


class Submitting(RuleBasedStateMachine):
    """Any order of events, told by an upstream that keeps its own books."""

    @initialize(parts=st.integers(1, 3))
    def accept(self, parts: int) -> None:
        self.job: Job = a_job(parts=parts)
        self.taken: dict[str, int] = {}  # by submit id, what the upstream accepted
        self.ended: dict[int, State] = {}  # how a submission first ended
        self.finished: Job | None = None  # how the job first ended
        self.made = 0

    def part(self, number: int, *states: State) -> Submission | None:
        part = self.job.submissions[number % len(self.job.submissions)]
        return part if part.state in states else None

    def keep(self, part: Submission) -> None:
        self.job = self.job.moved(part, at=1.0)
        if part.state.ended:
            self.ended.setdefault(part.number, part.state)
        if self.finished is None and self.job.state.ended:
            self.finished = self.job

    @rule(number=st.integers(0, 2), accepted=st.booleans(), answered=st.booleans())
    def send(self, number: int, accepted: bool, answered: bool) -> None:
        part = self.part(number, State.ACCEPTED)
        if part is None:
            return
        part = part.submitting(digest="d", at=1.0)
        self.keep(part)
        if accepted:
            self.taken[part.submit_id] = self.taken.get(part.submit_id, 0) + 1
        if accepted and answered:
            self.keep(part.listed("h"))
        elif answered:
            self.made += 1
            self.keep(
                part.refused(
                    submit_id=f"again-{self.made}", site="us", account="b", refused_by=("a",)
                )
            )

    @rule(number=st.integers(0, 2))
    def lose_the_answer_or_restart(self, number: int) -> None:
        part = self.part(number, State.SUBMITTING)
        if part is not None:
            self.keep(part.reconciling())

    @rule(number=st.integers(0, 2))
    def look(self, number: int) -> None:
        part = self.part(number, State.RECONCILING)
        if part is None:
            return
        known = part.submit_id in self.taken
        unconfirmed = Failure.of(SubmissionUnconfirmed("not listed"))
        self.keep(part.listed("h") if known else part.failed(unconfirmed, watched_until=9.0))

    @rule(number=st.integers(0, 2), well=st.booleans(), rest=st.booleans())
    def end(self, number: int, well: bool, rest: bool) -> None:
        part = self.part(number, State.RUNNING)
        if part is not None and well:
            self.keep(part.collected(watched_until=9.0 if rest else None))
        elif part is not None:
            self.keep(part.failed(FAILURE))

    @rule(number=st.integers(0, 2))
    def lose_patience(self, number: int) -> None:
        part = self.part(number, *SENT)
        if part is not None:
            self.keep(part.failed(TIMED_OUT, watched_until=9.0))

    @rule()
    def cancel(self) -> None:
        for part in self.job.submissions:
            if part.state is State.ACCEPTED:
                self.keep(part.failed(Failure.of(JobCancelled("in time"))))
            elif part.state in SENT:
                too_late = replace(Failure.of(JobCancelled("too late")), charge=UNKNOWN_CHARGE)
                self.keep(part.failed(too_late, watched_until=9.0))

    @rule(number=st.integers(0, 2), comes=st.booleans())
    def watch(self, number: int, comes: bool) -> None:
        part = self.part(number, State.FAILED, State.COMPLETED)
        if part is None or not part.open:
            return
        if comes and part.submit_id in self.taken:
            self.keep(part.listed("h"))
            self.keep(self.job.submissions[part.number].collected())
        else:
            self.keep(part.let_go())

    @rule(number=st.integers(0, 2), to=st.sampled_from(State))
    def try_anything(self, number: int, to: State) -> None:
        part = self.job.submissions[number % len(self.job.submissions)]
        watched = part.open and to in (State.RUNNING, State.COMPLETED)
        if to not in MOVES[part.state] and not (part.state.ended and watched):
            with pytest.raises(IllegalMove):
                MOVE[to](part)

    @invariant()
    @precondition(lambda self: hasattr(self, "job"))
    def nothing_is_taken_twice(self) -> None:
        assert all(times == 1 for times in self.taken.values())
        assert len(self.taken) <= len(self.job.submissions)

    @invariant()
    @precondition(lambda self: hasattr(self, "job"))
    def what_was_taken_is_never_back_at_the_start(self) -> None:
        for part in self.job.submissions:
            if part.submit_id in self.taken:
                assert part.state is not State.ACCEPTED

    @invariant()
    @precondition(lambda self: hasattr(self, "job"))
    def what_has_ended_stays_ended_as_it_did(self) -> None:
        for number, state in self.ended.items():
            assert self.job.submissions[number].state is state
        if self.finished is not None:
            assert self.job.state is self.finished.state
            assert self.job.failure == self.finished.failure
            assert self.job.finished_at == self.finished.finished_at

    @invariant()
    @precondition(lambda self: hasattr(self, "job"))
    def the_job_has_ended_when_all_of_it_has(self) -> None:
        ended = all(part.state.ended for part in self.job.submissions)
        assert self.job.state.ended == ended
        assert (self.job.finished_at is not None) == ended

    @invariant()
    @precondition(lambda self: hasattr(self, "job"))
    def sessions_are_kept_as_long_as_something_is_left_to_do(self) -> None:
        assert bool(self.job.sessions) == any(part.open for part in self.job.submissions)

    @invariant()
    @precondition(lambda self: hasattr(self, "job"))
    def nothing_of_an_untouched_job_was_taken(self) -> None:
        if self.job.untouched:
            assert not self.taken


def test_no_order_of_events_sends_a_taken_submission_again() -> None:
    run(Submitting, examples=150, steps=25)


# ---------------------------------------------------------------- the whole job ----


@pytest.mark.parametrize(
    ("states", "expected", "status"),
    [
        ((State.ACCEPTED,), State.ACCEPTED, "queued"),
        ((State.SUBMITTING, State.ACCEPTED), State.SUBMITTING, "in_progress"),
        ((State.RUNNING, State.ACCEPTED), State.RUNNING, "in_progress"),
        ((State.RUNNING, State.RECONCILING), State.RECONCILING, "in_progress"),
        ((State.COMPLETED, State.RUNNING), State.RUNNING, "in_progress"),
        ((State.COMPLETED, State.FAILED, State.SUBMITTING), State.SUBMITTING, "in_progress"),
    ],
)
def test_a_job_stands_where_its_submissions_stand(
    states: tuple[State, ...], expected: State, status: str
) -> None:
    job = a_job(parts=len(states))
    for number, state in enumerate(states):
        part = in_state(state)
        job = job.moved(replace(part, number=number), at=1.0)
    assert (job.state, job.status) == (expected, status)


def test_one_failed_submission_fails_the_job() -> None:
    job = a_job(parts=2)
    job = job.moved(in_state(State.COMPLETED), at=4.0)
    failed = a_part(number=1).failed(Failure.of(OutOfCredits("none")))
    job = job.moved(failed, at=5.0)
    assert (job.state, job.status, job.finished_at) == (State.FAILED, "failed", 5.0)
    assert job.failure is not None
    assert job.failure.code == "insufficient_quota"
    assert not job.late
    assert not job.delivered


@pytest.mark.parametrize(
    ("count", "found", "shown", "partial"),
    [(2, 2, 2, False), (2, 1, 1, True), (1, 4, 1, False), (None, 4, 4, False), (None, 1, 1, False)],
)
def test_as_many_pictures_are_shown_as_were_asked_for(
    count: int | None, found: int, shown: int, partial: bool
) -> None:
    request = replace(REQUEST, count=count)
    job = a_job(
        request=request,
        state=State.COMPLETED,
        pictures=tuple(a_picture(number) for number in range(found)),
    )
    assert (len(job.shown), job.partial, job.delivered) == (shown, partial, True)


@st.composite
def finished(draw: st.DrawFn) -> tuple[Job, list[Picture]]:
    """A job that is about to run, and its pictures in the order in which they are finished."""
    asked = draw(st.none() | st.integers(1, 10))
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)) if asked else [None]
    made = [draw(st.integers(0, count or 4)) for count in counts]
    numbers = [
        part * PER_SUBMISSION + place for part, count in enumerate(made) for place in range(count)
    ]
    job = a_job(
        request=replace(REQUEST, count=asked),
        state=State.RUNNING,
        submissions=tuple(
            a_part(number=number, gen_count=count) for number, count in enumerate(counts)
        ),
    )
    return job, [a_picture(number) for number in draw(st.permutations(numbers))]


@given(finished())
def test_what_is_sure_to_be_shown_is_shown_whatever_else_comes(
    found: tuple[Job, list[Picture]],
) -> None:
    job, pictures = found
    sure = set[str]()
    for picture in pictures:
        job = job.with_pictures([picture])
        sure |= {one.media_id for one in job.sure}
    assert sure <= {one.media_id for one in job.shown}


def test_the_first_pictures_are_sure_and_those_beyond_the_number_are_not() -> None:
    job = a_job(parts=2, request=replace(REQUEST, count=3), state=State.RUNNING)  # of two each
    numbers = (1, PER_SUBMISSION, PER_SUBMISSION + 1)
    job = job.with_pictures([a_picture(number) for number in numbers])
    assert [one.number for one in job.sure] == [1, PER_SUBMISSION]


def moved(*parts: Submission) -> Job:
    job = a_job(parts=len(parts))
    for number, part in enumerate(parts):
        job = job.moved(replace(part, number=number), at=9.0)
    return job


def test_a_job_that_was_given_up_keeps_its_sessions_until_its_result_came_late() -> None:
    job = moved(given_up())
    assert (job.state, job.finished_at, job.sessions != b"", job.late) == (
        State.FAILED, 9.0, True, False,
    )  # fmt: skip
    job = job.moved(job.submissions[0].collected(), at=50.0).with_pictures([a_picture()])
    assert (job.state, job.finished_at, job.sessions, job.late) == (State.FAILED, 9.0, b"", True)
    assert job.delivered
    assert job.partial  # one of two
    assert job.failure == TIMED_OUT


def test_a_job_is_late_only_once_all_that_was_given_up_has_come() -> None:
    second = a_picture(PER_SUBMISSION)
    job = moved(given_up().collected(), given_up()).with_pictures([a_picture()])
    assert not job.late
    assert moved(given_up().collected(), given_up().collected()).late is False  # without pictures
    assert job.moved(job.submissions[1].collected(), at=50.0).with_pictures([second]).late
    assert not job.moved(job.submissions[1].let_go(), at=50.0).late
    assert (
        moved(given_up().collected(), in_state(State.COMPLETED)).with_pictures([a_picture()]).late
    )


@pytest.mark.parametrize(
    ("parts", "untouched"),
    [
        ((a_part().failed(FAILURE),), True),
        ((a_part().failed(FAILURE), a_part(number=1).failed(FAILURE)), True),
        ((a_part(),), False),  # it may be sent yet
        ((a_part().failed(FAILURE), in_state(State.COMPLETED)), False),
        ((a_part().failed(FAILURE), in_state(State.RUNNING)), False),
        ((in_state(State.RUNNING).failed(FAILURE),), False),  # whatever it says of its price
        ((in_state(State.RECONCILING).failed(TIMED_OUT),), False),
    ],
)
def test_a_job_is_untouched_when_it_is_certain_that_nothing_was_taken(
    parts: tuple[Submission, ...], untouched: bool
) -> None:
    assert moved(*parts).untouched is untouched
