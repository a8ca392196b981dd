"""Who may use a route: each group of routes declares one of these guards."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param

from jimeng_api.accounts.session import Caller
from jimeng_api.domain.errors import InvalidKey, KeyLimitReached, KeyNotPermitted, NotFound
from jimeng_api.domain.secret import Secret
from jimeng_api.web.parts import administration_of, parts_of
from jimeng_api.web.rates import Rates

# Only told on the API page; the checks themselves are below.
BEARER = HTTPBearer(
    scheme_name="key",
    description="A session of your own account (`<sessionid>`, or `us-…`, `hk-…`, `jp-…`, `sg-…` for the "
    "sites outside China), or several separated by commas; or a key of this gateway (`jm-…`).",
    auto_error=False,
)
ADMIN_BEARER = HTTPBearer(
    scheme_name="admin key",
    description="The setting `admin_key` (`JIMENG_API_ADMIN_KEY`) of this gateway.",
    auto_error=False,
)

_HOW = (
    "Send the `sessionid` cookie of a signed-in account as `Authorization: Bearer <sessionid>`, with `us-`, "
    "`hk-`, `jp-` or `sg-` before it for an account outside China, or a key of this gateway (`jm-…`)."
)
_HOW_ADMIN = "Send the gateway's JIMENG_API_ADMIN_KEY as `Authorization: Bearer <key>`."


async def known_caller(request: Request, _: Annotated[object, Depends(BEARER)]) -> Caller:
    """Who sent this request. Raises InvalidKey, never anything softer, and what the key may not do."""
    caller = await caller_with(request, Secret(_bearer(request, _HOW)))
    _count(request, caller)
    request.state.caller = caller
    return caller


def caller_of(request: Request) -> Caller:
    """The caller of a request that `known_caller` let in."""
    caller: Caller = request.state.caller
    return caller


async def known_admin(request: Request, _: Annotated[object, Depends(ADMIN_BEARER)]) -> None:
    """Only the operator passes."""
    if administration_of(request).admin_key is None:
        raise NotFound("This gateway has no JIMENG_API_ADMIN_KEY, and so no admin routes.")
    if not is_admin_key(request, _bearer(request, _HOW_ADMIN)):
        raise InvalidKey(f"This is not the admin key. {_HOW_ADMIN}")


async def token_sender(request: Request) -> None:
    """Whoever has tokens to ask about, in the body or as Bearer: the routes look each of them up."""
    for sent in request.headers.getlist("authorization"):
        if _holds_admin_key(request, get_authorization_scheme_param(sent)[1].strip()):
            raise KeyNotPermitted("The admin key has no accounts; make a key of its own for this.")


async def caller_with(request: Request, token: Secret) -> Caller:
    """Whose token this is, wherever in the request it stood. Raises InvalidKey, KeyNotPermitted."""
    if _holds_admin_key(request, token.reveal()):
        raise KeyNotPermitted("The admin key has no accounts; make a key of its own for this.")
    return await parts_of(request).keys.caller(token.reveal())


async def anybody() -> None:
    """No key is needed."""


KnownCaller = Annotated[Caller, Depends(known_caller)]


def _bearer(request: Request, how: str) -> str:
    sent = request.headers.getlist("authorization")
    if len(sent) > 1:
        raise InvalidKey("There is more than one Authorization header.")
    if not sent:
        raise InvalidKey(f"There is no Authorization header. {how}")
    scheme, key = get_authorization_scheme_param(sent[0])
    if scheme.lower() != "bearer" or not key.strip():
        raise InvalidKey(f"The Authorization header is not of the form `Bearer <key>`. {how}")
    return key.strip()


def _holds_admin_key(request: Request, bearer: str) -> bool:
    """Whether it is among the sessions: as one of them, it would be sent to a site."""
    parts = [bearer, *(part.strip() for part in bearer.split(","))]
    return any(is_admin_key(request, part) for part in parts)


def is_admin_key(request: Request, text: str) -> bool:
    key: Secret | None = administration_of(request).admin_key
    return key is not None and hmac.compare_digest(text.encode(), key.reveal().encode())


def _count(request: Request, caller: Caller) -> None:
    """What is asked for is counted; whoever only looks is not, since clients look every second."""
    limit = caller.terms.requests_per_minute
    if limit is None or request.method != "POST":
        return
    rates: Rates = request.app.state.rates
    standing = rates.take(caller.owner, limit)
    request.state.headers = standing.headers
    if standing.wait is not None:
        raise KeyLimitReached(
            f"This key may send {limit} requests a minute.", retry_after=standing.wait
        )
