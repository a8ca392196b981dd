"""The operator's stored accounts: `/v1/admin/accounts`."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response

from jimeng_api.accounts.session import ISSUED, Session
from jimeng_api.accounts.stored import StoredAccount
from jimeng_api.domain.errors import InvalidValue, NotFound, SessionExpired
from jimeng_api.domain.secret import Secret
from jimeng_api.web.auth import is_admin_key
from jimeng_api.web.incoming import json_body
from jimeng_api.web.parts import Administration, administration_of
from jimeng_api.web.schemas.accounts import (
    EXAMPLE_ACCOUNT,
    EXAMPLE_ACCOUNT_ORDER,
    AccountBody,
    AccountChange,
    AccountList,
    AccountReply,
    NewAccountReply,
    account_object,
)
from jimeng_api.web.schemas.errors import error_answers
from jimeng_api.web.schemas.shown import named
from jimeng_api.web.showing import json_answer

router = APIRouter(tags=["admin"])
log = structlog.get_logger()


def _shows(description: str, model: Any, example: object) -> dict[str, Any]:
    content = {"application/json": {"schema": named(model), "example": example}}
    return {"description": description, "content": content}


def _takes(model: Any, example: object) -> dict[str, Any]:
    content = {"application/json": {"schema": named(model), "example": example}}
    return {"requestBody": {"required": True, "content": content}}


_AN_ACCOUNT = _shows("The account.", AccountReply, EXAMPLE_ACCOUNT)
_ACCOUNTS = _shows(
    "The accounts.", AccountList, {"object": "list", "data": [dict(EXAMPLE_ACCOUNT)]}
)


@router.post(
    "/admin/accounts",
    summary="Store an account",
    description="The site is asked about it first (see `check`). A session that is stored already, or "
    "another one of the same user, is the same account: its session is replaced, and what else is named.",
    response_model=None,
    response_class=Response,
    responses={
        200: _shows("The account.", NewAccountReply, {**EXAMPLE_ACCOUNT, "new": True}),
        **error_answers(400, 401, 403, 404, 429, 502, 503),
    },
    openapi_extra=_takes(AccountBody, EXAMPLE_ACCOUNT_ORDER),
)
async def store_account(request: Request) -> Response:
    administration = administration_of(request)
    asked = AccountBody.of(await json_body(request))
    session = await _session(request, administration, asked)
    user, looked = "", None
    if asked.check:
        looked = await administration.tending.look(session)
        if looked.alive is False or (looked.alive is None and looked.trouble is not None):
            raise looked.trouble or SessionExpired("The upstream does not accept the session.")
        user = looked.user
    account, new = await administration.accounts.add(session, name=asked.name or "", user=user)
    if asked.limits:
        await administration.accounts.change(account.id, limits=asked.limits)
    if looked is not None:
        await administration.tending.note(session, looked)
    log.info("account_stored", account=account.id, site=session.site, new=new)
    found = await administration.accounts.find(account.id)
    return json_answer({**_shown(administration, found), "new": new})


@router.get(
    "/admin/accounts",
    summary="List the stored accounts",
    description="In the order in which they were added, with what is known of each; nobody is asked.",
    response_model=None,
    response_class=Response,
    responses={200: _ACCOUNTS, **error_answers(401, 404, 503)},
)
async def list_accounts(request: Request) -> Response:
    return _list(administration_of(request), await administration_of(request).accounts.all())


@router.post(
    "/admin/accounts/check",
    summary="Check all stored accounts",
    description="Asks the sites who is signed in, about the credits and the membership: three requests an "
    "account, a few accounts at a time.",
    response_model=None,
    response_class=Response,
    responses={200: _ACCOUNTS, **error_answers(401, 404, 503)},
)
async def check_accounts(request: Request) -> Response:
    administration = administration_of(request)
    found = await administration.accounts.all()
    await asyncio.gather(*(administration.tending.check(one.session) for one in found))
    return _list(administration, await administration.accounts.all())


@router.get(
    "/admin/accounts/{account}",
    summary="Look at one stored account",
    description="By its id or its name.",
    response_model=None,
    response_class=Response,
    responses={200: _AN_ACCOUNT, **error_answers(401, 404, 503)},
)
async def look_at_account(request: Request, account: str) -> Response:
    administration = administration_of(request)
    return json_answer(_shown(administration, await _found(administration, account)))


@router.post(
    "/admin/accounts/{account}/check",
    summary="Check one stored account",
    description="Where the site could not be asked, this is an error, and nothing is written down.",
    response_model=None,
    response_class=Response,
    responses={200: _AN_ACCOUNT, **error_answers(401, 404, 502, 503)},
)
async def check_account(request: Request, account: str) -> Response:
    administration = administration_of(request)
    found = await _found(administration, account)
    looked = await administration.tending.check(found.session)
    if looked.trouble is not None and not looked.telling:
        raise looked.trouble
    return json_answer(_shown(administration, await administration.accounts.find(found.id)))


@router.patch(
    "/admin/accounts/{account}",
    summary="Change a stored account",
    description="What is absent stays as it is.",
    response_model=None,
    response_class=Response,
    responses={200: _AN_ACCOUNT, **error_answers(400, 401, 404, 503)},
    openapi_extra=_takes(AccountChange, {"films_at_once": 2}),
)
async def change_account(request: Request, account: str) -> Response:
    administration = administration_of(request)
    asked = AccountChange.of(await json_body(request))
    found = await _found(administration, account)
    changed = await administration.accounts.change(
        found.id,
        new_name=asked.name or "",
        proxy="same" if asked.proxy is None else asked.way,
        limits=asked.limits,
    )
    log.info("account_changed", account=changed.id)
    return json_answer(_shown(administration, changed))


@router.delete(
    "/admin/accounts/{account}",
    summary="Forget a stored account",
    description="Its session is deleted. Jobs that it has in hand keep theirs until they have ended.",
    response_model=None,
    response_class=Response,
    responses={200: _AN_ACCOUNT, **error_answers(401, 404, 503)},
)
async def forget_account(request: Request, account: str) -> Response:
    administration = administration_of(request)
    gone = await administration.accounts.remove((await _found(administration, account)).id)
    log.info("account_removed", account=gone.id)
    return json_answer(_shown(administration, gone))


async def _session(request: Request, administration: Administration, asked: AccountBody) -> Session:
    text = asked.placed
    if is_admin_key(request, text) or text.startswith(ISSUED):
        raise InvalidValue("session: this is a key of the gateway, not a session.", param="session")
    sessions = (await administration.keys.caller(text)).sessions
    if len(sessions) != 1:
        raise InvalidValue("session: one account is stored at a time.", param="session")
    way: Secret | None = asked.way
    return sessions[0].by(way)


async def _found(administration: Administration, account: str) -> StoredAccount:
    if len(account) > 64:
        raise NotFound("There is no account of this name or id.", param="account")
    return await administration.accounts.find(account)


def _shown(administration: Administration, account: StoredAccount) -> dict[str, Any]:
    return account_object(account, now=administration.clock.now())


def _list(administration: Administration, found: list[StoredAccount]) -> Response:
    data = [_shown(administration, one) for one in found]
    return json_answer({"object": "list", "data": data})
