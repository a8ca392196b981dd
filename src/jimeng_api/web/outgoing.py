"""Answers as ready bytes, and files that become base64 on their way out, a slice at a time."""

from __future__ import annotations

import binascii
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from jimeng_api.clock import Clock

# Divisible by three, so that the slices' base64 joins up; one holds the loop for half a millisecond.
_SLICE = 3 * 128 * 1024


@dataclass(frozen=True, slots=True)
class Base64:
    """A file that is to stand in a body as base64."""

    file: bytes

    def __len__(self) -> int:
        return -(-len(self.file) // 3) * 4


Piece = bytes | Base64


async def slices(pieces: Sequence[Piece], clock: Clock) -> AsyncIterator[bytes]:
    """The bytes of a body, with a pause for others after each slice of base64."""
    ready = b""
    for piece in pieces:
        if isinstance(piece, bytes):
            ready += piece
            continue
        view = memoryview(piece.file)
        for start in range(0, len(view), _SLICE):
            yield ready + binascii.b2a_base64(view[start : start + _SLICE], newline=False)
            ready = b""
            await clock.sleep(0)
    yield ready


class PiecesResponse(Response):
    """A JSON body made of pieces."""

    def __init__(
        self, pieces: Sequence[Piece], *, clock: Clock, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(headers=headers, media_type="application/json")
        self.headers["content-length"] = str(sum(map(len, pieces)))
        self._pieces = pieces
        self._clock = clock

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        await send(start)
        async for part in slices(self._pieces, self._clock):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
