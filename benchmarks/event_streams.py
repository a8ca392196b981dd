"""Many open event streams: signs of life on each, memory, and how soon those who leave are forgotten.

    python benchmarks/event_streams.py [--streams 2000] [--seconds 60] [--jobs 600] [--accounts 50]

A gateway, a simulator whose jobs outlast the benchmark, and this client, as three processes. `--jobs` of the
streams are chats and pictures, each with a job of its own; the others follow some of these jobs. Half of all
callers leave then, and in the end the other half. Exit code 1 when a stream missed a sign of life, when the
memory passed `MOST_MB`, or when a caller's share was not free `FREE_SECONDS` after he left.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import urlsplit

from processes import (
    connections,
    cpu_seconds,
    free_port,
    memory,
    open_files,
    peak_memory,
    started,
)
from typing_extensions import override

MOST_MB = 200.0
FREE_SECONDS = 5.0
SLACK_SECONDS = 5.0
"""A sign of life may come so much later than it should: one machine plays all three parts."""
OPENING = 50
"""Streams that are being opened at the same time."""
JOB_SECONDS = 3600
FOLLOWED = 20
_PING = b": ping\n\n"


class EventStream(asyncio.Protocol):
    """One caller who listens, and what he heard."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._head = b""
        self._tail = b""
        self.began: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None
        self.pings = 0
        self.events = 0
        self.last = 0.0
        self.longest = 0.0
        self.lost = False
        self.job = ""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    @override
    def data_received(self, data: bytes) -> None:
        if not self.began.done():
            self._head += data
            if _PING not in self._head:
                return
            head, _, data = self._head.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                self.began.set_exception(SystemExit(f"no stream: {self._head[:500]!r}"))
                return
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"x-job-id:"):
                    self.job = line.partition(b":")[2].strip().decode()
            self.began.set_result(None)
            self._head = b""
        self._hear(data)

    def _hear(self, data: bytes) -> None:
        heard = self._tail + data
        now = time.monotonic()
        if self.last and (_PING in heard or b"data: " in heard):
            self.longest = max(self.longest, now - self.last)
        self.last = now
        self.pings += heard.count(_PING)
        self.events += heard.count(b"\ndata: ") + heard.startswith(b"data: ")
        end = heard.rfind(b"\n\n")
        self._tail = heard[end + 2 :] if end >= 0 else heard[-64:]

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if not self.began.done():
            self.began.set_exception(SystemExit(f"cut off after {self._head[:500]!r}"))

    def leave(self) -> None:
        assert self.transport is not None, "it is open"
        self.transport.abort()


async def _open(
    gateway: str, method: str, path: str, session: str, body: Any = None
) -> EventStream:
    sent = b"" if body is None else json.dumps(body).encode()
    head = [
        f"{method} {path} HTTP/1.1",
        "host: gateway",
        f"authorization: Bearer {session}",
        "content-type: application/json",
        f"content-length: {len(sent)}",
    ]
    request = ("\r\n".join(head) + "\r\n\r\n").encode() + sent
    address = urlsplit(gateway)
    loop = asyncio.get_running_loop()
    _, stream = await loop.create_connection(
        lambda: EventStream(request), address.hostname or "", address.port or 0
    )
    await stream.began
    return stream


async def _drawing(gateway: str, number: int, accounts: int) -> EventStream:
    session = f"{number % accounts:032x}"
    if number % 2:
        chat = {
            "model": "jimeng-4.5",
            "stream": True,
            "messages": [{"role": "user", "content": f"picture {number}"}],
        }
        return await _open(gateway, "POST", "/v1/chat/completions", session, chat)
    picture = {"model": "jimeng-4.5", "prompt": f"picture {number}", "n": 1, "stream": True}
    return await _open(gateway, "POST", "/v1/images/generations", session, picture)


async def _opened(gateway: str, options: argparse.Namespace) -> list[EventStream]:
    places = asyncio.Semaphore(OPENING)

    async def drawing(number: int) -> EventStream:
        async with places:
            return await _drawing(gateway, number, options.accounts)

    async def following(number: int) -> EventStream:
        async with places:
            place = number % FOLLOWED
            session = f"{place % options.accounts:032x}"
            return await _open(gateway, "GET", f"/v1/jobs/{own[place].job}/events", session)

    own = await asyncio.gather(*(drawing(number) for number in range(options.jobs)))
    others = range(options.streams - options.jobs)
    return [*own, *await asyncio.gather(*(following(number) for number in others))]


