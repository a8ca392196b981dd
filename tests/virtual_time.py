"""Time that runs as fast as there is nothing to do: for parts that touch no thread and no socket."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from typing_extensions import override

from tests.chance import SeededChance

T = TypeVar("T")
EPOCH = 1_767_225_600.0

PATIENCE = 30.0
"""Real seconds in which a thread that is not ours must have done what it is waited for."""


class _JumpingSelector(selectors.SelectSelector):
    """Instead of waiting for a timer it tells the loop how far to jump."""

    waited: float = 0.0
    standing_still: bool = False

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout == 0:
            return []  # there is something to do, and nothing here ever waits for a socket
        if self.standing_still:
            ready = super().select(PATIENCE)
            if not ready:
                raise RuntimeError("no other thread has done anything for too long")
            return ready
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("everything waits for something that never comes")
        if not ready and timeout:
            self.waited += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer as soon as nothing is ready."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    @override
    def time(self) -> float:
        return self._jumping.waited

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        self._jumping.standing_still = True
        try:
            yield
        finally:
            self._jumping.standing_still = False


class VirtualClock(SeededChance):
    """The gateway's clock on a virtual loop, with chance from a seed."""

    _loop: asyncio.AbstractEventLoop | None = None

    def now(self) -> float:
        return EPOCH + self.monotonic()

    def monotonic(self) -> float:
        """As any clock, it can be read in a thread, or in what stands in for one: there no loop runs."""
        with contextlib.suppress(RuntimeError):
            self._loop = asyncio.get_running_loop()
        return 0.0 if self._loop is None else self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def later(self, seconds: float, call: Callable[[], object]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, seconds), call)


def run_virtually(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


@contextmanager
def standing_still() -> Iterator[None]:
    """Inside, threads that are not ours may work: the virtual time stands still, and they are waited for."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    with loop.standing_still():
        yield
