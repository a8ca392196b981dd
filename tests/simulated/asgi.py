"""One request over bare ASGI, by a caller who may hang up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message

from tests.answer import Answer


@dataclass
class Talk:
    """`gone` hangs up; `keep` decides about each piece of the answer (nothing is kept beyond it)."""

    body: bytes = b""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    most: int | None = None
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)
    _read: bool = False
    _length: int = 0

    async def run(
        self, app: ASGIApp, method: str, url: str, headers: Mapping[str, str] | None = None
    ) -> Answer:
        parts = urlsplit(url)
        sent = {"host": parts.netloc, "content-length": str(len(self.body)), **(headers or {})}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": parts.scheme,
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
            "client": ("203.0.113.9", 50000),
            "server": ("127.0.0.1", 5100),
        }
        await app(scope, self._receive, self._send)
        return Answer(self.status, self.headers, b"".join(self.pieces))

    async def _receive(self) -> Message:
        if not self._read:
            self._read = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self.began.set()
            return
        piece = message.get("body", b"")
        self._length += len(piece)
        if self.most is not None and self._length > self.most:
            raise TooMuch
        self.pieces.append(piece)


class TooMuch(Exception):
    """The answer is longer than the caller takes."""
