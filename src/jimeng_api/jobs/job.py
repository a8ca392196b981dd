"""One generation from request to result, and the states it may pass through. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

from jimeng_api.domain.errors import Charge
from jimeng_api.domain.failure import Failure
from jimeng_api.domain.requests import GenerationRequest, VideoRequest
from jimeng_api.domain.results import Picture

JobKind = Literal["image", "video"]

PER_SUBMISSION = 1_000_000
"""How far apart the pictures' numbers of two submissions begin: more than any series has pictures."""


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
    # Once more accepted where its pictures could not be uploaded to the account that it was meant for.
    State.ACCEPTED: frozenset({State.ACCEPTED, State.SUBMITTING, State.FAILED}),
    # Back to accepted only after a verdict that nothing was taken: a refusal, or no connection at all.
    State.SUBMITTING: frozenset({State.ACCEPTED, State.RUNNING, State.RECONCILING, State.FAILED}),
    State.RECONCILING: frozenset({State.RUNNING, State.FAILED}),
    State.RUNNING: frozenset({State.COMPLETED, State.FAILED}),
    State.COMPLETED: frozenset(),
    State.FAILED: frozenset(),
}


class IllegalMove(Exception):
    """A submission was about to go where no submission may go: somebody else has ended it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One paid request to the upstream: `gen_count` pictures of job `job_id` (None: the model's own number).

    `price` is how many credits it was thought to cost when it was promised, and again when it was sent (None:
    nobody knows); `charged` is what the upstream's own book says. It is `unsettled` from the sending until
    that book has been read, or nobody can read it any more.
    `submit_id` is ours, made before sending; `history_id` is the upstream's. `account` names the account that
    is to take it, or took it (never its session), on `site`; whoever has claimed that account works on it.
    `attempt` counts how often a certain refusal sent it back to the start, `refused_by` are accounts that
    need not be asked again. `uploads` are the upstream's names of the request's inputs, once the account has
    them. `sent_at` is unix seconds of the commit before the send. One that has ended
    and has `watched_until` (unix seconds) is still looked at: its result, or the rest of it, may come late,
    and is paid for.
    """

    submit_id: str
    job_id: str
    number: int
    gen_count: int | None
    seed: int
    site: str
    account: str
    state: State = State.ACCEPTED
    attempt: int = 0
    refused_by: tuple[str, ...] = ()
    uploads: tuple[str, ...] = ()
    history_id: str | None = None
    digest: str | None = None
    sent_at: float | None = None
    failure: Failure | None = None
    watched_until: float | None = None
    price: int | None = None
    charged: int | None = None
    unsettled: bool = False

    @property
    def open(self) -> bool:
        """Whether there is still something to do for it."""
        return not self.state.ended or self.watched_until is not None

    def placed(self, *, site: str, account: str) -> Submission:
        """For this account, before anything was sent."""
        return replace(
            self,
            site=site,
            account=account,
            uploads=self.uploads if account == self.account else (),  # one account's are no other's
        )

    def uploaded(self, uris: Iterable[str]) -> Submission:
        """With what its request starts from in the account's own upstream store."""
        if self.state is not State.ACCEPTED:
            raise IllegalMove(f"{self.state.value} → uploaded")
        return replace(self, uploads=tuple(uris))

    def submitting(self, *, digest: str, at: float, price: int | None = None) -> Submission:
        moved = self._moved(State.SUBMITTING)
        return replace(moved, digest=digest, sent_at=at, price=price, unsettled=True)

    def refused(
        self, *, submit_id: str, site: str, account: str, refused_by: Iterable[str]
    ) -> Submission:
        """Back to the start, for this account, after a verdict that nothing was taken."""
        return replace(
            self._moved(State.ACCEPTED),
            submit_id=submit_id,
            attempt=self.attempt + 1,
            site=site,
            account=account,
            refused_by=tuple(refused_by),
            uploads=self.uploads if account == self.account else (),  # one account's are no other's
            digest=None,
            sent_at=None,
            unsettled=False,
        )

    def reconciling(self) -> Submission:
        return self._moved(State.RECONCILING)

    def listed(self, history_id: str) -> Submission:
        """The upstream has it under this id."""
        moved = self if self._watched else self._moved(State.RUNNING)
        return replace(moved, history_id=history_id)

    def collected(self, *, watched_until: float | None = None) -> Submission:
        """Its result is kept, all of it or, with `watched_until`, what there is so far.

        One that had ended before stays as it was, with a result that came late.
        """
        if self._watched:
            return replace(self, watched_until=None)
        return replace(self._moved(State.COMPLETED), watched_until=watched_until)

    def failed(self, failure: Failure, *, watched_until: float | None = None) -> Submission:
        return replace(self._moved(State.FAILED), failure=failure, watched_until=watched_until)

    def watched_again(
        self, *, site: str, account: str, history_id: str | None, until: float
    ) -> Submission:
        """Given up once and for all, and yet seen upstream, by the session of this account."""
        if self.open or self.state is not State.FAILED:
            raise IllegalMove(f"{self.state.value} → watched")
        return replace(self, site=site, account=account, history_id=history_id, watched_until=until)

    def let_go(self) -> Submission:
        """Nothing came of it within the time that it was watched."""
        return replace(self, watched_until=None)

    @property
    def _watched(self) -> bool:
        return self.state.ended and self.watched_until is not None

    def _moved(self, state: State) -> Submission:
        if state not in MOVES[self.state]:
            raise IllegalMove(f"{self.state.value} → {state.value}")
        return replace(self, state=state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a caller asked for and where it stands. Times are unix seconds.

    `owner` is a keyed digest of the caller's key. `asked_model` is the name that the caller used, `remarks`
    what else the caller said that later answers need, in the words of the edge.
    `fingerprint` is a digest of what was asked for, empty where nobody may ask for it again. `sessions` is
    the encrypted list of sessions that may serve it, empty once nothing is left to do. `deadline` is when it
    is given up, `cancelled_at` when its owner took it back.
    """

    id: str
    owner: str
    asked_model: str
    request: GenerationRequest
    created_at: float
    deadline: float
    remarks: bytes = b""
    fingerprint: str = ""
    sessions: bytes = b""
    state: State = State.ACCEPTED
    finished_at: float | None = None
    cancelled_at: float | None = None
    failure: Failure | None = None
    submissions: tuple[Submission, ...] = ()
    pictures: tuple[Picture, ...] = ()

    @property
    def kind(self) -> JobKind:
        return "video" if isinstance(self.request, VideoRequest) else "image"

    @property
    def status(self) -> str:
        """OpenAI's word for the state."""
        return _STATUS[self.state]

    @property
    def shown(self) -> tuple[Picture, ...]:
        """The pictures that answer the request: as many as were asked for. The others stay with the job."""
        return self.pictures[: self.request.count]

    @property
    def sure(self) -> tuple[Picture, ...]:
        """Of a job that runs: the pictures that will be among those shown, whatever becomes of the rest."""
        asked = self.request.count
        if asked is None:
            return self.pictures
        before, found = 0, list[Picture]()
        for part in self.submissions:
            theirs = self.pictures_of(part)
            found += [one for one in theirs if before + one.number % PER_SUBMISSION < asked]
            before += len(theirs) if part.state.ended else (part.gen_count or asked)
        return tuple(found)

    @property
    def partial(self) -> bool:
        """Whether it completed with fewer pictures than were asked for; unknown once their time is over."""
        asked = self.request.count or 0
        return self.delivered and 0 < len(self.pictures) < asked

    @property
    def late(self) -> bool:
        """Whether it was given up, and all that was given up has come after all."""
        return self.state is State.FAILED and all(
            part.state is State.COMPLETED or (not part.open and self.pictures_of(part))
            for part in self.submissions
        )

    @property
    def delivered(self) -> bool:
        """Whether its pictures can be handed over: it completed, in time or late."""
        return self.state is State.COMPLETED or self.late

    @property
    def untouched(self) -> bool:
        """Whether it is certain that the upstream took no part of it, and never will."""
        return self.state is State.FAILED and all(
            part.history_id is None
            and part.failure is not None
            and part.failure.charge == Charge.NONE.value
            for part in self.submissions
        )

    @property
    def price(self) -> int | None:
        """How many credits it is thought to cost in all; None where that is not known of a part of it."""
        return _sum(part.price for part in self.submissions)

    @property
    def charged(self) -> int | None:
        """How many credits it cost; None while that is not known of a part of it."""
        return _sum(
            0 if part.sent_at is None and not part.open else part.charged
            for part in self.submissions
        )

    def pictures_of(self, part: Submission) -> tuple[Picture, ...]:
        return tuple(one for one in self.pictures if one.number // PER_SUBMISSION == part.number)

    def moved(self, submission: Submission, *, at: float) -> Job:
        """The job after one of its submissions moved, at this time."""
        parts = tuple(
            submission if part.number == submission.number else part for part in self.submissions
        )
        job = replace(self, submissions=parts)
        if not all(part.state.ended for part in parts):
            return replace(job, state=open_state(parts))
        if not any(part.open for part in parts):
            job = replace(job, sessions=b"")
        return job if job.state.ended else _ended(job, at)

    def with_pictures(self, found: Iterable[Picture]) -> Job:
        """The job with more pictures, in their order."""
        ordered = sorted((*self.pictures, *found), key=lambda picture: picture.number)
        return replace(self, pictures=tuple(ordered))


def _sum(amounts: Iterable[int | None]) -> int | None:
    total = 0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def _ended(job: Job, at: float) -> Job:
    """The job after its last submission ended.

    One failed submission fails the job: a caller who asked for ten pictures is not told that eight are all
    of them; the eight stay with the job.
    """
    failure = next((part.failure for part in job.submissions if part.failure), None)
    state = State.FAILED if failure else State.COMPLETED
    return replace(job, state=state, finished_at=at, failure=failure)


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
