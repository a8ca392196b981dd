"""Sessions, tokens and credits, in the shape that callers of other Jimeng gateways know."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from jimeng_api.domain.credits import Credits
from jimeng_api.web.schemas.shown import Shown


class TokensBody(Shown):
    token: str | None = Field(
        None,
        description="A session (`<sessionid>`, `us-…`, `hk-…`, `jp-…`, `sg-…`) or an access token (`jm-…`); "
        "several with commas between them. Without it: those of the Bearer.",
    )
    tokens: list[str] | None = Field(None, description="Several, as a list.")
    site: str | None = Field(
        None, description="The site of sessions without a prefix: `cn`, `us`, `hk`, `jp` or `sg`."
    )


class SessionsBody(Shown):
    session: str | None = Field(
        None, description="A session, or several with commas; `token` means the same."
    )
    sessions: list[str] | None = Field(
        None, description="Several; each a text, or an object with `session` and `site`."
    )
    site: str | None = Field(
        None, description="The site of sessions without a prefix: `cn`, `us`, `hk`, `jp` or `sg`."
    )
    expires_in: int | None = Field(
        None, description="Seconds that the token is good: 60 to the gateway's own limit."
    )
    grant_type: str | None = Field(
        None, description="`refresh_token`, with `refresh_token` beside it, renews instead."
    )


class RefreshBody(Shown):
    refresh_token: str


class RevokeBody(Shown):
    token: str = Field(description="The access token, or its refresh token.")


class Points(Shown):
    giftCredit: int  # noqa: N815 - as those callers spell it
    purchaseCredit: int  # noqa: N815
    vipCredit: int  # noqa: N815
    totalCredit: int  # noqa: N815


class PointsReply(Shown):
    """One entry of the list."""

    token: str = Field(description="Masked: `abcd…wxyz`.")
    points: Points | None
    error: str | None = Field(None, description="Why something is not known.")
    code: str | None = Field(None, description="The code of that error.")


class ReceivedReply(Shown):
    """One entry of the list. The credits are left out where they are not known."""

    token: str = Field(description="Masked: `abcd…wxyz`.")
    giftCredit: int = Field(0)  # noqa: N815 - as those callers spell it
    purchaseCredit: int = Field(0)  # noqa: N815
    vipCredit: int = Field(0)  # noqa: N815
    totalCredit: int = Field(0)  # noqa: N815
    success: bool
    received: int = Field(description="How many came; 0 where they were received before.")
    error: str | None = None
    code: str | None = None


class CheckedToken(Shown):
    token: str = Field(description="Masked: `abcd…wxyz`.")
    site: str | None
    live: bool | None = Field(description="Null where the site could not be asked.")
    error: str | None = None
    code: str | None = None


class CheckReply(Shown):
    live: bool
    site: str | None = Field(None, description="The site that was asked.")
    tokens: list[CheckedToken] | None = Field(None, description="Each, where there are several.")


class TokenAccount(Shown):
    token: str = Field(description="The session, masked.")
    site: str
    alive: bool | None
    points: Points | None
    error: str | None = None
    code: str | None = None


class GrantReply(Shown):
    access_token: str
    token_type: Literal["bearer"]
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    site: str | None = Field(None, description="The site of the sessions, where it is one.")
    sites: list[str] | None = None
    alive: bool | None = Field(None, description="Null where a site could not be asked.")
    credits: int | None = Field(None, description="What all of them may spend.")
    accounts: list[TokenAccount] | None = None


class RevokedReply(Shown):
    revoked: bool


def points_of(*found: Credits | None) -> dict[str, int] | None:
    """The credits, those of several added up; None where none are known."""
    known = [one for one in found if one is not None]
    if not known:
        return None
    return {
        "giftCredit": sum(one.gift for one in known),
        "purchaseCredit": sum(one.purchased for one in known),
        "vipCredit": sum(one.vip for one in known),
        "totalCredit": sum(one.total for one in known),
    }


_POINTS: dict[str, Any] = {
    "giftCredit": 66,
    "purchaseCredit": 0,
    "vipCredit": 0,
    "totalCredit": 66,
}
EXAMPLE_POINTS: list[dict[str, Any]] = [{"token": "0123…cdef", "points": _POINTS}]
EXAMPLE_RECEIVED: list[dict[str, Any]] = [
    {"token": "0123…cdef", "success": True, "received": 66, **_POINTS}
]
EXAMPLE_CHECK: dict[str, Any] = {"live": True, "site": "cn"}
EXAMPLE_GRANT: dict[str, Any] = {
    "access_token": "jm-…",
    "token_type": "bearer",
    "expires_in": 86400,
    "refresh_token": "jm-refresh-…",
    "refresh_expires_in": 2592000,
    "site": "cn",
    "sites": ["cn"],
    "alive": True,
    "credits": 66,
    "accounts": [{"token": "0123…cdef", "site": "cn", "alive": True, "points": _POINTS}],
}
