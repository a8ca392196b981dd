"""Days of trouble in virtual time: callers, weather, kills and wrong clocks, all drawn from one seed."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
import random
import sqlite3
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import structlog
from msgspec.structs import replace
from structlog.typing import EventDict

from tests.chaos.callers import Caller, error_code, plans, seen
from tests.chaos.door import Line
from tests.chaos.facts import Claim, Facts, Jump, Sight, Spell, Truth
from tests.chaos.lives import Lives, noted
from tests.chaos.loop import JumpingClock, ShuffledLoop
from tests.chaos.weather import CALM, ORDINARY, Order, Weather, forecast
from tests.crash.history import (
    Charged,
    Event,
    Files,
    ForeignRead,
    JobRead,
    Killed,
    MediaRead,
    Moment,
    Planned,
    ResultSeen,
    Stored,
    SubmissionSeen,
    Taken,
    Totals,
)
from tests.inline import Inline
from tests.simulated.door import GENERATE, PICTURE
from tests.simulated.upstream import Upstream
from tests.virtual_time import EPOCH, VirtualClock

KEYS = {
    "cn": ("cn-a",),
    "us": ("us-a",),
    "hk": ("hk-a",),
    "jp": ("jp-a",),
    "pool": ("cn-b", "cn-c", "cn-d"),
    "abroad": ("us-b", "hk-b", "sg-a"),
    "everywhere": ("cn-a", "cn-e", "sg-b"),
}
"""The sessions of each key. One is in two keys."""
HIDING = "sg-b"
"""The only account whose jobs may stay out of sight for ever: of all others everything is expected."""

DATABASE = "jimeng-api.db"
_OPEN = "SELECT id FROM jobs WHERE finished_at IS NULL"
_NEW = "SELECT id, rowid FROM jobs WHERE rowid > ? ORDER BY rowid"
_JOBS = "SELECT id AS job_id, NULL AS number, state, failure FROM jobs"
_PARTS = "SELECT job_id, number, state, failure FROM submissions"

HOUR = 3600.0
DAY = 86_400.0
JOBS_AN_HOUR = 12
LIVES_AN_HOUR = 0.5
JUMPS_AN_HOUR = 0.1
ON_ITS_WAY = 0.5
"""Seconds from a request's setting out to the coming of its answer, at most."""
ROUND = 180.0
"""Seconds between two looks at the disk."""
GARBAGE_ROUNDS = 120
REST, LATEST = 1.5 * HOUR, 4 * HOUR
"""Calm hours after the last order, for everything to come to its end: at least, and at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """What a simulation is drawn from. `shuffled`: whether the loop's order is drawn, too."""

    number: int
    hours: float
    jobs: int
    shuffled: bool = True

    def dice(self, purpose: str) -> random.Random:
        return random.Random(f"{self.number} {purpose}")


