"""Films made in other ways than OpenAI's plain one: waited for, out of other films, or better than before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from jimeng_api.accounts.session import Caller
from jimeng_api.domain.errors import (
    InvalidValue,
    MissingParameter,
    NotFound,
    UnsupportedValue,
    VideoNotReady,
)
from jimeng_api.domain.requests import VideoMode, VideoRequest
from jimeng_api.domain.results import Picture
from jimeng_api.generation.finishing import origin_of_film
from jimeng_api.jobs.job import Job
from jimeng_api.media.intake import Kept
from jimeng_api.web.answering import listed, once_there, ordered, result_object
from jimeng_api.web.auth import KnownCaller
from jimeng_api.web.filming import (
    created,
    filmed,
    found_video,
    order_film,
    seed_of,
)
from jimeng_api.web.incoming import body_fields
from jimeng_api.web.outgoing import Piece
from jimeng_api.web.parts import ResponseFormat, parts_of
from jimeng_api.web.schemas.errors import error_answers
from jimeng_api.web.schemas.jobs import JobReply
from jimeng_api.web.schemas.shown import named
from jimeng_api.web.schemas.videos.bodies import (
    EXAMPLE_GENERATION,
    EXAMPLE_VIDEO_EDIT,
    InterpolateBody,
    RemixBody,
    VideoEditBody,
    VideoGenerationBody,
    VideoUpscaleBody,
)
from jimeng_api.web.schemas.videos.finishing import finishing_request
from jimeng_api.web.schemas.videos.order import film_order, with_other_words
from jimeng_api.web.schemas.videos.replies import EXAMPLE_FILMS_REPLY, FilmsReply
from jimeng_api.web.showing import promised, shown_job
from jimeng_api.web.sources import Given, film_sources, sources_of, taking
from jimeng_api.web.video_routes import video_route

router = APIRouter(tags=["videos"])


# -------------------------------------------------------------------- waited for ----


@router.post(
    "/videos/generations",
    **video_route(
        summary="Make a video and wait for it",
        description="As callers of other Jimeng gateways ask. Waits until the film is there, and answers "
        "with a link to it or with the film itself in base64; with `async: true` it answers at once with the "
        "job. What the model cannot make is refused, never replaced. A caller who hangs up does not end the "
        "job: `x-job-id` names it.",
        body=VideoGenerationBody,
        example=EXAMPLE_GENERATION,
        files={"image_file_1": "beach.png"},
        reply={
            "description": "The film; with `async` the job.",
            "content": {
                "application/json": {
                    "schema": {"anyOf": [named(FilmsReply), named(JobReply)]},
                    "example": EXAMPLE_FILMS_REPLY,
                }
            },
        },
    ),
)
async def generate_video(request: Request, caller: KnownCaller) -> Response:
    film = await filmed(request, caller, "videos/generations", VideoGenerationBody)
    if not isinstance(film.body, VideoGenerationBody):
        raise TypeError(film.body)
    if film.body.at_once:
        return promised(request, film.job, shown_job(request, film.job), film.headers)
    form = film.body.response_format or parts_of(request).options.response_format or "url"

    async def reply(job: Job) -> list[Piece]:
        return await _reply(request, job, form)

    return await once_there(request, caller, film.job, reply, headers=lambda _: film.headers)


async def _reply(request: Request, job: Job, form: ResponseFormat) -> list[Piece]:
    objects = [
        await result_object(
            request,
            film,
            form,
            rest={"revised_prompt": job.request.prompt, "seconds": film.seconds},
        )
        for film in job.shown
    ]
    return listed(job, objects, {"model": job.asked_model})


# -------------------------------------------------------------- from other films ----


@router.post(
    "/videos/edits",
    **video_route(
        summary="Edit a video",
        description="Changes a film as the prompt says, with pictures as references where some are sent. "
        "Only some models can; without `model` the first of them that the sites of this key have.",
        body=VideoEditBody,
        example=EXAMPLE_VIDEO_EDIT,
        files={"video": "beach.mp4"},
    ),
)
async def edit_video(request: Request, caller: KnownCaller) -> Response:
    async with body_fields(request) as fields:
        body = VideoEditBody.of(
            {**fields, "model": fields.get("model") or _editor(request, caller)}
        )
        video = await _video_sources(request, caller, fields.get("video"))
        others = film_sources(
            request, {name: value for name, value in fields.items() if name != "video"}
        )
        order = film_order(
            body,
            fields,
            sources=(*video, *others),
            sites=caller.sites,
            options=parts_of(request).options,
            seed=seed_of(request),
            function="video_edit",
            catalogue=parts_of(request).catalogue.now,
        )
        job = await order_film(
            request, caller, order, (*video, *others), name="videos/edits", fields=fields
        )
    return created(request, job)


def _editor(request: Request, caller: Caller) -> str:
    for model in parts_of(request).catalogue.now.videos.values():
        if "edit" in model.input_modes and set(model.upstream) & set(caller.sites):
            return model.name
    raise UnsupportedValue(
        "No model on the sites of this key edits films; GET /v1/models shows what each can do.",
        param="model",
    )


async def _video_sources(request: Request, caller: Caller, video: Any) -> tuple[Given, ...]:
    """The film that is meant: sent, linked, or one of the caller's videos by its id."""
    if isinstance(video, Mapping) and isinstance(video.get("id"), str):
        film = _film_of(await _found(request, caller, video["id"], "video"), "video")
        return (Kept(media_id=film.media_id, param="video"),)
    sources = sources_of(request, {"video": video}, ("video",))
    if not sources:
        raise MissingParameter("video is missing: the film to be edited.", param="video")
    return sources