async def _left(streams: Sequence[EventStream], pid: int, port: int, rest: int) -> float | None:
    """Seconds until the gateway held the connections of the rest only, after these left."""
    for stream in streams:
        stream.leave()
    began = time.monotonic()
    while time.monotonic() - began < 4 * FREE_SECONDS:
        if connections(pid, port) <= rest:
            return round(time.monotonic() - began, 2)
        await asyncio.sleep(0.05)
    return None


async def measure(gateway: str, pid: int, options: argparse.Namespace) -> dict[str, Any]:
    idle_files, port = open_files(pid), urlsplit(gateway).port or 0
    began = time.monotonic()
    streams = await _opened(gateway, options)
    opening = time.monotonic() - began
    files = open_files(pid)
    used, before = cpu_seconds(pid), [stream.pings for stream in streams]
    highest, until = 0.0, time.monotonic() + options.seconds
    while time.monotonic() < until:
        highest = max(highest, memory(pid))
        await asyncio.sleep(1)
    used = cpu_seconds(pid) - used
    heard = [stream.pings - known for stream, known in zip(streams, before, strict=True)]
    now = time.monotonic()
    gaps = [max(stream.longest, now - stream.last) for stream in streams]
    lost = sum(stream.lost for stream in streams)
    leaving, staying = streams[::2], streams[1::2]
    first = await _left(leaving, pid, port, len(staying))
    still = sum(not stream.lost for stream in staying)
    last = await _left(staying, pid, port, 0)
    return {
        "streams": len(streams),
        "own_jobs": options.jobs,
        "seconds": options.seconds,
        "opened_in_seconds": round(opening, 1),
        "lost": lost,
        "signs_of_life": sum(heard),
        "fewest_on_a_stream": min(heard),
        "events": sum(stream.events for stream in streams),
        "longest_gap_seconds": round(max(gaps), 2),
        "gateway_mb_while_open": round(highest, 1),
        "gateway_mb_peak": round(peak_memory(pid), 1),
        "gateway_cpu_percent": round(100 * used / options.seconds, 1),
        "open_files_idle": idle_files,
        "open_files_while_open": files,
        "seconds_until_half_was_free": first,
        "still_there_of_the_others": still,
        "seconds_until_all_was_free": last,
        "open_files_at_the_end": open_files(pid),
        "mb_at_the_end": round(memory(pid), 1),
    }


def _kept(figures: dict[str, Any], options: argparse.Namespace) -> bool:
    beats = int(options.seconds // options.heartbeat)
    freed = (figures["seconds_until_half_was_free"], figures["seconds_until_all_was_free"])
    return (
        figures["lost"] == 0
        and figures["fewest_on_a_stream"] >= beats - 1
        and figures["longest_gap_seconds"] <= options.heartbeat + SLACK_SECONDS
        and figures["gateway_mb_peak"] <= MOST_MB
        and figures["still_there_of_the_others"] == figures["streams"] // 2
        and all(seconds is not None and seconds <= FREE_SECONDS for seconds in freed)
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--jobs", type=int, default=600, help="streams with a job of their own")
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--heartbeat", type=float, default=15)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * options.streams + 1000), hard))
    simulator, gateway = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    with (
        tempfile.TemporaryDirectory() as data,
        started(
            "simulate", "--port", simulator.rpartition(":")[2], "--speed",
            str(15 / JOB_SECONDS), probe=f"{simulator}/_sim/",
        ),
        started(
            "serve", "--port", gateway.rpartition(":")[2], probe=f"{gateway}/readyz",
            settings={
                "DATA_DIR": data, "UPSTREAM_URL": simulator, "LOG_LEVEL": "warning",
                "HEARTBEAT_SECONDS": str(options.heartbeat),
            },
        ) as process,
    ):  # fmt: skip
        idle = memory(process.pid)
        figures = asyncio.run(measure(gateway, process.pid, options))
        figures["gateway_mb_idle"] = round(idle, 1)
    print(json.dumps(figures, indent=2))
    return 0 if _kept(figures, options) else 1


if __name__ == "__main__":
    sys.exit(main())
