"""Requests through a proxy, over real sockets: what it is told, and what is known when it fails."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
import traceback
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from jimeng_api.domain.secret import Secret
from jimeng_api.transport import Broken, HttpTransport, NotSent, ProxyFailed, Request
from tests.unit.loopback import (
    Certificate,
    Proxy,
    certificate,
    head,
    proxying,
    raw,
    reset,
    serving,
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
async def proxy() -> AsyncIterator[Proxy]:
    async with proxying() as proxy:
        yield proxy


def through(
    proxy: str, url: str, *, method: str = "POST", fresh: bool = True, timeout: float = 5.0
) -> Request:
    body = b"body" if method == "POST" else None
    return Request(
        method=method, url=url, body=body, fresh=fresh, timeout=timeout, proxy=Secret(proxy)
    )


async def obedient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that answers two requests, after it has read them."""
    for _ in range(2):
        asked = await head(reader)
        if asked.startswith(b"POST"):
            await reader.readexactly(4)
        writer.write(OK)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_https_goes_through_a_tunnel_that_the_proxy_cannot_look_into(
    transport: HttpTransport, proxy: Proxy, tls: Certificate, method: str
) -> None:
    async with raw(obedient, tls.server) as url:
        request = through(proxy.address, url + "path", method=method, fresh=method == "POST")
        assert (await transport.send(request)).body == b"ok"
    (asked,) = proxy.asked
    assert asked.startswith(b"CONNECT 127.0.0.1:")
    assert b"path" not in asked
    assert b"Proxy-Authorization" not in asked


async def test_a_tunnel_is_kept_for_reads_and_never_for_a_paid_request(
    transport: HttpTransport, proxy: Proxy, tls: Certificate
) -> None:
    async with raw(obedient, tls.server) as url:
        for fresh in (False, False, True, True):
            await transport.send(through(proxy.address, url, fresh=fresh))
    assert len(proxy.asked) == 3


@pytest.mark.parametrize("secure", [True, False])
async def test_the_proxy_hears_its_password_and_the_upstream_does_not(
    transport: HttpTransport, proxy: Proxy, tls: Certificate, secure: bool
) -> None:
    heads: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await head(reader))
        await reader.readexactly(4)
        writer.write(OK)

    address = proxy.address.replace("//", "//us%40er:p%3Aw@")
    async with raw(talk, tls.server if secure else None) as url:
        await transport.send(through(address, url))
    said = b"Proxy-Authorization: Basic " + base64.b64encode(b"us@er:p:w")
    assert said in proxy.asked[0]
    assert proxy.asked[0].startswith(b"CONNECT" if secure else b"POST http://127.0.0.1:")
    assert (b"Proxy-Authorization" in heads[0]) is not secure  # our test proxy passes all on


@pytest.mark.parametrize("status", [b"400", b"403", b"407", b"502", b"503", b"504"])
async def test_a_proxy_that_refuses_the_tunnel_is_named_with_its_answer(
    transport: HttpTransport, proxy: Proxy, status: bytes
) -> None:
    proxy.answer = b"HTTP/1.1 %s No\r\nContent-Length: 0\r\n\r\n" % status
    with pytest.raises(ProxyFailed, match=status.decode()):
        await transport.send(through(proxy.address, f"https://127.0.0.1:{unused_port()}/"))
    assert len(proxy.asked) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_proxy_where_nobody_listens_is_the_proxys_fault(
    transport: HttpTransport, scheme: str, method: str
) -> None:
    address = f"http://127.0.0.1:{unused_port()}"
    with pytest.raises(ProxyFailed):
        await transport.send(through(address, f"{scheme}://127.0.0.1:1/", method=method))
    with pytest.raises(ProxyFailed):
        await transport.send(
            through("http://no-such-proxy.invalid:1", f"{scheme}://127.0.0.1:1/", method=method)
        )


@pytest.mark.parametrize(
    "answer",
    [b"", b"SSH-2.0-OpenSSH_9.9\r\n", b"\x00\x01\x02\x03\r\n\r\n", b"HTTP/1.1 200"],
)
async def test_what_is_no_proxy_gets_nothing(transport: HttpTransport, answer: bytes) -> None:
    got = bytearray()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.extend(await head(reader))
        writer.write(answer)
        await writer.drain()

    async with raw(talk) as address:
        with pytest.raises(ProxyFailed):
            await transport.send(through(address.rstrip("/"), "https://127.0.0.1:1/"))
    assert got.startswith(b"CONNECT")
    assert b"body" not in got


async def test_a_proxy_that_resets_or_says_nothing_gets_nothing(
    transport: HttpTransport, proxy: Proxy
) -> None:
    proxy.resets = True
    with pytest.raises(ProxyFailed):
        await transport.send(through(proxy.address, "https://127.0.0.1:1/"))
    proxy.resets = False
    proxy.answer = b""
    with pytest.raises(ProxyFailed):
        await transport.send(through(proxy.address, "https://127.0.0.1:1/", timeout=0.3))


async def test_what_fails_behind_the_proxy_is_not_its_fault(
    transport: HttpTransport, proxy: Proxy, tmp_path: Path
) -> None:
    unknown = certificate(tmp_path)

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        reset(writer)

    async with raw(obedient, unknown.server) as strange, raw(rude) as not_tls:
        for url in (strange, not_tls.replace("http:", "https:")):
            with pytest.raises(NotSent) as caught:
                await transport.send(through(proxy.address, url))
            assert type(caught.value) is NotSent


async def test_after_the_first_byte_through_the_tunnel_nothing_is_certain(
    transport: HttpTransport, proxy: Proxy, tls: Certificate
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        reset(writer)

    async with raw(talk, tls.server) as url:
        with pytest.raises(Broken):
            await transport.send(through(proxy.address, url))


# Without TLS there is no tunnel: the proxy is given the request itself, so that it may have passed it on.
async def test_a_request_without_tls_is_in_the_proxys_hands_from_its_first_byte(
    transport: HttpTransport, proxy: Proxy
) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(body=await request.read())

    async with serving(answer) as url:
        assert (await transport.send(through(proxy.address, url))).body == b"body"
    assert proxy.asked[0].startswith(b"POST http://127.0.0.1:")
    proxy.hangs_up = True
    with pytest.raises(Broken):
        await transport.send(through(proxy.address, "http://127.0.0.1:1/"))

    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    async with raw(refusing) as address:  # the upstream may have said that, too
        response = await transport.send(through(address.rstrip("/"), "http://127.0.0.1:1/"))
    assert response.status == 407


async def test_a_proxys_password_stands_in_no_error_and_no_log(
    transport: HttpTransport, proxy: Proxy, tls: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    address = proxy.address.replace("//", "//operator:planted-password@")
    told: list[str] = []

    async def refusal(request: Request) -> None:
        assert "planted-password" not in repr(request)
        with pytest.raises((NotSent, Broken)) as caught:
            await transport.send(request)
        told.append(repr(caught.value))
        told.append("".join(traceback.format_exception(caught.value)))

    proxy.answer = b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"
    await refusal(through(address, "https://127.0.0.1:1/"))
    proxy.resets = True
    await refusal(through(address, "https://127.0.0.1:1/"))
    await refusal(through(address, "http://127.0.0.1:1/"))
    with socket.create_server(("127.0.0.1", 0)) as closing:
        nobody = f"http://operator:planted-password@127.0.0.1:{closing.getsockname()[1]}"
    await refusal(through(nobody, "https://127.0.0.1:1/"))
    assert len(told) == 8
    for text in (*told, caplog.text):
        assert "planted-password" not in text
        assert base64.b64encode(b"operator:planted-password").decode() not in text
