"""Reading what a response is to be made of: its input, and what it goes on from."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any

from starlette.requests import Request

from jimeng_api.accounts.session import Caller
from jimeng_api.domain.errors import InvalidValue, MissingParameter, NotFound
from jimeng_api.jobs.job import Job
from jimeng_api.web.conversation import File, Said, said
from jimeng_api.web.parts import parts_of
from jimeng_api.web.repeats import is_large
from jimeng_api.web.response_ids import item_of, job_id_of
from jimeng_api.web.schemas.responses.bodies import TOOL
from jimeng_api.web.schemas.responses.remarks import Remarks

_CALL = f"{TOOL}_call"
_NAMING = (_CALL, "item_reference")
_PARAM = "input"
_PREVIOUS = "previous_response_id"
_LONGEST_CHAIN = 50


async def conversation_in(
    request: Request, caller: Caller, sent: object, previous: str | None
) -> tuple[Said, ...]:
    """All that was said before, as far as it counts, and the input. Raises InvalidValue, MissingParameter."""
    before = [await _said_before(request, caller, previous)] if previous else []
    if isinstance(sent, str):
        return (*before, *await _read(request, [_user(sent)]))
    if not isinstance(sent, list):
        raise InvalidValue(f"{_PARAM} must be a text or a list of items.", param=_PARAM)
    if not sent:
        raise MissingParameter(f"{_PARAM} is empty: it says what to make.", param=_PARAM)
    found = list(before)
    for manner, items in groupby(sent, _manner):
        if manner == "pictures":  # those of one response belong together
            found.append(await _named(request, caller, list(items)))
        elif manner == "parts":
            found += await _read(request, [_user(list(items))])
        else:
            found += await _read(request, list(items))
    return tuple(found)


def _manner(item: object) -> str:
    if isinstance(item, str):
        return "parts"
    kind = item.get("type") if isinstance(item, Mapping) else None
    if kind in _NAMING:
        return "pictures"
    return "parts" if kind in ("input_text", "input_image", "input_file") else "message"


def _user(content: object) -> Mapping[str, Any]:
    return {"role": "user", "content": content}


async def _read(request: Request, messages: Sequence[object]) -> list[Said]:
    def read() -> list[Said]:
        return [said(message, param=_PARAM) for message in messages]

    return await asyncio.to_thread(read) if is_large(request) else read()


async def _named(request: Request, caller: Caller, items: list[Mapping[str, Any]]) -> Said:
    """Earlier pictures, by their ids or themselves."""
    pictures: list[File] = []
    for item in items:
        found = item_of(str(item.get("id") or ""))
        result = item.get("result")
        if found is not None and (found.picture is not None or not isinstance(result, str)):
            try:
                job = await parts_of(request).desk.find(caller, found.job_id)
                pictures += _pictures(job, found.picture)
                continue
            except NotFound:
                pass
        if isinstance(result, str) and result:
            pictures.append(
                result if result.startswith("data:") else f"data:image/png;base64,{result}"
            )
        elif found is not None or item.get("type") == _CALL:
            raise InvalidValue(
                f"{_PARAM}: there is no picture {str(item.get('id'))[:80]!r} here.", param=_PARAM
            )
    return Said(role="assistant", files=tuple(pictures), pictures=tuple(pictures))


def _pictures(job: Job, number: int | None) -> list[File]:
    """The pictures of a job, or the one of this number. Raises NotFound where they are not kept any more."""
    shown = [one for one in job.shown if not one.is_film] if job.delivered else []
    if number is not None:
        shown = shown[number : number + 1]
    if not shown and job.kind == "image":
        raise NotFound("There is no such picture.")
    return [{"file_id": one.media_id} for one in shown]


async def _said_before(request: Request, caller: Caller, previous: str) -> Said:
    """The newest pictures of the responses that this one goes on from. Raises InvalidValue."""
    response_id: str | None = previous
    for _ in range(_LONGEST_CHAIN):
        if response_id is None:
            break
        try:
            job, remarks = await found_response(request, caller, response_id)
            if not job.state.ended:
                raise InvalidValue(
                    f"The response {response_id} is not completed yet: it has no picture to go on from.",
                    param=_PREVIOUS,
                )
            pictures = _pictures(job, None) if job.delivered else []
        except NotFound:
            raise InvalidValue(
                f"There is no response {response_id[:80]!r} to go on from, or its pictures are not kept any "
                "more.",
                param=_PREVIOUS,
            ) from None
        if pictures:
            return Said(role="assistant", files=tuple(pictures), pictures=tuple(pictures))
        response_id = remarks.previous  # one that failed, or a film: "it" is what was there before
    return Said(role="assistant")


async def found_response(request: Request, caller: Caller, response_id: str) -> tuple[Job, Remarks]:
    """The job behind the id of a response, and what was said with it. Raises NotFound."""
    with suppress(NotFound):
        job = await parts_of(request).desk.find(caller, job_id_of(response_id))
        remarks = Remarks.of(job.remarks)
        if remarks is not None and remarks.store:
            return job, remarks
    raise NotFound("There is no such response.", param="response_id")
