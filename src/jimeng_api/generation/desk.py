"""Where callers order generations, wait for them and ask about them."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

from jimeng_api.accounts.session import Caller
from jimeng_api.accounts.vault import Vault
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import (
    JobCancelled,
    JobEnded,
    JobStillRunning,
    ShuttingDown,
    StorageUnavailable,
)
from jimeng_api.domain.progress import Progress, Queue
from jimeng_api.domain.results import Picture
from jimeng_api.generation.adopting import Adopting, Otherwise
from jimeng_api.generation.live_catalogue import LiveCatalogue
from jimeng_api.generation.new_jobs import NewJobs, Prepared
from jimeng_api.generation.open_job import OpenJob
from jimeng_api.generation.ordering import Ordering
from jimeng_api.generation.placing import Placing
from jimeng_api.generation.takeover import Takeover
from jimeng_api.generation.workshop import Workshop
from jimeng_api.jobs.job import Job, JobKind
from jimeng_api.jobs.repeats import Repeat
from jimeng_api.jobs.store import JobStore

_MOST_REMEMBERED = 10_000
_LOOK_SECONDS = 5.0
_RARE_LOOK_SECONDS = 30.0  # where word of every change is certain


class Desk:
    """Takes orders and answers for them. A job runs on whether or not somebody waits for it."""

    def __init__(
        self,
        *,
        workshop: Workshop,
        placing: Placing,
        adopting: Adopting,
        store: JobStore,
        vault: Vault,
        clock: Clock,
        job_seconds: float = 1200,
        film_seconds: float = 10_800,
        key_seconds: float = 86_400,
        catalogue: LiveCatalogue | None = None,
    ) -> None:
        """`job_seconds`: how long after its acceptance a job is given up, `film_seconds` that of a film.

        `key_seconds`: how long after its job's end an Idempotency-Key is remembered.
        """
        self._workshop = workshop
        self._placing = placing
        self._store = store
        self._clock = clock
        self._awaited: Counter[str] = Counter()
        self._answered: OrderedDict[str, None] = OrderedDict()
        new_jobs = NewJobs(
            workshop=workshop,
            placing=placing,
            store=store,
            vault=vault,
            clock=clock,
            job_seconds=job_seconds,
            film_seconds=film_seconds,
            catalogue=catalogue or LiveCatalogue(),
        )
        self._ordering = Ordering(
            new_jobs=new_jobs,
            workshop=workshop,
            store=store,
            clock=clock,
            key_seconds=key_seconds,
            awaited=self._awaited.__contains__,
            answered=self._answered.__contains__,
        )
        self._takeover = Takeover(
            adopting=adopting,
            new_jobs=new_jobs,
            workshop=workshop,
            placing=placing,
            store=store,
            vault=vault,
            clock=clock,
        )
        self._closing = asyncio.Event()

    async def hang_up(self) -> None:
        """Take no more orders and let those who wait go; the jobs run on."""
        self._closing.set()
        self._store.signals.all_changed()

    async def close(self, *, seconds: float = 8.0) -> None:
        """Stop. What is on its way to the upstream gets `seconds` to come to a verdict."""
        await self.hang_up()
        await self._workshop.close(seconds=seconds)

    # -------------------------------------------------------------------- ordering

    async def order(
        self,
        caller: Caller,
        prepared: Prepared,
        *,
        asked_model: str,
        repeat: Repeat | None = None,
        remarks: bytes = b"",
    ) -> Job:
        """Promise a generation. When this returns, the job is on disk and will end, whatever happens.

        A request that repeats an earlier one gets that one's job; `remarks` are kept with a new one. Raises
        KeyReused where the repetition's key came with another request before, what the key's terms refuse,
        and what `prepared` raises.
        """
        if self._closing.is_set():
            raise ShuttingDown("The gateway is stopping; nothing was submitted.", retry_after=5)
        return await self._ordering.order(
            caller, prepared, asked_model=asked_model, repeat=repeat, remarks=remarks
        )

    # -------------------------------------------------------------------- adopting

    async def adopt(
        self,
        caller: Caller,
        *,
        submit_id: str | None,
        history_id: str | None,
        site: str | None,
        otherwise: Otherwise,
    ) -> Job:
        """The job of a submission that the upstream has, which the caller may never have ordered here.

        Nothing is ever sent for it. A job of the caller's own that ended without its result is looked for
        once more; on stored accounts nothing else is looked for. `site` limits where is asked. Raises
        NotFound where no session of the caller sees the submission.
        """
        if self._closing.is_set():
            raise ShuttingDown("The gateway is stopping.", retry_after=5)
        return await self._takeover.adopt(
            caller, submit_id=submit_id, history_id=history_id, site=site, otherwise=otherwise
        )

    # --------------------------------------------------------------------- waiting

    async def wait(self, caller: Caller, job_id: str, *, seconds: float) -> Job:
        """The job once it has ended, whichever gateway works on it. Raises what `until_end` raises."""
        async with aclosing(self.until_end(caller, job_id, seconds=seconds)) as seen:
            (job,) = [one async for one in seen if one.state.ended]
        return job

    async def until_end(
        self, caller: Caller, job_id: str, *, seconds: float
    ) -> AsyncGenerator[Job, None]:
        """The job now, and after everything that happens to it; the last one has ended.

        Raises JobStillRunning when that takes longer than `seconds`, ShuttingDown when the gateway stops,
        NotFound when the caller has no such job.
        """
        until = self._clock.monotonic() + seconds
        with self.awaiting(job_id):
            async with aclosing(self._seen(caller, job_id, until=until)) as seen:
                async for job in seen:
                    yield job
                    if job.state.ended:
                        return
        later = f"The job goes on; its result will be at /v1/jobs/{job_id}."
        if self._closing.is_set():
            raise ShuttingDown(f"The gateway is restarting. {later}")
        raise JobStillRunning(f"The job did not end within {seconds:.0f} seconds. {later}")

    async def changes(self, caller: Caller, job_id: str) -> AsyncGenerator[Job, None]:
        """The job now, and after everything that happens to it, until it has ended.

        Ends early when the gateway stops. Raises NotFound.
        """
        async with aclosing(self._seen(caller, job_id, until=None)) as seen:
            async for job in seen:
                yield job
                if job.state.ended:
                    return

    async def _seen(
        self, caller: Caller, job_id: str, *, until: float | None
    ) -> AsyncGenerator[Job, None]:
        """The job, again and again: at every change, and from time to time should word of one be lost."""
        with self._store.signals.of_job(job_id) as changed:
            here: OpenJob | None = None
            while True:
                changed.clear()
                # One that ended here a moment ago need not be read from the disk.
                ended = here if here is not None and here.job.state.ended else None
                here = self._workshop.find(job_id) or ended
                job = await self._found(caller, job_id, here)
                if job is not None:
                    yield job
                left = None if until is None else until - self._clock.monotonic()
                if self._closing.is_set() or (left is not None and left <= 0):
                    return
                whole = here is not None and here.whole
                longest = _RARE_LOOK_SECONDS if whole else _LOOK_SECONDS
                await self._changed(
                    changed, seconds=longest if left is None else min(left, longest)
                )

    async def _found(self, caller: Caller, job_id: str, here: OpenJob | None) -> Job | None:
        """The job; None while the database is away, which who waits can wait for as well."""
        if here is not None and here.whole and here.job.owner == caller.owner:
            return here.job
        try:
            return await self._store.find(caller.owner, job_id)
        except StorageUnavailable:
            return None

    async def _changed(self, changed: asyncio.Event, *, seconds: float) -> None:
        """Wait for word of a change, or of the gateway's stopping, but no longer than this."""
        late = self._clock.later(seconds, changed.set)
        try:
            await changed.wait()
        finally:
            late.cancel()

    @contextmanager
    def awaiting(self, job_id: str) -> Iterator[None]:
        """Inside, somebody waits for the job or is being answered: another who sends again means another."""
        self._awaited[job_id] += 1
        try:
            yield
        finally:
            self._awaited[job_id] -= 1
            if not self._awaited[job_id]:
                del self._awaited[job_id]

    def answered(self, job_id: str) -> None:
        """The answer with its result went out whole, as far as can be told here."""
        self._answered[job_id] = None
        if len(self._answered) > _MOST_REMEMBERED:
            self._answered.popitem(last=False)

    # ---------------------------------------------------------------------- asking

    async def find(self, caller: Caller, job_id: str) -> Job:
        """The job as it stands. Raises NotFound, also for another caller's job."""
        here = self._workshop.find(job_id)
        if here is not None and here.whole and here.job.owner == caller.owner:
            return here.job
        return await self._store.find(caller.owner, job_id)

    async def list(
        self,
        caller: Caller,
        *,
        after: str | None = None,
        limit: int = 20,
        newest_first: bool = True,
        kind: JobKind | None = None,
    ) -> tuple[list[Job], bool]:
        """A page of the caller's jobs, of one kind or of all, and whether more follow."""
        found = await self._store.page(
            caller.owner, after=after, limit=limit + 1, newest_first=newest_first, kind=kind
        )
        return found[:limit], len(found) > limit

    async def cancel(self, caller: Caller, job_id: str, *, seconds: float = 60) -> Job:
        """Take a job back; the job as that left it.

        What was not sent is never sent. What the upstream has, it goes on with: nobody waits for it any more,
        and its result is kept. Raises JobEnded where it had ended by itself, JobStillRunning when the verdict
        on what was just being sent did not come within `seconds`.
        """
        job = await self.find(caller, job_id)
        if not job.state.ended:
            await self._store.cancel(job_id, at=self._clock.now())
            self._workshop.take_back(job_id)
            self._store.signals.work.set()
            job = await self.wait(caller, job_id, seconds=seconds)
        if job.failure is None or job.failure.code != JobCancelled.code:
            raise JobEnded(
                f"The job had {job.status} before it could be cancelled; see /v1/jobs/{job_id}."
            )
        return job

    async def picture(self, media_id: str) -> Picture:
        """A stored picture by its unguessable id. Raises NotFound."""
        return await self._store.picture(media_id)

    def live(self, job_id: str) -> tuple[Progress, ...]:
        """What the last looks at the job's submissions showed; empty when it is not running here."""
        here = self._workshop.find(job_id)
        return here.live if here else ()

    def line(self, job: Job) -> Queue | None:
        """The place in line of what of the job waits here for an account; None where nothing does."""
        if job.state.ended:
            return None
        return self._placing.queue((job.id, part.number) for part in job.submissions)
