"""Responses on their way out: as one body, and as the events that they come about by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from jimeng_api.accounts.session import Caller
from jimeng_api.domain.errors import GatewayError
from jimeng_api.domain.results import Picture
from jimeng_api.jobs.job import Job
from jimeng_api.web.answering import awaited, in_base64, once_there, streamed
from jimeng_api.web.early import Early, shown_early
from jimeng_api.web.errors import error_object
from jimeng_api.web.event_stream import Events
from jimeng_api.web.outgoing import Piece, PiecesResponse, encoder_of
from jimeng_api.web.parts import note_answered, parts_of
from jimeng_api.web.response_ids import message_id_of, picture_id_of
from jimeng_api.web.schemas.responses.remarks import Remarks
from jimeng_api.web.schemas.responses.replies import (
    Standing,
    look_of,
    message_object,
    picture_begun,
    picture_keys,
    response_keys,
    standing,
    status_of,
    text_part,
)
from jimeng_api.web.showing import markdown_of


async def response_once_there(
    request: Request, caller: Caller, job: Job, remarks: Remarks, headers: Mapping[str, str]
) -> Response:
    """The response, once it is completed, unless the caller hangs up."""

    async def reply(waited: Job) -> list[Piece]:
        return await _whole(request, waited, remarks)

    def all_headers(waited: Job) -> Mapping[str, str]:
        return {**headers, **({"x-partial": "true"} if waited.partial else {})}

    return await once_there(request, caller, job, reply, headers=all_headers)


async def response_now(request: Request, job: Job, remarks: Remarks) -> Response:
    """The response as it stands."""
    request.state.job = job
    return await _answer(request, job, remarks, told=partial(note_answered, request))


async def promised_response(
    request: Request, job: Job, remarks: Remarks, headers: Mapping[str, str]
) -> Response:
    """The response as what promises it: whoever sends the request again after this means another one."""
    told = partial(parts_of(request).desk.answered, job.id)
    return await _answer(request, job, remarks, headers, told=told)


async def _answer(
    request: Request,
    job: Job,
    remarks: Remarks,
    headers: Mapping[str, str] | None = None,
    *,
    told: Callable[[], None],
) -> Response:
    return PiecesResponse(
        await _whole(request, job, remarks),
        encoder=encoder_of(request),
        headers=headers,
        told=told,
    )


def response_stream(
    request: Request,
    caller: Caller,
    job: Job,
    remarks: Remarks,
    *,
    headers: Mapping[str, str] | None = None,
    after: int | None = None,
) -> Response:
    """The events of the response; with `after`, those behind the one of this number."""
    request.state.job = job
    events = _events(request, caller, job, remarks, after=after)
    return streamed(request, events, headers=headers or {}, named=True)


def words_at_once(request: Request, text: str, remarks: Remarks, *, stream: bool) -> Response:
    """A response that consists of these words, and of which nothing is kept."""
    clock = parts_of(request).clock
    now = Standing(job_id=clock.token(), status="completed", created_at=clock.now())
    if stream:
        return streamed(request, _spoken(now, text, remarks), headers={}, named=True)
    item = msgspec.json.encode(message_object(now.job_id, text))
    body = _body(now, remarks, [item])
    return PiecesResponse(body, encoder=encoder_of(request), told=lambda: None)


async def _spoken(now: Standing, text: str, remarks: Remarks) -> Events:
    tell = _Numbered()
    for event in _begun(now, remarks, tell):
        yield event
    for event in _message_events(now.job_id, text, tell):
        yield event
    item = msgspec.json.encode(message_object(now.job_id, text))
    yield tell("response.completed", response=_body(now, remarks, [item]))


async def _whole(request: Request, job: Job, remarks: Remarks) -> list[Piece]:
    """The body of the response, with its output where that is there."""
    now = standing(job)
    there = now.status == "completed" and job.shown
    return _body(now, remarks, _joined(await _items(request, job, remarks)) if there else [])


def _body(now: Standing, remarks: Remarks, output: Sequence[Piece]) -> list[Piece]:
    before, behind = response_keys(now, remarks)
    return [
        msgspec.json.encode(before)[:-1] + b',"output":[',
        *output,
        b"]," + msgspec.json.encode(behind)[1:],
    ]


async def _items(request: Request, job: Job, remarks: Remarks) -> list[list[Piece]]:
    """What the output consists of."""
    if answers_in_words(job, remarks):
        return [
            [msgspec.json.encode(message_object(job.id, "\n\n".join(markdown_of(request, job))))]
        ]
    return [
        await _picture(request, job, remarks, number, picture)
        for number, picture in enumerate(job.shown)
    ]


async def _picture(
    request: Request, job: Job, remarks: Remarks, number: int, picture: Picture
) -> list[Piece]:
    keys = picture_keys(job, remarks, number, picture)
    opening = msgspec.json.encode({**keys, "result": ""})[:-2]
    return [opening, await in_base64(request, picture), b'"}']


def answers_in_words(job: Job, remarks: Remarks) -> bool:
    """Whether the answer is a message with links.

    There is no item for a film, and whoever brings no tool does not know what to do with the call of one.
    """
    return job.kind == "video" or remarks.tool is None


class _Numbered:
    """Makes events, each with the next number."""

    def __init__(self) -> None:
        self._next = 0

    def __call__(
        self, kind: str, /, keys: Mapping[str, Any] | None = None, **parts: Sequence[Piece]
    ) -> list[Piece]:
        """An event with these keys, and with objects that consist of pieces."""
        start = {"type": kind, "sequence_number": self._next, **(keys or {})}
        self._next += 1
        event: list[Piece] = [b"event: %s\ndata: " % kind.encode(), msgspec.json.encode(start)[:-1]]
        for name, pieces in parts.items():
            event += [b',"%s":' % name.encode(), *pieces]
        return [*event, b"}"]


async def _events(
    request: Request, caller: Caller, job: Job, remarks: Remarks, *, after: int | None
) -> Events:
    async with aclosing(_all_events(request, caller, job, remarks)) as events:
        number = 0
        async for event in events:
            if after is None or number > after:
                yield event
            number += 1


async def _all_events(request: Request, caller: Caller, job: Job, remarks: Remarks) -> Events:
    tell = _Numbered()
    for event in _begun(standing(job), remarks, tell):
        yield event
    how = _word_events if answers_in_words(job, remarks) else _picture_events
    try:
        async with aclosing(how(request, caller, job, remarks, tell)) as events:
            async for event in events:
                yield event
        yield tell("response.completed", response=await _whole(request, request.state.job, remarks))
    except GatewayError as error:
        left = request.state.job
        if status_of(left) in ("failed", "cancelled"):
            yield tell("response.failed", response=await _whole(request, left, remarks))
        # Clients differ in where they look, and some look at nothing but this.
        found = error_object(error, job=left)
        own = {name: found[name] for name in ("code", "message", "param")}
        yield tell("error", {**own, "error": found})


def _begun(now: Standing, remarks: Remarks, tell: _Numbered) -> Iterator[Sequence[Piece]]:
    """As every response begins, whatever has become of it meanwhile."""
    begun = replace(now, status="in_progress", completed_at=None, error=None)
    for step in ("created", "in_progress"):
        yield tell(f"response.{step}", response=_body(begun, remarks, []))


async def _picture_events(
    request: Request, caller: Caller, job: Job, remarks: Remarks, tell: _Numbered
) -> Events:
    for event in _drawing(job, 0, tell):
        yield event
    async with aclosing(shown_early(request, caller, job, most=remarks.early)) as seen:
        async for one in seen:
            if isinstance(one, Early):
                yield await _early(request, job, remarks, one, tell)
                continue
            for number, picture in enumerate(one.shown):
                if number:
                    for event in _drawing(job, number, tell):
                        yield event
                yield tell("response.image_generation_call.completed", _place(job, number))
                item = await _picture(request, one, remarks, number, picture)
                yield tell("response.output_item.done", {"output_index": number}, item=item)


async def _early(
    request: Request, job: Job, remarks: Remarks, one: Early, tell: _Numbered
) -> list[Piece]:
    """A picture before the end. Which one it is to be is not known yet: it is shown in the first's place."""
    keys = {"partial_image_index": one.index, **look_of(one.picture, remarks)}
    body: list[Piece] = [b'"', await in_base64(request, one.picture), b'"']
    place = _place(job, 0) | keys
    return tell("response.image_generation_call.partial_image", place, partial_image_b64=body)


