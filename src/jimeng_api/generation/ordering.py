"""What an order means: a new job, or, where the request repeats an earlier one, that one's."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from jimeng_api.accounts.session import Caller
from jimeng_api.clock import Clock
from jimeng_api.database.database import Superseded
from jimeng_api.domain.errors import KeyReused
from jimeng_api.generation.new_jobs import NewJobs, Prepared
from jimeng_api.generation.turns import Turns
from jimeng_api.generation.workshop import Workshop
from jimeng_api.jobs.job import Job
from jimeng_api.jobs.repeats import KEPT_SECONDS, Repeat, meant
from jimeng_api.jobs.store import JobStore, TakenKey

log = structlog.get_logger()


class Ordering:
    """Gives every order its job: those who mean the same get the same."""

    def __init__(
        self,
        *,
        new_jobs: NewJobs,
        workshop: Workshop,
        store: JobStore,
        clock: Clock,
        key_seconds: float,
        awaited: Callable[[str], bool],
        answered: Callable[[str], bool],
    ) -> None:
        """`key_seconds`: how long after its job's end an Idempotency-Key is remembered.

        `awaited` and `answered` say of a job's id whether somebody waits for it, and whether its result went
        out.
        """
        self._new_jobs = new_jobs
        self._workshop = workshop
        self._store = store
        self._clock = clock
        self._key_seconds = key_seconds
        self._awaited = awaited
        self._answered = answered
        self._turns = Turns()

    async def order(
        self,
        caller: Caller,
        prepared: Prepared,
        *,
        asked_model: str,
        repeat: Repeat | None,
        remarks: bytes,
    ) -> Job:
        """The job of the request that it repeats, or else a new one. Raises what `Desk.order` raises."""
        if repeat is None:
            return await self._new_jobs.make(caller, prepared, asked_model, "", remarks=remarks)
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
            return await self._new_jobs.make(
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
                return self._workshop.newest(found)
            taken = TakenKey(key=key, freed=found.id if found else None)
            try:
                return await self._new_jobs.make(
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
            awaited=self._awaited,
            answered=self._answered,
        )
        return self._workshop.newest(found) if found else None
