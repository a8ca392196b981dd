"""Storage that is away at any moment: no order without a row, nothing lost, nothing paid twice."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import Connection

from jimeng_api.media.keeper import Keeper
from tests.answer import Answer
from tests.simulated.door import GENERATE, PICTURE, POLL
from tests.simulated.house import KEY, House, submits_sent, until

Trouble = Callable[[House], AbstractAsyncContextManager[None]]
LONG = "a cat " * 1200  # its row fits into no page that has room


# --------------------------------------------------------------------- troubles


async def pragma(house: House, text: str) -> Any:
    """Set or asked on the gateway's own connection."""
    return await said(house, f"PRAGMA {text}")


async def said(house: House, words: str) -> Any:
    def work(connection: Connection) -> Any:
        result = connection.exec_driver_sql(words)
        return result.scalar() if result.returns_rows else None

    return await house.gateway.desk._store._database.read(work)


@asynccontextmanager
async def read_only(house: House) -> AsyncIterator[None]:
    await pragma(house, "query_only = ON")
    yield
    await pragma(house, "query_only = OFF")


@asynccontextmanager
async def locked(house: House) -> AsyncIterator[None]:
    """By another process, for longer than the gateway is patient."""
    await pragma(house, "busy_timeout = 50")
    other = sqlite3.connect(house.folder / "jimeng-api.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


@asynccontextmanager
async def full(house: House) -> AsyncIterator[None]:
    await said(house, "VACUUM")  # no page is free in the file either
    pages = await pragma(house, "page_count")
    await pragma(house, f"max_page_count = {pages}")
    yield
    await pragma(house, "max_page_count = 1000000")


@pytest.fixture(params=[read_only, locked], ids=lambda trouble: trouble.__name__)
def trouble(request: pytest.FixtureRequest) -> Trouble:
    """The database can be read and takes no write."""
    found: Trouble = request.param
    return found


async def readiness(house: House) -> tuple[int, dict[str, bool]]:
    answer = await house.call("GET", "/readyz")
    return answer.status, answer.json["checks"]


def is_refused(answer: Answer) -> bool:
    """Whether it says that nothing was taken, and that the same may be sent again in a moment."""
    return (
        answer.status == 503
        and answer.error["code"] == "storage_unavailable"
        and "job_id" not in answer.error
        and int(answer.headers["retry-after"]) > 0
        and "x-should-retry" not in answer.headers
    )


# ----------------------------------------------------------------- the database


@pytest.mark.parametrize("trouble", [read_only, locked, full], ids=lambda one: one.__name__)
async def test_an_order_that_cannot_be_written_down_is_refused_and_not_sent(
    gateway: House, trouble: Trouble
) -> None:
    await gateway.upstream.time(seconds=5)
    assert await readiness(gateway) == (200, {"database": True, "media": True})
    async with trouble(gateway):
        answers = await asyncio.gather(*(gateway.generate(prompt=LONG) for _ in range(5)))
        assert all(map(is_refused, answers))
        assert await readiness(gateway) == (503, {"database": False, "media": True})
        assert (await gateway.call("GET", "/v1/jobs")).status == 200
    assert await readiness(gateway) == (200, {"database": True, "media": True})
    assert submits_sent(gateway) == 0
    assert gateway.written() == []
    assert (await gateway.generate(prompt=LONG)).status == 200
    assert await gateway.upstream.charged(KEY) == 1


async def test_a_stream_that_cannot_begin_is_refused_like_any_other_order(
    gateway: House, trouble: Trouble
) -> None:
    async with trouble(gateway):
        assert is_refused(await gateway.generate(stream=True))
    assert submits_sent(gateway) == 0


async def test_a_repeat_of_a_refused_order_is_a_first_order(
    gateway: House, trouble: Trouble
) -> None:
    await gateway.upstream.time(seconds=5)
    headers = {"idempotency-key": "order 1"}
    body = {"model": "jimeng-4.5", "prompt": "a cat", "n": 1}
    async with trouble(gateway):
        path = "/v1/images/generations"
        assert is_refused(await gateway.call("POST", path, body, headers=headers))
    again = await gateway.call("POST", path, body, headers=headers)
    assert again.status == 200
    assert await gateway.upstream.charged(KEY) == 1


async def test_however_many_wait_for_a_locked_database_none_waits_for_the_others(
    gateway: House,
) -> None:
    async with locked(gateway):
        await pragma(gateway, "busy_timeout = 300")
        began = time.monotonic()
        answers = await asyncio.gather(*(gateway.generate() for _ in range(60)))
        assert all(map(is_refused, answers))
        assert time.monotonic() - began < 6  # one by one they would take 18


async def test_a_lock_that_is_soon_given_up_is_waited_for(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    other = sqlite3.connect(gateway.folder / "jimeng-api.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    asking = asyncio.create_task(gateway.generate())
    await asyncio.sleep(0.3)
    assert not asking.done()
    assert submits_sent(gateway) == 0
    other.close()
    assert (await asking).status == 200


async def test_a_promise_is_not_sent_before_it_can_be_written_that_it_is_sent(
    gateway: House, trouble: Trouble
) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.fault("too_many_running", "generate")
    job_id = await gateway.leave()
    await until(lambda: gateway.written()[0]["attempt"] == 1)
    async with trouble(gateway):
        await gateway.clock.sleep(40)  # it is tried again after ten seconds
        assert submits_sent(gateway) == 1
        assert gateway.written()[0]["state"] == "accepted"
        assert (await gateway.job(job_id))["status"] == "queued"
    assert (await gateway.ended(job_id))["status"] == "completed"
    assert await gateway.upstream.charged(KEY) == 1


async def test_a_promise_that_could_not_be_kept_in_time_ends_unsent_and_unpaid(
    house: House, trouble: Trouble
) -> None:
    await house.start(job_seconds=120)
    await house.upstream.fault("too_many_running", "generate")
    job_id = await house.leave()
    await until(lambda: house.written()[0]["attempt"] == 1)
    async with trouble(house):
        await house.clock.sleep(250)
    job = await house.ended(job_id)
    assert (job["status"], job["error"]["charge"]) == ("failed", "none")
    assert submits_sent(house) == 1  # the one that was refused
    assert await house.upstream.charged(KEY) == 0


@pytest.mark.parametrize("seconds", [5, 300])
async def test_what_the_upstream_took_while_nothing_could_be_written_is_not_sent_again(
    gateway: House, trouble: Trouble, seconds: float
) -> None:
    await gateway.upstream.time(seconds=5)
    hold = gateway.door.hold_after(GENERATE)
    job_id = await gateway.leave()
    await hold.reached.wait()
    async with trouble(gateway):
        hold.go.set()
        await gateway.clock.sleep(seconds)
        assert gateway.written()[0]["state"] == "submitting"
        assert (await gateway.job(job_id))["status"] == "in_progress"
    assert (await gateway.ended(job_id))["status"] == "completed"
    assert submits_sent(gateway) == 1
    assert await gateway.upstream.charged(KEY) == 1


async def test_a_crash_while_nothing_could_be_written_is_no_second_order_either(
    house: House, trouble: Trouble
) -> None:
    await house.start()
    await house.upstream.time(seconds=5)
    hold = house.door.hold_after(GENERATE)
    job_id = await house.leave()
    await hold.reached.wait()
    async with trouble(house):
        hold.go.set()
        await house.clock.sleep(20)
        await house.crash()
        await house.start()
        job = await house.ended(job_id)
    assert job["status"] == "completed"
    assert submits_sent(house) == 0
    assert await house.upstream.charged(KEY) == 1


@pytest.mark.parametrize("at", [POLL, PICTURE])
async def test_a_result_that_cannot_be_written_down_is_written_later(
    gateway: House, trouble: Trouble, at: str
) -> None:
    await gateway.upstream.time(seconds=5)
    hold = gateway.door.hold_before(at)
    waiting = asyncio.create_task(gateway.generate(n=4, response_format="url"))
    await hold.reached.wait()
    async with trouble(gateway):
        hold.go.set()
        await gateway.clock.sleep(60)
        assert gateway.kept() == []
        assert not waiting.done()
    answer = await waiting
    assert answer.status == 200
    for one in answer.json["data"]:
        assert (await gateway.fetch(one["url"])).status == 200
    assert await gateway.upstream.requests("picture") == 4
    assert await gateway.upstream.charged(KEY) == 1


async def test_a_full_disk_holds_up_results_and_loses_none(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    hold = gateway.door.hold_before(PICTURE)
    jobs = [await gateway.leave(n=4, prompt=f"cat {n}") for n in range(12)]
    await hold.reached.wait()
    async with full(gateway):
        hold.go.set()
        await gateway.clock.sleep(120)
        assert any(row["state"] != "completed" for row in gateway.written())
    for job_id in jobs:
        assert len((await gateway.ended(job_id))["results"]) == 4
    assert await gateway.upstream.charged(KEY) == 12


async def test_an_outage_at_any_moment_costs_time_and_nothing_else(
    gateway: House, trouble: Trouble
) -> None:
    await gateway.upstream.time(seconds=[5, 25])
    await gateway.upstream.fault("accepted_then_reset", "generate", times=-1, probability=0.3)
    accounts = [f"{number:032x}" for number in range(1, 5)]
    jobs = [
        (await gateway.leave(account, prompt=f"cat {n}"), account)
        for n in range(4)
        for account in accounts
    ]
    for seconds in (2, 8, 3, 15, 1, 30):
        async with trouble(gateway):
            await gateway.clock.sleep(seconds)
        await gateway.clock.sleep(seconds)
    for job_id, account in jobs:
        assert (await gateway.ended(job_id, account))["status"] == "completed"
    assert submits_sent(gateway) == len(jobs)


# -------------------------------------------------------------- the media store


@asynccontextmanager
async def no_media_folder(house: House) -> AsyncIterator[None]:
    """Nothing can be written to it, whoever runs the tests."""
    folder = house.folder / "media"
    away = folder.with_name("media-away")
    folder.rename(away)
    folder.touch()
    try:
        yield
    finally:
        folder.unlink()
        away.rename(folder)


def keeper(house: House) -> Keeper:
    return house.gateway.workshop._generation._collecting._keeper


async def test_results_wait_in_hand_for_a_media_store_that_is_away(house: House) -> None:
    await house.start(job_seconds=120)
    await house.upstream.time(seconds=5)
    async with no_media_folder(house):
        job_id = await house.leave(n=4)
        await until(lambda: keeper(house).held_up)
        await house.clock.sleep(600)  # long past the job's own time
        job = await house.job(job_id)
        assert (job["status"], job["results"]) == ("in_progress", [])
        assert await readiness(house) == (503, {"database": True, "media": False})
    job = await house.ended(job_id)
    assert job["status"] == "completed"
    assert len(job["results"]) == 4
    for result in job["results"]:
        assert (await house.fetch(result["url"])).status == 200
    assert await house.upstream.requests("picture") == 4
    assert await readiness(house) == (200, {"database": True, "media": True})


async def test_results_that_waited_for_the_media_store_outlive_a_crash(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=5)
    async with no_media_folder(house):
        job_id = await house.leave()
        await until(lambda: keeper(house).held_up)
        await house.crash()
    (house.folder / "media").unlink()
    (house.folder / "media-away").rename(house.folder / "media")

    await house.start()
    assert (await house.ended(job_id))["status"] == "completed"
    assert submits_sent(house) == 0


async def test_more_results_than_are_held_in_hand_wait_their_turn(house: House) -> None:
    await house.start()
    keeper(house)._places = asyncio.Semaphore(2)
    await house.upstream.time(seconds=5)
    async with no_media_folder(house):
        jobs = [await house.leave(n=4, prompt=f"cat {n}") for n in range(3)]
        await house.clock.sleep(120)
        assert await house.upstream.requests("picture") == 2
    for job_id in jobs:
        assert len((await house.ended(job_id))["results"]) == 4
    assert await house.upstream.requests("picture") == 12


async def test_a_result_that_cannot_be_read_is_refused_and_not_ordered_again(
    gateway: House,
) -> None:
    await gateway.upstream.time(seconds=5)
    answer = await gateway.generate(response_format="url")
    (one,) = answer.json["data"]
    async with no_media_folder(gateway):
        fetched = await gateway.fetch(one["url"])
        assert (fetched.status, fetched.error["code"]) == (503, "storage_unavailable")
        again = await gateway.call("GET", f"/v1/jobs/{answer.headers['x-job-id']}")
        assert again.status == 200
    assert (await gateway.fetch(one["url"])).status == 200
