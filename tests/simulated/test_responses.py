"""Responses, from what a caller says to what the upstream has in its ledger: at once, in events, later."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from typing import Any

import pytest

from tests.answer import Answer
from tests.forms import data_uri, picture
from tests.simulated.asgi import Talk
from tests.simulated.door import GENERATE
from tests.simulated.house import KEY, House, cancelled, until

OTHER = "f" * 32
TOOL = {"type": "image_generation"}
CAT: dict[str, Any] = {"model": "gpt-5", "input": "a cat", "tools": [TOOL]}
WIDE = picture(640, 360)
AGAIN = {"x-stainless-retry-count": "1"}


async def respond(house: House, **body: Any) -> Answer:
    return await house.call("POST", "/v1/responses", {**CAT, **body})


async def look(house: House, response_id: str, key: str = KEY) -> Answer:
    return await house.call("GET", f"/v1/responses/{response_id}", key=key)


async def over(house: House, response_id: str) -> dict[str, Any]:
    await house.ended(response_id.replace("resp_", "job_"))
    found: dict[str, Any] = (await look(house, response_id)).json
    return found


def pictures_in(response: dict[str, Any]) -> list[bytes]:
    assert all(one["type"] == "image_generation_call" for one in response["output"])
    return [base64.b64decode(one["result"], validate=True) for one in response["output"]]


def text_in(response: dict[str, Any]) -> str:
    (message,) = response["output"]
    (part,) = message["content"]
    assert (message["type"], message["role"], part["type"]) == (
        "message",
        "assistant",
        "output_text",
    )
    return str(part["text"])


def starts(house: House) -> list[list[str]]:
    """Of each job, oldest first, the digests of what it was started from."""
    rows = house._rows("SELECT request FROM jobs ORDER BY created_at")
    return [[one["sha256"] for one in json.loads(row["request"])["inputs"]] for row in rows]


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


# ----------------------------------------------------------------- one turn ----


async def test_the_tool_brings_the_picture_itself(gateway: House) -> None:
    answer = await respond(gateway, metadata={"of": "me"})
    assert answer.status == 200, answer.body
    found = answer.json
    (drawn,) = pictures_in(found)
    assert drawn[:4] == b"\x89PNG"
    (item,) = found["output"]
    assert item["id"].startswith("ig_")
    assert (item["status"], item["action"], item["size"]) == ("completed", "generate", "2048x2048")
    assert (found["object"], found["status"], found["model"]) == ("response", "completed", "gpt-5")
    assert (found["error"], found["metadata"], found["tools"]) == (None, {"of": "me"}, [TOOL])
    assert found["id"] == answer.headers["x-job-id"].replace("job_", "resp_")
    assert (await look(gateway, found["id"])).body == answer.body


async def test_the_tools_fields_are_those_of_the_routes_for_pictures(gateway: House) -> None:
    wished = {
        "model": "jimeng-4.0",
        "size": "1536x1024",
        "output_format": "webp",
        "output_compression": 50,
        "background": "opaque",
        "moderation": "low",
        "input_fidelity": "high",
        "n": 2,
    }
    answer = await respond(gateway, tools=[{"type": "function", "name": "f"}, {**TOOL, **wished}])
    assert answer.status == 200, answer.body
    assert len(pictures_in(answer.json)) == 2
    assert {one["size"] for one in answer.json["output"]} == {"2496x1664"}
    assert {one["output_format"] for one in answer.json["output"]} == {"webp"}
    assert answer.json["tools"] == [{**TOOL, **wished}]
    job = await gateway.job(answer.headers["x-job-id"])
    assert job["model"] == "jimeng-4.0"


@pytest.mark.parametrize(
    ("body", "model"),
    [
        ({"model": "jimeng-4.0"}, "jimeng-4.0"),
        ({"model": "jimeng-4.0", "tools": [{**TOOL, "model": "gpt-image-1"}]}, "jimeng-4.0"),
        ({"model": "jimeng-4.0", "tools": [{**TOOL, "model": "jimeng-4.1"}]}, "jimeng-4.1"),
        ({"tools": [{**TOOL, "model": "jimeng-4.1"}]}, "jimeng-4.1"),
        ({"model": "gpt-image-2"}, "jimeng-4.5"),
        ({"model": None}, "jimeng-4.5"),
        ({"input": "a cat --model jimeng-4.1"}, "jimeng-4.1"),
    ],
)
async def test_the_name_that_is_ours_counts(
    gateway: House, body: dict[str, Any], model: str
) -> None:
    answer = await respond(gateway, background=True, **body)
    assert answer.status == 200, answer.body
    job = await gateway.ended(answer.headers["x-job-id"])
    assert job["request"]["model"] == model


async def test_without_the_tool_the_answer_is_a_message_with_links(gateway: House) -> None:
    answer = await gateway.call(
        "POST", "/v1/responses", {"model": "jimeng-4.5", "input": "a cat --n 2"}
    )
    assert answer.status == 200, answer.body
    links = [line.partition("](")[2].rstrip(")") for line in text_in(answer.json).split("\n\n")]
    assert len(links) == 2
    for link in links:
        assert (await gateway.fetch(link)).body[:4] == b"\x89PNG"


async def test_a_video_model_answers_with_a_link(gateway: House) -> None:
    answer = await respond(gateway, model="jimeng-video-3.0", input="waves")
    assert answer.status == 200, answer.body
    link = text_in(answer.json).partition("](")[2].rstrip(")")
    assert (await gateway.fetch(link)).body[4:8] == b"ftyp"


async def test_what_clients_ask_on_the_side_makes_nothing(gateway: House) -> None:
    title = "Provide a concise, 5-word-or-less title for the conversation:\nUser: a cat in the rain"
    for stream in (False, True):
        answer = await respond(gateway, input=title, stream=stream)
        found = answer.events[-1]["response"] if stream else answer.json
        assert "cat in the rain" in text_in(found)
        assert (await look(gateway, found["id"])).status == 404
    assert gateway.written() == []


@pytest.mark.parametrize(
    ("body", "param", "status"),
    [
        ({"input": None}, "input", 400),
        ({"input": []}, "input", 400),
        ({"input": 5}, "input", 400),
        ({"input": "  "}, "input", 400),
        ({"input": [5]}, "input", 400),
        ({"input": [{"type": "image_generation_call", "id": "ig_none_0"}]}, "input", 400),
        ({"input": [{"type": "item_reference", "id": "msg_none"}]}, "input", 400),
        ({"model": "gpt-5", "tools": []}, "model", 404),
        ({"tools": [{**TOOL, "size": "banana"}]}, "size", 400),
        ({"tools": [{**TOOL, "action": "paint"}]}, "tools", 400),
        ({"tools": [{**TOOL, "action": "edit"}]}, "input", 400),
        ({"tools": [{**TOOL, "background": "transparent"}]}, "background", 400),
        ({"tools": [{**TOOL, "output_format": "svg"}]}, "output_format", 400),
        ({"tools": [{**TOOL, "partial_images": 4}]}, "partial_images", 400),
        ({"tools": [{**TOOL, "input_image_mask": {"file_id": "x"}}]}, "tools", 400),
        ({"previous_response_id": "resp_none"}, "previous_response_id", 400),
        ({"previous_response_id": "banana"}, "previous_response_id", 400),
        ({"stream": "perhaps"}, "stream", 400),
        ({"model": "x" * 201}, "model", 400),
    ],
)
async def test_what_cannot_be_done_costs_nothing(
    gateway: House, body: dict[str, Any], param: str, status: int
) -> None:
    answer = await respond(gateway, **body)
    assert (answer.status, answer.error["param"]) == (status, param), answer.body
    assert gateway.written() == []


async def test_what_others_understand_is_passed_over(gateway: House) -> None:
    answer = await respond(
        gateway,
        instructions="be brief",
        reasoning={"effort": "high"},
        tool_choice={"type": "image_generation"},
        tools=[TOOL, {"type": "web_search"}, "nonsense", 3],
        metadata=7,
        text={"format": {"type": "text"}},
        max_output_tokens=1,
        conversation="conv_1",
        include=["reasoning.encrypted_content"],
        background=True,
        input=[
            {"role": "developer", "content": "be brief"},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "function_call_output", "call_id": "c", "output": "x"},
            {"type": "item_reference", "id": "rs_2"},
            {"type": "input_text", "text": "a cat"},
        ],
    )
    assert answer.status == 200, answer.body
    found = await over(gateway, answer.json["id"])
    assert found["output"][0]["revised_prompt"] == "a cat"


# ---------------------------------------------------------------- follow-ups ----


async def test_three_turns_each_start_from_the_newest_picture(gateway: House) -> None:
    first = (await respond(gateway)).json
    second = (await respond(gateway, input="blue", previous_response_id=first["id"])).json
    third = (
        await respond(
            gateway, input="by night", previous_response_id=second["id"], model="jimeng-4.0"
        )
    ).json
    assert second["output"][0]["action"] == "edit"
    assert (second["previous_response_id"], third["previous_response_id"]) == (
        first["id"],
        second["id"],
    )
    kept = [digest(pictures_in(one)[0]) for one in (first, second)]
    assert starts(gateway) == [[], [kept[0]], [kept[1]]]


async def test_a_film_is_gone_on_from_by_what_was_there_before_it(gateway: House) -> None:
    first = (await respond(gateway)).json
    film = (
        await respond(
            gateway, input="it moves", previous_response_id=first["id"], model="jimeng-video-3.0"
        )
    ).json
    assert "](http" in text_in(film)
    last = (await respond(gateway, input="blue", previous_response_id=film["id"])).json
    assert last["status"] == "completed"
    drawn = digest(pictures_in(first)[0])
    assert starts(gateway) == [[], [drawn], [drawn]]


async def test_earlier_pictures_may_come_along_in_the_input(gateway: House) -> None:
    first = (await respond(gateway)).json
    (item,) = first["output"]
    drawn = digest(pictures_in(first)[0])
    for before in (
        {"type": "image_generation_call", "id": item["id"]},
        {"type": "image_generation_call", "id": item["id"], "result": item["result"]},
        {"type": "image_generation_call", "id": "ig_elsewhere", "result": item["result"]},
        {"type": "item_reference", "id": item["id"]},
        {"type": "item_reference", "id": item["id"].replace("ig_", "msg_").rpartition("_")[0]},
    ):
        said = [{"role": "user", "content": "a cat"}, before, {"role": "user", "content": "blue"}]
        assert (await respond(gateway, input=said)).status == 200, before
    assert starts(gateway) == [[], *([drawn] for _ in range(5))]


async def test_the_pictures_of_the_message_itself_come_first(gateway: House) -> None:
    first = (await respond(gateway)).json
    media_id = gateway.kept()[0]["media_id"]
    parts = [
        {"type": "input_text", "text": "both"},
        {"type": "input_image", "image_url": data_uri(WIDE), "detail": "auto"},
        {"type": "input_image", "file_id": media_id},
    ]
    both = [digest(WIDE), digest(pictures_in(first)[0])]
    for said in ([{"type": "message", "role": "user", "content": parts}], parts):
        answer = await respond(gateway, input=said, previous_response_id=first["id"])
        assert answer.json["status"] == "completed", answer.body
    assert starts(gateway) == [[], both, both]


async def test_whoever_wants_a_new_picture_gets_one(gateway: House) -> None:
    first = (await respond(gateway)).json
    again = await respond(
        gateway, previous_response_id=first["id"], tools=[{**TOOL, "action": "generate"}]
    )
    edited = await respond(
        gateway, previous_response_id=first["id"], tools=[{**TOOL, "action": "edit"}]
    )
    assert (again.status, edited.status) == (200, 200)
    assert [len(one) for one in starts(gateway)] == [0, 0, 1]


async def test_one_that_runs_or_failed_is_no_start(gateway: House) -> None:
    await gateway.upstream.fault("stuck")
    running = (await respond(gateway, background=True)).json
    answer = await respond(gateway, previous_response_id=running["id"])
    assert (answer.status, answer.error["param"]) == (400, "previous_response_id")
    await gateway.call("POST", f"/v1/responses/{running['id']}/cancel")
    answer = await respond(gateway, previous_response_id=running["id"])
    assert answer.status == 200
    assert starts(gateway) == [[], []]


# -------------------------------------------------------------------- events ----


def names(answer: Answer) -> list[str]:
    lines = answer.body.decode().split("\n")
    assert not [line for line in lines if line.startswith("id:")]
    named = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert named == [event["type"] for event in answer.events]
    assert [event["sequence_number"] for event in answer.events] == list(range(len(named)))
    return named


BEGUN = ["response.created", "response.in_progress"]
DRAWING = [
    "response.output_item.added",
    "response.image_generation_call.in_progress",
    "response.image_generation_call.generating",
]
DRAWN = ["response.image_generation_call.completed", "response.output_item.done"]


async def test_pictures_come_about_in_events(gateway: House) -> None:
    answer = await respond(gateway, stream=True, tools=[{**TOOL, "n": 2}])
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert names(answer) == [*BEGUN, *DRAWING, *DRAWN, *DRAWING, *DRAWN, "response.completed"]
    created, events = answer.events[0]["response"], answer.events
    assert (created["status"], created["output"]) == ("in_progress", [])
    whole = events[-1]["response"]
    for index in (0, 1):
        own = [event for event in events if event.get("output_index") == index]
        item_id = whole["output"][index]["id"]
        assert {event.get("item_id", item_id) for event in own} == {item_id}
        assert own[0]["item"] == {
            "id": item_id,
            "type": "image_generation_call",
            "status": "in_progress",
            "result": None,
        }
        assert own[-1]["item"] == whole["output"][index]
    assert len({one["result"] for one in whole["output"]}) == 2
    assert (await look(gateway, whole["id"])).json == whole


async def test_the_bytes_of_an_event_are_those_that_clients_read(gateway: House) -> None:
    answer = await respond(gateway, stream=True)
    item_id = answer.events[-1]["response"]["output"][0]["id"]
    step = "response.image_generation_call.generating"
    told = (
        f"event: {step}\n"
        f'data: {{"type":"{step}","sequence_number":4,"output_index":0,"item_id":"{item_id}"}}\n\n'
    )
    assert told.encode() in answer.body
    assert answer.body.startswith(b": ping\n\nevent: response.created\ndata: ")
    assert answer.body.endswith(b"}}\n\n")


async def test_pictures_are_shown_before_the_end_where_somebody_asks(gateway: House) -> None:
    await gateway.upstream.time(looks=24)
    await gateway.upstream.fault("items_one_by_one", times=-1)
    answer = await respond(gateway, stream=True, tools=[{**TOOL, "n": 4, "partial_images": 2}])
    kinds = names(answer)
    assert kinds[:5] == [*BEGUN, *DRAWING]
    early = [event for event in answer.events if event["type"].endswith(".partial_image")]
    assert 1 <= len(early) <= 2
    assert [event["partial_image_index"] for event in early] == list(range(len(early)))
    assert kinds[5 : 5 + len(early)] == ["response.image_generation_call.partial_image"] * len(
        early
    )
    whole = answer.events[-1]["response"]["output"]
    assert {event["item_id"] for event in early} == {whole[0]["id"]}
    assert {event["partial_image_b64"] for event in early} < {one["result"] for one in whole}
    assert len(whole) == 4


async def test_words_come_about_in_events(gateway: House) -> None:
    answer = await respond(gateway, stream=True, tools=[], model="jimeng-4.5", input="a cat --n 1")
    assert names(answer) == [
        *BEGUN,
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    text = text_in(answer.events[-1]["response"])
    assert text.startswith("![")
    assert [one[key] for one, key in zip(answer.events[4:6], ("delta", "text"), strict=True)] == [
        text,
        text,
    ]


async def test_a_failure_is_told_in_every_way_that_clients_look_for(gateway: House) -> None:
    await gateway.upstream.fault("text_refused", "generate")
    answer = await respond(gateway, stream=True)
    assert names(answer) == [*BEGUN, *DRAWING, "response.failed", "error"]
    failed, error = answer.events[-2:]
    code = failed["response"]["error"]["code"]
    assert (failed["response"]["status"], failed["response"]["output"]) == ("failed", [])
    assert (error["code"], error["error"]["code"]) == (code, code)
    assert error["message"] == error["error"]["message"]
    place = failed["response"]["id"]
    assert (await look(gateway, place)).json == failed["response"]
    assert (await look(gateway, f"{place}?stream=true")).events == answer.events


async def test_signs_of_life_come_while_nothing_happens(gateway: House) -> None:
    await gateway.upstream.time(seconds=120)
    answer = await respond(gateway, stream=True)
    assert names(answer)[-1] == "response.completed"
    assert answer.body.count(b": ping\n\n") > 4


async def test_the_events_can_be_seen_once_more(gateway: House) -> None:
    answer = await respond(gateway, stream=True)
    path = f"/v1/responses/{answer.events[0]['response']['id']}?stream=true"
    again = await gateway.call("GET", path)
    assert again.events == answer.events
    rest = await gateway.call("GET", f"{path}&starting_after=4")
    assert rest.events == answer.events[5:]


# --------------------------------------------------------------------- later ----


async def test_a_response_in_the_background_is_polled(gateway: House) -> None:
    answer = await respond(gateway, background=True)
    found = answer.json
    assert found["status"] in ("queued", "in_progress")
    assert (found["background"], found["output"], found["usage"]) == (True, [], None)
    found = await over(gateway, found["id"])
    assert found["status"] == "completed"
    assert found["completed_at"] >= found["created_at"]
    assert len(pictures_in(found)) == 1


async def test_a_restart_forgets_nothing(gateway: House) -> None:
    before = await respond(gateway, metadata={"of": "me"})
    await gateway.upstream.time(seconds=60)
    running = (await respond(gateway, background=True, previous_response_id=before.json["id"])).json
    await gateway.crash()
    await gateway.start()
    assert (await look(gateway, before.json["id"])).body == before.body
    found = await over(gateway, running["id"])
    assert (found["status"], found["previous_response_id"]) == ("completed", before.json["id"])
    follow = await respond(gateway, input="blue", previous_response_id=found["id"])
    assert follow.json["status"] == "completed"


async def test_nobody_elses_responses_are_found(gateway: House) -> None:
    found = (await respond(gateway)).json
    place = f"/v1/responses/{found['id']}"
    for method, path in (
        ("GET", place),
        ("GET", f"{place}/input_items"),
        ("POST", f"{place}/cancel"),
        ("DELETE", place),
    ):
        answer = await gateway.call(method, path, key=OTHER)
        assert (answer.status, answer.error["code"]) == (404, "not_found")
    for body in (
        {"previous_response_id": found["id"]},
        {"input": [{"type": "image_generation_call", "id": found["output"][0]["id"]}]},
    ):
        answer = await gateway.call("POST", "/v1/responses", {**CAT, **body}, key=OTHER)
        assert answer.status == 400
    assert (await look(gateway, found["id"])).status == 200


async def test_what_is_not_to_be_stored_is_not_found_later(gateway: House) -> None:
    found = (await respond(gateway, store=False)).json
    assert (found["status"], found["store"]) == ("completed", False)
    assert (await look(gateway, found["id"])).status == 404
    answer = await respond(gateway, previous_response_id=found["id"])
    assert (answer.status, answer.error["param"]) == (400, "previous_response_id")
    job = await gateway.generate()
    no_response = job.headers["x-job-id"].replace("job_", "resp_")
    assert (await look(gateway, no_response)).status == 404


async def test_a_deleted_response_is_gone_with_its_picture(gateway: House) -> None:
    found = (await respond(gateway)).json
    link = f"http://gateway.test:5100/media/{gateway.kept()[0]['media_id']}"
    answer = await gateway.call("DELETE", f"/v1/responses/{found['id']}")
    assert answer.json == {"id": found["id"], "object": "response", "deleted": True}
    assert (await look(gateway, found["id"])).status == 404
    assert (await gateway.fetch(link)).status == 404
    gateway.unknown += 1  # the ledger still has it


async def test_a_cancelled_response_stays_cancelled(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.fault("too_many_running", "generate", times=-1)
    found = (await respond(gateway, background=True)).json
    for _ in range(2):
        answer = await gateway.call("POST", f"/v1/responses/{found['id']}/cancel")
        assert (answer.status, answer.json["status"]) == (200, "cancelled")
    assert (await look(gateway, found["id"])).json["status"] == "cancelled"
    assert await gateway.upstream.charged(KEY) == 0


async def test_a_completed_response_cannot_be_taken_back_any_more(gateway: House) -> None:
    answer = await respond(gateway)
    place = f"/v1/responses/{answer.json['id']}"
    assert (await gateway.call("POST", f"{place}/cancel")).body == answer.body
    items = (await gateway.call("GET", f"{place}/input_items")).json
    assert [one["content"] for one in items["data"]] == [[{"type": "input_text", "text": "a cat"}]]


# ------------------------------------------------------------------- repeats ----


async def test_who_sends_again_pays_once(gateway: House) -> None:
    talk = Talk()
    talk.gone.set()
    left = await gateway.call("POST", "/v1/responses", CAT, talk=talk)
    assert left.status == 499
    again = await gateway.call("POST", "/v1/responses", CAT, headers=AGAIN)
    assert again.headers["x-job-id"] == left.headers["x-job-id"]
    keyed = {"idempotency-key": "one"}
    first = await gateway.call("POST", "/v1/responses", CAT, headers=keyed)
    second = await gateway.call("POST", "/v1/responses", {**CAT, "stream": True}, headers=keyed)
    assert second.events[-1]["response"] == first.json
    other = await gateway.call("POST", "/v1/responses", {**CAT, "store": False}, headers=keyed)
    assert other.error["code"] == "idempotency_key_reused"
    assert len(gateway.written()) == 2


async def test_a_caller_who_leaves_waits_no_more(gateway: House) -> None:
    for stream in (False, True):
        hold = gateway.door.hold_before(GENERATE)
        talk = Talk()
        body = {**CAT, "stream": stream}
        waiting = asyncio.create_task(gateway.call("POST", "/v1/responses", body, talk=talk))
        await hold.reached.wait()
        assert gateway.gateway.desk._awaited
        talk.gone.set()
        await until(lambda: not gateway.gateway.desk._awaited)
        hold.go.set()
        await cancelled(waiting)
        await until(lambda: all(not row["open"] for row in gateway.written()))
