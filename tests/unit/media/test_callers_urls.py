"""A caller's URL: what is followed, what is asked, how long, how much, and what the caller is told."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from yarl import URL

from jimeng_api.domain.errors import InvalidValue
from jimeng_api.media import callers_urls
from jimeng_api.media.anatomy import MOST_BYTES
from jimeng_api.media.callers_urls import NOT_A_URL, NOT_FETCHED, ODD_URL, CallersUrls
from jimeng_api.transport import HttpTransport, Request, Response, Stream
from tests.unit.loopback import head, raw, serving, unused_port

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


Page = tuple[int, dict[str, str], bytes]


class Web:
    """A transport that knows some pages: URL → status, headers and body."""

    def __init__(self, pages: dict[str, Page]) -> None:
        self._pages = pages
        self.asked: list[Request] = []

    async def send(self, request: Request) -> Response:
        raise AssertionError("a picture is read as it comes")

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        self.asked.append(request)
        status, headers, body = self._pages[request.url]

        async def chunks() -> AsyncIterator[bytes]:
            yield body

        yield Stream(status=status, headers=headers, chunks=chunks())


def to(location: str, status: int = 302) -> Page:
    return status, {"location": location}, b"moved"


PICTURE: Page = (200, {}, b"picture")


async def told(urls: CallersUrls, url: str) -> str:
    with pytest.raises(InvalidValue) as caught:
        await urls.fetch(url, param="image[]")
    assert caught.value.param == "image[]"
    return caught.value.message.removeprefix("image[] ")


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    transport = HttpTransport(connect_timeout=0.5)
    yield transport
    await transport.close()


@asynccontextmanager
async def served(
    transport: HttpTransport, answer: Answer
) -> AsyncIterator[tuple[CallersUrls, str]]:
    """A server that the operator allows, and its address."""
    async with serving(answer) as origin:
        yield CallersUrls(transport, allowed=[f"127.0.0.1:{URL(origin).port}"]), origin


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://b.test/x.png", "https://b.test/x.png"),
        ("//b.test/x.png", "http://b.test/x.png"),
        ("/x.png?y=1#z", "http://a.test/x.png?y=1"),
        ("x.png", "http://a.test/d/x.png"),
        ("?q", "http://a.test/d/a.png?q"),
    ],
)
async def test_redirects_are_followed_by_hand(status: int, location: str, url: str) -> None:
    pages = Web({"http://a.test/d/a.png": to(location, status), url: PICTURE})
    assert await CallersUrls(pages).fetch("http://a.test/d/a.png", param="image") == b"picture"
    assert [request.url for request in pages.asked] == ["http://a.test/d/a.png", url]


async def test_three_redirects_are_followed_and_no_fourth() -> None:
    pages = Web({f"http://a.test/{hop}": to(f"/{hop + 1}") for hop in range(1, 9)})
    pages._pages["http://a.test/5"] = PICTURE
    assert await CallersUrls(pages).fetch("http://a.test/2", param="image") == b"picture"
    assert "redirected more than 3 times" in await told(CallersUrls(pages), "http://a.test/1")


async def test_no_redirect_takes_the_encryption_away() -> None:
    pages = Web({"https://a.test/a": to("http://a.test/a"), "http://a.test/a": PICTURE})
    assert await told(CallersUrls(pages), "https://a.test/a") == NOT_FETCHED
    assert len(pages.asked) == 1


async def test_each_hop_is_asked_for_as_a_stranger_and_judged_by_itself() -> None:
    pages = Web(
        {
            "https://a.test/a": to("https://files.lan:8443/a"),
            "https://files.lan:8443/a": to("https://b.test/"),
            "https://b.test/": PICTURE,
        }
    )
    await CallersUrls(pages, allowed=["files.lan:8443"]).fetch("https://a.test/a", param="image")
    assert [request.only_public for request in pages.asked] == [True, False, True]
    for request in pages.asked:
        assert request.method == "GET"
        assert request.body is None
        assert request.proxy is None
        assert set(request.headers) == {"user-agent", "accept", "accept-encoding"}
        assert request.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 400, 401, 403, 404, 429, 500, 503])
async def test_a_server_that_has_no_picture_is_told_by_its_status(status: int) -> None:
    pages = Web({"https://a.test/a": (status, {}, b"secret text")})
    said = await told(CallersUrls(pages), "https://a.test/a")
    assert said == f"could not be fetched: its server answers HTTP {status}"


@pytest.mark.parametrize(
    "text", ["file:///etc/passwd", "/etc/passwd", "a.png", "", "ftp://a.test/"]
)
async def test_what_is_no_url_is_told_so(text: str) -> None:
    assert await told(CallersUrls(Web({})), text) == NOT_A_URL


@pytest.mark.parametrize(
    "text", ["http://a.test:8080/", "https://u@a.test/", "http://a.test\\b/", "http://a.test/a b"]
)
async def test_a_url_of_an_odd_form_is_told_so(text: str) -> None:
    assert await told(CallersUrls(Web({})), text) == ODD_URL


async def test_names_and_paths_in_any_script_are_taken() -> None:
    pages = Web({"https://xn--fsqu00a.xn--0zwm56d/%E5%9B%BE.png": PICTURE})
    assert await CallersUrls(pages).fetch("https://例子.测试/图.png", param="image") == b"picture"


async def test_what_is_too_large_is_not_read_to_its_end(transport: HttpTransport) -> None:
    sent = 0

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(1024 * 1024))
            sent += 1

    async with served(transport, answer) as (urls, origin):
        assert await told(urls, origin) == "is larger than 20 MiB"
    assert sent < 40


async def test_what_is_packed_is_measured_unpacked(transport: HttpTransport) -> None:
    packed = gzip.compress(bytes(10 * MOST_BYTES))
    encodings: list[str | None] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        encodings.append(request.headers.get("accept-encoding"))
        return web.Response(body=packed, headers={"content-encoding": "gzip"})

    async with served(transport, answer) as (urls, origin):
        assert await told(urls, origin) == "is larger than 20 MiB"
    assert encodings == ["identity"]


async def test_the_largest_picture_is_read_whole(transport: HttpTransport) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(body=bytes(MOST_BYTES))

    async with served(transport, answer) as (urls, origin):
        assert len(await urls.fetch(origin, param="image")) == MOST_BYTES


@pytest.mark.parametrize("begins", [False, True])
async def test_a_server_that_drips_is_left(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch, *, begins: bool
) -> None:
    monkeypatch.setattr(callers_urls, "_GRACE_SECONDS", 0.5)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        if begins:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with raw(talk) as origin:
        urls = CallersUrls(transport, allowed=[f"127.0.0.1:{URL(origin).port}"])
        began = time.monotonic()
        assert await told(urls, origin) == NOT_FETCHED
        assert time.monotonic() - began < 2


async def test_whoever_is_quick_enough_gets_longer_but_not_for_ever(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers_urls, "_GRACE_SECONDS", 0.3)
    monkeypatch.setattr(callers_urls, "_SECONDS", 1.0)
    pieces = 8

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(pieces):
            await response.write(bytes(64 * 1024))
            await asyncio.sleep(0.08)
        return response

    async with served(transport, answer) as (urls, origin):
        assert len(await urls.fetch(origin, param="image")) == 8 * 64 * 1024
        pieces = 100
        assert await told(urls, origin) == NOT_FETCHED


async def test_trouble_on_the_way_has_one_text(transport: HttpTransport) -> None:
    async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort")

    nobody = unused_port()
    urls = CallersUrls(transport, allowed=[f"127.0.0.1:{nobody}"])
    assert await told(urls, f"http://127.0.0.1:{nobody}/") == NOT_FETCHED
    async with raw(breaks) as origin:
        urls = CallersUrls(transport, allowed=[f"127.0.0.1:{URL(origin).port}"])
        assert await told(urls, origin) == NOT_FETCHED
