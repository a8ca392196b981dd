"""Kills a gateway at random moments while jobs are ordered, and tells what became of them.

`python -m tests.crash.harness --kills 200 --jobs 4000` runs real processes on the loopback: a simulated
upstream, whose ledger is the truth, and the gateway, which gets SIGKILL; with `--database postgresql` a
PostgreSQL server too, which lives on. Exit code 1 when a promise was broken. `--keep FOLDER` keeps the
history, the logs and the data folder.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import msgspec

from tests.crash.aftermath import read_again, read_first, settled
from tests.crash.callers import ANSWER_SECONDS, Caller
from tests.crash.checker import ENDED, Verdict, check
from tests.crash.databases import stored_submissions
from tests.crash.history import (
    Event,
    Fell,
    Files,
    Killed,
    Moment,
    Planned,
    Ready,
    Started,
    Stored,
    written,
)
from tests.crash.processes import DidNotStart, Gateway, Simulator
from tests.crash.upstream import Upstream
from tests.postgres import postgres_server

SITES = ("cn", "us", "hk", "jp", "sg")
MOMENTS: tuple[tuple[Moment, float], ...] = (
    ("working", 0.6),
    ("starting", 0.25),
    ("recovering", 0.15),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Times are seconds. Most lives of the gateway last up to `up` once it is ready, some three times that.

    `job` is how long the upstream takes for a job, `answer` how late it answers half of the submissions: a
    kill in between leaves the gateway in doubt. `vanish` is the share of submissions that the upstream takes
    no notice of: their doubt ends in a failure. `settle` is what the last life has to bring all to an end,
    `total` what the whole run may take.
    """

    kills: int
    jobs: int
    seed: int
    up: float = 1.2
    job: tuple[float, float] = (0.3, 3.0)
    answer: float = 0.25
    vanish: float = 0.02
    confirmation: float = 4.0
    settle: float = 240.0
    total: float = 3600.0


@dataclass(slots=True)
class Record:
    began: float = field(default_factory=time.monotonic)
    events: list[Event] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        at = round(time.monotonic() - self.began, 4)
        self.events.append(msgspec.structs.replace(event, at=at))


