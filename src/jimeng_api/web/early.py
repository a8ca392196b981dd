"""What a stream has to tell of a job: pictures that are finished before the others, then the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from starlette.requests import Request

from jimeng_api.accounts.session import Caller
from jimeng_api.domain.errors import NotFound
from jimeng_api.domain.results import Picture
from jimeng_api.jobs.job import Job
from jimeng_api.web.parts import parts_of
from jimeng_api.web.waiting import ended


@dataclass(frozen=True, slots=True)
class Early:
    """A picture that is finished while its job is not; `index` counts those that were told of, from 0."""

    index: int
    picture: Picture


async def shown_early(
    request: Request, caller: Caller, job: Job, *, most: int
) -> AsyncGenerator[Early | Job, None]:
    """At most `most` pictures, each as soon as it is kept, and as the last the job with its results.

    What is shown early is a whole picture of the answer, and stands in it again. Nothing is asked of the
    upstream for it: a job whose pictures appear all at once has none. Raises what the job failed with.
    """
    parts = parts_of(request)
    told: set[str] = set()
    seconds = parts.options.wait_seconds
    async with aclosing(parts.desk.until_end(caller, job.id, seconds=seconds)) as seen:
        async for now in seen:
            if now.state.ended:
                yield with_results(request, now)
                return
            for picture in now.sure:
                if len(told) < most and picture.media_id not in told:
                    yield Early(len(told), picture)
                    told.add(picture.media_id)


def with_results(request: Request, job: Job) -> Job:
    """The job that has ended, and is the request's now. Raises what it failed with."""
    request.state.job = job
    if not ended(job).shown:
        raise NotFound("The results of this job are not kept any more.")
    return job
