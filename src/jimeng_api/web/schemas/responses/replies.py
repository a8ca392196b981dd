"""A response as OpenAI shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from jimeng_api.domain.errors import JobCancelled
from jimeng_api.domain.results import Picture
from jimeng_api.jobs.job import Job
from jimeng_api.web.errors import error_object
from jimeng_api.web.response_ids import input_id_of, message_id_of, picture_id_of, response_id_of
from jimeng_api.web.schemas.responses.remarks import Remarks
from jimeng_api.web.schemas.shown import Shown

_ECHOED_QUALITIES = ("low", "medium", "high", "xhigh", "max", "auto")

USAGE: Mapping[str, Any] = {
    "input_tokens": 0,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 0,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 0,
}


def status_of(job: Job) -> str:
    """OpenAI's word for where the response stands."""
    if job.delivered:
        return "completed"
    if job.failure is not None and job.failure.code == JobCancelled.code:
        return "cancelled"
    return job.status


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Which response it is, and where it stands. `job_id` is that of its job, or in place of one."""

    job_id: str
    status: str
    created_at: float
    completed_at: float | None = None
    error: Mapping[str, Any] | None = None


def standing(job: Job) -> Standing:
    status = status_of(job)
    failed = status == "failed" and job.failure is not None
    return Standing(
        job_id=job.id,
        status=status,
        created_at=job.created_at,
        completed_at=job.finished_at if status == "completed" else None,
        error=error_object(job.failure.error(), job=job) if failed and job.failure else None,
    )


def response_keys(now: Standing, remarks: Remarks) -> tuple[dict[str, Any], dict[str, Any]]:
    """The keys of a response before its `output`, and those behind it."""
    before = {
        "id": response_id_of(now.job_id),
        "object": "response",
        "created_at": int(now.created_at),
        "status": now.status,
        "background": remarks.background,
        "completed_at": None if now.completed_at is None else int(now.completed_at),
        "error": now.error,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": remarks.metadata,
        "model": remarks.model,
    }
    behind = {
        "parallel_tool_calls": True,
        "previous_response_id": remarks.previous,
        "reasoning": {"effort": None, "summary": None},
        "store": remarks.store,
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [remarks.tool] if remarks.tool is not None else [],
        "top_p": None,
        "truncation": "disabled",
        "usage": USAGE if now.status in ("completed", "failed") else None,
    }
    return before, behind


def picture_keys(job: Job, remarks: Remarks, number: int, picture: Picture) -> dict[str, Any]:
    """An item with a picture that is there, but for the picture itself, which is its `result`."""
    return {
        "id": picture_id_of(job.id, number),
        "type": "image_generation_call",
        "status": "completed",
        "action": "edit" if job.request.inputs else "generate",
        **look_of(picture, remarks),
        "revised_prompt": job.request.prompt,
    }


def picture_begun(job: Job, number: int) -> dict[str, Any]:
    """An item whose picture is still being drawn."""
    return {
        "id": picture_id_of(job.id, number),
        "type": "image_generation_call",
        "status": "in_progress",
        "result": None,
    }


def look_of(picture: Picture, remarks: Remarks) -> dict[str, Any]:
    """What is said of a picture beside it: its true size and type."""
    quality = (remarks.tool or {}).get("quality")
    found = {
        "background": "opaque",
        "output_format": picture.content_type.rpartition("/")[2],
        "size": f"{picture.width}x{picture.height}",
    }
    return found | ({"quality": quality} if quality in _ECHOED_QUALITIES else {})


def message_object(job_id: str, text: str | None) -> dict[str, Any]:
    """The item that answers in words; None for one that has only begun."""
    return {
        "id": message_id_of(job_id),
        "type": "message",
        "status": "in_progress" if text is None else "completed",
        "role": "assistant",
        "content": [] if text is None else [text_part(text)],
    }


def text_part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def input_object(job: Job) -> dict[str, Any]:
    """What asked for it, as far as it is kept: the words."""
    return {
        "id": input_id_of(job.id),
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_text", "text": job.request.prompt}],
    }


class PictureItem(Shown):
    """One picture."""

    id: str
    type: Literal["image_generation_call"]
    status: Literal["in_progress", "completed"]
    action: Literal["generate", "edit"]
    background: Literal["opaque"]
    output_format: Literal["png", "jpeg", "webp"]
    size: str = Field(description="The true size.")
    quality: str | None = None
    revised_prompt: str = Field(description="The prompt, as it was sent.")
    result: str | None = Field(description="The picture itself, in base64.")


class TextPart(Shown):
    type: Literal["output_text"]
    text: str = Field(description="Markdown with a link to each picture or film.")
    annotations: list[Any]
    logprobs: list[Any]


class MessageItem(Shown):
    """What answers in words."""

    id: str
    type: Literal["message"]
    status: Literal["in_progress", "completed"]
    role: Literal["assistant"]
    content: list[TextPart]


class ResponseErrorReply(Shown):
    code: str
    message: str
    type: str
    param: str | None


class ResponseReply(Shown):
    """Keys that OpenAI has and that say nothing here are left out of this list."""

    id: str
    object: Literal["response"]
    created_at: int
    completed_at: int | None
    status: Literal["queued", "in_progress", "completed", "failed", "cancelled"]
    background: bool
    error: ResponseErrorReply | None
    metadata: dict[str, str]
    model: str = Field(description="The name as it was asked for.")
    output: list[PictureItem | MessageItem] = Field(
        description="Empty until the response is completed, and once its pictures are not kept any more."
    )
    previous_response_id: str | None
    store: bool
    tools: list[dict[str, Any]]
    usage: dict[str, Any] | None = Field(description="Always zero: the upstream counts no tokens.")


class ResponseDeletedReply(Shown):
    id: str
    object: Literal["response"]
    deleted: Literal[True]


class InputItems(Shown):
    object: Literal["list"]
    data: list[dict[str, Any]]
    first_id: str
    last_id: str
    has_more: Literal[False]


EXAMPLE_INPUT: Mapping[str, Any] = {
    "object": "list",
    "data": [
        {
            "id": "in_5f0c2a9be1d84c7ab6e3f1d2c4b5a697",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_text", "text": "a lighthouse at dawn, watercolour"}],
        }
    ],
    "first_id": "in_5f0c2a9be1d84c7ab6e3f1d2c4b5a697",
    "last_id": "in_5f0c2a9be1d84c7ab6e3f1d2c4b5a697",
    "has_more": False,
}
EXAMPLE_RESPONSE: Mapping[str, Any] = {
    "id": "resp_5f0c2a9be1d84c7ab6e3f1d2c4b5a697",
    "object": "response",
    "created_at": 1763800000,
    "status": "completed",
    "background": False,
    "completed_at": 1763800014,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "model": "gpt-5",
    "output": [
        {
            "id": "ig_5f0c2a9be1d84c7ab6e3f1d2c4b5a697_0",
            "type": "image_generation_call",
            "status": "completed",
            "action": "generate",
            "background": "opaque",
            "output_format": "png",
            "size": "1328x1328",
            "revised_prompt": "a lighthouse at dawn, watercolour",
            "result": "iVBORw0KGgo…",
        }
    ],
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": True,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [{"type": "image_generation", "size": "1024x1024"}],
    "top_p": None,
    "truncation": "disabled",
    "usage": USAGE,
}

EXAMPLE_EVENTS = (
    ": ping\n\n"
    "event: response.created\n"
    'data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_5f0c2a9be1d8","status":'
    '"in_progress","output":[]}}\n\n'
    ": ping\n\n"
    "event: response.output_item.done\n"
    'data: {"type":"response.output_item.done","sequence_number":6,"output_index":0,"item":{"id":'
    '"ig_5f0c2a9be1d8_0","type":"image_generation_call","status":"completed","result":"iVBORw0KGgo…"}}\n\n'
)
