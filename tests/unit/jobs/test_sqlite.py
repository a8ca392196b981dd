"""What only a SQLite file has: one process at a time, and a revision that earlier releases left."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from jimeng_api.clock import SystemClock
from jimeng_api.database.ownership import DatabaseInUse
from jimeng_api.domain.errors import StorageUnavailable
from tests.stores import OwnStore
from tests.unit.jobs.made import a_job, a_part


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'jobs.db'}"


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[OwnStore]:
    store = OwnStore(database_url, SystemClock())
    await store.open()
    yield store
    await store.close()


async def pragma(store: OwnStore, text: str) -> object:
    return await store._database.read(
        lambda connection: connection.exec_driver_sql(f"PRAGMA {text}").scalar()
    )


async def test_a_commit_is_on_the_disk_before_anybody_hears_of_it(store: OwnStore) -> None:
    assert await pragma(store, "synchronous") == 2
    assert await pragma(store, "journal_mode") == "wal"
    assert await pragma(store, "foreign_keys") == 1


async def test_a_database_that_cannot_be_written_says_so_and_recovers(
    store: OwnStore, tmp_path: Path
) -> None:
    assert await store.database.alive()
    blocking = sqlite3.connect(tmp_path / "jobs.db", isolation_level=None)
    with closing(blocking):
        await pragma(store, "busy_timeout=50")
        blocking.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable) as caught:
            await store.accept(a_job())
        assert caught.value.retry_after
        assert not await store.database.alive()
        blocking.execute("ROLLBACK")
    await store.accept(a_job())
    assert await store.database.alive()


async def test_a_second_gateway_on_the_same_file_is_turned_away(database_url: str) -> None:
    first = OwnStore(database_url, SystemClock())
    await first.open()
    second = OwnStore(database_url, SystemClock())
    with pytest.raises(DatabaseInUse, match="Stop it first"):
        await second.open()
    await second.close()
    await first.accept(a_job())
    await first.close()
    third = OwnStore(database_url, SystemClock())
    await third.open()
    assert await third.at_work([a_part().account]) == [a_job()]
    await third.close()


async def test_a_folder_that_is_not_there_is_no_traceback() -> None:
    store = OwnStore("sqlite:////nowhere/at/all/jobs.db", SystemClock())
    with pytest.raises(StorageUnavailable):
        await store.open()
    await store.close()


async def test_a_file_of_ones_own_has_every_account(store: OwnStore) -> None:
    assert not store.claims.shared
    assert store.connected
    assert await store.claims.take(["a", "b"]) == {"a", "b"}
    assert store.claims.held == {"a", "b"}
