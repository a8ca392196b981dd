"""The body of an error, and how the API page shows the errors of a route."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import Field

from jimeng_api.web.errors import every_look
from jimeng_api.web.schemas.shown import Shown, named


class UpstreamReply(Shown):
    """What the upstream itself said."""

    code: str
    text: str
    log_id: str


class ChoiceReply(Shown):
    """The same request with another value for one parameter."""

    param: str
    value: str | int
    credits: int


class ShortageReply(Shown):
    """A request that cannot be paid."""

    needed: int
    available: int = Field(
        description="Of the account's credits, those that nothing else waits for."
    )
    missing: int
    choices: list[ChoiceReply] = Field(description="The nearest that can be paid, dearest first.")


class ErrorDetail(Shown):
    message: str
    type: str = Field(description="The group of the error, in OpenAI's words.")
    param: str | None = Field(description="The parameter that is wrong, if one is.")
    code: str = Field(description="The error itself; the page on errors lists all.")
    upstream: UpstreamReply | None = Field(None, description="What the upstream said, if it did.")
    charge: str | None = Field(
        None, description="What is known of the credits: `none`, `charged` or `unknown`."
    )
    credits: ShortageReply | None = Field(
        None, description="With `insufficient_quota`: what is missing, where that is known."
    )
    job_id: str | None = Field(None, description="The job that ended so, if there was one.")


class ErrorReply(Shown):
    error: ErrorDetail


def error_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The answers with these statuses, each with the codes it may carry and one of them as an example."""
    return {status: _answer(status) for status in statuses}


def _answer(status: int) -> dict[str, Any]:
    found = [
        (kind, look)
        for kind, look in every_look()
        if look.status == status and not kind.__subclasses__()
    ]
    kind, look = found[0]
    example = {"message": "…", "type": look.type, "param": None, "code": kind.code}
    codes = ", ".join(f"`{kind.code}`" for kind, _ in found)
    return {
        "description": f"{HTTPStatus(status).phrase}: {codes}",
        "content": {
            "application/json": {"schema": named(ErrorReply), "example": {"error": example}}
        },
    }
