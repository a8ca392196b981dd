"""A clock that runs faster than life, and the patience of whoever waits for an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from jimeng_api.simulator.clock import Clock
from tests.chance import SeededChance

NEW_YEAR = 1_767_225_600.0


class FastClock(SeededChance):
    """The gateway's clock, `speed` times as fast as life, with chance from a seed."""

    def __init__(self, speed: float, seed: int = 0) -> None:
        super().__init__(seed)
        self.speed = speed
        self._began = time.monotonic()

    def skip(self, seconds: float) -> None:
        """Time goes by at once. Nobody may be asleep."""
        self._began -= seconds / self.speed

    def now(self) -> float:
        return NEW_YEAR + self.monotonic()

    def monotonic(self) -> float:
        return (time.monotonic() - self._began) * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self.speed)

    def later(self, seconds: float, call: Callable[[], object]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, seconds) / self.speed, call)


class PatienceSpent(Exception):
    """The one who asked has hung up."""


@dataclass
class _Patience:
    left: float


_patience: ContextVar[_Patience | None] = ContextVar("patience", default=None)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """What runs inside may wait so long on an `UpstreamClock`, and then `PatienceSpent` ends it.

    Only waits that the simulator means to make are counted: a slow machine makes no answer late.
    """
    token = _patience.set(_Patience(seconds))
    try:
        yield
    finally:
        _patience.reset(token)


class UpstreamClock:
    """The simulator's side of a clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        waiting = _patience.get()
        if waiting is None:
            await self._clock.sleep(seconds)
        elif seconds < waiting.left:
            waiting.left -= seconds
            await self._clock.sleep(seconds)
        else:
            await self._clock.sleep(waiting.left)
            raise PatienceSpent
