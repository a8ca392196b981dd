"""Keys of the gateway's own: what an order for one says, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jimeng_api.accounts.issued import Issued
from jimeng_api.accounts.terms import Terms
from jimeng_api.catalog.lookup import find_model
from jimeng_api.catalog.sites import SITES
from jimeng_api.domain.errors import GatewayError, InvalidValue
from jimeng_api.web.refusals import refusal
from jimeng_api.web.schemas.shown import Shown

_Names = Annotated[list[str], Field(min_length=1, max_length=100)]
_Count = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
_TEN_YEARS = 3650 * 86_400


class KeyBody(BaseModel):
    """What `POST /v1/admin/keys` takes. A field that it does not know is refused: it may be a limit."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: str = Field(
        min_length=1, max_length=100, description="Whom or what it is for.", examples=["playground"]
    )
    models: _Names | None = Field(
        None, description="The models that it may use, by any of their names; absent: all."
    )
    sites: _Names | None = Field(
        None,
        description="The sites whose stored accounts it may use: `cn`, `us`, `hk`, `jp`, `sg`.",
    )
    accounts: _Names | None = Field(
        None, description="The ids of the stored accounts that it may use; absent: all."
    )
    concurrency: _Count | None = Field(
        None, description="How many of its jobs may be unfinished at once."
    )
    requests_per_minute: _Count | None = Field(
        None, description="How many POST requests it may send in any minute."
    )
    credits_per_day: Annotated[int, Field(ge=0, le=10**9, strict=True)] | None = Field(
        None, description="How many credits its jobs may cost in a day."
    )
    expires_in: Annotated[float, Field(gt=0, le=_TEN_YEARS)] | None = Field(
        None, description="Seconds until it expires; absent: never."
    )
    replaces: str | None = Field(
        None,
        description="The id of a key whose jobs are to be this one's as well. The other one stays good until "
        "it is revoked.",
    )

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            raise refusal(error.errors(include_url=False), model=cls) from None

    @property
    def terms(self) -> Terms:
        """Raises InvalidValue, ModelNotFound."""
        return Terms(
            models=None if self.models is None else _models(self.models),
            sites=None if self.sites is None else _sites(self.sites),
            accounts=None if self.accounts is None else tuple(self.accounts),
            concurrency=self.concurrency,
            requests_per_minute=self.requests_per_minute,
            credits_per_day=self.credits_per_day,
        )


def _models(names: list[str]) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(find_model(name).name for name in names))
    except GatewayError as error:
        raise InvalidValue(f"models: {error.message}", param="models") from None


def _sites(names: list[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(name.strip().lower() for name in names))
    if unknown := [name for name in found if name not in SITES]:
        raise InvalidValue(
            f"sites: {unknown[0][:20]!r} is none; there are {', '.join(SITES)}.", param="sites"
        )
    return found


class KeyReply(Shown):
    id: str
    object: Literal["key"]
    name: str
    hint: str = Field(description="How its text ends.")
    state: Literal["active", "expired", "revoked"]
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None = Field(description="To within a minute.")
    models: list[str] | None
    sites: list[str] | None
    accounts: list[str] | None
    concurrency: int | None
    requests_per_minute: int | None
    credits_per_day: int | None


class NewKeyReply(KeyReply):
    key: str = Field(description="The key itself: told now and never again.")


class KeyList(Shown):
    object: Literal["list"]
    data: list[KeyReply]


def key_object(issued: Issued, *, now: float) -> dict[str, Any]:
    terms = issued.terms
    return {
        "id": issued.id,
        "object": "key",
        "name": issued.name,
        "hint": f"jm-…{issued.hint}",
        "state": issued.state(now),
        "created_at": int(issued.created_at),
        "expires_at": _seconds(issued.expires_at),
        "revoked_at": _seconds(issued.revoked_at),
        "last_used_at": _seconds(issued.used_at),
        "models": terms.models,
        "sites": terms.sites,
        "accounts": terms.accounts,
        "concurrency": terms.concurrency,
        "requests_per_minute": terms.requests_per_minute,
        "credits_per_day": terms.credits_per_day,
    }


def _seconds(time: float | None) -> int | None:
    return None if time is None else int(time)


EXAMPLE_KEY_ORDER: Mapping[str, Any] = {
    "name": "playground",
    "models": ["jimeng-4.5"],
    "requests_per_minute": 30,
}
EXAMPLE_KEY: Mapping[str, Any] = {
    "id": "key_5d1f0c2a9b8e7d6c5b4a3f2e",
    "object": "key",
    "name": "playground",
    "hint": "jm-…w3Xk",
    "state": "active",
    "created_at": 1795000000,
    "expires_at": None,
    "revoked_at": None,
    "last_used_at": None,
    "models": ["jimeng-4.5"],
    "sites": None,
    "accounts": None,
    "concurrency": None,
    "requests_per_minute": 30,
    "credits_per_day": None,
}
