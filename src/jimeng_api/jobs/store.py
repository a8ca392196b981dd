"""Jobs on disk: every step is here before the next begins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    delete,
    func,
    select,
    tuple_,
    update,
)

from jimeng_api.clock import Clock
from jimeng_api.database.database import Database, Superseded
from jimeng_api.domain.errors import NotFound
from jimeng_api.domain.failure import Failure
from jimeng_api.domain.requests import GenerationRequest, ImageRequest, VideoRequest
from jimeng_api.domain.results import Picture
from jimeng_api.jobs.claims import Claims
from jimeng_api.jobs.commits import Change, Commits
from jimeng_api.jobs.job import Job, JobKind, State, Submission, open_state
from jimeng_api.jobs.retention import Retention
from jimeng_api.jobs.signals import Signals
from jimeng_api.jobs.tables import idempotency_keys, jobs, pictures, submissions

# Asked again and again while there is nothing to do: built once.
_WORK = (
    select(submissions.c.account, func.count())
    .where(submissions.c.open)
    .group_by(submissions.c.account)
)
_CANCELLED = select(jobs.c.id).where(jobs.c.cancelled_at.is_not(None), jobs.c.finished_at.is_(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenKey:
    """An Idempotency-Key for a new job; `freed` is the job that had it before and needs it no more."""

    key: str
    freed: str | None = None


class JobStore:
    """Jobs, their submissions and their pictures in one database.

    Whoever asks for a job on behalf of a caller names its owner, so that a foreign job is not found. Trouble
    with the database is raised as StorageUnavailable. `claims` says which accounts are ours to work on,
    `signals` when a job has changed, `retention` deletes what has been kept long enough.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self.claims = Claims(database)
        self.signals = Signals(database, clock.token(8))
        self.retention = Retention(database)
        self._commits = Commits(database, self.signals, clock)

    def listen(self) -> None:
        """From now on hear the other gateways, where there are any."""
        if self.claims.shared:
            self.signals.listen()

    async def close(self) -> None:
        """Write what waits to be written; the database stays open."""
        await self._commits.close()

    # ------------------------------------------------------------------- connection

    @property
    def connected(self) -> bool:
        """Whether the connection is there that claims hang on."""
        return self._database.backend.connected

    async def reconnect(self) -> None:
        """Connect anew, with no claims. Nobody may work on what the lost connection had claimed.

        What waits to be written rests on those claims, and is refused.
        """
        self._commits.refuse_what_waits()
        await self.claims.reconnect()

    # ---------------------------------------------------------------------- writing

    async def accept(self, job: Job, *, key: TakenKey | None = None, work: bool = False) -> None:
        """Write a new job down. Once this returns, it may be promised to the caller.

        `work` says that another gateway has something to do for it. Raises Superseded where the key has been
        taken by another job meanwhile.
        """
        taken = (
            [{"owner": job.owner, "key": key.key, "job_id": job.id, "freed": key.freed or ""}]
            if key
            else []
        )
        await self._commits.write(
            Change(
                new_jobs=[_job_row(job)],
                new_submissions=[_submission_row(part) for part in job.submissions],
                taken_keys=taken,
                job_ids=[job.id],
                work=work,
            )
        )

    async def save(
        self,
        job_id: str,
        moved: tuple[Submission, Submission] | None = None,
        found: Iterable[Picture] = (),
        *,
        at: float,
        work: bool = False,
    ) -> None:
        """Write down in one commit how a submission of the job moved, from and to, and what was found.

        Raises Superseded where the submission has moved already.
        """
        rows = []
        if moved is not None:
            before, after = moved
            rows = [
                {
                    **_submission_row(after),
                    "of_job": job_id,
                    "of_number": after.number,
                    "was_state": before.state.value,
                    "was_attempt": before.attempt,
                }
            ]
        ended = moved is not None and moved[1].state.ended
        await self._commits.write(
            Change(
                moved_submissions=rows,
                new_pictures=[{"job_id": job_id, "created_at": at, **asdict(one)} for one in found],
                ended=[{"of_job": job_id, "at": at, "no_sessions": b""}] if ended else [],
                job_ids=[job_id],
                work=work,
            )
        )

    async def cancel(self, job_id: str, *, at: float) -> None:
        """Write down that its owner took the job back, for whoever works on it."""
        statement = (
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.cancelled_at.is_(None))
            .values(cancelled_at=at)
        )

        def work(connection: Connection) -> None:
            connection.execute(statement)
            self.signals.announce(connection, [job_id], work=True)

        await self._database.write(work)
        self.signals.changed([job_id])

    async def watch(self, job_id: str, part: Submission, *, sessions: bytes) -> None:
        """Write down that a submission is watched again which had nothing left to be done.

        Raises Superseded where it has.
        """
        names = ("site", "account", "history_id", "watched_until", "open")
        row = _submission_row(part)
        closed = (
            submissions.c.job_id == job_id,
            submissions.c.number == part.number,
            submissions.c.state == part.state.value,
            ~submissions.c.open,
        )
        reopened = update(submissions).where(*closed).values({name: row[name] for name in names})
        sealed = update(jobs).where(jobs.c.id == job_id).values(sessions=sessions)

        def work(connection: Connection) -> None:
            if connection.execute(reopened).rowcount != 1:
                raise Superseded(job_id)
            connection.execute(sealed)
            self.signals.announce(connection, [job_id], work=True)

        await self._database.write(work)
        self.signals.changed([job_id])

    async def delete(self, owner: str, job_id: str) -> Job | None:
        """Forget a job and all that belongs to it; what it was, None where there is none."""
        meant = (jobs.c.id == job_id, jobs.c.owner == owner)

        def work(connection: Connection) -> Job | None:
            found = _assembled(connection, select(jobs).where(*meant))
            connection.execute(delete(jobs).where(*meant))
            self.signals.announce(connection, [job_id], work=False)
            return found[0] if found else None

        found = await self._database.write(work)
        self.signals.changed([job_id])
        return found

    # ---------------------------------------------------------------------- reading

    async def find(self, owner: str, job_id: str) -> Job:
        found = await self._jobs(select(jobs).where(jobs.c.id == job_id, jobs.c.owner == owner))
        if not found:
            raise NotFound(f"There is no job {job_id!r}.", param="job_id")
        return found[0]

    async def page(
        self,
        owner: str,
        *,
        after: str | None,
        limit: int,
        newest_first: bool,
        kind: JobKind | None = None,
    ) -> list[Job]:
        """At most `limit` of the owner's jobs, those behind the job `after`, of one kind or of all."""
        place = (jobs.c.created_at, jobs.c.id)
        query = select(jobs).where(jobs.c.owner == owner).limit(limit)
        if kind is not None:
            query = query.where(jobs.c.kind == kind)
        if after is not None:
            mark = await self.find(owner, after)
            edge = (mark.created_at, mark.id)
            query = query.where(tuple_(*place) < edge if newest_first else tuple_(*place) > edge)
        order = [column.desc() if newest_first else column.asc() for column in place]
        return await self._jobs(query.order_by(*order))

    async def keyed(self, owner: str, key: str) -> Job | None:
        """The job that the owner's Idempotency-Key belongs to."""
        belongs = (idempotency_keys.c.owner == owner, idempotency_keys.c.key == key)
        found = await self._jobs(select(jobs).join(idempotency_keys).where(*belongs))
        return found[0] if found else None

    async def alike(self, owner: str, fingerprint: str, *, since: float) -> list[Job]:
        """The owner's jobs for the same request that have not ended, or not before `since`."""
        return await self._jobs(
            select(jobs).where(
                jobs.c.owner == owner,
                jobs.c.fingerprint == fingerprint,
                jobs.c.finished_at.is_(None) | (jobs.c.finished_at >= since),
            )
        )

    async def submitted(self, owner: str, id_: str) -> Job | None:
        """The owner's newest job with a submission that the upstream knows by this id, of either kind."""
        holding = select(submissions.c.job_id).where(
            (submissions.c.submit_id == id_) | (submissions.c.history_id == id_)
        )
        # Chosen here: asked for the owner's newest, SQLite would go through all the jobs of the owner.
        found = await self._jobs(select(jobs).where(jobs.c.id.in_(holding)))
        theirs = [job for job in found if job.owner == owner]
        return max(theirs, key=lambda job: job.created_at, default=None)

    async def unfinished(self, owner: str) -> int:
        """How many of the owner's jobs have not ended."""
        query = select(func.count()).where(jobs.c.owner == owner, jobs.c.finished_at.is_(None))
        return await self._database.read(lambda connection: connection.execute(query).scalar_one())

    async def holding(self, media_id: str) -> Job | None:
        """The job that this picture came from, whoever owns it."""
        made = select(pictures.c.job_id).where(pictures.c.media_id == media_id)
        return next(iter(await self._jobs(select(jobs).where(jobs.c.id.in_(made)))), None)

    async def work(self) -> dict[str, int]:
        """How many submissions of each account have something left to be done."""
        return await self._database.read(
            lambda connection: {row[0]: row[1] for row in connection.execute(_WORK)}
        )

    async def at_work(self, accounts: Collection[str]) -> list[Job]:
        """The jobs with something left to be done on these accounts, oldest first."""
        found: list[Job] = []
        for some in _in_portions(sorted(accounts)):
            holding = select(submissions.c.job_id).where(
                submissions.c.open, submissions.c.account.in_(some)
            )
            found += await self._jobs(
                select(jobs).where(jobs.c.id.in_(holding)).order_by(jobs.c.created_at)
            )
        return found

    async def cancelled(self) -> list[str]:
        """The jobs that were taken back and have not ended."""
        return await self._database.read(
            lambda connection: list(connection.execute(_CANCELLED).scalars())
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


_PORTION = 5000  # SQLite takes 32,766 values in a statement, PostgreSQL 65,535


def _in_portions(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[start : start + _PORTION] for start in range(0, len(values), _PORTION))


def _assembled(connection: Connection, query: Select[Any]) -> list[Job]:
    """The jobs that a query of their table finds, with all that belongs to them."""
    rows = connection.execute(query).mappings().all()
    parts: dict[str, list[Submission]] = defaultdict(list)
    found: dict[str, list[Picture]] = defaultdict(list)
    for ids in _in_portions([row["id"] for row in rows]):
        for part in _of(connection, submissions, submissions.c.job_id, ids):
            parts[part["job_id"]].append(_submission(part))
        for picture in _of(connection, pictures, pictures.c.job_id, ids):
            found[picture["job_id"]].append(_picture(picture))
    return [_job(row, parts[row["id"]], found[row["id"]]) for row in rows]


def _of(
    connection: Connection, table: Any, job_id: ColumnElement[str], ids: Sequence[str]
) -> Iterable[RowMapping]:
    query = select(table).where(job_id.in_(ids)).order_by(table.c.number)
    return connection.execute(query).mappings()


def _job_row(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "owner": job.owner,
        "state": job.state.value,
        "asked_model": job.asked_model,
        "request": msgspec.json.encode(job.request),
        "fingerprint": job.fingerprint,
        "sessions": job.sessions,
        "created_at": job.created_at,
        "deadline": job.deadline,
        "finished_at": job.finished_at,
        "cancelled_at": job.cancelled_at,
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
        "refused_by": ",".join(part.refused_by),
        "uploads": "\n".join(part.uploads),
        "history_id": part.history_id,
        "digest": part.digest,
        "sent_at": part.sent_at,
        "failure": _failure_row(part.failure),
        "watched_until": part.watched_until,
        "open": part.open,
    }


def _failure_row(failure: Failure | None) -> bytes | None:
    return msgspec.json.encode(failure) if failure else None


def _job(row: RowMapping, parts: list[Submission], found: list[Picture]) -> Job:
    state = State(row["state"])
    return Job(
        id=row["id"],
        owner=row["owner"],
        asked_model=row["asked_model"],
        request=msgspec.json.decode(row["request"], type=_KINDS[row["kind"]]),
        fingerprint=row["fingerprint"],
        created_at=row["created_at"],
        deadline=row["deadline"],
        sessions=row["sessions"],
        state=state if state.ended else open_state(parts),
        finished_at=row["finished_at"],
        cancelled_at=row["cancelled_at"],
        failure=_failure(row["failure"]),
        submissions=tuple(parts),
        pictures=tuple(found),
    )


def _submission(row: RowMapping) -> Submission:
    values = dict(row)
    values.pop("open")
    refused_by, uploads = values.pop("refused_by"), values.pop("uploads")
    return Submission(
        **values
        | {
            "state": State(values["state"]),
            "failure": _failure(values["failure"]),
            "refused_by": tuple(refused_by.split(",")) if refused_by else (),
            "uploads": tuple(uploads.splitlines()),
        }
    )


def _picture(row: RowMapping) -> Picture:
    return Picture(**{name: row[name] for name in _PICTURE_FIELDS})


def _failure(row: bytes | None) -> Failure | None:
    return msgspec.json.decode(row, type=Failure) if row else None


_KINDS: dict[JobKind, type[GenerationRequest]] = {"image": ImageRequest, "video": VideoRequest}
_PICTURE_FIELDS = tuple(field.name for field in fields(Picture))