async def _found(request: Request, caller: Caller, video_id: str, param: str) -> Job:
    try:
        return await found_video(request, caller, video_id)
    except NotFound:
        raise InvalidValue(f"{param}: there is no such video.", param=param) from None


def _film_of(job: Job, param: str) -> Picture:
    if not job.delivered:
        raise VideoNotReady(f"The video is {job.status}; it has no film yet.", param=param)
    if not job.shown:
        raise InvalidValue("The file of this video is not kept any more.", param=param)
    return job.shown[0]


@router.post(
    "/videos/{video_id}/remix",
    **video_route(
        summary="Make a video once more, from another prompt",
        description="A new video with the model, the parameters and the files of this one. The files that a "
        "video started from are kept for about a day.",
        body=RemixBody,
        example={"prompt": "the same beach, by night"},
    ),
)
async def remix_video(request: Request, caller: KnownCaller, video_id: str) -> Response:
    job = await found_video(request, caller, video_id)
    old = job.request
    if not isinstance(old, VideoRequest) or old.mode in ("interpolate", "upscale"):
        raise UnsupportedValue("This video was not made from a prompt.", param="video_id")
    if old.mode != "t2v" and not old.inputs:
        raise UnsupportedValue(
            "This video was taken over, and the files that it started from stayed at the upstream.",
            param="video_id",
        )
    async with body_fields(request) as fields:
        body = RemixBody.of(fields)
        known = parts_of(request).catalogue.now
        # Refused before the files are laid hands on.
        with_other_words(
            old, body.prompt, inputs=old.inputs, of_job=job.id, seed=0, catalogue=known
        )

        async with taking(request, films=True) as take:

            async def prepared() -> VideoRequest:
                try:
                    inputs = await take.again(old.inputs)
                except NotFound:
                    raise InvalidValue(
                        "The files that this video started from are not kept any more.",
                        param="video_id",
                    ) from None
                return with_other_words(
                    old,
                    body.prompt,
                    inputs=inputs,
                    of_job=job.id,
                    seed=seed_of(request),
                    catalogue=known,
                )

            new = await ordered(
                request,
                caller,
                prepared,
                asked_model=job.asked_model,
                name=f"videos/{job.id}/remix",
                fields=fields,
            )
    return created(request, new)


# ------------------------------------------------------------- better than before ----


@router.post(
    "/videos/{video_id}/interpolate",
    **video_route(
        summary="Give a video more pictures a second",
        description="A new video with the same film, moving more smoothly.",
        body=InterpolateBody,
        example={"target_fps": 60},
        needed=False,
    ),
)
async def interpolate_video(request: Request, caller: KnownCaller, video_id: str) -> Response:
    return await _finished(request, caller, video_id, "interpolate")


@router.post(
    "/videos/{video_id}/upscale",
    **video_route(
        summary="Give a video more pixels",
        description="A new video with the same film, larger.",
        body=VideoUpscaleBody,
        example={"resolution": "1080p"},
        needed=False,
    ),
)
async def upscale_video(request: Request, caller: KnownCaller, video_id: str) -> Response:
    return await _finished(request, caller, video_id, "upscale")


async def _finished(request: Request, caller: Caller, video_id: str, mode: VideoMode) -> Response:
    job = await found_video(request, caller, video_id)
    film = _film_of(job, "video_id")
    async with body_fields(request, optional=True) as fields:
        wish = finishing_request(mode, fields, job, film)

        async with taking(request, films=True) as take:

            async def prepared() -> VideoRequest:
                origin = origin_of_film(caller, job, film)
                if origin is not None:
                    return wish(origin, ())
                return wish(None, await take([Kept(media_id=film.media_id, param="video_id")]))

            new = await ordered(
                request,
                caller,
                prepared,
                asked_model=job.asked_model,
                name=f"videos/{job.id}/{mode}",
                fields=fields,
            )
    return created(request, new)


# ------------------------------------------------------- what the upstream has not ----


@router.post(
    "/videos/extensions",
    summary="Extend a video",
    description="The upstream has nothing of the kind: always refused.",
    response_model=None,
    response_class=Response,
    responses=error_answers(400, 401),
)
async def extend_video(request: Request, caller: KnownCaller) -> Response:
    raise UnsupportedValue(
        "Videos cannot be extended: the upstream has nothing of the kind.", param="video"
    )


@router.post(
    "/videos/characters",
    summary="Make a character",
    description="The upstream has nothing of the kind: always refused.",
    response_model=None,
    response_class=Response,
    responses=error_answers(400, 401),
)
async def create_character(request: Request, caller: KnownCaller) -> Response:
    raise UnsupportedValue(
        "Characters cannot be made; send pictures of them with function_mode=main_reference.",
        param="video",
    )


@router.get(
    "/videos/characters/{character_id}",
    summary="Look at a character",
    description="There are none.",
    response_model=None,
    response_class=Response,
    responses=error_answers(401, 404),
)
async def look_at_character(request: Request, caller: KnownCaller, character_id: str) -> Response:
    raise NotFound("There is no such character.", param="character_id")
