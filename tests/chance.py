"""Chance from a seed, for the clocks of the tests."""

from __future__ import annotations

import random
import uuid


class SeededChance:
    """What a clock knows of chance; the same seed draws the same."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)

    def number(self, below: int) -> int:
        return self._random.randrange(below)

    def uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def token(self, bytes_: int = 16) -> str:
        return self._random.randbytes(bytes_).hex()
