"""Gateways in virtual time, on a database and an upstream that do what they are told."""

from __future__ import annotations

import asyncio
import functools
import itertools
import shutil
import tempfile
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast
from unittest.mock import patch

from sqlalchemy import create_engine, select
from sqlalchemy.pool import NullPool

from jimeng_api.accounts.health import Health
from jimeng_api.accounts.session import Caller
from jimeng_api.accounts.vault import Vault
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.domain.secret import Secret
from jimeng_api.generation import workshop
from jimeng_api.generation.adopting import Adopting
from jimeng_api.generation.collecting import Collecting
from jimeng_api.generation.desk import Desk
from jimeng_api.generation.placing import Placing
from jimeng_api.generation.pricing import shipped_price
from jimeng_api.generation.run import Generation
from jimeng_api.generation.sending import Sending
from jimeng_api.generation.settling import Settling
from jimeng_api.generation.uploading import Uploading
from jimeng_api.generation.workshop import Workshop
from jimeng_api.jobs.job import Job
from jimeng_api.jobs.store import _assembled
from jimeng_api.jobs.tables import jobs
from jimeng_api.media.keeper import Keeper
from jimeng_api.polling.poller import Poller
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.constants import Constants
from tests.inline import Inline
from tests.machines.server import ServedFile, Server
from tests.machines.upstream import SEEDS_APART, Album, Books, Line
from tests.stores import OwnStore
from tests.virtual_time import VirtualClock, VirtualLoop

T = TypeVar("T")

JOB_SECONDS = 1200.0
WATCH_SECONDS = 86_400.0


