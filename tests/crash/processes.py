"""The processes of a crash test: a simulated upstream that lives on, and a gateway that is killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import signal
import socket
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path

from tests.crash.databases import sqlite_file

START_SECONDS = 60.0


class DidNotStart(Exception):
    """A process ended, or was not ready in time."""


class Simulator:
    def __init__(self, folder: Path, *, seed: int) -> None:
        self._log = folder / "simulator.log"
        self._seed = seed
        self._process: Process | None = None
        self.origin = ""

    async def start(self) -> None:
        arguments = ("simulate", "--port", "0", "--seed", str(self._seed))
        self._process = await _spawned(arguments, {}, self._log)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.alive:
            said = re.search(r"simulated upstream at (http://\S+)", self._log.read_text())
            if said is not None:
                self.origin = said[1]
                return
            await asyncio.sleep(0.05)
        raise DidNotStart(f"the simulator: {self._log.read_text()[-500:]}")

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def stop(self) -> None:
        await _killed(self._process)


class Gateway:
    """The gateway on one port and one data folder, in as many lives as it takes."""

    def __init__(
        self,
        folder: Path,
        *,
        upstream: str,
        confirmation_seconds: float,
        database: str | None = None,
        name: str = "gateway",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`database`: its URL, otherwise SQLite in the data folder. `settings`: further ones, by name."""
        self._log = folder / f"{name}.log"
        self._data = folder / ("data" if name == "gateway" else f"data-{name}")
        self._port = free_port()
        self.base_url = f"http://127.0.0.1:{self._port}"
        self.database = database or f"sqlite:///{self._data / 'jimeng-api.db'}"
        self._settings = {
            "JIMENG_API_PORT": str(self._port),
            "JIMENG_API_DATA_DIR": str(self._data),
            "JIMENG_API_UPSTREAM_URL": upstream,
            "JIMENG_API_CONFIRMATION_SECONDS": str(confirmation_seconds),
            "JIMENG_API_LOG_FORMAT": "json",
            "JIMENG_API_CATALOGUE_HOURS": "none",
            **({"JIMENG_API_DATABASE_URL": database} if database else {}),
            **(settings or {}),
        }
        self._process: Process | None = None

    async def start(self) -> None:
        self._process = await _spawned(("serve",), self._settings, self._log)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def ready(self) -> None:
        """Return when it takes requests."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if not self.alive:
                raise DidNotStart(f"the gateway ended by itself: {self.last_words()}")
            if await self._answers():
                return
            await asyncio.sleep(0.02)
        raise DidNotStart(f"the gateway was not ready in {START_SECONDS:g} s: {self.last_words()}")

    async def kill(self) -> None:
        """SIGKILL, and see it gone."""
        await _killed(self._process)

    def freeze(self) -> None:
        """SIGSTOP: it does nothing any more, and its connections stay open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def last_words(self) -> str:
        return self._log.read_text()[-800:]

    async def _answers(self) -> bool:
        try:
            # It listens before it serves: the answer may be as late as the gateway is.
            async with asyncio.timeout(START_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                writer.write(b"GET /readyz HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n")
                try:
                    return b" 200 " in await reader.readline()
                finally:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
        except OSError:
            return False

    async def wrote(self, journal_bytes: int) -> None:
        """Return when its database's journal has so many bytes: asked for without a pause, to be in time."""
        file = sqlite_file(self.database)
        assert file is not None
        journal = file.with_name(file.name + "-wal")
        while self.alive:
            if journal.exists() and journal.stat().st_size >= journal_bytes:
                return
            await asyncio.sleep(0)

    def media_files(self) -> int:
        media = self._data / "media"
        return sum(1 for path in media.rglob("*") if path.is_file()) if media.exists() else 0


async def _spawned(arguments: tuple[str, ...], settings: dict[str, str], log: Path) -> Process:
    """A process of the installed package, in the log's folder, with no settings but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JIMENG_API_")}
    with log.open("ab") as file:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "jimeng_api", *arguments),
            env=kept | settings,
            cwd=log.parent,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )


async def _killed(process: Process | None) -> None:
    if process is None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def free_port() -> int:
    """A free port below those that outgoing connections take.

    One of those would not do: while the gateway is down, a caller's connection could be given that very
    port, meet itself there, and keep the gateway from coming back.
    """
    for _ in range(200):
        port = random.randrange(15_000, 32_000)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise DidNotStart("no free port was found")
