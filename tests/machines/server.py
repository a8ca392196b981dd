"""A database that several gateways share, in this process: rows in a SQLite file, locks as PostgreSQL's."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from typing_extensions import override

from jimeng_api.database.sqlite import SqliteFile

Heard = Callable[[str | None], None]


class Session:
    """What the server knows of one connection: its locks, each as often as it was taken."""

    def __init__(self) -> None:
        self.locks: Counter[str] = Counter()
        self.alive = True


class Server:
    """`away`: for everybody, without any connection being lost."""

    def __init__(self) -> None:
        self.sessions: list[Session] = []
        self.listening: list[Heard] = []
        self.away = False

    def connected(self) -> Session:
        self.sessions.append(session := Session())
        return session

    def end(self, session: Session) -> None:
        session.alive = False
        self.sessions.remove(session)

    def holders(self, account: str) -> list[Session]:
        return [session for session in self.sessions if session.locks[account]]


class ServedFile(SqliteFile):
    """One gateway's way to the server. `cut` when the gateway is dead: then it writes nothing any more."""

    def __init__(self, url: str, server: Server, *, shared: bool) -> None:
        super().__init__(url)
        self.shared = shared
        self.cut = False
        self._ownership = None  # several may have the file
        self._server = server
        self._session: Session | None = None
        self._heard: Heard | None = None
        self._said: list[str] = []

    @property
    def session(self) -> Session | None:
        return self._session

    def lose(self) -> None:
        """The server ends the connection; the gateway will see when it next says something."""
        if self._session is not None and self._session.alive:
            self._server.end(self._session)

    def die(self) -> None:
        self.cut = True
        self.lose()
        if self._heard is not None:
            self._server.listening.remove(self._heard)
            self._heard = None

    @override
    def open(self) -> None:
        self._session = self._server.connected()

    @override
    def close(self) -> None:
        self.die()
        self.engine.dispose()

    def said(self) -> None:
        """Some words to the server that mean nothing. Raises what any words would raise."""
        self._answers()

    @contextmanager
    @override
    def transaction(self) -> Iterator[Connection]:
        self._answers()
        self._said = []
        with self.engine.begin() as connection:
            yield connection
        for text in self._said:
            for heard in self._server.listening:
                heard(text)

    @property
    @override
    def connected(self) -> bool:  # type: ignore[override]
        return self._session is not None

    @override
    def reconnect(self) -> None:
        if self.cut or self._server.away:
            raise ConnectionError("no way to the server")
        if self._session is None:
            self._session = self._server.connected()

    @override
    def claim(self, accounts: Collection[str]) -> set[str]:
        session = self._answers()
        if not self.shared:
            return set(accounts)
        taken = {
            account
            for account in accounts
            if all(holder is session for holder in self._server.holders(account))
        }
        session.locks.update(taken)
        return taken

    @override
    def release(self, accounts: Collection[str]) -> None:
        locks = self._answers().locks
        locks.subtract(account for account in accounts if locks[account])

    @override
    def announce(self, connection: Connection, text: str) -> None:
        if self.shared:
            self._said.append(text)

    @override
    def listen(self, heard: Heard) -> None:
        self._heard = heard
        self._server.listening.append(heard)

    def _answers(self) -> Session:
        if self.cut or self._server.away:
            raise OperationalError("", None, sqlite3.OperationalError("no way to the server"))
        if self._session is not None and not self._session.alive:
            self._session = None
        if self._session is None:
            raise ConnectionError("the connection to the database is lost")
        return self._session
