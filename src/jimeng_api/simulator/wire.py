"""One connection: answers, slow answers, and answers that never come."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from jimeng_api.simulator.clock import Clock

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Reply:
    """An answer before it goes out."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    """What Content-Length says, if it is to lie."""

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        length = len(self.body) if self.length is None else self.length
        fixed = [
            (b"content-type", self.content_type.encode()),
            (b"content-length", b"%d" % length),
        ]
        return fixed + [(name.encode(), value.encode()) for name, value in self.headers.items()]


class Line:
    """Request and answer over one ASGI call, with the ways in which it can break.

    Over a real socket the transport is cut; in-process, where there is none, a
    `ConnectionResetError` comes out of the application instead.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, clock: Clock) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self._clock = clock
        transport: Any = getattr(getattr(send, "__self__", None), "transport", None)
        self._transport: Any = transport if hasattr(transport, "abort") else None

    async def body(self, most: int | None = None) -> bytes:
        """The body of the request; of a longer one no more than `most` bytes are kept."""
        message = await self._receive()
        chunk: bytes = message.get("body", b"")
        if not message.get("more_body"):
            return chunk[:most]
        chunks = bytearray(chunk)
        while message.get("more_body"):
            message = await self._receive()
            if most is None or len(chunks) < most:
                chunks += message.get("body", b"")
        if most is not None:
            del chunks[most:]
        return bytes(chunks)

    async def answer(self, reply: Reply) -> None:
        await self.begin(reply)
        await self._send({"type": "http.response.body", "body": reply.body})

    async def begin(self, reply: Reply) -> None:
        headers = reply.raw_headers()
        await self._send(
            {"type": "http.response.start", "status": reply.status, "headers": headers}
        )

    async def piece(self, body: bytes, *, last: bool = False) -> None:
        message: Message = {"type": "http.response.body", "body": body, "more_body": not last}
        await self._send(message)

    async def wait(self, seconds: float) -> bool:
        """Sleep; False as soon as the other side has gone."""
        if self._transport is None:
            await self._clock.sleep(seconds)
            return True
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        leaving = asyncio.ensure_future(self._gone())
        try:
            await asyncio.wait((sleeping, leaving), return_when=asyncio.FIRST_COMPLETED)
            return not leaving.done()
        finally:
            for waiting in (sleeping, leaving):
                waiting.cancel()
            await asyncio.gather(sleeping, leaving, return_exceptions=True)

    async def reset(self) -> None:
        """Break the connection at once, so that the other side sees a reset."""
        if self._transport is None:
            raise ConnectionResetError("the simulated upstream reset the connection")
        with contextlib.suppress(OSError, AttributeError):
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()
        await self._gone()

    async def hang_up(self) -> None:
        """Close the connection after what was written so far has gone out."""
        if self._transport is None:
            raise ConnectionResetError("the simulated upstream closed the connection")
        self._transport.close()
        await self._gone()

    def close_quietly(self) -> None:
        """Close a connection that the answer promised to keep."""
        if self._transport is not None:
            self._transport.close()

    async def broken_answer(self, reply: Reply, sent: int) -> None:
        """Promise the whole body, send its beginning, and end the connection."""
        await self.begin(reply)
        await self.piece(reply.body[:sent])
        await self.hang_up()

    async def dripping_answer(self, reply: Reply, pieces: Iterable[bytes], pause: float) -> None:
        """Send the body piece by piece, for as long as somebody listens."""
        await self.begin(reply)
        for piece in pieces:
            await self.piece(piece)
            if not await self.wait(pause):
                return
        await self.piece(b"", last=True)

    async def endless_answer(self, reply: Reply, filling: bytes, times: int) -> None:
        """Send the same bytes over and over, for as long as somebody listens."""
        head = Reply(b"", reply.status, reply.content_type, reply.headers)
        head.length = len(reply.body) + len(filling) * times
        await self.begin(head)
        for _ in range(times):
            await self.piece(filling)
            if self._transport is not None and self._transport.is_closing():
                return
        await self.piece(reply.body, last=True)

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
