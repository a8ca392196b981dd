"""Files that callers uploaded beforehand, to name them by their ids in later requests."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import Select, delete, insert, select, tuple_

from jimeng_api.database.database import Database
from jimeng_api.domain.errors import NotFound
from jimeng_api.jobs.tables import files


@dataclass(frozen=True, slots=True, kw_only=True)
class CallersFile:
    """A file of one caller's. `media_id` names its bytes in the media store, `size` is their length.

    `name` is what the caller calls it, `content_type` what it is. `created_at` is unix seconds.
    """

    id: str
    owner: str
    name: str
    purpose: str
    created_at: float
    media_id: str
    content_type: str
    size: int
    sha256: str


class Files:
    """The rows of callers' files. A file of another owner is not found."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, file: CallersFile) -> None:
        await self._database.write(
            lambda connection: connection.execute(insert(files).values(asdict(file)))
        )

    async def find(self, owner: str, file_id: str) -> CallersFile:
        found = await self._files(
            select(files).where(files.c.id == file_id, files.c.owner == owner)
        )
        if not found:
            raise NotFound("There is no such file.", param="file_id")
        return found[0]

    async def page(
        self, owner: str, *, after: str | None, limit: int, newest_first: bool, purpose: str | None
    ) -> list[CallersFile]:
        """At most `limit` of the owner's files, those behind the file `after`, of one purpose or of all."""
        place = (files.c.created_at, files.c.id)
        query = select(files).where(files.c.owner == owner).limit(limit)
        if purpose is not None:
            query = query.where(files.c.purpose == purpose)
        if after is not None:
            mark = await self.find(owner, after)
            edge = (mark.created_at, mark.id)
            query = query.where(tuple_(*place) < edge if newest_first else tuple_(*place) > edge)
        order = [column.desc() if newest_first else column.asc() for column in place]
        return await self._files(query.order_by(*order))

    async def forget(self, owner: str, file_id: str) -> None:
        """Its bytes are gone; whether it was there or not."""
        meant = (files.c.id == file_id, files.c.owner == owner)
        await self._database.write(
            lambda connection: connection.execute(delete(files).where(*meant))
        )

    async def _files(self, query: Select[Any]) -> list[CallersFile]:
        rows = await self._database.read(
            lambda connection: connection.execute(query).mappings().all()
        )
        return [CallersFile(**{name: row[name] for name in _FIELDS}) for row in rows]


_FIELDS = tuple(field.name for field in fields(CallersFile))
