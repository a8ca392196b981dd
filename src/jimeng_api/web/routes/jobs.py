"""Every generation, whatever asked for it: `GET /v1/jobs` and `GET /v1/jobs/{id}`."""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from jimeng_api.domain.errors import InvalidValue, NotFound
from jimeng_api.jobs.job import Job
from jimeng_api.web.auth import KnownCaller
from jimeng_api.web.links import links_of
from jimeng_api.web.parts import parts_of
from jimeng_api.web.schemas.errors import error_answers
from jimeng_api.web.schemas.jobs import EXAMPLE_JOB, JobList, JobReply, job_object
from jimeng_api.web.schemas.shown import named

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
        **error_answers(400, 401, 503),
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
    page = {
        "object": "list",
        "data": [_object(request, job) for job in jobs],
        "first_id": jobs[0].id if jobs else None,
        "last_id": jobs[-1].id if jobs else None,
        "has_more": more,
    }
    return _json(page)


@router.get(
    "/jobs/{job_id}",
    summary="Look at one job",
    description="What it was asked for, where it stands and what came of it, also for a caller who hung up.",
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "description": "The job.",
            "content": {"application/json": {"schema": named(JobReply), "example": EXAMPLE_JOB}},
        },
        **error_answers(401, 404, 503),
    },
)
async def look_at_job(request: Request, caller: KnownCaller, job_id: str) -> Response:
    if not _ID.fullmatch(job_id):
        raise NotFound("There is no such job.")
    return _json(_object(request, await parts_of(request).desk.find(caller, job_id)))


def _object(request: Request, job: Job) -> object:
    live = parts_of(request).desk.live(job.id)
    return job_object(job, live, link=partial(links_of(request).media, request.scope))


def _json(found: object) -> Response:
    return Response(msgspec.json.encode(found), media_type="application/json")
