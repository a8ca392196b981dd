"""Puts the changes that wait at the same moment into one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Connection,
    Dialect,
    Insert,
    Update,
    bindparam,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.sql.elements import TextClause

from jimeng_api.clock import Clock
from jimeng_api.database.database import Database, Superseded
from jimeng_api.domain.errors import StorageUnavailable
from jimeng_api.jobs.signals import Signals
from jimeng_api.jobs.tables import jobs, pictures, submissions

Row = dict[str, Any]

_MOMENT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Rows to be written together or not at all.

    `taken_keys` are Idempotency-Keys, `ended` the jobs of which a submission has ended. `job_ids` are those
    that this changes, `work` says whether another gateway may have something to do now.
    """

    new_jobs: list[Row] = field(default_factory=list)
    new_submissions: list[Row] = field(default_factory=list)
    taken_keys: list[Row] = field(default_factory=list)
    moved_submissions: list[Row] = field(default_factory=list)
    new_pictures: list[Row] = field(default_factory=list)
    ended: list[Row] = field(default_factory=list)
    job_ids: list[str] = field(default_factory=list)
    work: bool = False


_Waiting = tuple[Change, "asyncio.Future[None]"]


class Commits:
    """Writes changes in the order in which they come; `write` returns when the change is on the disk.

    One commit costs a flush of the disk and a hop to the thread and back, whatever is in it. A thousand
    callers at once would wait for a thousand of them; so all that come while a commit is under way, and a
    moment longer, go into the next one. A lone change is written at once.
    """

    def __init__(self, database: Database, signals: Signals, clock: Clock) -> None:
        self._database = database
        self._signals = signals
        self._clock = clock
        self._statements = _Statements(database.engine.dialect, shared=database.backend.shared)
        self._waiting: list[_Waiting] = []
        self._alone: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def write(self, change: Change) -> None:
        """Raises Superseded where the change rests on what is no longer so, StorageUnavailable."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, written))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        try:
            # Shielded: a caller that is cancelled leaves its change to be written all the same.
            await asyncio.shield(written)
        except asyncio.CancelledError:
            written.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise

    def refuse_what_waits(self) -> None:
        """Those who wait are told; nothing of it is written."""
        refused = [*self._alone, *self._waiting]
        self._alone, self._waiting = [], []
        for _, written in refused:
            lost = "The gateway's connection to the database was lost."
            _tell(written, StorageUnavailable(lost, retry_after=5))

    async def close(self) -> None:
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await self._commit([change for change, _ in batch])
            except StorageUnavailable as error:
                # None of them did anything wrong, and each would wait for a locked database as long again.
                for _, written in batch:
                    _tell(written, error)
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

    async def _commit_one_by_one(self, batch: list[_Waiting]) -> None:
        """After a failed commit: what one change did wrong is not the others' loss."""
        self._alone = batch
        while self._alone:
            change, written = self._alone.pop(0)
            try:
                await self._commit([change])
            except Exception as error:  # noqa: BLE001 - handed to the one who waits for it
                _tell(written, error)
            else:
                _tell(written, None)

    async def _commit(self, changes: list[Change]) -> None:
        job_ids = [job_id for change in changes for job_id in change.job_ids]

        def apply(connection: Connection) -> None:
            self._statements.execute(connection, changes)
            work = any(change.work for change in changes)
            self._signals.announce(connection, job_ids, work=work)

        await self._database.write(apply)


