"""Ordering, waiting for a job's results and answering with them: what all routes that make them share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from jimeng_api.accounts.session import Caller
from jimeng_api.domain.errors import GatewayError
from jimeng_api.domain.results import Picture
from jimeng_api.generation.new_jobs import Prepared
from jimeng_api.jobs.job import Job
from jimeng_api.web.early import Early, shown_early, with_results
from jimeng_api.web.errors import CLIENT_CLOSED_REQUEST, error_object
from jimeng_api.web.event_stream import Events, EventStream
from jimeng_api.web.links import links_of
from jimeng_api.web.outgoing import Base64, Base64Stream, Piece, PiecesResponse, encoder_of
from jimeng_api.web.parts import ResponseFormat, hold, note_answered, parts_of
from jimeng_api.web.repeats import repeat_of
from jimeng_api.web.schemas.images.order import Answer
from jimeng_api.web.schemas.images.replies import USAGE, common_keys
from jimeng_api.web.waiting import unless_gone


def _nothing(_: Job) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What is a route's own in its answers: the type of its last events, and keys beside those of all."""

    event: str
    own: Callable[[Job], Mapping[str, Any]] = _nothing

    @property
    def early_event(self) -> str:
        """The type of the events before the end."""
        return f"{self.event.partition('.')[0]}.partial_image"


async def ordered(
    request: Request,
    caller: Caller,
    prepared: Prepared,
    *,
    asked_model: str,
    name: str,
    fields: Mapping[str, Any],
    remarks: bytes = b"",
) -> Job:
    """The job of a request that came to the route of this name with these fields; it is the request's now.

    `remarks` are kept with a new job.
    """
    job = await parts_of(request).desk.order(
        caller,
        prepared,
        asked_model=asked_model,
        repeat=await repeat_of(request, name, fields),
        remarks=remarks,
    )
    hold(request, job)
    return job


async def answered(
    request: Request, caller: Caller, answer: Answer, job: Job, manner: Manner
) -> Response:
    """The answer to a request, once its job is there or, as a stream, until then."""
    if answer.stream:
        return streamed(
            request, _events(request, caller, answer, job, manner), headers=_headers(answer, job)
        )
    return await once_there(
        request,
        caller,
        job,
        lambda waited: _reply(request, answer, waited, manner),
        headers=partial(_headers, answer),
    )


def streamed(
    request: Request, events: Events, *, headers: Mapping[str, str], named: bool = False
) -> EventStream:
    """These events as the answer, and as their last what went wrong, if something does."""
    parts = parts_of(request)
    return EventStream(
        events,
        explain=partial(_explain, request),
        encoder=encoder_of(request),
        clock=parts.clock,
        heartbeat=parts.options.heartbeat_seconds,
        headers=headers,
        told=partial(note_answered, request),
        named=named,
    )


async def once_there(
    request: Request,
    caller: Caller,
    job: Job,
    reply: Callable[[Job], Awaitable[list[Piece]]],
    *,
    headers: Callable[[Job], Mapping[str, str]],
) -> Response:
    """What `reply` and `headers` make of the job once it has its results, unless the caller hangs up."""
    waited = await unless_gone(awaited(request, caller, job), request.receive)
    if waited is None:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    return PiecesResponse(
        await reply(waited),
        encoder=encoder_of(request),
        headers=headers(waited),
        told=partial(note_answered, request),
    )


async def awaited(request: Request, caller: Caller, job: Job) -> Job:
    """The job with its results. Raises what it failed with."""
    parts = parts_of(request)
    waited = await parts.desk.wait(caller, job.id, seconds=parts.options.wait_seconds)
    return with_results(request, waited)


def _headers(answer: Answer, job: Job) -> dict[str, str]:
    adjusted = {"x-jimeng-size-adjusted": "1"} if answer.size_adjusted else {}
    return adjusted | ({"x-partial": "true"} if job.partial else {})


async def _reply(request: Request, answer: Answer, job: Job, manner: Manner) -> list[Piece]:
    objects = [
        await result_object(request, picture, answer.response_format) for picture in job.shown
    ]
    return listed(job, objects, _rest(answer, job, manner))


def listed(job: Job, objects: Iterable[list[Piece]], rest: Mapping[str, Any]) -> list[Piece]:
    """The body that holds these results, with these keys behind them."""
    pieces: list[Piece] = [b'{"created":%d,"data":[' % job.created_at]
    for number, found in enumerate(objects):
        pieces.append(b"," if number else b"")
        pieces += found
    return [*pieces, b"],", msgspec.json.encode(rest)[1:]]


async def _events(
    request: Request, caller: Caller, answer: Answer, job: Job, manner: Manner
) -> Events:
    created = {"created_at": int(job.created_at)}
    async with aclosing(shown_early(request, caller, job, most=answer.early)) as seen:
        async for one in seen:
            if isinstance(one, Early):
                start = {"type": manner.early_event, "partial_image_index": one.index, **created}
                rest = {"model": answer.asked_model, **common_keys(one.picture, answer)}
                yield await result_object(request, one.picture, answer.streamed_as, start, rest)
                continue
            start, rest = {"type": manner.event, **created}, _rest(answer, one, manner)
            for picture in one.shown:
                own = {"size": f"{picture.width}x{picture.height}"}
                form = answer.streamed_as
                yield await result_object(request, picture, form, start, {**rest, **own})


def _rest(answer: Answer, job: Job, manner: Manner) -> dict[str, Any]:
    """What is said of the pictures as a whole."""
    return {
        "model": answer.asked_model,
        **common_keys(job.shown[0], answer),
        **manner.own(job),
        "usage": USAGE,
    }


async def result_object(
    request: Request,
    picture: Picture,
    form: ResponseFormat,
    start: Mapping[str, Any] | None = None,
    rest: Mapping[str, Any] | None = None,
) -> list[Piece]:
    """A picture or film as a JSON object, between these keys."""
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
    return [opening, await in_base64(request, picture), b'",', msgspec.json.encode(rest)[1:]]


async def in_base64(request: Request, picture: Picture) -> Base64 | Base64Stream:
    """The file of a picture or film as a piece of an answer. Raises NotFound where it is gone."""
    media = parts_of(request).media
    if picture.is_film:
        chunks = media.stream(picture.media_id, start=0, end=picture.size)
        return Base64Stream(picture.size, chunks)
    return Base64(await media.read(picture.media_id))


def _explain(request: Request, error: GatewayError) -> object:
    return error_object(error, job=getattr(request.state, "job", None))
