"""Requests through a SOCKS5 proxy or one that is spoken to with TLS, over real sockets."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jimeng_api.domain.secret import Secret
from jimeng_api.transport import Broken, HttpTransport, NotSent, ProxyFailed, Request
from tests.unit.loopback import (
    Certificate,
    Proxy,
    Socks,
    certificate,
    head,
    raw,
    reset,
    socks_proxying,
    unused_port,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    made = certificate(tmp_path)
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", made.client)
    return made


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    transport = HttpTransport(connect_timeout=0.5)
    yield transport
    await transport.close()


@pytest.fixture
async def socks() -> AsyncIterator[Socks]:
    async with socks_proxying() as proxy:
        yield proxy


def through(proxy: str, url: str, *, fresh: bool = True) -> Request:
    return Request(
        method="POST" if fresh else "GET",
        url=url,
        body=b"body" if fresh else None,
        fresh=fresh,
        timeout=5,
        only_public=True,  # the proxy connects: nothing is known of where to
        proxy=Secret(proxy),
    )


async def obedient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for _ in range(2):
        asked = await head(reader)
        if asked.startswith(b"POST"):
            await reader.readexactly(4)
        writer.write(OK)


@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize("fresh", [True, False])
async def test_a_request_goes_through_a_socks_proxy(
    transport: HttpTransport, socks: Socks, tls: Certificate, secure: bool, fresh: bool
) -> None:
    async with raw(obedient, tls.server if secure else None) as url:
        for _ in range(2):
            request = through(socks.address(), url, fresh=fresh)
            assert (await transport.send(request)).body == b"ok"
        assert len(socks.asked) == (2 if fresh else 1)  # a kept connection is used again
        assert f"http{'s' if secure else ''}://{socks.asked[0]}/" == url


async def test_the_proxy_looks_names_up(transport: HttpTransport, socks: Socks) -> None:
    async with raw(obedient) as url:
        named = url.replace("127.0.0.1", "upstream.test")
        assert (await transport.send(through(socks.address(), named))).body == b"ok"
    assert socks.asked[0].startswith("upstream.test:")


async def test_each_proxy_is_told_its_own_password(transport: HttpTransport, socks: Socks) -> None:
    socks.wants = "us@er:p:w"
    async with raw(obedient) as url:
        right = through(socks.address("us%40er:p%3Aw"), url)
        assert (await transport.send(right)).body == b"ok"
        for wrong in ("other:one", ""):
            with pytest.raises(ProxyFailed):
                await transport.send(through(socks.address(wrong), url))
    assert socks.users == ["us@er:p:w", "other:one"]


@pytest.mark.parametrize("fresh", [True, False])
async def test_a_socks_proxy_that_makes_no_connection_is_named(
    transport: HttpTransport, socks: Socks, fresh: bool
) -> None:
    url = "https://upstream.test/"
    nobody = f"socks5://127.0.0.1:{unused_port()}"
    with pytest.raises(ProxyFailed, match="reached"):
        await transport.send(through(nobody, url, fresh=fresh))
    socks.reply = 2
    with pytest.raises(ProxyFailed, match="refuses"):
        await transport.send(through(socks.address(), url, fresh=fresh))
    socks.hangs_up = True
    with pytest.raises(ProxyFailed):
        await transport.send(through(socks.address(), url, fresh=fresh))


@pytest.mark.parametrize("reply", [3, 4, 5, 6])
async def test_a_host_that_the_proxy_cannot_reach_is_not_its_fault(
    transport: HttpTransport, socks: Socks, reply: int
) -> None:
    socks.reply = reply
    with pytest.raises(NotSent) as caught:
        await transport.send(through(socks.address(), "https://upstream.test/"))
    assert type(caught.value) is NotSent


async def test_after_the_first_byte_nothing_is_certain(
    transport: HttpTransport, socks: Socks
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        reset(writer)

    async with raw(talk) as url:
        with pytest.raises(Broken):
            await transport.send(through(socks.address(), url))


async def test_its_password_stands_in_no_error_and_no_log(
    transport: HttpTransport, socks: Socks, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    socks.wants = "operator:another"
    told = []
    nobody = f"socks5://operator:planted-password@127.0.0.1:{unused_port()}"
    for address in (socks.address("operator:planted-password"), nobody):
        with pytest.raises(ProxyFailed) as caught:
            await transport.send(through(address, "https://upstream.test/"))
        told += [repr(caught.value), "".join(traceback.format_exception(caught.value))]
    assert "planted-password" not in " ".join([*told, caplog.text])


@pytest.mark.parametrize("secure", [True, False])
async def test_a_proxy_may_be_spoken_to_with_tls(
    transport: HttpTransport, tls: Certificate, secure: bool
) -> None:
    proxy = Proxy()
    async with (
        raw(proxy.talk, tls.server) as address,
        raw(obedient, tls.server if secure else None) as url,
    ):
        answer = await transport.send(through(address.rstrip("/"), url))
    assert answer.body == b"ok"
    assert proxy.asked[0].startswith(b"CONNECT" if secure else b"POST")