def _drawing(job: Job, number: int, tell: _Numbered) -> Iterator[Sequence[Piece]]:
    item = picture_begun(job, number)
    yield tell("response.output_item.added", {"output_index": number, "item": item})
    for step in ("in_progress", "generating"):
        yield tell(f"response.image_generation_call.{step}", _place(job, number))


def _place(job: Job, number: int) -> dict[str, Any]:
    return {"output_index": number, "item_id": picture_id_of(job.id, number)}


async def _word_events(
    request: Request, caller: Caller, job: Job, _: Remarks, tell: _Numbered
) -> Events:
    waited = await awaited(request, caller, job)
    for event in _message_events(job.id, "\n\n".join(markdown_of(request, waited)), tell):
        yield event


def _message_events(job_id: str, text: str, tell: _Numbered) -> Iterator[Sequence[Piece]]:
    item = {"output_index": 0}
    part = {"item_id": message_id_of(job_id), **item, "content_index": 0}
    yield tell("response.output_item.added", {**item, "item": message_object(job_id, None)})
    yield tell("response.content_part.added", {**part, "part": text_part("")})
    yield tell("response.output_text.delta", {**part, "delta": text, "logprobs": []})
    yield tell("response.output_text.done", {**part, "text": text, "logprobs": []})
    yield tell("response.content_part.done", {**part, "part": text_part(text)})
    yield tell("response.output_item.done", {**item, "item": message_object(job_id, text)})


def _joined(items: Sequence[list[Piece]]) -> list[Piece]:
    return [piece for n, item in enumerate(items) for piece in ([b","] * bool(n) + item)]
