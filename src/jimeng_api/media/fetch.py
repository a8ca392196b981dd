"""Fetching a result from the upstream's delivery network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from urllib.parse import urlsplit

from jimeng_api.catalog.sites import Site
from jimeng_api.domain.errors import (
    ResultCorrupt,
    ResultRejected,
    UpstreamUnreachable,
)
from jimeng_api.domain.secret import Secret
from jimeng_api.transport import Broken, NotSent, Request, Stream, TooLarge, Transport

MOST_BYTES = 64 * 1024 * 1024
NO_PROXIES: Mapping[str, Secret] = MappingProxyType({})


class LinkExpired(Exception):
    """The link is no longer good; the upstream gives a fresh one when it is asked again."""


class Fetcher:
    """Takes results from the hosts where the upstream keeps them, and from nowhere else."""

    def __init__(
        self,
        transport: Transport,
        *,
        origin: str | None,
        user_agent: str,
        proxies: Mapping[str, Secret] = NO_PROXIES,
    ) -> None:
        """`origin` stands in for every host of the upstream; `proxies` are by the names of sites.

        Without an origin only public addresses are connected to. Behind a proxy the list of the site's hosts
        is all that can be judged.
        """
        self._transport = transport
        self._proxies = proxies
        self._origin = urlsplit(origin) if origin else None
        self._headers = {"user-agent": user_agent, "accept": "image/*,video/*,*/*;q=0.8"}

    async def fetch(self, url: str, *, site: Site, seconds: float = 60) -> bytes:
        """The bytes behind a result link of the site, a picture's.

        Raises LinkExpired, ResultRejected for a link that leads elsewhere, ResultCorrupt for an answer that
        is not a whole file, UpstreamUnreachable where nothing came.
        """
        async with self.stream(url, site=site, seconds=seconds, most=MOST_BYTES) as stream:
            body = b"".join([chunk async for chunk in stream.chunks])
        if not body:
            raise ResultCorrupt("The upstream's result is empty.")
        return body

    @asynccontextmanager
    async def stream(
        self, url: str, *, site: Site, seconds: float, most: int, start: int = 0
    ) -> AsyncIterator[Stream]:
        """The bytes as they come, at most so many, within so many seconds; raises what `fetch` raises.

        They come from `start` on only where the status is 206; at 200 they are the whole file.
        """
        if not self._allowed(url, site):
            raise ResultRejected("The upstream named a result outside its own delivery network.")
        request = Request(
            method="GET",
            url=url,
            headers=self._headers | ({"range": f"bytes={start}-"} if start else {}),
            timeout=seconds,
            max_bytes=most,
            only_public=self._origin is None,
            proxy=site.proxy or self._proxies.get(site.name),
        )
        try:
            async with self._transport.stream(request) as stream:
                _check(stream.status, part=start > 0)
                yield stream
        except TooLarge as error:
            raise ResultCorrupt("The upstream's result is too large.") from error
        except (NotSent, Broken) as error:
            raise UpstreamUnreachable("The upstream's result could not be fetched.") from error

    def _allowed(self, url: str, site: Site) -> bool:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return False
        if "@" in parts.netloc or "\\" in url:
            return False
        if self._origin is not None:
            return (parts.scheme, parts.netloc) == (self._origin.scheme, self._origin.netloc)
        plain = parts.scheme == "https" and port in (None, 443)
        return plain and site.serves_results_from(parts.hostname or "")


def _check(status: int, *, part: bool) -> None:
    if status in (403, 404, 410):
        raise LinkExpired(f"The link to the result answered {status}.")
    if status != 200 and not (part and status == 206):
        raise UpstreamUnreachable(f"The link to the result answered {status}.")
