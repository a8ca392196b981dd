"""Server-sent events: signs of life while there is nothing to tell, then what there is, then the end.

Never an `id:` line: together with a comment it makes OpenAI's Python client read an event that is not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from jimeng_api.clock import Clock
from jimeng_api.domain.errors import GatewayError, InternalError
from jimeng_api.web.outgoing import Encoder, Piece
from jimeng_api.web.waiting import hung_up, let_go

_PING = b": ping\n\n"

Events = AsyncGenerator[Sequence[Piece], None]


def _nothing() -> None:
    """Nobody needs to know."""


class EventStream(Response):
    """Begins at once, ends with the events, with the first error, or with the caller.

    `explain` gives the object that a caller is told of an error; `told` is called when the last event, or an
    error in its place, went out and the caller was still there. `heartbeat` is in seconds. `named` events
    bring the line with their name themselves, and `data: ` behind it.
    """

    def __init__(
        self,
        events: Events,
        *,
        explain: Callable[[GatewayError], object],
        encoder: Encoder,
        clock: Clock,
        heartbeat: float,
        headers: Mapping[str, str] | None = None,
        told: Callable[[], None] = _nothing,
        named: bool = False,
    ) -> None:
        own = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        super().__init__(headers={**own, **(headers or {})}, media_type="text/event-stream")
        del self.headers["content-length"]
        self._events = events
        self._explain = explain
        self._encoder = encoder
        self._clock = clock
        self._heartbeat = heartbeat
        self._told = told
        self._opening = b"" if named else b"data: "

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin when the framework is done with the request: what it holds would be held for minutes."""
        scope["state"]["later"] = partial(self._run, receive, send)

    async def _run(self, receive: Receive, send: Send) -> None:
        headers = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(headers)
        gone = asyncio.ensure_future(hung_up(receive))
        try:
            await _write(send, _PING)
            try:
                await self._tell(send, gone)
            except GatewayError as error:
                await _write(send, self._error(error))
            if not gone.done():
                self._told()
        except Exception:
            await _write(send, self._error(InternalError("The gateway met an error of its own.")))
            raise
        finally:
            await let_go(gone)
            await self._events.aclose()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, send: Send, gone: asyncio.Future[None]) -> None:
        """Tell all there is. Between two events nothing of the last one is held: there may be thousands."""
        while (event := await self._next(send, gone)) is not None:
            await self._write_event(send, event, gone)
            del event

    async def _write_event(
        self, send: Send, event: Sequence[Piece], gone: asyncio.Future[None]
    ) -> None:
        async for part in self._encoder.parts((self._opening, *event, b"\n\n")):
            if gone.done():
                return
            await _write(send, part)

    async def _next(self, send: Send, gone: asyncio.Future[None]) -> Sequence[Piece] | None:
        """The next event; None at the end, and when the caller has gone."""
        coming = asyncio.ensure_future(anext(self._events, None))
        try:
            while True:
                beat = asyncio.get_running_loop().create_future()
                timer = self._clock.later(self._heartbeat, partial(beat.set_result, None))
                first: set[asyncio.Future[Any]] = {coming, gone, beat}
                try:
                    await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    timer.cancel()
                if gone.done():
                    return None
                if coming.done():
                    return coming.result()
                await _write(send, _PING)
        finally:
            await let_go(coming)

    def _error(self, error: GatewayError) -> bytes:
        return b"data: " + msgspec.json.encode({"error": self._explain(error)}) + b"\n\n"


async def _write(send: Send, part: bytes) -> None:
    await send({"type": "http.response.body", "body": part, "more_body": True})
