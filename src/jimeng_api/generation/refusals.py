"""What happens to a submission that the upstream refused for certain, or that never left. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from jimeng_api.domain.errors import (
    AccountBusy,
    AccountUnusable,
    GatewayError,
    RateLimited,
    RiskControl,
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


def after_refusal(
    error: GatewayError, persistence: Persistence, *, attempt: int, others: bool
) -> Again | None:
    """Whether to try again, given how often it was tried before and whether other sessions are left.

    Only what is certain to have taken nothing comes here. Risk control is never carried over to another
    account, and content and parameters are refused by all alike.
    """
    match error:
        case UpstreamUnreachable():
            return _in_turn(persistence.unsent, attempt)
        case RiskControl():
            return None
        case AccountUnusable() if others:
            return Again(seconds=0, elsewhere=True)
        case AccountBusy() | RateLimited():
            again = _in_turn(persistence.busy, attempt)
            return again and Again(seconds=max(again.seconds, error.retry_after or 0))
        case _:
            return None


def _in_turn(waits: tuple[float, ...], attempt: int) -> Again | None:
    return Again(seconds=waits[attempt]) if attempt < len(waits) else None
