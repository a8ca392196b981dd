"""Jobs and videos as answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from jimeng_api.domain.results import Picture
from jimeng_api.jobs.job import Job
from jimeng_api.web.links import links_of
from jimeng_api.web.parts import parts_of
from jimeng_api.web.schemas.jobs import job_object
from jimeng_api.web.schemas.videos.replies import video_object
from jimeng_api.web.serving import SHOWN


def shown_job(request: Request, job: Job) -> dict[str, Any]:
    parts = parts_of(request)
    link = partial(links_of(request).media, request.scope)
    return job_object(job, parts.desk.live(job.id), link=link, now=parts.clock.now())


def shown_video(request: Request, job: Job) -> dict[str, Any]:
    parts = parts_of(request)
    link = partial(links_of(request).media, request.scope)
    return video_object(job, parts.desk.live(job.id), link=link, now=parts.clock.now())


_LONGEST_ALT = 80
_MARKUP = str.maketrans(dict.fromkeys("[]()<>\\`*_~|!#&", " "))


def markdown_of(request: Request, job: Job) -> list[str]:
    """The results as they stand in a message, one by one: pictures are shown, films linked."""
    words = " ".join(job.request.prompt.translate(_MARKUP).split())
    alt = words if len(words) <= _LONGEST_ALT else f"{words[: _LONGEST_ALT - 1]}…"
    return [
        f"[{alt or 'film'}]({_link(request, one)})"
        if one.is_film
        else f"![{alt or 'picture'}]({_link(request, one)})"
        for one in job.shown
    ]


def _link(request: Request, picture: Picture) -> str:
    ending = f".{SHOWN.get(picture.content_type, 'mp4')}" if picture.is_film else ""
    return links_of(request).media(request.scope, picture.media_id, ending=ending)


def json_answer(found: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(found), media_type="application/json", headers=headers)


def promised(
    request: Request, job: Job, found: object, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer that promises a new job: whoever sends the request again after this means another one."""

    async def told() -> None:
        parts_of(request).desk.answered(job.id)

    answer = json_answer(found, headers)
    answer.background = BackgroundTask(told)
    return answer


def page_answer(found: Sequence[Mapping[str, Any]], *, more: bool) -> Response:
    """A page of a list as OpenAI's clients walk through it."""
    page = {
        "object": "list",
        "data": found,
        "first_id": found[0]["id"] if found else None,
        "last_id": found[-1]["id"] if found else None,
        "has_more": more,
    }
    return json_answer(page)
