"""The gateway's way out, straight into the simulated upstream: no socket, and only waits that are meant."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from jimeng_api.transport import (
    Broken,
    NoConnectionFree,
    NotSent,
    ProxyFailed,
    Request,
    Response,
    Stream,
    TooLarge,
)
from tests.simulated.asgi import Talk, TooMuch
from tests.simulated.clock import PatienceSpent, patience

UPSTREAM = "http://upstream.test"
GENERATE = "/mweb/v1/aigc_draft/generate"
POLL = "/mweb/v1/get_history_by_ids"
PICTURE = "/tos-"
FILM = "/video/tos/"
BEST_FILM = "/video/tos/dreamnia/"
BLOB = "/upload/"

ClosedBy = Literal["network", "proxy", "pool"]
_CLOSED: dict[ClosedBy, tuple[type[NotSent], str]] = {
    "network": (NotSent, "ClientConnectorError"),
    "proxy": (ProxyFailed, "it answers HTTP 403"),
    "pool": (NoConnectionFree, "all connections are in use"),
}


@dataclass
class Hold:
    """Stops requests of one kind until `go` is set."""

    path: str
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self) -> None:
        self.reached.set()
        await self.go.wait()


@dataclass
class Closed:
    """A number of connections that cannot be made, -1 for all."""

    path: str
    session: str
    times: int
    by: ClosedBy
    after: int


class Door:
    """A `Transport`. What it did is in `asked` and `strayed`; `cut` ends it as a crash would."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._holds_before: list[Hold] = []
        self._holds_after: list[Hold] = []
        self._closed: list[Closed] = []
        self._cut = False
        self.asked: list[Request] = []
        self.strayed: list[str] = []

    def hold_before(self, path: str) -> Hold:
        """The next requests do not leave before `go`."""
        self._holds_before.append(hold := Hold(path))
        return hold

    def hold_after(self, path: str) -> Hold:
        """The next answers do not arrive before `go`."""
        self._holds_after.append(hold := Hold(path))
        return hold

    def close(
        self,
        path: str = "/",
        *,
        session: str = "",
        times: int = 1,
        after: int = 0,
        by: ClosedBy = "network",
    ) -> None:
        """So many connections for this path, and this session, cannot be made, `after` so many that can."""
        self._closed.append(Closed(path, session, times, by, after))

    def reopen(self) -> None:
        """All connections can be made again."""
        self._closed.clear()

    def cut(self) -> None:
        """From now on nothing leaves and nothing arrives."""
        self._cut = True

    async def send(self, request: Request) -> Response:
        await self._stop_if_cut()
        await self._wait_at(self._holds_before, request)
        if not request.url.startswith(UPSTREAM + "/"):
            self.strayed.append(request.url)
            raise NotSent("there is no such host")
        closed = self._next_closed(request)
        if closed is not None:
            kind, text = _CLOSED[closed]
            raise kind(text)
        self.asked.append(request)
        response = await self._answer(request)
        await self._wait_at(self._holds_after, request)
        await self._stop_if_cut()
        return response

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        response = await self.send(request)

        async def chunks() -> AsyncIterator[bytes]:
            yield response.body

        yield Stream(status=response.status, headers=response.headers, chunks=chunks())

    async def _answer(self, request: Request) -> Response:
        talk = Talk(body=request.body or b"", most=request.max_bytes)
        try:
            with patience(request.timeout):
                answer = await talk.run(self._app, request.method, request.url, request.headers)
        except (ConnectionResetError, PatienceSpent) as error:
            await self._stop_if_cut()
            raise Broken(type(error).__name__) from error
        except TooMuch as error:
            raise TooLarge(f"more than {request.max_bytes} bytes") from error
        return Response(
            status=answer.status,
            headers=answer.headers,
            body=_plain(answer.body, answer.headers.get("content-encoding"), request.max_bytes),
        )

    async def _wait_at(self, holds: list[Hold], request: Request) -> None:
        for hold in holds:
            if _leads_to(request, hold.path):
                await hold.wait()
                await self._stop_if_cut()

    async def _stop_if_cut(self) -> None:
        if self._cut:
            await asyncio.Event().wait()

    def _next_closed(self, request: Request) -> ClosedBy | None:
        for closed in self._closed:
            cookie = f"sessionid={closed.session}" if closed.session else ""
            theirs = cookie in request.headers.get("cookie", "")
            if not (closed.times and _leads_to(request, closed.path) and theirs):
                continue
            if closed.after:
                closed.after -= 1
            else:
                closed.times -= 1
                return closed.by
        return None


def _leads_to(request: Request, path: str) -> bool:
    return urlsplit(request.url).path.startswith(path)


def _plain(body: bytes, encoding: str | None, most: int) -> bytes:
    if encoding is None:
        return body
    if encoding != "gzip":
        raise Broken(f"content-encoding {encoding}")
    unpacker = zlib.decompressobj(31)
    plain = unpacker.decompress(body, most)
    if unpacker.unconsumed_tail:
        raise TooLarge(f"more than {most} bytes")
    return plain
