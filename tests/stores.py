"""A store of jobs with a database of its own, where nothing else of a gateway is needed."""

from __future__ import annotations

from concurrent.futures import Executor

from typing_extensions import override

from jimeng_api.clock import Clock
from jimeng_api.database.database import Backend, Database
from jimeng_api.jobs.store import JobStore


class OwnStore(JobStore):
    """`database` is a URL, or what stands in for a server."""

    def __init__(
        self, database: str | Backend, clock: Clock, *, thread: Executor | None = None
    ) -> None:
        if isinstance(database, str):
            self.database = Database.at(database, clock, thread=thread)
        else:
            self.database = Database(database, clock, thread=thread)
        super().__init__(self.database, clock)

    async def open(self, *, key_digest: str = "") -> None:
        await self.database.open(key_digest=key_digest)
        self.listen()

    @override
    async def close(self) -> None:
        await super().close()
        await self.database.close()
