"""Responses, what they consist of, and their jobs: each id follows from the other. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jimeng_api.domain.errors import NotFound

_JOB = "job_"
_TOKEN = r"[A-Za-z0-9.-]{1,120}"  # noqa: S105 - part of an id
_RESPONSE = re.compile(rf"resp_({_TOKEN})")
_ITEM = re.compile(rf"(?:ig_({_TOKEN})_([0-9]{{1,4}})|(?:msg|in)_({_TOKEN}))")


@dataclass(frozen=True, slots=True)
class Item:
    """Something that stands in a response: one of the pictures of its job, None for what is no picture."""

    job_id: str
    picture: int | None


def response_id_of(job_id: str) -> str:
    return f"resp_{_token(job_id)}"


def job_id_of(response_id: str, *, param: str = "response_id") -> str:
    """Raises NotFound for what is no id of a response."""
    found = _RESPONSE.fullmatch(response_id)
    if found is None:
        raise NotFound("There is no such response.", param=param)
    return f"{_JOB}{found[1]}"


def picture_id_of(job_id: str, number: int) -> str:
    """The id of the item with the job's picture of this number, from 0."""
    return f"ig_{_token(job_id)}_{number}"


def message_id_of(job_id: str) -> str:
    """The id of the message that answers."""
    return f"msg_{_token(job_id)}"


def input_id_of(job_id: str) -> str:
    """The id of the message that asked."""
    return f"in_{_token(job_id)}"


def item_of(item_id: str) -> Item | None:
    """What such an id names; None for an id that is not ours."""
    found = _ITEM.fullmatch(item_id)
    if found is None:
        return None
    if found[1]:
        return Item(f"{_JOB}{found[1]}", int(found[2]))
    return Item(f"{_JOB}{found[3]}", None)


def _token(job_id: str) -> str:
    return job_id.removeprefix(_JOB)
