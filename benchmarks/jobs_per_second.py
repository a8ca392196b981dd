"""New jobs at a steady rate: how long until each is accepted, how late its picture comes, errors, CPU.

    python benchmarks/jobs_per_second.py [--rate 200] [--seconds 60] [--database sqlite|postgresql]

A job counts as accepted with the first byte of its answer: an event stream, which the gateway begins once the
job is on the disk. That time counts from the moment at which the order was due, so that a gateway which falls
behind cannot hide it. A picture's lateness counts from when the simulated upstream had it ready to when the
caller had read the answer. Gateway, simulator, callers and PostgreSQL share this machine: the CPU time of
each is told. Exit code 1 when a job failed, or was submitted twice.
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
from orders import Seen, client, order, percentiles, set_time
from processes import DATABASES, cpu_seconds, database, free_port, peak_memory, started


async def _steady(
    http: aiohttp.ClientSession, gateway: str, options: argparse.Namespace
) -> list[Seen]:
    jobs = round(options.rate * options.seconds)
    began = time.time() + 0.5
    async with asyncio.TaskGroup() as tasks:
        running = []
        for number in range(jobs):
            due = began + number / options.rate
            await asyncio.sleep(max(0.0, due - time.time()))
            one = order(http, gateway, number, accounts=options.accounts, due=due)
            running.append(tasks.create_task(one))
    return [task.result() for task in running]


async def measure(gateway: str, simulator: str, options: argparse.Namespace) -> dict[str, Any]:
    async with client() as http:
        await set_time(http, simulator, options.job_seconds)
        seen = await _steady(http, gateway, options)
        async with http.get(f"{simulator}/_sim/ledger?brief=1") as answer:
            ledger = await answer.json()
        async with http.get(f"{simulator}/_sim/requests") as answer:
            counts = (await answer.json())["by_operation"]
    ready = {row["prompt"]: row["ready_at"] for row in ledger["submits"]}
    good = [one for one in seen if one.error is None]
    errors = [one.error for one in seen if one.error is not None]
    last = max((one.answered for one in good), default=0.0)
    return {
        "database": options.database,
        "jobs": len(seen),
        "errors": len(errors),
        "first_errors": errors[:3],
        "accepted_upstream": len(ledger["submits"]),
        "double": ledger["totals"]["double"],
        **percentiles("accepted_ms", [(one.accepted - one.due) * 1000 for one in good], digits=1),
        **percentiles("late_s", [one.answered - ready[one.prompt] for one in good], digits=2),
        "jobs_per_second": round(len(good) / (last - seen[0].due), 1),
        "upstream_requests_per_job": round(
            sum(count for name, count in counts.items() if name != "picture") / len(seen), 3
        ),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rate", type=float, default=200, help="new jobs a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--job-seconds", type=float, default=6, help="the upstream's, for each job")
    options = parser.parse_args()
    simulator, gateway = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    with (
        database(options.database) as kept,
        tempfile.TemporaryDirectory() as data,
        started("simulate", "--port", simulator.rpartition(":")[2], probe=f"{simulator}/_sim/") as upstream,
        started(
            "serve", "--port", gateway.rpartition(":")[2], probe=f"{gateway}/readyz",
            settings={
                "DATA_DIR": data, "UPSTREAM_URL": simulator, "LOG_LEVEL": "warning", **kept.settings
            },
        ) as process,
    ):  # fmt: skip
        before = {
            "gateway": cpu_seconds(process.pid),
            "simulator": cpu_seconds(upstream.pid),
            "postgresql": kept.cpu_seconds(),
            "callers": time.process_time(),
        }
        figures = asyncio.run(measure(gateway, simulator, options))
        after = {
            "gateway": cpu_seconds(process.pid),
            "simulator": cpu_seconds(upstream.pid),
            "postgresql": kept.cpu_seconds(),
            "callers": time.process_time(),
        }
        figures |= {
            f"{name}_cpu_ms_per_job": round(
                (after[name] - before[name]) * 1000 / figures["jobs"], 2
            )
            for name in after
        }
        figures["gateway_mb_peak"] = round(peak_memory(process.pid))
    print(json.dumps(figures, indent=2))
    return 1 if figures["errors"] or figures["double"] else 0


if __name__ == "__main__":
    sys.exit(main())
