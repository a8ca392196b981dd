"""Jobs on disk: every step is here before the next begins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import asdict, fields
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, Select, inspect, select, text, tuple_, update

from jimeng_api.clock import Clock
from jimeng_api.domain.errors import NotFound, StorageUnavailable
from jimeng_api.domain.failure import Failure
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.domain.results import Picture
from jimeng_api.jobs.commits import Change, Commits
from jimeng_api.jobs.database import Database
from jimeng_api.jobs.job import Job, State, Submission, open_state
from jimeng_api.jobs.tables import jobs, pictures, submissions

REVISION = "0001"
"""The newest migration: what the tables must be at."""


class JobStore:
    """Jobs, their submissions and their pictures in one database.

    Whoever asks for a job on behalf of a caller names its owner, so that a foreign job is not found. Trouble
    with the database is raised as StorageUnavailable.
    """

    def __init__(self, url: str, clock: Clock, *, thread: Executor | None = None) -> None:
        self._database = Database(url, thread=thread)
        self._commits = Commits(self._database, clock)

    async def open(self) -> None:
        """Bring the tables to the newest revision. Raises DatabaseInUse."""
        await self._database.open()
        if await self._database.read(_revision) != REVISION:
            await self._database.write(_migrate)

    async def close(self) -> None:
        await self._commits.close()
        await self._database.close()

    async def alive(self) -> bool:
        """Whether the database takes a write at the moment."""
        nothing = update(jobs).where(jobs.c.id == "").values(state="")
        try:
            await self._database.write(lambda connection: connection.execute(nothing).close())
        except StorageUnavailable:
            return False
        return True

    async def accept(self, job: Job) -> None:
        """Write a new job down. Once this returns, it may be promised to the caller."""
        parts = [_submission_row(part) for part in job.submissions]
        await self._commits.write(Change(new_jobs=[_job_row(job)], new_submissions=parts))

    async def save(
        self, job: Job, moved: Submission | None = None, found: Iterable[Picture] = (), *, at: float
    ) -> None:
        """Write down in one commit where the job and its moved submission stand, and what was found."""
        await self._commits.write(
            Change(
                ended_jobs=[{**_job_row(job), "of_job": job.id}] if job.state.ended else [],
                moved_submissions=[
                    {**_submission_row(part), "of_job": job.id, "of_number": part.number}
                    for part in ([moved] if moved else [])
                ],
                new_pictures=[{"job_id": job.id, "created_at": at, **asdict(one)} for one in found],
            )
        )

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
        row = await self._database.read(
            lambda connection: connection.execute(query).mappings().first()
        )
        if row is None:
            raise NotFound("There is no such file.")
        return _picture(row)

    async def _jobs(self, query: Select[Any]) -> list[Job]:
        return await self._database.read(lambda connection: _assembled(connection, query))


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _migrate(connection: Connection) -> None:
    # Imported here: Alembic takes a while, and a start with up-to-date tables needs none of it.
    from jimeng_api.jobs.migrations.upgrade import upgrade

    # The driver begins a transaction by itself before a row is written, not before a table is made: without
    # this, a start that is killed here leaves some tables and no revision.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    upgrade(connection)


def _assembled(connection: Connection, query: Select[Any]) -> list[Job]:
    """The jobs that a query of their table finds, with all that belongs to them."""
    rows = connection.execute(query).mappings().all()
    ids = [row["id"] for row in rows]
    parts: dict[str, list[Submission]] = defaultdict(list)
    for part in connection.execute(
        select(submissions).where(submissions.c.job_id.in_(ids)).order_by(submissions.c.number)
    ).mappings():
        parts[part["job_id"]].append(_submission(part))
    found: dict[str, list[Picture]] = defaultdict(list)
    for picture in connection.execute(
        select(pictures).where(pictures.c.job_id.in_(ids)).order_by(pictures.c.number)
    ).mappings():
        found[picture["job_id"]].append(_picture(picture))
    return [_job(row, parts[row["id"]], found[row["id"]]) for row in rows]


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
