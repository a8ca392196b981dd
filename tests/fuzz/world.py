"""A gateway and its upstream in virtual time, in one thread, and what each request does to the ledger."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from jimeng_api.settings import Settings
from jimeng_api.wiring import Gateway, running
from tests.answer import Answer
from tests.chaos.loop import ShuffledLoop
from tests.inline import Inline
from tests.simulated.asgi import Talk
from tests.simulated.door import UPSTREAM, Door
from tests.simulated.upstream import Upstream
from tests.virtual_time import VirtualClock

KEY = "0123456789abcdef0123456789abcdef"
ADMIN_KEY = "an-admin-key-for-whoever-guesses"
SELF = "http://gateway.test:5100"
_PATIENCE = 3600.0
"""Virtual seconds in which any request must be answered."""


class World:
    """Called from outside its loop, which stands still between two calls."""

    def __init__(self, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._folder = folder
        self._upstream = Upstream(VirtualClock())
        self._door = Door(self._upstream.app)
        self._running: AbstractAsyncContextManager[Gateway] | None = None
        self._gateway: Gateway | None = None

    def start(self) -> None:
        settings = Settings(
            data_dir=self._folder,
            upstream_url=UPSTREAM,
            admin_key=SecretStr(ADMIN_KEY),
            public_url=SELF,
        )
        self._running = running(
            settings, clock=VirtualClock(), transport=self._door, threads=Inline()
        )
        self._gateway = self._loop.run_until_complete(self._running.__aenter__())

    def stop(self) -> None:
        if self._running is not None:
            self._loop.run_until_complete(self._running.__aexit__(None, None, None))

    def call(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """The answer, once nothing is left to be done of what this or an earlier request began."""
        return self._loop.run_until_complete(self._call(method, target, headers or {}, body))

    async def _call(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        assert self._gateway is not None, "it was not started"
        async with asyncio.timeout(_PATIENCE):
            answer = await Talk(body=body).run(self._gateway.app, method, SELF + target, headers)
            while self._gateway.workshop._open:  # noqa: ASYNC110 - virtual time goes by at once
                await asyncio.sleep(1)
        self._door.asked.clear()
        return answer

    def accepted(self) -> int:
        """How many submissions the upstream has ever accepted."""
        ledger = self._loop.run_until_complete(self._upstream.ledger("brief=1&account=nobody"))
        count: int = ledger["totals"]["accepted"]
        return count


@contextmanager
def world() -> Iterator[World]:
    """A gateway on an empty disk, in memory where there is one."""
    shm = Path("/dev/shm")
    loop = ShuffledLoop()
    loop.set_default_executor(Inline())
    with tempfile.TemporaryDirectory(
        prefix="jimeng-api-fuzz-", dir=shm if shm.is_dir() else None
    ) as folder:
        found = World(Path(folder), loop)
        try:
            found.start()
            yield found
        finally:
            found.stop()
            loop.close()


def bearer(path: str) -> dict[str, str]:
    """What lets a caller in at this path."""
    key = ADMIN_KEY if "/admin/" in path else KEY
    return {"authorization": f"Bearer {key}"}


def error_shape(answer: Answer) -> str | None:
    """What is wrong with the shape of an error."""
    try:
        found: Any = answer.json
    except ValueError:
        return f"no JSON: {answer.body[:100]!r}"
    error = found.get("error") if isinstance(found, dict) else None
    if not isinstance(error, dict):
        return f"no error in {sorted(found) if isinstance(found, dict) else found!r}"
    missing = {"message", "type", "param", "code"} - error.keys()
    if missing:
        return f"without {sorted(missing)}"
    texts = [error["message"], error["type"], error["code"]]
    if not all(isinstance(text, str) and text for text in texts):
        return f"empty, or no text: {texts}"
    if not (error["param"] is None or isinstance(error["param"], str)):
        return f"param {error['param']!r}"
    return None
