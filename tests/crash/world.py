"""One upstream and the gateways that follow each other on it: what they are told, and what became of it."""

from __future__ import annotations

import hashlib
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from jimeng_api.simulator.accounts import masked
from jimeng_api.transport import Broken, NotSent
from tests.crash.checker import Verdict, check
from tests.crash.failpoints import NAMES, is_ahead, kind_of
from tests.crash.history import (
    Acknowledged,
    Answered,
    Charged,
    Cut,
    Event,
    Excused,
    Fell,
    JobRead,
    Killed,
    Missing,
    Ordered,
    Planned,
    Refused,
    Started,
    Taken,
    Totals,
    written,
)
from tests.crash.pipe import (
    Asked,
    Dying,
    Ended,
    Gone,
    Line,
    Message,
    Plan,
    Replied,
    Sent,
    SteppedClock,
    Told,
    Troubled,
    at_once,
)
from tests.crash.troubles import needed_for
from tests.simulated.door import GENERATE, Door
from tests.simulated.upstream import Upstream
from tests.virtual_time import EPOCH

SITES = ("cn", "us", "jp")

DRAWING_SECONDS = (0.3, 6.5)
"""How long the upstream takes for a job. The gateway's first look comes after 5.5."""

JOB_SECONDS = 1200.0
"""How long the gateway does."""

AGED = 1050.0
"""Seconds after which a job may be given up if it is refused once more, or was not sent yet."""

MOST_MISSED = 40
"""Kills that do not come about before a world is given up."""

RECOVERING = 0.4
"""The share of the kills that may strike from the start on, amid the recovery from the last one."""

CHAINED = 0.7
"""The share of kills that strike what the last one left open, on its way to an end."""

_PAUSES = ((0.2, 3),) * 16 + ((60, 600),) * 3 + ((2000, 4000),)
"""Seconds between two lives: mostly it begins at once, sometimes when its jobs' time is over."""

_LET_GO = "commit let go"


