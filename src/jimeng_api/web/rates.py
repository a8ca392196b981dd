"""How many requests each key has sent in the last minute, and what OpenAI's clients are told of that."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass

from jimeng_api.clock import Clock

_MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`wait` is how long until there is room for another one, None if this one had room. In seconds."""

    limit: int
    remaining: int
    reset: float
    wait: float | None

    @property
    def headers(self) -> Mapping[str, str]:
        return {
            "x-ratelimit-limit-requests": str(self.limit),
            "x-ratelimit-remaining-requests": str(self.remaining),
            "x-ratelimit-reset-requests": f"{self.reset:.3f}s",
        }


class Rates:
    """Never more than its number of requests in any minute; one that is refused does not count."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._taken: defaultdict[str, deque[float]] = defaultdict(deque)

    def take(self, owner: str, limit: int) -> Standing:
        now = self._clock.monotonic()
        taken = self._taken[owner]
        while taken and taken[0] <= now - _MINUTE:
            taken.popleft()
        full = len(taken) >= limit
        if not full:
            taken.append(now)
        return Standing(
            limit=limit,
            remaining=max(0, limit - len(taken)),
            reset=taken[-1] + _MINUTE - now,
            wait=taken[-limit] + _MINUTE - now if full else None,
        )