class CrashTest:
    """One run. Everything that is drawn comes from the seed; what the machine makes of it does not."""

    def __init__(self, plan: Plan, folder: Path, *, database: str | None = None) -> None:
        """`database`: the URL of an empty one, otherwise SQLite in the folder."""
        self._plan = plan
        self._folder = folder
        self._database = database
        self._dice = random.Random(plan.seed)
        self._record = Record()
        self._tell = self._record.tell
        self._life = 0
        self._start_seconds = 1.5
        self._numbers = 0
        self._ordered = 0

    async def run(self) -> Sequence[Event]:
        """The whole history. Whatever happens, no process is left behind."""
        simulator = Simulator(self._folder, seed=self._plan.seed)
        gateway: Gateway | None = None
        try:
            async with (
                asyncio.timeout(self._plan.total),
                client(reused=False) as http,
                client(reused=True) as reading,
            ):
                await simulator.start()
                upstream = Upstream(simulator.origin, http)
                await upstream.prepare(
                    job=self._plan.job, answer=self._plan.answer, vanish=self._plan.vanish
                )
                gateway = Gateway(
                    self._folder,
                    upstream=simulator.origin,
                    confirmation_seconds=self._plan.confirmation,
                    database=self._database,
                )
                callers = self._callers(gateway, http, reading)
                await self._storm(gateway, callers)
                await self._aftermath(gateway, callers, upstream)
        except* DidNotStart as group:
            for error in group.exceptions:
                self._tell(Fell(life=self._life, why=str(error)))
        except* TimeoutError:
            why = f"the run took longer than {self._plan.total:g} s"
            self._tell(Fell(life=self._life, why=why))
        finally:
            if gateway is not None:
                await gateway.kill()
            await simulator.stop()
            (self._folder / "history.jsonl").write_bytes(written(self._record.events))
        return self._record.events

    def _callers(
        self, gateway: Gateway, http: aiohttp.ClientSession, reading: aiohttp.ClientSession
    ) -> list[Caller]:
        sessions = {site: session_of(site, self._plan.seed) for site in SITES}
        self._tell(
            Planned(
                kills=self._plan.kills,
                jobs=self._plan.jobs,
                seed=self._plan.seed,
                owners={
                    name: f"{session[:4]}…{session[-4:]}" for name, session in sessions.items()
                },
            )
        )
        return [
            Caller(
                site,
                session if site == "cn" else f"{site}-{session}",
                base_url=gateway.base_url,
                http=http,
                reading=reading,
                tell=self._tell,
            )
            for site, session in sessions.items()
        ]

    # --------------------------------------------------------------- storm

    async def _storm(self, gateway: Gateway, callers: list[Caller]) -> None:
        """All kills and all orders, side by side; the gateway is left alive."""
        async with asyncio.TaskGroup() as orders:
            for number in range(1, self._plan.kills + 1):
                began = await self._start(gateway)
                self._release(orders, callers, number)
                await self._one_kill(gateway, began)
            began = await self._start(gateway)
            self._release(orders, callers, self._plan.kills or 1)
            await self._ready(gateway, began)

    async def _one_kill(self, gateway: Gateway, began: float) -> None:
        """Let the gateway live until a random moment."""
        moments = [moment for moment, _ in MOMENTS]
        moment = self._dice.choices(moments, [weight for _, weight in MOMENTS])[0]
        if moment == "starting":
            await asyncio.sleep(self._dice.uniform(0.3, 1.15) * self._start_seconds)
        else:
            await self._ready(gateway, began)
            longest = 0.3
            if moment == "working":
                longest = self._plan.up * self._dice.choice((1, 1, 1, 3))
            await asyncio.sleep(self._dice.uniform(0.0, longest))
        if not gateway.alive:
            raise DidNotStart(f"the gateway ended by itself: {gateway.last_words()}")
        await self._kill(gateway, moment)

    async def _start(self, gateway: Gateway) -> float:
        began = time.monotonic()
        await gateway.start()
        self._life += 1
        self._tell(Started(life=self._life))
        return began

    async def _ready(self, gateway: Gateway, began: float) -> None:
        await gateway.ready()
        seconds = time.monotonic() - began
        self._start_seconds = 0.7 * self._start_seconds + 0.3 * seconds
        self._tell(Ready(life=self._life, seconds=round(seconds, 3)))

    async def _kill(self, gateway: Gateway, moment: Moment) -> None:
        await gateway.kill()
        open_ = {
            one.submit_id: one.state
            for one in stored_submissions(gateway.database)
            if one.state not in ENDED
        }
        self._tell(Killed(life=self._life, moment=moment, open=open_))

    def _release(self, orders: asyncio.TaskGroup, callers: list[Caller], kill: int) -> None:
        """Let this life's share of the orders go out, spread over about as long as it may last."""
        due = -(-self._plan.jobs * kill // max(1, self._plan.kills))
        for _ in range(due - self._ordered):
            dice = random.Random(self._dice.random())
            orders.create_task(self._order(dice.choice(callers), dice))
        self._ordered = due

    async def _order(self, caller: Caller, dice: random.Random) -> None:
        """One job: ordered anew until it is taken."""
        await asyncio.sleep(dice.uniform(0.0, self._start_seconds + self._plan.up))
        taken = False
        while not taken:
            self._numbers += 1
            taken = await caller.order(self._numbers, dice, life=lambda: self._life)

    # ----------------------------------------------------------- aftermath

    async def _aftermath(self, gateway: Gateway, callers: list[Caller], upstream: Upstream) -> None:
        await settled(callers, seconds=self._plan.settle)
        found = await read_first(callers, self._tell)
        await upstream.tell_truth(self._tell)
        await self._kill(gateway, "last")
        began = await self._start(gateway)
        await self._ready(gateway, began)
        await read_again(found, self._tell)
        await gateway.kill()
        for one in stored_submissions(gateway.database):
            self._tell(Stored(job=one.job_id, submit_id=one.submit_id, state=one.state))
        self._tell(Files(count=gateway.media_files()))


def session_of(site: str, seed: int) -> str:
    """A session id. It begins with a digit, since one that begins with "dead" is dead."""
    return "5" + hashlib.md5(f"{site} {seed}".encode()).hexdigest()[1:]


def client(*, reused: bool) -> aiohttp.ClientSession:
    """A client whose connections are `reused`, or each of whose requests has one of its own: what happens to
    such a request happens to nothing else.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=not reused),
        timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
        trust_env=False,
    )


async def crash_test(plan: Plan, folder: Path, *, database: str | None = None) -> Verdict:
    return check(await CrashTest(plan, folder, database=database).run())


@contextmanager
def a_database(kind: str) -> Iterator[str | None]:
    """The URL of an empty PostgreSQL database, or None for SQLite in the data folder."""
    if kind == "sqlite":
        yield None
        return
    with postgres_server() as server:
        yield server.fresh_database()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=4000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=None, help="of the moments and the orders")
    parser.add_argument("--keep", type=Path, default=None, metavar="FOLDER")
    given = parser.parse_args(arguments)
    # A harness that is asked to end takes its processes with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    seed = random.randrange(1_000_000) if given.seed is None else given.seed
    plan = Plan(kills=given.kills, jobs=given.jobs, seed=seed)
    print(
        f"{plan.kills} kills over {plan.jobs} jobs, {given.database}, seed {seed} ...", flush=True
    )
    with (
        tempfile.TemporaryDirectory(prefix="jimeng-api-crash-") as place,
        a_database(given.database) as database,
    ):
        folder = Path(place)
        verdict = asyncio.run(crash_test(plan, folder, database=database))
        if given.keep is not None:
            shutil.copytree(folder, given.keep, dirs_exist_ok=True)
    print(verdict)
    return 1 if verdict.violations else 0


if __name__ == "__main__":
    sys.exit(main())