class World:
    """One upstream, one data folder, and the lives of the gateways that follow each other on it."""

    def __init__(
        self,
        seed: str,
        *,
        kills: int = 0,
        targets: Sequence[str] = NAMES,
        keep: Path | None = None,
    ) -> None:
        self._seed = seed
        self._kills = kills
        self._targets = targets
        self._keep = keep
        self._dice = random.Random(seed)
        self._clock = SteppedClock()
        self._upstream = Upstream(self._clock)
        self._door = Door(self._upstream.app)
        self._owners = {site: _key(site, seed) for site in SITES}
        self._now = 0.0
        self._life = 0
        self._orders = 1
        self._unanswered: dict[int, Sent] = {}
        self._in_flight: list[Asked] = []
        self._very_late = False
        self._oldest: float | None = None
        self._open: frozenset[str] = frozenset()
        self._events: list[Event] = []
        self.kills: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self._clock.begin(EPOCH)
        at_once(self._upstream.account("*", credits=1_000_000_000))
        at_once(self._upstream.time(seconds=list(DRAWING_SECONDS)))

    @property
    def lives(self) -> int:
        return self._life

    def run(self, line: Line) -> Verdict:
        """All kills, then two readings with one kill more between them."""
        while (left := self._kills - self.kills.total()) > 0:
            targets = self._drawn(left)
            while targets:
                self._to_be_killed(line, targets)
            if self.missed.total() > MOST_MISSED:
                break
        for reading in (1, 2):
            self._live(line, self.plan(reading=reading))
        return self._judged()

    def _drawn(self, number: int) -> list[str]:
        """So many failpoints, in any order, and each as often as the others."""
        drawn: list[str] = []
        while len(drawn) < number:
            drawn += self._dice.sample(self._targets, len(self._targets))[: number - len(drawn)]
        self._dice.shuffle(drawn)
        return drawn

    def _to_be_killed(self, line: Line, targets: list[str]) -> None:
        """Let a gateway live for one of the targets, and take it from them."""
        target = None
        if self._open and self._dice.random() < CHAINED:
            target = next((one for one in targets if is_ahead(one, self._open)), None)
        recovering = target is not None or self._dice.random() < RECOVERING
        target = target or targets[0]
        targets.remove(target)
        needs = needed_for(target)
        if target.startswith(_LET_GO):
            # One life for a job to be given up, and the next one a day later, to be killed at its start.
            self._live(line, self.plan(needs=needs))
            self._now += 26 * 3600
            recovering, needs = True, "patience"
        plan = self.plan(
            target=target,
            nth=self._dice.choice((1, 1, 1, 2, 3)) if needs is None else 1,
            recovering=recovering,
            needs=needs,
            lag=self._dice.uniform(0, 8),
        )
        if self._live(line, plan) == target:
            self.kills[target] += 1
        else:
            self.missed[target] += 1

    def plan(self, *, recovering: bool = False, **given: Any) -> Plan:
        """The next life."""
        self._life += 1
        died = self._now
        self._now += self._dice.uniform(*self._dice.choice(_PAUSES))
        if self._oldest is not None and self._now - self._oldest > AGED:
            # A job that is refused when its time is over is given up, and rightly so.
            self._drop_faults()
            recovering = False
            for one in self._open_orders():
                if self._now - one.at > AGED:
                    self._tell(Excused(order=one.order, why="overdue"))
                    self._unanswered.pop(one.order, None)
        return Plan(
            seed=f"{self._seed} {self._life}",
            began=self._now,
            orders=self._orders,
            owners=self._owners,
            recovering=recovering,
            again=tuple(self._sent_again(seconds=self._now - died)),
            **given,
        )

    def _sent_again(self, *, seconds: float) -> Iterator[Sent]:
        """Some orders that were not answered, some more of them where their callers waited no longer."""
        for number, sent in list(self._unanswered.items()):
            # Without a key, only what comes soon after the end of its job is taken for the same order; and
            # one that was taken back in time is really ordered anew.
            meant = sent.key is not None or seconds < 300
            if self._dice.random() < 0.5 and meant and not sent.cancelled:
                yield sent
            else:
                del self._unanswered[number]

    def _drop_faults(self) -> None:
        at_once(self._upstream.control("DELETE", "/faults"))
        self._door.reopen()
        self._very_late = False

    # ------------------------------------------------------------ one life

    def _live(self, line: Line, plan: Plan) -> str | None:
        """Let a gateway live; the name of the failpoint that it died at."""
        self._tell(Started(life=self._life))
        line.put(plan)
        last: Dying | Ended | None = None
        while not isinstance(message := line.get(), Gone):
            if message is None:
                why = last.why if isinstance(last, Ended) else None
                raise EOFError(f"the process that has the gateways is gone: {why}")
            reply = self.heard(message)
            if reply is not None:
                line.put(reply)
            if isinstance(message, Dying | Ended):
                last = message
        self._cut()
        status = message.status
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if isinstance(last, Dying) and killed:
            self._tell(Killed(life=self._life, moment=last.moment, open=last.open))
            return last.name
        if isinstance(last, Ended) and last.why is None:
            return None
        why = last.why if isinstance(last, Ended) else f"it ended with the status {status}"
        self._tell(Fell(life=self._life, why=why or "it did not die"))
        return None

    def heard(self, message: Message) -> Replied | None:
        """Do what a gateway asks for, or write down what it tells."""
        match message:
            case Asked() as asked if asked.awaited:
                return self._answered(asked)
            case Asked() as asked:
                self._in_flight.append(asked)
            case Troubled() as troubled:
                self._arrive(troubled.at)
                self._clock.begin(troubled.at)
                self._drop_faults()
                self._very_late = troubled.troubles.very_late
                if troubled.troubles.faults:
                    at_once(self._upstream.control("POST", "/faults", troubled.troubles.faults))
                if troubled.troubles.closed:
                    self._door.close(GENERATE, times=troubled.troubles.closed)
            case Sent() as sent:
                self._orders = max(self._orders, sent.number + 1)
                self._unanswered[sent.number] = sent
            case Told() as told:
                self._now = told.at
                if isinstance(told.event, Answered | Refused):
                    self._unanswered.pop(told.event.order, None)
                self._tell(told.event)
            case Dying() | Ended() as last:
                self._now = last.at
                self._oldest, self._open = None, frozenset()
                if isinstance(last, Dying):
                    self._oldest, self._open = last.oldest, frozenset(last.open.values())
            case Plan() | Replied() | Gone():
                raise TypeError(f"{type(message).__name__} does not come from a gateway")
        return None

    def _answered(self, asked: Asked) -> Replied:
        self._arrive(asked.at)
        self._clock.begin(asked.at)
        try:
            response = at_once(self._door.send(asked.request))
        except (Broken, NotSent) as error:
            return Replied(self._clock.waited, error=error)
        finally:
            if self._very_late and kind_of(asked.request.url) == "submit":
                self._excuse()
        return Replied(self._clock.waited, response)

    def _excuse(self) -> None:
        """Write down the order that the upstream took just now and will list very late."""
        faults = at_once(self._upstream.control("GET", "/faults"))["queued"]
        if any(fault["fault"] == "listed_late" and fault["met"] for fault in faults):
            self._very_late = False
            prompt = at_once(self._upstream.ledger())["submits"][-1]["prompt"]
            ordered = (one for one in self._events if isinstance(one, Ordered))
            order = next(one.order for one in ordered if one.prompt == prompt)
            self._tell(Excused(order=order, why="listed late"))

    def _arrive(self, now: float) -> None:
        """Let the requests of dead gateways arrive that were still on their way."""
        due = [asked for asked in self._in_flight if asked.at <= now]
        self._in_flight = [asked for asked in self._in_flight if asked.at > now]
        for asked in due:
            self._answered(asked)

    # -------------------------------------------------------------- history

    def _tell(self, event: Event) -> None:
        self._events.append(msgspec.structs.replace(event, at=round(self._now, 3)))

    def _cut(self) -> None:
        """Write down those who waited when it died."""
        known = {one.order for one in self._events if isinstance(one, Cut)}
        for one in self._open_orders():
            if one.order not in known:
                self._tell(Cut(order=one.order, why="killed"))

    def _open_orders(self) -> list[Ordered]:
        """The orders of which their callers know no end."""
        told = {one.order for one in self._events if isinstance(one, Answered | Refused)}
        ordered = [one for one in self._events if isinstance(one, Ordered)]
        return [one for one in ordered if one.order not in told]

    def _judged(self) -> Verdict:
        self._arrive(float("inf"))
        self._find_the_unacknowledged()
        self._tell_truth()
        known = {one.job for one in self._events if isinstance(one, Acknowledged)}
        owners = {site: masked(key.rpartition("-")[2]) for site, key in self._owners.items()}
        kills = sum(isinstance(one, Killed) and one.moment != "last" for one in self._events)
        planned = Planned(kills=kills, jobs=len(known), seed=0, owners=owners)
        events = [planned, *self._events]
        verdict = check(events)
        if verdict.violations and self._keep is not None:
            self._keep.mkdir(parents=True, exist_ok=True)
            name = self._seed.replace(" ", "-")
            (self._keep / f"{name}.jsonl").write_bytes(written(events))
        return verdict

    def _find_the_unacknowledged(self) -> None:
        """What became of the orders whose callers were cut off before they knew their job."""
        known = {
            one.order for one in self._events if isinstance(one, Acknowledged | Refused | Missing)
        }
        jobs = {one.prompt: one.job for one in self._events if isinstance(one, JobRead)}
        for one in list(self._events):
            if isinstance(one, Ordered) and one.order not in known:
                job = jobs.get(one.prompt)
                self._tell(
                    Missing(order=one.order)
                    if job is None
                    else Acknowledged(order=one.order, job=job)
                )

    def _tell_truth(self) -> None:
        self._clock.begin(EPOCH + self._now)
        ledger = at_once(self._upstream.ledger())
        for one in ledger["submits"]:
            names = ("submit_id", "session", "prompt", "pictures", "price", "double")
            self._tell(Taken(**{name: one[name] for name in names}))
        for one in ledger["charges"]:
            self._tell(Charged(submit_id=one["submit_id"], credits=one["credits"]))
        totals = ledger["totals"]
        self._tell(Totals(**{name: totals[name] for name in ("accepted", "double", "charged")}))

    @property
    def moments(self) -> Counter[str]:
        return Counter(str(one.moment) for one in self._events if isinstance(one, Killed))


def _key(site: str, seed: str) -> str:
    """A caller's key. Its session begins with a digit, since one that begins with "dead" is dead."""
    session = "5" + hashlib.md5(f"{site} {seed}".encode()).hexdigest()[1:]
    return session if site == "cn" else f"{site}-{session}"
