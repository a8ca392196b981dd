"""Jobs on disk: every step is here before the next begins."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import RowMapping, Select, event, select, text, tuple_, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from jimeng_api.clock import Clock
from jimeng_api.domain.errors import NotFound, StorageUnavailable
from jimeng_api.domain.failure import Failure
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.domain.results import Picture
from jimeng_api.jobs.commits import Change, Commits
from jimeng_api.jobs.job import Job, State, Submission, open_state
from jimeng_api.jobs.ownership import Ownership
from jimeng_api.jobs.tables import jobs, pictures, submissions

REVISION = "0001"
"""The newest migration: what the tables must be at."""


class JobStore:
    """Jobs, their submissions and their pictures in one database.

    Whoever asks for a job on behalf of a caller names its owner, so that a foreign job is not found. Trouble
    with the database is raised as StorageUnavailable.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        self._engine = _engine(url)
        self._ownership = _ownership(self._engine)
        self._commits = Commits(self._engine, clock)

    async def open(self) -> None:
        """Bring the tables to the newest revision. Raises DatabaseInUse."""
        if self._ownership is not None:
            try:
                await asyncio.to_thread(self._ownership.take)
            except (sqlite3.Error, OSError) as error:
                raise _unavailable(error) from error
        async with self._reading() as connection:
            if await connection.run_sync(_revision) == REVISION:
                return
        async with self._writing() as connection:
            if connection.dialect.name == "sqlite":
                # The driver begins a transaction by itself before a row is written, not before a table is
                # made: without this, a start that is killed here leaves some tables and no revision.
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            await connection.run_sync(_migrate)

    async def close(self) -> None:
        await self._commits.close()
        await self._engine.dispose()
        if self._ownership is not None:
            self._ownership.release()

    async def alive(self) -> bool:
        """Whether the database takes a write at the moment."""
        try:
            async with self._writing() as connection:
                await connection.execute(update(jobs).where(jobs.c.id == "").values(state=""))
        except StorageUnavailable:
            return False
        return True

    async def accept(self, job: Job) -> None:
        """Write a new job down. Once this returns, it may be promised to the caller."""
        parts = [_submission_row(part) for part in job.submissions]
        await self._write(Change(new_jobs=[_job_row(job)], new_submissions=parts))

    async def save(
        self, job: Job, moved: Submission | None = None, found: Iterable[Picture] = (), *, at: float
    ) -> None:
        """Write down in one commit where the job and its moved submission stand, and what was found."""
        await self._write(
            Change(
                ended_jobs=[{**_job_row(job), "of_job": job.id}] if job.state.ended else [],
                moved_submissions=[
                    {**_submission_row(part), "of_job": job.id, "of_number": part.number}
                    for part in ([moved] if moved else [])
                ],
                new_pictures=[{"job_id": job.id, "created_at": at, **asdict(one)} for one in found],
            )
        )

    async def _write(self, change: Change) -> None:
        try:
            await self._commits.write(change)
        except (SQLAlchemyError, OSError) as error:
            raise _unavailable(error) from error

    async def find(self, owner: str, job_id: str) -> Job:
        found = await self._jobs(select(jobs).where(jobs.c.id == job_id, jobs.c.owner == owner))
        if not found:
            raise NotFound(f"There is no job {job_id!r}.", param="job_id")
        return found[0]

    async def page(
        self, owner: str, *, after: str | None, limit: int, newest_first: bool
    ) -> list[Job]:
        """At most `limit` of the owner's jobs, those behind the job `after`."""
        place = (jobs.c.created_at, jobs.c.id)
        query = select(jobs).where(jobs.c.owner == owner).limit(limit)
        if after is not None:
            mark = await self.find(owner, after)
            edge = (mark.created_at, mark.id)
            query = query.where(tuple_(*place) < edge if newest_first else tuple_(*place) > edge)
        order = [column.desc() if newest_first else column.asc() for column in place]
        return await self._jobs(query.order_by(*order))

    async def unfinished(self) -> list[Job]:
        """Every job that has not ended, oldest first: what a restart has to go on with."""
        ended = [state.value for state in State if state.ended]
        return await self._jobs(
            select(jobs).where(jobs.c.state.not_in(ended)).order_by(jobs.c.created_at)
        )

    async def picture(self, media_id: str) -> Picture:
        query = select(pictures).where(pictures.c.media_id == media_id)
        async with self._reading() as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            raise NotFound("There is no such file.")
        return _picture(row)

    async def _jobs(self, query: Select[Any]) -> list[Job]:
        async with self._reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
            ids = [row["id"] for row in rows]
            parts = await connection.execute(
                select(submissions)
                .where(submissions.c.job_id.in_(ids))
                .order_by(submissions.c.number)
            )
            found = await connection.execute(
                select(pictures).where(pictures.c.job_id.in_(ids)).order_by(pictures.c.number)
            )
            return _assembled(rows, parts.mappings().all(), found.mappings().all())

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise _unavailable(error) from error

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.connect() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise _unavailable(error) from error


