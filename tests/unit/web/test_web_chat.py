"""Chats over HTTP: what is ordered, the shape of the answers, and what is refused."""

from __future__ import annotations

import asyncio
import base64
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jimeng_api.domain.errors import (
    ContentRefused,
    GatewayError,
    GenerationFailed,
    OutOfCredits,
    StorageUnavailable,
)
from jimeng_api.domain.progress import Progress, Queue, Stage
from jimeng_api.domain.requests import VideoRequest
from jimeng_api.web.conversing import PARAMETERS
from jimeng_api.web.schemas.chat.bodies import ChatBody
from tests.answer import Answer
from tests.forms import data_uri, picture
from tests.unit.web.web_edge import KEY, PICTURE, Edge, Talk, until

CHAT = "/v1/chat/completions"
MODEL = "jimeng-4.5"
FILM = "jimeng-video-3.0"
LINK = "http://gateway.test:5100/media"
WIDE = picture(64, 36)
FIELDS = sorted({*PARAMETERS, *ChatBody.model_fields, "image_config"} - {"messages"})
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10)
    | st.sampled_from([f"{LINK}/none", "data:image/png;base64,AA", "16:9", FILM, "user", "text"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "image_url", "url", "images"]),
            inner | st.sampled_from(["user", "assistant", "image_url", "text"]),
            max_size=4,
        )
    ),
    max_leaves=10,
)
WORDS = {"type": "text", "text": "make it blue"}
SHOWN = {"type": "image_url", "image_url": {"url": data_uri(WIDE)}}


def talk(*said: Any) -> list[dict[str, Any]]:
    """Messages of the user and the assistant, in turn; the last is the user's."""
    roles = ("user", "assistant")
    first = (len(said) + 1) % 2
    return [{"role": roles[(first + at) % 2], "content": one} for at, one in enumerate(said)]


async def chat(
    edge: Edge, *said: Any, headers: dict[str, str] | None = None, **body: Any
) -> Answer:
    body = {"model": MODEL, "messages": talk(*(said or ("a cat --n 1",))), **body}
    return await edge.call("POST", CHAT, json_body=body, headers=headers)


def chunks(answer: Answer) -> list[dict[str, Any]]:
    """The events of a stream that ended as it should."""
    lines = [line for line in answer.body.decode().split("\n") if line]
    assert {line[:6] for line in lines} <= {"data: ", ": ping"}  # and never an id
    told = [line[6:] for line in lines if line.startswith("data: ")]
    assert told[-1] == "[DONE]"
    return [json.loads(line) for line in told[:-1]]


def content_of(answer: Answer) -> str:
    found: str = answer.json["choices"][0]["message"]["content"]
    return found


# --------------------------------------------------------------- what is made ----


async def test_the_prompt_draws_and_the_message_shows_the_picture() -> None:
    edge = Edge()
    answer = await chat(edge, "a [big] cat, *asleep* --ratio 16:9 --n 1", temperature=0.7, tools=[])
    assert answer.status == 200, answer.body
    assert answer.json == {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "created": 1763800000,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": f"![a big cat, asleep]({LINK}/media-job_0-0)",
                    "refusal": None,
                },
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }
    assert answer.headers["x-job-id"] == "job_0"
    request = edge.desk.request
    assert (request.prompt, request.ratio) == ("a [big] cat, *asleep*", "16:9")
    assert (request.count, request.inputs) == (1, ())
    assert edge.desk.told == ["job_0"]


