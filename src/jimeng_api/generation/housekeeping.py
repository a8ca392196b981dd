"""What is done from time to time: what has been kept long enough goes, and chores of others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

import structlog

from jimeng_api.clock import Clock
from jimeng_api.domain.errors import StorageUnavailable
from jimeng_api.jobs.retention import START, Place, Retention
from jimeng_api.media.store import MediaStore

log = structlog.get_logger()

_FIRST_SECONDS = 30.0
_EVERY_SECONDS = 600.0
_BREATH = 0.05  # between two portions, for whoever else wants the database
_IN_VAIN_SECONDS = 60.0

Chore = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How long something is kept, in seconds; None is for ever.

    Media and callers' pictures (`inputs`) by their own age, keys and jobs from the end of the job. A job
    stays as long as its media and its key do.
    """

    keys: float
    media: float | None
    jobs: float | None
    inputs: float


class Housekeeping:
    """A pass soon after the start and one every ten minutes. Trouble is told once, and waited out.

    Files go before the rows that name them: a gateway that is killed in between finds the rows again, and
    that their files are gone already is as good.
    """

    def __init__(
        self,
        *,
        retention: Retention,
        media: MediaStore,
        clock: Clock,
        kept: Kept,
        chores: Sequence[Chore] = (),
    ) -> None:
        """`chores` are done at every pass, before anything is taken away."""
        self._retention = retention
        self._media = media
        self._chores = chores
        self._clock = clock
        self._kept = kept
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._task = asyncio.create_task(self._run(), name="housekeeping")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        troubled = False
        seconds = _FIRST_SECONDS
        while True:
            # Drawn, so that not all gateways of a database come at the same moment.
            await self._clock.sleep(seconds * self._clock.uniform(0.8, 1.2))
            seconds = _EVERY_SECONDS
            try:
                for chore in self._chores:
                    await chore()
                await self.tidy()
            except StorageUnavailable as error:
                if not troubled:
                    log.warning("housekeeping_waits", reason=error.message)
                troubled = True
            except Exception:
                log.exception("housekeeping_broke")
            else:
                troubled = False

    async def tidy(self) -> None:
        """One pass. Raises StorageUnavailable where something could not be taken away."""
        now = self._clock.now()
        await self._media.clear_remains()
        keys = await self._forget_keys(before=now - self._kept.keys)
        media = stuck = jobs = 0
        if self._kept.media is not None:
            media, stuck = await self._delete_media(before=now - self._kept.media)
        if self._kept.jobs is not None:
            jobs = await self._forget_jobs(before=now - self._kept.jobs)
        inputs = await self._media.delete_inputs(before=now - self._kept.inputs)
        await self._retention.forget_files(before=now - self._kept.inputs)
        if keys or media or jobs or inputs:
            log.info("aged_out", keys=keys, media=media, jobs=jobs, inputs=inputs)
        if stuck:
            raise StorageUnavailable(f"The media of {stuck} jobs cannot be deleted at the moment.")

    async def _forget_keys(self, *, before: float) -> int:
        total = 0
        after: str | None = ""
        while after is not None:
            gone, after = await self._retention.forget_keys(before=before, after=after)
            total += gone
            await self._clock.sleep(_BREATH)
        return total

    async def _delete_media(self, *, before: float) -> tuple[int, int]:
        """How many media went, and of how many jobs they would not go: those are passed over."""
        total = stuck = 0
        in_vain = 0.0
        after: Place | None = START
        # One file that cannot be deleted is no reason to leave the others; a store that is away is.
        while after is not None and in_vain < _IN_VAIN_SECONDS:
            aged = await self._retention.aged_media(before=before, after=after)
            gone: list[str] = []
            for media in aged.media.values():
                if in_vain >= _IN_VAIN_SECONDS:
                    break
                began = self._clock.monotonic()
                if await self._are_deleted(media, aged.films):
                    gone += media
                else:
                    stuck += 1
                    in_vain += self._clock.monotonic() - began
            await self._retention.forget_media(gone)
            total += len(gone)
            after = aged.after
            await self._clock.sleep(_BREATH)
        return total, stuck

    async def _are_deleted(self, media: Sequence[str], films: Collection[str]) -> bool:
        try:
            for media_id in media:
                await self._media.delete_result(media_id, film=media_id in films)
        except StorageUnavailable:
            return False
        return True

    async def _forget_jobs(self, *, before: float) -> int:
        total = 0
        after: Place | None = START
        while after is not None:
            gone, after = await self._retention.forget_jobs(before=before, after=after)
            total += gone
            await self._clock.sleep(_BREATH)
        return total
