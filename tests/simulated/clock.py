"""A clock that runs faster than life, and the patience of whoever waits for an answer."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

NEW_YEAR = 1_767_225_600.0


class FastClock:
    """The gateway's clock, `speed` times as fast as life, with chance from a seed."""

    def __init__(self, speed: float, seed: int = 0) -> None:
        self.speed = speed
        self._began = time.monotonic()
        self._random = random.Random(seed)

    def skip(self, seconds: float) -> None:
        """Time goes by at once. Nobody may be asleep."""
        self._began -= seconds / self.speed

    def now(self) -> float:
        return NEW_YEAR + self.monotonic()

    def monotonic(self) -> float:
        return (time.monotonic() - self._began) * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self.speed)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)

    def number(self, below: int) -> int:
        return self._random.randrange(below)

    def uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def token(self, bytes_: int = 16) -> str:
        return self._random.randbytes(bytes_).hex()


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

    def __init__(self, clock: FastClock) -> None:
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