@pytest.mark.parametrize(
    ("body", "count"),
    [({}, None), ({"model": "jimeng"}, None), ({"model": "gpt-image-1"}, 1), ({"n": 2}, 2), ({"n": "3"}, 3)],
)  # fmt: skip
async def test_all_pictures_stand_in_the_one_choice(
    body: dict[str, Any], count: int | None
) -> None:
    edge = Edge()
    answer = await chat(edge, "a cat", **body)
    assert edge.desk.request.count == count
    assert len(answer.json["choices"]) == 1
    assert content_of(answer).split("\n\n") == [
        f"![a cat]({LINK}/media-job_0-{number})" for number in range(count or 4)
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"size": "16:9", "resolution": "2k"},
        {"aspect_ratio": "16:9"},
        {"aspectRatio": "16:9", "size": "512x512", "resolution": "2k"},
        {"image_config": {"aspect_ratio": "16:9", "image_size": "2K"}},
        {"size": "2560x1440"},
        {"model": "jimeng-4.5:2560x1440"},
        {"ratio": "1:1", "messages": talk("a cat --ratio 16:9 --n 1")},
        {"aspect_ratio": "1:1", "messages": talk("a cat --ar 16:9 --n 1")},
        {"model": "jimeng-3.0", "messages": talk("a cat --model jimeng-4.5 --ratio 16:9 --n 1")},
    ],
)
async def test_parameters_are_fields_or_words_behind_the_prompt(body: dict[str, Any]) -> None:
    edge = Edge()
    answer = await chat(edge, **body)
    assert answer.status == 200, answer.body
    request = edge.desk.request
    assert (request.model, request.ratio, request.resolution) == (MODEL, "16:9", "2k")


async def test_a_seed_of_64_bits_as_chats_have_it_is_taken() -> None:
    edge = Edge()
    assert (await chat(edge, seed=2**62 + 5)).status == 200
    assert edge.desk.request.seed == 5


async def test_pictures_of_the_message_are_what_it_starts_from() -> None:
    edge = Edge()
    assert (await chat(edge, [WORDS, SHOWN])).status == 200
    (found,) = edge.desk.request.inputs
    assert (found.width, found.height) == (64, 36)


async def test_a_follow_up_starts_from_our_own_result_without_fetching_it() -> None:
    edge = Edge()
    edge.media.file = WIDE
    first = content_of(await chat(edge))
    assert (await chat(edge, "a cat", first, "make it blue")).status == 200
    (found,) = edge.desk.request.inputs
    assert found.width == 64
    assert edge.internet.asked == []
    assert (await chat(edge, "a cat", first, "a dog --new")).status == 200
    assert edge.desk.request.inputs == ()


async def test_a_video_model_films_and_the_message_links_the_film() -> None:
    edge = Edge()
    edge.desk.content_type = "video/mp4"
    answer = await chat(edge, "waves --duration 10", model=FILM, ratio="16:9", seconds="5")
    assert content_of(answer) == f"[waves]({LINK}/media-job_0-0.mp4)"
    request = edge.desk.last.request
    assert isinstance(request, VideoRequest)
    assert (request.mode, request.seconds, request.ratio) == ("t2v", 10, "16:9")
    film = await edge.get("/media/media-job_0-0.mp4", key=None)
    assert (film.status, film.headers["content-type"]) == (200, "video/mp4")
    assert (await edge.get("/media/media-job_0-0.png", key=None)).status == 404


async def test_a_video_model_sets_the_newest_picture_in_motion() -> None:
    edge = Edge()
    answer = await chat(edge, "a cat", f"![a cat]({data_uri(WIDE)})", "it walks", model="sora-2")
    assert (answer.status, answer.json["model"]) == (200, "sora-2")
    request = edge.desk.last.request
    assert isinstance(request, VideoRequest)
    assert (request.mode, len(request.inputs)) == ("first_frame", 1)


async def test_a_model_that_takes_no_pictures_starts_from_the_words() -> None:
    edge = Edge()
    said = ("a cat", f"![a cat]({data_uri(WIDE)})", "it walks")
    assert (await chat(edge, *said, model="seedance-2.0-lite")).status == 200
    assert edge.desk.last.request.inputs == ()


# ----------------------------------------------------------------- the stream ----


