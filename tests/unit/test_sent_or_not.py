"""Whether a request that went wrong may have gone out, over real sockets and on both kinds of event loop.

"Not sent" must be certain, since a paid request is tried again then; "broken" may be too careful.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from jimeng_api.transport import Broken, HttpTransport, NotSent, Request
from tests.unit.loopback import Certificate, certificate, head, raw, reset

Run = Callable[[Coroutine[object, object, None]], None]
Pause = Callable[[], Awaitable[None]]

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
if sys.platform != "win32":
    import uvloop

    LOOPS["uvloop"] = uvloop.new_event_loop


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def run(loop: str) -> Run:
    def running(work: Coroutine[object, object, None]) -> None:
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            runner.run(work)

    return running


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    made = certificate(tmp_path)
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", made.client)
    return made


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Pause], None]:
    """Puts a pause between the making of a connection and the first byte."""

    def put(pause: Pause) -> None:
        at_once = aiohttp.ClientRequest.send

        async def send(
            self: aiohttp.ClientRequest, connection: aiohttp.connector.Connection
        ) -> aiohttp.ClientResponse:
            await pause()
            return await at_once(self, connection)

        monkeypatch.setattr(aiohttp.ClientRequest, "send", send)

    return put


@asynccontextmanager
async def transport() -> AsyncIterator[HttpTransport]:
    made = HttpTransport(connect_timeout=0.3)
    try:
        yield made
    finally:
        await made.close()


async def outcome(url: str, *, body: bytes = b"body", seconds: float = 5.0) -> Exception:
    """What came of a paid request to a server that does not answer it."""
    request = Request(method="POST", url=url, body=body, timeout=seconds, fresh=True)
    async with transport() as door:
        try:
            answer = await door.send(request)
        except (NotSent, Broken) as error:
            return error
    raise AssertionError(answer)


# ------------------------------------------------------------ before the first byte


@pytest.mark.parametrize("ending", [reset, asyncio.StreamWriter.close])
def test_a_connection_that_ends_before_the_first_byte_took_nothing(
    run: Run,
    between: Callable[[Pause], None],
    ending: Callable[[asyncio.StreamWriter], None],
) -> None:
    got = bytearray()

    async def work() -> None:
        gone = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            ending(writer)
            gone.set()
            got.extend(await reader.read())

        async def until_it_has_ended() -> None:
            await gone.wait()
            await asyncio.sleep(0.02)

        between(until_it_has_ended)
        async with raw(talk) as url:
            assert type(await outcome(url)) is NotSent

    run(work())
    assert not got


@pytest.mark.parametrize("ending", [reset, asyncio.StreamWriter.close])
def test_a_tls_connection_that_ends_before_the_first_byte_took_nothing(
    run: Run,
    tls: Certificate,
    between: Callable[[Pause], None],
    ending: Callable[[asyncio.StreamWriter], None],
) -> None:
    async def work() -> None:
        gone = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            ending(writer)
            gone.set()

        async def until_it_has_ended() -> None:
            await gone.wait()
            await asyncio.sleep(0.05)

        between(until_it_has_ended)
        async with raw(talk, tls.server) as url:
            assert type(await outcome(url)) is NotSent

    run(work())


class _Thread:
    """A server in a thread, which resets a connection while the event loop is busy with other things."""

    def __init__(self) -> None:
        self.ended = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listening.accept()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        self.ended = True

    async def until_it_has_ended(self) -> None:
        while not self.ended:
            pass  # without looking at the connection meanwhile

    def close(self) -> None:
        self._thread.join()
        self._listening.close()


def test_a_connection_whose_reset_nobody_has_noticed_yet_takes_nothing(
    run: Run, loop: str, between: Callable[[Pause], None]
) -> None:
    server = _Thread()
    between(server.until_it_has_ended)

    async def work() -> None:
        error = await outcome(server.url)
        # uvloop writes a little later than it is told to, when nobody can say any more what was taken.
        assert isinstance(error, NotSent if loop == "asyncio" else (NotSent, Broken))

    try:
        run(work())
    finally:
        server.close()


def test_a_request_whose_time_is_over_before_its_first_byte_is_not_sent_later(
    run: Run, between: Callable[[Pause], None]
) -> None:
    got = bytearray()

    async def work() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            got.extend(await reader.read())

        async def too_long() -> None:
            await asyncio.sleep(1)

        between(too_long)
        async with raw(talk) as url:
            assert type(await outcome(url, seconds=0.2)) is NotSent
            await asyncio.sleep(0.05)

    run(work())
    assert not got


# ------------------------------------------------------------------------- TLS


def test_a_certificate_that_nobody_knows_gets_nothing(run: Run, tmp_path: Path) -> None:
    got = bytearray()
    made = certificate(tmp_path)

    async def work() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            got.extend(await reader.read())

        async with raw(talk, made.server) as url:
            assert type(await outcome(url)) is NotSent

    run(work())
    assert not got


@pytest.mark.parametrize("ending", ["reset", "close", "silence"])
def test_a_handshake_that_does_not_end_well_is_followed_by_nothing(run: Run, ending: str) -> None:
    got = bytearray()

    async def work() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            got.extend(await reader.read(1000))
            if ending == "reset":
                reset(writer)
            elif ending == "silence":
                got.extend(await reader.read())

        async with raw(talk) as url:
            assert type(await outcome(url.replace("http:", "https:"))) is NotSent

    run(work())
    assert got
    assert b"body" not in got


def test_a_paid_request_over_tls_arrives_whole(run: Run, tls: Certificate) -> None:
    got = bytearray()

    async def work() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            got.extend(await head(reader))
            got.extend(await reader.readexactly(300_000))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()

        async with raw(talk, tls.server) as url, transport() as door:
            request = Request(method="POST", url=url, body=bytes(300_000), fresh=True)
            assert (await door.send(request)).body == b"ok"

    run(work())
    assert got.startswith(b"POST / HTTP/1.1\r\n")
    assert b"Content-Length: 300000\r\n" in got


# ------------------------------------------------------------ after the first byte


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("ending", [reset, asyncio.StreamWriter.close])
@pytest.mark.parametrize(("size", "read"), [(4, 10), (8 << 20, 10), (8 << 20, 1 << 20)])
def test_half_a_request_is_no_proof_of_anything(
    run: Run,
    tls: Certificate,
    secure: bool,
    ending: Callable[[asyncio.StreamWriter], None],
    size: int,
    read: int,
) -> None:
    async def work() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(read)
            ending(writer)

        async with raw(talk, tls.server if secure else None) as url:
            error = await outcome(url, body=bytes(size))
            assert isinstance(error, Broken)
            # The head counts too; of a large body, what had been handed over by then.
            assert int(str(error).split()[-2]) > min(size, 256 * 1024)

    run(work())


# ------------------------------------------------------------------- at any moment


def test_what_is_called_not_sent_never_arrives(run: Run) -> None:
    """A server that says goodbye at a moment of chance and still listens: it counts what comes."""
    chance = random.Random(3)
    told: list[tuple[Exception, int]] = []

    async def work() -> None:
        counted: asyncio.Queue[int] = asyncio.Queue()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(chance.choice([0, 0, 0.0002, 0.001]))
            writer.write_eof()
            counted.put_nowait(len(await reader.read()))

        async with raw(talk) as url, transport() as door:
            for _ in range(150):
                request = Request(method="POST", url=url, body=b"body", fresh=True, timeout=5)
                with pytest.raises((NotSent, Broken)) as caught:
                    await door.send(request)
                told.append((caught.value, await counted.get()))

    run(work())
    assert [bytes_ for error, bytes_ in told if isinstance(error, NotSent) and bytes_] == []
    assert any(bytes_ for _, bytes_ in told)