class _Statements:
    """What a change means to the tables, in the order in which it is done."""

    def __init__(self, dialect: Dialect, *, shared: bool) -> None:
        def prepared(statement: Insert | Update | TextClause, *, exact: bool = False) -> _Prepared:
            return _Prepared(statement, dialect, exact=exact)

        self._shared = shared
        self._new_jobs = prepared(insert(jobs))
        self._new_submissions = prepared(insert(submissions))
        self._taken_keys = prepared(_TAKE_KEY, exact=True)
        self._moved_submissions = prepared(_MOVE, exact=True)
        self._new_pictures = prepared(insert(pictures))
        self._ended = prepared(_END)

    def execute(self, connection: Connection, changes: Iterable[Change]) -> None:
        together = Change()
        for change in changes:
            together.new_jobs.extend(change.new_jobs)
            together.new_submissions.extend(change.new_submissions)
            together.taken_keys.extend(change.taken_keys)
            together.moved_submissions.extend(change.moved_submissions)
            together.new_pictures.extend(change.new_pictures)
            together.ended.extend(change.ended)
        if self._shared and together.ended:
            # Two gateways may end the last two submissions of a job at the same moment: the second one must
            # see what the first one did.
            ids = sorted({row["of_job"] for row in together.ended})
            connection.execute(
                select(jobs.c.id)
                .where(jobs.c.id.in_(ids))
                .order_by(jobs.c.id)
                .with_for_update(key_share=True)
            ).all()
        self._new_jobs.execute(connection, together.new_jobs)
        self._new_submissions.execute(connection, together.new_submissions)
        self._taken_keys.execute(connection, together.taken_keys)
        self._moved_submissions.execute(connection, together.moved_submissions)
        self._new_pictures.execute(connection, together.new_pictures)
        self._ended.execute(connection, together.ended)


class _Prepared:
    """A statement in the words of the database, compiled once.

    SQLAlchemy goes through every value of every row again to see what it may have to convert; texts, numbers
    and bytes need nothing, and that was a third of the work of a job. An `exact` one must find every row.
    """

    def __init__(
        self, statement: Insert | Update | TextClause, dialect: Dialect, *, exact: bool
    ) -> None:
        compiled = statement.compile(dialect=dialect)
        self._text = str(compiled)
        self._order = compiled.positiontup
        self._names = tuple(compiled.params)
        self._exact = exact

    def execute(self, connection: Connection, rows: list[Row]) -> None:
        if not rows:
            return
        values: list[Any]
        if self._order is not None:
            values = [tuple(row[name] for name in self._order) for row in rows]
        else:
            values = [{name: row[name] for name in self._names} for row in rows]
        found = connection.exec_driver_sql(self._text, values)
        if self._exact and found.rowcount != len(rows):
            raise Superseded(f"{found.rowcount} of {len(rows)}")


def _tell(written: asyncio.Future[None], error: Exception | None) -> None:
    if written.done():
        return
    if error is None:
        written.set_result(None)
    else:
        written.set_exception(error)


# A submission moves only from where its mover believes it to be: whatever goes wrong elsewhere, nobody can
# send it a second time, or end it twice.
_FIXED = ("job_id", "number", "gen_count", "seed")
_MOVE = (
    update(submissions)
    .where(
        submissions.c.job_id == bindparam("of_job"),
        submissions.c.number == bindparam("of_number"),
        submissions.c.state == bindparam("was_state"),
        submissions.c.attempt == bindparam("was_attempt"),
        submissions.c.open,
    )
    .values(
        {
            column.name: bindparam(column.name)
            for column in submissions.c
            if column.name not in _FIXED
        }
    )
)

_TAKE_KEY = text(
    "INSERT INTO idempotency_keys (owner, key, job_id) VALUES (:owner, :key, :job_id) "
    "ON CONFLICT (owner, key) DO UPDATE SET job_id = excluded.job_id "
    "WHERE idempotency_keys.job_id = :freed"
)

# What `Job.moved` says of a job that one gateway has in hand, said for one that several may have: the rows
# decide.
_PARTS = "FROM submissions AS part WHERE part.job_id = jobs.id AND"
_END = text(
    f"""
    UPDATE jobs SET
      state = CASE WHEN finished_at IS NOT NULL THEN state
                   WHEN EXISTS (SELECT 1 {_PARTS} part.state = 'failed') THEN 'failed'
                   ELSE 'completed' END,
      failure = CASE WHEN finished_at IS NOT NULL THEN failure
                     ELSE (SELECT part.failure {_PARTS} part.failure IS NOT NULL
                           ORDER BY part.number LIMIT 1) END,
      sessions = CASE WHEN EXISTS (SELECT 1 {_PARTS} part.open) THEN sessions ELSE :no_sessions END,
      finished_at = coalesce(finished_at, :at)
    WHERE id = :of_job AND NOT EXISTS (SELECT 1 {_PARTS} part.state NOT IN ('completed', 'failed'))
    """  # noqa: S608 - the parts are ours
)
