"""A key with six accounts under load: one dies, one runs dry, one is limited, the site of one is down.

`python -m tests.choices.pool --orders 5000`. Exit code 1 where an order that could be served was not, or
where a caller of another account saw an error.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.choices.town import Served, Town, played

DYING, DRY, LIMITED, FAR, WELL, WELL_TOO = (letter * 32 for letter in "abcdef")
POOL = f"{DYING},{DRY},{LIMITED},us-{FAR},{WELL},hk-{WELL_TOO}"
ALONE = {"well": WELL, "well too": f"hk-{WELL_TOO}"}
"""Callers with a single account, which the pool has as well."""
CREDITS = 40
BETWEEN = 1.5
"""Seconds between two orders of the pool, on average."""
LOST = "upstream_session_expired"


@dataclass(slots=True)
class Told:
    """What came of it.

    `lost` are orders whose picture was being made by the dying account when it died: nobody can fetch it.
    """

    orders: int = 0
    served: int = 0
    lost: int = 0
    unserved: list[str] = field(default_factory=list)
    of_others: list[str] = field(default_factory=list)
    by_account: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    to_the_dead: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether all went as it should; what is known of an account need not be found out again."""
        served = not self.unserved and not self.of_others
        gentle = self.refused <= 10 + self.orders // 50 and self.to_the_dead <= 1
        return served and gentle and self.by_account["dry"] == CREDITS


def pool(*, orders: int, seed: int = 1) -> Told:
    async def scene(town: Town) -> Told:
        return await _Scene(town, orders, random.Random(f"{seed} pool")).run()

    return played(scene, seed=seed)


class _Scene:
    def __init__(self, town: Town, orders: int, dice: random.Random) -> None:
        self._town = town
        self._orders = orders
        self._dice = dice
        self._told = Told()
        self._died = 0.0

    async def run(self) -> Told:
        town, lasts = self._town, self._orders * BETWEEN
        await town.upstream.time(seconds=[8, 20])
        await town.upstream.account(DRY, credits=CREDITS)
        await town.upstream.account(LIMITED, images_at_once=1)
        async with asyncio.TaskGroup() as group:
            for number in range(self._orders):
                at = self._dice.uniform(0, lasts)
                group.create_task(self._pooled(at, number))
                if number % 10 == 0:
                    group.create_task(self._other(at, number))
            group.create_task(self._death(lasts * 0.3))
            group.create_task(self._outage(lasts * 0.5, lasts * 0.7))
        return await self._counted()

    async def _death(self, at: float) -> None:
        await asyncio.sleep(at)
        await self._town.upstream.account(DYING, dead=True)
        self._died = self._town.now

    async def _outage(self, begins: float, ends: float) -> None:
        await asyncio.sleep(begins)
        self._town.line.down.add(FAR)
        await asyncio.sleep(ends - begins)
        self._town.line.down.clear()

    async def _pooled(self, at: float, number: int) -> None:
        await asyncio.sleep(at)
        served = await self._town.order(POOL, f"order {number}")
        told = self._told
        told.orders += 1
        if served.answer.status == 200:
            told.served += 1
            told.seconds.append(served.seconds)
        elif self._was_lost(served):
            told.lost += 1
        else:
            told.unserved.append(f"order {number}: {served.answer.error['code']}")

    def _was_lost(self, served: Served) -> bool:
        """Whether its account died over it: it was paid for, and is not to be had."""
        error = served.answer.error
        return bool(error["code"] == LOST and error["charge"] != "none")

    async def _other(self, at: float, number: int) -> None:
        """Whoever has but one account, and that a good one, notices nothing."""
        await asyncio.sleep(at)
        name = self._dice.choice([*ALONE])
        served = await self._town.order(ALONE[name], f"order {number} of {name}")
        if served.answer.status != 200:
            self._told.of_others.append(f"{name} {number}: {served.answer.error['code']}")

    async def _counted(self) -> Told:
        told, upstream = self._told, self._town.upstream
        ledger = await upstream.ledger()
        for name, session in (
            ("dying", DYING), ("dry", DRY), ("limited", LIMITED), ("far", FAR), ("well", WELL),
            ("well too", WELL_TOO),
        ):  # fmt: skip
            told.by_account[name] = len(await upstream.submits(session))
        told.refused = await upstream.requests("generate") - len(ledger["submits"])
        told.to_the_dead = sum(
            one.account == DYING and one.path.endswith("generate") and one.at > self._died
            for one in self._town.line.asked
        )
        return told


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    given = parser.parse_args(arguments)
    good = True
    for seed in range(1, given.seeds + 1):
        told = pool(orders=given.orders, seed=seed)
        print(
            f"seed {seed}: {told.served} of {told.orders} served, {told.lost} lost with their account, "
            f"{len(told.unserved)} not served, {len(told.of_others)} errors of others, {told.refused} "
            f"refused upstream, {told.to_the_dead} sent to the dead; {dict(told.by_account)}"
        )
        for one in (*told.unserved[:5], *told.of_others[:5]):
            print(f"  {one}")
        good = good and told.good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
