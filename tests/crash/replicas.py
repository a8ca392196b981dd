"""Takes one of two gateways on one PostgreSQL database away, and tells how the other carries on its jobs.

`python -m tests.crash.replicas --jobs 300 --accounts 10` runs real processes on the loopback: a PostgreSQL
server, a simulated upstream and two gateways that share key file and media. When the jobs are in flight, one
gateway gets SIGKILL; with `--how stop` it gets SIGSTOP, and SIGCONT when the other has long taken over; with
`--how cut` the server ends the connections of the one or the other, again and again. Exit code 1 when a
promise was broken. `--keep FOLDER` keeps history, times of looks, logs and media.

A look is all that one gateway asks about an account's due jobs at one time, and begins a second after the end
of the one before, whichever gateway made that. When looks were, the upstream says. Within one gateway nothing
that the machine delays can shorten that second, since the earlier look was answered before it began; where an
account changes hands, a process that is scheduled late takes a little of it, and a tenth is granted.

A run that does not come to its end is ended after five minutes, and tells what has not ended and where each
of it stands.
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
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import msgspec
import psycopg
from psycopg import sql

from tests.crash.aftermath import read_again, read_first, settled
from tests.crash.callers import Caller
from tests.crash.checker import ENDED, Verdict
from tests.crash.databases import stored_submissions
from tests.crash.harness import Record, client
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
from tests.crash.standing import accounts_held, unfinished
from tests.crash.takeover import (
    BOTH,
    TAKEOVER_SECONDS,
    Measured,
    Name,
    Plan,
    judged,
)
from tests.crash.upstream import Looks, Upstream
from tests.postgres import postgres_server

PAUSE_AFTER_REFUSAL = 0.5
"""Seconds until a refused order is given anew: clients wait as well, and a storm of orders tests nothing."""

SAMPLE_SECONDS = 0.1


class ReplicasTest:
    """One run. `database` is the URL of an empty PostgreSQL database."""

    def __init__(self, plan: Plan, folder: Path, *, database: str) -> None:
        self._plan = plan
        self._folder = folder
        self._database = database
        self._dice = random.Random(plan.seed)
        self._record = Record()
        self._tell = self._record.tell
        self._life = 0
        self._numbers = 0
        self._stage = "starting the upstream"
        self.measured = Measured()

    async def run(self) -> Sequence[Event]:
        """The whole history. Whatever happens, no process is left behind."""
        simulator = Simulator(self._folder, seed=self._plan.seed)
        gateways: dict[Name, Gateway] = {}
        limit = asyncio.timeout(self._plan.total)
        try:
            async with (
                limit,
                client(reused=False) as http,
                client(reused=True) as reading,
            ):
                await simulator.start()
                upstream = Upstream(simulator.origin, http)
                await upstream.prepare(job=self._plan.job, answer=self._plan.answer, vanish=0)
                gateways = replicas(
                    self._folder,
                    upstream=simulator.origin,
                    database=self._database,
                    confirmation_seconds=self._plan.confirmation,
                )
                callers = self._callers(gateways, http, reading)
                async with asyncio.TaskGroup() as orders:
                    await self._start_both(gateways)
                    await self._fill(orders, callers, upstream)
                    await self._take_away(orders, gateways, callers, upstream)
                await self._aftermath(gateways, callers["b"], upstream)
        except* DidNotStart as group:
            for error in group.exceptions:
                self._tell(Fell(life=self._life, why=str(error)))
        except* TimeoutError:
            if not limit.expired():
                raise
            standing = unfinished(self._database, self._record.events)
            why = f"after {self._plan.total:g} s it was still {self._stage}\n    {standing}"
            self._tell(Fell(life=self._life, why=why))
        finally:
            for gateway in gateways.values():
                await gateway.kill()
            await simulator.stop()
            (self._folder / "history.jsonl").write_bytes(written(self._record.events))
        return self._record.events

    def _callers(
        self,
        gateways: Mapping[Name, Gateway],
        http: aiohttp.ClientSession,
        reading: aiohttp.ClientSession,
    ) -> dict[Name, list[Caller]]:
        """Of every account one at each gateway."""
        sessions = {
            f"account {number}": _session(number, self._plan.seed)
            for number in range(self._plan.accounts)
        }
        self._tell(
            Planned(
                kills=1 if self._plan.how == "kill" else 0,
                jobs=self._plan.jobs + self._plan.fresh,
                seed=self._plan.seed,
                owners={
                    name: f"{session[:4]}…{session[-4:]}" for name, session in sessions.items()
                },
            )
        )
        return {
            replica: [
                Caller(
                    name,
                    session,
                    base_url=gateways[replica].base_url,
                    http=http,
                    reading=reading,
                    tell=self._tell,
                )
                for name, session in sessions.items()
            ]
            for replica in BOTH
        }

    # ------------------------------------------------------------- before

    async def _start_both(self, gateways: Mapping[Name, Gateway]) -> None:
        """At the same moment: one of them makes the tables."""
        self._stage = "starting the gateways"
        began = time.monotonic()
        for gateway in gateways.values():
            await gateway.start()
            self._life += 1
            self._tell(Started(life=self._life))
        for place, gateway in enumerate(gateways.values()):
            await gateway.ready()
            self._tell(Ready(life=place + 1, seconds=round(time.monotonic() - began, 3)))

    async def _fill(
        self,
        orders: asyncio.TaskGroup,
        callers: Mapping[Name, list[Caller]],
        upstream: Upstream,
    ) -> None:
        """Order all jobs but the fresh ones, and see each looked at."""
        self._stage = "ordering, until each job was looked at"
        for number in range(self._plan.jobs):
            # The first order for an account comes to the one gateway or the other in turn.
            replica = BOTH[number % 2] if number < self._plan.accounts else None
            self._order(orders, callers, number, replica)
            if number < self._plan.accounts:
                await asyncio.sleep(0.1)
        await _all_looked_at(upstream, at_least=self._plan.jobs)

    async def _freshen(
        self, orders: asyncio.TaskGroup, callers: Mapping[Name, list[Caller]], number: int
    ) -> None:
        """So many more jobs; some are being sent when this returns."""
        for fresh in range(number):
            self._order(orders, callers, fresh, None)
        await asyncio.sleep(self._plan.answer * self._dice.uniform(0, 1.2))

    def _order(
        self,
        orders: asyncio.TaskGroup,
        callers: Mapping[Name, list[Caller]],
        number: int,
        replica: Name | None,
    ) -> None:
        dice = random.Random(self._dice.random())
        chosen = BOTH[dice.randrange(2)] if replica is None else replica
        caller = callers[chosen][number % self._plan.accounts]
        orders.create_task(self._until_taken(caller, dice))

    async def _until_taken(self, caller: Caller, dice: random.Random) -> None:
        while True:
            self._numbers += 1
            if await caller.order(self._numbers, dice, life=lambda: self._life):
                return
            await asyncio.sleep(PAUSE_AFTER_REFUSAL)

    # ---------------------------------------------------- the gateway goes

    async def _take_away(
        self,
        orders: asyncio.TaskGroup,
        gateways: Mapping[Name, Gateway],
        callers: Mapping[Name, list[Caller]],
        upstream: Upstream,
    ) -> None:
        self._stage = (
            "taking a gateway away, until each job was looked at again and each order answered"
        )
        self.measured.held = await asyncio.to_thread(accounts_held, self._database)
        if self._plan.how == "cut":
            await self._cut_again_and_again(orders, gateways, callers)
            await self._await_looks(upstream, seconds=2 * TAKEOVER_SECONDS)
            return
        await self._freshen(orders, callers, self._plan.fresh)
        if self._plan.how == "kill":
            await gateways["a"].kill()
            self._tell_killed("working")
            self._life += 1
            self._turn_to_the_other(gateways, callers)
            await self._await_looks(upstream, seconds=2 * TAKEOVER_SECONDS)
            return
        gateways["a"].freeze()
        await self._await_looks(upstream, seconds=self._plan.frozen)
        left = self.measured.taken_at + self._plan.frozen - time.time()
        await asyncio.sleep(max(0.0, left))
        gateways["a"].thaw()

    async def _cut_again_and_again(
        self,
        orders: asyncio.TaskGroup,
        gateways: Mapping[Name, Gateway],
        callers: Mapping[Name, list[Caller]],
    ) -> None:
        cuts = self._plan.cuts
        for number in range(cuts):
            share = self._plan.fresh * (number + 1) // cuts - self._plan.fresh * number // cuts
            await self._freshen(orders, callers, share)
            await asyncio.to_thread(_cut, gateways[self._dice.choice(BOTH)].database)
            await asyncio.sleep(self._dice.uniform(0, 2))

    def _turn_to_the_other(
        self, gateways: Mapping[Name, Gateway], callers: Mapping[Name, list[Caller]]
    ) -> None:
        for caller in callers["a"]:
            caller.at = gateways["b"].base_url

    async def _await_looks(self, upstream: Upstream, *, seconds: float) -> None:
        """Until each submission that was in flight was looked at once more."""
        measured = self.measured
        measured.taken_at = time.time()
        before = {
            submit_id: seen
            for submit_id, seen in (await upstream.looks()).items()
            if not seen.ended
        }
        measured.in_flight = len(before)
        while before and time.time() < measured.taken_at + seconds:
            await asyncio.sleep(SAMPLE_SECONDS)
            now = await upstream.looks()
            for submit_id in [one for one in before if _looked(before[one], now[one])]:
                measured.waited[submit_id] = time.time() - measured.taken_at
                del before[submit_id]
        measured.never = list(before)

    # ----------------------------------------------------------- aftermath

    async def _aftermath(
        self, gateways: Mapping[Name, Gateway], callers: list[Caller], upstream: Upstream
    ) -> None:
        self._stage = "waiting for the end of all jobs"
        await settled(callers, seconds=self._plan.settle)
        self._stage = "reading what is left"
        found = await read_first(callers, self._tell)
        await upstream.tell_truth(self._tell)
        self.measured.looked = await upstream.look_times()
        (self._folder / "looks.json").write_bytes(msgspec.json.encode(self.measured.looked))
        for gateway in gateways.values():
            await gateway.kill()
        self._tell_killed("last")
        await gateways["b"].start()
        await gateways["b"].ready()
        await read_again(found, self._tell)
        await gateways["b"].kill()
        for one in await asyncio.to_thread(stored_submissions, self._database):
            self._tell(Stored(job=one.job_id, submit_id=one.submit_id, state=one.state))
        media = (self._folder / "media").rglob("*")
        self._tell(Files(count=sum(1 for path in media if path.is_file())))

    def _tell_killed(self, moment: Moment) -> None:
        open_ = {
            one.submit_id: one.state
            for one in stored_submissions(self._database, alone=False)
            if one.state not in ENDED
        }
        self._tell(Killed(life=self._life, moment=moment, open=open_))


def replicas(
    folder: Path, *, upstream: str, database: str, confirmation_seconds: float
) -> dict[Name, Gateway]:
    """Two gateways on one database, with one key file and one media store, that are not started yet.

    Each has a user of its own at the database, so that the server can tell who holds what.
    """
    shared = {
        "JIMENG_API_SECRET_KEY_FILE": str(folder / "secret.key"),
        "JIMENG_API_MEDIA_URL": str(folder / "media"),
    }
    return {
        replica: Gateway(
            folder,
            upstream=upstream,
            confirmation_seconds=confirmation_seconds,
            database=_with_own_user(database, replica),
            name=replica,
            settings=shared,
        )
        for replica in BOTH
    }


def _with_own_user(database: str, replica: Name) -> str:
    url = urlsplit(database)
    user = f"{url.path.removeprefix('/')}_{replica}"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}").format(
                sql.Identifier(user), sql.Literal(url.password)
            )
        )
    return url._replace(netloc=f"{user}:{url.password}@{url.hostname}:{url.port}").geturl()


async def _all_looked_at(upstream: Upstream, *, at_least: int) -> None:
    """Return when so many submissions were accepted and each was looked at."""
    while True:
        seen = (await upstream.looks()).values()
        if len(seen) >= at_least and all(one.number for one in seen):
            return
        await asyncio.sleep(SAMPLE_SECONDS)


def _cut(database: str) -> None:
    """Let the server end all connections of the database URL's user."""
    with psycopg.connect(database) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = current_user AND pid <> pg_backend_pid()"
        )


