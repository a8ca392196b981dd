"""Every hostile URL through every door that leads outside: only the public internet is connected to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from jimeng_api.catalog.sites import SITES
from jimeng_api.domain.addresses import is_public
from jimeng_api.domain.errors import InvalidValue, ResultRejected, UploadFailed, UpstreamUnreachable
from jimeng_api.domain.secret import Secret
from jimeng_api.media.callers_urls import NOT_A_URL, NOT_FETCHED, ODD_URL, CallersUrls
from jimeng_api.media.fetch import Fetcher
from jimeng_api.transport import (
    Broken,
    HttpTransport,
    NotSent,
    Request,
    Response,
    Stream,
    Transport,
)
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.uploads import Uploader
from tests.hasty import HastyClock
from tests.hostile import HOSTILE_URLS, NAMES, PUBLIC, PUBLIC6, HostileResolver, watched
from tests.unit.loopback import serving

TOLD = {f"image {text}" for text in (NOT_A_URL, ODD_URL, NOT_FETCHED)}
# With an assertion aiohttp meets a URL without a scheme, which only these tests ever hand to the door.
REFUSED = (NotSent, Broken, ValueError, AssertionError)


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    async for one in _transport(NAMES):
        yield one


async def _transport(names: Mapping[str, Sequence[Sequence[str]]]) -> AsyncIterator[HttpTransport]:
    transport = HttpTransport(resolver=HostileResolver(names))
    yield transport
    await transport.close()


async def told(urls: CallersUrls, url: str) -> str:
    with pytest.raises(InvalidValue) as caught:
        await urls.fetch(url, param="image")
    assert caught.value.param == "image"
    return caught.value.message


class Naming:
    """An upstream that names `host` for every upload. What goes there goes through the real door."""

    def __init__(self, door: HttpTransport, asked: list[Request]) -> None:
        self._door = door
        self._asked = asked
        self.host = ""

    async def send(self, request: Request) -> Response:
        answer: dict[str, Any]
        if "get_upload_token" in request.url:
            keys = dict.fromkeys(("access_key_id", "secret_access_key", "session_token"), "key")
            answer = {"ret": "0", "errmsg": "success", "data": keys}
        elif "ApplyImageUpload" in request.url:
            store = {"StoreUri": "tos-cn-i-a/b", "Auth": "auth"}
            place = {"StoreInfos": [store], "UploadHosts": [self.host], "SessionKey": "key"}
            answer = {"ResponseMetadata": {}, "Result": {"UploadAddress": place}}
        else:
            self._asked.append(request)
            return await self._door.send(request)
        return Response(status=200, headers={}, body=json.dumps(answer).encode())

    def stream(self, request: Request) -> AbstractAsyncContextManager[Stream]:
        raise NotImplementedError


def _client(door: Transport) -> UpstreamClient:
    return UpstreamClient(door, HastyClock(), Constants())


def _host_in(url: str) -> str:
    with suppress(ValueError):
        return urlsplit(url).netloc
    return ""


def test_there_are_many_and_each_only_once() -> None:
    assert len(HOSTILE_URLS) >= 300
    assert len(set(HOSTILE_URLS)) == len(HOSTILE_URLS)


async def test_a_caller_who_names_them_reaches_nothing_and_learns_nothing(
    transport: HttpTransport,
) -> None:
    urls = CallersUrls(transport)
    with watched() as connects:
        for url in HOSTILE_URLS:
            assert await told(urls, url) in TOLD, url
            assert connects.astray == [], url


# What can be connected to is refused in one way only, so that nobody finds out what there is.
async def test_a_place_inside_looks_like_a_place_that_is_not(transport: HttpTransport) -> None:
    urls = CallersUrls(transport)
    with watched():
        for host in (
            "127.0.0.1",
            "[::1]",
            "private.test",
            "nowhere.test",
            "public.test",
            "mixed.test",
        ):
            assert await told(urls, f"http://{host}/a.png") == f"image {NOT_FETCHED}"


@pytest.mark.parametrize("hops", [1, 2, 3])
async def test_a_server_that_redirects_to_them_leads_nowhere(
    transport: HttpTransport, hops: int
) -> None:
    target = ""

    async def answer(request: web.BaseRequest) -> web.Response:
        hop = int(request.path.strip("/"))
        return web.Response(
            status=302 if hop % 2 else 307,
            headers={"location": target if hop == hops else f"/{hop + 1}"},
        )

    async with serving(answer) as origin:
        port = URL(origin).port
        assert port is not None
        urls = CallersUrls(transport, allowed=[f"127.0.0.1:{port}"])
        with watched(port) as connects:
            for target in HOSTILE_URLS:
                if _leads_back(target) or not _can_be_sent(target):
                    continue
                assert await told(urls, f"{origin}1") == f"image {NOT_FETCHED}", target
                assert connects.astray == [], target


def _leads_back(target: str) -> bool:
    """Whether it is a path of the same server, in a redirect."""
    with suppress(ValueError):
        parts = urlsplit(target)
        return not parts.netloc and parts.scheme in ("", "http")
    return False


def _can_be_sent(target: str) -> bool:
    """Whether a header may hold it: aiohttp's server, which is the test's, sends no other."""
    return target.isprintable() and target == target.strip() and target.isascii()


def _addresses() -> list[str]:
    """The addresses that stand in hostile URLs, as a name server could answer them."""
    found: set[str] = set()
    for url in HOSTILE_URLS:
        with suppress(ValueError):
            host = urlsplit(url).hostname or ""
            if ip_address(host).compressed != PUBLIC:
                found.add(host)
    return sorted(found)


ADDRESSES = _addresses()


@pytest.mark.parametrize("before", [[], [PUBLIC], [PUBLIC6, PUBLIC]])
async def test_a_name_that_resolves_to_them_leads_nowhere(before: list[str]) -> None:
    assert len(ADDRESSES) > 100
    names = {f"n{number}.test": [[*before, to]] for number, to in enumerate(ADDRESSES)}
    async for transport in _transport(names):
        urls = CallersUrls(transport)
        with watched() as connects:
            for name in names:
                assert await told(urls, f"https://{name}/a.png") == f"image {NOT_FETCHED}"
        assert connects.astray == []
        assert {host for host, _ in connects.to} == set(before)


async def test_a_name_that_changes_its_mind_leads_nowhere() -> None:
    names = {
        f"n{number}.test": [[PUBLIC], [to], [PUBLIC6], [to]] for number, to in enumerate(ADDRESSES)
    }
    async for transport in _transport(names):
        urls = CallersUrls(transport)
        with watched() as connects:
            for name in names:
                for scheme in ("http", "https"):
                    assert await told(urls, f"{scheme}://{name}/a") == f"image {NOT_FETCHED}"
        assert connects.astray == []


async def test_a_link_of_the_upstream_leads_nowhere_else(transport: HttpTransport) -> None:
    fetcher = Fetcher(transport, origin=None, user_agent="agent")
    with watched() as connects:
        for url in HOSTILE_URLS:
            with pytest.raises(ResultRejected):
                await fetcher.fetch(url, site=SITES["cn"])
    assert connects.to == []


async def test_the_upstreams_own_names_do_not_lead_inside() -> None:
    names = {f"p{number}.byteimg.com": [[to]] for number, to in enumerate(ADDRESSES)}
    async for transport in _transport(names):
        fetcher = Fetcher(transport, origin=None, user_agent="agent")
        with watched() as connects:
            for name in names:
                with pytest.raises(UpstreamUnreachable) as caught:
                    await fetcher.fetch(f"https://{name}/a.png", site=SITES["cn"])
                assert name not in caught.value.message
        assert connects.to == []


# It names hosts only; what else it names stands in them, or in the path of the file.
async def test_a_host_that_an_upload_is_to_go_to_leads_nowhere_else() -> None:
    asked: list[Request] = []
    async for door in _transport(NAMES):
        naming = Naming(door, asked)
        uploader = Uploader(_client(naming), naming, HastyClock(), Constants())
        with watched() as connects:
            for url in HOSTILE_URLS:
                for host in {url, _host_in(url)} - {""}:
                    naming.host = host
                    with pytest.raises(UploadFailed):
                        await uploader.upload(SITES["cn"], Secret("0" * 32), b"bytes")
        assert connects.to == []
    assert asked == []


async def test_the_upstreams_own_upload_hosts_do_not_lead_inside() -> None:
    names = {f"u{number}.bytedancevod.com": [[to]] for number, to in enumerate(ADDRESSES)}
    asked: list[Request] = []
    async for door in _transport(names):
        naming = Naming(door, asked)
        uploader = Uploader(_client(naming), naming, HastyClock(), Constants())
        with watched() as connects:
            for naming.host in names:
                with pytest.raises(UploadFailed):
                    await uploader.upload(SITES["cn"], Secret("0" * 32), b"bytes")
        assert connects.to == []
    assert {urlsplit(request.url).hostname for request in asked} == set(names)
    assert all(request.only_public for request in asked)


async def test_the_stand_in_for_the_upstream_is_reached_by_its_links_and_by_no_caller() -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(body=b"bytes")

    async with serving(answer) as origin:
        port = URL(origin).port
        assert port is not None
        async for transport in _transport(NAMES):
            fetcher = Fetcher(transport, origin=origin.rstrip("/"), user_agent="agent")
            with watched(port):
                assert await fetcher.fetch(f"{origin}a.png", site=SITES["cn"]) == b"bytes"
            with watched(port) as connects:
                assert await told(CallersUrls(transport), f"{origin}a.png") in TOLD
                for url in HOSTILE_URLS:
                    with pytest.raises(ResultRejected):
                        await fetcher.fetch(url, site=SITES["cn"])
            assert connects.to == []


# Below all parsing, so that nothing depends on it: whatever the door itself makes of such a URL.
@pytest.mark.parametrize("fresh", [False, True])
async def test_the_door_itself_connects_to_what_is_public_only(
    transport: HttpTransport, *, fresh: bool
) -> None:
    with watched() as connects:
        for url in HOSTILE_URLS:
            request = Request(method="GET", url=url, fresh=fresh, only_public=True)
            with pytest.raises(REFUSED):
                await transport.send(request)
    assert connects.astray == []
    assert (PUBLIC, 80) in connects.to


async def test_without_the_guard_they_would_be_reached(transport: HttpTransport) -> None:
    with watched() as connects:
        for url in HOSTILE_URLS:
            with pytest.raises(REFUSED):
                await transport.send(Request(method="GET", url=url))
    assert len({host for host, _ in connects.astray}) > 100


async def test_what_the_operator_allows_is_reached_and_nothing_beside_it() -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(body=b"bytes")

    names = {"files.test": [["127.0.0.1"]], "other.test": [["127.0.0.1"]]}
    async with serving(answer) as origin:
        port = URL(origin).port
        assert port is not None
        async for transport in _transport(names):
            urls = CallersUrls(transport, allowed=[f"127.0.0.1:{port}", f"files.test:{port}"])
            with watched(port) as connects:
                assert await urls.fetch(f"{origin}a.png", param="image") == b"bytes"
                assert await urls.fetch(f"http://FILES.test:{port}/", param="image") == b"bytes"
                assert len(connects.to) == 2
                for url in (
                    f"http://other.test:{port}/",
                    f"http://127.1:{port}/",
                    f"http://[::ffff:127.0.0.1]:{port}/",
                    f"http://127.0.0.1:{port + 1}/",
                    "http://127.0.0.1/",
                    "http://files.test/",
                ):
                    assert await told(urls, url) in TOLD
                assert len(connects.to) == 2


_ONE = st.sampled_from(HOSTILE_URLS)


@given(
    st.from_regex(r"(https?://)?[^/]{0,40}(/.*)?", fullmatch=True)
    | st.text(max_size=60)
    | st.builds(lambda start, end, at: start[:at] + end[at:], _ONE, _ONE, st.integers(4, 30))
)
@settings(max_examples=200, deadline=None)
def test_any_text_is_refused_or_connects_to_what_is_public(text: str) -> None:
    async def attempt() -> None:
        async for transport in _transport(NAMES):
            await told(CallersUrls(transport), text)

    with watched() as connects:
        asyncio.run(attempt())
    assert connects.astray == []


@given(st.ip_addresses())
@settings(max_examples=300)
def test_an_address_is_public_where_python_agrees(address: IPv4Address | IPv6Address) -> None:
    if is_public(str(address)):
        assert address.is_global
        assert not address.is_multicast


@pytest.mark.parametrize(
    "address",
    [PUBLIC, PUBLIC6, "1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1",
     "192.0.1.1", "223.255.255.255", "11.0.0.1", "168.63.129.15", "2400:3200::1", "2a00:1450:4001:810::200e"],
)  # fmt: skip
def test_the_public_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "text", ["", "a", "public.test", "127.1", "1", "::1%lo", "8.8.8.8%1", "8.8.8.08"]
)
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)
