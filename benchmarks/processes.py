"""Starting the real commands as processes of their own, and stopping them by their pid."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

COMMAND = Path(sys.executable).parent / "jimeng-api"
DATABASES = ("sqlite", "postgresql")

# A benchmark that is asked to end takes its processes with it.
signal.signal(signal.SIGTERM, signal.default_int_handler)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def started(
    *arguments: str, settings: Mapping[str, str] | None = None, probe: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A command of ours, up once `probe` answers; told to stop at the end, and killed if it does not."""
    environment = {
        **os.environ,
        **{f"JIMENG_API_{name}": value for name, value in (settings or {}).items()},
    }
    process = subprocess.Popen([COMMAND, *arguments], env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for(probe, process)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], *, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit(f"a process ended early, with exit code {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.005)
    raise SystemExit(f"{url} did not answer within {seconds:.0f} s")


def peak_memory(pid: int) -> float:
    """The most memory that the process ever held, in MB (Linux: VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def forget_peak(pid: int) -> None:
    """`peak_memory` counts from now on."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def memory(pid: int) -> float:
    """What the process holds now, in MB."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def connections(pid: int, port: int) -> int:
    """How many connections to this port of its own the process holds."""
    held = set[str]()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            held.add(str(link.readlink()))
    rows = [row.split() for row in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    listening = "0A"
    return sum(
        int(row[1].rpartition(":")[2], 16) == port
        and row[3] != listening
        and f"socket:[{row[9]}]" in held
        for row in rows
    )


def cpu_seconds(pid: int, *, with_ended_children: bool = False) -> float:
    fields = _stat(pid)[11 : 15 if with_ended_children else 13]
    return sum(map(int, fields)) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """From the process's state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


@dataclass(frozen=True, slots=True)
class Database:
    """`settings` lead a gateway to it, `cpu_seconds` is what its own processes have used."""

    settings: Mapping[str, str]
    cpu_seconds: Callable[[], float]


@contextmanager
def database(kind: str) -> Iterator[Database]:
    """An empty database of one of `DATABASES`, which waits for the disk as in life."""
    if kind == "sqlite":
        yield Database({}, lambda: 0.0)
        return
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.postgres import postgres_server

    with postgres_server(durable=True) as server:
        with psycopg.connect(server.url) as connection:
            postmaster = int(_stat(connection.info.backend_pid)[1])
        settings = {"DATABASE_URL": server.fresh_database()}
        yield Database(settings, lambda: _cpu_of_server(postmaster))


def _cpu_of_server(postmaster: int) -> float:
    used = cpu_seconds(postmaster, with_ended_children=True)
    for child in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split():
        with contextlib.suppress(FileNotFoundError):
            used += cpu_seconds(int(child))
    return used
