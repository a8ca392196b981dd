"""Responses over HTTP: the bytes that clients read, ids that follow from each other, strangers' bodies."""

from __future__ import annotations

import asyncio
import base64
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jimeng_api.domain.errors import ContentRefused, GenerationFailed, NotFound
from jimeng_api.web.response_ids import (
    Item,
    input_id_of,
    item_of,
    job_id_of,
    message_id_of,
    picture_id_of,
    response_id_of,
)
from tests.answer import Answer
from tests.unit.web.web_edge import KEY, PICTURE, Edge, Talk, until

RESPONSES = "/v1/responses"
TOOL = {"type": "image_generation"}
CAT: dict[str, Any] = {"model": "gpt-5", "input": "a cat", "tools": [TOOL]}
ENCODED = base64.b64encode(PICTURE).decode()


async def respond(edge: Edge, **body: Any) -> Answer:
    return await edge.call("POST", RESPONSES, json_body={**CAT, **body})


def body_of(status: str, output: str, **changes: str) -> str:
    """A whole response to CAT, byte for byte."""
    over = status == "completed"
    keys = {
        "completed_at": "1763800009" if over else "null",
        "error": "null",
        "model": '"gpt-5"',
        "tools": '[{"type":"image_generation"}]',
        **changes,
    }
    usage = (
        '{"input_tokens":0,"input_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},'
        '"output_tokens":0,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":0}'
    )
    return (
        f'{{"id":"resp_0","object":"response","created_at":1763800000,"status":"{status}",'
        f'"background":false,"completed_at":{keys["completed_at"]},"error":{keys["error"]},'
        '"incomplete_details":null,"instructions":null,"max_output_tokens":null,"metadata":{},'
        f'"model":{keys["model"]},"output":[{output}],"parallel_tool_calls":true,'
        '"previous_response_id":null,"reasoning":{"effort":null,"summary":null},"store":true,'
        '"temperature":null,"text":{"format":{"type":"text"}},"tool_choice":"auto",'
        f'"tools":{keys["tools"]},"top_p":null,"truncation":"disabled",'
        f'"usage":{usage if status in ("completed", "failed") else "null"}}}'
    )


def stream_of(*events: tuple[str, str]) -> str:
    told = [
        f'event: {kind}\ndata: {{"type":"{kind}","sequence_number":{number},{rest}}}\n\n'
        for number, (kind, rest) in enumerate(events)
    ]
    return ": ping\n\n" + "".join(told)


PLACE = '"output_index":0,"item_id":"ig_0_0"'
DRAWN = (
    '{"id":"ig_0_0","type":"image_generation_call","status":"completed","action":"generate",'
    '"background":"opaque","output_format":"png","size":"2048x2048","revised_prompt":"a cat",'
    f'"result":"{ENCODED}"}}'
)


async def test_a_picture_byte_for_byte() -> None:
    answer = await respond(Edge())
    assert answer.status == 200
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.body.decode() == body_of("completed", DRAWN)


async def test_the_events_of_a_picture_byte_for_byte() -> None:
    answer = await respond(Edge(), stream=True)
    begun = f'"response":{body_of("in_progress", "")}'
    drawing = '{"id":"ig_0_0","type":"image_generation_call","status":"in_progress","result":null}'
    assert answer.body.decode() == stream_of(
        ("response.created", begun),
        ("response.in_progress", begun),
        ("response.output_item.added", f'"output_index":0,"item":{drawing}'),
        ("response.image_generation_call.in_progress", PLACE),
        ("response.image_generation_call.generating", PLACE),
        ("response.image_generation_call.completed", PLACE),
        ("response.output_item.done", f'"output_index":0,"item":{DRAWN}'),
        ("response.completed", f'"response":{body_of("completed", DRAWN)}'),
    )


async def test_the_events_of_words_byte_for_byte() -> None:
    answer = await respond(Edge(), stream=True, model="jimeng-4.5", input="a cat --n 1", tools=[])
    text = "![a cat](http://gateway.test:5100/media/media-job_0-0)"
    own = {"model": '"jimeng-4.5"', "tools": "[]"}
    begun = f'"response":{body_of("in_progress", "", **own)}'
    said = f'{{"type":"output_text","annotations":[],"logprobs":[],"text":"{text}"}}'
    item = (
        '{"id":"msg_0","type":"message","status":"completed","role":"assistant","content":'
        f"[{said}]}}"
    )
    empty = item.replace("completed", "in_progress").replace(said, "")
    place = '"item_id":"msg_0","output_index":0,"content_index":0'
    assert answer.body.decode() == stream_of(
        ("response.created", begun),
        ("response.in_progress", begun),
        ("response.output_item.added", f'"output_index":0,"item":{empty}'),
        ("response.content_part.added", f'{place},"part":{said.replace(text, "")}'),
        ("response.output_text.delta", f'{place},"delta":"{text}","logprobs":[]'),
        ("response.output_text.done", f'{place},"text":"{text}","logprobs":[]'),
        ("response.content_part.done", f'{place},"part":{said}'),
        ("response.output_item.done", f'"output_index":0,"item":{item}'),
        ("response.completed", f'"response":{body_of("completed", item, **own)}'),
    )


