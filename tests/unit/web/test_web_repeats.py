"""What the desk hears of repetitions and of whole answers, and how jobs are taken back and followed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send
from typing_extensions import override

from jimeng_api.domain.errors import (
    GenerationTimedOut,
    JobCancelled,
    KeyReused,
    OutOfCredits,
    StorageUnavailable,
)
from jimeng_api.jobs.repeats import Repeat
from tests.unit.web.web_edge import CAT, GENERATIONS, KEY, Edge, Talk, until

AGAIN = {"x-stainless-retry-count": "2"}


async def repeat(
    body: Any = None, headers: dict[str, str] | None = None, path: str = GENERATIONS
) -> Repeat:
    edge = Edge()
    answer = await edge.call("POST", path, json_body={**CAT, **(body or {})}, headers=headers)
    assert answer.status == 200
    (found,) = edge.desk.repeats
    assert found is not None
    return found


async def test_every_request_has_a_fingerprint_and_only_some_repeat_others() -> None:
    first = await repeat()
    assert (first.key, first.again) == (None, False)
    assert len(first.fingerprint) == 64
    assert (await repeat(headers=AGAIN)).again is True
    assert (await repeat(headers={"Idempotency-Key": "a key"})).key == "a key"


async def test_the_seed_that_is_drawn_is_not_part_of_what_was_asked_for() -> None:
    assert await repeat() == await repeat()


@pytest.mark.parametrize(
    "body",
    [
        {"n": None, "unknown": None},
        {"stream": True},
        {"stream": False},
        {"response_format": "b64_json"},
        {"response_format": "url"},
    ],
)
async def test_the_same_pictures_have_the_same_fingerprint(body: Any) -> None:
    assert (await repeat(body)).fingerprint == (await repeat()).fingerprint


@pytest.mark.parametrize(
    "path", ["/images/generations", "/v1/images/generations/", "//v1/images/generations"]
)
async def test_the_same_route_has_the_same_fingerprint(path: str) -> None:
    assert await repeat(path=path) == await repeat()


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "a cat "},
        {"model": "4.5"},
        {"n": 1},
        {"seed": 0},
        {"size": "16:9"},
        {"output_format": "webp"},
        {"user": "somebody"},
        {"unknown": {"deep": [1, 2.5, True, "x", None]}},
        {"unknown": 10**40},
    ],
)
async def test_other_requests_have_other_fingerprints(body: Any) -> None:
    assert (await repeat(body)).fingerprint != (await repeat()).fingerprint


async def test_the_order_of_the_fields_does_not_matter() -> None:
    one = await repeat({"a": {"x": 1, "y": 2}, "b": 1})
    other = await repeat({"b": 1, "a": {"y": 2, "x": 1}})
    assert one == other


@pytest.mark.parametrize("key", ["x", "x" * 255, '"quoted"', "~ !"])
async def test_any_printable_text_is_a_key(key: str) -> None:
    assert (await repeat(headers={"idempotency-key": key})).key == key


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9", "a\tb", "\x00", "\x7f"])
async def test_what_cannot_be_a_key_is_refused_and_nothing_is_ordered(key: str) -> None:
    edge = Edge()
    answer = await edge.call("POST", GENERATIONS, json_body=CAT, headers={"idempotency-key": key})
    assert (answer.status, answer.error["param"]) == (400, "Idempotency-Key")
    assert edge.desk.repeats == []


async def test_two_keys_are_none() -> None:
    edge = Edge()

    async def twice(scope: Scope, receive: Receive, send: Send) -> None:
        scope["headers"].append((b"idempotency-key", b"b"))
        await edge.app(scope, receive, send)

    talk = Talk(body=b'{"prompt":"a cat"}')
    head = {"authorization": f"Bearer {KEY}", "host": "x", "idempotency-key": "a"}
    await talk.run(twice, "POST", GENERATIONS, head)
    assert (talk.answer.status, talk.answer.error["param"]) == (400, "Idempotency-Key")
    assert edge.desk.repeats == []


async def test_a_key_that_came_with_another_request_is_a_422() -> None:
    edge = Edge()
    edge.desk.refuses = KeyReused("Send a new key.")
    answer = await edge.generate()
    assert (answer.status, answer.error["code"]) == (422, "idempotency_key_reused")
    assert answer.error["type"] == "invalid_request_error"
    assert answer.headers["x-should-retry"] == "false"


async def test_browsers_may_send_a_key() -> None:
    asked = {"origin": "https://x.test", "access-control-request-headers": "idempotency-key"}
    answer = await Edge().call("OPTIONS", GENERATIONS, key=None, headers=asked)
    assert "idempotency-key" in answer.headers["access-control-allow-headers"]
    answer = await Edge().call("OPTIONS", GENERATIONS, key=None)
    assert "idempotency-key" in answer.headers["access-control-allow-headers"]


# ------------------------------------------------------------ answers that went out whole


@pytest.mark.parametrize("form", [{}, {"stream": True}, {"response_format": "b64_json"}])
async def test_an_answer_that_went_out_whole_is_noted(form: Any) -> None:
    edge = Edge()
    await edge.generate(**form)
    assert edge.desk.told == ["job_0"]


class Leaves(Talk):
    """Hangs up when the answer has begun, as soon as it has had so many pieces."""

    after = 1

    @override
    async def _send(self, message: Message) -> None:
        await super()._send(message)
        if len(self.sent) > self.after:
            self.gone.set()
            await asyncio.sleep(0)


@pytest.mark.parametrize("form", ["b64_json", "url"])
@pytest.mark.parametrize("stream", ["true", "false"])
async def test_an_answer_that_was_cut_is_not_noted(form: str, stream: str) -> None:
    edge = Edge()
    edge.media.file = edge.media.file * 100
    body = f'{{"prompt":"a cat","n":2,"response_format":"{form}","stream":{stream}}}'
    talk = Leaves(body=body.encode())
    head = {"authorization": f"Bearer {KEY}", "host": "x"}
    await talk.run(edge.app, "POST", GENERATIONS, head)
    assert talk.gone.is_set()
    assert edge.desk.told == []


async def test_a_failure_that_was_told_is_noted_too() -> None:
    edge = Edge()
    edge.desk.fails = OutOfCredits("No credits.")
    await edge.generate()
    await edge.generate(stream=True)
    assert edge.desk.told == ["job_0", "job_1"]


async def test_a_job_that_goes_on_has_not_been_answered() -> None:
    edge = Edge(wait_seconds=0.01)
    edge.desk.holds = asyncio.Event()
    await edge.generate()
    await edge.generate(stream=True)
    assert edge.desk.told == []


# ----------------------------------------------------------------------- late results


@pytest.mark.parametrize("error", [GenerationTimedOut("Too late."), JobCancelled("Taken back.")])
async def test_a_job_that_failed_and_whose_pictures_came_is_answered_with_them(error: Any) -> None:
    edge = Edge()
    edge.desk.fails, edge.desk.late = error, True
    answer = await edge.generate(n=1)
    assert (answer.status, len(answer.json["data"])) == (200, 1)
    assert "error" not in answer.json
    told = await edge.generate(n=1, stream=True)
    assert [event["type"] for event in told.events] == ["image_generation.completed"]
    job = (await edge.get("/v1/jobs/job_0")).json
    assert (job["status"], job["late"], job["progress"]) == ("failed", True, 100)
    assert job["results"][0]["shown"] is True


async def test_a_late_job_with_fewer_pictures_says_so() -> None:
    edge = Edge()
    edge.desk.fails, edge.desk.late = GenerationTimedOut("Too late."), True
    assert (await edge.generate(n=2)).headers["x-partial"] == "true"


# ---------------------------------------------------- cancelling and following, at the edge


async def test_a_job_is_taken_back() -> None:
    edge = Edge()
    edge.desk.holds = asyncio.Event()
    waiting = asyncio.create_task(edge.generate())
    await until(lambda: edge.desk.waiting > 0)
    answer = await edge.call("POST", "/v1/jobs/job_0/cancel")
    assert (answer.status, answer.headers["x-job-id"]) == (200, "job_0")
    assert (answer.json["status"], answer.json["error"]["code"]) == ("failed", "job_cancelled")
    edge.desk.holds.set()
    assert (await waiting).error["code"] == "job_cancelled"
    again = await edge.call("POST", "/v1/jobs/job_0/cancel")
    assert (again.status, again.error["code"]) == (400, "job_already_ended")


@pytest.mark.parametrize("what", ["cancel", "events"])
@pytest.mark.parametrize("job_id", ["job_0", "job_9", "..", "%00", "x" * 200])
async def test_only_ones_own_jobs_are_taken_back_or_followed(what: str, job_id: str) -> None:
    edge = Edge()
    await edge.generate()
    method = "POST" if what == "cancel" else "GET"
    answer = await edge.call(method, f"/v1/jobs/{job_id}/{what}", key="f" * 32)
    assert (answer.status, answer.error["code"]) == (404, "not_found")


async def test_a_job_is_told_whenever_it_looks_different() -> None:
    edge = Edge(heartbeat_seconds=0.01)
    edge.desk.holds = asyncio.Event()
    edge.desk.taken = False
    ordering = asyncio.create_task(edge.generate())
    await until(lambda: edge.desk.waiting > 0)
    talk = Talk()
    head = {"authorization": f"Bearer {KEY}", "host": "gateway.test:5100"}
    following = asyncio.create_task(talk.run(edge.app, "GET", "/v1/jobs/job_0/events", head))
    await until(lambda: sum(one.get("body") == b": ping\n\n" for one in talk.sent) > 2)
    edge.desk.holds.set()
    await following
    await ordering
    answer = talk.answer
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [event["status"] for event in answer.events] == ["queued", "completed"]
    assert answer.events[-1] == (await edge.get("/v1/jobs/job_0")).json
    lines = {line.partition(b":")[0] for line in answer.body.split(b"\n")}
    assert lines == {b"", b"data"}
    assert edge.desk.told == ["job_0"]  # by the order's own answer


async def test_trouble_while_following_is_the_last_event() -> None:
    edge = Edge(wait_seconds=0.01)
    edge.desk.holds = asyncio.Event()
    await edge.generate()
    edge.desk.holds.set()
    edge.desk.breaks = StorageUnavailable("Not now.")
    answer = await edge.get("/v1/jobs/job_0/events")
    assert answer.status == 200
    first, last = answer.events
    assert (first["status"], last["error"]["code"]) == ("queued", "storage_unavailable")
