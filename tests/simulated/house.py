"""The simulated upstream, and the gateways that live on it one after the other."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from jimeng_api.accounts.session import Caller
from jimeng_api.settings import Settings
from jimeng_api.wiring import Gateway, running
from tests.answer import Answer
from tests.simulated.asgi import Talk
from tests.simulated.clock import FastClock
from tests.simulated.door import GENERATE, UPSTREAM, Door
from tests.simulated.upstream import Upstream

KEY = "0123456789abcdef0123456789abcdef"
SELF = "http://gateway.test:5100"
CAT: dict[str, Any] = {"model": "jimeng-4.5", "prompt": "a cat", "n": 1}


@dataclass
class Counted:
    """Submissions of a whole run of tests."""

    meant: int = 0
    accepted: int = 0


class House:
    """`door` and `app` are those of the gateway that lives now.

    `unknown` is how many submissions the upstream will have accepted without ever telling: nothing else may
    lie between its ledger and what the gateway has written down.
    """

    def __init__(self, folder: Path, *, speed: float) -> None:
        self.clock = FastClock(speed)
        self.upstream = Upstream(self.clock)
        self.folder = folder
        self.unknown = 0
        self._lives = 0
        self._settings: dict[str, Any] = {}
        self._running: AbstractAsyncContextManager[Gateway] | None = None
        self._gateway: Gateway | None = None
        self._door: Door | None = None
        self.strayed: list[str] = []

    # ------------------------------------------------------------------ lives

    @property
    def gateway(self) -> Gateway:
        assert self._gateway is not None, "no gateway runs"
        return self._gateway

    @property
    def door(self) -> Door:
        assert self._door is not None, "no gateway runs"
        return self._door

    @property
    def app(self) -> ASGIApp:
        return self.gateway.app

    async def start(self, **settings: Any) -> None:
        """A gateway, with the data that the last one left."""
        self._settings |= settings
        self._door = Door(self.upstream.app)
        self._door.strayed = self.strayed
        settings_made = await asyncio.to_thread(self._made_settings)
        self._running = running(settings_made, clock=self.clock, transport=self._door)
        self._gateway = await self._running.__aenter__()

    async def stop(self) -> None:
        """As an operator stops it."""
        if self._running is not None:
            ending, self._running = self._running, None
            await ending.__aexit__(None, None, None)
            self._gateway = None

    async def crash(self) -> None:
        """As when the power goes: what is on the disk at this moment is all that the next one finds."""
        self.door.cut()
        self._lives += 1
        left = self.folder.with_name(f"{self.folder.name}-{self._lives}")
        shutil.copytree(self.folder, left, ignore=shutil.ignore_patterns("*-shm"))
        await self.gateway.workshop._drop_all()
        await self.stop()
        self.folder = left

    def _made_settings(self) -> Settings:
        # Nothing of the machine's own configuration: every value that counts is given here.
        # Nor does the gateway ask anything by itself, unless the test is about that; and a body that comes
        # from a real client at a quickened clock has all the time that a slow machine needs.
        chosen = {"catalogue_hours": None, "receive_seconds": 3600, **self._settings}
        return Settings(data_dir=self.folder, upstream_url=UPSTREAM, **chosen)

    # ---------------------------------------------------------------- callers

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str = KEY,
        talk: Talk | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        talk = talk or Talk()
        headers = {"authorization": f"Bearer {key}", **(headers or {})}
        if body is not None:
            talk.body = json.dumps(body).encode()
            headers["content-type"] = "application/json"
        return await talk.run(self.app, method, SELF + path, headers)

    async def ask(
        self, route: str, key: str = KEY, /, *, talk: Talk | None = None, **body: Any
    ) -> Answer:
        """Ask for pictures, by one of the routes below `/v1/images/`."""
        return await self.call("POST", f"/v1/images/{route}", {**CAT, **body}, key=key, talk=talk)

    async def generate(self, key: str = KEY, /, **body: Any) -> Answer:
        return await self.ask("generations", key, **body)

    async def leave(self, key: str = KEY, /, *, route: str = "generations", **body: Any) -> str:
        """Ask for pictures and hang up; the job's id."""
        talk = Talk()
        talk.gone.set()
        answer = await self.ask(route, key, talk=talk, **body)
        assert answer.status == 499, answer
        return answer.headers["x-job-id"]

    async def leave_form(self, path: str, body: bytes, headers: Mapping[str, str]) -> str:
        """Send a form and hang up; the job's id."""
        talk = Talk(body=body)
        talk.gone.set()
        answer = await self.call("POST", path, talk=talk, headers=headers)
        assert answer.status == 499, answer
        return answer.headers["x-job-id"]

    async def job(self, job_id: str, key: str = KEY) -> dict[str, Any]:
        found: dict[str, Any] = (await self.call("GET", f"/v1/jobs/{job_id}", key=key)).json
        return found

    async def ended(self, job_id: str, key: str = KEY) -> dict[str, Any]:
        """The job once it has ended."""
        async with asyncio.timeout(60):
            async for _ in self.gateway.desk.changes(self._caller(key), job_id):
                pass
        found = await self.job(job_id, key)
        assert found["status"] in ("completed", "failed")
        return found

    async def settled(self, job_id: str, key: str = KEY) -> dict[str, Any]:
        """The job once nothing at all is left to be done for it."""
        await until(
            lambda: (
                not any(row["open"] for row in self.written() if row["job_id"] == job_id)
                and self.gateway.workshop.find(job_id) is None
            )
        )
        return await self.job(job_id, key)

    def sessions_kept(self) -> int:
        """Of how many jobs the sessions are on the disk."""
        (found,) = self._rows("SELECT count(*) AS kept FROM jobs WHERE sessions != x''")
        kept: int = found["kept"]
        return kept

    def _caller(self, key: str) -> Caller:
        return self.gateway.workshop._vault.caller(key)

    async def fetch(self, url: str) -> Answer:
        return await Talk().run(self.app, "GET", url)

    # ------------------------------------------------------------------ truth

    def written(self) -> list[dict[str, Any]]:
        """The submissions on the disk."""
        return self._rows("SELECT * FROM submissions ORDER BY job_id, number")

    def kept(self) -> list[dict[str, Any]]:
        """The pictures on the disk."""
        return self._rows("SELECT * FROM pictures ORDER BY job_id, number")

    def files(self) -> list[dict[str, Any]]:
        """The uploaded files on the disk."""
        return self._rows("SELECT * FROM files ORDER BY created_at")

    def _rows(self, query: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.folder / "jimeng-api.db")) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]

    async def close(self, counted: Counted) -> None:
        """Stop, and hold what was written down against the upstream's ledger."""
        await self.stop()
        assert self.strayed == []
        ledger = await self.upstream.ledger()
        accepted = {row["submit_id"] for row in ledger["submits"]}
        taken = {row["submit_id"] for row in self.written() if row["history_id"]}
        assert ledger["totals"]["double"] == 0
        assert len(accepted) == ledger["totals"]["accepted"]
        assert taken <= accepted
        assert len(accepted) == len(taken) + self.unknown
        counted.accepted += ledger["totals"]["accepted"]
        counted.meant += len(taken) + self.unknown


async def until(true: Callable[[], object]) -> None:
    """Return once it is true."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - what it asks about is on the disk
            await asyncio.sleep(0.002)


async def cancelled(task: asyncio.Task[Any]) -> None:
    """End a caller that nobody waits for any more."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def submits_sent(house: House) -> int:
    """How often this life of the gateway sent a paid request."""
    return sum(GENERATE in request.url for request in house.door.asked)