class Simulation:
    def __init__(self, seed: Seed, root: Path) -> None:
        self._seed = seed
        self._upstream = Upstream(VirtualClock())
        self._line = Line(seed.dice("line"))
        self._clock = JumpingClock(seed.number)
        self._lives = Lives(root, clock=self._clock, upstream=self._upstream, line=self._line)
        self._facts = Facts(
            seed=seed.number,
            hours=seed.hours,
            accounts={name: frozenset(map(_secret, sessions)) for name, sessions in KEYS.items()},
        )
        self._facts.asked = self._line.asked
        self._facts.lives = self._lives.facts
        self._callers = {
            name: Caller(name, _key(sessions), lives=self._lives, facts=self._facts)
            for name, sessions in KEYS.items()
        }
        self._ended: dict[tuple[str, int | None], tuple[str, str | None]] = {}

    async def run(self) -> Facts:
        """All that happened."""
        seed = self._seed
        await self._upstream.control("POST", "/reset", {"seed": seed.number})
        for session in dict.fromkeys(one for sessions in KEYS.values() for one in sessions):
            await self._upstream.account(_secret(session), site=session[:2])
        orders = plans(seed.dice("orders"), owners=(*KEYS,), hours=seed.hours, jobs=seed.jobs)
        watch = asyncio.create_task(self._watch())
        async with asyncio.TaskGroup() as group:
            for plan in orders:
                group.create_task(self._callers[plan.owner].order(plan))
            group.create_task(self._weather())
            group.create_task(self._deaths())
            group.create_task(self._wrong_times())
        await self._rest()
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
        await self._aftermath()
        self._facts.spells[-1].ended = _now()
        return self._facts

    def _tell(self, event: Event) -> None:
        self._facts.events.append(replace(event, at=_now()))

    # ------------------------------------------------------------ upstream

    async def _weather(self) -> None:
        """One weather after the other, and calm in the end."""
        dice = self._seed.dice("weather")
        for weather, hours in forecast(dice, self._seed.hours):
            await self._begin(weather, dice)
            await asyncio.sleep(hours * HOUR)
        await self._begin(CALM, dice)

    async def _begin(self, weather: Weather, dice: random.Random) -> None:
        control, spells = self._upstream.control, self._facts.spells
        await control("DELETE", "/faults")
        if weather.faults:
            await control("POST", "/faults", [_placed(order) for order in weather.faults])
        await self._upstream.switch(**(ORDINARY | weather.switches))
        sessions = dict.fromkeys(one for sessions in KEYS.values() for one in sessions)
        for session in sessions:
            dead = weather.signed_out and dice.random() < 0.5
            await self._upstream.account(_secret(session), dead=dead)
        self._line.shut = weather.shut
        now = _now()
        if spells:
            spells[-1].ended = now
        spells.append(Spell(name=weather.name, began=now, whole=weather.whole))

    # ------------------------------------------------------------- gateway

    async def _deaths(self) -> None:
        """Start gateways and end them, until the time is full; one lives in the end."""
        dice, end = self._seed.dice("deaths"), self._seed.hours * HOUR
        self._lives.begin()
        while _now() + (pause := dice.expovariate(LIVES_AN_HOUR) * HOUR) < end:
            await asyncio.sleep(pause)
            await self._death(dice)
            self._scan()
            pause = dice.choice((0, dice.uniform(0, 60), dice.uniform(0, 1500)))
            await asyncio.sleep(pause)
            self._lives.begin()

    async def _death(self, dice: random.Random) -> None:
        """A stop, or a kill: often just when something is on its way."""
        await self._lives.up()
        kind = dice.choice(("stop", "kill", GENERATE, GENERATE, GENERATE, PICTURE, "starting"))
        if kind == "stop":
            await self._lives.stop()
            return
        if kind == "starting":
            await self._kill()
            self._lives.begin()
            await asyncio.sleep(dice.uniform(0, 3))
        elif kind != "kill":
            assert self._lives.living is not None, "only this task ends it"
            with suppress(TimeoutError):
                async with asyncio.timeout(HOUR):
                    await self._lives.living.door.leaving(kind)
            await asyncio.sleep(dice.uniform(0, ON_ITS_WAY))
        await self._kill()

    async def _kill(self, *, last: bool = False) -> None:
        await self._lives.kill()
        rows = self._rows("SELECT submit_id, state FROM submissions ORDER BY submit_id")
        left = {row["submit_id"]: row["state"] for row in rows if not _is_end(row["state"])}
        moment: Moment = "last" if last else "working"
        self._tell(Killed(life=self._lives.number, moment=moment, open=left))

    async def _wrong_times(self) -> None:
        """The clock is set wrong by a day now and then, and right again later."""
        dice, end = self._seed.dice("times"), self._seed.hours * HOUR
        while _now() + (pause := dice.expovariate(JUMPS_AN_HOUR) * HOUR) < end:
            await asyncio.sleep(pause)
            self._set_clock(dice.choice((DAY, -DAY)))
            await asyncio.sleep(min(dice.uniform(60, 3 * HOUR), end - _now()))
            self._set_clock(0.0)

    def _set_clock(self, off: float) -> None:
        self._clock.off = off
        self._facts.jumps.append(Jump(at=_now(), off=off))

    # ---------------------------------------------------------------- disk

    async def _watch(self) -> NoReturn:
        """See on the disk when jobs end, three minutes late at most."""
        open_, last = set[str](), 0
        while True:
            for _ in range(GARBAGE_ROUNDS):
                await asyncio.sleep(ROUND)
                if not self._lives.ready.is_set():
                    continue
                with self._disk() as disk:
                    new = disk.execute(_NEW, (last,)).fetchall()
                    now_open = {row["id"] for row in disk.execute(_OPEN)}
                last = new[-1]["rowid"] if new else last
                before, open_ = open_ | {row["id"] for row in new}, now_open
                for job in sorted(before - open_):
                    self._scan(job)
            gc.collect()

    def _scan(self, job: str | None = None) -> None:
        """Note what has ended, of this job or of all, and which end is another than it was."""
        if job is None:
            rows = self._rows(f"{_JOBS} ORDER BY id")
            rows += self._rows(f"{_PARTS} ORDER BY job_id, number")
        else:
            rows = self._rows(f"{_JOBS} WHERE id = ?", job)
            rows += self._rows(f"{_PARTS} WHERE job_id = ? ORDER BY number", job)
        for row in rows:
            sight = Sight(
                at=_now(),
                where="disk",
                job=row["job_id"],
                number=row["number"],
                state=row["state"],
                code=_code(row["failure"]),
            )
            key, end = (sight.job, sight.number), (sight.state, sight.code)
            known = self._ended.get(key)
            if known != end and (sight.ended or known is not None):
                self._ended[key] = end
                self._facts.sights.append(sight)

    def _rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._disk() as disk:
            return disk.execute(query, values).fetchall()

    @contextmanager
    def _disk(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._lives.folder / DATABASE)) as connection:
            connection.row_factory = sqlite3.Row
            yield connection

    # ----------------------------------------------------------- aftermath

    async def _rest(self) -> None:
        """Wait until every job has ended and what comes late has come, or the time for that is over."""
        began = _now()
        while _now() < began + LATEST:
            await asyncio.sleep(ROUND)
            if _now() >= began + REST and not self._rows(_OPEN):
                return

    async def _aftermath(self) -> None:
        """Read everything, kill once more, read it again, and ask the upstream what is true."""
        callers, files = [*self._callers.values()], self._files()
        self._scan()
        for place, caller in enumerate(callers):
            other = callers[place - 1]
            async for job in caller.jobs():
                self._read(caller.name, job, reading=1)
                self._claim(job)
                answer = await other.get(f"/v1/jobs/{job['id']}")
                self._tell(ForeignRead(job=job["id"], owner=other.name, status=answer.status))
                await self._see_files(caller, job, files)
        await self._tell_truth()
        await self._kill(last=True)
        self._lives.begin()
        for caller in callers:
            async for job in caller.jobs():
                self._read(caller.name, job, reading=2)
        self._scan()
        await self._lives.stop()
        for row in self._rows(
            "SELECT job_id, submit_id, state FROM submissions ORDER BY submit_id"
        ):
            self._tell(Stored(job=row["job_id"], submit_id=row["submit_id"], state=row["state"]))
        self._tell(Files(count=len(self._files())))
        self._facts.events.insert(0, self._planned())

    def _planned(self) -> Planned:
        events = self._facts.events
        kills = sum(isinstance(one, Killed) and one.moment != "last" for one in events)
        return Planned(
            kills=kills, jobs=1, seed=self._seed.number, owners={name: name for name in KEYS}
        )

    def _read(self, owner: str, job: dict[str, Any], *, reading: int) -> None:
        self._facts.sights += seen(job, _now())
        self._tell(
            JobRead(
                reading=1 if reading == 1 else 2,
                owner=owner,
                job=job["id"],
                prompt=job["request"]["prompt"],
                status=job["status"],
                code=error_code(job),
                submissions=[
                    SubmissionSeen(
                        submit_id=part["submit_id"], state=part["state"], code=error_code(part)
                    )
                    for part in job["submissions"]
                ],
                results=[
                    ResultSeen(media=one["id"], size=one["bytes"], sha256=one["sha256"])
                    for one in job["results"]
                ],
            )
        )

    def _claim(self, job: dict[str, Any]) -> None:
        for part in job["submissions"]:
            if part["error"]:
                charge = part["error"]["charge"]
                self._facts.claims.append(
                    Claim(job=job["id"], submit_id=part["submit_id"], charge=charge)
                )

    async def _see_files(self, caller: Caller, job: dict[str, Any], files: dict[str, Path]) -> None:
        """Each result: its headers as they are served, its bytes as they lie on the disk.

        The bytes themselves are served by threads, which have no virtual time.
        """
        for one in job["results"]:
            answer = await caller.get(f"/media/{one['id']}", method="HEAD")
            body = files[one["id"]].read_bytes() if one["id"] in files else b""
            self._tell(
                MediaRead(
                    job=job["id"],
                    media=one["id"],
                    status=answer.status,
                    size=len(body),
                    sha256=hashlib.sha256(body).hexdigest(),
                    etag=answer.headers.get("etag"),
                    of_prompt=job["request"]["prompt"].encode() in body,
                )
            )

    def _files(self) -> dict[str, Path]:
        return {path.name: path for path in self._lives.media.rglob("*") if path.is_file()}

    async def _tell_truth(self) -> None:
        ledger = await self._upstream.ledger()
        owner_of = {_masked(_secret(one)): one for sessions in KEYS.values() for one in sessions}
        for one in ledger["submits"]:
            owner = one["prompt"].rpartition(" ")[2]
            allowed = owner_of.get(one["session"]) in KEYS.get(owner, ())
            self._tell(
                Taken(
                    submit_id=one["submit_id"],
                    session=owner if allowed else one["session"],
                    prompt=one["prompt"],
                    pictures=one["pictures"],
                    price=one["price"],
                    double=one["double"],
                )
            )
            ready = one["ready_at"]
            self._facts.truths.append(
                Truth(
                    submit_id=one["submit_id"],
                    open=owner_of.get(one["session"]) != HIDING,
                    at=one["at"] - EPOCH,
                    ready=None if ready is None else ready - EPOCH,
                    pictures=one["pictures"],
                )
            )
        for one in ledger["charges"]:
            self._tell(Charged(submit_id=one["submit_id"], credits=one["credits"]))
        totals = ledger["totals"]
        self._tell(Totals(**{name: totals[name] for name in ("accepted", "double", "charged")}))


