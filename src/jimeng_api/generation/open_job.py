"""A job that has not ended: its state in memory, written down at every move."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from jimeng_api.clock import Clock
from jimeng_api.domain.errors import StorageUnavailable
from jimeng_api.domain.progress import Progress
from jimeng_api.domain.results import Picture
from jimeng_api.jobs.job import Job, Submission
from jimeng_api.jobs.store import JobStore

log = structlog.get_logger()

_LONGEST_WAIT = 30.0


class OpenJob:
    """Every move is on the disk before the next step; a database that is away is waited for."""

    def __init__(self, job: Job, store: JobStore, clock: Clock) -> None:
        self.job = job
        self.ended = asyncio.Event()
        self._live: dict[int, Progress] = {}
        self._store = store
        self._clock = clock
        self._moving = asyncio.Lock()

    @property
    def live(self) -> tuple[Progress, ...]:
        """What the last looks at its submissions showed."""
        return tuple(self._live[number] for number in sorted(self._live))

    def saw(self, submission: Submission, progress: Progress) -> None:
        self._live[submission.number] = progress

    async def move(self, submission: Submission, found: Sequence[Picture] = ()) -> Submission:
        """Write down where the submission stands, what was found for it, and with the last the job's end."""
        async with self._moving:
            job = self.job.moved(submission).with_pictures(found)
            if all(part.state.ended for part in job.submissions):
                job = job.ended(at=self._clock.now())
            await self._save(job, submission, found)
        if job.state.ended:
            self.ended.set()
        return submission

    async def keep(self, pictures: Sequence[Picture]) -> None:
        """Write down pictures that were stored."""
        async with self._moving:
            await self._save(self.job.with_pictures(pictures), None, pictures)

    async def _save(
        self, job: Job, moved: Submission | None, found: Sequence[Picture] = ()
    ) -> None:
        failures = 0
        while True:
            try:
                await self._store.save(job, moved, found, at=self._clock.now())
            except StorageUnavailable as error:
                failures += 1
                if failures == 1:
                    log.warning("job_not_written", job=job.id, reason=error.message)
                await self._clock.sleep(min(0.5 * 2**failures, _LONGEST_WAIT))
            else:
                break
        if failures:
            log.info("job_written_again", job=job.id)
        self.job = job
