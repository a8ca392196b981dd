"""The database, worked on in a thread of its own: one hop there and back for each transaction."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from jimeng_api.domain.errors import StorageUnavailable
from jimeng_api.jobs.ownership import Ownership

Result = TypeVar("Result")
Work = Callable[[Connection], Result]


class Database:
    """One SQLite file, one connection, one thread.

    SQLite has one writer anyway, and a queue in order is fairer than its busy handler. The work is written
    as plain functions of a connection. SQLAlchemy's asyncio layer would do the same in a dozen hops between
    threads for each transaction, and each of them costs more than the statement that it carries.

    Trouble is raised as StorageUnavailable.
    """

    def __init__(self, url: str, *, thread: Executor | None = None) -> None:
        """`thread` does the work in place of a thread of its own; it must do one thing after the other."""
        self._engine = create_engine(url, pool_size=1, max_overflow=0, pool_timeout=60)
        event.listen(self._engine, "connect", _set_up)
        self._ownership = _ownership(self._engine)
        self._thread = thread or ThreadPoolExecutor(1, thread_name_prefix="database")

    @property
    def engine(self) -> Engine:
        return self._engine

    async def open(self) -> None:
        """Take the file for this process. Raises DatabaseInUse."""
        if self._ownership is not None:
            await self._in_thread(self._ownership.take)

    async def close(self) -> None:
        await self._in_thread(self._engine.dispose)
        if self._ownership is not None:
            await self._in_thread(self._ownership.release)
        self._thread.shutdown(wait=False)

    async def read(self, work: Work[Result]) -> Result:
        def reading() -> Result:
            with self._engine.connect() as connection:
                return work(connection)

        return await self._in_thread(reading)

    async def write(self, work: Work[Result]) -> Result:
        """Do the work in one transaction: all of it is on the disk when this returns, or none."""

        def writing() -> Result:
            with self._engine.begin() as connection:
                return work(connection)

        return await self._in_thread(writing)

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            kind = type(error.orig if isinstance(error, DBAPIError) else error).__name__
            raise StorageUnavailable(
                f"The gateway's database does not answer at the moment ({kind}).", retry_after=5
            ) from error


def _ownership(engine: Engine) -> Ownership | None:
    file = engine.url.database
    return Ownership(Path(file)) if file and file != ":memory:" else None


def _set_up(connection: Any, entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # a commit is on the disk before a caller hears of it
        "foreign_keys=ON",
        "busy_timeout=10000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
