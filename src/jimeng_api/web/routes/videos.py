"""Films as OpenAI's clients ask for them and look after them: `/v1/videos`."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from jimeng_api.domain.errors import InvalidValue, NotFound, VideoNotReady
from jimeng_api.media.film_stills import STILL_TYPES
from jimeng_api.web.auth import KnownCaller
from jimeng_api.web.filming import created, filmed, found_video
from jimeng_api.web.parts import parts_of
from jimeng_api.web.schemas.errors import error_answers
from jimeng_api.web.schemas.shown import named
from jimeng_api.web.schemas.videos.bodies import EXAMPLE_VIDEO, VideoBody
from jimeng_api.web.schemas.videos.replies import (
    EXAMPLE_VIDEO_REPLY,
    VideoDeletedReply,
    VideoList,
)
from jimeng_api.web.serving import StoredFile, file_answer
from jimeng_api.web.showing import json_answer, page_answer, shown_video
from jimeng_api.web.video_ids import job_id_of
from jimeng_api.web.video_routes import A_VIDEO, POLL_AFTER, video_route

router = APIRouter(tags=["videos"])


@router.post(
    "/videos",
    **video_route(
        summary="Make a video",
        description="Answers at once with the video as it is then: look at it again until its `status` is "
        "`completed` or `failed`. Takes a form, with or without files, or JSON.\n\nWhoever sends a request "
        "again gets the video of the first one, and pays once: with the same `Idempotency-Key`, or as "
        "OpenAI's own clients do after a broken connection.",
        body=VideoBody,
        example=EXAMPLE_VIDEO,
        files={"input_reference": "beach.png"},
    ),
)
async def create_video(request: Request, caller: KnownCaller) -> Response:
    film = await filmed(request, caller, "videos", VideoBody)
    return created(request, film.job, film.headers)


@router.get(
    "/videos",
    summary="List your videos",
    description="The videos of this key, the newest first. `last_id` of a page is the `after` of the next.",
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "description": "A page of videos.",
            "content": {
                "application/json": {
                    "schema": named(VideoList),
                    "example": {
                        "object": "list",
                        "data": [EXAMPLE_VIDEO_REPLY],
                        "first_id": EXAMPLE_VIDEO_REPLY["id"],
                        "last_id": EXAMPLE_VIDEO_REPLY["id"],
                        "has_more": False,
                    },
                }
            },
        },
        **error_answers(400, 401, 503),
    },
)
async def list_videos(
    request: Request,
    caller: KnownCaller,
    after: Annotated[str | None, Query(description="The id of the video before the page.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="How many: 1 to 100.")] = 20,
    order: Annotated[
        Literal["asc", "desc"], Query(description="By time: oldest first, or newest.")
    ] = "desc",
) -> Response:
    try:
        jobs, more = await parts_of(request).desk.list(
            caller,
            after=job_id_of(after) if after else None,
            limit=limit,
            newest_first=order == "desc",
            kind="video",
        )
    except NotFound:
        raise InvalidValue("after: there is no such video.", param="after") from None
    return page_answer([shown_video(request, job) for job in jobs], more=more)


@router.get(
    "/videos/{video_id}",
    summary="Look at one video",
    description="How far it is, what became of it and, once it is completed, where it lies.",
    response_model=None,
    response_class=Response,
    responses={200: A_VIDEO, **error_answers(401, 404, 503)},
)
async def look_at_video(request: Request, caller: KnownCaller, video_id: str) -> Response:
    job = await found_video(request, caller, video_id)
    return json_answer(shown_video(request, job), POLL_AFTER)


@router.delete(
    "/videos/{video_id}",
    summary="Delete a video",
    description="The video, its job and its files are gone for good. One that is not finished is cancelled "
    "first: what the upstream has of it may be charged all the same, and is not collected.",
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "description": "It is gone.",
            "content": {
                "application/json": {
                    "schema": named(VideoDeletedReply),
                    "example": {
                        "id": EXAMPLE_VIDEO_REPLY["id"],
                        "object": "video.deleted",
                        "deleted": True,
                    },
                }
            },
        },
        **error_answers(401, 404, 503, 504),
    },
)
async def delete_video(request: Request, caller: KnownCaller, video_id: str) -> Response:
    job = await found_video(request, caller, video_id)
    await parts_of(request).deleting.delete(caller, job.id)
    return json_answer({"id": video_id, "object": "video.deleted", "deleted": True})


@router.head("/videos/{video_id}/content", include_in_schema=False)
@router.get(
    "/videos/{video_id}/content",
    summary="Fetch a video",
    description="The film itself, or a picture made of it: `thumbnail` is one of its pictures, `spritesheet` "
    "many of them in one. A single `Range` is served as such; `If-None-Match` is understood.",
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "description": "The whole file.",
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in ("video/mp4", *STILL_TYPES.values())
            },
        },
        206: {"description": "The part that was asked for."},
        304: {"description": "The caller has it already."},
        416: {"description": "The file has no such part."},
        **error_answers(400, 401, 404, 502, 503),
    },
)
async def fetch_video(
    request: Request,
    caller: KnownCaller,
    video_id: str,
    variant: Annotated[
        Literal["video", "thumbnail", "spritesheet"],
        Query(description="`video` (absent), `thumbnail` or `spritesheet`."),
    ] = "video",
) -> Response:
    job = await found_video(request, caller, video_id)
    if not job.delivered:
        why = f"it failed: {job.failure.message}" if job.failure else f"it is {job.status}."
        raise VideoNotReady(f"The video has no content; {why}", param="video_id")
    if not job.shown:
        raise NotFound("The file of this video is not kept any more.", param="video_id")
    film = job.shown[0]
    if variant == "video":
        return await file_answer(request, StoredFile.of(film))
    name, body = await parts_of(request).stills.of(film, variant)
    digest = hashlib.sha256(body).hexdigest()
    kind = STILL_TYPES[variant]
    still = StoredFile(media_id=name, content_type=kind, size=len(body), digest=digest)
    return await file_answer(request, still)
