"""How the OpenAPI document shows the routes that answer with pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from jimeng_api.web.forms import MULTIPART
from jimeng_api.web.repeats import KEY_PARAMETER
from jimeng_api.web.schemas.errors import error_answers
from jimeng_api.web.schemas.images.bodies import PICTURES
from jimeng_api.web.schemas.images.replies import EXAMPLE_REPLY, ImagesReply, example_event
from jimeng_api.web.schemas.shown import named

REPEATING = """
Waits until the pictures are there, and answers with links to them or with the pictures themselves in base64.
A caller who hangs up does not end the job: `x-job-id` names it, and `GET /v1/jobs/{id}` shows it.

With `stream: true` the answer begins as soon as the job is accepted: comments (`: ping`) while it runs, then
one `EVENT` event for each picture. With `partial_images`, some that are finished before the others come at
once as well, as `partial_image` events.

Whoever sends a request again gets the job of the first one, and pays once: with the same `Idempotency-Key`,
or as OpenAI's own clients do after a broken connection.
""".strip()

_NAMING_PICTURES = (*PICTURES, "job_id", "index")


def picture_route(
    *,
    summary: str,
    description: str,
    body: type[BaseModel],
    example: Mapping[str, Any],
    event: str,
    files: Mapping[str, str] | None = None,
    reply: type[BaseModel] = ImagesReply,
    example_reply: Mapping[str, Any] = EXAMPLE_REPLY,
) -> dict[str, Any]:
    """What the route's decorator takes. `files` are an example of the files of a form, where there is one."""
    content: dict[str, Any] = {"application/json": {"schema": named(body), "example": example}}
    if files is not None:
        texts = {name: value for name, value in example.items() if name not in _NAMING_PICTURES}
        as_files = {name: f"@{file}" for name, file in files.items()}
        content[MULTIPART] = {"schema": named(body), "example": {**as_files, **texts}}
    return {
        "summary": summary,
        "description": description,
        "response_model": None,
        "response_class": Response,
        "responses": {
            200: {
                "description": "The pictures. `x-partial: true` says that they are fewer than were asked "
                "for, `x-jimeng-size-adjusted: 1` that the model does not draw the size that was asked for.",
                "content": {
                    "application/json": {"schema": named(reply), "example": example_reply},
                    "text/event-stream": {"example": example_event(event)},
                },
            },
            **error_answers(400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504),
        },
        "openapi_extra": {
            "parameters": [KEY_PARAMETER],
            "requestBody": {"required": True, "content": content},
        },
    }
