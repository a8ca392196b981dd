"""The callers of the crash tests: what they make of an order of which nobody can tell what became."""

from __future__ import annotations

import random

import aiohttp
import pytest
from aiohttp import web

from tests.crash import callers
from tests.crash.callers import Caller
from tests.crash.history import Event, Missing


async def test_an_order_that_a_living_gateway_never_read_is_given_up_and_may_be_given_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(callers, "NEXT_LIFE_SECONDS", 0.1)
    monkeypatch.setattr(callers, "UNREAD_SECONDS", 0.5)

    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def no_jobs(_: web.Request) -> web.Response:
        return web.json_response({"data": [], "has_more": False, "last_id": None})

    app = web.Application()
    app.router.add_post("/v1/images/generations", hang_up)
    app.router.add_get("/v1/jobs", no_jobs)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    told: list[Event] = []
    async with aiohttp.ClientSession() as http:
        caller = Caller(
            "a",
            "key",
            base_url=f"http://127.0.0.1:{port}",
            http=http,
            reading=http,
            tell=told.append,
        )
        taken = await caller.order(1, random.Random(1), life=lambda: 1)
    await runner.cleanup()
    assert not taken
    assert told[-1] == Missing(order=1)
