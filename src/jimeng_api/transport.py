"""HTTP to the outside: the only file that opens connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp


class NotSent(Exception):
    """The connection could not be made: not a byte of the request went out."""


class Broken(Exception):
    """Something went out, and no whole answer came back."""


class TooLarge(Broken):
    """The answer is larger than the request allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request. `timeout` covers all of it, in seconds; the answer may have `max_bytes` (decoded).

    `fresh` asks for a connection of its own, so that a failure to connect is certain to have sent nothing.
    Headers may hold secrets, so the request prints without them.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout: float = 45.0
    max_bytes: int = 32 * 1024 * 1024
    fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """An answer whose body is still arriving. Reading raises `Broken` when it ends too early."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes] = field(repr=False)


class Transport(Protocol):
    """The door. Redirects are never followed and cookies never kept: a caller sees the answer as it is."""

    async def send(self, request: Request) -> Response: ...

    def stream(self, request: Request) -> AbstractAsyncContextManager[Stream]: ...


class HttpTransport:
    """The door to the real network, on aiohttp. Close it at the end of the program."""

    def __init__(self, *, connections: int = 256, connect_timeout: float = 10.0) -> None:
        self._connect_timeout = connect_timeout
        self._kept = _session(aiohttp.TCPConnector(limit=connections, limit_per_host=connections))
        self._fresh = _session(aiohttp.TCPConnector(limit=connections, force_close=True))

    async def close(self) -> None:
        await self._kept.close()
        await self._fresh.close()

    async def send(self, request: Request) -> Response:
        async with self.stream(request) as stream:
            body = b"".join([chunk async for chunk in stream.chunks])
            return Response(status=stream.status, headers=stream.headers, body=body)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        session = self._fresh if request.fresh else self._kept
        # Waiting for a free connection counts as connecting: whoever waits in vain has sent nothing.
        timeout = aiohttp.ClientTimeout(
            total=request.timeout,
            connect=request.timeout * 0.7,
            sock_connect=self._connect_timeout,
        )
        try:
            answer = await session.request(
                request.method,
                request.url,
                headers=dict(request.headers),
                data=request.body,
                timeout=timeout,
                allow_redirects=False,
            )
        except _UNCONNECTED as error:
            raise NotSent(type(error).__name__) from error
        except _BROKEN as error:
            raise Broken(type(error).__name__) from error
        async with answer:
            yield Stream(
                status=answer.status,
                headers={name.lower(): value for name, value in answer.headers.items()},
                chunks=_chunks(answer, request.max_bytes),
            )


_UNCONNECTED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)
_BROKEN = (aiohttp.ClientError, TimeoutError, OSError)


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        skip_auto_headers=("User-Agent",),
    )


async def _chunks(answer: aiohttp.ClientResponse, most: int) -> AsyncIterator[bytes]:
    taken = 0
    try:
        async for chunk in answer.content.iter_chunked(64 * 1024):
            taken += len(chunk)
            if taken > most:
                raise TooLarge(f"more than {most} bytes")
            yield chunk
    except _BROKEN as error:
        raise Broken(type(error).__name__) from error
