"""One life of a gateway in a process of its own: it goes on with what the last one left, until its kill."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from jimeng_api.wiring import Gateway
from tests.answer import Answer
from tests.chance import SeededChance
from tests.crash.failpoints import TOLD_END, TOLD_ID, Commits, Failpoints, Late, watch_files
from tests.crash.history import (
    Acknowledged,
    Answered,
    Event,
    Excused,
    Files,
    ForeignRead,
    JobRead,
    Moment,
    Ordered,
    Refused,
    Stored,
)
from tests.crash.pipe import Dying, Ended, Messages, PipeDoor, Plan, Sent, Told, Troubled
from tests.crash.shown import code_of, job_read, media_read, outcome
from tests.crash.troubles import troubles
from tests.simulated.asgi import Talk
from tests.virtual_time import EPOCH, standing_still

SELF = "http://gateway.test:5100"
MODEL = "jimeng-3.0"  # on every site
COUNTS = (1,) * 12 + (2, 2, 2, 5)  # five take two submissions
CANCELLED = 0.03
KEYED = 0.5
"""The shares of orders that are taken back, and that come with an Idempotency-Key."""

TRIES = 5
"""Orders that a life gives in the hope of reaching its failpoint."""

MORE_THAN_LATE = 1300.0
"""Virtual seconds in which a result comes that was given up: such ones are looked for every ten minutes."""

LONGEST = 4 * 3600.0
"""Virtual seconds in which all that was begun must have ended."""


class LifeClock(SeededChance):
    """The gateway's clock on a virtual loop: each life goes on where the last one ended."""

    def __init__(self) -> None:
        super().__init__()
        self._began = 0.0
        self._last = 0.0

    def begin(self, seed: str, began: float) -> None:
        self._random = random.Random(seed)
        self._began = began

    def now(self) -> float:
        return EPOCH + self._began + self.monotonic()

    def monotonic(self) -> float:
        with suppress(RuntimeError):  # the loop has ended: its last moment is what counts
            self._last = asyncio.get_running_loop().time()
        return self._last

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def later(self, seconds: float, call: Callable[[], object]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, seconds), call)


