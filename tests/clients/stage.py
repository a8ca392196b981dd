"""What the clients talk to: a gateway and a simulated upstream, as a process with sockets of its own.

`python -m tests.clients.stage FOLDER` prints the two addresses once both answer, and runs until its standard
input ends. All is real but the time, which goes by faster than life: a film is there in seconds.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from jimeng_api.cli import logs
from jimeng_api.settings import Settings
from jimeng_api.simulator.serve import build_app
from jimeng_api.web.server import build_server
from jimeng_api.wiring import running
from tests.simulated.clock import FastClock, UpstreamClock

SPEED = 30.0

# What a slow machine takes long for is not to be taken for trouble: these are as long as in life.
PATIENCE = {
    name: Settings.model_fields[name].default * SPEED
    for name in ("receive_seconds", "wait_seconds", "job_seconds", "confirmation_seconds")
}


@dataclass(frozen=True, slots=True)
class Stage:
    gateway: str
    upstream: str


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    settings = {name: value for name, value in os.environ.items() if "JIMENG_API_" not in name}
    log = folder / "stage.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.clients.stage", str(folder / "data")],
            env=settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, log.read_text()[-2000:]
        yield Stage(**json.loads(line))
    finally:
        process.stdin.close()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


async def _run(folder: Path) -> None:
    logs.set_up(
        "info", "json"
    )  # to the standard error, which is a file: nobody reads our output to its end
    clock = FastClock(SPEED)
    upstream_socket, gateway_socket = _listening(), _listening()
    upstream = uvicorn.Server(
        uvicorn.Config(build_app(clock=UpstreamClock(clock)), log_level="warning", access_log=False)
    )
    simulating = asyncio.create_task(upstream._serve([upstream_socket]))
    settings = Settings(data_dir=folder, upstream_url=_origin(upstream_socket), **PATIENCE)
    async with running(settings, clock=clock) as gateway:
        server = build_server(gateway.app, stopping=gateway.desk.hang_up, graceful_seconds=1)
        serving = asyncio.create_task(server._serve([gateway_socket]))
        while not (server.started and upstream.started):  # noqa: ASYNC110 - uvicorn tells no other way
            await asyncio.sleep(0.01)
        addresses = {"gateway": _origin(gateway_socket), "upstream": _origin(upstream_socket)}
        print(json.dumps(addresses), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        server.should_exit = True
        await serving
    upstream.should_exit = True
    await simulating


def _listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def _origin(listening: socket.socket) -> str:
    host, port = listening.getsockname()
    return f"http://{host}:{port}"


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1])))
