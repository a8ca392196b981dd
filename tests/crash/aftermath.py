"""Once the storm is over: wait until every job has ended, then read all that is left, twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable, Sequence
from typing import TypeVar

from tests.crash.callers import Caller, Tell
from tests.crash.checker import ENDED
from tests.crash.history import JobRead

AT_ONCE = 16

T = TypeVar("T")
Found = list[tuple[Caller, list[JobRead]]]


async def settled(callers: Sequence[Caller], *, seconds: float) -> None:
    """Return when every job has ended, or when the time for that is over."""
    until = time.monotonic() + seconds
    open_ = [
        (caller, job["id"])
        for caller in callers
        async for job in caller.jobs()
        if job["status"] not in ENDED
    ]
    while open_ and time.monotonic() < until:
        await asyncio.sleep(0.5)
        open_ = [
            (caller, job_id)
            for caller, job_id in open_
            if (seen := await caller.read_job(job_id, reading=1)) and seen.status not in ENDED
        ]


async def read_first(callers: Sequence[Caller], tell: Tell) -> Found:
    """Every job, whether another key sees it, and its pictures."""

    async def seen(caller: Caller, job: JobRead, other: Caller) -> None:
        tell(job)
        tell(await other.try_foreign(job.job))
        for result in job.results:
            tell(await caller.fetch(job, result.media))

    found = [(caller, await caller.read_jobs()) for caller in callers]
    await _few_at_once(
        seen(caller, job, callers[place - 1])
        for place, (caller, jobs) in enumerate(found)
        for job in jobs
    )
    return found


async def read_again(found: Found, tell: Tell) -> None:
    async def seen(caller: Caller, job_id: str) -> None:
        job = await caller.read_job(job_id, reading=2)
        if job is not None:
            tell(job)

    await _few_at_once(seen(caller, job.job) for caller, jobs in found for job in jobs)


async def _few_at_once(work: Iterable[Awaitable[T]]) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def in_place(one: Awaitable[T]) -> None:
        async with places:
            await one

    await asyncio.gather(*map(in_place, work))