# -------------------------------------------------------------- one seed ----


def simulate(seed: Seed) -> Facts:
    """Run the seed from beginning to end, in this thread, and on a disk in memory where there is one."""
    shm = Path("/dev/shm")
    place = shm if shm.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="jimeng-api-chaos-", dir=place) as folder:
        return _simulated(seed, Path(folder))


def _simulated(seed: Seed, root: Path) -> Facts:
    loop = ShuffledLoop(seed.number if seed.shuffled else None)
    loop.set_task_factory(noted)
    loop.set_default_executor(Inline())
    try:
        simulation = Simulation(seed, root)
        with _defects(loop) as defects, _collected_by_time():
            facts = loop.run_until_complete(simulation.run())
        facts.defects += defects
        return facts
    finally:
        loop.close()


@contextmanager
def _defects(loop: ShuffledLoop) -> Iterator[list[str]]:
    """What the gateway logs as a defect of its own, and what the loop finds that nobody caught."""
    found: list[str] = []

    def keep(_: object, __: str, event: EventDict) -> NoReturn:
        error = sys.exc_info()[1]
        found.append(f"{loop.time():.0f} s: {event.get('event')} {_place(error)}")
        raise structlog.DropEvent

    def caught(_: object, context: dict[str, Any]) -> None:
        error = context.get("exception")
        found.append(f"{loop.time():.0f} s: {context.get('message')} {_place(error)}")

    before = structlog.get_config()
    structlog.configure(
        processors=[keep], wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR)
    )
    loop.set_exception_handler(caught)
    try:
        yield found
    finally:
        structlog.configure(**before)


