"""Gateways that live one after the other on the same disk, and die at any moment."""

from __future__ import annotations

import asyncio
import contextvars
import shutil
from collections.abc import Coroutine, Generator, Mapping
from contextvars import Context, ContextVar
from pathlib import Path
from typing import Any, TypeVar

from jimeng_api.clock import Clock
from jimeng_api.settings import Settings
from jimeng_api.wiring import Gateway, running
from tests.answer import Answer
from tests.chaos.door import Line, WatchedDoor
from tests.chaos.facts import End, Life
from tests.inline import Inline
from tests.simulated.asgi import Talk
from tests.simulated.door import UPSTREAM
from tests.simulated.upstream import Upstream

KEY = "6b" * 32
SELF = "http://gateway.test:5100"
GOODBYE = 8.0
"""Seconds that a stop lets callers and submissions come to their end, as the server does."""

T = TypeVar("T")
Tasks = dict["asyncio.Task[Any]", None]
_tasks: ContextVar[Tasks | None] = ContextVar("tasks", default=None)


def noted(
    loop: asyncio.AbstractEventLoop,
    work: Generator[Any, None, T] | Coroutine[Any, Any, T],
    /,
    *,
    context: Context | None = None,
) -> asyncio.Task[T]:
    """A task factory: every task that a gateway starts, however indirectly, is known with its life."""
    task = asyncio.Task(work, loop=loop, context=context)
    own = _tasks.get() if context is None else context.get(_tasks)
    if own is not None:
        own[task] = None
        task.add_done_callback(lambda done: own.pop(done, None))
    return task


class Living:
    """A gateway that runs, or starts, or ends."""

    def __init__(
        self, door: WatchedDoor, folder: Path, settings: Settings, *, ready: asyncio.Event
    ) -> None:
        self.door = door
        self.folder = folder
        self._ready = ready
        self._settings = settings
        self._stop = asyncio.Event()
        self._tasks: Tasks = {}
        self._requests: Tasks = {}
        self._context = contextvars.copy_context()
        self._context.run(_tasks.set, self._tasks)
        self._main: asyncio.Task[None] | None = None
        self._gateway: Gateway | None = None

    def start(self, clock: Clock) -> None:
        loop = asyncio.get_running_loop()
        self._main = loop.create_task(self._run(clock), context=self._context)

    async def _run(self, clock: Clock) -> None:
        async with running(
            self._settings, clock=clock, transport=self.door, threads=Inline()
        ) as gateway:
            self._gateway = gateway
            self._ready.set()
            await self._stop.wait()
            await gateway.desk.hang_up()
            if self._requests:
                await asyncio.wait([*self._requests], timeout=GOODBYE)
            for request in self._requests:
                request.cancel()

    async def call(
        self, method: str, path: str, headers: Mapping[str, str], talk: Talk | None = None
    ) -> Answer | None:
        """The answer; None when the gateway dies over it."""
        assert self._gateway is not None, "it does not run yet"
        work = (talk or Talk()).run(self._gateway.app, method, SELF + path, headers)
        request = asyncio.get_running_loop().create_task(work, context=self._context.copy())
        self._requests[request] = None
        try:
            await asyncio.wait([request])
        finally:
            self._requests.pop(request, None)
            request.cancel()
        return None if request.cancelled() else request.result()

    async def stop(self) -> None:
        """As an operator stops it."""
        assert self._main is not None, "it was never started"
        self._stop.set()
        await asyncio.wait([self._main])
        self._main.result()
        await self._vanish()

    async def kill(self, left: Path) -> None:
        """As when the power goes: what is on the disk at this moment is copied to `left`."""
        self.door.cut()  # nothing that is going on now comes to its end
        shutil.copytree(self.folder, left, ignore=shutil.ignore_patterns("*-shm", "*-owner*"))
        await self._vanish()

    async def _vanish(self) -> None:
        """A process that has ended does nothing any more."""
        self.door.cut()
        while self._tasks:
            for task in [*self._tasks]:
                task.cancel()
            await asyncio.wait([*self._tasks])


class Lives:
    """The machine. `facts` says when its gateways lived; `living` is the one of the moment."""

    def __init__(self, root: Path, *, clock: Clock, upstream: Upstream, line: Line) -> None:
        self._root = root
        self._clock = clock
        self._upstream = upstream
        self._line = line
        self.folder = root / "data-0"
        self.folder.mkdir()
        key = self.folder / "secret.key"  # given, since what is drawn anew is never the same again
        key.write_text(KEY)
        key.chmod(0o600)
        self.media = root / "media"
        self.facts: list[Life] = []
        self.living: Living | None = None
        self.ready = asyncio.Event()

    @property
    def number(self) -> int:
        """How many gateways there were until now."""
        return len(self.facts)

    async def up(self) -> Living:
        """The gateway, once there is one that answers."""
        while not self.ready.is_set():
            await self.ready.wait()
        assert self.living is not None, "it is ready"
        return self.living

    def begin(self) -> None:
        """Start the next gateway."""
        assert self.living is None, "one lives"
        settings = Settings(
            data_dir=self.folder,
            media_url=str(self.media),
            upstream_url=UPSTREAM,
            catalogue_hours=None,
        )
        door = WatchedDoor(self._upstream.app, self._line)
        self.living = Living(door, self.folder, settings, ready=self.ready)
        self.facts.append(Life(began=_now()))
        self.living.start(self._clock)

    async def kill(self) -> None:
        left = self._root / f"data-{self.number}"
        living = self._gone("killed")
        await living.kill(left)
        shutil.rmtree(self.folder)
        self.folder = left

    async def stop(self) -> None:
        """Stop the gateway, as soon as it has started."""
        living = await self.up()
        self.ready.clear()
        await living.stop()
        self._gone("stopped")

    def _gone(self, end: End) -> Living:
        assert self.living is not None, "none lives"
        living, self.living = self.living, None
        self.ready.clear()
        self.facts[-1].ended, self.facts[-1].end = _now(), end
        return living


def _now() -> float:
    return asyncio.get_running_loop().time()
