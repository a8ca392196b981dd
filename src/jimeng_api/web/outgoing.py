"""Answers as ready bytes, and files that become base64 on their way out, a slice at a time."""

from __future__ import annotations

import asyncio
import binascii
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from jimeng_api.clock import Clock
from jimeng_api.web.waiting import hung_up, let_go

# Divisible by three, so that the slices' base64 joins up; one holds the loop for a fraction of a millisecond.
_SLICE = 3 * 64 * 1024


@dataclass(frozen=True, slots=True)
class Base64:
    """A file that is to stand in a body as base64."""

    file: bytes

    def __len__(self) -> int:
        return -(-len(self.file) // 3) * 4


@dataclass(frozen=True, slots=True)
class Base64Stream:
    """A file of this size that is to stand in a body as base64, and is never in memory as a whole."""

    size: int
    chunks: AsyncIterator[bytes]

    def __len__(self) -> int:
        return -(-self.size // 3) * 4


Piece = bytes | Base64 | Base64Stream


class Encoder:
    """Makes bytes of pieces. However many answers it works on, the loop turns once between two slices."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turn = asyncio.Lock()

    async def parts(self, pieces: Sequence[Piece]) -> AsyncIterator[bytes]:
        ready = b""
        for piece in pieces:
            if isinstance(piece, bytes):
                ready += piece
                continue
            if isinstance(piece, Base64Stream):
                async for whole in _in_slices(piece.chunks):
                    yield ready + await self._encoded(whole)
                    ready = b""
                continue
            view = memoryview(piece.file)
            for start in range(0, len(view), _SLICE):
                yield ready + await self._encoded(view[start : start + _SLICE])
                ready = b""
        yield ready

    async def turn(self) -> None:
        """Let the loop turn once."""
        await self._clock.sleep(0)

    async def _encoded(self, part: memoryview | bytes) -> bytes:
        async with self._turn:
            found = binascii.b2a_base64(part, newline=False)
            await self.turn()
        return found


async def _in_slices(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in slices, of which only the last may be shorter."""
    rest = b""
    async for chunk in chunks:
        rest += chunk
        while len(rest) >= _SLICE:
            yield rest[:_SLICE]
            rest = rest[_SLICE:]
    if rest:
        yield rest


def encoder_of(request: Request) -> Encoder:
    """The encoder of the application that serves this request."""
    encoder: Encoder = request.app.state.encoder
    return encoder


class PiecesResponse(Response):
    """A JSON body made of pieces. `told` is called when all of it went out and the caller was still there."""

    def __init__(
        self,
        pieces: Sequence[Piece],
        *,
        encoder: Encoder,
        told: Callable[[], None],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(headers=headers, media_type="application/json")
        self.headers["content-length"] = str(sum(map(len, pieces)))
        self._pieces = pieces
        self._encoder = encoder
        self._told = told

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        await send(start)
        gone = asyncio.ensure_future(hung_up(receive))
        try:
            async for part in self._encoder.parts(self._pieces):
                if gone.done():
                    break
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await self._encoder.turn()  # for word of a caller who has gone
            if not gone.done():
                self._told()
        finally:
            await let_go(gone)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
