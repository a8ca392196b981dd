"""Pictures over HTTP: what is understood, what is answered."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from jimeng_api.domain.errors import (
    AccountBusy,
    GenerationFailed,
    Overloaded,
    RateLimited,
    ShuttingDown,
    StorageUnavailable,
    SubmissionUnconfirmed,
    UpstreamCode,
)
from tests.answer import Answer
from tests.unit.web.web_edge import CAT, GENERATIONS, KEY, PICTURE, Edge, Talk, until

US_KEY = f"us-{KEY}"


async def test_a_prompt_becomes_links_to_pictures() -> None:
    edge = Edge()
    answer = await edge.generate(n=2, size="2048x2048")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-job-id"] == "job_0"
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.json == {
        "created": 1763800000,
        "data": [
            {
                "url": f"http://gateway.test:5100/media/media-job_0-{number}",
                "width": 2048,
                "height": 2048,
                "bytes": len(PICTURE),
            }
            for number in range(2)
        ],
        "model": "jimeng-4.5",
        "size": "2048x2048",
        "background": "opaque",
        "output_format": "png",
        "usage": {
            "input_tokens": 0,
            "output_tokens": 0,
            "total_tokens": 0,
            "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
            "output_tokens_details": {"image_tokens": 0, "text_tokens": 0},
        },
    }


async def test_a_picture_in_base64_is_the_stored_file() -> None:
    edge = Edge()
    edge.media.file = PICTURE * 100  # more than two slices, and no multiple of three
    answer = await edge.generate(response_format="b64_json", n=1)
    [item] = answer.json["data"]
    assert base64.b64decode(item["b64_json"], validate=True) == edge.media.file
    assert "url" not in item
    assert int(answer.headers["content-length"]) == len(answer.body)


@pytest.mark.parametrize(
    ("body", "form"),
    [
        ({}, "url"),
        ({"model": "dall-e-3"}, "url"),
        ({"model": "gpt-image-1"}, "b64_json"),
        ({"model": "gpt-image-2", "response_format": "url"}, "url"),
        ({"model": "chatgpt-image-latest"}, "b64_json"),
        ({"background": "auto"}, "b64_json"),
        ({"background": None}, "url"),
        ({"output_format": "png"}, "b64_json"),
        ({"output_compression": 50}, "b64_json"),
        ({"moderation": "low"}, "b64_json"),
        ({"input_fidelity": "high"}, "b64_json"),
        ({"partial_images": 0}, "b64_json"),
        ({"quality": "auto"}, "b64_json"),
        ({"quality": "high"}, "b64_json"),
        ({"quality": "standard"}, "url"),
        ({"quality": "hd"}, "url"),
        ({"size": "auto"}, "b64_json"),
        ({"size": "1024x1024", "style": "vivid", "user": "u"}, "url"),
        ({"response_format": "B64_JSON"}, "b64_json"),
        ({"response_format": None}, "url"),
    ],
)
async def test_url_or_base64_follows_what_the_caller_speaks(body: Any, form: str) -> None:
    [item, *_] = (await Edge().generate(**body)).json["data"]
    assert ("url" in item, "b64_json" in item) == (form == "url", form == "b64_json")


async def test_a_setting_may_choose_the_form_unless_the_caller_does() -> None:
    edge = Edge(response_format="b64_json")
    assert "b64_json" in (await edge.generate()).json["data"][0]
    assert "url" in (await edge.generate(response_format="url")).json["data"][0]


@pytest.mark.parametrize(
    ("body", "options", "count"),
    [
        ({}, {}, None),
        ({"model": "dall-e-2"}, {}, 1),
        ({"model": "gpt-image-1-mini"}, {}, 1),
        ({"model": None}, {}, None),
        ({"n": 3}, {}, 3),
        ({"n": "2"}, {}, 2),
        ({"n": None}, {}, None),
        ({}, {"default_n": "one"}, 1),
        ({"model": "dall-e-2"}, {"default_n": "all"}, None),
        ({"n": 3}, {"default_n": "one"}, 3),
    ],
)
async def test_n_absent_means_one_or_all(body: Any, options: Any, count: int | None) -> None:
    edge = Edge(**options)
    answer = await edge.generate(**body)
    assert edge.desk.request.count == count
    assert len(answer.json["data"]) == (count or 4)


async def test_more_pictures_than_asked_for_are_kept_back() -> None:
    edge = Edge()
    edge.desk.makes = 4
    answer = await edge.generate(n=10)
    assert len(answer.json["data"]) == 4
    assert answer.headers["x-partial"] == "true"
    assert "x-partial" not in (await edge.generate(n=4)).headers


@pytest.mark.parametrize(
    ("body", "param", "code", "says"),
    [
        ({"n": 0}, "n", "invalid_value", "1 to 10"),
        ({"n": 11}, "n", "invalid_value", "1 to 10"),
        ({"n": 1.5}, "n", "invalid_value", "1 to 10"),
        ({"n": "many"}, "n", "invalid_value", "1 to 10"),
        ({"n": True}, "n", "invalid_value", "a number is expected"),
        ({"n": [1]}, "n", "invalid_value", "1 to 10"),
        ({"prompt": None}, "prompt", "missing_required_parameter", "what to draw"),
        ({"prompt": "  "}, "prompt", "missing_required_parameter", "empty"),
        ({"prompt": 7}, "prompt", "invalid_value", "text"),
        ({"prompt": "x" * 32_001}, "prompt", "invalid_value", "32000"),
        ({"size": "banana"}, "size", "invalid_value", "1024x1024"),
        ({"size": 1024}, "size", "invalid_value", "WIDTHxHEIGHT"),
        ({"ratio": "5:1"}, "ratio", "invalid_value", "16:9"),
        ({"aspectRatio": "5:1"}, "ratio", "invalid_value", "16:9"),
        ({"resolution": "9k"}, "resolution", "invalid_value", "2k"),
        ({"sample_strength": 1.1}, "sample_strength", "invalid_value", "0 to 1"),
        ({"sample_strength": "nan"}, "sample_strength", "invalid_value", "0 to 1"),
        ({"seed": 2**32}, "seed", "invalid_value", "4294967295"),
        ({"seed": -2}, "seed", "invalid_value", "4294967295"),
        ({"intelligent_ratio": "perhaps"}, "intelligent_ratio", "invalid_value", "true"),
        ({"response_format": "jpeg"}, "response_format", "invalid_value", "b64_json"),
        ({"output_format": "gif"}, "output_format", "unsupported_value", "webp"),
        ({"output_format": "svg"}, "output_format", "unsupported_value", "webp"),
        ({"output_format": "bmp"}, "output_format", "invalid_value", "webp"),
        ({"output_compression": 101}, "output_compression", "invalid_value", "0 to 100"),
        ({"background": "transparent"}, "background", "unsupported_value", "opaque"),
        ({"background": "pink"}, "background", "invalid_value", "opaque"),
        ({"stream": "perhaps"}, "stream", "invalid_value", "true"),
        ({"image": "data:…"}, "image", "invalid_value", "base64"),
        ({"images": ["https://…"]}, "images", "invalid_value", "URL"),
        ({"mask": "…"}, "mask", "unsupported_parameter", "as a whole"),
        ({"frame_count": 4}, "frame_count", "unsupported_parameter", "animations"),
        ({"svg": {}}, "svg", "unsupported_parameter", "drawings"),
        ({"model": 4}, "model", "invalid_value", "/v1/models"),
        ({"model": "jimeng-video-3.0"}, "model", "invalid_value", "video"),
        ({"negative_prompt": "x" * 32_001}, "negative_prompt", "invalid_value", "32000"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_ordered(
    body: Any, param: str, code: str, says: str
) -> None:
    edge = Edge()
    answer = await edge.generate(**body)
    assert answer.status == 400
    assert (answer.error["param"], answer.error["code"]) == (param, code)
    assert answer.error["type"] == "invalid_request_error"
    assert says in answer.error["message"]
    assert not edge.desk.jobs


async def test_an_unknown_model_is_not_found() -> None:
    answer = await Edge().generate(model="jimeng-4.50")
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    assert answer.error["param"] == "model"
    assert "jimeng-4.5" in answer.error["message"]


async def test_a_model_that_the_callers_sites_lack_is_refused_with_those_that_they_have() -> None:
    edge = Edge()
    answer = await edge.generate(US_KEY, model="jimeng-4.7")
    assert (answer.status, answer.error["code"]) == (400, "model_not_on_site")
    assert "is on cn, not on us" in answer.error["message"]
    assert "jimeng-4.6" in answer.error["message"]
    assert not edge.desk.jobs
    assert (await edge.generate(f"{US_KEY},{KEY}", model="jimeng-4.7")).status == 200


async def test_unknown_fields_and_nulls_change_nothing() -> None:
    edge = Edge()
    answer = await edge.generate(
        n=1,
        style="vivid",
        moderation="low",
        user="u",
        safety_identifier="s",
        complexity={"odd": [1]},
        quality="superb",
        images=[],
        image=None,
        seed=None,
        anything={"at": "all"},
    )
    assert answer.status == 200


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, ("1:1", "2k", 2048, 2048)),
        ({"size": "1536x1024"}, ("3:2", "2k", 2496, 1664)),
        ({"size": "16:9"}, ("16:9", "2k", 2560, 1440)),
        ({"size": "4K"}, ("1:1", "4k", 4096, 4096)),
        ({"size": "1024x1024", "ratio": "16:9"}, ("16:9", "2k", 2560, 1440)),
        ({"aspect_ratio": "9:16"}, ("9:16", "2k", 1440, 2560)),
        ({"aspectRatio": "9:16"}, ("9:16", "2k", 1440, 2560)),
        ({"resolution": "4k"}, ("1:1", "4k", 4096, 4096)),
        ({"quality": "max"}, ("1:1", "4k", 4096, 4096)),
        ({"model": "jimeng-4.5:3840x2160"}, ("16:9", "4k", 5404, 3040)),
    ],
)
async def test_sizes_in_every_dialect(body: Any, expected: tuple[str, str, int, int]) -> None:
    edge = Edge()
    assert (await edge.generate(**body)).status == 200
    request = edge.desk.request
    assert (request.ratio, request.resolution, request.width, request.height) == expected


async def test_a_size_that_cannot_be_met_is_said() -> None:
    edge = Edge()
    assert (await edge.generate(size="1000x4000")).headers["x-jimeng-size-adjusted"] == "1"
    assert "x-jimeng-size-adjusted" not in (await edge.generate(size="1024x1024")).headers


async def test_every_parameter_of_jimengs_own_arrives() -> None:
    edge = Edge()
    await edge.generate(
        negative_prompt="rain",
        sample_strength="0.7",
        seed="42",
        intelligent_ratio="true",
        output_format="JPG",
        output_compression=80,
    )
    request = edge.desk.request
    assert request.negative_prompt == "rain"
    assert request.sample_strength == 0.7
    assert request.seed == 42
    assert request.intelligent_ratio is True
    assert request.output_format == "jpeg"
    assert request.output_compression == 80
    assert edge.desk.last.asked_model == "jimeng-4.5"


@pytest.mark.parametrize("seed", [None, -1, "-1"])
async def test_a_seed_is_drawn_where_none_is_named(seed: Any) -> None:
    edge = Edge()
    await edge.generate(seed=seed)
    await edge.generate(seed=seed)
    first, second = (job.request.seed for job in edge.desk.jobs.values())
    assert 0 <= first < 2**32
    assert first != second


async def test_the_asked_name_and_a_real_quality_are_echoed() -> None:
    edge = Edge()
    answer = await edge.generate(model="gpt-image-1", quality="high", response_format="url")
    assert (answer.json["model"], answer.json["quality"]) == ("gpt-image-1", "high")
    assert edge.desk.request.model == "jimeng-4.5"
    assert "quality" not in (await edge.generate(quality="hd")).json


async def test_a_failed_job_says_what_the_upstream_said_and_is_not_sent_again() -> None:
    edge = Edge()
    edge.desk.fails = GenerationFailed(
        "The upstream did not draw it.", upstream=UpstreamCode("100402", "busy", "log-1")
    )
    answer = await edge.generate()
    assert answer.status == 500
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["x-job-id"] == "job_0"
    assert answer.error == {
        "message": "The upstream did not draw it.",
        "type": "server_error",
        "param": None,
        "code": "generation_failed",
        "upstream": {"code": "100402", "text": "busy", "log_id": "log-1"},
        "charge": "unknown",
        "job_id": "job_0",
    }


async def test_a_refusal_of_which_nothing_was_taken_may_be_sent_again() -> None:
    edge = Edge()
    edge.desk.fails, edge.desk.taken = RateLimited("Too many.", retry_after=2.2), False
    answer = await edge.generate()
    assert (answer.status, answer.headers["retry-after"]) == (429, "3")
    assert "x-should-retry" not in answer.headers


async def test_the_same_refusal_is_not_sent_again_when_a_part_was_taken() -> None:
    edge = Edge()
    edge.desk.fails, edge.desk.taken = AccountBusy("Busy."), True
    answer = await edge.generate()
    assert (answer.status, answer.headers["x-should-retry"]) == (429, "false")


async def test_a_refused_order_may_be_sent_again() -> None:
    edge = Edge()
    edge.desk.refuses = Overloaded("Full.")
    answer = await edge.generate()
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert "x-should-retry" not in answer.headers
    assert "x-job-id" not in answer.headers
    assert "job_id" not in answer.error


@pytest.mark.parametrize(
    ("error", "status"),
    [(ShuttingDown("Restarting."), 503), (SubmissionUnconfirmed("Lost."), 502)],
)
async def test_whoever_is_let_go_while_the_job_lives_on_must_not_send_again(
    error: Exception, status: int
) -> None:
    edge = Edge()
    edge.desk.breaks = error
    answer = await edge.generate()
    assert (answer.status, answer.headers["x-should-retry"]) == (status, "false")
    assert (answer.error["job_id"], answer.error["charge"]) == ("job_0", "unknown")


async def test_a_finished_job_whose_file_cannot_be_read_must_not_be_sent_again() -> None:
    edge = Edge()
    edge.media.fails = StorageUnavailable("Not now.")
    answer = await edge.generate(response_format="b64_json")
    assert (answer.status, answer.headers["x-should-retry"]) == (503, "false")
    assert answer.error["charge"] == "charged"


async def test_the_wait_ends_before_the_job() -> None:
    edge = Edge(wait_seconds=0.01)
    edge.desk.holds = asyncio.Event()
    answer = await edge.generate()
    assert (answer.status, answer.error["code"]) == (504, "job_still_running")
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["x-job-id"] == "job_0"


async def test_a_defect_is_told_without_its_insides() -> None:
    edge = Edge()
    edge.desk.breaks = ZeroDivisionError("secret insides")
    answer = await edge.generate()
    assert (answer.status, answer.error["code"]) == (500, "internal_error")
    assert b"insides" not in answer.body
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.error["job_id"] == "job_0"


async def test_a_caller_who_hangs_up_leaves_the_job_running() -> None:
    edge = Edge()
    edge.desk.holds = asyncio.Event()
    talk = await _talk(edge)
    await until(lambda: edge.desk.waiting == 1)
    talk.gone.set()
    async with asyncio.timeout(1):
        await talk.task
    assert edge.desk.waiting == 0
    assert list(edge.desk.jobs) == ["job_0"]


class _Running(Talk):
    task: asyncio.Task[None]


async def _talk(edge: Edge, **body: Any) -> _Running:
    import json

    talk = _Running(body=json.dumps({**CAT, **body}).encode())
    headers = {"host": "gateway.test", "authorization": f"Bearer {KEY}"}
    talk.task = asyncio.create_task(talk.run(edge.app, "POST", GENERATIONS, headers))
    return talk


# ------------------------------------------------------------ streaming ----


def _events(answer: Answer) -> list[str]:
    return [part for part in answer.body.decode().split("\n\n") if part]


async def test_a_stream_has_one_event_for_each_picture() -> None:
    import json

    answer = await Edge().generate(stream=True, n=2, quality="high")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-job-id"] == "job_0"
    assert "content-length" not in answer.headers
    ping, *events = _events(answer)
    assert ping == ": ping"
    assert not any(line.startswith("id:") for line in answer.body.decode().splitlines())
    found = [json.loads(event.removeprefix("data: ")) for event in events]
    assert [event["type"] for event in found] == ["image_generation.completed"] * 2
    for event in found:
        assert base64.b64decode(event["b64_json"]) == PICTURE
        assert (event["size"], event["output_format"]) == ("2048x2048", "png")
        assert (event["background"], event["quality"]) == ("opaque", "high")
        assert event["created_at"] == 1763800000
        assert event["usage"]["total_tokens"] == 0


async def test_a_stream_gives_links_only_when_asked_to() -> None:
    assert b'"url":"http://' in (await Edge().generate(stream=True, response_format="url")).body
    assert b'"b64_json":"' in (await Edge(response_format="url").generate(stream=True)).body


async def test_a_stream_begins_at_once_and_keeps_giving_signs_of_life() -> None:
    edge = Edge(heartbeat_seconds=0.01)
    edge.desk.holds = asyncio.Event()
    talk = await _talk(edge, stream=True)
    async with asyncio.timeout(1):
        await talk.began.wait()
        await until(lambda: len(talk.sent) >= 5)
        edge.desk.holds.set()
        await talk.task
    assert talk.sent[0]["status"] == 200
    assert talk.answer.body.count(b": ping\n\n") >= 4
    assert talk.answer.body.endswith(b"}\n\n")


async def test_a_failure_in_the_middle_of_a_stream_is_its_last_event() -> None:
    import json

    edge = Edge()
    edge.desk.fails = GenerationFailed("No.")
    answer = await edge.generate(stream=True)
    assert answer.status == 200
    error = json.loads(_events(answer)[-1].removeprefix("data: "))["error"]
    assert (error["code"], error["job_id"]) == ("generation_failed", "job_0")


async def test_a_defect_in_the_middle_of_a_stream_is_told_without_its_insides() -> None:
    edge = Edge()
    edge.desk.breaks = ZeroDivisionError("secret insides")
    answer = await edge.generate(stream=True)
    assert b"internal_error" in answer.body
    assert b"insides" not in answer.body


async def test_a_stream_whose_caller_is_gone_ends() -> None:
    edge = Edge()
    edge.desk.holds = asyncio.Event()
    talk = await _talk(edge, stream=True)
    await talk.began.wait()
    talk.gone.set()
    async with asyncio.timeout(1):
        await talk.task
    assert edge.desk.waiting == 0
    assert list(edge.desk.jobs) == ["job_0"]


async def test_what_is_wrong_is_said_before_a_stream_begins() -> None:
    answer = await Edge().generate(stream=True, n=99)
    assert (answer.status, answer.error["param"]) == (400, "n")
