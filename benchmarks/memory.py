"""What the gateway holds while it works through many jobs: its growth after the first quarter is bounded.

    python benchmarks/memory.py [--jobs 20000] [--database sqlite|postgresql]

The jobs come in rounds of a thousand, at most `--at-once` at a time; memory and open files are read when a
round is over and nothing is left to do. Exit code 1 when the memory grew by more than `MOST_MB`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from typing import Any

import aiohttp
from orders import Seen, client, order, set_time
from processes import (
    DATABASES,
    cpu_seconds,
    database,
    free_port,
    memory,
    open_files,
    peak_memory,
    started,
)

ROUND = 1000
MOST_MB = 16.0
REST_SECONDS = 1.0


async def _one_round(
    http: aiohttp.ClientSession, gateway: str, first: int, options: argparse.Namespace
) -> list[Seen]:
    places = asyncio.Semaphore(options.at_once)

    async def in_place(number: int) -> Seen:
        async with places:
            return await order(http, gateway, number, accounts=options.accounts, due=time.time())

    return await asyncio.gather(*(in_place(number) for number in range(first, first + ROUND)))


async def measure(
    gateway: str, simulator: str, pid: int, options: argparse.Namespace
) -> dict[str, Any]:
    held: list[float] = []
    files: list[int] = []
    errors: list[str] = []
    began = time.monotonic()
    async with client() as http:
        await set_time(http, simulator, options.job_seconds)
        for first in range(0, options.jobs, ROUND):
            seen = await _one_round(http, gateway, first, options)
            errors += [one.error for one in seen if one.error is not None]
            await asyncio.sleep(REST_SECONDS)
            held.append(memory(pid))
            files.append(open_files(pid))
            print(f"{first + ROUND} jobs: {held[-1]:.1f} MB", file=sys.stderr, flush=True)
    start = max(0, len(held) // 4 - 1)
    return {
        "database": options.database,
        "jobs": options.jobs,
        "errors": len(errors),
        "first_errors": errors[:3],
        "mb_after_the_first_quarter": round(held[start], 1),
        "mb_at_the_end": round(held[-1], 1),
        "growth_mb": round(held[-1] - held[start], 1),
        "open_files_after_the_first_quarter": files[start],
        "open_files_at_the_end": files[-1],
        "seconds": round(time.monotonic() - began),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=20_000, help="a multiple of a thousand")
    parser.add_argument("--at-once", type=int, default=200)
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument(
        "--job-seconds", type=float, default=0.5, help="the upstream's, for each job"
    )
    options = parser.parse_args()
    simulator, gateway = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    with (
        database(options.database) as kept,
        tempfile.TemporaryDirectory() as data,
        started("simulate", "--port", simulator.rpartition(":")[2], probe=f"{simulator}/_sim/"),
        started(
            "serve", "--port", gateway.rpartition(":")[2], probe=f"{gateway}/readyz",
            settings={
                "DATA_DIR": data, "UPSTREAM_URL": simulator, "LOG_LEVEL": "warning", **kept.settings
            },
        ) as process,
    ):  # fmt: skip
        idle = memory(process.pid)
        figures = asyncio.run(measure(gateway, simulator, process.pid, options))
        figures |= {
            "mb_idle": round(idle, 1),
            "mb_peak": round(peak_memory(process.pid), 1),
            "gateway_cpu_ms_per_job": round(cpu_seconds(process.pid) * 1000 / options.jobs, 2),
        }
    print(json.dumps(figures, indent=2))
    return 1 if figures["growth_mb"] > MOST_MB or figures["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