class Life:
    """Made before the fork, lived after it."""

    def __init__(self, data: Path, *, broken: Late | None = None) -> None:
        self.clock = LifeClock()
        self.points = Failpoints(self._die)
        self.door = PipeDoor(self.points, self.clock)
        self._data = data
        self._broken = broken
        self._commits = Commits(self.points)
        self._commits.install()
        self.warming = False
        watch_files(self.points, data / "media", pretended=lambda: self.warming)
        self._plan: Plan | None = None
        self._line: Messages | None = None
        self._moment: Moment = "starting"
        self._reader: sqlite3.Connection | None = None
        self._changed = asyncio.Event()

    def begin(self, plan: Plan, line: Messages) -> None:
        self._plan, self._line, self.door.line = plan, line, line
        self._changed = asyncio.Event()
        self._commits.jobs_changed = self._changed.set
        self._commits.broken = None if self.warming else self._broken
        self.door.lag = plan.lag
        self.clock.begin(plan.seed, plan.began)
        if plan.target is not None and plan.recovering:
            self.points.arm(plan.target, nth=plan.nth)

    # ---------------------------------------------------------------- living

    async def go(self, gateway: Gateway) -> None:
        """Everything between the gateway's start and its end."""
        plan = self._given
        dice = random.Random(f"orders {plan.seed}")
        self._moment = "recovering"
        async with asyncio.timeout(LONGEST):
            repeated = asyncio.gather(*(self._repeat(gateway, sent, dice) for sent in plan.again))
            if plan.reading or not plan.recovering or dice.random() < 0.5:
                await repeated
                await self._rest()
                self._moment = "working"
            if self.warming:
                await self.clock.sleep(MORE_THAN_LATE)
                await self._order_some(gateway, dice, plan.orders, many=6)
                await self._order_some(gateway, dice, plan.orders + 6, many=6, seconds=4)
                return
            if plan.reading == 1:
                await self.clock.sleep(MORE_THAN_LATE)
            if plan.reading:
                await self._read(gateway, plan.reading)
                if plan.reading == 1:
                    self._moment = "last"
                    self._die("")
                return
            number = plan.orders
            for attempt in range(1 if plan.target is None else TRIES):
                if plan.target is not None and (attempt or not plan.recovering):
                    self.points.arm(plan.target, nth=1 if attempt else plan.nth)
                number = await self._order_some(gateway, dice, number)
                await self._rest()
                self._moment = "working"
                if plan.needs in ("very late", "patience"):
                    await self.clock.sleep(MORE_THAN_LATE)
            await repeated
            self.points.disarm()

    def forget(self) -> None:
        """Close what this life had open, so that another may be forked."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def done(self, why: str | None = None) -> None:
        self.line.put(Ended(self._world_time(), why))

    async def _rest(self) -> None:
        """Return when every job has ended."""
        while self._some_open():
            self._changed.clear()
            await self._changed.wait()

    async def _order_some(
        self,
        gateway: Gateway,
        dice: random.Random,
        number: int,
        *,
        many: int | None = None,
        seconds: float = LONGEST,
    ) -> int:
        """Give some orders and see them answered, or not in so many seconds; the number of the next one."""
        plan = self._given
        drawn = troubles(dice, plan.needs)
        self.line.put(Troubled(self.clock.now(), drawn))
        many = many or dice.choice((1, 1, 1, 1, 1, 2))
        orders = asyncio.gather(
            *(
                self._order(gateway, number + place, random.Random(dice.random()))
                for place in range(many)
            )
        )
        with suppress(TimeoutError):
            await asyncio.wait_for(orders, seconds)
        return number + many

    async def _order(self, gateway: Gateway, number: int, dice: random.Random) -> None:
        plan = self._given
        cancelled = plan.needs == "cancel" or dice.random() < CANCELLED
        keyed = plan.needs == "key" or dice.random() < KEYED
        sent = Sent(
            number=number,
            owner=dice.choice(list(plan.owners)),
            form="stream" if cancelled else dice.choice(("blocking", "stream")),
            count=dice.choice(COUNTS),
            prompt=f"a lighthouse, order {number}, {dice.randbytes(4).hex()}",
            key=dice.randbytes(8).hex() if keyed else None,
            cancelled=cancelled,
        )
        await self.clock.sleep(dice.uniform(0, 3))
        self._tell(
            Ordered(
                order=number,
                owner=sent.owner,
                form=sent.form,
                prompt=sent.prompt,
                count=sent.count,
            )
        )
        if cancelled:
            self._tell(Excused(order=number, why="cancelled"))
        self.line.put(sent)
        await self._sent(gateway, sent, patience=dice.uniform(0, 9))

    async def _repeat(self, gateway: Gateway, sent: Sent, dice: random.Random) -> None:
        """What a client does that lost the connection: the same again."""
        await self.clock.sleep(dice.uniform(0, 3))
        await self._sent(gateway, sent, patience=dice.uniform(0, 9), again=True)

    async def _sent(
        self, gateway: Gateway, sent: Sent, *, patience: float, again: bool = False
    ) -> None:
        body = {
            "model": MODEL,
            "prompt": sent.prompt,
            "n": sent.count,
            "ratio": "21:9",
            "resolution": "1k",
            "response_format": "url",
            "stream": sent.form == "stream",
        }
        headers = {"idempotency-key": sent.key} if sent.key else {}
        if again:
            headers["x-stainless-retry-count"] = "1"
        cancelling: list[asyncio.Future[None]] = []

        async def listening(scope: Scope, receive: Receive, send: Send) -> None:
            async def heard(message: Message) -> None:
                await send(message)
                if message["type"] == "http.response.start":
                    job = dict(message["headers"]).get(b"x-job-id", b"").decode()
                    if job:
                        self._tell(Acknowledged(order=sent.number, job=job))
                        self.points.hit(TOLD_ID)
                    if job and sent.cancelled:
                        cancel = self._cancel(gateway, sent.owner, job, after=patience)
                        cancelling.append(asyncio.ensure_future(cancel))

            await gateway.app(scope, receive, heard)

        path = "/v1/images/generations"
        answer = await self._called(listening, sent.owner, "POST", path, body, headers)
        await asyncio.gather(*cancelling)
        job = answer.headers.get("x-job-id")
        if job is None:
            code = code_of(answer.body.decode())
            self._tell(Refused(order=sent.number, status=answer.status, code=code))
            return
        media, code = outcome(answer.body.decode(), streamed=sent.form == "stream")
        self._tell(Answered(order=sent.number, job=job, code=code, media=media))
        self.points.hit(TOLD_END)

    async def _cancel(self, gateway: Gateway, owner: str, job: str, *, after: float) -> None:
        await self.clock.sleep(after)
        await self._called(gateway.app, owner, "POST", f"/v1/jobs/{job}/cancel")

    # --------------------------------------------------------------- reading

    async def _read(self, gateway: Gateway, reading: int) -> None:
        """Tell everything that the gateway shows its callers, and at the second time what is on the disk."""
        owners = list(self._given.owners)
        for owner, other in zip(owners, owners[1:] + owners[:1], strict=True):
            async for job in self._jobs(gateway, owner, reading):
                self._tell(job)
                if reading == 1:
                    path = f"/v1/jobs/{job.job}"
                    foreign = await self._called(gateway.app, other, "GET", path)
                    self._tell(ForeignRead(job=job.job, owner=other, status=foreign.status))
                    await self._fetch(gateway, job)
        if reading == 2:
            for job_id, submit_id, state in self._rows(_SUBMISSIONS):
                self._tell(Stored(job=job_id, submit_id=submit_id, state=state))
            files = sum(path.is_file() for path in (self._data / "media").rglob("*"))
            self._tell(Files(count=files))

    async def _jobs(self, gateway: Gateway, owner: str, reading: int) -> AsyncIterator[JobRead]:
        after = ""
        while True:
            path = f"/v1/jobs?limit=100{after}"
            page = (await self._called(gateway.app, owner, "GET", path)).json
            for job in page["data"]:
                yield job_read(job, owner=owner, reading=reading)
            if not page["has_more"]:
                return
            after = f"&after={page['last_id']}"

    async def _fetch(self, gateway: Gateway, job: JobRead) -> None:
        for result in job.results:
            with standing_still():
                path = f"/media/{result.media}"
                file = await self._called(gateway.app, job.owner, "GET", path)
            etag = file.headers.get("etag")
            self._tell(media_read(job, result.media, file.status, file.body, etag))

    # ----------------------------------------------------------------- parts

    @property
    def _given(self) -> Plan:
        assert self._plan is not None
        return self._plan

    @property
    def line(self) -> Messages:
        assert self._line is not None
        return self._line

    async def _called(
        self,
        app: Callable[[Scope, Receive, Send], Awaitable[None]],
        owner: str,
        method: str,
        path: str,
        body: object = None,
        more: Mapping[str, str] | None = None,
    ) -> Answer:
        headers = {"authorization": f"Bearer {self._given.owners[owner]}", **(more or {})}
        talk = Talk()
        if body is not None:
            talk.body = json.dumps(body).encode()
            headers["content-type"] = "application/json"
        return await talk.run(app, method, SELF + path, headers)

    def _tell(self, event: Event) -> None:
        self.line.put(Told(self._world_time(), event))

    def _world_time(self) -> float:
        return self.clock.now() - EPOCH

    def _die(self, name: str) -> None:
        open_ = {submit_id: state for _, submit_id, state in self._rows(_OPEN_SUBMISSIONS)}
        oldest = self._rows(_OLDEST)[0][0]
        since = None if oldest is None else oldest - EPOCH
        self.line.put(Dying(self._world_time(), name, self._moment, open_, since))
        os.kill(os.getpid(), signal.SIGKILL)

    def _some_open(self) -> bool:
        return bool(self._rows(_OPEN_JOBS))

    def _rows(self, query: str) -> list[Any]:
        """What is on the disk: what the gateway has committed, whatever it is at."""
        if self._reader is None:
            place = f"file:{self._data / 'jimeng-api.db'}?mode=ro"
            self._reader = sqlite3.connect(place, uri=True, isolation_level=None)
        with closing(self._reader.execute(query)) as found:
            return found.fetchall()


_OPEN_JOBS = "SELECT 1 FROM jobs WHERE state NOT IN ('completed', 'failed') LIMIT 1"
_OLDEST = "SELECT min(created_at) FROM jobs WHERE state NOT IN ('completed', 'failed')"
_SUBMISSIONS = "SELECT job_id, submit_id, state FROM submissions"
_OPEN_SUBMISSIONS = _SUBMISSIONS + " WHERE state NOT IN ('completed', 'failed')"