class Life:
    """A gateway without its edge."""

    def __init__(self, world: World) -> None:
        clock = world.clock
        self.backend = ServedFile(world.url, world.server, shared=world.shared)
        self.store = OwnStore(self.backend, clock, thread=Inline())
        self.line = Line(world.books)
        self.placing = Placing(
            self.store.claims, Health(clock, most={"image": world.at_once}), clock
        )
        self.poller = Poller(clock)
        generation = Generation(
            sending=Sending(
                upstream=cast(UpstreamClient, self.line),
                uploading=cast(Uploading, None),  # nothing here starts from pictures
                placing=self.placing,
                clock=clock,
                constants=Constants(),
                price=shipped_price,
                settling=Settling(
                    upstream=cast(UpstreamClient, self.line),
                    charges=self.store.charges,
                    clock=clock,
                ),
            ),
            collecting=Collecting(
                upstream=cast(UpstreamClient, self.line),
                poller=self.poller,
                keeper=cast(Keeper, world.album),
                placing=self.placing,
                clock=clock,
                name_media=world.vault.digest,
                watch_seconds=WATCH_SECONDS,
            ),
            placing=self.placing,
            clock=clock,
        )
        self.workshop = Workshop(
            generation=generation,
            placing=self.placing,
            store=self.store,
            vault=world.vault,
            clock=clock,
        )
        self.desk = Desk(
            workshop=self.workshop,
            placing=self.placing,
            adopting=Adopting(cast(UpstreamClient, self.line)),
            store=self.store,
            vault=world.vault,
            clock=clock,
            job_seconds=JOB_SECONDS,
        )
        self.asked: set[asyncio.Task[Any]] = set()

    @property
    def remembers(self) -> dict[str, object]:
        """What it keeps in memory of jobs: nothing, once all of them are over."""
        kept: dict[str, object] = {
            "jobs": self.workshop._open,
            "tasks": self.workshop._running,
            "cancelling": self.workshop._cancelling,
            "arriving": self.workshop._arriving,
            "in hand": self.placing.in_hand,
            "orders": self.desk._ordering._turns,
            "adoptions": self.desk._takeover._turns,
            "awaited": self.desk._awaited,
            "waiting": self.store.signals._waiting,
            "followed": self.poller._accounts,
        }
        return {name: what for name, what in kept.items() if what}

    async def start(self) -> None:
        await self.store.open()
        await self.workshop.open()

    def ask(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Somebody's request, which goes with the gateway."""
        task = asyncio.ensure_future(work)
        self.asked.add(task)
        task.add_done_callback(self.asked.discard)
        return task

    async def stop(self) -> None:
        """As an operator stops it."""
        await self.desk.close()
        await self._end()

    async def die(self) -> None:
        """As when the power goes: from this moment on it writes nothing and sends nothing."""
        self.line.cut = True
        self.backend.die()
        looking = self.workshop._looking
        if looking is not None:
            looking.cancel()
        await self.workshop._drop_all()
        await self._end()

    async def _end(self) -> None:
        for task in [*self.asked]:
            task.cancel()
        await asyncio.gather(*self.asked, return_exceptions=True)
        await self.store.close()


class World:
    """`do` lets time go on as long as some work takes; between two of them it stands still."""

    def __init__(
        self, *, shared: bool = False, pause: float = 900.0, at_once: int | None = None
    ) -> None:
        """`pause`: seconds between two looks for work; more than in life where days are to go by.

        `at_once` bounds what an account has in hand.
        """
        self.at_once = at_once
        self.shared = shared
        self._folder = tempfile.TemporaryDirectory(prefix="machines-", dir=_quickest_place())
        database = Path(self._folder.name) / "jobs.db"
        shutil.copyfile(_made_database(), database)
        self.url = f"sqlite:///{database}"
        self.clock = VirtualClock(1)
        self.server = Server()
        self.books = Books()
        self.album = Album()
        self.vault = Vault(Secret("k" * 64))
        self.lives: list[Life] = []
        self._runner = asyncio.Runner(loop_factory=VirtualLoop)
        self._numbers = itertools.count(1)
        self._pauses = _pauses(pause)
        self._pauses.start()
        self._engine = create_engine(self.url, poolclass=NullPool)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def now(self) -> float:
        """Unix time."""
        return self.do(_now(self.clock))

    def start(self) -> Life:
        life = Life(self)
        self.do(life.start())
        self.lives.append(life)
        return life

    def end(self, life: Life, *, well: bool) -> None:
        self.lives.remove(life)
        self.do(life.stop() if well else life.die())

    def let_pass(self, seconds: float) -> None:
        self.do(self.clock.sleep(seconds))

    def look_seldom(self) -> None:
        """From now on nothing happens that a gateway would have to look for."""
        self._pauses.stop()
        self._pauses = _pauses(3600.0)
        self._pauses.start()

    def step(self, times: int) -> None:
        """So many turns of the loop, in which no time need go by."""
        self.do(_turns(times))

    def caller(self, *sessions: str) -> Caller:
        return self.vault.caller(",".join(sessions))

    def request(self, order: str, *, count: int = 1) -> ImageRequest:
        return ImageRequest(
            model="jimeng-4.5", prompt=order, ratio="1:1", resolution="2k", width=2048, height=2048,
            seed=next(self._numbers) * SEEDS_APART, count=count,
        )  # fmt: skip

    def jobs(self) -> dict[str, Job]:
        """What is on the disk, by id."""
        with self._engine.begin() as connection:
            found = _assembled(connection, select(jobs))
        return {job.id: job for job in found}

    def close(self) -> None:
        for life in [*self.lives]:
            self.end(life, well=False)
        self._runner.close()
        self._pauses.stop()
        self._folder.cleanup()


def _pauses(seconds: float) -> Any:
    return patch.multiple(workshop, _PAUSE_ALONE=seconds, _PAUSE_AMONG_OTHERS=seconds)


async def _now(clock: VirtualClock) -> float:
    return clock.now()


async def _turns(times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


def _quickest_place() -> str | None:
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() else None


@functools.cache
def _made_database() -> Path:
    """A database with its tables, made once and copied."""
    folder = Path(tempfile.mkdtemp(prefix="machines-", dir=_quickest_place()))
    _REMAINS.append(folder)

    async def make() -> None:
        store = OwnStore(f"sqlite:///{folder / 'jobs.db'}", VirtualClock(), thread=Inline())
        await store.open()
        await store.close()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(make())
    return folder / "jobs.db"


_REMAINS: list[Path] = []


def clear(remains: Sequence[Path] = _REMAINS) -> None:
    for folder in remains:
        shutil.rmtree(folder, ignore_errors=True)
