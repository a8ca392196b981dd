"""Pictures: `POST /v1/images/generations`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from jimeng_api.accounts.session import Caller
from jimeng_api.domain.errors import GatewayError, NotFound
from jimeng_api.domain.results import Picture
from jimeng_api.generation.desk import ready
from jimeng_api.jobs.job import Job
from jimeng_api.web.auth import KnownCaller
from jimeng_api.web.errors import CLIENT_CLOSED_REQUEST, error_object
from jimeng_api.web.event_stream import Events, EventStream
from jimeng_api.web.incoming import json_body
from jimeng_api.web.links import links_of
from jimeng_api.web.outgoing import Base64, Piece, PiecesResponse, encoder_of
from jimeng_api.web.parts import ResponseFormat, hold, note_answered, parts_of
from jimeng_api.web.repeats import KEY, repeat_of
from jimeng_api.web.schemas.errors import error_answers
from jimeng_api.web.schemas.images import (
    EXAMPLE_EVENT,
    EXAMPLE_REPLY,
    EXAMPLE_REQUEST,
    SEEDS,
    USAGE,
    ImageGenerationBody,
    ImageOrder,
    ImagesReply,
    common_keys,
    image_order,
)
from jimeng_api.web.schemas.shown import named
from jimeng_api.web.waiting import ended, unless_gone

router = APIRouter(tags=["images"])

_DESCRIPTION = """
Waits until the pictures are there, and answers with links to them or with the pictures themselves in base64.
A caller who hangs up does not end the job: `x-job-id` names it, and `GET /v1/jobs/{id}` shows it.

With `stream: true` the answer begins as soon as the job is accepted: comments (`: ping`) while it runs, then
one `image_generation.completed` event for each picture.

Whoever sends a request again gets the job of the first one, and pays once: with the same `Idempotency-Key`,
or as OpenAI's own clients do after a broken connection.
"""

_ROUTE = "images/generations"


@router.post(
    "/images/generations",
    summary="Make pictures from a prompt",
    description=_DESCRIPTION.strip(),
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "description": "The pictures. `x-partial: true` says that they are fewer than were asked for, "
            "`x-jimeng-size-adjusted: 1` that the model does not draw the size that was asked for.",
            "content": {
                "application/json": {"schema": named(ImagesReply), "example": EXAMPLE_REPLY},
                "text/event-stream": {"example": EXAMPLE_EVENT},
            },
        },
        **error_answers(400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504),
    },
    openapi_extra={
        "parameters": [
            {
                "name": KEY,
                "in": "header",
                "description": "1 to 255 printable ASCII characters of your own choice: the same key with "
                "the same request is the same job, however often it is sent.",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": named(ImageGenerationBody),
                    "example": EXAMPLE_REQUEST,
                }
            },
        },
    },
)
async def generate_images(request: Request, caller: KnownCaller) -> Response:
    parts = parts_of(request)
    fields = await json_body(request)
    order = image_order(
        fields,
        sites=caller.sites,
        options=parts.options,
        seed=parts.clock.number(SEEDS),
    )
    job = await parts.desk.order(
        caller,
        ready(order.request),
        asked_model=order.asked_model,
        repeat=repeat_of(request, _ROUTE, fields),
    )
    hold(request, job)
    if order.stream:
        return EventStream(
            _events(request, caller, order, job),
            explain=partial(_explain, request),
            encoder=encoder_of(request),
            clock=parts.clock,
            heartbeat=parts.options.heartbeat_seconds,
            headers=_headers(order, job),
            told=partial(note_answered, request),
        )
    waited = await unless_gone(_waited(request, caller, job), request.receive)
    if waited is None:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    return PiecesResponse(
        await _reply(request, order, waited),
        encoder=encoder_of(request),
        headers=_headers(order, waited),
        told=partial(note_answered, request),
    )


async def _waited(request: Request, caller: Caller, job: Job) -> Job:
    """The job with its pictures. Raises what it failed with."""
    parts = parts_of(request)
    waited = await parts.desk.wait(caller, job.id, seconds=parts.options.wait_seconds)
    request.state.job = waited
    if not ended(waited).shown:
        raise NotFound("The pictures of this job are not kept any more.")
    return waited


def _headers(order: ImageOrder, job: Job) -> dict[str, str]:
    adjusted = {"x-jimeng-size-adjusted": "1"} if order.size_adjusted else {}
    return adjusted | ({"x-partial": "true"} if job.partial else {})


async def _reply(request: Request, order: ImageOrder, job: Job) -> list[Piece]:
    pieces: list[Piece] = [b'{"created":%d,"data":[' % job.created_at]
    for number, picture in enumerate(job.shown):
        pieces.append(b"," if number else b"")
        pieces += await _object(request, picture, order.response_format)
    rest = {"model": order.asked_model, **common_keys(job, order), "usage": USAGE}
    return [*pieces, b"],", msgspec.json.encode(rest)[1:]]


async def _events(request: Request, caller: Caller, order: ImageOrder, job: Job) -> Events:
    waited = await _waited(request, caller, job)
    start = {"type": "image_generation.completed", "created_at": int(job.created_at)}
    rest = {"model": order.asked_model, **common_keys(waited, order), "usage": USAGE}
    for picture in waited.shown:
        own = {"size": f"{picture.width}x{picture.height}"}
        yield await _object(request, picture, order.streamed_as, start, {**rest, **own})


async def _object(
    request: Request,
    picture: Picture,
    form: ResponseFormat,
    start: Mapping[str, Any] | None = None,
    rest: Mapping[str, Any] | None = None,
) -> list[Piece]:
    """A picture as a JSON object, between these keys."""
    start = start or {}
    rest = {
        "width": picture.width,
        "height": picture.height,
        "bytes": picture.size,
        **(rest or {}),
    }
    if form == "url":
        link = links_of(request).media(request.scope, picture.media_id)
        return [msgspec.json.encode({**start, "url": link, **rest})]
    opening = msgspec.json.encode({**start, "b64_json": ""})[:-2]
    file = await parts_of(request).media.read(picture.media_id)
    return [opening, Base64(file), b'",', msgspec.json.encode(rest)[1:]]


def _explain(request: Request, error: GatewayError) -> object:
    return error_object(error, job=request.state.job)