async def test_a_stream_has_openais_chunks() -> None:
    answer = await chat(Edge(), "a cat --n 2", stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-job-id"] == "job_0"
    found = chunks(answer)
    for chunk in found:
        assert chunk["id"] == "chatcmpl-0"
        assert chunk["object"] == "chat.completion.chunk"
        assert (chunk["created"], chunk["model"]) == (1763800000, MODEL)
        assert "usage" not in chunk
    deltas = [chunk["choices"][0]["delta"] for chunk in found]
    ends = [chunk["choices"][0]["finish_reason"] for chunk in found]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert deltas[-1] == {}
    assert ends == [None] * (len(found) - 1) + ["stop"]
    shown = "".join(delta.get("content", "") for delta in deltas)
    assert shown == content_of(await chat(Edge(), "a cat --n 2"))


@pytest.mark.parametrize(
    "options", [{"include_usage": False}, {}, None, "yes", {"include_usage": 1}]
)
async def test_usage_is_told_only_to_who_asks(options: object) -> None:
    found = chunks(await chat(Edge(), stream=True, stream_options=options))
    assert all(chunk["choices"] for chunk in found)
    found = chunks(await chat(Edge(), stream=True, stream_options={"include_usage": True}))
    assert found[-1]["choices"] == []
    assert found[-1]["usage"]["total_tokens"] == 0
    assert found[-2]["choices"][0]["finish_reason"] == "stop"


async def test_the_role_is_told_at_once_and_signs_of_life_while_the_job_runs() -> None:
    edge = Edge(heartbeat_seconds=0.01)
    edge.desk.holds = asyncio.Event()
    body = {"model": MODEL, "messages": talk("a cat --n 1"), "stream": True}
    caller = Talk(body=json.dumps(body).encode())
    headers = {"host": "gateway.test:5100", "authorization": f"Bearer {KEY}"}
    task = asyncio.create_task(caller.run(edge.app, "POST", CHAT, headers))
    await until(lambda: sum(one.get("body") == b": ping\n\n" for one in caller.sent) >= 3)
    before = b"".join(one.get("body", b"") for one in caller.sent)
    assert before.count(b'"role":"assistant"') == 1
    assert b"![" not in before
    edge.desk.holds.set()
    await task
    assert len(chunks(caller.answer)) == 3


@pytest.mark.parametrize("stream", [False, True])
async def test_a_caller_who_hangs_up_leaves_the_job_running(stream: bool) -> None:
    edge = Edge()
    edge.desk.holds = asyncio.Event()
    body = {"model": MODEL, "messages": talk("a cat"), "stream": stream}
    caller = Talk(body=json.dumps(body).encode())
    headers = {"host": "gateway.test:5100", "authorization": f"Bearer {KEY}"}
    task = asyncio.create_task(caller.run(edge.app, "POST", CHAT, headers))
    await until(lambda: edge.desk.waiting == 1)
    caller.gone.set()
    await task
    assert not edge.desk.last.state.ended
    assert edge.desk.told == []


async def test_the_conversation_is_not_in_memory_while_its_job_runs() -> None:
    edge = Edge()
    edge.desk.holds = asyncio.Event()
    large = f"![a cat](data:image/png;base64,{'A' * 16_000_000})"
    messages = [*talk("a cat", large, "another", "![a cat](LINK)", "a dog --new")]
    caller = Talk(body=json.dumps({"model": MODEL, "messages": messages, "stream": True}).encode())
    headers = {"host": "gateway.test:5100", "authorization": f"Bearer {KEY}"}
    tracemalloc.start()
    try:
        task = asyncio.create_task(caller.run(edge.app, "POST", CHAT, headers))
        await until(lambda: edge.desk.waiting == 1)
        async with asyncio.timeout(20):  # a thread that worked on it lets go in its own time
            await until(lambda: tracemalloc.get_traced_memory()[0] < 2_000_000)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    edge.desk.holds.set()
    await task
    assert most > 16_000_000


@settings(max_examples=100, deadline=None)
@given(
    st.lists(ANYTHING, max_size=3),
    st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=3),
)
def test_whatever_is_sent_is_answered_or_refused_in_openais_form(
    before: list[Any], fields: dict[str, Any]
) -> None:
    async def sent() -> None:
        edge = Edge()
        body = {"model": MODEL, "messages": [*before, *talk("a cat")], **fields}
        answer = await edge.call("POST", CHAT, json_body=body)
        assert answer.status in (200, 400, 404), answer.body
        if answer.status != 200:
            assert answer.error["message"]
            assert edge.desk.jobs == {}

    asyncio.run(sent())


