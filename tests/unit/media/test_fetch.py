"""Where results may be fetched from, and what comes of each answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from jimeng_api.catalog.sites import SITES
from jimeng_api.domain.errors import (
    GatewayError,
    ResultCorrupt,
    ResultRejected,
    UpstreamUnreachable,
)
from jimeng_api.domain.secret import Secret
from jimeng_api.media.fetch import MOST_BYTES, Fetcher, LinkExpired
from jimeng_api.transport import Broken, NotSent, Request, Response, Stream, TooLarge

GOOD = (
    "https://p3-dreamina-sign.byteimg.com/tos-cn-i-tb4s082cfz/0123.png?x-expires=1&x-signature=a%3D"
)


class Answering:
    """A transport with one answer."""

    def __init__(
        self, status: int = 200, body: bytes = b"bytes", error: Exception | None = None
    ) -> None:
        self.asked: list[Request] = []
        self._response = Response(status=status, headers={}, body=body)
        self._error = error

    async def send(self, request: Request) -> Response:
        self.asked.append(request)
        if self._error:
            raise self._error
        return self._response

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        answer = await self.send(request)
        yield Stream(status=answer.status, headers=answer.headers, chunks=_once(answer.body))


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


def fetcher(transport: Answering, origin: str | None = None) -> Fetcher:
    return Fetcher(transport, origin=origin, user_agent="agent")


@pytest.mark.parametrize(
    ("site", "url"),
    [
        ("cn", GOOD),
        ("cn", "https://byteimg.com/a"),
        ("cn", "https://P3.BYTEIMG.COM./a"),
        ("cn", "https://p3.byteimg.com:443/a"),
        ("cn", "https://v3-artist.vlabvod.com/a"),
        ("us", "https://p16-dreamina-sign-sg.ibyteimg.com/a"),
        ("hk", "https://p16.capcut.com/a"),
        ("jp", "https://p16.byteoversea.com/a"),
        ("sg", "https://p16.capcutapi.com/a"),
    ],
)
async def test_results_are_fetched_from_the_sites_own_delivery_network(site: str, url: str) -> None:
    transport = Answering()
    assert await fetcher(transport).fetch(url, site=SITES[site]) == b"bytes"
    (request,) = transport.asked
    assert request.url == url
    assert request.method == "GET"
    assert request.max_bytes == MOST_BYTES
    assert not {"cookie", "authorization"} & {name.lower() for name in request.headers}


async def test_results_come_by_the_proxy_of_their_site() -> None:
    transport = Answering()
    proxy = Secret("http://10.0.0.1:3128")
    fetching = Fetcher(transport, origin=None, user_agent="agent", proxies={"us": proxy})
    await fetching.fetch(GOOD, site=SITES["cn"])
    await fetching.fetch("https://p16-dreamina-sign-sg.ibyteimg.com/a", site=SITES["us"])
    assert [request.proxy for request in transport.asked] == [None, proxy]


@pytest.mark.parametrize(
    "url",
    [
        "http://p3.byteimg.com/a",
        "ftp://p3.byteimg.com/a",
        "file:///etc/passwd",
        "//p3.byteimg.com/a",
        "/tos-cn-i-tb4s082cfz/a",
        "",
        "https://",
        "https:///a",
        "https://user@p3.byteimg.com/a",
        "https://user:pass@p3.byteimg.com/a",
        "https://p3.byteimg.com@evil.example/a",
        "https://p3.byteimg.com:pass@evil.example/a",
        "https://evil.example\\@p3.byteimg.com/a",
        "https://evil.example\\.byteimg.com/a",
        "https:\\\\p3.byteimg.com/a",
        "https://p3.byteimg.com:8443/a",
        "https://p3.byteimg.com:80/a",
        "https://p3.byteimg.com:x/a",
        "https://p3.byteimg.com:99999/a",
        "https://byteimg.com.evil.example/a",
        "https://evilbyteimg.com/a",
        "https://evil.example/byteimg.com",
        "https://evil.example?.byteimg.com",
        "https://evil.example#.byteimg.com",
        "https://127.0.0.1/a",
        "https://2130706433/a",
        "https://0x7f000001/a",
        "https://[::1]/a",
        "https://[::ffff:169.254.169.254]/a",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/a",
        "https://localhost/a",
        "https://metadata.google.internal/a",
        "https://p16.capcut.com/a",  # another site's
        "https://[bad/a",
    ],
)
async def test_a_link_that_leads_elsewhere_is_not_followed(url: str) -> None:
    transport = Answering()
    with pytest.raises(ResultRejected):
        await fetcher(transport).fetch(url, site=SITES["cn"])
    assert transport.asked == []


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:5199/tos-a", True),
        ("http://127.0.0.1:5198/tos-a", False),
        ("http://127.0.0.1/tos-a", False),
        ("https://127.0.0.1:5199/tos-a", False),
        ("http://127.0.0.1:5199@evil.example/a", False),
        ("http://user@127.0.0.1:5199/a", False),
        ("http://localhost:5199/a", False),
        (GOOD, False),
    ],
)
async def test_an_origin_that_stands_in_for_all_hosts_is_the_only_one(
    url: str, allowed: bool
) -> None:
    transport = Answering()
    fetching = fetcher(transport, "http://127.0.0.1:5199").fetch(url, site=SITES["cn"])
    if allowed:
        assert await fetching == b"bytes"
    else:
        with pytest.raises(ResultRejected):
            await fetching
        assert transport.asked == []


@pytest.mark.parametrize(
    ("transport", "error"),
    [
        (Answering(403), LinkExpired),
        (Answering(404), LinkExpired),
        (Answering(410), LinkExpired),
        (Answering(302), UpstreamUnreachable),
        (Answering(500), UpstreamUnreachable),
        (Answering(206), UpstreamUnreachable),
        (Answering(body=b""), ResultCorrupt),
        (Answering(error=TooLarge("64 MiB")), ResultCorrupt),
        (Answering(error=NotSent("refused")), UpstreamUnreachable),
        (Answering(error=Broken("reset")), UpstreamUnreachable),
    ],
)
async def test_each_answer_that_is_no_file_has_its_meaning(
    transport: Answering, error: type[GatewayError] | type[LinkExpired]
) -> None:
    with pytest.raises(error):
        await fetcher(transport).fetch(GOOD, site=SITES["cn"])
