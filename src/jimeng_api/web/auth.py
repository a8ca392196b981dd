"""Which callers may come in: those whose `Authorization: Bearer` holds a session or an issued key."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param

from jimeng_api.accounts.session import Caller
from jimeng_api.domain.errors import InvalidKey
from jimeng_api.web.parts import parts_of

# Only told on the API page; the check itself is `known_caller`.
BEARER = HTTPBearer(
    scheme_name="key",
    description="A session of your own account (`<sessionid>`, or `us-…`, `hk-…`, `jp-…`, `sg-…` for the "
    "sites outside China), or several separated by commas.",
    auto_error=False,
)

_HOW = (
    "Send the `sessionid` cookie of a signed-in account as `Authorization: Bearer <sessionid>`, with `us-`, "
    "`hk-`, `jp-` or `sg-` before it for an account outside China."
)


async def known_caller(request: Request, _: Annotated[object, Depends(BEARER)]) -> Caller:
    """Who sent this request. Raises InvalidKey, never anything softer."""
    sent = request.headers.getlist("authorization")
    if len(sent) > 1:
        raise InvalidKey("There is more than one Authorization header.")
    if not sent:
        raise InvalidKey(f"There is no Authorization header. {_HOW}")
    scheme, key = get_authorization_scheme_param(sent[0])
    if scheme.lower() != "bearer" or not key.strip():
        raise InvalidKey(f"The Authorization header is not of the form `Bearer <key>`. {_HOW}")
    return await parts_of(request).keys.caller(key.strip())


KnownCaller = Annotated[Caller, Depends(known_caller)]
