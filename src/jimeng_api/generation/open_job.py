"""A job that has something left to be done here: its state in memory, written down at every move."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import structlog

from jimeng_api.clock import Clock
from jimeng_api.database.database import Superseded
from jimeng_api.domain.errors import GenerationTimedOut, JobCancelled, StorageUnavailable
from jimeng_api.domain.failure import UNKNOWN_CHARGE, Failure
from jimeng_api.domain.progress import Progress
from jimeng_api.domain.results import Picture
from jimeng_api.jobs.job import IllegalMove, Job, State, Submission
from jimeng_api.jobs.store import JobStore

log = structlog.get_logger()

Step = Callable[[Submission], Submission]

_LONGEST_WAIT = 30.0


class OpenJob:
    """Every move is on the disk before the next step; a database that is away is waited for.

    `mine` are the numbers of the submissions that run here. Where another gateway has some of the job's
    submissions, the disk knows more of them than this.
    """

    def __init__(self, job: Job, store: JobStore, clock: Clock) -> None:
        self.job = job
        self.mine: set[int] = set()
        self._taken_back = job.cancelled_at is not None
        self._live: dict[int, Progress] = {}
        self._store = store
        self._clock = clock
        self._moving = asyncio.Lock()

    @property
    def live(self) -> tuple[Progress, ...]:
        """What the last looks at its submissions showed."""
        return tuple(self._live[number] for number in sorted(self._live))

    @property
    def whole(self) -> bool:
        """Whether all that is left to be done is done here."""
        return all(part.number in self.mine for part in self.job.submissions if part.open)

    def part(self, number: int) -> Submission:
        return self.job.submissions[number]

    def take(self, part: Submission) -> None:
        """The submission is to run here, from where it stands."""
        self.mine.add(part.number)
        parts = tuple(part if one.number == part.number else one for one in self.job.submissions)
        self.job = replace(self.job, submissions=parts)

    def check_wanted(self) -> None:
        """Raises where nothing of it may be sent any more: it was taken back, or its time is over."""
        if self._taken_back:
            raise JobCancelled(_IN_TIME)
        if self._clock.now() > self.job.deadline:
            raise GenerationTimedOut(_NOT_IN_TIME)

    def saw(self, number: int, progress: Progress) -> None:
        self._live[number] = progress
        self._store.signals.changed([self.job.id])

    async def move(
        self, number: int, step: Step, found: Sequence[Picture] = (), *, handed_over: bool = False
    ) -> Submission:
        """Write down where the step leads the submission, and what was found for it.

        Raises IllegalMove or Superseded where somebody else has moved it meanwhile.
        """
        async with self._moving:
            before = self.part(number)
            after = step(before)
            at = self._clock.now()
            job = self.job.moved(after, at=at).with_pictures(found)
            await self._save(job, (before, after), found, at=at, work=handed_over)
            if after.state.ended and not self.whole:
                self.job = await self._store.find(job.owner, job.id)
        self._store.signals.changed([job.id])
        return after

    async def keep(self, pictures: Sequence[Picture]) -> None:
        """Write down pictures that were stored."""
        async with self._moving:
            job = self.job.with_pictures(pictures)
            await self._save(job, None, pictures, at=self._clock.now())

    async def cancel(self, *, watched_until: float) -> None:
        """End for certain what was not sent; of the rest, stop waiting, and watch for what it paid for."""
        self._taken_back = True
        for number in sorted(self.mine):
            with suppress(
                IllegalMove, Superseded
            ):  # it has ended by itself, or is another's by now
                await self._cancel(number, watched_until)

    async def _cancel(self, number: int, watched_until: float) -> None:
        while True:
            await self._verdict(number)
            try:
                await self.move(number, lambda part: _cancelled(part, watched_until))
            except _OnItsWay:
                continue
            return

    async def _verdict(self, number: int) -> None:
        """Wait until it is known whether the upstream took what is on its way to it."""
        with self._store.signals.of_job(self.job.id) as changed:
            while self.part(number).state is State.SUBMITTING:
                changed.clear()
                await changed.wait()

    async def _save(
        self,
        job: Job,
        moved: tuple[Submission, Submission] | None,
        found: Sequence[Picture] = (),
        *,
        at: float,
        work: bool = False,
    ) -> None:
        failures = 0
        while True:
            try:
                await self._store.save(job.id, moved, found, at=at, work=work)
            except StorageUnavailable as error:
                failures += 1
                if failures == 1:
                    log.warning("job_not_written", job=job.id, reason=error.message)
                    self._store.signals.work.set()  # a connection may be lost, and our claims with it
                await self._clock.sleep(min(0.5 * 2**failures, _LONGEST_WAIT))
            else:
                break
        if failures:
            log.info("job_written_again", job=job.id)
        self.job = job


class _OnItsWay(Exception):
    """It is being sent: while the disk was waited for, it has left the start."""


def _cancelled(part: Submission, watched_until: float) -> Submission:
    if part.state is State.SUBMITTING:
        raise _OnItsWay
    if part.state is State.ACCEPTED:
        return part.failed(Failure.of(JobCancelled(_IN_TIME)))
    failure = replace(Failure.of(JobCancelled(_TOO_LATE)), charge=UNKNOWN_CHARGE)
    return part.failed(failure, watched_until=watched_until)


_IN_TIME = "The job was cancelled before anything was submitted; nothing was charged."
_NOT_IN_TIME = "The job could not be submitted within its time; nothing was charged."
_TOO_LATE = (
    "The job was cancelled when the upstream had it already, and the upstream takes nothing back: it may be "
    "charged as usual. Nobody waits for it any more; what comes of it is kept with the job."
)
