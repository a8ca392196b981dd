"""Starting the real commands as processes of their own, and stopping them by their pid."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

COMMAND = Path(sys.executable).parent / "jimeng-api"


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


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
