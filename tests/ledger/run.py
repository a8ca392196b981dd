"""Orders by the thousand from accounts with prices of their own, in trouble: do the books agree to the unit?

`python -m tests.ledger.run --jobs 20000` takes some minutes on one core. Exit code 1 where what the gateway
says that submissions cost is not what the upstream took for them, of any account or any submission.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.weather import fault
from tests.choices.town import Town, played

HOUR = 3600.0
JOBS_AN_HOUR = 800
LIVES_AN_HOUR = 0.4
DRY = "e" * 32
ACCOUNTS: dict[str, dict[str, Any]] = {
    "a" * 32: {},
    "b" * 32: {"price": 3, "row_lag": 90.0},
    "c" * 32: {"price": 7, "images_at_once": 4},
    "d" * 32: {"price": 0},
    DRY: {"credits": 40, "row_lag": 240.0},
    "f" * 32: {"price": 5, "row_lag": 900.0, "site": "us"},
}
"""What each account is like. Where a price is set, it is not the one that the gateway knows."""
KEYS = (
    "a" * 32,
    "b" * 32,
    f"{'c' * 32},{'d' * 32}",
    f"{DRY},{'a' * 32}",
    f"us-{'f' * 32}",
    DRY,
)
MODELS = (*("jimeng-3.0",) * 3, "jimeng-3.1")
FAULTS = (
    fault("generate_error", "generate", probability=0.02),
    fault("too_many_running", "generate", probability=0.01),
    fault("text_refused", "generate", probability=0.01),
    fault("no_credits", "generate", probability=0.005),
    fault("accepted_then_reset", "generate", probability=0.02),
    fault("accepted_then_timeout", "generate", seconds=60.0, probability=0.01),
    fault("reset", "generate", probability=0.01),
    fault("empty_body", "generate", probability=0.01),
    fault("fails", probability=0.04),
    fault("partial_failure", items=1, probability=0.02),
    fault("fewer_items", items=1, probability=0.01),
    fault("listed_late", looks=3, probability=0.02),
    fault("never_listed", probability=0.003),
    fault("takes", seconds=1500.0, probability=0.005),
    fault("busy", "credit_history", probability=0.05),
    fault("truncated_json", "credit_history", probability=0.03),
    fault("busy", "user_credit", probability=0.2),
    fault("reset", "user_credit", probability=0.1),
)


@dataclass(slots=True)
class Books:
    """Both sides' figures, in credits: by account, and by submission where they differ."""

    jobs: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    submissions: int = 0
    refunds: int = 0
    lives: int = 0
    unsettled: int = 0
    unknown: int = 0
    ours: Counter[str] = field(default_factory=Counter)
    theirs: Counter[str] = field(default_factory=Counter)
    expected: Counter[str] = field(default_factory=Counter)
    differ: list[str] = field(default_factory=list)
    questions: Counter[str] = field(default_factory=Counter)

    @property
    def good(self) -> bool:
        agree = self.ours == self.theirs and not self.differ
        return agree and not self.unsettled and not self.unknown


def kept(*, jobs: int, seed: int = 1) -> Books:
    """What stands in both books once everything has come to its end."""

    async def scene(town: Town) -> Books:
        return await _Scene(town, jobs, random.Random(f"{seed} ledger")).run()

    return played(scene, seed=seed)


