"""Time and chance: the only file here that reads the clock, sleeps or draws a random number."""

import asyncio
import random
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since 1970."""

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Chance:
    """Seeded draws, one independent sequence for each purpose.

    A draw for one purpose never moves the sequence of another, so that adding a fault
    does not change how long the jobs of a test take.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._sequences: dict[str, random.Random] = {}

    def fraction(self, purpose: str) -> float:
        """The next number in [0, 1) for this purpose."""
        sequence = self._sequences.get(purpose)
        if sequence is None:
            sequence = self._sequences[purpose] = random.Random(f"{self.seed}/{purpose}")
        return sequence.random()

    def between(self, purpose: str, low: float, high: float) -> float:
        return low + (high - low) * self.fraction(purpose)

    def whole(self, purpose: str, below: int) -> int:
        """The next whole number in [0, below)."""
        return int(self.fraction(purpose) * below)
