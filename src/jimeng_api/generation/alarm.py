"""Wakes somebody at given moments: one task, whatever number of them."""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Callable, Hashable
from itertools import count
from typing import Generic, TypeVar

from jimeng_api.clock import Clock

T = TypeVar("T", bound=Hashable)


class Alarm(Generic[T]):
    """Rings once for every thing, at the earliest moment (monotonic seconds) that was set for it."""

    def __init__(self, clock: Clock, ring: Callable[[T], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._moments: list[tuple[float, int, T]] = []
        self._set: dict[T, float] = {}
        self._numbers = count()
        self._task: asyncio.Task[None] | None = None
        self._wakes_at = math.inf

    def at(self, moment: float, what: T) -> None:
        """Ring for this at the moment, if it does not ring before."""
        if self._set.get(what, math.inf) <= moment:
            return
        self._set[what] = moment
        heapq.heappush(self._moments, (moment, next(self._numbers), what))
        if moment < self._wakes_at:
            self._begin()

    def off(self, what: T) -> None:
        """Do not ring for this any more."""
        self._set.pop(what, None)

    def clear(self) -> None:
        self._moments.clear()
        self._set.clear()
        self._wakes_at = math.inf
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _begin(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._wakes_at = self._moments[0][0]
        self._task = asyncio.create_task(self._run(), name="alarm")

    async def _run(self) -> None:
        while self._set:
            self._wakes_at = self._moments[0][0]
            if (left := self._wakes_at - self._clock.monotonic()) > 0:
                await self._clock.sleep(left)
                continue
            moment, _, what = heapq.heappop(self._moments)
            if self._set.get(what) != moment:
                continue
            del self._set[what]
            self._wakes_at = (
                -math.inf
            )  # whoever is woken may set another moment: this task sees to it
            self._ring(what)
        self._moments.clear()
        self._wakes_at = math.inf
        self._task = None