# --------------------------------------------------------- pictures themselves ----


async def test_the_pictures_themselves_come_only_with_modalities() -> None:
    uri = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"
    image = {"type": "image_url", "image_url": {"url": uri}}
    answer = await chat(Edge(), "a cat --n 2", modalities=["image", "text"])
    message = answer.json["choices"][0]["message"]
    assert message["images"] == [image, image]
    assert message["content"].count("![") == 2
    assert int(answer.headers["content-length"]) == len(answer.body)
    found = chunks(await chat(Edge(), "a cat --n 2", modalities=["text", "image"], stream=True))
    deltas = [chunk["choices"][0]["delta"] for chunk in found]
    assert [delta["images"] for delta in deltas if "images" in delta] == [[image], [image]]
    for other in (["text"], [], None, "image", [5]):
        assert "images" not in (await chat(Edge(), modalities=other)).json["choices"][0]["message"]


async def test_a_prompt_cannot_look_like_the_place_of_the_pictures() -> None:
    for prompt in ('"images":[] --n 1', 'x","images":[],"y --n 1'):
        answer = await chat(Edge(), prompt, modalities=["image"])
        message = answer.json["choices"][0]["message"]
        assert len(message["images"]) == 1
        assert "images" in message["content"]


# ------------------------------------------------------------------- progress ----


def look(**queue: Any) -> Progress:
    return Progress(
        submit_id="s", history_id="h", stage=Stage.RUNNING, status=20, total=4, queue=Queue(**queue)
    )


@pytest.mark.parametrize(
    ("looks", "line"),
    [
        ((), "Queued.\n"),
        ((look(),), "In the making.\n"),
        ((look(run_seconds=12.4),), "In the making, about 12 s.\n"),
        ((look(waiting=True),), "In the upstream's line.\n"),
        (
            (look(), look(waiting=True, position=3, length=20, wait_seconds=40)),
            "In the upstream's line at place 3 of 20, about 40 s.\n",
        ),
    ],
)
async def test_a_stream_tells_how_far_the_job_is_where_the_operator_says_so(
    looks: tuple[Progress, ...], line: str
) -> None:
    edge = Edge(chat_progress=True)
    edge.desk.looks["job_0"] = looks
    deltas = [one["choices"][0]["delta"] for one in chunks(await chat(edge, stream=True))]
    assert [one["reasoning_content"] for one in deltas if "reasoning_content" in one] == [line]
    assert "reasoning_content" in deltas[1]  # before the content
    quiet = await chat(Edge(), stream=True)
    assert b"reasoning_content" not in quiet.body


