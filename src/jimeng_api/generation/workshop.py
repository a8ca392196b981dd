"""Where submissions are worked on: those of the accounts that this gateway has claimed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial

import structlog

from jimeng_api.accounts.session import Session
from jimeng_api.accounts.vault import Vault, VaultBroken
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import InternalError, StorageUnavailable
from jimeng_api.domain.failure import Failure
from jimeng_api.generation.open_job import OpenJob
from jimeng_api.generation.placing import Placing
from jimeng_api.generation.run import Generation
from jimeng_api.jobs.job import Job, State, Submission
from jimeng_api.jobs.store import JobStore

log = structlog.get_logger()

_FEW = 4  # accounts taken at a time, where others may want some too
_PAUSE_AMONG_OTHERS = 1.0  # seconds between looks; for PostgreSQL they are our sign of life as well
_PAUSE_ALONE = 30.0  # nobody else leaves us anything to do
_PAUSE_IN_TROUBLE = 1.0  # word of something may have come while the database was away
_BREATH = 0.02  # a flood of words is answered by one look


class Workshop:
    """Starts what is to be done and keeps it running.

    What is to be done stands on the disk, and is looked for there again and again: what a gateway has left
    that died, what another has handed over. Word that there is something only makes the next look come
    sooner.
    """

    def __init__(
        self,
        *,
        generation: Generation,
        placing: Placing,
        store: JobStore,
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._generation = generation
        self._placing = placing
        self._store = store
        self._vault = vault
        self._clock = clock
        self._open: dict[str, OpenJob] = {}
        self._running: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._cancelling: dict[str, asyncio.Task[None]] = {}
        self._arriving: Counter[str] = Counter()
        self._done_meanwhile: set[tuple[str, int]] = set()
        self._idle: set[str] = set()
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self) -> int:
        """Go on with every submission that a stop or a crash left unfinished; how many there are."""
        await self._look()
        self._looking = asyncio.create_task(self._look_again_and_again(), name="workshop")
        return len(self._running)

    async def close(self, *, seconds: float) -> None:
        """Stop. What is on its way to the upstream gets `seconds` to come to a verdict."""
        self._closed = True
        await self._generation.finish_sending(seconds=seconds)
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await self._drop_all()

    def find(self, job_id: str) -> OpenJob | None:
        """The job, if something of it runs here."""
        return self._open.get(job_id)

    def newest(self, job: Job) -> Job:
        """The job as it stands here, where it is at work; else as it was read."""
        here = self.find(job.id)
        return here.job if here is not None and here.whole else job

    @contextmanager
    def arriving(self, job_id: str) -> Iterator[None]:
        """While a new job is being written down, nobody but `start` starts it."""
        self._arriving[job_id] += 1
        try:
            yield
        finally:
            del self._arriving[job_id]

    def start(self, job: Job) -> None:
        """Work on what of a new job is ours. Its submissions are counted as in hand already."""
        for part in job.submissions:
            if self._placing.is_ours(part.account) and not self._closed:
                self._start(job, part)
            else:
                self._placing.leave((job.id, part.number))

    def look_again(self, job_id: str) -> None:
        """Look at once for the result of a job that was given up, if that is done here."""
        opened = self._open.get(job_id)
        if opened is None:
            return
        for number in sorted(opened.mine):
            if opened.part(number).state.ended:
                self._running[job_id, number].cancel()  # the next look at the disk begins it anew
        self._store.signals.work.set()

    def take_back(self, job_id: str) -> None:
        """End what is done here of a job that its owner does not want any more."""
        job = self._open.get(job_id)
        if job is not None and job_id not in self._cancelling:
            task = asyncio.create_task(self._cancel(job), name=f"cancel {job_id}")
            self._cancelling[job_id] = task
            task.add_done_callback(partial(self._cancelled, job_id))

    async def forget(self, job_id: str) -> None:
        """Do nothing more here for a job that is not on the disk any more."""
        tasks = [task for (running, _), task in self._running.items() if running == job_id]
        if job_id in self._cancelling:
            tasks.append(self._cancelling[job_id])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --------------------------------------------------------------------- looking

    async def _look_again_and_again(self) -> None:
        troubled = False
        while True:
            pause = _PAUSE_IN_TROUBLE if troubled else self._pause
            await self._until_word_or(pause * self._clock.uniform(0.8, 1.2))
            try:
                if not self._store.connected:
                    await self._start_over()
                await self._look()
            except StorageUnavailable as error:
                if not troubled:
                    log.warning("database_away", reason=error.message)
                    self._store.signals.work.set()  # where claims are lost, we let go without delay
                troubled = True
            except Exception:
                log.exception("looking_for_work_broke")
            else:
                troubled = False

    @property
    def _pause(self) -> float:
        return _PAUSE_AMONG_OTHERS if self._store.claims.shared else _PAUSE_ALONE

    async def _until_word_or(self, seconds: float) -> None:
        word = asyncio.ensure_future(self._store.signals.work.wait())
        sleep = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({word, sleep}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            word.cancel()
            sleep.cancel()
        await self._clock.sleep(_BREATH)
        self._store.signals.work.clear()

    async def _start_over(self) -> None:
        """The connection that our claims hung on is lost: others may have taken over, so we let go first."""
        log.warning("claims_lost", submissions=len(self._running))
        self._store.claims.forget()  # first, so that nothing begins meanwhile
        await self._drop_all()
        await self._store.reconnect()

    async def _look(self) -> None:
        claims = self._store.claims
        claims.ask_again()
        self._done_meanwhile = set()
        work = await self._store.work()
        free = sorted(account for account in work if not claims.holds(account))
        await claims.take(self._share(free))
        await self._placing.claim_more()
        at_work = self._at_work()
        await self._take_up(
            [
                account
                for account, count in work.items()
                if claims.holds(account) and at_work[account] != count
            ]
        )
        await self._cancel_what_was_taken_back()
        await self._release_what_is_idle(work)

    def _share(self, free: list[str]) -> list[str]:
        """Which of them to take now. Of a gateway that died, each of the others is to get some."""
        if not self._store.claims.shared:
            return free
        drawn = sorted(free, key=lambda _: self._clock.uniform(0, 1))
        return drawn[: max(_FEW, len(drawn) // 2)]

    def _at_work(self) -> Counter[str]:
        return Counter(self._open[job_id].part(number).account for job_id, number in self._running)

    async def _take_up(self, accounts: Collection[str]) -> None:
        """Go on with what nobody works on, of accounts that are ours."""
        if not accounts:
            return
        found: list[tuple[Job, Submission]] = []
        for job in await self._store.at_work(accounts):
            if job.id in self._arriving:
                continue
            for part in job.submissions:
                key = (job.id, part.number)
                # What ended here since the disk was read has moved on from what was read.
                fresh = key not in self._running and key not in self._done_meanwhile
                if fresh and part.open and self._placing.is_ours(part.account):
                    found.append((job, part))
        for job, part in found:  # what was sent has its place before any is given out
            if part.state is not State.ACCEPTED and not part.state.ended:
                self._placing.runs((job.id, part.number), part.account, job.request)
        for job, part in found:
            self._start(job, part)

    async def _cancel_what_was_taken_back(self) -> None:
        for job_id in await self._store.cancelled():
            self.take_back(job_id)

    def _cancelled(self, job_id: str, _: asyncio.Task[None]) -> None:
        self._cancelling.pop(job_id, None)

    async def _cancel(self, job: OpenJob) -> None:
        await job.cancel(watched_until=self._generation.watched_until(job.job))
        for number in sorted(job.mine):
            if job.part(number).state.ended:
                self._placing.call_off((job.job.id, number))

    async def _release_what_is_idle(self, work: Collection[str]) -> None:
        """Give up accounts without work for two looks, so that the next gateway that is asked has them."""
        if not self._store.claims.shared:
            return
        idle = {
            account
            for account in self._store.claims.held
            if account not in work and not self._placing.load(account)
        }
        released, self._idle = self._idle & idle, idle
        await self._store.claims.release(released)

    # --------------------------------------------------------------------- running

    def _start(self, job: Job, part: Submission) -> None:
        opened = self._open.get(job.id)
        if opened is None:
            opened = self._open[job.id] = OpenJob(job, self._store, self._clock)
        opened.take(part)
        key = (job.id, part.number)
        task = asyncio.create_task(self._carry(opened, part.number), name=f"{job.id} {part.number}")
        self._running[key] = task
        task.add_done_callback(lambda _: self._done(opened, key))

    async def _carry(self, opened: OpenJob, number: int) -> None:
        try:
            sessions = self._sessions(opened.job)
        except VaultBroken as error:
            log.warning("job_without_session", job=opened.job.id, reason=str(error))
            await self._give_up(opened, number)
        else:
            await self._generation.run(opened, number, sessions)

    def _sessions(self, job: Job) -> tuple[Session, ...]:
        return self._vault.open(job.sessions, row=job.id)

    async def _give_up(self, opened: OpenJob, number: int) -> None:
        part = opened.part(number)
        if part.state.ended:
            await opened.move(number, Submission.let_go)
            return
        self._placing.leave((opened.job.id, number))
        failure = Failure.of(
            InternalError("The key file of the gateway changed; its sessions are lost.")
        )
        await opened.move(number, lambda now: now.failed(failure))

    def _done(self, opened: OpenJob, key: tuple[str, int]) -> None:
        job_id, number = key
        task = self._running.pop(key, None)
        if task is not None and task.done() and not task.cancelled() and task.exception():
            log.error("submission_broke", job=job_id, exc_info=task.exception())
        self._done_meanwhile.add(key)
        opened.mine.discard(number)
        if not opened.mine and self._open.get(job_id) is opened:
            del self._open[job_id]
            self._store.signals.changed([job_id])

    async def _drop_all(self) -> None:
        tasks = [*self._running.values(), *self._cancelling.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._placing.clear()
