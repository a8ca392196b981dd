"""Films: many in flight for minutes, and very large ones on their way in and out.

    python benchmarks/films.py [--flight] [--stream] [--minutes 10] [--megabytes 1024]

`--flight` keeps ten films upstream on each of fifty accounts, a new one for each that ends, and counts what
the upstream was asked meanwhile. A film's lateness counts from the moment at which the simulated upstream had
it ready to the moment at which the gateway had it stored. `--stream` lets films become as large as told on
their way from the simulator, four of a quarter first and then one, and has twenty callers fetch the last one
at the same time; for a while none of them takes anything. Neither means both. Exit code 1 when a bound
is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
from big_films import PATTERN, Enlarging
from orders import client, percentiles, set_time
from processes import cpu_seconds, forget_peak, free_port, memory, peak_memory, started

MOST_REQUESTS = 0.2  # a second, for an account, downloads apart
MOST_MB = 250.0
MOST_GROWTH_MB = 64.0
MOST_LATE = 60.0  # seconds; whatever is later counts as lost
SECONDS = (90.0, 180.0)  # that a film takes upstream
BODY = {"model": "jimeng-video-seedance-2.5", "size": "480p", "seconds": "4", "ratio": "16:9"}
DOWNLOADS = ("film", "picture")
IDLE_SECONDS = 3.0
CALLERS = 20


async def ordered(
    http: aiohttp.ClientSession, gateway: str, prompt: str, headers: Mapping[str, str]
) -> str:
    """The id of a new video."""
    body = {**BODY, "prompt": prompt}
    async with http.post(f"{gateway}/v1/videos", json=body, headers=headers) as answer:
        read = await answer.json()
    if answer.status != 200:
        raise SystemExit(f"{answer.status} {read}")
    return str(read["id"])


async def ended(
    http: aiohttp.ClientSession, gateway: str, video: str, headers: Mapping[str, str]
) -> dict[str, Any]:
    """The video's job as the last event on it shows it."""
    url = f"{gateway}/v1/jobs/job_{video.removeprefix('video_')}/events"
    last = b"{}"
    async with http.get(url, headers=headers) as answer:
        async for line in answer.content:
            if line.startswith(b"data: {"):
                last = line.removeprefix(b"data: ")
    found: dict[str, Any] = json.loads(last)
    return found


def key(account: int) -> dict[str, str]:
    return {"authorization": f"Bearer {account:032x}"}


# ---------------------------------------------------------------------------------------- in flight


async def fly(gateway: str, simulator: str, options: argparse.Namespace) -> dict[str, Any]:
    """Orders until the time is over; then what the simulator counted."""
    errors: list[str] = []
    numbers = iter(range(10**9))

    async def place(account: int) -> None:
        while True:
            prompt = f"film {next(numbers)}"
            job = await ended(
                http, gateway, await ordered(http, gateway, prompt, key(account)), key(account)
            )
            if job.get("status") != "completed":
                errors.append(f"{prompt}: {job}"[:300])

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
    ) as http:
        async with http.post(f"{simulator}/_sim/time", json={"seconds": SECONDS}) as answer:
            answer.raise_for_status()
        began = time.time()
        places = [
            asyncio.create_task(place(number % options.accounts))
            for number in range(options.accounts * options.each)
        ]
        done, _ = await asyncio.wait(
            places, timeout=options.minutes * 60, return_when=asyncio.FIRST_EXCEPTION
        )
        until = time.time()
        async with http.get(f"{simulator}/_sim/requests?times=1") as answer:
            asked = await answer.json()
        async with http.get(f"{simulator}/_sim/ledger?brief=1") as answer:
            ledger = await answer.json()
        for one in places:
            one.cancel()
        await asyncio.gather(*places, return_exceptions=True)
        for one in done:
            one.result()
    return {
        "began": began,
        "until": until,
        "errors": errors,
        "asked": asked,
        "ledger": ledger,
    }


def in_flight_upstream(submits: Sequence[Mapping[str, Any]], since: float, until: float) -> float:
    """How many were upstream on average."""
    held: float = sum(
        max(0.0, min(row["ready_at"], until) - max(row["at"], since)) for row in submits
    )
    return held / (until - since)


