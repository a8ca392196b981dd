"""Our client and the simulator that it talks to. Neither was written from the other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Self

from jimeng_api.catalog.sites import Site
from jimeng_api.clock import SystemClock
from jimeng_api.domain.progress import Progress, Stage
from jimeng_api.domain.secret import Secret
from jimeng_api.simulator.serve import build_app, running
from jimeng_api.transport import HttpTransport, Request
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.constants import Constants

_numbers = count(1)


def session() -> Secret:
    """One that nobody else has."""
    return Secret(f"{next(_numbers):032x}")


class World:
    def __init__(self, door: HttpTransport, origin: str) -> None:
        self.door = door
        self.origin = origin
        self.client = UpstreamClient(door, SystemClock(), Constants(), origin)

    @classmethod
    @asynccontextmanager
    async def strict(cls) -> AsyncIterator[Self]:
        """One whose upstream takes nothing that is not as the protocol says."""
        door = HttpTransport()
        async with running(build_app(speed=300)) as origin:
            world = cls(door, origin)
            await world.tell("/_sim/switches", {"strict": True})
            yield world
            await door.close()

    async def tell(self, path: str, order: dict[str, Any]) -> None:
        body = json.dumps(order).encode()
        answer = await self.door.send(Request(method="POST", url=self.origin + path, body=body))
        assert answer.status < 300, answer.body

    async def finished(self, site: Site, session: Secret, submit_id: str) -> Progress:
        """The job at its end."""
        for _ in range(400):
            looks = await self.client.look(site, session, submit_ids=[submit_id])
            progress = looks.get(submit_id)
            if progress is not None and progress.stage in (Stage.DONE, Stage.FAILED):
                return progress
            await asyncio.sleep(0.01)
        raise AssertionError("not finished")
