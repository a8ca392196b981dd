"""Every generation, whatever asked for it: looked at, followed, taken back, taken over."""

from __future__ import annotations

import hashlib
import re
from contextlib import aclosing
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from jimeng_api.accounts.session import Caller
from jimeng_api.domain.errors import InvalidValue, NotFound, ShuttingDown
from jimeng_api.generation.adopting import Otherwise
from jimeng_api.jobs.job import Job
from jimeng_api.web.auth import KnownCaller
from jimeng_api.web.errors import error_object
from jimeng_api.web.event_stream import Events, EventStream
from jimeng_api.web.incoming import json_body
from jimeng_api.web.outgoing import encoder_of
from jimeng_api.web.parts import parts_of
from jimeng_api.web.schemas.adopting import EXAMPLE_ADOPTION, AdoptBody, adoption
from jimeng_api.web.schemas.errors import error_answers
from jimeng_api.web.schemas.jobs import EXAMPLE_EVENTS, EXAMPLE_JOB, JobList, JobReply
from jimeng_api.web.schemas.shown import named
from jimeng_api.web.showing import json_answer, page_answer, shown_job

router = APIRouter(tags=["jobs"])

_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")


@router.get(
    "/jobs",
    summary="List your jobs",
    description="The jobs of this key, the newest first. `last_id` of a page is the `after` of the next.",
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "description": "A page of jobs.",
            "content": {
                "application/json": {
                    "schema": named(JobList),
                    "example": {
                        "object": "list",
                        "data": [EXAMPLE_JOB],
                        "first_id": EXAMPLE_JOB["id"],
                        "last_id": EXAMPLE_JOB["id"],
                        "has_more": False,
                    },
                }
            },
        },
        **error_answers(400, 401, 404, 503),
    },
)
async def list_jobs(
    request: Request,
    caller: KnownCaller,
    after: Annotated[str | None, Query(description="The id of the job before the page.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="How many: 1 to 100.")] = 20,
    order: Annotated[
        Literal["asc", "desc"], Query(description="By time: oldest first, or newest.")
    ] = "desc",
) -> Response:
    if after and not _ID.fullmatch(after):
        raise InvalidValue("after: there is no such job.", param="after")
    jobs, more = await parts_of(request).desk.list(
        caller, after=after or None, limit=limit, newest_first=order == "desc"
    )
    return page_answer([shown_job(request, job) for job in jobs], more=more)


_A_JOB = {
    "description": "The job.",
    "content": {"application/json": {"schema": named(JobReply), "example": EXAMPLE_JOB}},
}


@router.post(
    "/jobs/adopt",
    summary="Take over what the upstream has",
    description="Makes a job of a task, for pictures or a film, that one of the accounts of this key has "
    "upstream, whoever submitted it, by the id that the site knows it by. It is followed and collected "
    "like any other and never submitted again. Where the key has that job already, this is it; one that "
    "ended without its result is looked for once more.",
    response_model=None,
    response_class=Response,
    responses={200: _A_JOB, **error_answers(400, 401, 404, 429, 502, 503)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": named(AdoptBody), "example": EXAMPLE_ADOPTION}
            },
        }
    },
)
async def adopt_job(request: Request, caller: KnownCaller) -> Response:
    parts = parts_of(request)
    asked = adoption(
        await json_body(request),
        sites=caller.sites,
        options=parts.options,
    )
    job = await parts.desk.adopt(
        caller,
        submit_id=asked.submit_id,
        history_id=asked.history_id,
        site=asked.site,
        otherwise=Otherwise(picture=asked.image_model, film=asked.video_model),
    )
    return _answer(request, job)


@router.get(
    "/jobs/{job_id}",
    summary="Look at one job",
    description="What it was asked for, where it stands and what came of it, also for a caller who hung up.",
    response_model=None,
    response_class=Response,
    responses={200: _A_JOB, **error_answers(401, 404, 503)},
)
async def look_at_job(request: Request, caller: KnownCaller, job_id: str) -> Response:
    return json_answer(shown_job(request, await _found(request, caller, job_id)))


@router.get(
    "/jobs/{job_id}/events",
    summary="Follow one job",
    description="Server-sent events: the job as it is now, then again whenever it has changed, until it has "
    "ended. Each event is the whole job; the last one has the `status` `completed` or `failed`. Comments "
    '(`: ping`) come while nothing happens. An error is the last event: `{"error": {…}}`.',
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "description": "The job, again and again.",
            "content": {"text/event-stream": {"example": EXAMPLE_EVENTS}},
        },
        **error_answers(401, 404, 503),
    },
)
async def follow_job(request: Request, caller: KnownCaller, job_id: str) -> Response:
    job = await _found(request, caller, job_id)
    parts = parts_of(request)
    return EventStream(
        _changes(request, caller, job.id),
        explain=error_object,
        encoder=encoder_of(request),
        clock=parts.clock,
        heartbeat=parts.options.heartbeat_seconds,
    )


@router.post(
    "/jobs/{job_id}/cancel",
    summary="Take a job back",
    description="What was not sent to the upstream is never sent, and costs nothing. The upstream itself "
    "takes nothing back: what it has may be charged as usual, and its result is kept with the job. Either "
    "way the job has `failed` with `job_cancelled`; its `error` says what is known of the credits.",
    response_model=None,
    response_class=Response,
    responses={200: _A_JOB, **error_answers(400, 401, 404, 503, 504)},
)
async def cancel_job(request: Request, caller: KnownCaller, job_id: str) -> Response:
    job = await _found(request, caller, job_id)
    return _answer(request, await parts_of(request).desk.cancel(caller, job.id))


async def _found(request: Request, caller: Caller, job_id: str) -> Job:
    if not _ID.fullmatch(job_id):
        raise NotFound("There is no such job.")
    return await parts_of(request).desk.find(caller, job_id)


async def _changes(request: Request, caller: Caller, job_id: str) -> Events:
    """The job at every change that can be seen in it."""
    told: bytes | None = None
    async with aclosing(parts_of(request).desk.changes(caller, job_id)) as changes:
        async for job in changes:
            now = msgspec.json.encode(shown_job(request, job))
            digest = hashlib.sha256(now).digest()
            if digest != told:
                told = digest
                yield [now]
            del now  # thousands may follow their jobs
            if job.state.ended:
                return
    raise ShuttingDown(f"The gateway is restarting. The job goes on; see /v1/jobs/{job_id}.")


def _answer(request: Request, job: Job) -> Response:
    """The job as the answer to a request that did something to it."""
    request.state.job = job
    return json_answer(shown_job(request, job))
