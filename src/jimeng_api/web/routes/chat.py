"""Pictures and films inside a conversation: `POST /v1/chat/completions`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, Request
from starlette.responses import Response

from jimeng_api.accounts.session import Caller
from jimeng_api.jobs.job import Job
from jimeng_api.web.answering import awaited, once_there, streamed
from jimeng_api.web.auth import KnownCaller
from jimeng_api.web.chores import chore_answer, chore_in
from jimeng_api.web.conversation import turn_of
from jimeng_api.web.conversing import Made, heard, order_turn, parameters
from jimeng_api.web.event_stream import Events
from jimeng_api.web.incoming import body_fields
from jimeng_api.web.outgoing import Base64Stream, Piece, PiecesResponse, encoder_of
from jimeng_api.web.parts import parts_of
from jimeng_api.web.repeats import KEY_PARAMETER
from jimeng_api.web.schemas.chat.bodies import EXAMPLE_CHAT, ChatBody
from jimeng_api.web.schemas.chat.replies import (
    EXAMPLE_CHAT_REPLY,
    EXAMPLE_CHUNKS,
    ChatReply,
    Head,
    progress_line,
)
from jimeng_api.web.schemas.errors import error_answers
from jimeng_api.web.schemas.shown import named
from jimeng_api.web.showing import markdown_of

router = APIRouter(tags=["chat"])

_NAME = "chat/completions"
_PARAM = "messages"
_FORM = ("stream_options", "modalities")  # how the answer is to look, not what is to be made


@router.post(
    "/chat/completions",
    summary="Make pictures or a film in a conversation",
    description="The last message of the user is the prompt, and its pictures are what to start from. Where "
    "it has none, the newest picture of the conversation is, wherever that stands: `make it night` changes "
    "it, and a video model sets it in motion. With `--new` behind the prompt nothing is started from.\n\n"
    "Parameters may be fields, or stand behind the prompt, where they win: `a lighthouse --ratio 16:9 --n 2`."
    "\n\nThe answer is markdown with links to this gateway. With `stream: true` it begins as soon as the job "
    "is accepted; comments (`: ping`) come while it runs. A caller who hangs up does not end the job: "
    "`x-job-id` names it.\n\nWhat chat clients ask on the side, such as titles and tags, is answered with "
    "text, and nothing is made for it.\n\nWhoever sends a request again gets the job of the first one, and "
    "pays once: with the same `Idempotency-Key`, or as OpenAI's own clients do after a broken connection.",
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "description": "The message with the results, or its chunks.",
            "content": {
                "application/json": {"schema": named(ChatReply), "example": EXAMPLE_CHAT_REPLY},
                "text/event-stream": {"example": EXAMPLE_CHUNKS},
            },
        },
        **error_answers(400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504),
    },
    openapi_extra={
        "parameters": [KEY_PARAMETER],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": named(ChatBody), "example": EXAMPLE_CHAT}},
        },
    },
)
async def complete_chat(request: Request, caller: KnownCaller) -> Response:
    """What came with the request is let go of here: the wait for the job may be long."""
    async with body_fields(request) as fields:
        messages = await heard(request, fields.get(_PARAM), param=_PARAM)
        body = ChatBody.of({**fields, _PARAM: None})  # kept until the end, the conversation is not
        chore = chore_in(messages)
        if chore is not None:
            return _spoken(request, body, chore_answer(chore, messages))
        turn = turn_of(messages, param=_PARAM)
        made = await order_turn(
            request,
            caller,
            turn,
            parameters(fields, turn),
            name=_NAME,
            param=_PARAM,
            fields={name: value for name, value in fields.items() if name not in _FORM},
        )
    del fields, messages, turn
    with_images = "image" in body.modalities
    if body.stream:
        events = _events(request, caller, made, body)
        return streamed(request, events, headers=made.headers)

    async def reply(job: Job) -> list[Piece]:
        images = _images(request, job) if with_images else None
        return Head.of(job).whole("\n\n".join(markdown_of(request, job)), images)

    def headers(job: Job) -> dict[str, str]:
        return {**made.headers, **({"x-partial": "true"} if job.partial else {})}

    return await once_there(request, caller, made.job, reply, headers=headers)


# ---------------------------------------------------------------------- made ----


async def _events(request: Request, caller: Caller, made: Made, body: ChatBody) -> Events:
    head = Head.of(made.job)
    yield head.opening()
    if parts_of(request).options.chat_progress:
        async with aclosing(_progress(request, caller, made.job)) as lines:
            async for line in lines:
                yield head.chunk({"reasoning_content": line})
    job = await awaited(request, caller, made.job)
    for number, shown in enumerate(markdown_of(request, job)):
        yield head.chunk({"content": f"\n\n{shown}" if number else shown})
    if "image" in body.modalities:
        for image in _images(request, job):
            yield head.chunk({}, [image])
    for chunk in head.ending(with_usage=_wants_usage(body)):
        yield chunk


async def _progress(request: Request, caller: Caller, job: Job) -> AsyncGenerator[str, None]:
    """How far the job is, whenever that has changed, until it ends or the wait for it."""
    parts = parts_of(request)
    until = parts.clock.monotonic() + parts.options.wait_seconds
    told = ""
    async with aclosing(parts.desk.changes(caller, job.id)) as changes:
        async for now in changes:
            if now.state.ended or parts.clock.monotonic() >= until:
                return
            line = progress_line(now, parts.desk.live(job.id))
            if line != told:
                told = line
                yield line


def _images(request: Request, job: Job) -> list[list[Piece]]:
    """The pictures themselves, none of them in memory as a whole."""
    media = parts_of(request).media
    return [
        [
            b'{"type":"image_url","image_url":{"url":"data:%b;base64,' % one.content_type.encode(),
            Base64Stream(one.size, media.stream(one.media_id, start=0, end=one.size)),
            b'"}}',
        ]
        for one in job.shown
        if not one.is_film
    ]


# -------------------------------------------------------------------- spoken ----


def _spoken(request: Request, body: ChatBody, text: str) -> Response:
    """An answer that nothing had to be made for."""
    parts = parts_of(request)
    head = Head(
        id=f"chatcmpl-{parts.clock.token()}",
        created=int(parts.clock.now()),
        model=body.model or parts.options.default_image_model,
    )
    if body.stream:
        return streamed(request, _spoken_events(head, body, text), headers={})
    return PiecesResponse(head.whole(text), encoder=encoder_of(request), told=lambda: None)


async def _spoken_events(head: Head, body: ChatBody, text: str) -> Events:
    yield head.opening()
    yield head.chunk({"content": text})
    for chunk in head.ending(with_usage=_wants_usage(body)):
        yield chunk


def _wants_usage(body: ChatBody) -> bool:
    return body.stream_options.get("include_usage") is True
