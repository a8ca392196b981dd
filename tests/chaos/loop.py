"""An event loop in virtual time that draws from a seed in which order things happen."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from contextvars import Context

from typing_extensions import TypeVarTuple, Unpack, override

from tests.virtual_time import VirtualClock, VirtualLoop

Given = TypeVarTuple("Given")


class ShuffledLoop(VirtualLoop):
    """What is ready at the same moment runs in an order drawn from `seed`; in its own order without one."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self._dice = None if seed is None else random.Random(seed)
        self._own_thread = threading.get_ident()

    def _run_once(self) -> None:
        ready = self._ready  # type: ignore[attr-defined]
        if self._dice is not None and len(ready) > 1:
            self._dice.shuffle(ready)
        super()._run_once()  # type: ignore[misc]

    @override
    def call_soon_threadsafe(
        self,
        callback: Callable[[Unpack[Given]], object],
        *args: *Given,
        context: Context | None = None,
    ) -> asyncio.Handle:
        # Executors here work in this very thread: nobody sleeps who would have to be woken.
        if threading.get_ident() == self._own_thread:
            return self.call_soon(callback, *args, context=context)
        return super().call_soon_threadsafe(callback, *args, context=context)


class JumpingClock(VirtualClock):
    """The gateway's clock, whose time of day may be set wrong by `off` seconds. It never stands still."""

    off: float = 0.0

    @override
    def now(self) -> float:
        return super().now() + self.off
