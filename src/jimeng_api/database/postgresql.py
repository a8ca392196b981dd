"""A PostgreSQL server as the database: several gateways share its accounts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, create_engine, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from jimeng_api.database.tables import key_files

log = structlog.get_logger()

LEASE_SECONDS = 15
"""How long the server lets a gateway be silent before it takes the accounts from it."""

_CHANNEL = "jimeng_api"
_MIGRATION = 0x6A696D656E67  # the advisory lock under which the tables are changed

# A gateway that is stopped, or cut off, cannot give up its locks: the server ends its session, in whatever
# state it is. The gateway itself says something every second.
_CONNECT = {
    "connect_timeout": 10,
    "application_name": "jimeng-api",
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": LEASE_SECONDS * 1000,
}
_LEASE = {
    "idle_session_timeout": f"{LEASE_SECONDS}s",
    "idle_in_transaction_session_timeout": f"{LEASE_SECONDS}s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": f"{LEASE_SECONDS}s",
    "statement_timeout": "30s",
    "synchronous_commit": "on",
    # Each statement must see what the one that it waited for has done; a server may be set to another usual.
    "default_transaction_isolation": "read committed",
}


class PostgresServer:
    """One connection does everything: it holds the locks of the accounts and writes what happens on them.

    So a gateway that has lost its locks has lost the means to write as well. It gets neither back by itself:
    only `reconnect` makes a new connection, once everything that leaned on the old one has ended.
    """

    shared = True
    lease: float = LEASE_SECONDS

    def __init__(self, url: str) -> None:
        """`url` as `postgresql://user:password@host:port/name`."""
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        self.engine: Engine = create_engine(
            parsed,
            poolclass=NullPool,
            connect_args=_CONNECT,
        )
        self._connection: Connection | None = None
        self._ear: _Ear | None = None

    def open(self) -> None:
        self._connect()

    def close(self) -> None:
        if self._ear is not None:
            self._ear.close()
        self._drop()
        self.engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        connection = self._connection
        if connection is None:
            raise ConnectionError("the connection to the database is lost")
        try:
            with connection.begin():
                yield connection
        except Exception:
            if connection.invalidated or connection.closed:
                self._drop()
            raise

    @contextmanager
    def migration(self) -> Iterator[Connection]:
        with self.transaction() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION})
            yield connection

    @property
    def connected(self) -> bool:
        return self._connection is not None

    def reconnect(self) -> None:
        """A new connection in place of a lost one, without any lock."""
        if self._connection is None:
            self._connect()

    def try_out(self, connection: Connection) -> None:
        connection.execute(update(key_files).where(key_files.c.digest == "").values(digest=""))

    def claim(self, accounts: Collection[str]) -> set[str]:
        """Those of the accounts that nobody else works on; they are ours from now on.

        None of them may be ours already: such a lock counts how often it was taken.
        """
        query = text(
            "SELECT account, pg_try_advisory_lock(key) "
            "FROM unnest(CAST(:accounts AS text[]), CAST(:keys AS bigint[])) AS wanted(account, key)"
        )
        names = list(accounts)
        with self.transaction() as connection:
            found = connection.execute(query, {"accounts": names, "keys": [*map(_lock, names)]})
            return {account for account, taken in found if taken}

    def release(self, accounts: Collection[str]) -> None:
        query = text("SELECT pg_advisory_unlock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")
        with self.transaction() as connection:
            connection.execute(query, {"keys": [*map(_lock, accounts)]})

    def announce(self, connection: Connection, text_: str) -> None:
        """Tell the other gateways, when this transaction is committed. At most 8,000 bytes."""
        connection.execute(
            text("SELECT pg_notify(:channel, :text)"), {"channel": _CHANNEL, "text": text_}
        )

    def listen(self, heard: Callable[[str | None], None]) -> None:
        """From now on call `heard`, in a thread, with what others announce.

        With None when something may have been missed.
        """
        self._ear = _Ear(self.engine, heard)

    def _connect(self) -> None:
        connection = self.engine.connect()
        for name, value in _LEASE.items():
            connection.execute(
                text("SELECT set_config(:name, :value, false)"), {"name": name, "value": value}
            )
        connection.commit()
        self._connection = connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.invalidate()
            with suppress(Exception):
                connection.close()


def others(connection: Connection) -> int:
    """How many other connections of gateways the database has."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = :name "
        "AND datname = current_database() AND pid <> pg_backend_pid()"
    )
    found: int = connection.execute(query, {"name": _CONNECT["application_name"]}).scalar_one()
    return found


class _Ear:
    """A connection of its own that listens, in a thread of its own."""

    def __init__(self, engine: Engine, heard: Callable[[str | None], None]) -> None:
        self._engine = engine
        self._heard = heard
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join(timeout=3)

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._listen()
            except Exception as error:  # noqa: BLE001 - whatever it was, the next connection may do better
                log.warning("listening_broke", reason=type(error).__name__)
                self._closed.wait(2)

    def _listen(self) -> None:
        with self._engine.connect() as connection:
            try:
                self._hear(connection.connection.driver_connection)
            except Exception:
                connection.invalidate()  # or SQLAlchemy would try to roll back on it
                self._heard(None)  # the connection that holds the locks may have gone with it
                raise

    def _hear(self, raw: Any) -> None:
        raw.autocommit = True
        raw.execute(f"LISTEN {_CHANNEL}")
        self._heard(None)
        while not self._closed.is_set():
            for notice in raw.notifies(timeout=1.0):
                self._heard(notice.payload)
            raw.execute("SELECT 1")  # notices a server that has gone


def _lock(account: str) -> int:
    """The number of an account's lock: the head of its digest, as PostgreSQL's signed 64 bits."""
    return int.from_bytes(bytes.fromhex(account[:16].ljust(16, "0")), signed=True)
