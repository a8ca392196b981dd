"""Runs the simulated upstream: alone, or beside something else in the same process."""

import asyncio
import contextlib
import json
import tomllib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

from jimeng_api.simulator.accounts import USUAL_CREDITS
from jimeng_api.simulator.app import create_app
from jimeng_api.simulator.clock import Clock
from jimeng_api.simulator.fault_queue import BadFault
from jimeng_api.simulator.world import World

HOST = "127.0.0.1"
PORT = 5199


def build_app(
    *,
    seed: int = 0,
    speed: float = 1.0,
    faults: list[dict[str, Any]] | None = None,
    credits: int = USUAL_CREDITS,  # noqa: A002 - the word of the trade
    clock: Clock | None = None,
) -> ASGIApp:
    """A new simulated upstream. Raises `BadFault` if a fault cannot be meant."""
    world = World(seed=seed, speed=speed, credits=credits, clock=clock)
    world.faults.add(faults or ())
    return create_app(world)


def load_faults(path: Path) -> list[dict[str, Any]]:
    """Read a file of faults: a JSON list, or `[[faults]]` tables in TOML."""
    text = path.read_text(encoding="utf-8")
    found = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    if isinstance(found, dict):
        found = found.get("faults", [found] if "fault" in found else [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise BadFault(f"{path} must hold a list of faults")
    return found


class Server(uvicorn.Server):
    """A server that leaves signals to whoever runs the process, and says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    @override
    async def startup(self, *args: Any, **kwargs: Any) -> None:
        try:
            await super().startup(*args, **kwargs)
        except SystemExit as error:
            # Ending the whole process is not for a part of it to decide.
            where = f"{self.config.host}:{self.config.port}"
            raise OSError(f"could not listen on {where}") from error
        finally:
            self.up.set()

    @property
    def origin(self) -> str:
        """Where it listens, once it is up."""
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"


def build_server(app: ASGIApp, *, host: str = HOST, port: int = PORT) -> Server:
    """A server ready to `serve()` in any event loop; set `should_exit` to stop it."""
    return Server(_config(app, host, port))


@contextlib.asynccontextmanager
async def running(app: ASGIApp, *, host: str = HOST, port: int = 0) -> AsyncIterator[str]:
    """Serve for as long as the block lasts; gives the origin. Port 0 takes a free one."""
    server = build_server(app, host=host, port=port)
    serving = asyncio.create_task(server.serve())
    await server.up.wait()
    if not server.started:
        await serving
    try:
        yield server.origin
    finally:
        server.should_exit = True
        await serving


async def serve(
    host: str = HOST,
    port: int = PORT,
    *,
    seed: int = 0,
    speed: float = 1.0,
    faults_file: Path | None = None,
) -> None:
    """Serve until the process is told to stop."""
    faults = load_faults(faults_file) if faults_file is not None else None
    app = build_app(seed=seed, speed=speed, faults=faults)
    await uvicorn.Server(_config(app, host, port)).serve()


def _config(app: ASGIApp, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        backlog=2048,
    )
