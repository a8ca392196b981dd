"""A SQLite file as the database: one process, one connection."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, delete, event, insert
from sqlalchemy.pool import ConnectionPoolEntry

from jimeng_api.database.ownership import Ownership
from jimeng_api.database.tables import key_files

_TRIED_BYTES = 8_192


class SqliteFile:
    """Whoever has the file has every account: there is nobody to share with, and nothing to be told."""

    shared = False
    lease = math.inf
    connected = True

    def __init__(self, url: str) -> None:
        self.engine: Engine = create_engine(url, pool_size=1, max_overflow=0, pool_timeout=60)
        event.listen(self.engine, "connect", _set_up)
        file = self.engine.url.database
        self._file = Path(file) if file and file != ":memory:" else None
        self._ownership: Ownership | None = None

    def open(self) -> None:
        """Take the file for this process. Raises DatabaseInUse."""
        if self._file is not None:
            # SQLite would open it for reading alone, and hold on to that even when it could be written later.
            if self._file.exists() and not os.access(self._file, os.W_OK):
                raise PermissionError(f"{self._file} cannot be written.")
            self._ownership = Ownership(self._file)
            self._ownership.take()

    def close(self) -> None:
        self.engine.dispose()
        if self._ownership is not None:
            self._ownership.release()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def migration(self) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            # The driver begins a transaction by itself before a row is written, not before a table is made:
            # without this, a start that is killed here leaves some tables and no revision.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def reconnect(self) -> None:
        pass

    def try_out(self, connection: Connection) -> None:
        # Pages, more than a job takes: a full disk has room for small changes for a long time.
        row = {"digest": "0" * _TRIED_BYTES}
        connection.execute(insert(key_files).values(row))
        connection.execute(delete(key_files).where(key_files.c.digest == row["digest"]))

    def claim(self, accounts: Collection[str]) -> set[str]:
        return set(accounts)

    def release(self, accounts: Collection[str]) -> None:
        pass

    def announce(self, connection: Connection, text: str) -> None:
        pass

    def listen(self, heard: Callable[[str | None], None]) -> None:
        pass


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
