"""`jimeng-api serve`: the gateway, with a simulator beside it where that is asked for."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from jimeng_api.cli.caller import err
from jimeng_api.cli.configuration import configured
from jimeng_api.cli.simulate import Faults, Seed, Speed

if TYPE_CHECKING:
    from socket import socket

    from jimeng_api.settings import Settings

_SIMULATOR_PORT = 5199


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port; 0 takes a free one.  [default: 5100]"),
    ] = None,
    simulate: Annotated[
        bool,
        typer.Option("--simulate", help="Start a simulated upstream and use it for every site."),
    ] = False,
    seed: Seed = 0,
    speed: Speed = 1.0,
    faults: Faults = None,
) -> None:
    """Run the gateway. --seed, --speed and --faults go to the simulator."""
    from jimeng_api.accounts.key_file import KeyFileUnusable
    from jimeng_api.cli import logs
    from jimeng_api.cli.sockets import bound
    from jimeng_api.database.ownership import DatabaseInUse
    from jimeng_api.database.schema import OtherKeyFile
    from jimeng_api.domain.errors import StorageUnavailable
    from jimeng_api.wiring import OpenToOthers

    settings = configured(host=host, port=port)
    logs.set_up(settings.log_level, settings.log_format)
    listening = bound(settings.host, settings.port)
    try:
        if simulate:
            with _simulator(seed, speed, faults) as origin:
                _run(_beside_the_real_one(settings, origin), listening)

        else:
            _run(settings, listening)
    except (KeyFileUnusable, DatabaseInUse, OtherKeyFile, OpenToOthers, OSError) as error:
        err.print(str(error), markup=False)
        raise typer.Exit(1) from None
    except StorageUnavailable as error:
        cause = getattr(error.__cause__, "orig", error.__cause__)  # what the driver itself said
        err.print(" ".join([error.message, *str(cause or "").splitlines()[:1]]), markup=False)
        raise typer.Exit(1) from None
    finally:
        listening.close()


def _beside_the_real_one(settings: Settings, origin: str) -> Settings:
    """The settings for a simulated upstream: nothing of theirs touches the jobs of a real one."""
    apart = {"database_url": None, "media_url": None, "secret_key_file": None, "secret_key": None}
    here = {"upstream_url": origin, "data_dir": settings.data_dir / "simulated", "proxies": {}}
    return settings.model_copy(update={**apart, **here})


def _run(settings: Settings, listening: socket) -> None:
    if sys.platform == "win32":
        asyncio.run(_serve(settings, listening))
    else:
        import uvloop

        uvloop.run(_serve(settings, listening))


async def _serve(settings: Settings, listening: socket) -> None:
    from jimeng_api.cli.sockets import origin_of
    from jimeng_api.web.server import build_server
    from jimeng_api.wiring import running

    async with running(settings) as gateway:
        server = build_server(gateway.app, stopping=gateway.desk.hang_up)
        # What is here now stays: the collector need not look at it again and again while requests are served.
        gc.freeze()
        err.print(f"jimeng-api at {origin_of(listening)}  (API pages: {origin_of(listening)}/docs)")
        await server.serve(sockets=[listening])


@contextmanager
def _simulator(seed: int, speed: float, faults: Faults) -> Iterator[str]:
    """A simulator in a thread with an event loop of its own; yields its origin."""
    import uvicorn

    from jimeng_api.cli.sockets import origin_of
    from jimeng_api.simulator.serve import build_app, load_faults

    app = build_app(seed=seed, speed=speed, faults=load_faults(faults) if faults else None)
    listening = _simulator_socket()
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=asyncio.run, args=(server.serve([listening]),), daemon=True)
    thread.start()
    err.print(
        f"simulated upstream at {origin_of(listening)}  (control: {origin_of(listening)}/_sim/)"
    )
    try:
        yield origin_of(listening)
    finally:
        server.should_exit = True
        thread.join(timeout=5)


def _simulator_socket() -> socket:
    """The simulator's own port if it is free, else any other."""
    from socket import create_server

    try:
        return create_server(("127.0.0.1", _SIMULATOR_PORT), backlog=2048)
    except OSError:
        return create_server(("127.0.0.1", 0), backlog=2048)
