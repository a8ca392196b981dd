"""A server between gateway and simulator that makes every film as large as told, on its way through.

The film stays what it is: a box that players skip is added at its end.
"""

from __future__ import annotations

import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from yarl import URL

PATTERN = os.urandom(2**20)  # what the box is filled with, so that its last byte ends the file
_HEADER = 16


class Enlarging:
    """`size` is what films have from now on, in bytes."""

    def __init__(self, simulator: str, *, port: int) -> None:
        self.size = 0
        self._simulator = simulator
        self._port = port

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        application = web.Application(client_max_size=2**30)
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(application, access_log=None, auto_decompress=False)
        await runner.setup()
        async with aiohttp.ClientSession(auto_decompress=False) as self._http:
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
            try:
                yield
            finally:
                await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        film = request.path.startswith("/video/tos/")
        headers = request.headers.copy()
        if film:
            headers.pop("range", None)
        url = f"{self._simulator}{request.raw_path}"
        async with self._http.request(
            request.method, URL(url, encoded=True),
            headers=headers, data=await request.read(),
        ) as answer:  # fmt: skip
            body = await answer.read()
        if film and answer.status == 200:
            return await self._enlarged(request, body)
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
        return web.Response(status=answer.status, body=body, headers=kept)

    async def _enlarged(self, request: web.Request, film: bytes) -> web.StreamResponse:
        more = self.size - len(film)
        answer = web.StreamResponse(headers={"content-type": "video/mp4"})
        answer.content_length = self.size
        await answer.prepare(request)
        await answer.write(film + struct.pack(">I4sQ", 1, b"free", more))
        fill = more - _HEADER
        first = fill % len(PATTERN)
        await answer.write(PATTERN[len(PATTERN) - first :])
        for _ in range(fill // len(PATTERN)):
            await answer.write(PATTERN)
        await answer.write_eof()
        return answer


_HOP = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive", "date"})
