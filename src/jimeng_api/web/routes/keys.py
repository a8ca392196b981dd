"""Keys of the gateway's own, issued and taken back by its operator: `/v1/admin/keys`."""

from __future__ import annotations

import re
from typing import Any

import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response

from jimeng_api.domain.errors import NotFound
from jimeng_api.web.incoming import json_body
from jimeng_api.web.parts import administration_of
from jimeng_api.web.schemas.errors import error_answers
from jimeng_api.web.schemas.keys import (
    EXAMPLE_KEY,
    EXAMPLE_KEY_ORDER,
    KeyBody,
    KeyList,
    KeyReply,
    NewKeyReply,
    key_object,
)
from jimeng_api.web.schemas.shown import named
from jimeng_api.web.showing import json_answer

router = APIRouter(tags=["admin"])
log = structlog.get_logger()

_ID = re.compile(r"[A-Za-z0-9_]{1,64}")


def _shows(description: str, model: Any, example: object) -> dict[str, Any]:
    content = {"application/json": {"schema": named(model), "example": example}}
    return {"description": description, "content": content}


_A_KEY = _shows("The key, without its text.", KeyReply, EXAMPLE_KEY)


@router.post(
    "/admin/keys",
    summary="Issue a key",
    description="A key stands for the stored accounts that it may use. Its text is in this answer, and never "
    "again anywhere.",
    response_model=None,
    response_class=Response,
    responses={
        200: _shows(
            "The key.",
            NewKeyReply,
            {**EXAMPLE_KEY, "key": "jm-rX0b…w3Xk"},
        ),
        **error_answers(400, 401, 404, 503),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": named(KeyBody), "example": EXAMPLE_KEY_ORDER}
            },
        }
    },
)
async def issue_key(request: Request) -> Response:
    administration = administration_of(request)
    keys, now = administration.keys, administration.clock.now()
    asked = KeyBody.of(await json_body(request))
    replaced = None if asked.replaces is None else await keys.find(_checked(asked.replaces))
    issued, text = await keys.issue(
        name=asked.name,
        terms=asked.terms,
        owner=replaced.owner if replaced else None,
        expires_at=None if asked.expires_in is None else now + asked.expires_in,
    )
    log.info("key_issued", key=issued.id)
    # Whoever gets this answer keeps it; nothing on its way may.
    told = {**key_object(issued, now=now), "key": text.reveal()}
    return json_answer(told, {"cache-control": "no-store"})


@router.get(
    "/admin/keys",
    summary="List the keys",
    description="All that were ever issued, the newest first.",
    response_model=None,
    response_class=Response,
    responses={
        200: _shows("The keys.", KeyList, {"object": "list", "data": [EXAMPLE_KEY]}),
        **error_answers(401, 404, 503),
    },
)
async def list_keys(request: Request) -> Response:
    administration = administration_of(request)
    now = administration.clock.now()
    found = [key_object(one, now=now) for one in await administration.keys.all()]
    return json_answer({"object": "list", "data": found})


@router.get(
    "/admin/keys/{key_id}",
    summary="Look at one key",
    response_model=None,
    response_class=Response,
    responses={200: _A_KEY, **error_answers(401, 404, 503)},
)
async def look_at_key(request: Request, key_id: str) -> Response:
    administration = administration_of(request)
    found = await administration.keys.find(_checked(key_id))
    return json_answer(key_object(found, now=administration.clock.now()))


@router.delete(
    "/admin/keys/{key_id}",
    summary="Revoke a key",
    description="It is refused from now on, by every gateway on the same database. Its jobs run on.",
    response_model=None,
    response_class=Response,
    responses={200: _A_KEY, **error_answers(401, 404, 503)},
)
async def revoke_key(request: Request, key_id: str) -> Response:
    administration = administration_of(request)
    found = await administration.keys.revoke(_checked(key_id))
    log.info("key_revoked", key=found.id)
    return json_answer(key_object(found, now=administration.clock.now()))


def _checked(key_id: str) -> str:
    if not _ID.fullmatch(key_id):
        raise NotFound("There is no such key.", param="key_id")
    return key_id
