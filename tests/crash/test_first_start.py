"""The very first start is killed while the gateway makes its tables."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import psycopg
import pytest

from tests.crash.processes import Gateway

UPSTREAM = "http://127.0.0.1:9"  # nobody listens there


@pytest.mark.parametrize("written_bytes", [20_000, 36_000])
async def test_a_gateway_that_was_killed_while_it_made_its_tables_starts_again(
    tmp_path: Path, written_bytes: int
) -> None:
    gateway = Gateway(tmp_path, upstream=UPSTREAM, confirmation_seconds=4)
    try:
        async with asyncio.timeout(60):
            await gateway.start()
            await gateway.wrote(written_bytes)
            await gateway.kill()
            await gateway.start()
            await gateway.ready()
    finally:
        await gateway.kill()


@pytest.mark.parametrize("table", ["jobs", "submissions"])
async def test_tables_in_postgresql_are_made_by_the_next_start_when_the_first_is_killed(
    tmp_path: Path, postgresql_url: str, table: str
) -> None:
    gateway = Gateway(tmp_path, upstream=UPSTREAM, confirmation_seconds=4, database=postgresql_url)
    try:
        async with asyncio.timeout(60):
            # A table of that name, which is never committed, holds the gateway up at its own.
            with psycopg.connect(postgresql_url) as other:
                other.execute(f"CREATE TABLE {table} (id text)")
                await gateway.start()
                await asyncio.to_thread(_until_somebody_waits, postgresql_url)
                await gateway.kill()
                other.rollback()
            await gateway.start()
            await gateway.ready()
    finally:
        await gateway.kill()


def _until_somebody_waits(database: str) -> None:
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with psycopg.connect(database, autocommit=True) as connection:
        until = time.monotonic() + 50
        while time.monotonic() < until:
            if connection.execute(waiting).fetchone() != (0,):
                return
            time.sleep(0.02)
    raise TimeoutError("the gateway was not held up")
