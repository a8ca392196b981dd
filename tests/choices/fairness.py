"""One key orders thousands of pictures, another one a single picture: how long does that one wait?

`python -m tests.choices.fairness --flood 10000`. Exit code 1 where it waits more than twice its time alone.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tests.choices.town import CN_ONLY, Town, played

SHARED = "a" * 32
FLOOD, SINGLE = f"{SHARED},us-{'b' * 32}", f"{SHARED},us-{'c' * 32}"
"""Two keys whose pictures only one account can make: nobody else has the model."""
SECONDS = 20
TRIES = 6


@dataclass(frozen=True, slots=True)
class Waited:
    """Seconds from a single order to its picture: with nobody else there, and during the flood."""

    alone: list[float]
    beside: list[float]
    refused: int
    most_refused: int
    places: list[int]

    @property
    def good(self) -> bool:
        """Whether it waits twice as long at most, is told its place, and little is asked in vain."""
        first = all(place == 1 for place in self.places if place)
        return self.worst <= 2 and first and self.refused <= self.most_refused

    @property
    def worst(self) -> float:
        return max(self.beside) / max(self.alone)


def fairness(*, flood: int, at_once: int = 1, learned: bool = True) -> Waited:
    """`learned`: the gateway is not told how many the account runs at once."""

    async def scene(town: Town) -> Waited:
        await town.upstream.time(seconds=SECONDS)
        await town.upstream.account(SHARED, images_at_once=at_once)
        alone = [await _single(town, number) for number in range(3)]
        await asyncio.gather(
            *(town.leave(FLOOD, f"flood {n}", model=CN_ONLY) for n in range(flood))
        )
        before = await town.upstream.requests("generate")
        ledger = await town.upstream.ledger()
        places, beside = [], []
        for number in range(TRIES):
            await asyncio.sleep(7 * number)  # at another point of the other's pictures every time
            job = asyncio.create_task(_single(town, 100 + number))
            beside.append(await job)
            last = await town.leave(SINGLE, f"look {number}", model=CN_ONLY)
            queue = (await town.job(SINGLE, last))["queue"]
            places.append(queue["position"] if queue else 0)
            await asyncio.sleep(3 * SECONDS)
        after = await town.upstream.requests("generate")
        accepted = len((await town.upstream.ledger())["submits"]) - len(ledger["submits"])
        most = 30 if learned else 0
        return Waited(alone, beside, after - before - accepted, most, places)

    settings = {} if learned else {"images_at_once": at_once}
    return played(
        scene, job_seconds=10**7, waiting_per_key=flood + 10, waiting=flood + 20, **settings
    )


async def _single(town: Town, number: int) -> float:
    served = await town.order(SINGLE, f"single {number}", model=CN_ONLY)
    assert served.answer.status == 200, served.answer
    return served.seconds


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flood", type=int, default=10_000)
    given = parser.parse_args(arguments)
    good = True
    for at_once, learned in ((1, True), (1, False), (3, True)):
        found = fairness(flood=given.flood, at_once=at_once, learned=learned)
        how = "learned" if learned else "told"
        print(
            f"{at_once} at once, {how}: alone {max(found.alone):.1f} s; beside {given.flood} orders of "
            f"another key at most {max(found.beside):.1f} s, {found.worst:.2f} times as long; places in "
            f"line {found.places}; {found.refused} submissions refused",
            flush=True,
        )
        good = good and found.good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
