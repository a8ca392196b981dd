"""Fetching what a caller's URL leads to: on the public internet, and nothing told about any other place."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from yarl import URL

from jimeng_api.domain.errors import InvalidValue
from jimeng_api.media.anatomy import MOST_BYTES, NotTaken
from jimeng_api.media.download import Arrived, Pouring
from jimeng_api.transport import Broken, NotSent, Request, Stream, TooLarge, Transport

_MOST_HOPS = 3
_SECONDS = 30.0
_FILM_SECONDS = 600.0
# The bytes so far must have come at this rate, apart from the seconds that one has anyway.
_GRACE_SECONDS = 10.0
_LEAST_BYTES_PER_SECOND = 128 * 1024
_LONGEST_URL = 8192
_NEVER_IN_A_URL = re.compile(r"[\x00-\x20\x7f-\xa0\\]|\s")
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]*:[0-9a-f:.]*")
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS: Mapping[str, str] = {
    "user-agent": "jimeng-api",
    "accept": "image/png,image/jpeg,image/webp,*/*;q=0.1",
    "accept-encoding": "identity",
}

NOT_A_URL = "must be an http(s) URL or a data URI"
ODD_URL = (
    "is a URL of a form that is not taken: it must have a plain host name, port 80 or 443, and no user name, "
    "space or backslash"
)
# One text for whatever happens, so that it cannot be found out what there is in the gateway's own network.
NOT_FETCHED = (
    "could not be fetched: it must be a URL that anybody on the internet can read, and quickly"
)


@dataclass(frozen=True, slots=True)
class _Allowance:
    """How many bytes an answer may have, and how many seconds."""

    bytes: int
    seconds: float


@dataclass(slots=True)
class _Patience:
    """Until when an answer is waited for: longer while it comes quickly enough."""

    timeout: asyncio.Timeout
    began: float
    longest: float
    taken: int = 0

    def after(self, length: int) -> None:
        """So many bytes more are here."""
        self.taken += length
        seconds = min(self.longest, _GRACE_SECONDS + self.taken / _LEAST_BYTES_PER_SECOND)
        self.timeout.reschedule(self.began + seconds)


_More = Callable[[bytes], Awaitable[None]]


class CallersUrls:
    """Reads callers' URLs. `allowed` are pairs `host:port` outside the public internet that they may name."""

    def __init__(self, transport: Transport, *, allowed: Collection[str] = ()) -> None:
        self._transport = transport
        self._allowed = frozenset(allowed)

    async def fetch(self, text: str, *, param: str) -> bytes:
        """The bytes behind the URL, a picture's. Raises InvalidValue, naming the caller's parameter."""
        body = bytearray()

        async def more(chunk: bytes) -> None:
            body.extend(chunk)

        await self._read(text, param, _Allowance(MOST_BYTES, _SECONDS), more)
        return bytes(body)

    async def save(self, text: str, into: Arrived, *, param: str, most: int) -> None:
        """Write the bytes behind the URL, at most so many, into a file. Raises what `fetch` raises."""
        pouring = Pouring(into)
        await self._read(text, param, _Allowance(most, _FILM_SECONDS), pouring.add)
        await pouring.finish()

    async def _read(self, text: str, param: str, allowed: _Allowance, more: _More) -> None:
        try:
            url = self._checked(_parsed(text))
            async with asyncio.timeout(_GRACE_SECONDS) as timeout:
                began = asyncio.get_running_loop().time()
                patience = _Patience(timeout, began, allowed.seconds)
                await self._followed(url, allowed, patience, more)
        except NotTaken as error:
            raise InvalidValue(f"{param} {error}", param=param) from error
        except TooLarge as error:
            raise InvalidValue(
                f"{param} is larger than {allowed.bytes // 1024**2} MiB", param=param
            ) from error
        except (NotSent, Broken, TimeoutError) as error:
            raise InvalidValue(f"{param} {NOT_FETCHED}", param=param) from error

    async def _followed(
        self, url: URL, allowed: _Allowance, patience: _Patience, more: _More
    ) -> None:
        for _ in range(1 + _MOST_HOPS):
            async with self._transport.stream(self._request(url, allowed)) as stream:
                if stream.status not in _REDIRECTS or "location" not in stream.headers:
                    await _body(stream, patience, more)
                    return
                url = self._redirected(url, stream.headers["location"])
        raise NotTaken(f"could not be fetched: it is redirected more than {_MOST_HOPS} times")

    def _request(self, url: URL, allowed: _Allowance) -> Request:
        return Request(
            method="GET",
            url=str(url),
            headers=_HEADERS,
            timeout=allowed.seconds,
            max_bytes=allowed.bytes,
            only_public=not self._is_allowed(url),
        )

    def _redirected(self, url: URL, location: str) -> URL:
        try:
            target = self._checked(url.join(_parsed(location)))
        except (NotTaken, ValueError) as error:
            raise NotTaken(NOT_FETCHED) from error
        if url.scheme == "https" and target.scheme != "https":
            raise NotTaken(NOT_FETCHED)
        return target

    def _checked(self, url: URL) -> URL:
        if url.scheme not in _PORTS or not url.raw_host:
            raise NotTaken(NOT_A_URL)
        plain = "@" not in url.raw_authority and _HOST.fullmatch(url.raw_host)
        if not plain or not (url.port in _PORTS.values() or self._is_allowed(url)):
            raise NotTaken(ODD_URL)
        return url.with_fragment(None)

    def _is_allowed(self, url: URL) -> bool:
        return f"{url.host_subcomponent}:{url.port}" in self._allowed


def _parsed(text: str) -> URL:
    """The text as the library reads it that connects; what others could read otherwise is refused."""
    try:
        if len(text) <= _LONGEST_URL and not _NEVER_IN_A_URL.search(text):
            return URL(text)
    except ValueError:
        pass
    raise NotTaken(ODD_URL if text[:4].lower() == "http" else NOT_A_URL)


async def _body(stream: Stream, patience: _Patience, more: _More) -> None:
    if stream.status != 200:
        raise NotTaken(f"could not be fetched: its server answers HTTP {stream.status}")
    async for chunk in stream.chunks:
        await more(chunk)
        patience.after(len(chunk))
