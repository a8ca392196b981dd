"""A PostgreSQL server that goes away under running jobs: the gateway goes on by itself and pays once."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.rows import dict_row
from typing_extensions import override

from tests.postgres import PostgresServer
from tests.simulated.door import GENERATE, PICTURE, POLL
from tests.simulated.house import KEY, Counted, House, submits_sent, until

SPEED = 100.0


class PostgresHouse(House):
    """The same house on a server."""

    def __init__(self, folder: Path, server: PostgresServer, url: str) -> None:
        super().__init__(folder, speed=SPEED)
        self.server = server
        self.url = url

    @override
    async def start(self, **settings: Any) -> None:
        await super().start(database_url=self.url, **settings)

    @override
    def _rows(self, query: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            return connection.execute(query).fetchall()

    def locks(self) -> int:
        """How many accounts are claimed."""
        (found,) = self._rows(
            "SELECT count(*) AS many FROM pg_locks JOIN pg_database ON pg_database.oid = database "
            "WHERE datname = current_database() AND locktype = 'advisory'"
        )
        return int(found["many"])

    def terminate(self) -> None:
        """End every connection to the database, as a restart of the server does."""
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [self._name],
            )

    @contextmanager
    def away(self) -> Iterator[None]:
        """The database ends all connections and takes none."""
        self._open_to_all("false")
        self.terminate()
        try:
            yield
        finally:
            self._open_to_all("true")

    def _open_to_all(self, whether: str) -> None:
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(
                "UPDATE pg_database SET datallowconn = %s WHERE datname = %s", [whether, self._name]
            )

    @property
    def _name(self) -> str:
        return urlsplit(self.url).path.removeprefix("/")


@pytest.fixture
async def house(
    tmp_path: Path,
    fresh_data: Path,
    counted: Counted,
    postgres: PostgresServer,
    postgresql_url: str,
) -> AsyncIterator[PostgresHouse]:
    folder = tmp_path / "data"
    await asyncio.to_thread(shutil.copytree, fresh_data, folder)
    house = PostgresHouse(folder, postgres, postgresql_url)
    await house.start()
    try:
        yield house
    finally:
        await house.close(counted)


async def is_back(house: House) -> None:
    async with asyncio.timeout(20):
        while (await house.call("GET", "/readyz")).status != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("at", [GENERATE, POLL, PICTURE])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_connections_that_are_ended_at_any_step_cost_nothing_twice(
    house: PostgresHouse, at: str, *, after: bool
) -> None:
    await house.upstream.time(seconds=5)
    hold = house.door.hold_after(at) if after else house.door.hold_before(at)
    waiting = asyncio.create_task(house.generate(n=4, response_format="url"))
    await hold.reached.wait()
    house.terminate()
    hold.go.set()
    answer = await waiting
    if at == GENERATE and not after:
        # It was given up on its way out, and nobody can know that it never arrived.
        assert answer.status in (200, 502)
    else:
        assert answer.status == 200
        assert len(answer.json["data"]) == 4
    assert submits_sent(house) <= 1


async def test_what_the_gateway_works_on_is_its_own_again_afterwards(house: PostgresHouse) -> None:
    await house.upstream.time(seconds=300)
    jobs = [(await house.leave(account), account) for account in (KEY, "f" * 32)]
    await until(lambda: all(row["state"] == "running" for row in house.written()))
    assert house.locks() == 2
    house.terminate()
    await until(lambda: house.locks() == 2)
    assert submits_sent(house) == 2
    await house.upstream.time(seconds=5)
    for job_id, account in jobs:
        assert (await house.ended(job_id, account))["status"] == "completed"


async def test_a_server_that_is_away_refuses_orders_and_recovers_by_itself(
    house: PostgresHouse,
) -> None:
    await house.upstream.time(seconds=5)
    with house.away():
        for _ in range(3):
            answer = await house.generate()
            assert (answer.status, answer.error["code"]) == (503, "storage_unavailable")
            assert "x-should-retry" not in answer.headers
            assert int(answer.headers["retry-after"]) > 0
            await house.clock.sleep(30)
        assert (await house.call("GET", "/readyz")).status == 503
    await is_back(house)
    assert submits_sent(house) == 0
    assert (await house.generate()).status == 200
    assert await house.upstream.charged(KEY) == 1


@pytest.mark.parametrize("seconds", [5, 100])
async def test_jobs_go_on_by_themselves_when_the_server_is_back(
    house: PostgresHouse, seconds: float
) -> None:
    await house.upstream.time(seconds=300)
    accounts = [f"{number:032x}" for number in range(1, 4)]
    jobs = [
        (await house.leave(account, prompt=f"cat {n}"), account)
        for n in range(3)
        for account in accounts
    ]
    await until(lambda: all(row["state"] == "running" for row in house.written()))
    await house.upstream.time(seconds=5)
    with house.away():
        await house.clock.sleep(seconds)
    for job_id, account in jobs:
        assert (await house.ended(job_id, account))["status"] == "completed"
    assert submits_sent(house) == len(jobs)


async def test_who_waits_for_a_result_hears_of_it_across_a_restart_of_the_server(
    house: PostgresHouse,
) -> None:
    await house.upstream.time(seconds=100)
    waiting = [asyncio.create_task(house.generate(stream=stream)) for stream in (False, True)]
    await until(lambda: [row["state"] for row in house.written()] == ["running", "running"])
    with house.away():
        await house.clock.sleep(10)
    plain, streamed = await asyncio.gather(*waiting)
    assert plain.status == 200
    assert [event["type"] for event in streamed.events] == ["image_generation.completed"]


async def test_connections_ended_again_and_again_lose_nothing(house: PostgresHouse) -> None:
    await house.upstream.time(seconds=[5, 25])
    await house.upstream.fault("accepted_then_reset", "generate", times=-1, probability=0.3)
    accounts = [f"{number:032x}" for number in range(1, 5)]
    placing = [
        asyncio.create_task(placed(house, account, f"cat {n}"))
        for n in range(4)
        for account in accounts
    ]
    for _ in range(12):
        await house.clock.sleep(house.clock.uniform(1, 12))
        house.terminate()
    jobs = [one for one in await asyncio.gather(*placing) if one is not None]
    assert jobs
    ended = [await house.ended(job_id, account) for job_id, account in jobs]
    # What was on its way out when a connection broke may never have arrived, and is not sent again.
    codes = {job["error"]["code"] for job in ended if job["status"] == "failed"}
    assert codes <= {"submission_unconfirmed"}
    ledger = await house.upstream.ledger()
    assert ledger["totals"]["double"] == 0


async def placed(house: House, account: str, prompt: str) -> tuple[str, str] | None:
    """A job of this account, if the order was taken."""
    for _ in range(20):
        try:
            return await house.leave(account, prompt=prompt), account
        except AssertionError:
            await house.clock.sleep(3)
    return None
