"""Chooses accounts in a world that keeps its own books, and holds every choice against them.

`python -m tests.choices.run --choices 1000000` takes a few minutes. Exit code 1 when an account was given
more than it may run, when a dead one was sent to again, or when credits that lapse later were spent first.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import logging
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from jimeng_api.accounts.choice import Kind, Need, Rest, Shut, Standing, Take, choose
from jimeng_api.accounts.health import Balance, Health
from jimeng_api.accounts.session import Session
from jimeng_api.domain.errors import (
    AccountBusy,
    GatewayError,
    OutOfCredits,
    RiskControl,
    SessionExpired,
)
from jimeng_api.domain.secret import Secret
from tests.chance import SeededChance

START = 1_767_225_600.0
RISK_SECONDS = 1800.0
PRICE = 4


class SteppedClock(SeededChance):
    """A clock that stands still until it is set on."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.at = 0.0

    def now(self) -> float:
        return START + self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)

    def later(self, seconds: float, call: Callable[[], object]) -> asyncio.TimerHandle:
        raise NotImplementedError  # choices wait for nothing


@dataclass(slots=True)
class Account:
    """An account as it is. `most` are what it runs at once: None is without a limit.

    `told_dead` and `told_risky` (when) are what the gateway was told since it last took something;
    `told_at_most`: how many ran when it last refused another one, and when that was.
    """

    session: Session
    most: dict[Kind, int | None]
    dead: bool = False
    credits: float = 4000.0
    lapses_at: float = math.inf
    running: Counter[Kind] = field(default_factory=Counter)
    suspected: bool = False
    told_dead: bool = False
    told_risky: float | None = None
    told_at_most: dict[Kind, tuple[int, float]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.session.account


@dataclass(slots=True)
class Books:
    """What came of it. `wrong` says which choices broke a rule."""

    choices: int = 0
    taken: int = 0
    waited: int = 0
    shut: int = 0
    checks: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class World:
    """Accounts die and live again, run dry, are limited and suspected; the choice learns what it is told."""

    def __init__(self, seed: int, *, accounts: int = 8, cap: int | None = 6) -> None:
        self._dice = random.Random(seed)
        self._clock = SteppedClock(seed)
        self._cap = cap
        self._health = Health(self._clock, most={"image": cap, "video": None})
        self._accounts = {
            name: Account(
                Session(site="cn", secret=Secret(name), account=name),
                {"image": self._dice.choice((None, 1, 3, 9)), "video": self._dice.choice((1, 2))},
            )
            for name in (f"account-{number}" for number in range(accounts))
        }
        self._ends: list[tuple[float, int, str, Kind]] = []
        self._numbers = 0
        self.books = Books()

    def run(self, choices: int) -> Books:
        while self.books.choices < choices:
            self._clock.at += self._dice.expovariate(1.0)
            self._end_what_is_over()
            if self._dice.random() < 0.005:
                self._something_happens(self._dice.choice([*self._accounts.values()]))
            self._choose()
        return self.books

    # -------------------------------------------------------------------- world

    def _end_what_is_over(self) -> None:
        while self._ends and self._ends[0][0] <= self._clock.at:
            _, _, name, kind = heapq.heappop(self._ends)
            self._accounts[name].running[kind] -= 1
            self._health.delivered(name, kind, seconds=10.0)

    def _something_happens(self, one: Account) -> None:
        match self._dice.randrange(8):
            case 0:
                one.dead = True
            case 1 | 2:
                one.dead = False
            case 3:
                one.most["image"] = self._dice.choice((None, 1, 3, 9))
            case 4 | 5 | 6:  # the day has turned, and its credits are looked at
                one.credits = self._dice.choice((40.0, 4000.0, 40_000.0))
                one.lapses_at = self._clock.now() + self._dice.choice((600.0, 7200.0, math.inf))
                lapsing = () if math.isinf(one.lapses_at) else ((one.credits, one.lapses_at),)
                self._health.credits(one.name, Balance(one.credits, lapsing))
            case _:
                one.suspected = True

    # ------------------------------------------------------------------- choice

    def _choose(self) -> None:
        kind: Kind = self._dice.choice(("image", "image", "video"))
        need = Need(kind=kind, model=self._dice.choice(("a", "b")), price=PRICE)
        standings = [
            self._health.standing(one.session, need, held=one.running[kind], unanswered=0)
            for one in self._accounts.values()
        ]
        verdict = choose(standings)
        self.books.choices += 1
        if isinstance(verdict, Take):
            self._judge(verdict, standings, need)
            self._send(self._accounts[verdict.account], need)
        elif isinstance(verdict, Shut):
            self.books.shut += 1
            if any(self._is_well(one) for one in self._accounts.values()):
                self._wrong("all were said to be shut, and one was not")
        else:
            self.books.waited += 1

    def _judge(self, verdict: Take, standings: Sequence[Standing], need: Need) -> None:
        one, now = self._accounts[verdict.account], self._clock.at
        if one.told_risky is not None and now - one.told_risky < RISK_SECONDS:
            self._wrong(f"{one.name} is left alone for its risk")
        if need.kind == "image" and self._cap is not None and one.running["image"] >= self._cap:
            self._wrong(f"{one.name} runs as many as the operator lets it")
        runs, when = one.told_at_most.get(need.kind, (math.inf, -math.inf))
        tries = 1 + (now - when) // 30  # one more may be tried from time to time, no sooner
        if now - when < 30 and one.running[need.kind] >= runs:
            self._wrong(f"{one.name} said a moment ago that {runs} are the most")
        if one.running[need.kind] >= runs + tries:
            self._wrong(f"{one.name} was given many more than it said")
        for other in standings:
            if other.room and other.rest is Rest.NONE and other.pays is not False:
                mine, its = self._lapse(one), self._lapse(self._accounts[other.account])
                chosen = next(each for each in standings if each.account == one.name)
                if chosen.rest is not Rest.NONE or chosen.pays is False:
                    self._wrong(f"{one.name} was taken, and {other.account} is better")
                elif its < mine:
                    self._wrong(f"{one.name} was spent from before {other.account}")

    def _lapse(self, one: Account) -> float:
        return one.lapses_at if one.credits > 0 and one.lapses_at > self._clock.now() else math.inf

    def _is_well(self, one: Account) -> bool:
        return not one.told_dead and one.told_risky is None

    def _send(self, one: Account, need: Need) -> None:
        """As it is sent: one that was signed out is asked first."""
        health, books, kind = self._health, self.books, need.kind
        if health.unchecked(one.name):
            books.checks += 1
            if one.dead:
                health.refused(one.session, need, SessionExpired("out"), running=0, others=0)
                return
            one.told_dead = False
            health.alive(one.name)
        if one.told_dead:
            self._wrong(f"{one.name} was sent to, though it said that it is signed out")
        health.given(one.name, kind, held=one.running[kind] + 1)
        most = one.most[kind]
        if one.dead:
            one.told_dead = True
            self._refuse(one, need, SessionExpired("out"))
        elif one.suspected:
            one.suspected, one.told_risky = False, self._clock.at
            self._refuse(one, need, RiskControl("shark", retry_after=RISK_SECONDS))
        elif most is not None and one.running[kind] >= most:
            one.told_at_most[kind] = (max(1, one.running[kind]), self._clock.at)
            self._refuse(one, need, AccountBusy("busy"))
        elif self._known_credits(one) < PRICE:
            self._refuse(one, need, OutOfCredits("dry"))
        else:
            self._take(one, need)

    def _known_credits(self, one: Account) -> float:
        return one.credits if one.lapses_at > self._clock.now() else 0.0

    def _refuse(self, one: Account, need: Need, error: GatewayError) -> None:
        self.books.refused[error.code] += 1
        running = one.running[need.kind]
        self._health.refused(one.session, need, error, running=running, others=0)

    def _take(self, one: Account, need: Need) -> None:
        one.running[need.kind] += 1
        one.credits -= PRICE
        one.told_risky = None
        self.books.taken += 1
        self._health.taken(one.session, need, running=one.running[need.kind])
        self._numbers += 1
        end = self._clock.at + self._dice.uniform(5, 25)
        heapq.heappush(self._ends, (end, self._numbers, one.name, need.kind))

    def _wrong(self, what: str) -> None:
        self.books.wrong.append(f"{self._clock.at:.0f} s: {what}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--choices", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    began = time.perf_counter()
    books = World(given.seed).run(given.choices)
    took = time.perf_counter() - began
    print(
        f"{books.choices} choices: {books.taken} taken, {books.waited} waited, {books.shut} times all shut, "
        f"{books.checks} sessions asked again, refused {dict(books.refused)}; {len(books.wrong)} wrong, "
        f"{took:.0f} s, {1e6 * took / books.choices:.0f} µs each"
    )
    for one in books.wrong[:10]:
        print(f"  {one}")
    return 1 if books.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
