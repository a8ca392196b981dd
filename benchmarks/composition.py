"""A composition of ten pictures of 5 MB each: what the gateway holds meanwhile, and what its uploads take.

    python benchmarks/composition.py [--pictures 10] [--megabytes 5] [--delay 0.3]

Each upload is answered `--delay` seconds late. The upload phase is what the upstream sees of it, from the
first step of the first upload to the submission. It is set beside those of as many edits of one picture each,
one after the other. Exit code 1 when the memory grew by more than `MOST_MB`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import aiohttp
from orders import client, set_time
from PIL import Image
from processes import free_port, memory, peak_memory, started

MOST_MB = 120.0
STEPS = ("upload_token", "apply_upload", "blob", "commit_upload", "algo_proxy")


def picture(megabytes: float) -> bytes:
    """A PNG of noise, which no compression makes smaller."""
    side = math.ceil(math.sqrt(megabytes * 10**6 / 3))
    out = BytesIO()
    noise = Image.frombytes("RGB", (side, side), os.urandom(side * side * 3))
    noise.save(out, "PNG", compress_level=0)
    return out.getvalue()


async def drawn(
    http: aiohttp.ClientSession, url: str, field: str, pictures: Sequence[bytes], session: str
) -> None:
    form = aiohttp.FormData({"model": "jimeng-4.5", "prompt": "all of them", "n": "1"})
    for number, body in enumerate(pictures):
        form.add_field(field, body, filename=f"{number}.png", content_type="image/png")
    async with http.post(url, data=form, headers={"authorization": f"Bearer {session}"}) as answer:
        read = await answer.read()
    if answer.status != 200:
        raise SystemExit(f"{answer.status} {read[:500]!r}")


async def phases(http: aiohttp.ClientSession, simulator: str) -> list[float]:
    """Of each submission so far, how long its uploads took."""
    async with http.get(f"{simulator}/_sim/requests?times=1") as answer:
        seen = (await answer.json())["times"]
    found: list[float] = []
    began: float | None = None
    for one in sorted(seen, key=lambda one: float(one["at"])):
        if one["operation"] in STEPS and began is None:
            began = one["at"]
        elif one["operation"] == "generate" and began is not None:
            found.append(one["at"] - began)
            began = None
    return found


async def measure(
    gateway: str, simulator: str, pid: int, options: argparse.Namespace
) -> dict[str, Any]:
    pictures = [picture(options.megabytes) for _ in range(options.pictures)]
    late = {"fault": "delay", "on": "blob", "seconds": options.delay, "times": -1}
    async with client() as http:
        await set_time(http, simulator, 0.5)
        async with http.post(f"{simulator}/_sim/faults", json=late) as answer:
            answer.raise_for_status()
        idle = memory(pid)
        began = time.monotonic()
        await drawn(http, f"{gateway}/v1/images/compositions", "images", pictures, "0" * 32)
        took, peak = time.monotonic() - began, peak_memory(pid)
        for number, one in enumerate(pictures, 1):
            await drawn(http, f"{gateway}/v1/images/edits", "image", [one], f"{number:032x}")
        together, *alone = await phases(http, simulator)
    return {
        "pictures": len(pictures),
        "megabytes_each": round(len(pictures[0]) / 10**6, 2),
        "seconds_in_all": round(took, 2),
        "upload_seconds_side_by_side": round(together, 2),
        "upload_seconds_one_after_the_other": round(sum(alone), 2),
        "mb_idle": round(idle, 1),
        "mb_peak": round(peak, 1),
        "growth_mb": round(peak - idle, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pictures", type=int, default=10)
    parser.add_argument("--megabytes", type=float, default=5.0)
    parser.add_argument("--delay", type=float, default=0.3)
    options = parser.parse_args()
    simulator, gateway = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    with (
        tempfile.TemporaryDirectory() as data,
        started("simulate", "--port", simulator.rpartition(":")[2], probe=f"{simulator}/_sim/"),
        started(
            "serve", "--port", gateway.rpartition(":")[2], probe=f"{gateway}/readyz",
            settings={"DATA_DIR": data, "UPSTREAM_URL": simulator, "LOG_LEVEL": "warning"},
        ) as process,
    ):  # fmt: skip
        figures = asyncio.run(measure(gateway, simulator, process.pid, options))
    print(json.dumps(figures, indent=2))
    return 1 if figures["growth_mb"] > MOST_MB else 0


if __name__ == "__main__":
    sys.exit(main())
