"""Where callers order generations, wait for them and ask about them."""

from __future__ import annotations

import asyncio

import structlog

from jimeng_api.accounts.session import Caller
from jimeng_api.accounts.vault import Vault, VaultBroken
from jimeng_api.catalog.counts import batches
from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import InternalError, JobStillRunning, ShuttingDown
from jimeng_api.domain.failure import Failure
from jimeng_api.domain.progress import Progress
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.domain.results import Picture
from jimeng_api.generation.open_job import OpenJob
from jimeng_api.generation.run import Generation
from jimeng_api.jobs.job import Job, Submission
from jimeng_api.jobs.store import JobStore

log = structlog.get_logger()


class Desk:
    """Takes orders and answers for them. A job runs on whether or not somebody waits for it."""

    def __init__(
        self,
        *,
        generation: Generation,
        store: JobStore,
        vault: Vault,
        clock: Clock,
        job_seconds: float = 1200,
    ) -> None:
        """`job_seconds`: how long after its acceptance a job is given up."""
        self._generation = generation
        self._store = store
        self._vault = vault
        self._clock = clock
        self._job_seconds = job_seconds
        self._open: dict[str, OpenJob] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    async def resume(self) -> int:
        """Go on with every job that a stop or a crash left unfinished; how many there were."""
        jobs = await self._store.unfinished()
        for job in jobs:
            self._run(job)
        return len(jobs)

    async def hang_up(self) -> None:
        """Take no more orders and let those who wait go; the jobs run on."""
        self._closing.set()

    async def close(self, *, seconds: float = 8.0) -> None:
        """Stop. What is on its way to the upstream gets `seconds` to come to a verdict."""
        await self.hang_up()
        await self._generation.finish_sending(seconds=seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def order(self, caller: Caller, request: ImageRequest, *, asked_model: str) -> Job:
        """Promise a generation. When this returns, the job is on disk and will end, whatever happens."""
        if self._closing.is_set():
            raise ShuttingDown("The gateway is stopping; nothing was submitted.", retry_after=5)
        job = self._new_job(caller, request, asked_model)
        await self._store.accept(job)
        self._run(job)
        return job

    async def wait(self, caller: Caller, job_id: str, *, seconds: float) -> Job:
        """The job once it has ended.

        Raises JobStillRunning when that takes longer than `seconds`, ShuttingDown when the gateway stops,
        NotFound when the caller has no such job.
        """
        job = self._open.get(job_id)
        if job is None or job.job.owner != caller.owner:
            return await self._store.find(caller.owner, job_id)
        ended = asyncio.ensure_future(job.ended.wait())
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait(
                {ended, closing}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            ended.cancel()
            closing.cancel()
        if job.job.state.ended:
            return job.job
        later = f"The job goes on; its result will be at /v1/jobs/{job_id}."
        if self._closing.is_set():
            raise ShuttingDown(f"The gateway is restarting. {later}")
        raise JobStillRunning(f"The job did not end within {seconds:.0f} seconds. {later}")

    async def find(self, caller: Caller, job_id: str) -> Job:
        """The job as it stands. Raises NotFound, also for another caller's job."""
        job = self._open.get(job_id)
        if job is not None and job.job.owner == caller.owner:
            return job.job
        return await self._store.find(caller.owner, job_id)

    async def list(
        self,
        caller: Caller,
        *,
        after: str | None = None,
        limit: int = 20,
        newest_first: bool = True,
    ) -> tuple[list[Job], bool]:
        """A page of the caller's jobs and whether more follow."""
        found = await self._store.page(
            caller.owner, after=after, limit=limit + 1, newest_first=newest_first
        )
        return found[:limit], len(found) > limit

    async def picture(self, media_id: str) -> Picture:
        """A stored picture by its unguessable id. Raises NotFound."""
        return await self._store.picture(media_id)

    def live(self, job_id: str) -> tuple[Progress, ...]:
        """What the last looks at the job's submissions showed; empty when it is not running here."""
        job = self._open.get(job_id)
        return job.live if job else ()

    def _new_job(self, caller: Caller, request: ImageRequest, asked_model: str) -> Job:
        job_id = f"job_{self._clock.token()}"
        now = self._clock.now()
        model = IMAGE_MODELS[request.model]
        counts = (None,) if request.series else batches(model, request.count)
        return Job(
            id=job_id,
            owner=caller.owner,
            asked_model=asked_model,
            request=request,
            created_at=now,
            deadline=now + self._job_seconds,
            sessions=self._vault.seal(caller.sessions, row=job_id),
            submissions=tuple(
                Submission(
                    submit_id=self._clock.uuid(),
                    job_id=job_id,
                    number=number,
                    gen_count=count,
                    seed=(request.seed + number) % 2**32,
                )
                for number, count in enumerate(counts)
            ),
        )

    def _run(self, job: Job) -> None:
        opened = self._open[job.id] = OpenJob(job, self._store, self._clock)
        task = asyncio.create_task(self._carried(opened), name=job.id)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carried(self, opened: OpenJob) -> None:
        job_id = opened.job.id
        try:
            await self._generation.run(opened, self._vault.open(opened.job.sessions, row=job_id))
        except VaultBroken as error:
            log.warning("job_without_session", job=job_id, reason=str(error))
            failure = Failure.of(
                InternalError("The key file of the gateway changed; its sessions are lost.")
            )
            for part in opened.job.submissions:
                if not part.state.ended:
                    await opened.move(part.failed(failure))
        finally:
            if opened.ended.is_set():
                del self._open[job_id]
