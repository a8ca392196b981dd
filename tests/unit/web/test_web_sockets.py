"""The edge over real sockets: slow senders, callers who leave, and OpenAI's own client."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from jimeng_api.domain.errors import (
    GenerationFailed,
    OutOfCredits,
    RateLimited,
    ShuttingDown,
    UpstreamUnreachable,
)
from jimeng_api.web.server import GatewayServer, build_server
from tests.forms import data_uri, picture
from tests.unit.web.web_edge import CAT, KEY, PICTURE, Edge, until


@contextlib.asynccontextmanager
async def serving(edge: Edge, **more: Any) -> AsyncIterator[int]:
    """The port of the edge behind the real server."""
    server = build_server(edge.app, port=0, **more)
    running = asyncio.create_task(_quietly(server))
    try:
        await until(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        async with asyncio.timeout(5):
            await running


async def _quietly(server: GatewayServer) -> None:
    """As `serve`, without taking the signals of the process that the tests run in."""
    await server._serve()


class Wire:
    """A raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, text: bytes) -> None:
        self.writer.write(text)
        await self.writer.drain()

    async def hear_all(self) -> bytes:
        """What comes until the end, be that a reset: whoever goes on sending may get one."""
        heard = b""
        async with asyncio.timeout(3):
            with contextlib.suppress(ConnectionResetError):
                while piece := await self.reader.read(65536):
                    heard += piece
        return heard


@contextlib.asynccontextmanager
async def wire(port: int) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


PING = b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"


# ---------------------------------------------------------- slow senders ----


async def test_a_connection_without_a_word_is_closed() -> None:
    async with serving(Edge(), head_seconds=0.05) as port, wire(port) as line:
        assert await line.hear_all() == b""


async def test_a_head_that_drips_is_answered_and_closed() -> None:
    async with serving(Edge(), head_seconds=0.1) as port, wire(port) as line:
        await line.say(b"GET /ping HTTP/1.1\r\nHost: x\r\n")
        hearing = asyncio.create_task(line.hear_all())
        with contextlib.suppress(ConnectionError):
            while not hearing.done():
                await line.say(b"x")
                await asyncio.sleep(0.01)
        heard = await hearing
    assert heard.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"request_timeout"' in heard
    assert b"x-request-id: req_" in heard


async def test_a_later_head_on_the_same_connection_has_the_same_deadline() -> None:
    async with serving(Edge(), head_seconds=0.1) as port, wire(port) as line:
        await line.say(PING)
        assert b"pong" in await line.reader.readuntil(b"pong")
        await line.say(b"GET /pi")
        heard = await line.hear_all()
    assert heard.startswith(b"HTTP/1.1 408 ")


async def test_a_head_without_end_is_answered_and_closed() -> None:
    async with serving(Edge(), head_bytes=2000) as port, wire(port) as line:
        await line.say(b"GET /ping HTTP/1.1\r\nX-Long: " + b"x" * 5000)
        heard = await line.hear_all()
    assert heard.startswith(b"HTTP/1.1 431 ")
    assert b'"code":"headers_too_large"' in heard


async def test_what_is_no_http_is_answered_in_the_usual_shape() -> None:
    async with serving(Edge()) as port, wire(port) as line:
        await line.say(b"hello there\r\n\r\n")
        heard = await line.hear_all()
    assert heard.startswith(b"HTTP/1.1 400 ")
    assert b'{"error":{"message":' in heard


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        b"Content-Length: -2\r\n\r\n{}",
        b"Content-Length: 2, 2\r\n\r\n{}",
        b"Content-Length: two\r\n\r\n{}",
        b"Content-Length: 99999999999999999999999\r\n\r\n{}",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    ],
)
async def test_lengths_that_contradict_are_refused_and_order_nothing(framing: bytes) -> None:
    edge = Edge()
    async with serving(edge, linger_seconds=0.1) as port, wire(port) as line:
        key = b"Authorization: Bearer " + KEY.encode() + b"\r\n"
        await line.say(b"POST /v1/images/generations HTTP/1.1\r\nHost: x\r\n" + key + framing)
        heard = await line.hear_all()
    assert heard.startswith(b"HTTP/1.1 4")
    assert heard.count(b"HTTP/1.1 ") == heard.count(b'{"error":{"message":') == 1
    assert not edge.desk.jobs


