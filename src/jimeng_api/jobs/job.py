"""One generation from request to result, and the states it may pass through. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from jimeng_api.domain.failure import Failure
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.domain.results import Picture


class State(Enum):
    """Where a submission stands. A job's state follows from those of its submissions."""

    ACCEPTED = "accepted"  # promised to the caller, nothing sent
    SUBMITTING = "submitting"  # the paid request is about to be sent, or on its way
    RECONCILING = (
        "reconciling"  # sent, and no verdict came: the upstream is asked, never sent to again
    )
    RUNNING = "running"  # the upstream has it and named it
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self in (State.COMPLETED, State.FAILED)


MOVES: dict[State, frozenset[State]] = {
    State.ACCEPTED: frozenset({State.SUBMITTING, State.FAILED}),
    # Back to accepted only after a verdict that nothing was taken: a refusal, or no connection at all.
    State.SUBMITTING: frozenset({State.ACCEPTED, State.RUNNING, State.RECONCILING, State.FAILED}),
    State.RECONCILING: frozenset({State.RUNNING, State.FAILED}),
    State.RUNNING: frozenset({State.COMPLETED, State.FAILED}),
    State.COMPLETED: frozenset(),
    State.FAILED: frozenset(),
}


class IllegalMove(Exception):
    """A defect: a submission was about to go where no submission may go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One paid request to the upstream: `gen_count` pictures of job `job_id` (None: the model's own number).

    `submit_id` is ours, made before sending; `history_id` is the upstream's. `account` names the account
    (never its session); `attempt` counts how often a certain refusal sent it back to the start. `sent_at` is
    unix seconds of the commit before the send.
    """

    submit_id: str
    job_id: str
    number: int
    gen_count: int | None
    seed: int
    state: State = State.ACCEPTED
    attempt: int = 0
    site: str | None = None
    account: str | None = None
    history_id: str | None = None
    digest: str | None = None
    sent_at: float | None = None
    failure: Failure | None = None

    def submitting(self, *, site: str, account: str, digest: str, at: float) -> Submission:
        moved = self._moved(State.SUBMITTING)
        return replace(moved, site=site, account=account, digest=digest, sent_at=at)

    def refused(self, *, submit_id: str) -> Submission:
        """Back to the start with an id of its own, after a verdict that nothing was taken."""
        return replace(
            self._moved(State.ACCEPTED),
            submit_id=submit_id,
            attempt=self.attempt + 1,
            site=None,
            account=None,
            digest=None,
            sent_at=None,
        )

    def reconciling(self) -> Submission:
        return self._moved(State.RECONCILING)

    def running(self, history_id: str) -> Submission:
        return replace(self._moved(State.RUNNING), history_id=history_id)

    def completed(self) -> Submission:
        return self._moved(State.COMPLETED)

    def failed(self, failure: Failure) -> Submission:
        return replace(self._moved(State.FAILED), failure=failure)

    def _moved(self, state: State) -> Submission:
        if state not in MOVES[self.state]:
            raise IllegalMove(f"{self.state.value} → {state.value}")
        return replace(self, state=state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a caller asked for and where it stands. Times are unix seconds.

    `owner` is a keyed digest of the caller's key. `asked_model` is the name that the caller used. `sessions`
    is the encrypted list of sessions that may serve it, empty once the job has ended. `deadline` is when it
    is given up.
    """

    id: str
    owner: str
    asked_model: str
    request: ImageRequest
    created_at: float
    deadline: float
    sessions: bytes = b""
    state: State = State.ACCEPTED
    finished_at: float | None = None
    failure: Failure | None = None
    submissions: tuple[Submission, ...] = ()
    pictures: tuple[Picture, ...] = ()

    @property
    def status(self) -> str:
        """OpenAI's word for the state."""
        return _STATUS[self.state]

    @property
    def shown(self) -> tuple[Picture, ...]:
        """The pictures that answer the request: as many as were asked for. The others stay with the job."""
        return self.pictures[: self.request.count]

    @property
    def partial(self) -> bool:
        """Whether it completed with fewer pictures than were asked for."""
        asked = self.request.count or 0
        return self.state is State.COMPLETED and len(self.pictures) < asked

    def moved(self, submission: Submission) -> Job:
        """The job after one of its submissions moved; still open when the last of them ends (see `ended`)."""
        parts = tuple(
            submission if part.number == submission.number else part for part in self.submissions
        )
        return replace(self, submissions=parts, state=open_state(parts))

    def with_pictures(self, found: Iterable[Picture]) -> Job:
        """The job with more pictures, in their order."""
        ordered = sorted((*self.pictures, *found), key=lambda picture: picture.number)
        return replace(self, pictures=tuple(ordered))

    def ended(self, *, at: float) -> Job:
        """The job after its last submission ended.

        One failed submission fails the job: a caller who asked
        for ten pictures is not told that eight are all of them; the eight stay with the job.
        """
        failure = next((part.failure for part in self.submissions if part.failure), None)
        state = State.FAILED if failure else State.COMPLETED
        return replace(self, state=state, finished_at=at, failure=failure, sessions=b"")


_STATUS = {
    State.ACCEPTED: "queued",
    State.SUBMITTING: "in_progress",
    State.RECONCILING: "in_progress",
    State.RUNNING: "in_progress",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
}

_PRECEDENCE = (State.RECONCILING, State.RUNNING, State.SUBMITTING, State.ACCEPTED)


def open_state(parts: Iterable[Submission]) -> State:
    """The state of a job that has not ended: that of its submission which is in most doubt, or furthest."""
    states = {part.state for part in parts}
    return next((state for state in _PRECEDENCE if state in states), State.RUNNING)
