"""What happens to a submission that the upstream refused for certain, or that never left. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from jimeng_api.domain.errors import (
    AccountBusy,
    AccountUnusable,
    GatewayError,
    Overloaded,
    ProxyRefused,
    RateLimited,
    RiskControl,
    UpstreamMaintenance,
    UpstreamUnreachable,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Try once more after `seconds`; `elsewhere` with another of the caller's sessions."""

    seconds: float
    elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Persistence:
    """How often and when, in seconds, a submission that nothing took is tried again."""

    unsent: tuple[float, ...] = (1.0, 3.0)
    busy: tuple[float, ...] = (10.0, 20.0, 40.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What to do about a kind of refusal.

    `elsewhere`: another session may do better. `unsent`: not a byte went out; it is tried again soon with the
    same session, unless the way is known to be closed for longer. `busy`: the account is waited for, where no
    other is left.
    """

    elsewhere: bool = False
    unsent: bool = False
    busy: bool = False


RULES: Final[Mapping[type[GatewayError], Rule]] = MappingProxyType(
    {
        # Whatever has no row of its own: all sessions would be refused alike, or it may have been taken.
        GatewayError: Rule(),
        UpstreamUnreachable: Rule(unsent=True),
        UpstreamMaintenance: Rule(unsent=True),
        ProxyRefused: Rule(unsent=True),
        Overloaded: Rule(unsent=True),
        AccountUnusable: Rule(elsewhere=True),
        AccountBusy: Rule(elsewhere=True, busy=True),
        RateLimited: Rule(elsewhere=True, busy=True),
        RiskControl: Rule(),  # never carried over to another account
    }
)


def rule_for(error: GatewayError) -> Rule:
    """The row of the error's class, or of the nearest class above it."""
    return next(RULES[kind] for kind in type(error).__mro__ if kind in RULES)


def after_refusal(
    error: GatewayError, persistence: Persistence, *, attempt: int, others: bool
) -> Again | None:
    """Whether to try again, given how often it was tried before and whether other sessions are left.

    Only what is certain to have taken nothing comes here.
    """
    rule = rule_for(error)
    if rule.elsewhere and others:
        return Again(seconds=0, elsewhere=True)
    named = error.retry_after or 0.0
    if rule.busy and attempt < len(persistence.busy):
        return Again(seconds=max(persistence.busy[attempt], named))
    if rule.unsent and attempt < len(persistence.unsent) and named <= persistence.unsent[attempt]:
        return Again(seconds=persistence.unsent[attempt])
    return None
