"""Processes claim accounts of one real PostgreSQL, as fast as they can: no account is had by two.

`python -m tests.machines.double_claims --claims 100000`. Each process writes its number into shared memory
for every account that it has claimed: a claim where another number stands is a double claim.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.sharedctypes import SynchronizedArray
from typing import Any, TypeAlias

import psycopg
from sqlalchemy import text

from jimeng_api.clock import SystemClock
from jimeng_api.database.database import Database
from jimeng_api.database.postgresql import PostgresServer
from jimeng_api.domain.errors import StorageUnavailable
from jimeng_api.jobs.claims import Claims
from tests.postgres import postgres_server

ACCOUNTS = 40
AT_ONCE = 16
LOST_EVERY = 400
"""After about so many claims a process loses its connection."""

Shared: TypeAlias = "SynchronizedArray[int]"


@dataclass(frozen=True)
class Counted:
    """What one process, or all, has seen. `refused`: accounts that another had at that moment."""

    claims: int = 0
    refused: int = 0
    double: int = 0
    lost: int = 0

    def __add__(self, other: Counted) -> Counted:
        return Counted(
            self.claims + other.claims,
            self.refused + other.refused,
            self.double + other.double,
            self.lost + other.lost,
        )


class Claimer:
    """One process. Its name stands at an account from just after the claim to just before the end of it."""

    def __init__(self, url: str, number: int, owners: Shared) -> None:
        self._url = url
        self._number = number
        self._owners = owners
        self._dice = random.Random(number)
        self._database = Database(PostgresServer(url), SystemClock())
        self._claims = Claims(self._database)
        self._names = [f"{account:02x}" * 16 for account in range(ACCOUNTS)]

    async def run(self, claims: int) -> Counted:
        await self._database.run(self._database.backend.open)
        counted = Counted()
        while counted.claims < claims:
            counted += await self._turn()
        self._leave(self._claims.held)
        await self._database.close()
        return counted

    async def _turn(self) -> Counted:
        wanted = set(self._dice.sample(self._names, self._dice.randint(1, AT_ONCE)))
        new = wanted - self._claims.held
        taken = await self._claims.take(wanted) & new
        double = self._enter(taken)
        counted = Counted(claims=len(taken), refused=len(new - taken), double=double)
        if self._dice.random() * LOST_EVERY < len(taken):
            await self._lose_the_connection()
            return counted + Counted(lost=1)
        held = sorted(self._claims.held)
        given = set(self._dice.sample(held, self._dice.randint(0, len(held))))
        self._leave(given)
        await self._claims.release(given)
        return counted

    def _enter(self, accounts: set[str]) -> int:
        """How many of them are another's."""
        double = 0
        for account in accounts:
            place = self._names.index(account)
            double += self._owners[place] != 0
            self._owners[place] = self._number
        return double

    def _leave(self, accounts: frozenset[str] | set[str]) -> None:
        for account in accounts:
            self._owners[self._names.index(account)] = 0

    async def _lose_the_connection(self) -> None:
        query = text("SELECT pg_backend_pid()")
        process = await self._database.read(
            lambda connection: connection.execute(query).scalar_one()
        )
        self._leave(self._claims.held)
        await asyncio.to_thread(self._end, process)
        with suppress(StorageUnavailable):
            await self._database.read(lambda connection: connection.execute(query).scalar_one())
        assert not self._database.backend.connected
        await self._claims.reconnect()

    def _end(self, process: int) -> None:
        with psycopg.connect(self._url, autocommit=True) as operator:
            operator.execute("SELECT pg_terminate_backend(%s, 5000)", [process])


def _work(url: str, number: int, owners: Shared, claims: int, counted: Any) -> None:
    counted.put(asyncio.run(Claimer(url, number, owners).run(claims)))


def claim(url: str, *, claims: int, processes: int) -> Counted:
    """So many claims in all, by so many processes at the same time."""
    context = multiprocessing.get_context("spawn")
    owners: Shared = context.Array("i", ACCOUNTS, lock=True)
    counted = context.SimpleQueue()
    share = -(-claims // processes)
    workers = [
        context.Process(target=_work, args=(url, number + 1, owners, share, counted))
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a process broke; its words are above")
    return sum((counted.get() for _ in workers), Counted())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Claim accounts from several processes at once.")
    parser.add_argument("--claims", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args(arguments)
    with postgres_server() as server:
        began = time.monotonic()
        total = claim(server.fresh_database(), claims=given.claims, processes=given.processes)
        seconds = time.monotonic() - began
    print(
        f"{total.claims:,} claims by {given.processes} processes in {seconds:.0f} s "
        f"({total.claims / seconds:,.0f}/s): {total.double} double; {total.refused:,} refused because the "
        f"account was another's; {total.lost:,} connections lost"
    )
    return 1 if total.double else 0


if __name__ == "__main__":
    raise SystemExit(main())
