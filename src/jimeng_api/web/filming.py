"""From a request for a film to its job: what all routes that order films share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from jimeng_api.accounts.session import Caller
from jimeng_api.domain.errors import NotFound
from jimeng_api.domain.requests import VideoRequest
from jimeng_api.jobs.job import Job
from jimeng_api.web.answering import ordered
from jimeng_api.web.incoming import body_fields
from jimeng_api.web.parts import parts_of
from jimeng_api.web.schemas.images.fields import SEEDS
from jimeng_api.web.schemas.videos.bodies import FilmBody
from jimeng_api.web.schemas.videos.order import FilmOrder, film_order
from jimeng_api.web.showing import promised, shown_video
from jimeng_api.web.sources import Given, film_sources, taking
from jimeng_api.web.video_ids import job_id_of
from jimeng_api.web.video_routes import POLL_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Filmed:
    """A film that was ordered: the body that asked for it, what was understood, and its job."""

    body: FilmBody
    order: FilmOrder
    job: Job

    @property
    def headers(self) -> Mapping[str, str]:
        return {"x-jimeng-size-adjusted": "1"} if self.order.size_adjusted else {}


async def filmed(request: Request, caller: Caller, name: str, body: type[FilmBody]) -> Filmed:
    """What came with the request is let go of here: the wait for the job may be long."""
    async with body_fields(request) as fields:
        asked = body.of(fields)
        sources = film_sources(request, fields)
        order = film_order(
            asked,
            fields,
            sources=sources,
            sites=caller.sites,
            options=parts_of(request).options,
            seed=seed_of(request),
            catalogue=parts_of(request).catalogue.now,
        )
        job = await order_film(request, caller, order, sources, name=name, fields=fields)
    return Filmed(body=asked, order=order, job=job)


async def order_film(
    request: Request,
    caller: Caller,
    order: FilmOrder,
    sources: tuple[Given, ...],
    *,
    name: str,
    fields: Mapping[str, Any],
    remarks: bytes = b"",
) -> Job:
    async with taking(request, films=True) as take:

        async def prepared() -> VideoRequest:
            return order.request(await take(sources))

        return await ordered(
            request,
            caller,
            prepared,
            asked_model=order.asked_model,
            name=name,
            fields=fields,
            remarks=remarks,
        )


def seed_of(request: Request) -> int:
    return parts_of(request).clock.number(SEEDS)


def created(request: Request, job: Job, headers: Mapping[str, str] | None = None) -> Response:
    """The answer with a new video."""
    return promised(request, job, shown_video(request, job), {**POLL_AFTER, **(headers or {})})


async def found_video(request: Request, caller: Caller, video_id: str) -> Job:
    """The job behind the id of a video. Raises NotFound, also for a job that makes no video."""
    try:
        job = await parts_of(request).desk.find(caller, job_id_of(video_id))
    except NotFound:
        job = None
    if job is None or job.kind != "video":
        raise NotFound("There is no such video.", param="video_id")
    return job
