"""Where callers order generations, wait for them and ask about them."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager

import structlog

from jimeng_api.accounts.session import Caller, Session
from jimeng_api.accounts.vault import Vault
from jimeng_api.catalog.counts import batches
from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.clock import Clock
from jimeng_api.database.database import Superseded
from jimeng_api.domain.errors import (
    JobCancelled,
    JobEnded,
    JobStillRunning,
    KeyReused,
    ModelNotAvailable,
    NotFound,
    ShuttingDown,
    StorageUnavailable,
)
from jimeng_api.domain.progress import Progress
from jimeng_api.domain.requests import GenerationRequest, VideoRequest
from jimeng_api.domain.results import Picture
from jimeng_api.generation.admission import Admission
from jimeng_api.generation.adopting import Adopting, Otherwise, Sighting, adopted
from jimeng_api.generation.open_job import OpenJob
from jimeng_api.generation.placing import Placing
from jimeng_api.generation.turns import Turns
from jimeng_api.generation.workshop import Workshop
from jimeng_api.jobs.job import Job, JobKind, State, Submission
from jimeng_api.jobs.repeats import KEPT_SECONDS, Repeat, meant
from jimeng_api.jobs.store import JobStore, TakenKey

log = structlog.get_logger()

_MOST_REMEMBERED = 10_000
_LOOK_SECONDS = 5.0
_RARE_LOOK_SECONDS = 30.0  # where word of every change is certain

Prepared = Callable[[], Awaitable[GenerationRequest]]
"""What gives the request with all that belongs to it: a caller's pictures are fetched for a new job only."""


