"""HTTP to the outside: the only file that opens connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import StreamWriter
from aiohttp.payload import Payload
from typing_extensions import override

from jimeng_api.domain.secret import Secret


class NotSent(Exception):
    """For certain not a byte of the request went out."""


class NoConnectionFree(NotSent):
    """Too many requests are under way here; the other side was not even asked."""


class ProxyFailed(NotSent):
    """The proxy cannot be reached, does not let us through, or is none."""


class Broken(Exception):
    """Something may have gone out, and no whole answer came back."""


class TooLarge(Broken):
    """The answer is larger than the request allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request. `timeout` covers all of it, in seconds; the answer may have `max_bytes` (decoded).

    `fresh` asks for a connection of its own: on a kept one, a request can be lost that was never read.
    `proxy` is an address like `http://user:password@host:port`. Headers may hold secrets, so the request
    prints without them.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout: float = 45.0
    max_bytes: int = 32 * 1024 * 1024
    fresh: bool = False
    proxy: Secret | None = None


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
    """The door to the real network, on aiohttp. Close it at the end of the program.

    Up to `connections` requests are under way at once, and as many fresh ones; further ones wait.
    """

    def __init__(self, *, connections: int = 256, connect_timeout: float = 10.0) -> None:
        self._connect_timeout = connect_timeout
        self._kept = _session(aiohttp.TCPConnector(limit=connections, limit_per_host=connections))
        self._fresh = _session(aiohttp.TCPConnector(limit=connections, force_close=True))
        # Our own, and not the connectors', because theirs do not tell waiting for a place from connecting.
        self._kept_places = asyncio.Semaphore(connections)
        self._fresh_places = asyncio.Semaphore(connections)

    async def close(self) -> None:
        await self._kept.close()
        await self._fresh.close()

    async def send(self, request: Request) -> Response:
        async with self.stream(request) as stream:
            body = b"".join([chunk async for chunk in stream.chunks])
            return Response(status=stream.status, headers=stream.headers, body=body)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        places = self._fresh_places if request.fresh else self._kept_places
        left = await _place(places, request.timeout)
        try:
            async with await self._answer(request, left) as answer:
                yield Stream(
                    status=answer.status,
                    headers={name.lower(): value for name, value in answer.headers.items()},
                    chunks=_chunks(answer, request.max_bytes),
                )
        finally:
            places.release()

    async def _answer(self, request: Request, seconds: float) -> aiohttp.ClientResponse:
        """The answer as soon as its head is here."""
        session = self._fresh if request.fresh else self._kept
        body = None if request.body is None and not request.fresh else _Body(request.body or b"")
        proxy, credentials = _proxy(request.proxy)
        headers = dict(request.headers)
        if credentials and not request.url.startswith("https:"):
            headers |= credentials  # there is no tunnel then: the proxy reads the request itself
        try:
            return await session.request(
                request.method,
                request.url,
                headers=headers,
                data=body,
                proxy=proxy,
                proxy_headers=credentials,
                timeout=aiohttp.ClientTimeout(
                    total=seconds, connect=seconds * 0.7, sock_connect=self._connect_timeout
                ),
                allow_redirects=False,
            )
        except _FAILED as error:
            # What fails behind a proxy may hold its password, so that it must not go along as a cause.
            raise _judged(error, body, proxied=proxy is not None) from (None if proxy else error)


class _Body(Payload):
    """A body that knows how many bytes of its request were handed to the connection, the head among them.

    aiohttp keeps the head back until the body's first bytes are there, so that this is the one place where
    a request begins to go out.
    """

    _autoclose = True

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self._size = len(body)
        self.handed = 0

    @override
    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return bytes(self._value).decode(encoding, errors)

    @override
    async def write(self, writer: AbstractStreamWriter) -> None:
        assert isinstance(writer, StreamWriter)  # noqa: S101 - no other is made for a request
        connection = writer.transport
        # Raises where the connection has closed. Without `drain` it never waits, so that a connection which
        # is closed afterwards was closed by this write: the system took not a byte of it.
        await writer.write(self._value, drain=False)
        if connection is not None and not connection.is_closing():
            self.handed = writer.output_size


_FAILED = (aiohttp.ClientError, TimeoutError, OSError)
_UNCONNECTED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)


def _judged(error: Exception, body: _Body | None, *, proxied: bool) -> NotSent | Broken:
    """What is known of a request that ended with this error."""
    name = type(error).__name__
    if body is None and not isinstance(error, _UNCONNECTED):
        return Broken(name)
    if body is not None and body.handed:
        return Broken(f"{name} after {body.handed} bytes")
    return (_fault_of_the_proxy(error) if proxied else None) or NotSent(name)


def _fault_of_the_proxy(error: Exception) -> ProxyFailed | None:
    """What was wrong before the proxy let us through; what fails behind it is not its fault."""
    match error:
        case aiohttp.ClientHttpProxyError():
            return ProxyFailed(f"it answers HTTP {error.status}")
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientConnectorDNSError():
            return ProxyFailed("it cannot be reached")
        case aiohttp.ClientConnectorError():
            return None
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return None
        case TimeoutError():
            return ProxyFailed("it makes no connection in time")
        case _:
            return ProxyFailed("it does not answer as a proxy does")


def _proxy(address: Secret | None) -> tuple[str | None, dict[str, str] | None]:
    """A proxy's address without what is secret in it, and the header that says that."""
    if address is None:
        return None, None
    parts = urlsplit(address.reveal())
    bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if parts.username is None:
        return bare, None
    password = unquote(parts.password or "")
    return bare, {
        "Proxy-Authorization": aiohttp.encode_basic_auth(unquote(parts.username), password)
    }


async def _place(places: asyncio.Semaphore, seconds: float) -> float:
    """Wait for a place for a request that has so many seconds; those that are left."""
    if not places.locked():
        await places.acquire()
        return seconds
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(seconds * 0.7):
            await places.acquire()
    except TimeoutError:
        raise NoConnectionFree("all connections are in use") from None
    return seconds - (loop.time() - began)


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
    except _FAILED as error:
        raise Broken(type(error).__name__) from error