def _engine(url: str) -> AsyncEngine:
    if not url.startswith("sqlite"):
        return create_async_engine(url, pool_pre_ping=True)
    # One connection: SQLite has one writer anyway, and a queue in order is fairer than its busy handler.
    engine = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=60)
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    return engine


def _ownership(engine: AsyncEngine) -> Ownership | None:
    file = engine.url.database
    if engine.dialect.name != "sqlite" or not file or file == ":memory:":
        return None
    return Ownership(Path(file))


def _set_up_sqlite(connection: Any, entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # a commit is on the disk before a caller hears of it
        "foreign_keys=ON",
        "busy_timeout=10000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _revision(connection: Any) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _migrate(connection: Any) -> None:
    # Imported here: Alembic takes a while, and a start with up-to-date tables needs none of it.
    from jimeng_api.jobs.migrations.upgrade import upgrade

    upgrade(connection)


def _unavailable(error: Exception) -> StorageUnavailable:
    kind = type(error.orig).__name__ if isinstance(error, DBAPIError) else type(error).__name__
    return StorageUnavailable(
        f"The gateway's database does not answer at the moment ({kind}).", retry_after=5
    )


def _job_row(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": "image",
        "owner": job.owner,
        "state": job.state.value,
        "asked_model": job.asked_model,
        "request": msgspec.json.encode(job.request),
        "sessions": job.sessions,
        "created_at": job.created_at,
        "deadline": job.deadline,
        "finished_at": job.finished_at,
        "failure": _failure_row(job.failure),
    }


def _submission_row(part: Submission) -> dict[str, Any]:
    return {
        "job_id": part.job_id,
        "number": part.number,
        "submit_id": part.submit_id,
        "gen_count": part.gen_count,
        "seed": part.seed,
        "state": part.state.value,
        "attempt": part.attempt,
        "site": part.site,
        "account": part.account,
        "history_id": part.history_id,
        "digest": part.digest,
        "sent_at": part.sent_at,
        "failure": _failure_row(part.failure),
    }


def _failure_row(failure: Failure | None) -> bytes | None:
    return msgspec.json.encode(failure) if failure else None


def _assembled(
    rows: Iterable[RowMapping],
    parts: Iterable[RowMapping],
    found: Iterable[RowMapping],
) -> list[Job]:
    parts_of: dict[str, list[Submission]] = defaultdict(list)
    for part in parts:
        parts_of[part["job_id"]].append(_submission(part))
    pictures_of: dict[str, list[Picture]] = defaultdict(list)
    for picture in found:
        pictures_of[picture["job_id"]].append(_picture(picture))
    return [_job(row, parts_of[row["id"]], pictures_of[row["id"]]) for row in rows]


def _job(row: RowMapping, parts: list[Submission], found: list[Picture]) -> Job:
    state = State(row["state"])
    return Job(
        id=row["id"],
        owner=row["owner"],
        asked_model=row["asked_model"],
        request=msgspec.json.decode(row["request"], type=ImageRequest),
        created_at=row["created_at"],
        deadline=row["deadline"],
        sessions=row["sessions"],
        state=state if state.ended else open_state(parts),
        finished_at=row["finished_at"],
        failure=_failure(row["failure"]),
        submissions=tuple(parts),
        pictures=tuple(found),
    )


def _submission(row: RowMapping) -> Submission:
    values = dict(row)
    state, failure = State(values.pop("state")), _failure(values.pop("failure"))
    return Submission(**values, state=state, failure=failure)


def _picture(row: RowMapping) -> Picture:
    return Picture(**{name: row[name] for name in _PICTURE_FIELDS})


def _failure(row: bytes | None) -> Failure | None:
    return msgspec.json.decode(row, type=Failure) if row else None


_PICTURE_FIELDS = tuple(field.name for field in fields(Picture))
