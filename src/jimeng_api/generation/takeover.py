"""What the upstream has already becomes a job here; that of a job that failed is looked for once more."""

from __future__ import annotations

import structlog

from jimeng_api.accounts.session import Caller
from jimeng_api.accounts.vault import Vault
from jimeng_api.clock import Clock
from jimeng_api.database.database import Superseded
from jimeng_api.domain.errors import NotFound
from jimeng_api.generation.adopting import Adopting, Otherwise, Sighting, adopted
from jimeng_api.generation.new_jobs import NewJobs
from jimeng_api.generation.placing import Placing
from jimeng_api.generation.turns import Turns
from jimeng_api.generation.workshop import Workshop
from jimeng_api.jobs.job import Job, State, Submission
from jimeng_api.jobs.store import JobStore

log = structlog.get_logger()


class Takeover:
    """Gives a submission its job. Nothing is ever sent for it."""

    def __init__(
        self,
        *,
        adopting: Adopting,
        new_jobs: NewJobs,
        workshop: Workshop,
        placing: Placing,
        store: JobStore,
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._adopting = adopting
        self._new_jobs = new_jobs
        self._workshop = workshop
        self._placing = placing
        self._store = store
        self._vault = vault
        self._clock = clock
        self._turns = Turns()

    async def adopt(
        self,
        caller: Caller,
        *,
        submit_id: str | None,
        history_id: str | None,
        site: str | None,
        otherwise: Otherwise,
    ) -> Job:
        """The job that the submission has, had, or gets now. Raises what `Desk.adopt` raises."""
        known = await self._store.submitted(caller.owner, submit_id or history_id or "")
        if known is not None and not _without_result(known):
            return self._workshop.newest(known)
        sessions = [one for one in caller.sessions if site in (None, one.site)]
        if caller.stored and known is None:
            sessions = []
        try:
            sighting = await self._adopting.look_for(
                sessions, submit_id=submit_id, history_id=history_id
            )
        except NotFound:
            if known is None:
                raise
            return known
        # Either of its ids leads to the same job, also for two who ask at once.
        async with self._turns.turn((caller.owner, sighting.submit_id), waits=True):
            known = await self._store.submitted(caller.owner, sighting.submit_id)
            if known is None:
                return await self._take_over(caller, sighting, otherwise)
            for part in _without_result(known):
                if part.submit_id == sighting.submit_id:
                    await self._watch_again(caller, known, part, sighting)
            return self._workshop.newest(await self._store.find(caller.owner, known.id))

    async def _take_over(self, caller: Caller, sighting: Sighting, otherwise: Otherwise) -> Job:
        job_id = f"job_{self._clock.token()}"
        job = adopted(
            sighting,
            job_id=job_id,
            owner=caller.owner,
            now=self._clock.now(),
            seconds=self._new_jobs.seconds,
            sessions=self._vault.seal([sighting.session], row=job_id),
            otherwise=otherwise,
        )
        with self._workshop.arriving(job_id):
            await self._placing.take((job_id, 0), sighting.session.account, job.request)
            await self._new_jobs.promise(job)
        log.info("job_adopted", job=job_id)
        return job

    async def _watch_again(
        self, caller: Caller, job: Job, part: Submission, sighting: Sighting
    ) -> None:
        """See to it that what the upstream has of a failed job is collected now."""
        if part.open:
            self._workshop.look_again(job.id)
            return
        session = sighting.session
        again = part.watched_again(
            site=session.site,
            account=session.account,
            history_id=sighting.found.progress.history_id or part.history_id,
            until=self._clock.now() + self._new_jobs.seconds(job.request),
        )
        sessions = self._vault.seal(caller.sessions, row=job.id)
        try:
            await self._store.watch(job.id, again, sessions=sessions)
        except Superseded:
            return  # another gateway was asked the same, and was quicker
        self._store.signals.work.set()
        log.info("job_watched_again", job=job.id, number=part.number)


def _without_result(job: Job) -> list[Submission]:
    """The submissions of a job of which nothing was ever collected, though they have ended."""
    if job.state is not State.FAILED or job.delivered:
        return []
    return [
        part for part in job.submissions if part.state is State.FAILED and not job.pictures_of(part)
    ]