# -------------------------------------------------------------------- refused ----


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"messages": None}, "messages", "missing_required_parameter"),
        ({"messages": []}, "messages", "missing_required_parameter"),
        ({"messages": "a cat"}, "messages", "invalid_value"),
        ({"messages": [5]}, "messages", "invalid_value"),
        ({"messages": talk("")}, "messages", "missing_required_parameter"),
        ({"messages": talk("a cat --n 99")}, "n", "invalid_value"),
        ({"messages": talk("a cat --n many")}, "n", "invalid_value"),
        ({"messages": talk("a cat --size banana")}, "size", "invalid_value"),
        ({"messages": talk("a cat --ratio")}, "messages", "invalid_value"),
        ({"messages": talk("a cat"), "n": 11}, "n", "invalid_value"),
        ({"size": "banana"}, "size", "invalid_value"),
        ({"background": "transparent"}, "background", "unsupported_value"),
        ({"stream": "perhaps"}, "stream", "invalid_value"),
        ({"model": FILM, "duration": "long"}, "duration", "invalid_value"),
        ({"messages": talk("![x](http://gateway.test:5100/media/none) blue")}, "messages", "invalid_value"),
        ({"messages": talk([WORDS, {"type": "image"}])}, "messages", "invalid_value"),
        ({"messages": talk([WORDS, *[SHOWN] * 11])}, "messages", "invalid_value"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
async def test_what_cannot_be_made_is_refused_before_anything_is_promised(
    body: dict[str, Any], param: str, code: str, stream: bool
) -> None:
    edge = Edge()
    answer = await chat(edge, **{"stream": stream, **body})
    assert answer.status == 400, answer.body
    assert (answer.error["param"], answer.error["code"]) == (param, code)
    assert answer.headers["x-should-retry"] == "false"
    assert edge.desk.jobs == {}


async def test_an_unknown_model_is_404() -> None:
    answer = await chat(Edge(), model="gpt-5")
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ContentRefused("It is refused."), 400),
        (OutOfCredits("There are too few credits."), 429),
        (GenerationFailed("It was not drawn."), 500),
    ],
)
async def test_a_failure_is_openais_error_as_a_status_or_as_the_last_event(
    error: GatewayError, status: int
) -> None:
    edge = Edge()
    edge.desk.fails = error
    answer = await chat(edge)
    assert (answer.status, answer.error["code"]) == (status, error.code)
    assert answer.error["job_id"] == answer.headers["x-job-id"]
    streamed = await chat(edge, stream=True)
    assert streamed.status == 200
    assert streamed.events[0]["choices"][0]["delta"]["role"] == "assistant"
    assert streamed.events[-1]["error"]["code"] == error.code
    assert streamed.events[-1]["error"]["message"] == error.message
    assert b"[DONE]" not in streamed.body


async def test_an_order_that_is_not_taken_is_a_status_in_a_stream_too() -> None:
    edge = Edge()
    edge.desk.refuses = StorageUnavailable("The disk is full.")
    assert (await chat(edge, stream=True)).status == 503


# --------------------------------------------------------------- asked again ----


async def test_the_same_chat_in_another_form_is_the_same_request() -> None:
    edge = Edge()
    again = {"x-stainless-retry-count": "1", "idempotency-key": "mine"}
    await chat(edge, headers=again)
    await chat(edge, stream=True, stream_options={"include_usage": True}, modalities=["image"])
    await chat(edge, "a dog")
    first, second, third = (one or pytest.fail("no repeat") for one in edge.desk.repeats)
    assert (first.key, first.again) == ("mine", True)
    assert first.fingerprint == second.fingerprint != third.fingerprint


# -------------------------------------------------------------------- chores ----


@pytest.mark.parametrize("stream", [False, True])
async def test_what_a_client_asks_on_the_side_is_answered_with_words(stream: bool) -> None:
    edge = Edge()
    asked = "### Task:\nGenerate a concise, 3-5 word title\n<chat_history>\nUSER: a cat\n</chat_history>"
    answer = await chat(edge, asked, stream=stream)
    assert answer.status == 200
    assert edge.desk.jobs == {}
    assert "x-job-id" not in answer.headers
    if not stream:
        assert json.loads(content_of(answer)) == {"title": "a cat"}
        assert answer.json["object"] == "chat.completion"
        return
    deltas = [one["choices"][0]["delta"] for one in chunks(answer)]
    assert json.loads("".join(one.get("content", "") for one in deltas)) == {"title": "a cat"}
