"""A stored account as its operator sees it: never its session, and of its proxy never the password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from jimeng_api.accounts.stored import StoredAccount
from jimeng_api.catalog.sites import SITES
from jimeng_api.domain.errors import InvalidValue
from jimeng_api.domain.proxies import proxy_at
from jimeng_api.domain.secret import Secret
from jimeng_api.web.refusals import refusal
from jimeng_api.web.schemas.shown import Shown
from jimeng_api.web.schemas.tokens import Points, points_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


def _name(value: object) -> object:
    if isinstance(value, str) and not (_NAME.fullmatch(value) and not value.startswith("account_")):
        raise ValueError("must be 1 to 64 letters, digits, dots, dashes, underscores or @")
    return value


_Name = Annotated[str | None, BeforeValidator(_name)]
_Limit = Annotated[int | None, Field(ge=0)]


class _Order(BaseModel):
    """What both orders may name."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            raise refusal(error.errors(include_url=False), model=cls) from None

    name: _Name = Field(
        None, description="How you call it; `cn-1` and so on where it has none yet."
    )
    proxy: str | None = Field(
        None,
        description="Its own way to the site: `http://`, `https://` or `socks5://`, with "
        "`user:password@` where it asks for them; empty for none. It is kept as the session is.",
    )
    images_at_once: _Limit = Field(
        None, description="Most picture tasks that it runs at once; 0 for no limit of ours."
    )
    films_at_once: _Limit = Field(
        None, description="Most film tasks that it runs at once; 0 for no limit of ours."
    )

    @property
    def limits(self) -> dict[str, int | None]:
        """Those that were named; None takes one away."""
        named = {"images_at_once": self.images_at_once, "films_at_once": self.films_at_once}
        return {name: value or None for name, value in named.items() if value is not None}

    @property
    def way(self) -> Secret | None:
        """The proxy that was named."""
        if not self.proxy:
            return None
        try:
            return proxy_at(self.proxy)
        except ValueError as error:
            raise InvalidValue(f"proxy {error}.", param="proxy") from None


class AccountBody(_Order):
    """What `POST /v1/admin/accounts` takes."""

    session: str = Field(
        description="The `sessionid` cookie of the signed-in account, with its site's prefix (`us-`, `hk-`, "
        "`jp-`, `sg-`) or with `site` beside it."
    )
    site: Literal["cn", "us", "hk", "jp", "sg"] | None = Field(
        None, description="The site of a session without a prefix; `cn` where nothing says more."
    )
    check: bool = Field(
        default=True, description="Ask the site about it first, and refuse a dead session."
    )

    @property
    def placed(self) -> str:
        """The session as callers write it."""
        text = self.session.strip()
        if self.site is None or text[:3].lower() in _PREFIXES:
            return text
        return SITES[self.site].token_prefix + text


class AccountChange(_Order):
    """What `PATCH /v1/admin/accounts/{account}` takes: what is absent stays."""


class AccountTrouble(Shown):
    code: str = Field(description="One of the codes on the page on errors.")
    message: str
    upstream_code: str
    at: float


class AccountReply(Shown):
    id: str
    object: Literal["account"]
    name: str
    site: str
    session: str = Field(description="Masked: `abcd…wxyz`.")
    standing: Literal["unchecked", "ready", "resting", "expired", "barred", "region_refused"]
    proxy: str | None = Field(description="Without what is secret in it.")
    membership: str = Field(description="The site's own word for it; empty without one.")
    points: Points | None = Field(description="As they were when the site was last asked.")
    images_at_once: int | None
    films_at_once: int | None
    checked_at: float | None
    resting_until: float | None
    trouble: AccountTrouble | None = Field(description="What the site last refused it with.")
    added_at: float


class NewAccountReply(AccountReply):
    new: bool = Field(description="False where it was here already, and is now changed.")


class AccountList(Shown):
    object: Literal["list"]
    data: list[AccountReply]


_PREFIXES = {site.token_prefix for site in SITES.values() if site.token_prefix}


def account_object(account: StoredAccount, *, now: float) -> dict[str, Any]:
    session, trouble = account.session, account.trouble
    return {
        "id": account.id,
        "object": "account",
        "name": account.name,
        "site": session.site,
        "session": session.secret.masked(),
        "standing": account.standing(now),
        "proxy": None if session.proxy is None else _shown_proxy(session.proxy),
        "membership": account.membership,
        "points": points_of(account.credits),
        "images_at_once": account.images_at_once,
        "films_at_once": account.films_at_once,
        "checked_at": account.checked_at,
        "resting_until": account.resting_until,
        "trouble": None
        if trouble is None
        else {
            "code": trouble.code,
            "message": trouble.message,
            "upstream_code": trouble.upstream_code,
            "at": account.trouble_at,
        },
        "added_at": account.added_at,
    }


def _shown_proxy(proxy: Secret) -> str:
    parts = urlsplit(proxy.reveal())
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


EXAMPLE_ACCOUNT: Mapping[str, Any] = {
    "id": "account_6f1c0a9be2d14c7788aa3b10",
    "object": "account",
    "name": "studio",
    "site": "us",
    "session": "0123…cdef",
    "standing": "ready",
    "proxy": "socks5://10.0.0.7:1080",
    "membership": "standard",
    "points": {"giftCredit": 66, "purchaseCredit": 0, "vipCredit": 1010, "totalCredit": 1076},
    "images_at_once": None,
    "films_at_once": 2,
    "checked_at": 1767225600.0,
    "resting_until": None,
    "trouble": None,
    "added_at": 1767220000.0,
}
EXAMPLE_ACCOUNT_ORDER: Mapping[str, Any] = {
    "session": "us-<sessionid>",
    "name": "studio",
    "films_at_once": 2,
}