def ready(request: GenerationRequest) -> Prepared:
    """A request that nothing has to be fetched for."""

    async def prepared() -> GenerationRequest:
        return request

    return prepared


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
    ) -> None:
        """`job_seconds`: how long after its acceptance a job is given up, `film_seconds` that of a film.

        `key_seconds`: how long after its job's end an Idempotency-Key is remembered.
        """
        self._workshop = workshop
        self._placing = placing
        self._adopting = adopting
        self._store = store
        self._vault = vault
        self._clock = clock
        self._job_seconds = job_seconds
        self._film_seconds = film_seconds
        self._key_seconds = key_seconds
        self._awaited: Counter[str] = Counter()
        self._answered: OrderedDict[str, None] = OrderedDict()
        self._turns = Turns()
        self._admission = Admission(store)
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
        if repeat is None:
            return await self._new_order(caller, prepared, asked_model, "", remarks=remarks)
        # Whoever may mean an earlier request must see its job: those that came before are waited for.
        what, waits = repeat.key or repeat.fingerprint, repeat.again or repeat.key is not None
        async with self._turns.turn((caller.owner, what), waits=waits):
            if repeat.key is not None:
                return await self._keyed_order(
                    caller, prepared, asked_model, repeat, repeat.key, remarks=remarks
                )
            if repeat.again:
                found = await self._meant(caller, repeat.fingerprint)
                if found is not None:
                    log.info("job_asked_for_again", job=found.id)
                    return found
            return await self._new_order(
                caller, prepared, asked_model, repeat.fingerprint, remarks=remarks
            )

    async def _keyed_order(
        self,
        caller: Caller,
        prepared: Prepared,
        asked_model: str,
        repeat: Repeat,
        key: str,
        *,
        remarks: bytes,
    ) -> Job:
        while True:
            found = await self._store.keyed(caller.owner, key)
            if found is not None and not self._is_free(found):
                if found.fingerprint != repeat.fingerprint:
                    raise KeyReused(
                        "This Idempotency-Key came with another request before. Send a new key with a new "
                        f"request; the job of the earlier one is {found.id}."
                    )
                return self._in_memory(found)
            taken = TakenKey(key=key, freed=found.id if found else None)
            try:
                return await self._new_order(
                    caller, prepared, asked_model, repeat.fingerprint, key=taken, remarks=remarks
                )
            except Superseded:
                continue  # another gateway was quicker with the same key

    def _is_free(self, job: Job) -> bool:
        """Whether a job needs its Idempotency-Key no more: nothing was taken, or it is long over."""
        if job.finished_at is None or any(part.open for part in job.submissions):
            return False
        return job.untouched or job.finished_at + self._key_seconds < self._clock.now()

    async def _meant(self, caller: Caller, fingerprint: str) -> Job | None:
        since = self._clock.now() - KEPT_SECONDS
        found = meant(
            await self._store.alike(caller.owner, fingerprint, since=since),
            awaited=self._awaited.__contains__,
            answered=self._answered.__contains__,
        )
        return self._in_memory(found) if found else None

    async def _new_order(
        self,
        caller: Caller,
        prepared: Prepared,
        asked_model: str,
        fingerprint: str,
        *,
        key: TakenKey | None = None,
        remarks: bytes,
    ) -> Job:
        request = await prepared()
        self._admission.check(caller, request)
        job_id = f"job_{self._clock.token()}"
        async with self._admission.room(caller):
            with self._workshop.arriving(job_id):
                placed = await self._placed(caller, request)
                job = self._new_job(
                    caller, request, asked_model, fingerprint, job_id, placed, remarks=remarks
                )
                await self._promise(job, key=key)
        return job

    async def _promise(self, job: Job, *, key: TakenKey | None = None) -> None:
        """Write a new job down and begin with it. Its submissions are counted as in hand already."""
        try:
            ours = all(self._placing.is_ours(part.account) for part in job.submissions)
            await self._store.accept(job, key=key, work=not ours)
        except BaseException:
            for part in job.submissions:
                self._placing.remove(part.account)
            raise
        self._workshop.start(job)

    async def _placed(
        self, caller: Caller, request: GenerationRequest
    ) -> list[tuple[Session, int | None]]:
        """Which session makes how many of the results."""
        placed: list[tuple[Session, int | None]] = []
        try:
            for count in _tasks(request):
                session = await self._place(caller, request)
                placed.append((session, count))
        except BaseException:
            for session, _ in placed:
                self._placing.remove(session.account)
            raise
        return placed

    async def _place(self, caller: Caller, request: GenerationRequest) -> Session:
        session = await self._placing.place(caller.sessions, request)
        if session is None:
            raise ModelNotAvailable(
                f"None of the sessions is on a site that offers {request.model}."
            )
        return session

    def _new_job(
        self,
        caller: Caller,
        request: GenerationRequest,
        asked_model: str,
        fingerprint: str,
        job_id: str,
        placed: list[tuple[Session, int | None]],
        *,
        remarks: bytes,
    ) -> Job:
        now = self._clock.now()
        return Job(
            id=job_id,
            owner=caller.owner,
            asked_model=asked_model,
            remarks=remarks,
            request=request,
            fingerprint=fingerprint,
            created_at=now,
            deadline=now + self._seconds(request),
            sessions=self._vault.seal(caller.sessions, row=job_id),
            submissions=tuple(
                Submission(
                    submit_id=self._clock.uuid(),
                    job_id=job_id,
                    number=number,
                    gen_count=count,
                    seed=(request.seed + number) % 2**32,
                    site=session.site,
                    account=session.account,
                )
                for number, (session, count) in enumerate(placed)
            ),
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
        known = await self._store.submitted(caller.owner, submit_id or history_id or "")
        if known is not None and not _without_result(known):
            return self._in_memory(known)
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
        async with self._turns.turn((caller.owner, f"adopt {sighting.submit_id}"), waits=True):
            known = await self._store.submitted(caller.owner, sighting.submit_id)
            if known is None:
                return await self._take_over(caller, sighting, otherwise)
            for part in _without_result(known):
                if part.submit_id == sighting.submit_id:
                    await self._watch_again(caller, known, part, sighting)
            return await self.find(caller, known.id)

    async def _take_over(self, caller: Caller, sighting: Sighting, otherwise: Otherwise) -> Job:
        job_id = f"job_{self._clock.token()}"
        job = adopted(
            sighting,
            job_id=job_id,
            owner=caller.owner,
            now=self._clock.now(),
            seconds=self._seconds,
            sessions=self._vault.seal([sighting.session], row=job_id),
            otherwise=otherwise,
        )
        with self._workshop.arriving(job_id):
            await self._placing.take(sighting.session.account)
            await self._promise(job)
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
            until=self._clock.now() + self._seconds(job.request),
        )
        sessions = self._vault.seal(caller.sessions, row=job.id)
        try:
            await self._store.watch(job.id, again, sessions=sessions)
        except Superseded:
            return  # another gateway was asked the same, and was quicker
        self._store.signals.work.set()
        log.info("job_watched_again", job=job.id, number=part.number)

    def _seconds(self, request: GenerationRequest) -> float:
        """How long after its acceptance a job of this kind is given up."""
        return self._film_seconds if isinstance(request, VideoRequest) else self._job_seconds

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

    def _in_memory(self, job: Job) -> Job:
        here = self._workshop.find(job.id)
        return here.job if here is not None and here.whole else job


def _tasks(request: GenerationRequest) -> tuple[int | None, ...]:
    """How many pictures each task of the request is asked for; None leaves that to the upstream."""
    if (
        isinstance(request, VideoRequest)
        or request.series is not None
        or request.finishing is not None
    ):
        return (None,)
    return batches(IMAGE_MODELS[request.model], request.count)


def _without_result(job: Job) -> list[Submission]:
    """The submissions of a job of which nothing was ever collected, though they have ended."""
    if job.state is not State.FAILED or job.delivered:
        return []
    return [
        part for part in job.submissions if part.state is State.FAILED and not job.pictures_of(part)
    ]
