"""What has aged out of the database, found and deleted in portions: nobody waits long for one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Exists, Select, delete, exists, select, tuple_

from jimeng_api.database.database import Database
from jimeng_api.jobs.tables import idempotency_keys, jobs, pictures, submissions

_PORTION = 50

Place = tuple[float, str]
"""Where one portion ended and the next begins: a time in unix seconds, and an id for those of one time."""

START: Place = (0.0, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged:
    """Media whose time is over, by job. `after` is where the next portion begins, None at the end.

    `films` are those of them that are films.
    """

    media: Mapping[str, Sequence[str]]
    films: frozenset[str]
    after: Place | None


class Retention:
    """Each portion is one transaction, and safe to repeat: several gateways may be at it at once.

    A job with a submission that is still open, be it only watched for a late result, keeps all it has.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget_keys(self, *, before: float, after: str = "") -> tuple[int, str | None]:
        """Forget the Idempotency-Keys of jobs that ended before: how many, and where to go on."""
        query = (
            select(idempotency_keys.c.job_id, jobs.c.finished_at < before, _is_open(jobs.c.id))
            .join_from(idempotency_keys, jobs)
            .where(idempotency_keys.c.job_id > after)
            .order_by(idempotency_keys.c.job_id)
            .limit(_PORTION)
        )

        def work(connection: Connection) -> tuple[int, str | None]:
            page = connection.execute(query).all()
            over = [job_id for job_id, ended, is_open in page if ended and not is_open]
            gone = _deleted(connection, idempotency_keys, idempotency_keys.c.job_id, over)
            return gone, page[-1][0] if len(page) == _PORTION else None

        return await self._database.write(work)

    async def aged_media(self, *, before: float, after: Place = START) -> Aged:
        """Media kept before, of jobs none of whose media is younger: the pictures of a job go together."""
        page_query = _page(pictures.c.created_at, pictures.c.media_id, before, after)
        page_query = page_query.add_columns(pictures.c.job_id)
        younger = pictures.alias()
        has_younger = exists().where(
            younger.c.job_id == pictures.c.job_id, younger.c.created_at >= before
        )

        def work(connection: Connection) -> Aged:
            page = connection.execute(page_query).all()
            ids = sorted({row.job_id for row in page})
            found = connection.execute(
                select(pictures.c.job_id, pictures.c.media_id, pictures.c.content_type)
                .where(pictures.c.job_id.in_(ids), ~has_younger, ~_is_open(pictures.c.job_id))
                .order_by(pictures.c.job_id, pictures.c.number)
            ).all()
            by_job = groupby(found, key=lambda row: row.job_id)
            media = {job_id: [row.media_id for row in rows] for job_id, rows in by_job}
            films = frozenset(
                row.media_id for row in found if row.content_type.startswith("video/")
            )
            return Aged(media=media, films=films, after=_end(page))

        return await self._database.read(work)

    async def forget_media(self, media_ids: Sequence[str]) -> None:
        """Their files are gone: the jobs name them no more."""
        await self._database.write(
            lambda connection: _deleted(connection, pictures, pictures.c.media_id, media_ids)
        )

    async def forget_jobs(self, *, before: float, after: Place = START) -> tuple[int, Place | None]:
        """Forget jobs that ended before and have no media and no key any more: how many, where to go on."""
        query = _page(jobs.c.finished_at, jobs.c.id, before, after)
        kept = (
            ~_is_open(jobs.c.id),
            ~exists().where(pictures.c.job_id == jobs.c.id),
            ~exists().where(idempotency_keys.c.job_id == jobs.c.id),
        )

        def work(connection: Connection) -> tuple[int, Place | None]:
            page = connection.execute(query).all()
            gone = _deleted(connection, jobs, jobs.c.id, [row.id for row in page], *kept)
            return gone, _end(page)

        return await self._database.write(work)


def _page(time: Any, id_: Any, before: float, after: Place) -> Select[Any]:
    """The oldest rows behind a place. The time stands there twice so that its index is used from there on."""
    behind = (time < before, time >= after[0], tuple_(time, id_) > after)
    return select(time, id_).where(*behind).order_by(time, id_).limit(_PORTION)


def _end(page: Sequence[Any]) -> Place | None:
    return (page[-1][0], page[-1][1]) if len(page) == _PORTION else None


def _is_open(job_id: Any) -> Exists:
    """Whether something is left to be done for the job."""
    return exists().where(submissions.c.job_id == job_id, submissions.c.open)


def _deleted(connection: Connection, table: Any, id_: Any, ids: Sequence[str], *where: Any) -> int:
    if not ids:
        return 0
    return int(connection.execute(delete(table).where(id_.in_(ids), *where)).rowcount)
