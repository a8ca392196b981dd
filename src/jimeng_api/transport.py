"""HTTP to the outside: the only file that opens connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, AbstractStreamWriter, ResolveResult
from aiohttp.http import StreamWriter
from aiohttp.payload import Payload
from typing_extensions import override

from jimeng_api.domain.addresses import is_public
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


@dataclass(frozen=True, slots=True)
class Parts:
    """A body that is too large to be held: its length, and its bytes one after another, from the first on."""

    size: int
    chunks: Callable[[], AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request. `timeout` covers all of it, in seconds; the answer may have `max_bytes` (decoded).

    `parts` stand in place of a `body` that is too large. `fresh` asks for a connection of its own: on a kept
    one, a request can be lost that was never read. `only_public` lets it connect to addresses of the public
    internet only, whatever its host resolves to. `proxy` is an address like `http://user:password@host:port`,
    or with `https` or `socks5`. The proxy connects then, and nothing is known of where to: `only_public` does
    not count. Headers may hold secrets, so the request prints without them.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    parts: Parts | None = None
    timeout: float = 45.0
    max_bytes: int = 32 * 1024 * 1024
    fresh: bool = False
    only_public: bool = False
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


@dataclass(frozen=True, slots=True)
class _Pool:
    """Connections of one kind, and the places for requests on them."""

    session: aiohttp.ClientSession
    # Our own, and not the connector's, because its do not tell waiting for a place from connecting.
    places: asyncio.Semaphore


class HttpTransport:
    """The door to the real network, on aiohttp. Close it at the end of the program.

    Of each kind (kept or fresh connections, anywhere or only public ones) up to `connections` requests are
    under way at once; further ones wait. `resolver` finds the addresses of hosts in place of the system.
    """

    def __init__(
        self,
        *,
        connections: int = 256,
        connect_timeout: float = 10.0,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._connect_timeout = connect_timeout
        self._connections = connections
        self._pools = {
            (fresh, only_public): _pool(connections, resolver, fresh=fresh, only_public=only_public)
            for fresh in (False, True)
            for only_public in (False, True)
        }
        self._behind_socks: dict[tuple[bool, Secret], _Pool] = {}

    async def close(self) -> None:
        for pool in (*self._pools.values(), *self._behind_socks.values()):
            await pool.session.close()

    async def send(self, request: Request) -> Response:
        async with self.stream(request) as stream:
            body = b"".join([chunk async for chunk in stream.chunks])
            return Response(status=stream.status, headers=stream.headers, body=body)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        pool = self._pool(request)
        left = await _place(pool.places, request.timeout)
        try:
            async with await self._answer(pool.session, request, left) as answer:
                yield Stream(
                    status=answer.status,
                    headers={name.lower(): value for name, value in answer.headers.items()},
                    chunks=_chunks(answer, request.max_bytes),
                )
        finally:
            pool.places.release()

    def _pool(self, request: Request) -> _Pool:
        proxy = request.proxy
        if proxy is None or not _is_socks(proxy):
            return self._pools[request.fresh, request.only_public and proxy is None]
        # aiohttp speaks to HTTP proxies only: a connector for each of the others, which are few.
        pool = self._behind_socks.get((request.fresh, proxy))
        if pool is None:
            pool = _socks_pool(self._connections, proxy, fresh=request.fresh)
            self._behind_socks[request.fresh, proxy] = pool
        return pool

    async def _answer(
        self, session: aiohttp.ClientSession, request: Request, seconds: float
    ) -> aiohttp.ClientResponse:
        """The answer as soon as its head is here."""
        sent = request.parts or request.body
        body = None if sent is None and not request.fresh else _Body(sent or b"")
        socks = request.proxy is not None and _is_socks(request.proxy)
        proxy, credentials = _proxy(None if socks else request.proxy)
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
            proxied = request.proxy is not None
            raise _judged(error, body, proxied=proxied) from (None if proxied else error)


_PIECE = 256 * 1024


class _Body(Payload):
    """A body that knows how many bytes of its request were handed to the connection, the head among them.

    aiohttp keeps the head back until the body's first bytes are there, so that this is the one place where
    a request begins to go out.
    """

    _autoclose = True

    def __init__(self, body: bytes | Parts) -> None:
        super().__init__(body)
        self._parts = body if isinstance(body, Parts) else None
        self._size = body.size if isinstance(body, Parts) else len(body)
        self.handed = 0

    @override
    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return bytes(b"" if self._parts else self._value).decode(encoding, errors)

    @override
    async def write(self, writer: AbstractStreamWriter) -> None:
        assert isinstance(writer, StreamWriter)  # noqa: S101 - no other is made for a request
        if self._parts is not None:
            async for chunk in self._parts.chunks():
                await self._hand(writer, chunk)
                await writer.drain()
            return
        body = memoryview(self._value)
        await self._hand(writer, body[:_PIECE])
        # In one piece with its head, a large body would be in memory twice.
        for start in range(_PIECE, len(body), _PIECE):
            await writer.write(body[start : start + _PIECE])
            self.handed = writer.output_size

    async def _hand(self, writer: StreamWriter, data: bytes | memoryview) -> None:
        connection = writer.transport
        # Raises where the connection has closed. Without `drain` it never waits, so that a connection which
        # is closed afterwards was closed by this write: the system took not a byte of it.
        await writer.write(data, drain=False)
        if connection is not None and not connection.is_closing():
            self.handed = writer.output_size


class _SocksFailed(aiohttp.ClientError):
    """A SOCKS proxy made no connection. Without a message, what it was to connect to is not there."""


_SOCKS_BEHIND = (3, 4, 5, 6)  # network or host unreachable, connection refused, too far (RFC 1928)

# A host whose name can be none (a part longer than 63 letters) is met by Python with a UnicodeError.
_FAILED = (aiohttp.ClientError, TimeoutError, OSError, UnicodeError)
_UNCONNECTED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    _SocksFailed,
    UnicodeError,
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
        case _SocksFailed():
            return ProxyFailed(str(error)) if str(error) else None
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


def _is_socks(proxy: Secret) -> bool:
    return proxy.reveal().startswith("socks5:")


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


def _pool(
    connections: int, resolver: AbstractResolver | None, *, fresh: bool, only_public: bool
) -> _Pool:
    connector = aiohttp.TCPConnector(
        limit=connections,
        limit_per_host=0 if fresh else connections,
        force_close=fresh,
        resolver=resolver or (_OwnThreads() if only_public else None),
        socket_factory=_public_socket if only_public else None,
    )
    return _pool_on(connector, connections)


def _socks_pool(connections: int, proxy: Secret, *, fresh: bool) -> _Pool:
    # Imported here: few need it.
    from aiohttp_socks import (
        ProxyConnectionError,
        ProxyConnector,
        ProxyError,
        ProxyTimeoutError,
    )

    class Connector(ProxyConnector):
        """Tells what went wrong in our words."""

        @override
        async def _wrap_create_connection(self, *args: Any, **kwargs: Any) -> Any:
            try:
                return await super()._wrap_create_connection(*args, **kwargs)
            except ProxyTimeoutError:
                raise _SocksFailed("it makes no connection in time") from None
            except ProxyConnectionError:
                raise _SocksFailed("it cannot be reached") from None
            except asyncio.IncompleteReadError:
                raise _SocksFailed("it does not answer as a proxy does") from None
            except ProxyError as error:
                behind = error.error_code in _SOCKS_BEHIND
                raise _SocksFailed("" if behind else "it refuses to connect") from None

    connector = Connector.from_url(
        proxy.reveal(),
        rdns=True,  # the names of hosts are the proxy's to look up
        limit=connections,
        limit_per_host=0 if fresh else connections,
        force_close=fresh,
    )
    return _pool_on(connector, connections)


def _pool_on(connector: aiohttp.TCPConnector, connections: int) -> _Pool:
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        skip_auto_headers=("User-Agent",),
    )
    return _Pool(session, asyncio.Semaphore(connections))


def _public_socket(to: aiohttp.AddrInfoType) -> socket.socket:
    """A socket for connecting to this address, which is that of no name any more.

    Here, and not where names are resolved, because addresses in URLs never come by there, and because what
    was resolved once may resolve to something else the next time.
    """
    family, kind, protocol, _, address = to
    if not is_public(str(address[0])):
        raise PermissionError("not an address of the public internet")
    return socket.socket(family=family, type=kind, proto=protocol)


class _OwnThreads(AbstractResolver):
    """Asks the system for addresses, in a thread for each question.

    A name server that a caller chose may take its time: the system's few threads for that would all wait for
    it, and with them whoever asks for the upstream. The threads do not hold up the end of the program.
    """

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[ResolveResult]] = loop.create_future()

        def tell(found: list[ResolveResult], error: Exception | None) -> None:
            if answer.done():
                return
            if error is None:
                answer.set_result(found)
            else:
                answer.set_exception(error)

        def ask() -> None:
            found: list[ResolveResult] = []
            trouble: Exception | None = None
            try:
                found = _addresses(host, port, family)
            except (OSError, ValueError) as error:
                trouble = error
            with suppress(RuntimeError):  # the loop may have ended
                loop.call_soon_threadsafe(tell, found, trouble)

        Thread(target=ask, name="addresses", daemon=True).start()
        return await answer

    @override
    async def close(self) -> None:
        """There is nothing to close."""


def _addresses(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    return [
        ResolveResult(
            hostname=host,
            host=str(address[0]),
            port=port,
            family=found,
            proto=protocol,
            flags=socket.AI_NUMERICHOST,
        )
        for found, _, protocol, _, address in socket.getaddrinfo(
            host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
    ]


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