def _looked(before: Looks, now: Looks) -> bool:
    return now.number > before.number


def _session(number: int, seed: int) -> str:
    """A session id. It begins with a digit, since one that begins with "dead" is dead."""
    return "5" + hashlib.md5(f"account {number} {seed}".encode()).hexdigest()[1:]


async def replicas_test(plan: Plan, folder: Path, *, database: str) -> Verdict:
    run = ReplicasTest(plan, folder, database=database)
    return judged(plan, await run.run(), run.measured)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--accounts", type=int, default=10)
    parser.add_argument("--fresh", type=int, default=30, help="jobs ordered in the last moment")
    parser.add_argument("--how", choices=("kill", "stop", "cut"), default="kill")
    parser.add_argument("--seed", type=int, default=None, help="of the orders")
    parser.add_argument("--keep", type=Path, default=None, metavar="FOLDER")
    given = parser.parse_args(arguments)
    # A harness that is asked to end takes its processes with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    seed = random.randrange(1_000_000) if given.seed is None else given.seed
    plan = Plan(
        jobs=given.jobs, accounts=given.accounts, fresh=given.fresh, seed=seed, how=given.how
    )
    print(f"{plan.jobs} jobs on {plan.accounts} accounts, {plan.how}, seed {seed} ...", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="jimeng-api-replicas-") as place,
        postgres_server() as server,
    ):
        folder = Path(place)
        verdict = asyncio.run(replicas_test(plan, folder, database=server.fresh_database()))
        if given.keep is not None:
            shutil.copytree(folder, given.keep, dirs_exist_ok=True)
    print(verdict)
    return 1 if verdict.violations else 0


if __name__ == "__main__":
    sys.exit(main())
