"""How long jobs of each kind took lately: what the pace expects of the next one."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import NamedTuple

from jimeng_api.polling.pace import Expectation

_KEPT = 256
_ENOUGH = 8


class Kind(NamedTuple):
    """What makes durations comparable."""

    site: str
    model: str
    resolution: str
    mode: str


class Durations:
    """The last durations of each kind, in memory."""

    def __init__(self) -> None:
        self._seen: dict[Kind, deque[float]] = defaultdict(lambda: deque(maxlen=_KEPT))

    def add(self, kind: Kind, seconds: float) -> None:
        self._seen[kind].append(seconds)

    def expected(self, kind: Kind, first_guess: Expectation) -> Expectation:
        """What was seen lately, or `first_guess` until enough was seen."""
        seen = sorted(self._seen.get(kind, ()))
        if len(seen) < _ENOUGH:
            return first_guess
        return Expectation(low=seen[len(seen) // 12], high=seen[-1 - len(seen) // 12])