class _Scene:
    def __init__(self, town: Town, jobs: int, dice: random.Random) -> None:
        self._town = town
        self._jobs = jobs
        self._dice = dice
        self._lasts = jobs / JOBS_AN_HOUR * HOUR
        self._books = Books()

    async def run(self) -> Books:
        upstream = self._town.upstream
        await upstream.time(seconds=[5, 40])
        await upstream.switch(refund_on_failure=True)
        for session, rules in ACCOUNTS.items():
            await upstream.account(session, **rules)
        await upstream.control("POST", "/faults", [*FAULTS])
        async with asyncio.TaskGroup() as group:
            for number in range(self._jobs):
                group.create_task(self._order(self._dice.uniform(0, self._lasts), number))
            group.create_task(self._deaths())
            group.create_task(self._money())
        await upstream.control("DELETE", "/faults")
        await self._settled()
        return await self._compared()

    async def _order(self, at: float, number: int) -> None:
        await asyncio.sleep(at)
        key = self._dice.choice(KEYS)
        model = "jimeng-3.0" if key.startswith("us-") else self._dice.choice(MODELS)
        served = await self._town.try_order(
            key, f"order {number}", model=model, n=self._dice.choice((1, 1, 1, 2, 4, 5))
        )
        self._books.jobs += 1
        if served is not None and served.status != 200:
            self._books.refused[served.error["code"]] += 1

    async def _deaths(self) -> None:
        lives = self._town.lives
        while True:
            pause = self._dice.expovariate(LIVES_AN_HOUR) * HOUR
            if self._town.now + pause > self._lasts:
                return
            await asyncio.sleep(pause)
            await lives.up()
            await (lives.kill() if self._dice.random() < 0.5 else lives.stop())
            await asyncio.sleep(self._dice.choice((0, 60, 600)))
            lives.begin()

    async def _money(self) -> None:
        """One account runs dry, and is filled now and then."""
        while self._town.now < self._lasts:
            await asyncio.sleep(0.7 * HOUR)
            await self._town.upstream.account(DRY, credits=self._dice.choice((3, 20, 60)))

    async def _settled(self) -> None:
        """An account's book is read again when it is used: once more each, and everything is written down."""
        for session in ACCOUNTS:
            await self._town.upstream.account(session, credits=1000)
        while any(row["open"] for row in self._written()):  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(HOUR)
        for key in dict.fromkeys(",".join(KEYS).split(",")):
            await self._town.order(key, "the last one")
        for _ in range(12):
            await asyncio.sleep(HOUR)
            if not any(row["unsettled"] for row in self._written()):
                return

    async def _compared(self) -> Books:
        books, town = self._books, self._town
        ledger = await town.upstream.ledger()
        theirs: defaultdict[str, int] = defaultdict(int)
        who: dict[str, str] = {}
        for sign, entries in ((1, ledger["charges"]), (-1, ledger["refunds"])):
            for one in entries:
                theirs[one["submit_id"]] += sign * one["credits"]
                books.theirs[one["account"]] += sign * one["credits"]
                who[one["submit_id"]] = one["account"]
        names = {
            row["account"]: who[row["submit_id"]] for row in self._rows() if row["submit_id"] in who
        }
        seen: set[str] = set()
        for row in self._rows():
            if row["sent_at"] is None:
                continue
            books.submissions += 1
            books.unsettled += row["unsettled"]
            books.unknown += row["charged"] is None
            seen.add(row["submit_id"])
            account = names.get(row["account"], row["account"])
            books.ours[account] += row["charged"] or 0
            books.expected[account] += row["price"] or 0
            if row["charged"] != theirs[row["submit_id"]]:
                books.differ.append(
                    f"{row['job_id']}: {row['charged']}, and the upstream took "
                    f"{theirs[row['submit_id']]}; {row['state']}, {row['failure']}"
                )
        books.differ += [f"{one}: nobody wrote it down" for one in theirs if one not in seen]
        books.ours, books.theirs = +books.ours, +books.theirs
        books.refunds, books.lives = len(ledger["refunds"]), town.lives.number
        for operation in ("generate", "user_credit", "credit_history"):
            books.questions[operation] = await town.upstream.requests(operation)
        return books

    def _written(self) -> list[dict[str, Any]]:
        return [*self._rows()]

    def _rows(self) -> Iterator[dict[str, Any]]:
        path = Path(self._town.lives.folder) / "jimeng-api.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.row_factory = sqlite3.Row
            yield from map(dict, connection.execute("SELECT * FROM submissions"))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    began = time.perf_counter()
    books = kept(jobs=given.jobs, seed=given.seed)
    print(
        f"{books.jobs} orders, {books.submissions} submissions, {books.refunds} paid back, "
        f"{books.lives} lives of the gateway, {time.perf_counter() - began:.0f} s\n"
        f"refused or failed: {dict(books.refused)}\n"
        f"asked upstream: {dict(books.questions)}"
    )
    for account in sorted({*books.ours, *books.theirs}):
        print(
            f"  account {account}: {books.ours[account]} by our ledger, {books.theirs[account]} by the "
            f"upstream's; {books.expected[account]} expected"
        )
    print(
        f"{len(books.differ)} submissions differ, {books.unsettled} are not settled, {books.unknown} will "
        "never be known"
    )
    for line in books.differ[:20]:
        print(f"  {line}")
    return 0 if books.good else 1


if __name__ == "__main__":
    sys.exit(main())
