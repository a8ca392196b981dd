"""How long an account, or a whole site, is left alone after a refusal: one row for each kind. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from jimeng_api.accounts.choice import Rest
from jimeng_api.domain.errors import (
    AccountBusy,
    ConsentRequired,
    DailyLimitReached,
    GatewayError,
    ModelNotPermitted,
    OutOfCredits,
    ProxyRefused,
    RateLimited,
    RegionRefused,
    RiskControl,
    SessionExpired,
    UploadFailed,
    UpstreamMaintenance,
    UpstreamUnreachable,
)

Scope = Literal["account", "kind", "model", "site"]

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A refusal's consequence: `first` seconds of rest, twice as many at each further one, up to `longest`.

    Where the upstream says when to come back, it is no less than that. `scope`: the rest is the account's, or
    only for the same kind of result or the same model, or that of all accounts of the site. `to_midnight`: it
    ends with the site's day. `checked`: before the account is used again, it is asked whether it is signed
    in. `says` is told to whoever is refused for it.
    """

    rest: Rest
    scope: Scope = "account"
    first: float = 0.0
    longest: float = 0.0
    to_midnight: bool = False
    checked: bool = False
    says: str = ""


RESTS: Final[Mapping[type[GatewayError], Row]] = MappingProxyType(
    {
        SessionExpired: Row(
            rest=Rest.SHUT,
            first=10,
            longest=10 * _MINUTE,
            checked=True,
            says="The site refused the session a moment ago: it has ended, or belongs to another site. It is "
            "asked again later. Sign in on the site anew and send the new session.",
        ),
        RiskControl: Row(
            rest=Rest.SHUT,
            first=30 * _MINUTE,
            longest=_DAY,
            says="The site's risk control stopped this account lately. It is left alone for a while; see on "
            "the site itself what it asks for. Nothing was sent.",
        ),
        OutOfCredits: Row(rest=Rest.LAST, scope="model", to_midnight=True),
        DailyLimitReached: Row(rest=Rest.LAST, scope="kind", to_midnight=True),
        ModelNotPermitted: Row(rest=Rest.LAST, scope="model", first=_HOUR, longest=_DAY),
        ConsentRequired: Row(rest=Rest.LAST, scope="model", first=_HOUR, longest=_DAY),
        RegionRefused: Row(rest=Rest.LAST, first=10 * _MINUTE, longest=_HOUR),
        # How long a busy account is left alone is a setting: see Health.
        AccountBusy: Row(rest=Rest.WAIT, scope="kind"),
        RateLimited: Row(rest=Rest.WAIT),
        UpstreamUnreachable: Row(rest=Rest.LAST, scope="site", first=5, longest=_MINUTE),
        UpstreamMaintenance: Row(rest=Rest.LAST, scope="site", first=_MINUTE, longest=10 * _MINUTE),
        ProxyRefused: Row(rest=Rest.LAST, scope="site", first=_MINUTE, longest=_MINUTE),
        UploadFailed: Row(rest=Rest.LAST, scope="site", first=5, longest=_MINUTE),
    }
)


def row_for(error: GatewayError) -> Row | None:
    """The row of the error's class, or of the nearest class above it; None where it says nothing of them."""
    return next((RESTS[kind] for kind in type(error).__mro__ if kind in RESTS), None)
