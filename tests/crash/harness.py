"""Kills a gateway at random moments while jobs are ordered, and tells what became of them.

`python -m tests.crash.harness --kills 100 --jobs 500` runs real processes on the loopback: a simulated
upstream, whose ledger is the truth, and the gateway, which gets SIGKILL. Exit code 1 when a promise was
broken. `--keep FOLDER` keeps the history, the logs and the database.
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
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import msgspec

from tests.crash.callers import ANSWER_SECONDS, Caller, Tell
from tests.crash.checker import Verdict, check
from tests.crash.history import (
    Charged,
    Event,
    Fell,
    Files,
    JobRead,
    Killed,
    Moment,
    Planned,
    Ready,
    Started,
    Stored,
    Taken,
    Totals,
    written,
)
from tests.crash.processes import DidNotStart, Gateway, Simulator

SITES = ("cn", "us", "hk", "jp", "sg")
MOMENTS: tuple[tuple[Moment, float], ...] = (
    ("working", 0.6),
    ("starting", 0.25),
    ("recovering", 0.15),
)
AT_ONCE = 16

T = TypeVar("T")


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
    up: float = 2.5
    job: tuple[float, float] = (0.3, 3.0)
    answer: float = 0.25
    vanish: float = 0.02
    confirmation: float = 4.0
    settle: float = 180.0
    total: float = 1800.0


@dataclass(slots=True)
class _Record:
    began: float = field(default_factory=time.monotonic)
    events: list[Event] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        at = round(time.monotonic() - self.began, 4)
        self.events.append(msgspec.structs.replace(event, at=at))


class CrashTest:
    """One run. Everything that is drawn comes from the seed; what the machine makes of it does not."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._folder = folder
        self._dice = random.Random(plan.seed)
        self._record = _Record()
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
            async with asyncio.timeout(self._plan.total), _client() as http:
                await simulator.start()
                upstream = _Upstream(simulator.origin, http)
                await upstream.prepare(self._plan)
                gateway = Gateway(
                    self._folder,
                    upstream=simulator.origin,
                    confirmation_seconds=self._plan.confirmation,
                )
                callers = self._callers(gateway, http)
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

    def _callers(self, gateway: Gateway, http: aiohttp.ClientSession) -> list[Caller]:
        sessions = {site: _session(site, self._plan.seed) for site in SITES}
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
            submit_id: state
            for _, submit_id, state in gateway.stored()
            if state not in ("completed", "failed")
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

    async def _aftermath(
        self, gateway: Gateway, callers: list[Caller], upstream: _Upstream
    ) -> None:
        await self._settled(callers)
        found = [
            (caller, [job["id"] async for job in caller.jobs()], callers[place - 1])
            for place, caller in enumerate(callers)
        ]
        await self._read_all(found, reading=1)
        await upstream.tell_truth(self._tell)
        await self._kill(gateway, "last")
        began = await self._start(gateway)
        await self._ready(gateway, began)
        await self._read_all(found, reading=2)
        await gateway.kill()
        for job, submit_id, state in gateway.stored():
            self._tell(Stored(job=job, submit_id=submit_id, state=state))
        self._tell(Files(count=gateway.media_files()))

    async def _settled(self, callers: list[Caller]) -> None:
        """Return when every job has ended, or when the time for that is over."""
        until = time.monotonic() + self._plan.settle
        while time.monotonic() < until:
            open_ = 0
            for caller in callers:
                async for job in caller.jobs():
                    open_ += job["status"] not in ("completed", "failed")
            if not open_:
                return
            await asyncio.sleep(1.0)

    async def _read_all(
        self, found: list[tuple[Caller, list[str], Caller]], *, reading: int
    ) -> None:
        async def seen(caller: Caller, job_id: str, other: Caller) -> None:
            job = await caller.read_job(job_id, reading=reading)
            if job is None:
                return
            self._tell(job)
            if reading == 1:
                self._tell(await other.try_foreign(job_id))
                await self._fetch(caller, job)

        await _few_at_once(
            seen(caller, job_id, other) for caller, ids, other in found for job_id in ids
        )

    async def _fetch(self, caller: Caller, job: JobRead) -> None:
        for result in job.results:
            self._tell(await caller.fetch(job, result.media))


class _Upstream:
    """The control side of the simulator."""

    def __init__(self, origin: str, http: aiohttp.ClientSession) -> None:
        self._origin = origin
        self._http = http

    async def prepare(self, plan: Plan) -> None:
        await self._post("time", {"seconds": list(plan.job)})
        faults = (("timeout", plan.vanish), ("delay", 0.5))
        for fault, share in faults:
            order = {"on": "generate", "fault": fault, "seconds": plan.answer, "times": -1}
            if share:
                await self._post("faults", {**order, "probability": share})

    async def tell_truth(self, tell: Tell) -> None:
        async with self._http.get(f"{self._origin}/_sim/ledger", params={"brief": "1"}) as answer:
            ledger = msgspec.json.decode(await answer.read())
        for one in ledger["submits"]:
            names = ("submit_id", "session", "prompt", "pictures", "price", "double")
            tell(Taken(**{name: one[name] for name in names}))
        for one in ledger["charges"]:
            tell(Charged(submit_id=one["submit_id"], credits=one["credits"]))
        totals = ledger["totals"]
        tell(Totals(**{name: totals[name] for name in ("accepted", "double", "charged")}))

    async def _post(self, what: str, order: dict[str, Any]) -> None:
        async with self._http.post(f"{self._origin}/_sim/{what}", json=order) as answer:
            if answer.status != 200:
                raise DidNotStart(f"the simulator refused {what}: {await answer.text()}")


def _session(site: str, seed: int) -> str:
    """A session id. It begins with a digit, since one that begins with "dead" is dead."""
    return "5" + hashlib.md5(f"{site} {seed}".encode()).hexdigest()[1:]


def _client() -> aiohttp.ClientSession:
    """Each request has a connection of its own: what happens to it happens to nothing else."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
        trust_env=False,
    )


async def _few_at_once(work: Iterable[Awaitable[T]]) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def in_place(one: Awaitable[T]) -> None:
        async with places:
            await one

    await asyncio.gather(*map(in_place, work))


async def crash_test(plan: Plan, folder: Path) -> Verdict:
    return check(await CrashTest(plan, folder).run())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=None, help="of the moments and the orders")
    parser.add_argument("--keep", type=Path, default=None, metavar="FOLDER")
    given = parser.parse_args(arguments)
    # A harness that is asked to end takes its processes with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    seed = random.randrange(1_000_000) if given.seed is None else given.seed
    plan = Plan(kills=given.kills, jobs=given.jobs, seed=seed)
    print(f"{plan.kills} kills over {plan.jobs} jobs, seed {seed} ...", flush=True)
    with tempfile.TemporaryDirectory(prefix="jimeng-api-crash-") as place:
        folder = Path(place)
        verdict = asyncio.run(crash_test(plan, folder))
        if given.keep is not None:
            shutil.copytree(folder, given.keep, dirs_exist_ok=True)
    print(verdict)
    return 1 if verdict.violations else 0


if __name__ == "__main__":
    sys.exit(main())
