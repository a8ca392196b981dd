"""What callers of other Jimeng gateways know: is a session alive, its credits; and tokens for sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from jimeng_api.accounts.session import Caller, Session
from jimeng_api.accounts.tokens import Grant
from jimeng_api.domain.errors import (
    GatewayError,
    InvalidKey,
    InvalidValue,
    KeyNotPermitted,
    SessionExpired,
)
from jimeng_api.domain.secret import Secret
from jimeng_api.generation.tending import Tended, Tending
from jimeng_api.web.auth import caller_with
from jimeng_api.web.incoming import body_fields
from jimeng_api.web.parts import parts_of
from jimeng_api.web.schemas.errors import error_answers
from jimeng_api.web.schemas.shown import named
from jimeng_api.web.schemas.tokens import (
    EXAMPLE_CHECK,
    EXAMPLE_GRANT,
    EXAMPLE_POINTS,
    EXAMPLE_RECEIVED,
    CheckReply,
    GrantReply,
    PointsReply,
    ReceivedReply,
    RefreshBody,
    RevokeBody,
    RevokedReply,
    SessionsBody,
    TokensBody,
    points_of,
)
from jimeng_api.web.sent_tokens import bearer_of, tokens_of

router = APIRouter(tags=["tokens"])

_SHORTEST_SECONDS = 60


def _answers(model: type, example: object, text: str) -> dict[int | str, dict[str, Any]]:
    schema: dict[str, Any] = dict(named(model))
    if isinstance(example, list):
        schema = {"type": "array", "items": schema}
    content = {"application/json": {"schema": schema, "example": example}}
    return {200: {"description": text, "content": content}}


def _body(model: type, example: Mapping[str, Any], *, required: bool = False) -> dict[str, Any]:
    content = {"application/json": {"schema": named(model), "example": example}}
    return {"requestBody": {"required": required, "content": content}}


# ------------------------------------------------------------------------------- exchange


@router.post(
    "/token",
    summary="Exchange sessions for an access token",
    description="Takes one or several sessions, in the body or as Bearer, and gives an access token (`jm-…`) "
    "that stands for them on every route for a while, so that the sessions themselves need not be sent with "
    "each request. Each session is asked for its credits once; a dead one is left out, and where all are "
    "dead there is no token. The sessions are kept encrypted as long as the token can be renewed. "
    "`grant_type: refresh_token` renews, as `/token/refresh` does.",
    response_model=None,
    response_class=Response,
    responses={
        **_answers(GrantReply, EXAMPLE_GRANT, "The tokens, which are shown this once."),
        **error_answers(400, 401, 503),
    },
    openapi_extra=_body(SessionsBody, {"session": "<sessionid>", "site": "cn"}),
)
async def exchange(request: Request) -> Response:
    parts = parts_of(request)
    async with body_fields(request, optional=True) as fields:
        if fields.get("grant_type") == "refresh_token":
            return await _renewed(request, fields)
        seconds = _seconds(fields)
        texts = tokens_of(request, fields)
    if any(text.reveal().startswith("jm-") for text in texts):
        raise InvalidKey(
            "Sessions are exchanged for a token, not keys. To renew a token, send its refresh token to "
            "/token/refresh."
        )
    sessions = [
        session for text in texts for session in (await caller_with(request, text)).sessions
    ]
    looks = await asyncio.gather(*(parts.tending.balance(session) for session in sessions))
    alive = [
        session for session, look in zip(sessions, looks, strict=True) if look.alive is not False
    ]
    if not alive:
        raise looks[0].trouble or SessionExpired("The upstream does not accept the session.")
    caller = await parts.keys.caller(",".join(_written(session) for session in alive))
    grant = await parts.tokens.grant(caller.sessions, owner=caller.owner, seconds=seconds)
    known = [look.credits.total for look in looks if look.credits is not None]
    states = {look.alive for look in looks if look.alive is not False}
    return _json(
        {
            **_grant(grant),
            "site": caller.sites[0] if len(caller.sites) == 1 else None,
            "sites": list(caller.sites),
            "alive": None if None in states else True,
            "credits": sum(known) if known else None,
            "accounts": [
                {
                    "token": text.masked(),
                    "site": session.site,
                    "alive": look.alive,
                    "points": points_of(look.credits),
                    **_trouble(look.trouble),
                }
                for text, session, look in zip(texts, sessions, looks, strict=True)
            ],
        }
    )


@router.post(
    "/token/refresh",
    summary="Renew an access token",
    description="Takes a refresh token, in the body or as Bearer, and gives a new pair. The old pair is no "
    "good from then on. A refresh token that comes a second time is in two hands: the pair is revoked.",
    response_model=None,
    response_class=Response,
    responses={
        **_answers(GrantReply, EXAMPLE_GRANT, "The new tokens."),
        **error_answers(400, 401, 503),
    },
    openapi_extra=_body(RefreshBody, {"refresh_token": "jm-refresh-…"}),
)
async def refresh(request: Request) -> Response:
    async with body_fields(request, optional=True) as fields:
        return await _renewed(request, fields)


@router.post(
    "/token/revoke",
    summary="Take an access token back",
    description="Takes an access token or its refresh token, in the body or as Bearer. Both are no good at "
    "once, and the sessions behind them are forgotten; jobs that run go on.",
    response_model=None,
    response_class=Response,
    responses={
        **_answers(RevokedReply, {"revoked": True}, "Whether there was such a token."),
        **error_answers(400, 401, 503),
    },
    openapi_extra=_body(RevokeBody, {"token": "jm-…"}),
)
async def revoke(request: Request) -> Response:
    async with body_fields(request, optional=True) as fields:
        text = _one(request, fields, "token", "refresh_token", "access_token")
    return _json({"revoked": await parts_of(request).tokens.revoke(text)})


async def _renewed(request: Request, fields: Mapping[str, Any]) -> Response:
    text = _one(request, fields, "refresh_token", "token")
    return _json(_grant(await parts_of(request).tokens.renew(text)))


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "access_token": grant.access.reveal(),
        "token_type": "bearer",
        "expires_in": int(grant.seconds),
        "refresh_token": grant.refresh.reveal(),
        "refresh_expires_in": int(grant.refresh_seconds),
    }


def _one(request: Request, fields: Mapping[str, Any], *names: str) -> Secret:
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value.strip():
            return Secret(value.strip())
    if sent := bearer_of(request):
        return Secret(sent)
    raise InvalidKey(f"No token was sent. Send it in the body as `{names[0]}`, or as Bearer.")


def _seconds(fields: Mapping[str, Any]) -> float | None:
    value = fields.get("expires_in")
    if value is None:
        return None
    try:
        seconds = float(value) if not isinstance(value, bool) else 0.0
    except (TypeError, ValueError):
        seconds = 0.0
    if not _SHORTEST_SECONDS <= seconds < float("inf"):
        raise InvalidValue(
            f"expires_in must be a number of seconds, at least {_SHORTEST_SECONDS}.",
            param="expires_in",
        )
    return seconds


def _written(session: Session) -> str:
    return session.home.token_prefix + session.secret.reveal()


# ------------------------------------------------------------------------- alive, credits


@router.post(
    "/token/check",
    summary="Is a session alive?",
    description="Asks the site whether somebody is signed in, in one request for each session. Takes "
    "`{token}`, several as `{tokens}` or with commas, or the Bearer. For several, `live` says whether all "
    "are, and `tokens` has each. Of an access token, one living session is enough.",
    response_model=None,
    response_class=Response,
    responses={
        **_answers(CheckReply, EXAMPLE_CHECK, "Whether it is."),
        **error_answers(400, 401, 403, 429, 502, 503),
    },
    openapi_extra=_body(TokensBody, {"token": "<sessionid>"}),
)
async def check(request: Request) -> Response:
    texts = await _texts(request)
    found = await asyncio.gather(*(_checked(request, text) for text in texts))
    if len(found) > 1:
        entries = [entry for entry, _ in found]
        return _json({"live": all(entry["live"] for entry in entries), "tokens": entries})
    ((entry, trouble),) = found
    if entry["live"] is None and trouble is not None:
        raise trouble  # nothing is known of the session
    return _json({"live": bool(entry["live"]), "site": entry["site"]})


@router.post(
    "/token/points",
    summary="The credits of sessions",
    description="The credits that each token may spend, in the order in which they were sent (as Bearer or "
    "in the body), with the tokens masked. What cannot be told of one stands in its entry as `error`. Of an "
    "access token, the credits of all its sessions are added up.",
    response_model=None,
    response_class=Response,
    responses={
        **_answers(PointsReply, EXAMPLE_POINTS, "One entry for each token."),
        **error_answers(400, 401, 503),
    },
    openapi_extra=_body(TokensBody, {"tokens": ["<sessionid>", "us-<sessionid>"]}),
)
async def points(request: Request) -> Response:
    texts = await _texts(request)
    return _json(await asyncio.gather(*(_points(request, text) for text in texts)))


@router.post(
    "/token/receive",
    summary="Receive the daily credits",
    description="Takes the free credits that the site gives each account once a day; asked again on the same "
    "day it gives none, and that is no error. What the site says against it stands in the entry as `error`, "
    "and is not worked around. Accounts that the operator has stored are left to the operator.",
    response_model=None,
    response_class=Response,
    responses={
        **_answers(ReceivedReply, EXAMPLE_RECEIVED, "One entry for each token."),
        **error_answers(400, 401, 503),
    },
    openapi_extra=_body(TokensBody, {"tokens": ["<sessionid>", "us-<sessionid>"]}),
)
async def receive(request: Request) -> Response:
    texts = await _texts(request)
    return _json(await asyncio.gather(*(_received(request, text) for text in texts)))


async def _texts(request: Request) -> list[Secret]:
    async with body_fields(request, optional=True) as fields:
        return tokens_of(request, fields)


async def _checked(request: Request, text: Secret) -> tuple[dict[str, Any], GatewayError | None]:
    tending = parts_of(request).tending
    entry: dict[str, Any] = {"token": text.masked(), "site": None}
    try:
        caller = await caller_with(request, text)
    except (InvalidKey, KeyNotPermitted) as error:
        # A token that this gateway does not take is as dead as one that the site does not.
        return {**entry, "live": False, **_trouble(error)}, error
    looks = await _looks(tending, caller, tending.signed_in)
    alive = [look.alive for look in looks]
    live = True if True in alive else None if None in alive else False
    site = caller.sites[0] if len(caller.sites) == 1 else None
    trouble = None if live else _first(looks)
    return {**entry, "site": site, "live": live, **_trouble(trouble)}, trouble


async def _points(request: Request, text: Secret) -> dict[str, Any]:
    tending = parts_of(request).tending
    entry: dict[str, Any] = {"token": text.masked(), "points": None}
    try:
        caller = await caller_with(request, text)
    except (InvalidKey, KeyNotPermitted) as error:
        return {**entry, **_trouble(error)}
    looks = await _looks(tending, caller, tending.balance)
    return {**entry, "points": points_of(*_known(looks)), **_trouble(_first(looks))}


async def _received(request: Request, text: Secret) -> dict[str, Any]:
    tending = parts_of(request).tending
    entry: dict[str, Any] = {"token": text.masked(), "success": False}
    try:
        caller = await caller_with(request, text)
        if caller.stored:
            raise InvalidKey(
                "This key stands for accounts of the gateway's operator, who receives their credits."
            )
    except GatewayError as error:
        return {**entry, **_trouble(error)}
    looks = await _looks(tending, caller, tending.receive)
    received = [look.received for look in looks if look.received is not None]
    return {
        **entry,
        "success": bool(received),
        "received": sum(received),
        **(points_of(*_known(looks)) or {}),
        **_trouble(_first(looks)),
    }


async def _looks(
    tending: Tending, caller: Caller, ask: Callable[[Session], Awaitable[Tended]]
) -> Sequence[Tended]:
    """What each of the caller's sessions tells; of the operator's accounts, only what is known anyway."""
    if not caller.stored:
        return await asyncio.gather(*(ask(session) for session in caller.sessions))
    return await tending.remembered(caller.sessions)


def _known(looks: Sequence[Tended]) -> list[Any]:
    return [look.credits for look in looks if look.credits is not None]


def _first(looks: Sequence[Tended]) -> GatewayError | None:
    return next((look.trouble for look in looks if look.trouble is not None), None)


def _trouble(error: GatewayError | None) -> dict[str, Any]:
    if error is None:
        return {}
    return {"error": error.message, "code": error.code}


def _json(found: object) -> Response:
    return Response(
        msgspec.json.encode(found),
        media_type="application/json",
        headers={"cache-control": "no-store"},
    )