async def test_a_body_that_drips_is_answered_and_closed() -> None:
    edge = Edge(receive_timeout=0.1)
    async with serving(edge, linger_seconds=0.1) as port, wire(port) as line:
        await line.say(
            b"POST /v1/images/generations HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
            b"Authorization: Bearer " + KEY.encode() + b"\r\n\r\n"
        )
        hearing = asyncio.create_task(line.hear_all())
        with contextlib.suppress(ConnectionError):
            while not hearing.done():
                await line.say(b"x")
                await asyncio.sleep(0.01)
        heard = await hearing
    assert heard.startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_nobody_wants_does_not_hold_the_connection() -> None:
    async with serving(Edge(), linger_seconds=0.1) as port, wire(port) as line:
        await line.say(b"POST /v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
        heard = await line.hear_all()
    assert heard.startswith(b"HTTP/1.1 404 ")


async def test_an_unwanted_body_that_ends_leaves_the_connection_open() -> None:
    async with serving(Edge(), linger_seconds=0.2) as port, wire(port) as line:
        await line.say(b"POST /v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
        await line.reader.readuntil(b"}}")
        await line.say(b"cd" + PING)
        assert b"pong" in await line.reader.readuntil(b"pong")
        await asyncio.sleep(0.3)
        await line.say(PING)
        assert b"pong" in await line.reader.readuntil(b"pong")


async def test_the_next_request_may_come_before_an_answer_has_ended_and_take_its_time() -> None:
    body = json.dumps(CAT).encode()
    head = (
        f"POST /v1/images/generations HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        f"Authorization: Bearer {KEY}\r\n\r\n"
    )
    async with serving(Edge(), linger_seconds=0.1) as port, wire(port) as line:
        await line.say(PING + head.encode() + body[:5])
        await line.reader.readuntil(b"pong")
        await asyncio.sleep(0.3)
        await line.say(body[5:])
        assert (await line.reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_requests_in_a_row_are_answered_in_order() -> None:
    async with serving(Edge()) as port, wire(port) as line:
        await line.say(PING * 3)
        for _ in range(3):
            await line.reader.readuntil(b"pong")


async def test_a_second_request_that_drips_does_not_hurt_the_first() -> None:
    edge = Edge()
    edge.desk.holds = asyncio.Event()
    async with serving(edge, head_seconds=0.05) as port, wire(port) as line:
        body = b'{"model":"jimeng-4.5","prompt":"a cat","n":1}'
        await line.say(
            b"POST /v1/images/generations HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
            b"Authorization: Bearer %s\r\n\r\n%s" % (len(body), KEY.encode(), body)
        )
        await line.say(b"GET /ping HTT")
        await until(lambda: edge.desk.waiting == 1)
        await asyncio.sleep(0.15)
        edge.desk.holds.set()
        first, second = (await line.hear_all()).split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"200 OK")
    assert b'"url":' in first
    assert second.startswith(b"408 ")


async def test_the_server_does_not_say_what_it_is() -> None:
    async with serving(Edge()) as port, wire(port) as line:
        await line.say(b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        heard = (await line.hear_all()).lower()
    assert b"\r\nserver:" not in heard
    assert b"\r\ndate:" in heard


# ------------------------------------------------------ leaving and ending ----


def _post(body: bytes) -> bytes:
    return (
        b"POST /v1/images/generations HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
        b"Authorization: Bearer %s\r\n\r\n%s" % (len(body), KEY.encode(), body)
    )


@pytest.mark.parametrize("stream", [b"false", b"true"])
async def test_whoever_hangs_up_is_waited_for_no_longer_and_the_job_stays(stream: bytes) -> None:
    edge = Edge()
    edge.desk.holds = asyncio.Event()
    async with serving(edge) as port:
        async with wire(port) as line:
            await line.say(_post(b'{"prompt":"a cat","stream":%s}' % stream))
            await until(lambda: edge.desk.waiting == 1)
        async with asyncio.timeout(1):
            await until(lambda: edge.desk.waiting == 0)
    assert list(edge.desk.jobs) == ["job_0"]


async def test_a_stream_is_heard_while_the_job_runs() -> None:
    edge = Edge(heartbeat_seconds=0.02)
    edge.desk.holds = asyncio.Event()
    async with serving(edge) as port, wire(port) as line:
        await line.say(_post(b'{"prompt":"a cat","stream":true,"n":1}'))
        head = await line.reader.readuntil(b"\r\n\r\n")
        assert b"x-job-id: job_0" in head
        for _ in range(3):
            await line.reader.readuntil(b": ping\n\n")
        edge.desk.holds.set()
        assert b"image_generation.completed" in await line.reader.readuntil(b"}\n\n")


async def test_the_server_lets_those_who_wait_go_when_it_stops() -> None:
    edge = Edge()
    edge.desk.holds = asyncio.Event()

    async def stopping() -> None:
        edge.desk.breaks = ShuttingDown("Restarting.")
        assert edge.desk.holds
        edge.desk.holds.set()

    async with contextlib.AsyncExitStack() as ask:
        async with serving(edge, stopping=stopping, graceful_seconds=2) as port:
            client = openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY)
            await ask.enter_async_context(client)
            asking = asyncio.create_task(client.images.generate(model="jimeng-4.5", prompt="a cat"))
            await until(lambda: edge.desk.waiting == 1)
        with pytest.raises(openai.InternalServerError) as caught:
            await asking
    assert caught.value.status_code == 503
    assert caught.value.response.headers["x-job-id"] == "job_0"


# --------------------------------------------------------- openai's client ----


@contextlib.asynccontextmanager
async def client(edge: Edge, key: str = KEY, **more: Any) -> AsyncIterator[openai.AsyncOpenAI]:
    async with (
        serving(edge) as port,
        openai.AsyncOpenAI(
            base_url=f"http://127.0.0.1:{port}/v1", api_key=key, timeout=5, **more
        ) as found,
    ):
        yield found


async def test_openais_client_gets_pictures_in_both_forms() -> None:
    async with client(Edge()) as ask:
        reply = await ask.images.generate(model="jimeng-4.5", prompt="a cat", n=2)
        assert reply.data is not None
        assert len(reply.data) == 2
        assert (reply.data[0].url or "").startswith("http://127.0.0.1:")
        assert reply.usage is not None
        assert reply._request_id
        fetched = await ask._client.get(reply.data[0].url or "")
        assert fetched.content == PICTURE
        reply = await ask.images.generate(model="gpt-image-2", prompt="a cat", quality="auto")
        assert reply.data is not None
        assert [base64.b64decode(item.b64_json or "") for item in reply.data] == [PICTURE]


async def test_openais_client_sends_pictures_in_every_form_that_it_has() -> None:
    edge = Edge()
    one, other = picture(64, 36), picture(36, 64)
    model: Any = {"model": "jimeng-4.5", "n": 1}
    async with client(edge) as ask:
        for image, count in (
            (one, 1),
            (("cat.png", one, "image/png"), 1),
            ([("a.png", one), ("b.png", other)], 2),
            ([one] * 10, 10),
        ):
            reply = await ask.images.edit(image=image, prompt="blue", **model)
            assert reply.data
            assert len(edge.desk.request.inputs) == count
        with pytest.deprecated_call():  # OpenAI has given the route up
            assert (await ask.images.create_variation(image=one, **model)).data
        references = {"images": [{"image_url": data_uri(one)}, {"image_url": data_uri(other)}]}
        await ask.images.edit(image=[], prompt="blue", extra_body=references, **model)
        assert [found.width for found in edge.desk.request.inputs] == [64, 36]
        stream = await ask.images.edit(image=one, prompt="blue", stream=True, **model)
        assert [event.type async for event in stream] == ["image_edit.completed"]
        with pytest.raises(openai.BadRequestError) as caught:
            await ask.images.edit(image=one, mask=one, prompt="blue", **model)
        assert caught.value.param == "mask"


async def test_openais_client_reads_the_stream() -> None:
    async with client(Edge(heartbeat_seconds=0.01)) as ask:
        stream = await ask.images.generate(
            model="jimeng-4.5", prompt="a cat", n=2, stream=True, partial_images=0
        )
        events = [event async for event in stream]
    assert [event.type for event in events] == ["image_generation.completed"] * 2
    assert base64.b64decode(events[-1].b64_json) == PICTURE
    assert getattr(events[-1], "usage", None) is not None


async def test_openais_client_raises_what_ends_a_stream() -> None:
    edge = Edge()
    edge.desk.fails = GenerationFailed("The upstream did not draw it.")
    async with client(edge) as ask:
        stream = await ask.images.generate(model="jimeng-4.5", prompt="a cat", stream=True)
        with pytest.raises(openai.APIError, match="did not draw it") as caught:
            [event async for event in stream]
    assert caught.value.code == "generation_failed"


async def test_openais_client_reads_the_models() -> None:
    async with client(Edge()) as ask:
        ids = [model.id async for model in ask.models.list()]
        assert "jimeng-4.5" in ids
        assert (await ask.models.retrieve("jimeng-4.5")).object == "model"
        with pytest.raises(openai.NotFoundError) as caught:
            await ask.models.retrieve("openai/none")
        assert "openai/none" in caught.value.message


async def test_openais_client_raises_its_own_errors() -> None:
    edge = Edge()
    async with client(edge, max_retries=0) as ask:
        for words in ({"n": 99}, {"size": "banana"}, {"prompt": ""}):
            with pytest.raises(openai.BadRequestError) as caught:
                await ask.images.generate(**{**CAT, **words})
            assert caught.value.type == "invalid_request_error"
            assert caught.value.param == next(iter(words))
            assert caught.value.request_id
        edge.desk.fails = OutOfCredits("No credits.")
        with pytest.raises(openai.RateLimitError) as limited:
            await ask.images.generate(**CAT)
        assert limited.value.code == "insufficient_quota"
    async with client(edge, key="wrong", max_retries=0) as ask:
        with pytest.raises(openai.AuthenticationError, match="not a session id"):
            await ask.models.list()


async def test_openais_client_sends_nothing_again_that_may_cost_again() -> None:
    edge = Edge()
    edge.desk.fails = GenerationFailed("No.")
    async with client(edge) as ask:  # two retries, as it comes
        with pytest.raises(openai.InternalServerError):
            await ask.images.generate(**CAT)
    assert len(edge.desk.jobs) == 1


async def test_openais_client_tries_again_where_nothing_was_taken() -> None:
    edge = Edge()
    edge.desk.taken = False
    for error in (RateLimited("Later.", retry_after=1), UpstreamUnreachable("No way.")):
        edge.desk.jobs.clear()
        edge.desk.fails = error
        async with client(edge, max_retries=1) as ask:
            with pytest.raises(openai.APIStatusError):
                await ask.images.generate(**CAT)
        assert len(edge.desk.jobs) == 2
