"""Waiting for a job on behalf of a caller who may hang up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

from jimeng_api.domain.errors import JobStillRunning
from jimeng_api.jobs.job import Job

T = TypeVar("T")


async def unless_gone(work: Coroutine[None, None, T], receive: Receive) -> T | None:
    """What `work` comes to; None when the caller hangs up first, and then `work` is given up.

    The request's body must have been read before: what still comes in can only be the end.
    """
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(hung_up(receive))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        await let_go(working, gone)


async def hung_up(receive: Receive) -> None:
    """Return when the caller's connection is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def let_go(*tasks: asyncio.Future[Any]) -> None:
    """Cancel what is not done, and see it end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def ended(job: Job) -> Job:
    """The job, if its pictures are there, in time or late; its failure raised, if it failed."""
    if not job.state.ended:
        raise JobStillRunning(
            f"The job has not ended yet. It goes on; its result will be at /v1/jobs/{job.id}."
        )
    if job.failure is not None and not job.delivered:
        raise job.failure.error()
    return job