async def test_a_failure_byte_for_byte() -> None:
    edge = Edge()
    edge.desk.fails = ContentRefused("No.")
    answer = await respond(edge, stream=True)
    error = (
        '{"message":"No.","type":"image_generation_user_error","param":null,'
        '"code":"moderation_blocked","charge":"none","job_id":"job_0"}'
    )
    failed = body_of("failed", "", error=error)
    tail = (
        f'event: response.failed\ndata: {{"type":"response.failed","sequence_number":5,"response":{failed}}}'
        '\n\nevent: error\ndata: {"type":"error","sequence_number":6,"code":"moderation_blocked",'
        f'"message":"No.","param":null,"error":{error}}}\n\n'
    )
    assert answer.body.decode().endswith(tail)
    refused = await respond(edge)
    assert (refused.status, refused.error["code"]) == (400, "moderation_blocked")


async def test_a_stream_that_waits_too_long_says_so_and_the_response_goes_on() -> None:
    edge = Edge(wait_seconds=0.01)
    edge.desk.holds = asyncio.Event()
    answer = await respond(edge, stream=True)
    assert [event["type"] for event in answer.events][-2:] == [
        "response.image_generation_call.generating",
        "error",
    ]
    assert answer.events[-1]["error"]["code"] == "job_still_running"
    found = await edge.get(f"{RESPONSES}/resp_0")
    assert (found.json["status"], found.json["output"]) == ("queued", [])


async def test_a_late_picture_completes_a_response_that_had_failed() -> None:
    edge = Edge()
    edge.desk.fails, edge.desk.late = GenerationFailed("No."), True
    await respond(edge)
    found = await edge.get(f"{RESPONSES}/resp_0")
    assert (found.json["status"], found.json["error"]) == ("completed", None)
    assert [one["result"] for one in found.json["output"]] == [ENCODED]


@pytest.mark.parametrize("stream", [False, True])
async def test_the_input_is_not_in_memory_while_its_job_runs(stream: bool) -> None:
    edge = Edge()
    edge.desk.holds = asyncio.Event()
    earlier = {"type": "image_generation_call", "id": "ig_elsewhere", "result": "A" * 16_000_000}
    new = TOOL | {"action": "generate"}
    said = [earlier, {"role": "user", "content": "a dog"}]
    caller = Talk(
        body=json.dumps({**CAT, "tools": [new], "input": said, "stream": stream}).encode()
    )
    headers = {"host": "gateway.test:5100", "authorization": f"Bearer {KEY}"}
    tracemalloc.start()
    try:
        task = asyncio.create_task(caller.run(edge.app, "POST", RESPONSES, headers))
        await until(lambda: edge.desk.waiting == 1 or task.done())
        async with asyncio.timeout(20):  # a thread that worked on it lets go in its own time
            await until(lambda: tracemalloc.get_traced_memory()[0] < 2_000_000)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    edge.desk.holds.set()
    await task
    assert caller.answer.status == 200
    assert most > 16_000_000


# ----------------------------------------------------------------------- ids ----


@given(st.text("0123456789abcdef", min_size=1, max_size=40), st.integers(0, 9999))
def test_each_id_leads_to_its_job(token: str, number: int) -> None:
    job_id = f"job_{token}"
    assert job_id_of(response_id_of(job_id)) == job_id
    assert item_of(picture_id_of(job_id, number)) == Item(job_id, number)
    assert item_of(message_id_of(job_id)) == item_of(input_id_of(job_id)) == Item(job_id, None)


@given(st.text())
def test_what_is_no_id_leads_nowhere(text: str) -> None:
    item = item_of(text)
    assert item is None or text[:3] in ("ig_", "msg", "in_")
    if not text.startswith("resp_"):
        with pytest.raises(NotFound):
            job_id_of(text)


# ----------------------------------------------------------------- strangers ----

WORDS = st.sampled_from(
    [
        "type", "message", "role", "user", "assistant", "content", "text", "input_text", "input_image",
        "image_url", "url", "file_id", "id", "result", "image_generation", "image_generation_call",
        "item_reference", "ig_0_0", "msg_0", "resp_0", "a cat", "--n", "action", "edit", "model", "n",
        "gpt-5", "jimeng-4.5", "sora-2", "size", "metadata", "", "data:image/png;base64,AAAA",
    ]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.floats(-9, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=20,
)
FIELDS = st.sampled_from(
    ["input", "tools", "model", "previous_response_id", "metadata", "stream", "background", "store",
     "instructions", "tool_choice", "n", "size", "text", "conversation", "partial_images"]
)  # fmt: skip


@given(st.dictionaries(FIELDS, JSON, max_size=5))
@settings(max_examples=300, deadline=None)
def test_whatever_comes_in_is_answered_in_shape(body: dict[str, Any]) -> None:
    async def answered() -> Answer:
        return await Edge().call("POST", RESPONSES, json_body={**CAT, **body})

    answer = asyncio.run(answered())
    assert answer.status in (200, 400, 404), (body, answer.body)
    if answer.status != 200:
        assert set(answer.error) >= {"message", "type", "param", "code"}
    elif answer.headers["content-type"] == "application/json":
        assert json.loads(answer.body)["object"] == "response"
