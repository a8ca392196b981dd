"""A disk that is full for a while under a real gateway: none of its files grows any more, nor its log."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.crash.harness import client
from tests.crash.processes import Gateway, Simulator
from tests.crash.upstream import Upstream

if sys.platform != "linux":
    pytest.skip("only Linux sets limits for another process", allow_module_level=True)

import resource

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with client(reused=True) as http:
        yield http


async def asked(
    http: aiohttp.ClientSession, gateway: Gateway, path: str, body: object = None
) -> tuple[int, Mapping[str, str], Any]:
    headers = {"authorization": f"Bearer {KEY}"}
    method = "GET" if body is None else "POST"
    async with http.request(
        method, f"{gateway.base_url}{path}", json=body, headers=headers
    ) as answer:
        return answer.status, answer.headers, await answer.json()


def limit(gateway: Gateway, most: int) -> None:
    """How long any file of the process may become."""
    assert gateway._process is not None
    _, hard = resource.prlimit(gateway._process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(gateway._process.pid, resource.RLIMIT_FSIZE, (most, hard))


async def test_a_full_disk_refuses_orders_holds_up_results_and_loses_nothing(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    simulator = Simulator(tmp_path, seed=1)
    await simulator.start()
    gateway = Gateway(tmp_path, upstream=simulator.origin, confirmation_seconds=60)
    order = {"model": "jimeng-3.0", "prompt": "a cat", "resolution": "1k", "n": 2}
    try:
        upstream = Upstream(simulator.origin, http)
        await upstream.prepare(job=(2, 2), answer=0.1, vanish=0)
        await gateway.start()
        await gateway.ready()
        first = asyncio.create_task(asked(http, gateway, "/v1/images/generations", order))
        async with asyncio.timeout(20):
            while not await upstream.submissions():  # noqa: ASYNC110
                await asyncio.sleep(0.05)

        limit(gateway, 0)
        for _ in range(3):
            status, headers, body = await asked(http, gateway, "/v1/images/generations", order)
            assert (status, body["error"]["code"]) == (503, "storage_unavailable")
            assert int(headers["retry-after"]) > 0
            assert "x-should-retry" not in headers
            await asyncio.sleep(1)
        assert (await asked(http, gateway, "/readyz"))[0] == 503
        assert not first.done()
        written = gateway._log.stat().st_size

        limit(gateway, resource.RLIM_INFINITY)
        status, _, body = await first
        assert (status, len(body["data"])) == (200, 2)
        async with asyncio.timeout(20):
            await gateway.ready()
        assert (await asked(http, gateway, "/v1/images/generations", order))[0] == 200
        assert len(await upstream.submissions()) == 2
        assert gateway.alive
        assert gateway._log.stat().st_size > written
    finally:
        await gateway.kill()
        await simulator.stop()
