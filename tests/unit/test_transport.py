"""The door to the network, over real loopback sockets: what is known of a request that went wrong."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from jimeng_api.transport import (
    Broken,
    HttpTransport,
    NoConnectionFree,
    NotSent,
    Parts,
    Request,
    TooLarge,
)
from tests.hostile import watched
from tests.simulated.house import until
from tests.unit.loopback import head, raw, reset, serving, unused_port


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    transport = HttpTransport(connect_timeout=0.3)
    yield transport
    await transport.close()


def post(url: str, timeout: float = 5.0, most: int = 1 << 20, *, fresh: bool = True) -> Request:
    return Request(
        method="POST", url=url, body=b"body", timeout=timeout, max_bytes=most, fresh=fresh
    )


async def test_request_and_answer_arrive_as_they_were_sent(transport: HttpTransport) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        assert request.method == "POST"
        assert request.raw_path == "/a%2Fb?c=%20d&e=%C3%A4"
        assert request.headers["X-Own"] == "yes"
        assert "User-Agent" not in request.headers
        assert await request.read() == b"body"
        return web.Response(status=418, body=b"\x00\xff", headers={"X-Tt-Logid": "1"})

    async with serving(answer) as url:
        request = Request(
            method="POST", url=url + "a%2Fb?c=%20d&e=%C3%A4", headers={"x-own": "yes"}, body=b"body"
        )
        response = await transport.send(request)
    assert (response.status, response.body) == (418, b"\x00\xff")
    assert response.headers["x-tt-logid"] == "1"


def in_parts(*parts: bytes) -> Parts:
    async def each() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    return Parts(sum(map(len, parts)), each)


async def test_a_body_in_parts_arrives_as_one(transport: HttpTransport) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        assert request.content_length == 3 * 2**20 + 1
        body = bytearray()
        async for chunk in request.content.iter_any():
            body += chunk
        return web.Response(body=bytes(body[:: 2**20]))

    async with serving(answer) as url:
        parts = in_parts(b"a" * 2**20, b"b" * 2**20, b"c" * 2**20, b"d")
        response = await transport.send(Request(method="POST", url=url, parts=parts))
    assert response.body == b"abcd"


async def test_a_body_whose_parts_cannot_be_had_is_broken_off(transport: HttpTransport) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield b"a"
        raise ValueError("the disk is gone")

    async def answer(request: web.BaseRequest) -> web.Response:
        await request.read()
        return web.Response()

    async with serving(answer) as url:
        with pytest.raises(Broken):
            await transport.send(
                Request(method="POST", url=url, parts=Parts(9, failing), timeout=3)
            )


async def test_parts_for_a_port_where_nobody_listens_are_not_sent(transport: HttpTransport) -> None:
    with pytest.raises(NotSent):
        await transport.send(
            Request(
                method="POST",
                url=f"http://127.0.0.1:{unused_port()}/",
                parts=in_parts(b"a"),
                fresh=True,
            )
        )


@pytest.mark.parametrize("fresh", [True, False])
async def test_a_port_where_nobody_listens_gets_nothing(
    transport: HttpTransport, fresh: bool
) -> None:
    with pytest.raises(NotSent):
        await transport.send(post(f"http://127.0.0.1:{unused_port()}/", fresh=fresh))


@pytest.mark.parametrize(
    "url",
    ["http://no-such-host.invalid/", "http:///path", "nothing", "http://127.0.0.1:99999/",
     "gopher://127.0.0.1/"],
)  # fmt: skip
async def test_an_address_that_leads_nowhere_gets_nothing(
    transport: HttpTransport, url: str
) -> None:
    with pytest.raises(NotSent):
        await transport.send(post(url))


async def test_a_server_that_speaks_no_tls_gets_nothing(transport: HttpTransport) -> None:
    got = bytearray()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.extend(await reader.read(2000))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with raw(talk) as url:
        with pytest.raises(NotSent):
            await transport.send(post(url.replace("http:", "https:")))
    assert b"body" not in got


async def test_a_connection_that_is_not_made_in_time_gets_nothing(transport: HttpTransport) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = []
        for _ in range(3):  # the kernel takes these; whoever comes next must wait
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(address)
            waiting.append(one)
        with pytest.raises(NotSent):
            await transport.send(post(f"http://127.0.0.1:{address[1]}/"))
        for one in waiting:
            one.close()


async def test_a_reset_after_the_request_is_no_proof_of_anything(transport: HttpTransport) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        reset(writer)

    async with raw(talk) as url:
        with pytest.raises(Broken):
            await transport.send(post(url))


async def test_a_hang_up_without_an_answer_is_no_proof_of_anything(
    transport: HttpTransport,
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)

    async with raw(talk) as url:
        with pytest.raises(Broken):
            await transport.send(post(url))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
)
async def test_an_answer_that_stops_coming_is_given_up_in_time(
    transport: HttpTransport, answer: bytes
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(answer)
        await asyncio.sleep(5)

    began = asyncio.get_running_loop().time()
    async with raw(talk) as url:
        with pytest.raises(Broken):
            await transport.send(post(url, timeout=0.2))
    assert asyncio.get_running_loop().time() - began < 2


async def test_an_answer_that_drips_is_given_up_in_time(transport: HttpTransport) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            writer.write(b"x")
            await asyncio.sleep(0.02)

    async with raw(talk) as url:
        with pytest.raises(Broken):
            await transport.send(post(url, timeout=0.2))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x00\x01\x02\x03\r\n\r\n",
    ],
)
async def test_an_answer_that_is_not_whole_or_not_http_is_broken(
    transport: HttpTransport, answer: bytes
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(answer)
        await writer.drain()

    async with raw(talk) as url:
        with pytest.raises(Broken):
            await transport.send(post(url, timeout=2))


@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_that_is_too_large_is_cut(transport: HttpTransport, packed: bool) -> None:
    body = bytes(4 << 20)

    async def answer(request: web.BaseRequest) -> web.Response:
        if packed:
            return web.Response(body=gzip.compress(body, 1), headers={"Content-Encoding": "gzip"})
        return web.Response(body=body)

    async with serving(answer) as url:
        with pytest.raises(TooLarge):
            await transport.send(post(url, most=1 << 20))
        assert len((await transport.send(post(url, most=4 << 20))).body) == 4 << 20


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(transport: HttpTransport, status: int) -> None:
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with serving(answer) as url:
        response = await transport.send(post(url))
    assert (response.status, response.headers["location"]) == (status, "/elsewhere")
    assert asked == ["/"]


async def test_cookies_are_not_kept(transport: HttpTransport) -> None:
    sent: list[str | None] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        sent.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "sessionid=someone; Path=/"})

    async with serving(answer) as url:
        for fresh in (False, False, True, True):
            await transport.send(post(url, fresh=fresh))
    assert sent == [None] * 4


async def test_a_fresh_request_has_a_connection_of_its_own_and_others_share(
    transport: HttpTransport,
) -> None:
    ports: list[int] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        ports.append(request.transport.get_extra_info("peername")[1])
        return web.Response()

    async with serving(answer) as url:
        for fresh in (False, False, True, True, False):
            await transport.send(post(url, fresh=fresh))
    assert ports[0] == ports[1] == ports[4]
    assert len({ports[0], ports[2], ports[3]}) == 3


async def test_a_paid_request_is_never_sent_twice_by_the_library(transport: HttpTransport) -> None:
    heads = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heads
        while True:
            await head(reader)
            heads += 1
            if heads > 1:
                return  # closes the kept connection under the second request
            await reader.readexactly(4)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with raw(talk) as url:
        await transport.send(post(url, fresh=False))
        with pytest.raises(Broken):
            await transport.send(post(url, fresh=False))
    assert heads == 2


async def test_a_kept_connection_that_has_closed_gives_way_to_a_new_one(
    transport: HttpTransport,
) -> None:
    closed = asyncio.Event()
    ports: list[int] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ports.append(writer.get_extra_info("peername")[1])
        await head(reader)
        await reader.readexactly(4)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        closed.set()

    async with raw(talk) as url:
        for _ in range(3):
            closed.clear()
            await transport.send(post(url, fresh=False))
            await closed.wait()
            await asyncio.sleep(0.01)
    assert len(set(ports)) == 3


async def test_a_kept_connection_whose_other_end_is_dead_is_given_up_in_time_and_left(
    transport: HttpTransport,
) -> None:
    answered = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        while True:
            await head(reader)
            await reader.readexactly(4)
            answered += 1
            if answered == 2:
                await asyncio.sleep(5)  # as a machine that was unplugged: no answer and no reset
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with raw(talk) as url:
        await transport.send(post(url, fresh=False))
        with pytest.raises(Broken):
            await transport.send(post(url, timeout=0.2, fresh=False))
        assert (await transport.send(post(url, timeout=2, fresh=False))).status == 200


@pytest.mark.parametrize("fresh", [True, False])
async def test_an_address_that_swallows_packets_is_passed_over_for_the_next(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch, fresh: bool
) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(body=b"here")

    async with serving(answer) as url:
        port = int(url.rstrip("/").rpartition(":")[2])
        with socket.socket() as hole:
            hole.bind(("127.0.0.2", port))
            hole.listen(0)
            waiting = []
            for _ in range(3):  # the kernel takes these; whoever comes next must wait
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex(("127.0.0.2", port))
                waiting.append(one)

            async def both(*_: object, **__: object) -> list[object]:
                return [
                    (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))
                    for host in ("127.0.0.2", "127.0.0.1")
                ]

            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
            response = await transport.send(post(f"http://two.test:{port}/", fresh=fresh))
            for one in waiting:
                one.close()
    assert response.body == b"here"


@pytest.mark.parametrize("fresh", [True, False])
async def test_whoever_finds_no_connection_free_has_sent_nothing_and_is_told_why(
    fresh: bool,
) -> None:
    transport = HttpTransport(connections=2)
    go, asked = asyncio.Event(), 0

    async def answer(request: web.BaseRequest) -> web.Response:
        nonlocal asked
        asked += 1
        await go.wait()
        return web.Response()

    async with serving(answer) as url:
        running = [asyncio.create_task(transport.send(post(url, fresh=fresh))) for _ in range(2)]
        await asyncio.sleep(0.05)
        queued = asyncio.create_task(transport.send(post(url, fresh=fresh)))
        with pytest.raises(NoConnectionFree):
            await transport.send(post(url, timeout=0.2, fresh=fresh))
        assert asked == 2
        # The others are not in the way of this kind.
        other = asyncio.create_task(transport.send(post(url, fresh=not fresh)))
        await asyncio.sleep(0.05)
        assert asked == 3
        go.set()
        answers = await asyncio.gather(*running, queued, other)
    assert [one.status for one in answers] == [200] * 4
    assert asked == 4
    await transport.close()


async def test_places_are_given_back_whatever_becomes_of_a_request() -> None:
    transport = HttpTransport(connections=1)

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        reset(writer)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw(rude) as rude_url, raw(silent) as silent_url:
        for _ in range(3):
            with pytest.raises(Broken):
                await transport.send(post(rude_url))
            with pytest.raises(NotSent):
                await transport.send(post(f"http://127.0.0.1:{unused_port()}/"))
            sending = asyncio.create_task(transport.send(post(silent_url)))
            await asyncio.sleep(0.05)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
    await transport.close()


async def test_proxies_of_the_environment_are_not_used(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")

    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(body=b"direct")

    async with serving(answer) as url:
        assert (await transport.send(post(url))).body == b"direct"


async def test_a_caller_who_is_cancelled_leaves_no_connection(transport: HttpTransport) -> None:
    gone = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        await reader.read()
        gone.set()

    async with raw(talk) as url:
        sending = asyncio.create_task(transport.send(post(url, timeout=30)))
        await asyncio.sleep(0.05)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await asyncio.wait_for(gone.wait(), 2)


def test_a_request_prints_without_its_secrets() -> None:
    request = Request(
        method="POST", url="https://a", headers={"cookie": "sessionid=secret"}, body=b"secret"
    )
    assert "secret" not in repr(request)


async def test_a_name_server_that_takes_its_time_keeps_nobody_else_waiting(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    done = threading.Event()
    slow: list[str] = []

    def lookup(host: Any, *more: Any, **options: Any) -> Any:
        if str(host).endswith(".slow.test"):
            slow.append(host)
            done.wait(10)
            raise socket.gaierror("never heard of it")
        return real(host, *more, **options)

    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(body=b"here")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    async with serving(answer) as url:
        asking = [
            asyncio.create_task(
                transport.send(
                    Request(method="GET", url=f"http://a{number}.slow.test/", only_public=True)
                )
            )
            for number in range(40)
        ]
        try:
            await until(lambda: len(slow) == 40)
            async with asyncio.timeout(5):
                local = Request(method="GET", url=url.replace("127.0.0.1", "localhost"))
                assert (await transport.send(local)).body == b"here"
        finally:
            done.set()
        ended = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(one) for one in ended} == {NotSent}


async def test_a_name_is_looked_up_before_it_is_judged(transport: HttpTransport) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(body=b"here")

    async with serving(answer) as url:
        local = url.replace("127.0.0.1", "localhost")
        assert (await transport.send(Request(method="GET", url=local))).body == b"here"
        with watched() as connects, pytest.raises(NotSent):
            await transport.send(Request(method="GET", url=local, only_public=True))
    assert connects.to == []
