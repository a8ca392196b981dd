"""Submissions that the upstream takes and does not answer: each must be adopted, none sent again.

`python -m tests.crash.ambiguous --submits 10000` runs a gateway and a simulated upstream in this process and
in virtual time; the answers are lost in seven ways (`troubles.LOST_ANSWERS`), in turn. Exit code 1 when a
submission was sent again, was reported failed, or did not become its job's picture.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from jimeng_api.settings import Settings
from jimeng_api.wiring import Gateway, running
from tests.crash.shown import outcome
from tests.crash.troubles import LOST_ANSWERS
from tests.inline import Inline
from tests.simulated.asgi import Talk
from tests.simulated.door import UPSTREAM, Door
from tests.simulated.upstream import Upstream
from tests.virtual_time import VirtualClock, VirtualLoop

SELF = "http://gateway.test:5100"
ACCOUNTS = 8
"""Accounts for each way: an account's looks take several of its submissions at a time."""

OVER = 120.0
"""Virtual seconds over which the orders come."""


@dataclass(slots=True)
class Found:
    """What became of the submissions, by the way in which their answers were lost."""

    meant: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)
    adopted: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)

    @property
    def sound(self) -> bool:
        clean = not self.again.total() and not self.failed.total()
        return clean and self.meant == self.lost == self.taken == self.adopted

    def table(self) -> str:
        names = ("meant", "lost", "taken", "adopted", "again", "failed")
        rows = [f"{'answers lost by':<16}" + "".join(f"{name:>9}" for name in names)]
        for way in (*LOST_ANSWERS, "all"):
            counts = [getattr(self, name) for name in names]
            numbers = [one.total() if way == "all" else one[way] for one in counts]
            rows.append(f"{way:<16}" + "".join(f"{number:>9}" for number in numbers))
        rows += [f"told to a caller: {code} {times}" for code, times in self.codes.items()]
        return "\n".join(rows)


class Trial:
    """A gateway, its upstream, and the callers who wait for their pictures."""

    def __init__(self, folder: Path, *, submits: int, seed: int) -> None:
        self._folder = folder
        self._submits = submits
        self._dice = random.Random(seed)
        self._clock = VirtualClock(seed)
        self._upstream = Upstream(self._clock)
        self._door = Door(self._upstream.app)
        self._found = Found()
        self._way_of: dict[str, str] = {}

    async def run(self) -> Found:
        await self._upstream.account("*", credits=1_000_000_000)
        keys = {way: [_key(way, number) for number in range(ACCOUNTS)] for way in LOST_ANSWERS}
        for way, order in LOST_ANSWERS.items():
            for key in keys[way]:
                await self._upstream.fault(
                    **{**order, "on": "generate", "account": key, "times": -1}
                )
        settings = Settings(data_dir=self._folder, upstream_url=UPSTREAM, catalogue_hours=None)
        async with running(
            settings, clock=self._clock, transport=self._door, threads=Inline()
        ) as gateway:
            await asyncio.gather(*self._orders(gateway, keys))
        await self._compare()
        return self._found

    def _orders(self, gateway: Gateway, keys: dict[str, list[str]]) -> list[Any]:
        ways = list(LOST_ANSWERS)
        return [
            self._order(gateway, number, way, self._dice.choice(keys[way]))
            for number in range(self._submits)
            for way in (ways[number % len(ways)],)
        ]

    async def _order(self, gateway: Gateway, number: int, way: str, key: str) -> None:
        prompt = f"a lighthouse, order {number}"
        self._way_of[prompt] = way
        self._found.meant[way] += 1
        await self._clock.sleep(self._dice.uniform(0, OVER))
        body = {
            "model": "jimeng-3.0",
            "prompt": prompt,
            "n": 1,
            "ratio": "21:9",
            "resolution": "1k",
            "response_format": "url",
        }
        talk = Talk(body=json.dumps(body).encode())
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        answer = await talk.run(gateway.app, "POST", f"{SELF}/v1/images/generations", headers)
        media, code = outcome(answer.body.decode(), streamed=False)
        if answer.status != 200 or len(media) != 1:
            self._found.failed[way] += 1
            self._found.codes[f"{answer.status} {code}"] += 1

    async def _compare(self) -> None:
        """Hold the gateway's books against the upstream's."""
        found = self._found
        for fault in (await self._upstream.control("GET", "/faults"))["queued"]:
            way = next(
                way for way, order in LOST_ANSWERS.items() if order["fault"] == fault["fault"]
            )
            found.lost[way] += fault["met"]
        with closing(sqlite3.connect(self._folder / "jimeng-api.db")) as database:
            known = dict(
                database.execute(
                    "SELECT submit_id, history_id FROM submissions JOIN pictures USING (job_id) "
                    "WHERE state = 'completed'"
                ).fetchall()
            )
        ledger = await self._upstream.ledger()
        prompts: Counter[str] = Counter()
        for one in ledger["submits"]:
            way = self._way_of[one["prompt"]]
            found.taken[way] += 1
            found.adopted[way] += known.get(one["submit_id"]) == one["history_id"]
            found.again[way] += bool(one["double"]) or one["prompt"] in prompts
            prompts[one["prompt"]] += 1
        sent = sum("/generate" in request.url for request in self._door.asked)
        found.again["any"] += abs(ledger["totals"]["submits"] - self._submits) + abs(
            sent - self._submits
        )


def _key(way: str, number: int) -> str:
    """A session. It begins with a digit, since one that begins with "dead" is dead."""
    return "5" + hashlib.md5(f"{way} {number}".encode()).hexdigest()[1:]


def trial(*, submits: int, seed: int) -> Found:
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(40),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    with tempfile.TemporaryDirectory(prefix="jimeng-api-ambiguous-", dir=place) as name:
        loop = VirtualLoop()
        loop.set_default_executor(Inline())
        with closing(loop):
            return loop.run_until_complete(Trial(Path(name), submits=submits, seed=seed).run())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submits", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    # Asked to end, it takes its folder with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.perf_counter()
    found = trial(submits=given.submits, seed=given.seed)
    print(found.table())
    print(f"seconds {time.perf_counter() - began:.0f}")
    print("all adopted" if found.sound else "NOT all adopted, or something was sent again")
    return 0 if found.sound else 1


if __name__ == "__main__":
    sys.exit(main())
