"""How the OpenAPI document shows the routes that order films."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from jimeng_api.web.forms import MULTIPART
from jimeng_api.web.repeats import KEY_PARAMETER
from jimeng_api.web.schemas.errors import error_answers
from jimeng_api.web.schemas.shown import named
from jimeng_api.web.schemas.videos.replies import EXAMPLE_VIDEO_REPLY, VideoReply

POLL_MS = 3000
POLL_AFTER: Mapping[str, str] = {"openai-poll-after-ms": str(POLL_MS)}

A_VIDEO: dict[str, Any] = {
    "description": "The video. `openai-poll-after-ms` says when to look again.",
    "content": {"application/json": {"schema": named(VideoReply), "example": EXAMPLE_VIDEO_REPLY}},
}


def video_route(
    *,
    summary: str,
    description: str,
    body: type[BaseModel],
    example: Mapping[str, Any],
    files: Mapping[str, str] | None = None,
    reply: Mapping[str, Any] = A_VIDEO,
    needed: bool = True,
) -> dict[str, Any]:
    """What the route's decorator takes. `files` are an example of the files of a form, where there is one."""
    content: dict[str, Any] = {"application/json": {"schema": named(body), "example": example}}
    if files is not None:
        texts = {name: value for name, value in example.items() if isinstance(value, (str, int))}
        as_files = {name: f"@{file}" for name, file in files.items()}
        content[MULTIPART] = {"schema": named(body), "example": {**as_files, **texts}}
    return {
        "summary": summary,
        "description": description,
        "response_model": None,
        "response_class": Response,
        "responses": {
            200: reply,
            **error_answers(400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504),
        },
        "openapi_extra": {
            "parameters": [KEY_PARAMETER],
            "requestBody": {"required": needed, "content": content},
        },
    }
