"""The store's tests hold on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from jimeng_api.clock import SystemClock
from jimeng_api.database.postgresql import PostgresServer
from tests import postgres as servers
from tests.stores import OwnStore


@pytest.fixture(scope="session")
def one_postgresql_url(postgres: servers.PostgresServer) -> Iterator[str]:
    """One database with its tables for many tests: to make one anew for each takes a second."""
    url = postgres.fresh_database()

    async def make() -> None:
        store = OwnStore(url, SystemClock())
        await store.open()
        await store.close()

    asyncio.run(make())
    yield url
    postgres.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A database without rows: a file, and then one on a server."""
    if request.param == "postgresql":
        # Who listens takes up to a second to stop; what is heard has tests of its own.
        monkeypatch.setattr(PostgresServer, "listen", lambda self, heard: None)
        url: str = request.getfixturevalue("one_postgresql_url")
        empty(url)
        return url
    return f"sqlite:///{tmp_path / 'jobs.db'}"


def empty(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "DELETE FROM pictures; DELETE FROM submissions; DELETE FROM idempotency_keys; "
            "DELETE FROM jobs; DELETE FROM key_files; DELETE FROM issued_keys; "
            "DELETE FROM files; DELETE FROM accounts"
        )


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[OwnStore]:
    store = OwnStore(database_url, SystemClock())
    await store.open()
    yield store
    await store.close()
