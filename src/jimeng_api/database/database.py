"""The database, worked on in a thread of its own: one hop there and back for each transaction."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from jimeng_api.clock import Clock
from jimeng_api.database import schema
from jimeng_api.database.sqlite import SqliteFile
from jimeng_api.domain.errors import StorageUnavailable

Result = TypeVar("Result")
Work = Callable[[Connection], Result]


class Superseded(Exception):
    """What was to be written is no longer so: somebody else has changed it."""


class Backend(Protocol):
    """What differs between a file of our own and a server that several gateways share.

    Everything but `listen`'s thread runs in the database's thread. `claim` gives those of the accounts that
    are ours from now on, and stay it for at least `lease` seconds after the last word that was answered.
    `announce` tells the other gateways something when the transaction is committed. A connection that was
    lost is `connected` again only by `reconnect`. `try_out` finds out whether the database takes a write as
    large as a job's, and leaves nothing behind.
    """

    engine: Engine
    lease: float

    @property
    def shared(self) -> bool: ...
    def open(self) -> None: ...
    def close(self) -> None: ...
    def transaction(self) -> AbstractContextManager[Connection]: ...
    def migration(self) -> AbstractContextManager[Connection]: ...
    @property
    def connected(self) -> bool: ...
    def reconnect(self) -> None: ...
    def try_out(self, connection: Connection) -> None: ...
    def claim(self, accounts: Collection[str]) -> set[str]: ...
    def release(self, accounts: Collection[str]) -> None: ...
    def announce(self, connection: Connection, text_: str) -> None: ...
    def listen(self, heard: Callable[[str | None], None]) -> None: ...


class Database:
    """One connection, one thread.

    SQLite has one writer anyway, and a queue in order is fairer than its busy handler; on PostgreSQL the
    connection that writes must be the one that holds the locks. The work is written as plain functions of a
    connection. SQLAlchemy's asyncio layer would do the same in a dozen hops between threads for each
    transaction, and each of them costs more than the statement that it carries.

    Trouble is raised as StorageUnavailable.
    """

    def __init__(self, backend: Backend, clock: Clock, *, thread: Executor | None = None) -> None:
        """`thread` does the work in place of a thread of its own; it must do one thing after the other."""
        self.backend = backend
        self._clock = clock
        self._heard_of = 0.0
        self._thread = thread or ThreadPoolExecutor(1, thread_name_prefix="database")
        self._trying: asyncio.Future[bool] | None = None

    @classmethod
    def at(cls, url: str, clock: Clock, *, thread: Executor | None = None) -> Database:
        return cls(_backend(url), clock, thread=thread)

    @property
    def engine(self) -> Engine:
        return self.backend.engine

    async def open(self, *, key_digest: str = "") -> None:
        """Bring the tables to the newest revision. Raises DatabaseInUse, OtherKeyFile.

        `key_digest` names the key file that secrets are encrypted with.
        """
        await self.run(self.backend.open)
        if await self.read(schema.revision) != schema.REVISION:
            await self.run(lambda: self._alone(schema.bring_up))
        if key_digest:
            await self.check_key(key_digest)

    async def check_key(self, digest: str) -> None:
        """Raises OtherKeyFile where the rows were made with another one."""
        await self.alone(lambda connection: schema.check_key_file(connection, digest))

    async def alone(self, work: Work[Result]) -> Result:
        """Do the work in one transaction, while no other gateway starts or changes the tables."""
        return await self.run(lambda: self._alone(work))

    @property
    def silent_for(self) -> float:
        """Seconds since the latest question was asked that has been answered."""
        return self._clock.monotonic() - self._heard_of

    async def close(self) -> None:
        await self.run(self.backend.close)
        self._thread.shutdown(wait=False)

    async def alive(self) -> bool:
        """Whether the database takes a write at the moment: tried once for all who ask at the same time."""
        if self._trying is None or self._trying.done():
            self._trying = asyncio.ensure_future(self._takes_a_write())
        return await asyncio.shield(self._trying)

    async def _takes_a_write(self) -> bool:
        try:
            await self.write(self.backend.try_out)
        except (StorageUnavailable, Superseded):
            return False
        return True

    async def read(self, work: Work[Result]) -> Result:
        return await self.write(work)

    async def write(self, work: Work[Result]) -> Result:
        """Do the work in one transaction: all of it is on the disk when this returns, or none.

        Raises Superseded where it cannot be as things stand.
        """

        def writing() -> Result:
            with self.backend.transaction() as connection:
                return work(connection)

        return await self.run(writing)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do something in the database's thread."""

        def working() -> Result:
            asked = self._clock.monotonic()
            with _told():
                result = work()
            self._heard_of = asked
            return result

        return await asyncio.get_running_loop().run_in_executor(self._thread, working)

    def _alone(self, work: Work[Result]) -> Result:
        """In the database's thread, while no other gateway does the same: two may start at once."""
        with self.backend.migration() as connection:
            return work(connection)


def _backend(url: str) -> Backend:
    if url.startswith("sqlite:"):
        return SqliteFile(url)
    # Imported here: whoever uses SQLite needs none of it.
    from jimeng_api.database.postgresql import PostgresServer

    return PostgresServer(url)


@contextmanager
def _told() -> Iterator[None]:
    """The database's errors in our words. A value that no table takes is a defect, and stays what it is."""
    try:
        yield
    except IntegrityError as error:
        raise Superseded(type(error.orig).__name__) from error
    except DataError:
        raise
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        kind = type(error.orig if isinstance(error, DBAPIError) else error).__name__
        raise StorageUnavailable(
            f"The gateway's database does not answer at the moment ({kind}).", retry_after=5
        ) from error
