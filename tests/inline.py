"""Work that would be done in a thread, done at once: for loops whose time is not real."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from typing_extensions import override

P = ParamSpec("P")
T = TypeVar("T")


class Inline(ThreadPoolExecutor):
    """A pool without threads. `loop.set_default_executor` takes it, because it is one by name."""

    @override
    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        done: Future[Any] = Future()
        # As in a thread, where no loop runs and blocking is no fault.
        loop = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - handed to the one who waits for it
            done.set_exception(error)
        finally:
            asyncio._set_running_loop(loop)
        return done
