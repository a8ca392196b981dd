"""Time and chance: the only file that sleeps, reads the clock or draws a random number."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
import uuid
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """What the gateway may know of time and chance. Tests put a virtual one in its place."""

    def now(self) -> float:
        """Unix time in seconds; it may jump when the machine's clock is set."""

    def monotonic(self) -> float:
        """Seconds since some moment; it never jumps."""

    async def sleep(self, seconds: float) -> None: ...

    def later(self, seconds: float, call: Callable[[], object]) -> asyncio.TimerHandle:
        """Call it after so long, unless the handle is cancelled: thousands wait so without a task each."""

    def uniform(self, low: float, high: float) -> float: ...

    def number(self, below: int) -> int: ...

    def uuid(self) -> str: ...

    def token(self, bytes_: int = 16) -> str:
        """An unguessable text of hex characters, two for each byte."""


class SystemClock:
    """The machine's own time and chance."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def later(self, seconds: float, call: Callable[[], object]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, seconds), call)

    def uniform(self, low: float, high: float) -> float:
        return random.uniform(low, high)

    def number(self, below: int) -> int:
        return random.randrange(below)

    def uuid(self) -> str:
        return str(uuid.uuid4())

    def token(self, bytes_: int = 16) -> str:
        return secrets.token_hex(bytes_)
