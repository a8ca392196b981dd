"""Many blocking image requests at once: errors, upstream requests per job, lateness, memory.

    python benchmarks/concurrent_images.py [--requests 1000] [--accounts 50] [--seconds 10] [-n 1]

Gateway, simulator and this client are three processes on one machine, so the figures are those of a machine
that also plays upstream and callers. An answer's lateness counts from the moment at which the simulated
upstream had the pictures ready to the moment at which the caller had read the answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from typing import Any

import aiohttp
from processes import cpu_seconds, free_port, peak_memory, started


async def measure(gateway: str, simulator: str, options: argparse.Namespace) -> dict[str, Any]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=300)
    ) as http:
        async with http.post(f"{simulator}/_sim/time", json={"seconds": options.seconds}) as answer:
            answer.raise_for_status()

        answered: dict[str, float] = {}
        errors: list[str] = []

        async def one(number: int) -> None:
            session = f"{number % options.accounts:032x}"
            body = {"model": "jimeng-4.5", "prompt": f"picture {number}", "n": options.n}
            url = f"{gateway}/v1/images/generations"
            async with http.post(
                url, json=body, headers={"authorization": f"Bearer {session}"}
            ) as answer:
                read = await answer.json()
            answered[body["prompt"]] = time.time()
            if answer.status != 200 or len(read["data"]) != options.n:
                errors.append(f"{answer.status} {read}")

        began = time.time()
        await asyncio.gather(*(one(number) for number in range(options.requests)))
        took = time.time() - began
        async with http.get(f"{simulator}/_sim/ledger?brief=1") as answer:
            ledger = await answer.json()
        async with http.get(f"{simulator}/_sim/requests") as answer:
            counts = (await answer.json())["by_operation"]

    late = sorted(answered[row["prompt"]] - row["ready_at"] for row in ledger["submits"])
    asked = sum(count for operation, count in counts.items() if operation != "picture")
    return {
        "requests": options.requests,
        "errors": len(errors),
        "first_errors": errors[:3],
        "accepted_upstream": len(ledger["submits"]),
        "double": ledger["totals"]["double"],
        "seconds": round(took, 2),
        "upstream_requests_per_job": round(asked / options.requests, 3),
        "late_p50": round(statistics.median(late), 3),
        "late_p90": round(late[int(len(late) * 0.9)], 3),
        "late_max": round(late[-1], 3),
        "by_operation": counts,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("-n", type=int, default=1)
    options = parser.parse_args()
    simulator, gateway = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    with (
        tempfile.TemporaryDirectory() as data,
        started("simulate", "--port", simulator.rpartition(":")[2], probe=f"{simulator}/_sim/") as upstream,
        started(
            "serve", "--port", gateway.rpartition(":")[2], probe=f"{gateway}/readyz",
            settings={"DATA_DIR": data, "UPSTREAM_URL": simulator, "LOG_LEVEL": "warning"},
        ) as process,
    ):  # fmt: skip
        idle = peak_memory(process.pid)
        figures = asyncio.run(measure(gateway, simulator, options))
        figures |= {
            "gateway_mb_idle": round(idle),
            "gateway_mb_peak": round(peak_memory(process.pid)),
            "gateway_cpu_ms_per_job": round(cpu_seconds(process.pid) * 1000 / options.requests, 2),
            "simulator_cpu_ms_per_job": round(
                cpu_seconds(upstream.pid) * 1000 / options.requests, 2
            ),
        }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
