"""Pictures and films as OpenAI's responses: `/v1/responses`."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from jimeng_api.accounts.session import Caller
from jimeng_api.domain.errors import JobEnded
from jimeng_api.web.auth import KnownCaller
from jimeng_api.web.incoming import json_body
from jimeng_api.web.parts import parts_of
from jimeng_api.web.repeats import KEY_PARAMETER
from jimeng_api.web.responding import Asked, asked_for
from jimeng_api.web.response_answers import (
    promised_response,
    response_now,
    response_once_there,
    response_stream,
    words_at_once,
)
from jimeng_api.web.response_input import found_response
from jimeng_api.web.schemas.errors import error_answers
from jimeng_api.web.schemas.responses.bodies import EXAMPLE_REQUEST, ResponseBody
from jimeng_api.web.schemas.responses.replies import (
    EXAMPLE_EVENTS,
    EXAMPLE_INPUT,
    EXAMPLE_RESPONSE,
    InputItems,
    ResponseDeletedReply,
    ResponseReply,
    input_object,
)
from jimeng_api.web.schemas.shown import named
from jimeng_api.web.showing import json_answer, page_answer

router = APIRouter(tags=["responses"])

_BODY = {"schema": named(ResponseReply), "example": EXAMPLE_RESPONSE}
_EVENTS = {"example": EXAMPLE_EVENTS}
_A_RESPONSE: dict[str, Any] = {
    "description": "The response as it stands.",
    "content": {"application/json": _BODY},
}


@router.post(
    "/responses",
    summary="Make a response",
    description="A picture or a film out of a conversation. Waits until it is there; with `stream: true` "
    "answers with OpenAI's events and comments (`: ping`) until then; with `background: true` answers at "
    "once. A caller who hangs up does not end it: `GET /v1/responses/{id}` shows what became of it.\n\n"
    "With the tool `image_generation` the output holds an `image_generation_call` for each picture, without "
    "it, and for films, a message with links in markdown. A follow-up names the response before in "
    "`previous_response_id`, or brings it along in `input`.\n\n"
    "Whoever sends a request again gets the response to the first one, and pays once: with the same "
    "`Idempotency-Key`, or as OpenAI's own clients do after a broken connection.",
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "description": "The response.",
            "content": {"application/json": _BODY, "text/event-stream": _EVENTS},
        },
        **error_answers(400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504),
    },
    openapi_extra={
        "parameters": [KEY_PARAMETER],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": named(ResponseBody), "example": EXAMPLE_REQUEST}
            },
        },
    },
)
async def create_response(request: Request, caller: KnownCaller) -> Response:
    asked, stream = await _asked(request, caller)
    if asked.made is None:
        return words_at_once(request, asked.words, asked.remarks, stream=stream)
    job, headers = asked.made.job, asked.made.headers
    if stream:
        return response_stream(request, caller, job, asked.remarks, headers=headers)
    if asked.remarks.background:
        return await promised_response(request, job, asked.remarks, headers)
    return await response_once_there(request, caller, job, asked.remarks, headers)


async def _asked(request: Request, caller: Caller) -> tuple[Asked, bool]:
    """What came with the request is let go of here: the wait for the job may be long."""
    fields = await json_body(request)
    body = ResponseBody.of(fields)
    return await asked_for(request, caller, body, fields), body.stream


@router.get(
    "/responses/{response_id}",
    summary="Look at one response",
    description="Where it stands and, once it is completed, its output. With `stream=true` its events from "
    "the beginning, or from behind the one with the number `starting_after`.",
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "description": "The response as it stands.",
            "content": {"application/json": _BODY, "text/event-stream": _EVENTS},
        },
        **error_answers(400, 401, 404, 503),
    },
)
async def look_at_response(
    request: Request,
    caller: KnownCaller,
    response_id: str,
    stream: Annotated[bool, Query(description="`true` for its events.")] = False,  # noqa: FBT002
    starting_after: Annotated[
        int | None, Query(ge=0, description="The number of the last event that was seen.")
    ] = None,
) -> Response:
    job, remarks = await found_response(request, caller, response_id)
    if stream:
        return response_stream(request, caller, job, remarks, after=starting_after)
    return await response_now(request, job, remarks)


@router.delete(
    "/responses/{response_id}",
    summary="Delete a response",
    description="The response, its job and its files are gone for good. One that is not finished is "
    "cancelled first: what the upstream has of it may be charged all the same, and is not collected.",
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "description": "It is gone.",
            "content": {
                "application/json": {
                    "schema": named(ResponseDeletedReply),
                    "example": {
                        "id": EXAMPLE_RESPONSE["id"],
                        "object": "response",
                        "deleted": True,
                    },
                }
            },
        },
        **error_answers(401, 404, 503, 504),
    },
)
async def delete_response(request: Request, caller: KnownCaller, response_id: str) -> Response:
    job, _ = await found_response(request, caller, response_id)
    await parts_of(request).deleting.delete(caller, job.id)
    return json_answer({"id": response_id, "object": "response", "deleted": True})


@router.post(
    "/responses/{response_id}/cancel",
    summary="Take a response back",
    description="What was not sent to the upstream is never sent, and costs nothing. The upstream itself "
    "takes nothing back: what it has may be charged as usual. A response that is over stays as it is.",
    response_model=None,
    response_class=Response,
    responses={200: _A_RESPONSE, **error_answers(401, 404, 503, 504)},
)
async def cancel_response(request: Request, caller: KnownCaller, response_id: str) -> Response:
    job, remarks = await found_response(request, caller, response_id)
    desk = parts_of(request).desk
    with suppress(JobEnded):
        await desk.cancel(caller, job.id)
    return await response_now(request, await desk.find(caller, job.id), remarks)


@router.get(
    "/responses/{response_id}/input_items",
    summary="Look at what a response was made of",
    description="The prompt, as one message. What came with it is not shown again.",
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "description": "A list of one message.",
            "content": {
                "application/json": {"schema": named(InputItems), "example": EXAMPLE_INPUT}
            },
        },
        **error_answers(401, 404, 503),
    },
)
async def list_input_items(request: Request, caller: KnownCaller, response_id: str) -> Response:
    job, _ = await found_response(request, caller, response_id)
    return page_answer([input_object(job)], more=False)