def _place(error: BaseException | None) -> str:
    """What an error is and where it comes from, in a line."""
    if error is None:
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {error}{where}"


@contextmanager
def _collected_by_time() -> Iterator[None]:
    """No garbage collection but at given virtual times: it may end generators, and so change the order."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def _placed(order: Order) -> Order:
    hides = order["fault"] == "never_listed" or order.get("looks") == -1
    return {**order, "account": _secret(HIDING)} if hides else order


def _key(sessions: tuple[str, ...]) -> str:
    """The key that a caller sends: `us-a` is a session of the site `us`."""
    sites = (one[:2] for one in sessions)
    prefixes = ("" if site == "cn" else f"{site}-" for site in sites)
    return ",".join(prefix + _secret(one) for prefix, one in zip(prefixes, sessions, strict=True))


def _secret(session: str) -> str:
    """A session id. It begins with a digit, since one that begins with "dead" is dead."""
    return "5" + hashlib.md5(session.encode()).hexdigest()[1:]


def _masked(secret: str) -> str:
    return f"{secret[:4]}…{secret[-4:]}"


def _is_end(state: str) -> bool:
    return state in ("completed", "failed")


def _code(failure: bytes | None) -> str | None:
    return None if failure is None else str(msgspec.json.decode(failure)["code"])


def _now() -> float:
    return asyncio.get_running_loop().time()
