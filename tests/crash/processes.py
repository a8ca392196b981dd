"""The processes of a crash test: a simulated upstream that lives on, and a gateway that is killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import shutil
import socket
import sqlite3
import sys
import tempfile
import time
from asyncio.subprocess import Process
from pathlib import Path

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

    def __init__(self, folder: Path, *, upstream: str, confirmation_seconds: float) -> None:
        self._folder = folder
        self._log = folder / "gateway.log"
        self._data = folder / "data"
        self._port = free_port()
        self.base_url = f"http://127.0.0.1:{self._port}"
        self._settings = {
            "JIMENG_API_PORT": str(self._port),
            "JIMENG_API_DATA_DIR": str(self._data),
            "JIMENG_API_UPSTREAM_URL": upstream,
            "JIMENG_API_CONFIRMATION_SECONDS": str(confirmation_seconds),
            "JIMENG_API_LOG_FORMAT": "json",
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

    def stored(self) -> list[tuple[str, str, str]]:
        """Job, submit id and state of every submission on the disk. To be called while it is dead.

        A copy is read: opening the database itself would do part of the recovery that is to be tested.
        """
        source = self._data / "jimeng-api.db"
        if not source.exists():
            return []
        with tempfile.TemporaryDirectory() as place:
            for ending in ("", "-wal"):
                file = source.with_name(source.name + ending)
                if file.exists():
                    shutil.copyfile(file, Path(place) / file.name)
            with contextlib.closing(sqlite3.connect(Path(place) / source.name)) as database:
                if not database.execute(_TABLE).fetchall():
                    return []
                return database.execute(_SUBMISSIONS).fetchall()

    async def wrote(self, journal_bytes: int) -> None:
        """Return when its database's journal has so many bytes: asked for without a pause, to be in time."""
        journal = self._data / "jimeng-api.db-wal"
        while self.alive:
            if journal.exists() and journal.stat().st_size >= journal_bytes:
                return
            await asyncio.sleep(0)

    def media_files(self) -> int:
        media = self._data / "media"
        return sum(1 for path in media.rglob("*") if path.is_file()) if media.exists() else 0


_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'submissions'"
_SUBMISSIONS = "SELECT job_id, submit_id, state FROM submissions"


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
