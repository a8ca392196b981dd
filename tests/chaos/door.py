"""The gateway's way out, watched: when it asks whom for what, and what comes of it."""

from __future__ import annotations

import asyncio
import random
import re
from urllib.parse import urlsplit

from starlette.types import ASGIApp
from typing_extensions import override

from jimeng_api.transport import Broken, NotSent, Request, Response
from tests.chaos.facts import Asked
from tests.simulated.door import PICTURE, Door

_SESSION = re.compile(r"(?:^|; )sessionid=([^;]*)")
_ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_RET = re.compile(rb'"ret":"?(-?\w+)')
_SUBMIT_ID = re.compile(rb'"submit_?[iI]d"\s*:\s*"([0-9a-f-]{36})"')


class Line:
    """The connection of the machine, for all its gateways one after the other.

    `down` are the accounts whose site cannot be reached; `shut`: none can.
    """

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.shut = False
        self.down: set[str] = set()
        self.asked: list[Asked] = []

    def delay(self) -> float:
        """Seconds that a request, or an answer, is on its way."""
        return self._dice.uniform(0.01, 0.25)


class WatchedDoor(Door):
    """The door of one life of the gateway."""

    def __init__(self, app: ASGIApp, line: Line) -> None:
        super().__init__(app)
        self._line = line
        self._expected: dict[str, asyncio.Event] = {}

    async def leaving(self, path: str) -> None:
        """Return when the next request of this kind sets out."""
        await self._expected.setdefault(path, asyncio.Event()).wait()

    @override
    async def send(self, request: Request) -> Response:
        now = asyncio.get_running_loop().time
        one = _asked(request, now())
        self._line.asked.append(one)
        if one.path in self._expected:
            self._expected.pop(one.path).set()
        await self._stop_if_cut()
        try:
            response = await self._sent(request, one.account)
        except (NotSent, Broken) as error:
            one.outcome, one.until = type(error).__name__, now()
            raise
        ret = _RET.search(response.body[:200])
        one.outcome, one.until = f"{response.status} {ret[1].decode() if ret else ''}", now()
        return response

    async def _sent(self, request: Request, account: str) -> Response:
        if self._line.shut or account in self._line.down:
            await asyncio.sleep(self._line.delay())
            raise NotSent("ClientConnectorError")
        await asyncio.sleep(self._line.delay())
        response = await super().send(request)
        self.asked.clear()
        if (
            request.fresh
        ):  # the paid one: a death may come before it arrives, or before its answer does
            await asyncio.sleep(self._line.delay())
            await self._stop_if_cut()
        return response


def _asked(request: Request, at: float) -> Asked:
    path = urlsplit(request.url).path
    found = _SESSION.search(request.headers.get("cookie", ""))
    ids: tuple[str, ...] = ()
    if request.body is not None:
        own = _SUBMIT_ID.search(request.body)
        every = [own[1]] if own else _ID.findall(request.body)
        ids = tuple(each.decode() for each in every)
    return Asked(
        at=at,
        account=found[1] if found else "",
        path=PICTURE if path.startswith(PICTURE) else path,
        ids=(path,) if path.startswith(PICTURE) else ids,
    )