def lateness(
    submits: Sequence[Mapping[str, Any]], data: Path, until: float
) -> tuple[list[float], int]:
    """Of each film that is stored, and how many are overdue."""
    with sqlite3.connect(data / "jimeng-api.db") as database:
        ends = dict(
            database.execute(
                "SELECT submit_id, finished_at FROM submissions JOIN jobs ON jobs.id = job_id "
                "WHERE finished_at IS NOT NULL AND job_id IN (SELECT job_id FROM pictures)"
            ).fetchall()
        )
    late = [ends[row["submit_id"]] - row["ready_at"] for row in submits if row["submit_id"] in ends]
    overdue = [
        row
        for row in submits
        if row["submit_id"] not in ends and row["ready_at"] < until - MOST_LATE
    ]
    return late, len(overdue) + sum(each > MOST_LATE for each in late)


def flight(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    simulator, gateway = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    with (
        tempfile.TemporaryDirectory() as data,
        started("simulate", "--port", simulator.rpartition(":")[2], probe=f"{simulator}/_sim/"),
        started(
            "serve", "--port", gateway.rpartition(":")[2], probe=f"{gateway}/readyz",
            settings={"DATA_DIR": data, "UPSTREAM_URL": simulator, "LOG_LEVEL": "warning"},
        ) as process,
    ):  # fmt: skip
        idle = memory(process.pid)
        seen = asyncio.run(fly(gateway, simulator, options))
        peak, used = peak_memory(process.pid), cpu_seconds(process.pid)
        submits, totals = seen["ledger"]["submits"], seen["ledger"]["totals"]
        late, overdue = lateness(submits, Path(data), seen["until"])
    seconds = seen["until"] - seen["began"]
    rates = sorted(
        sum(count for name, count in counts.items() if name not in DOWNLOADS) / seconds
        for counts in seen["asked"]["by_account"].values()
    )
    by_minute: Counter[tuple[str, int]] = Counter(
        (one["account"], int((one["at"] - seen["began"]) // 60))
        for one in seen["asked"]["times"]
        if one["account"] is not None
    )
    seen_late = [row["seen_at"] - row["ready_at"] for row in submits if row["seen_at"]]
    figures = {
        "minutes": round(seconds / 60, 2),
        "accounts": len(rates),
        "films_upstream_on_average": round(in_flight_upstream(submits, seen["began"], seen["until"])),
        "films_accepted": totals["accepted"],
        "films_stored": len(late),
        "films_overdue": overdue,
        "errors": len(seen["errors"]),
        "first_errors": seen["errors"][:3],
        "double": totals["double"],
        "requests_per_second_and_account_mean": round(sum(rates) / len(rates), 4),
        "requests_per_second_and_account_max": round(rates[-1], 4),
        "requests_per_second_and_account_busiest_minute": round(max(by_minute.values()) / 60, 3),
        "by_operation": seen["asked"]["by_operation"],
        **(percentiles("late", late, digits=2) if late else {}),
        **(percentiles("seen_late", seen_late, digits=2) if seen_late else {}),
        "gateway_mb_idle": round(idle, 1),
        "gateway_mb_peak": round(peak, 1),
        "gateway_cpu_ms_per_film": round(used * 1000 / max(1, len(late)), 1),
    }  # fmt: skip
    good = not (
        figures["errors"]
        or figures["double"]
        or overdue
        or rates[-1] > MOST_REQUESTS
        or peak > MOST_MB
    )
    return figures, good


# ------------------------------------------------------------------------------------- in and out


async def fetch(http: aiohttp.ClientSession, gateway: str, films: int) -> str:
    """So many films ordered at once and waited for; the id of the last one."""

    async def one(account: int) -> str:
        video = await ordered(http, gateway, f"film {account}", key(0))
        job = await ended(http, gateway, video, key(0))
        if job.get("status") != "completed":
            raise SystemExit(f"a film was not stored: {job}")
        return video

    return (await asyncio.gather(*(one(number) for number in range(films))))[-1]


async def taken(http: aiohttp.ClientSession, url: str, size: int, rest: asyncio.Event) -> bool:
    """Begin to fetch a file and go on when told; whether all that came was right."""
    async with http.get(url, headers=key(0)) as answer:
        first = await answer.content.readexactly(1)
        await rest.wait()
        at = len(first)
        right = answer.status == 200
        async for chunk in answer.content.iter_any():
            right = right and _is_at(chunk, at, size)
            at += len(chunk)
    return right and at == size


async def part_taken(http: aiohttp.ClientSession, url: str, size: int) -> bool:
    start = size // 2 + 12_345
    named = {"range": f"bytes={start}-{start + 99_999}", **key(0)}
    async with http.get(url, headers=named) as answer:
        body = await answer.read()
    return answer.status == 206 and len(body) == 100_000 and _is_at(body, start, size)


def _is_at(chunk: bytes, at: int, size: int) -> bool:
    """Whether these bytes belong there in a film that ends in the pattern, as far as it reaches."""
    begin = max(at, size // 2)
    part = chunk[begin - at :]
    phase = (begin - size) % len(PATTERN)
    turns = math.ceil((phase + len(part)) / len(PATTERN))
    return (PATTERN * turns)[phase : phase + len(part)] == part


async def pass_through(
    gateway: str, simulator: str, front: Enlarging, pid: int, options: argparse.Namespace
) -> dict[str, Any]:
    growth: dict[str, float] = {}

    async def while_at(name: str, work: Callable[[], Any]) -> Any:
        await asyncio.sleep(IDLE_SECONDS)
        forget_peak(pid)
        before, began = memory(pid), time.monotonic()
        found = await work()
        growth[f"{name}_growth_mb"] = round(peak_memory(pid) - before, 1)
        growth[f"{name}_seconds"] = round(time.monotonic() - began, 1)
        return found

    size = options.megabytes * 2**20

    async with front.served(), client() as http:
        await set_time(http, simulator, 1.0)
        front.size = size // 4
        await fetch(http, gateway, 1)  # what is loaded once only
        await while_at("four_in", lambda: fetch(http, gateway, 4))
        front.size = size
        video = await while_at("one_in", lambda: fetch(http, gateway, 1))
        async with http.get(f"{gateway}/v1/videos/{video}", headers=key(0)) as answer:
            media = (await answer.json())["url"]
        content = f"{gateway}/v1/videos/{video}/content"

        async def stream() -> list[bool]:
            rest = asyncio.Event()
            callers = [
                asyncio.create_task(taken(http, url, size, rest))
                for url in [media, content] * (CALLERS // 2)
            ]
            await asyncio.sleep(IDLE_SECONDS)
            parts = [await part_taken(http, url, size) for url in (media, content)]
            rest.set()
            return parts + await asyncio.gather(*callers)

        right = await while_at("out", stream)
    return {
        "megabytes": options.megabytes,
        "callers": CALLERS,
        "wrong_bodies": right.count(False),
        **growth,
    }


def stream(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    simulator, front, gateway = (f"http://127.0.0.1:{free_port()}" for _ in range(3))
    with (
        tempfile.TemporaryDirectory() as data,
        started("simulate", "--port", simulator.rpartition(":")[2], probe=f"{simulator}/_sim/"),
        started(
            "serve", "--port", gateway.rpartition(":")[2], probe=f"{gateway}/readyz",
            settings={"DATA_DIR": data, "UPSTREAM_URL": front, "LOG_LEVEL": "warning"},
        ) as process,
    ):  # fmt: skip
        idle = memory(process.pid)
        between = Enlarging(simulator, port=int(front.rpartition(":")[2]))
        figures = asyncio.run(pass_through(gateway, simulator, between, process.pid, options))
    figures["gateway_mb_idle"] = round(idle, 1)
    growth = [value for name, value in figures.items() if name.endswith("_growth_mb")]
    return figures, not figures["wrong_bodies"] and max(growth) <= MOST_GROWTH_MB


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--flight", action="store_true")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--each", type=int, default=10, help="films of an account at a time")
    parser.add_argument("--megabytes", type=int, default=1024, help="of the large film")
    options = parser.parse_args()
    both = options.flight == options.stream
    good = True
    for name, measure in (("flight", flight), ("stream", stream)):
        if both or getattr(options, name):
            figures, within = measure(options)
            good = good and within
            print(json.dumps({name: figures}, indent=2), flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
