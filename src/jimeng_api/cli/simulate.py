"""`jimeng-api simulate`: the upstream simulator alone, on one origin."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jimeng_api.cli.caller import err

Seed = Annotated[int, typer.Option(help="The same seed and requests give the same answers.")]
Speed = Annotated[
    float, typer.Option(min=0.001, help="How many times faster than life jobs are done.")
]
Faults = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="JSON or TOML file of faults to queue."),
]


def simulate(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 5199,
    seed: Seed = 0,
    speed: Speed = 1.0,
    faults: Faults = None,
) -> None:
    """Stand in for the upstream: all its sites on one origin, with control routes under /_sim/."""
    import uvicorn

    from jimeng_api.cli.sockets import bound, origin_of
    from jimeng_api.simulator.serve import build_app, load_faults

    app = build_app(seed=seed, speed=speed, faults=load_faults(faults) if faults else None)
    socket = bound(host, port)
    err.print(f"simulated upstream at {origin_of(socket)}  (control: {origin_of(socket)}/_sim/)")
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=2)
    uvicorn.Server(config).run(sockets=[socket])
