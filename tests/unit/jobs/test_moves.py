"""Where a submission may go, and above all where it may not."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jimeng_api.domain.errors import OutOfCredits
from jimeng_api.domain.failure import Failure
from jimeng_api.jobs.job import MOVES, IllegalMove, Job, State, Submission
from tests.unit.jobs.made import FAILURE, MOVE, REQUEST, a_job, a_part, a_picture, in_state

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


def test_a_refused_submission_begins_anew_with_nothing_of_the_last_attempt() -> None:
    part = in_state(State.SUBMITTING).refused(submit_id="another")
    assert (part.submit_id, part.attempt) == ("another", 1)
    assert (part.site, part.account, part.digest, part.sent_at) == (None,) * 4


class Submitting(RuleBasedStateMachine):
    """Any order of events, told by an upstream that keeps its own books."""

    @initialize(parts=st.integers(1, 3))
    def accept(self, parts: int) -> None:
        self.job: Job = a_job(parts=parts)
        self.taken: dict[str, int] = {}  # by submit id, what the upstream accepted
        self.ids: set[tuple[int, str]] = set()
        self.made = 0

    def part(self, number: int, *states: State) -> Submission | None:
        part = self.job.submissions[number % len(self.job.submissions)]
        return part if part.state in states else None

    def keep(self, part: Submission) -> None:
        job = self.job.moved(part)
        if all(one.state.ended for one in job.submissions):
            job = job.ended(at=1.0)
        self.job = job

    @rule(number=st.integers(0, 2), accepted=st.booleans(), answered=st.booleans())
    def send(self, number: int, accepted: bool, answered: bool) -> None:
        part = self.part(number, State.ACCEPTED)
        if part is None:
            return
        part = part.submitting(site="cn", account="a", digest="d", at=1.0)
        self.keep(part)
        if accepted:
            self.taken[part.submit_id] = self.taken.get(part.submit_id, 0) + 1
        if accepted and answered:
            self.keep(part.running("h"))
        elif answered:
            self.made += 1
            self.keep(part.refused(submit_id=f"again-{self.made}"))

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
        self.keep(part.running("h") if known else part.failed(FAILURE))

    @rule(number=st.integers(0, 2), well=st.booleans())
    def end(self, number: int, well: bool) -> None:
        part = self.part(number, State.RUNNING)
        if part is not None:
            self.keep(part.completed() if well else part.failed(FAILURE))

    @rule(number=st.integers(0, 2), to=st.sampled_from(State))
    def try_anything(self, number: int, to: State) -> None:
        part = self.job.submissions[number % len(self.job.submissions)]
        if to not in MOVES[part.state]:
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
    def the_job_has_ended_when_all_of_it_has(self) -> None:
        ended = all(part.state.ended for part in self.job.submissions)
        assert self.job.state.ended == ended
        assert (self.job.finished_at is not None) == ended
        assert (self.job.sessions == b"") == ended


def test_no_order_of_events_sends_a_taken_submission_again() -> None:
    run_state_machine_as_test(
        Submitting, settings=settings(max_examples=150, stateful_step_count=25, deadline=None)
    )


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
        job = job.moved(replace(part, number=number))
    assert (job.state, job.status) == (expected, status)


def test_one_failed_submission_fails_the_job() -> None:
    job = a_job(parts=2)
    job = job.moved(in_state(State.COMPLETED))
    failed = a_part(number=1).failed(Failure.of(OutOfCredits("none")))
    job = job.moved(failed).ended(at=5.0)
    assert (job.state, job.status, job.finished_at) == (State.FAILED, "failed", 5.0)
    assert job.failure is not None
    assert job.failure.code == "insufficient_quota"


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
    assert (len(job.shown), job.partial) == (shown, partial)
