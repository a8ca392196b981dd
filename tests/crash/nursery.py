"""The process that gateways are forked from, so that none of them has to start from nothing."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import ParamSpec, TypeVar

import structlog
from typing_extensions import override

from jimeng_api.settings import Settings
from jimeng_api.wiring import running
from tests.crash.failpoints import Late
from tests.crash.life import Life
from tests.crash.pipe import Ended, Gone, Line, Message, Plan, Replied
from tests.crash.warmth import keep_engines, keep_routes
from tests.crash.world import JOB_SECONDS, World
from tests.inline import Inline
from tests.simulated.door import UPSTREAM
from tests.virtual_time import VirtualClock, VirtualLoop

P = ParamSpec("P")
T = TypeVar("T")

BROKEN = {"late acceptance": "accepted", "late submitting": "submitting"}
"""Defects that must be found: what is reported before it is on the disk."""


class Nursery:
    """Gateways are forked where a gateway first turns to its database.

    Before that a start does only what is the same for every life; that, and whatever Python loads and keeps
    when it does something for the first time, is done once.
    """

    def __init__(self, data: Path, line: Line, *, broken: str | None) -> None:
        self._data = data
        self._line = line
        self._life = Life(data, broken=Late(BROKEN[broken]) if broken else None)
        self._loop = VirtualLoop()

    def run(self) -> None:
        """Never returns: this process ends with the pipe, the others with their lives."""
        structlog.configure(
            wrapper_class=structlog.make_filtering_bound_logger(40),
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        )
        keep_engines()
        keep_routes()
        self._warm_up()
        self._loop.set_default_executor(Inline())
        try:
            self._loop.run_until_complete(self._gateway(_AtFirst(self._fork)))
            self._life.done()
        except BaseException:  # noqa: BLE001 - the one who waits is told
            self._life.done(traceback.format_exc())
        os._exit(0)

    def _fork(self) -> None:
        """Returns in the children only.

        That it is ready, and done with the data folder, is this process's first word.
        """
        gc.collect()
        gc.freeze()
        gc.disable()
        self._line.put(Ended(0.0))
        while isinstance(plan := self._line.get(), Plan):
            pid = os.fork()
            if pid == 0:
                # A loop knows the process that it runs in: this one is told that it goes on with it.
                asyncio._set_running_loop(self._loop)
                self._life.begin(plan, self._line)
                return
            _, status = os.waitpid(pid, 0)
            self._line.put(Gone(status))
        os._exit(0)

    def _warm_up(self) -> None:
        """Some lives in this process."""
        world = World("warm")
        life = self._life
        life.warming = True
        for _ in range(3):
            life.begin(world.plan(), _Here(world))
            loop = VirtualLoop()
            loop.set_default_executor(Inline())
            loop.run_until_complete(self._gateway(Inline()))
            life.forget()
        life.warming = False

    async def _gateway(self, threads: Inline) -> None:
        life = self._life
        settings = _settings(self._data)
        async with running(
            settings, clock=life.clock, transport=life.door, threads=threads
        ) as gateway:
            await life.go(gateway)


class _AtFirst(Inline):
    """Does a gateway's work at once, and before the first of it something else."""

    def __init__(self, something: Callable[[], None]) -> None:
        super().__init__()
        self._something = something
        self._begun = False

    @override
    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        if not self._begun:
            self._begun = True
            self._something()
        return super().submit(fn, *args, **kwargs)


class _Here:
    """The pipe to an upstream in the same process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._reply: Replied | None = None

    def put(self, message: Message) -> None:
        self._reply = self._world.heard(message)

    def get(self) -> Message | None:
        return self._reply


def _settings(data: Path) -> Settings:
    return Settings(
        data_dir=data,
        upstream_url=UPSTREAM,
        catalogue_hours=None,
        confirmation_seconds=30,
        job_seconds=JOB_SECONDS,
        wait_seconds=14_400,
    )


def make_data(data: Path) -> None:
    """What a gateway leaves that never did anything."""

    async def start_and_stop() -> None:
        clock = VirtualClock()
        async with running(_settings(data), clock=clock, threads=Inline()):
            pass

    loop = VirtualLoop()
    loop.set_default_executor(Inline())
    loop.run_until_complete(start_and_stop())
