"""One gateway for one SQLite file: a second one would run the same jobs again."""

from __future__ import annotations

import sqlite3
from pathlib import Path


class DatabaseInUse(Exception):
    """Another process works on this database; the message tells the operator."""


class Ownership:
    """Held from `take` to `release`, and given up by the operating system when the process dies.

    It is SQLite's own exclusive lock, on a file of its own beside the database, so that reading the database
    with other tools goes on being possible.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._connection: sqlite3.Connection | None = None

    def take(self) -> None:
        """Raises DatabaseInUse, and sqlite3.OperationalError where nothing can be written there."""
        path = self._database.with_name(f"{self._database.name}-owner")
        connection = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            connection.close()
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            raise DatabaseInUse(
                f"Another jimeng-api works on {self._database}. Stop it first, or give this one a folder of "
                "its own with JIMENG_API_DATA_DIR."
            ) from error
        self._connection = connection

    def release(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
