"""What happens to a submission that the upstream refused for certain, or that never left. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from jimeng_api.domain.errors import (
    AccountBusy,
    AccountUnusable,
    GatewayError,
    Overloaded,
    ProxyRefused,
    RateLimited,
    RiskControl,
    UploadFailed,
    UpstreamMaintenance,
    UpstreamUnreachable,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Try once more after `seconds`; `elsewhere` with another of the caller's sessions.

    `in_line`: when the account, or another one, has room.
    """

    seconds: float = 0.0
    elsewhere: bool = False
    in_line: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Persistence:
    """How often and when, in seconds, a submission that nothing took is tried again.

    An account that is busy with other things than ours rests for the times in `busy`, one after the other.
    """

    unsent: tuple[float, ...] = (1.0, 3.0)
    busy: tuple[float, ...] = (10.0, 20.0, 40.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What to do about a kind of refusal.

    `elsewhere`: another account may do better, or one on another site. `unsent`: not a byte went out; it is
    tried again soon with the same session, unless the way is known to be closed for longer. `busy`: it waits
    for an account with room.
    """

    elsewhere: Literal["no", "account", "site"] = "no"
    unsent: bool = False
    busy: bool = False


RULES: Final[Mapping[type[GatewayError], Rule]] = MappingProxyType(
    {
        # Whatever has no row of its own: all sessions would be refused alike, or it may have been taken.
        GatewayError: Rule(),
        UpstreamUnreachable: Rule(unsent=True, elsewhere="site"),
        UpstreamMaintenance: Rule(unsent=True, elsewhere="site"),
        ProxyRefused: Rule(unsent=True, elsewhere="site"),
        UploadFailed: Rule(elsewhere="site"),
        Overloaded: Rule(unsent=True),
        AccountUnusable: Rule(elsewhere="account"),
        AccountBusy: Rule(elsewhere="account", busy=True),
        RateLimited: Rule(elsewhere="account", busy=True),
        RiskControl: Rule(),  # never carried over to another account
    }
)


def rule_for(error: GatewayError) -> Rule:
    """The row of the error's class, or of the nearest class above it."""
    return next(RULES[kind] for kind in type(error).__mro__ if kind in RULES)


def after_refusal(
    error: GatewayError, persistence: Persistence, *, attempt: int, others: bool
) -> Again | None:
    """Whether to try again, given how often this account was tried and whether others are left.

    `attempt` counts only tries that nothing of ours stood in the way of. Only what is certain to have taken
    nothing comes here.
    """
    rule = rule_for(error)
    if rule.busy and attempt < len(persistence.busy):
        return Again(in_line=True)
    if rule.elsewhere != "no" and others:
        return Again(elsewhere=True)
    named = error.retry_after or 0.0
    if rule.unsent and attempt < len(persistence.unsent) and named <= persistence.unsent[attempt]:
        return Again(seconds=persistence.unsent[attempt])
    return None
