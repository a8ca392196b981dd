"""Puts the changes that wait at the same moment into one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Update, bindparam, insert, update

from jimeng_api.clock import Clock
from jimeng_api.jobs.database import Database
from jimeng_api.jobs.tables import jobs, pictures, submissions

Row = dict[str, Any]

_MOMENT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Rows to be written together or not at all."""

    new_jobs: list[Row] = field(default_factory=list)
    new_submissions: list[Row] = field(default_factory=list)
    ended_jobs: list[Row] = field(default_factory=list)
    moved_submissions: list[Row] = field(default_factory=list)
    new_pictures: list[Row] = field(default_factory=list)


class Commits:
    """Writes changes in the order in which they come; `write` returns when the change is on the disk.

    One commit costs a flush of the disk and a hop to the thread and back, whatever is in it. A thousand
    callers at once would wait for a thousand of them; so all that come while a commit is under way, and a
    moment longer, go into the next one. A lone change is written at once.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        dialect = database.engine.dialect
        self._statements = [_Prepared(statement, dialect) for statement in _STATEMENTS]
        self._waiting: list[tuple[Change, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def write(self, change: Change) -> None:
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, written))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        # Shielded: a caller that is cancelled leaves its change to be written all the same.
        await asyncio.shield(written)

    async def close(self) -> None:
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await self._commit(change for change, _ in batch)
            except Exception as error:  # noqa: BLE001 - each waiter is told, or tries alone
                if len(batch) == 1:
                    _tell(batch[0][1], error)
                else:
                    await self._commit_one_by_one(batch)
            else:
                for _, written in batch:
                    _tell(written, None)
            if self._waiting:
                await self._clock.sleep(_MOMENT)

    async def _commit_one_by_one(self, batch: list[tuple[Change, asyncio.Future[None]]]) -> None:
        """After a failed commit: what one change did wrong is not the others' loss."""
        for change, written in batch:
            try:
                await self._commit([change])
            except Exception as error:  # noqa: BLE001 - handed to the one who waits for it
                _tell(written, error)
            else:
                _tell(written, None)

    async def _commit(self, changes: Iterable[Change]) -> None:
        together = Change()
        for change in changes:
            for rows, more in zip(_lists(together), _lists(change), strict=True):
                rows.extend(more)

        def apply(connection: Connection) -> None:
            for statement, rows in zip(self._statements, _lists(together), strict=True):
                if rows:
                    statement.execute(connection, rows)

        await self._database.write(apply)


class _Prepared:
    """A statement in the words of the database, compiled once.

    SQLAlchemy goes through every value of every row again to see what it may have to convert; texts, numbers
    and bytes need nothing, and that was a third of the work of a job.
    """

    def __init__(self, statement: Insert | Update, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._text = str(compiled)
        self._order = tuple(compiled.positiontup or ())

    def execute(self, connection: Connection, rows: list[Row]) -> None:
        values = [tuple(row[name] for name in self._order) for row in rows]
        connection.exec_driver_sql(self._text, values)


def _lists(change: Change) -> tuple[list[Row], ...]:
    return (
        change.new_jobs,
        change.new_submissions,
        change.ended_jobs,
        change.moved_submissions,
        change.new_pictures,
    )


def _tell(written: asyncio.Future[None], error: Exception | None) -> None:
    if written.done():
        return
    if error is None:
        written.set_result(None)
    else:
        written.set_exception(error)


_ENDING = ("state", "sessions", "finished_at", "failure")
_FIXED = ("job_id", "number", "gen_count", "seed")
_STATEMENTS = (
    insert(jobs),
    insert(submissions),
    update(jobs)
    .where(jobs.c.id == bindparam("of_job"))
    .values({name: bindparam(name) for name in _ENDING}),
    update(submissions)
    .where(
        submissions.c.job_id == bindparam("of_job"), submissions.c.number == bindparam("of_number")
    )
    .values(
        {
            column.name: bindparam(column.name)
            for column in submissions.c
            if column.name not in _FIXED
        }
    ),
    insert(pictures),
)
