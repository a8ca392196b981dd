"""Conversations with a whole gateway: OpenAI's own client and a raw stream, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import openai
import pytest

from jimeng_api.web.server import build_server
from tests.forms import data_uri, picture
from tests.simulated.asgi import Talk
from tests.simulated.house import KEY, House, submits_sent
from tests.unit.web.web_edge import until

PICTURES, FILMS = "jimeng-4.5", "jimeng-video-3.0"
LINK = re.compile(r"\((http://[^)]+/media/[^)]+)\)")
CHAT = "/v1/chat/completions"


@contextlib.asynccontextmanager
async def served(house: House) -> AsyncIterator[str]:
    """The origin of the gateway on a real socket."""
    server = build_server(house.app, port=0)
    running = asyncio.create_task(server._serve())
    try:
        await until(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        async with asyncio.timeout(5):
            await running


@contextlib.asynccontextmanager
async def client(house: House) -> AsyncIterator[openai.AsyncOpenAI]:
    async with (
        served(house) as origin,
        openai.AsyncOpenAI(base_url=f"{origin}/v1", api_key=KEY) as made,
    ):
        yield made


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


async def submitted(house: House) -> list[dict[str, Any]]:
    return await house.upstream.submits(KEY)


async def check_three_turns(house: House) -> None:
    """What the upstream was asked for by: draw, change, animate. Nothing of it was sent to it by others."""
    drawn, changed, filmed = await submitted(house)
    assert [row["remarks"] for row in (drawn, changed, filmed)] == [[], [], []]
    assert (filmed["film"]["mode"], len(filmed["film"]["inputs"])) == ("first_frame", 1)
    uploads = await house.upstream.uploads(KEY)
    kept = house.kept()
    assert len(kept) == 3
    # What was uploaded are our own results, to the byte: that of the first turn, then that of the second.
    assert [row["bytes"] for row in uploads] == [row["size"] for row in kept_in_order(house)[:2]]


def kept_in_order(house: House) -> list[dict[str, Any]]:
    jobs = house._rows("SELECT id FROM jobs ORDER BY created_at")
    return [row for job in jobs for row in house.kept() if row["job_id"] == job["id"]]


# ------------------------------------------------------------- three turns ----


async def test_draw_change_and_animate_with_openais_client(gateway: House) -> None:
    async with client(gateway) as api:
        messages: list[Any] = [user("a cat on a chair --n 1 --ratio 16:9")]
        drawn = await api.chat.completions.create(model=PICTURES, messages=messages)
        (choice,) = drawn.choices
        assert choice.finish_reason == "stop"
        messages += [assistant(choice.message.content or ""), user("make it blue --n 1")]
        changed = await api.chat.completions.create(model=PICTURES, messages=messages)
        messages += [assistant(changed.choices[0].message.content or ""), user("it jumps down")]
        filmed = await api.chat.completions.create(model=FILMS, messages=messages)
        (link,) = LINK.findall(filmed.choices[0].message.content or "")
        assert link.endswith(".mp4")
        async with aiohttp.ClientSession() as web, web.get(link) as film:
            assert film.headers["content-type"] == "video/mp4"
            assert (await film.read())[4:8] == b"ftyp"
    await check_three_turns(gateway)


async def test_draw_change_and_animate_in_a_raw_stream(gateway: House) -> None:
    async with served(gateway) as origin:
        messages = [user("a cat on a chair --n 1 --ratio 16:9")]
        for model, then in (
            (PICTURES, "make it blue --n 1"),
            (PICTURES, "it jumps down"),
            (FILMS, ""),
        ):
            content = await streamed(origin, model, messages)
            assert LINK.search(content)
            messages += [assistant(content), user(then)]
    await check_three_turns(gateway)


async def streamed(origin: str, model: str, messages: list[Any]) -> str:
    """The content of a stream, every line of which is looked at."""
    body = {
        "model": model,
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    headers = {"authorization": f"Bearer {KEY}"}
    async with (
        aiohttp.ClientSession() as web,
        web.post(f"{origin}{CHAT}", json=body, headers=headers) as answer,
    ):
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        lines = [line for line in (await answer.text()).split("\n") if line]
    assert all(line == ": ping" or line.startswith("data: ") for line in lines)
    told = [line[6:] for line in lines if line.startswith("data: ")]
    assert told.pop() == "[DONE]"
    *chunks, usage = (json.loads(line) for line in told)
    assert (usage["choices"], usage["usage"]["total_tokens"]) == ([], 0)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0]["role"] == "assistant"
    assert (deltas[-1], chunks[-1]["choices"][0]["finish_reason"]) == ({}, "stop")
    return "".join(delta.get("content", "") for delta in deltas)


async def test_openais_client_reads_a_stream(gateway: House) -> None:
    async with client(gateway) as api:
        stream = await api.chat.completions.create(
            model="jimeng",
            messages=[{"role": "user", "content": "a cat"}],
            stream=True,
            stream_options={"include_usage": True},
            extra_body={"ratio": "1:1", "n": 2},
        )
        chunks = [chunk async for chunk in stream]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].usage is not None
    text = "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)
    assert len(LINK.findall(text)) == 2
    assert (await submitted(gateway))[-1]["remarks"] == []


# ------------------------------------------------------------------ pay once ----


async def test_what_a_client_sends_again_is_the_same_job(gateway: House) -> None:
    body = {"model": PICTURES, "messages": [user("a cat --n 1")]}
    headers = {"idempotency-key": "chat-1"}
    first = await gateway.call("POST", CHAT, body, headers=headers)
    second = await gateway.call("POST", CHAT, body, headers=headers)
    assert (first.status, first.body) == (200, second.body)
    third = await gateway.call("POST", CHAT, {**body, "stream": True}, headers=headers)
    assert first.json["choices"][0]["message"]["content"].encode() in third.body
    assert submits_sent(gateway) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_who_hangs_up_and_sends_again_gets_the_job_that_runs(
    gateway: House, stream: bool
) -> None:
    body = {"model": PICTURES, "messages": [user("a cat --n 1")], "stream": stream}
    talk = Talk()
    talk.gone.set()
    left = await gateway.call("POST", CHAT, body, talk=talk)
    again = {"x-stainless-retry-count": "1"}
    answer = await gateway.call("POST", CHAT, {**body, "stream": False}, headers=again)
    assert answer.status == 200
    assert answer.headers["x-job-id"] == left.headers["x-job-id"]
    assert submits_sent(gateway) == 1


async def test_titles_and_tags_cost_nothing(gateway: House) -> None:
    async with client(gateway) as api:
        for asked in (
            "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history.",
            "### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history",
            "### Task:\nSuggest 3-5 relevant follow-up questions or prompts",
        ):
            answer = await api.chat.completions.create(
                model=PICTURES, messages=[{"role": "user", "content": asked}]
            )
            assert len(json.loads(answer.choices[0].message.content or "")) == 1
    assert submits_sent(gateway) == 0


# ------------------------------------------------------------------- refused ----


async def test_a_refusal_of_the_upstream_is_openais_error(gateway: House) -> None:
    await gateway.upstream.fault("no_credits", "generate", times=2)
    async with client(gateway) as api:
        api = api.with_options(max_retries=0)
        said: Any = [user("a cat --n 1")]
        with pytest.raises(openai.RateLimitError) as refused:
            await api.chat.completions.create(model=PICTURES, messages=said)
        assert refused.value.code == "insufficient_quota"
        assert refused.value.response.headers["x-should-retry"] == "false"
        stream = await api.chat.completions.create(model=PICTURES, messages=said, stream=True)
        with pytest.raises(openai.APIError) as told:
            [chunk async for chunk in stream]
        assert told.value.code == "insufficient_quota"
        broken = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
        said = [{"role": "user", "content": [{"type": "text", "text": "make it blue"}, broken]}]
        with pytest.raises(openai.BadRequestError) as unread:
            await api.chat.completions.create(model=PICTURES, messages=said)
        assert unread.value.param == "messages"


async def test_pictures_come_back_as_data_uris_and_can_be_sent_on(gateway: House) -> None:
    """As LobeHub keeps conversations: by the pictures themselves."""
    body = {
        "model": PICTURES,
        "messages": [user("a cat --n 1")],
        "modalities": ["image", "text"],
    }
    answer = await gateway.call("POST", CHAT, body)
    message = answer.json["choices"][0]["message"]
    (image,) = message["images"]
    assert image["image_url"]["url"].startswith("data:image/png;base64,")
    said = [{**message, "content": "Here it is."}, user("make it blue --n 1")]
    assert (await gateway.call("POST", CHAT, {**body, "messages": said})).status == 200
    (upload,) = await gateway.upstream.uploads(KEY)
    assert upload["bytes"] == kept_in_order(gateway)[0]["size"]


async def test_a_stream_tells_of_the_line_it_waits_in(house: House) -> None:
    await house.start(chat_progress=True)
    answer = await house.call(
        "POST", CHAT, {"model": PICTURES, "messages": [user("a cat --n 1")], "stream": True}
    )
    assert answer.status == 200
    assert b'"reasoning_content":"' in answer.body


async def test_a_picture_sent_along_is_uploaded_and_the_older_ones_are_not(gateway: House) -> None:
    old, new = picture(64, 36), picture(36, 64, "maroon")

    def shown(body: bytes, text: str) -> dict[str, Any]:
        part = {"type": "image_url", "image_url": {"url": data_uri(body)}}
        return {"role": "user", "content": [{"type": "text", "text": text}, part]}

    messages = [shown(old, "a cat"), assistant("Sorry."), shown(new, "make it blue --n 1")]
    answer = await gateway.call("POST", CHAT, {"model": PICTURES, "messages": messages})
    assert answer.status == 200, answer.body
    (upload,) = await gateway.upstream.uploads(KEY)
    assert upload["bytes"] == len(new)
