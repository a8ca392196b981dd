"""The same request sent again: one job, one submission, one answer, however often and by whichever way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.types import Message
from typing_extensions import override

from tests.answer import Answer
from tests.simulated.asgi import Talk
from tests.simulated.door import GENERATE
from tests.simulated.house import CAT, KEY, House, cancelled, submits_sent, until

OTHER = "f" * 32
GENERATIONS = "/v1/images/generations"
KEYED = {"idempotency-key": "order 1"}
AGAIN = {"x-stainless-retry-count": "1"}


async def send(
    house: House,
    headers: dict[str, str] | None = None,
    *,
    key: str = KEY,
    path: str = GENERATIONS,
    talk: Talk | None = None,
    **body: Any,
) -> Answer:
    return await house.call(
        "POST", path, {**CAT, **body}, key=key, talk=talk, headers=headers or {}
    )


async def cut(house: House, headers: dict[str, str] | None = None, **body: Any) -> str:
    """Send and be cut off while waiting; the job's id."""
    talk = Talk()
    talk.gone.set()
    answer = await send(house, headers, talk=talk, **body)
    assert answer.status == 499
    return answer.headers["x-job-id"]


async def jobs(house: House, key: str = KEY) -> list[str]:
    page = await house.call("GET", "/v1/jobs?limit=100", key=key)
    return [job["id"] for job in page.json["data"]]


async def accepted(house: House) -> int:
    return len(await house.upstream.submits(KEY))


# ------------------------------------------------------------------------- with a key


async def test_a_thousand_callers_with_one_key_have_one_job_and_identical_answers(
    gateway: House,
) -> None:
    await gateway.upstream.time(seconds=20)
    answers = await asyncio.gather(*(send(gateway, KEYED, n=2) for _ in range(1000)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert len({answer.headers["x-job-id"] for answer in answers}) == 1
    assert len(await jobs(gateway)) == 1
    assert submits_sent(gateway) == 1


async def test_a_key_with_another_request_is_refused_and_nothing_is_ordered(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    first = await send(gateway, KEYED)
    for other in (
        {"prompt": "a dog"},
        {"n": 2},
        {"size": "16:9"},
        {"seed": 1},
        {"user": "somebody"},
    ):
        answer = await send(gateway, KEYED, **other)
        assert (answer.status, answer.error["code"]) == (422, "idempotency_key_reused")
        assert answer.headers["x-should-retry"] == "false"
        assert first.headers["x-job-id"] in answer.error["message"]
    assert await jobs(gateway) == [first.headers["x-job-id"]]
    assert await accepted(gateway) == 1


async def test_what_is_written_in_another_way_is_the_same_request(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    first = await send(gateway, KEYED)
    assert (await send(gateway, KEYED, seed=None)).body == first.body  # null means absent
    assert (await send(gateway, KEYED, path="/images/generations/")).body == first.body
    turned = dict(reversed(list(CAT.items())))
    answer = await gateway.call("POST", GENERATIONS, turned, headers=KEYED)
    assert answer.body == first.body
    assert await accepted(gateway) == 1


async def test_a_repetition_may_ask_for_its_answer_in_another_form(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    links = await send(gateway, KEYED, response_format="url")
    inside = await send(gateway, KEYED, response_format="b64_json")
    told = await send(gateway, KEYED, stream=True)
    assert "url" in links.json["data"][0]
    assert inside.json["data"][0]["b64_json"] == told.events[0]["b64_json"]
    assert inside.json["created"] == links.json["created"] == told.events[0]["created_at"]
    assert await accepted(gateway) == 1


async def test_a_stream_that_is_repeated_tells_the_same(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    first, second = [await send(gateway, KEYED, n=2, stream=True) for _ in range(2)]
    assert first.events == second.events
    assert len(first.events) == 2
    assert await accepted(gateway) == 1


async def test_the_key_of_another_caller_is_another_key(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    mine = await send(gateway, KEYED)
    theirs = await send(gateway, KEYED, key=OTHER, prompt="a dog")
    assert theirs.status == 200
    assert mine.headers["x-job-id"] != theirs.headers["x-job-id"]


async def test_a_key_meets_its_job_while_that_runs(gateway: House) -> None:
    await gateway.upstream.time(seconds=30)
    job_id = await cut(gateway, KEYED)
    assert (await gateway.job(job_id))["status"] != "completed"
    answer = await send(gateway, KEYED)
    assert (answer.status, answer.headers["x-job-id"]) == (200, job_id)
    assert await accepted(gateway) == 1


async def test_a_key_meets_its_job_while_that_waits_to_be_sent(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.fault("too_many_running", "generate", times=2)
    job_id = await cut(gateway, KEYED)
    answer = await send(gateway, KEYED)
    assert (answer.status, answer.headers["x-job-id"]) == (200, job_id)
    assert await accepted(gateway) == 1


async def test_a_job_that_was_paid_for_in_vain_is_not_paid_again_under_its_key(
    gateway: House,
) -> None:
    await gateway.upstream.time(at_once=True)
    await gateway.upstream.fault("wrong_magic", times=3)
    first, second = [await send(gateway, KEYED) for _ in range(2)]
    assert (first.status, first.error["code"]) == (502, "result_corrupt")
    assert first.error["charge"] == "charged"
    assert (second.status, second.body) == (first.status, first.body)
    assert await accepted(gateway) == 1


async def test_a_job_in_doubt_is_not_paid_again_under_its_key(house: House) -> None:
    await house.start(confirmation_seconds=30.0)
    await house.upstream.fault("reset", "generate")
    first, second = [await send(house, KEYED) for _ in range(2)]
    assert first.error["code"] == "submission_unconfirmed"
    assert second.body == first.body
    assert submits_sent(house) == 1


async def test_a_key_of_which_nothing_was_taken_is_free_again(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.fault("text_refused", "generate")
    first = await send(gateway, KEYED)
    assert (first.status, first.error["charge"]) == (400, "none")
    second = await send(gateway, KEYED, prompt="a tamer cat")
    assert second.status == 200
    assert second.headers["x-job-id"] != first.error["job_id"]
    third = await send(gateway, KEYED, prompt="a tamer cat")
    assert third.body == second.body
    assert await accepted(gateway) == 1


async def test_a_key_is_remembered_for_a_day_after_its_job_ended(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    first = await send(gateway, KEYED)
    gateway.clock.skip(86_000)
    assert (await send(gateway, KEYED)).body == first.body
    gateway.clock.skip(1000)
    later = await send(gateway, KEYED)
    assert later.headers["x-job-id"] != first.headers["x-job-id"]
    assert await accepted(gateway) == 2


@pytest.mark.parametrize("moment", ["before it is sent", "while it runs", "after its end"])
async def test_a_key_survives_the_gateway(house: House, moment: str) -> None:
    await house.start()
    await house.upstream.time(seconds=10)
    if moment == "before it is sent":
        await house.upstream.fault("too_many_running", "generate")
    job_id = await cut(house, KEYED)
    if moment == "before it is sent":
        await until(lambda: house.written()[0]["attempt"] == 1)
    if moment == "while it runs":
        await until(lambda: house.written()[0]["state"] == "running")
    if moment == "after its end":
        await house.ended(job_id)
    await house.crash()

    await house.start()
    answer = await send(house, KEYED)
    assert (answer.status, answer.headers["x-job-id"]) == (200, job_id)
    assert await accepted(house) == 1
    assert (await send(house, KEYED, n=2)).status == 422


async def test_a_key_of_two_submissions_pays_for_two(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    answers = await asyncio.gather(*(send(gateway, KEYED, n=10) for _ in range(5)))
    assert len({answer.body for answer in answers}) == 1
    assert len(answers[0].json["data"]) == 10
    assert await accepted(gateway) == 2


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "caf\u00e9", "a\tb", "\x7f"])
async def test_what_cannot_be_a_key_is_refused(gateway: House, key: str) -> None:
    answer = await send(gateway, {"idempotency-key": key})
    if key == " ":  # a character like any other, where the server has not taken it away
        assert answer.status == 200
        return
    assert (answer.status, answer.error["code"]) == (400, "invalid_value")
    assert answer.error["param"] == "Idempotency-Key"
    assert await jobs(gateway) == []


# ---------------------------------------------- sent again by the client, without a key


async def test_equal_requests_are_as_many_jobs(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    answers = await asyncio.gather(*(send(gateway) for _ in range(5)))
    assert len({answer.headers["x-job-id"] for answer in answers}) == 5
    assert await accepted(gateway) == 5


@pytest.mark.parametrize("count", ["0", "", "-1", "one", "1.5", "00", "²"])
async def test_a_first_try_is_a_new_job_whatever_it_calls_itself(
    gateway: House, count: str
) -> None:
    await gateway.upstream.time(seconds=5)
    await send(gateway)
    await send(gateway, {"x-stainless-retry-count": count})
    assert await accepted(gateway) == 2


async def test_a_request_that_was_cut_and_is_sent_again_gets_its_own_job(gateway: House) -> None:
    await gateway.upstream.time(seconds=30)
    job_id = await cut(gateway)
    answer = await send(gateway, AGAIN)
    assert (answer.status, answer.headers["x-job-id"]) == (200, job_id)
    assert await accepted(gateway) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_who_is_still_being_answered_keeps_the_job_from_the_next_who_sends_again(
    gateway: House, *, stream: bool
) -> None:
    await gateway.upstream.time(seconds=5)
    ordered = {await cut(gateway) for _ in range(2)}
    for job_id in ordered:
        await gateway.ended(job_id)
    slow = Slow()
    first = asyncio.create_task(send(gateway, AGAIN, talk=slow, stream=stream))
    await slow.reached.wait()
    second = await send(gateway, AGAIN, stream=stream)
    slow.go.set()
    assert {(await first).headers["x-job-id"], second.headers["x-job-id"]} == ordered


@pytest.mark.parametrize("stream", [False, True])
async def test_ten_equal_requests_that_were_all_cut_get_a_job_each(
    gateway: House, *, stream: bool
) -> None:
    await gateway.upstream.time(seconds=30)
    ordered = {await cut(gateway) for _ in range(10)}
    answers = await asyncio.gather(*(send(gateway, AGAIN, stream=stream) for _ in range(10)))
    assert {answer.headers["x-job-id"] for answer in answers} == ordered
    assert len({answer.body for answer in answers}) == 10
    assert await accepted(gateway) == 10


async def test_the_one_of_two_that_was_cut_amid_its_answer_gets_its_own_again(
    gateway: House,
) -> None:
    await gateway.upstream.time(seconds=5)
    whole = await send(gateway, response_format="b64_json")
    talk = Hangs()
    broken = await send(gateway, talk=talk, response_format="b64_json")
    assert len(broken.body) < int(broken.headers["content-length"])
    later = await send(gateway, response_format="b64_json")
    answer = await send(gateway, AGAIN, response_format="b64_json")
    assert answer.headers["x-job-id"] == broken.headers["x-job-id"]
    assert answer.body.startswith(broken.body)
    assert answer.body not in (whole.body, later.body)
    assert await accepted(gateway) == 3


@dataclass
class Slow(Talk):
    """Takes the answer's first piece only when it may `go` on."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    @override
    async def _send(self, message: Message) -> None:
        if message.get("body", b"").startswith((b"data:", b"{")):
            self.reached.set()
            await self.go.wait()
        await super()._send(message)


class Hangs(Talk):
    """Is gone as soon as the first piece of the answer is there."""

    @override
    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.body" and self.pieces:
            return
        await super()._send(message)
        if message["type"] == "http.response.body":
            self.gone.set()
            await asyncio.sleep(0)


async def test_what_was_answered_whole_is_answered_again_as_it_was(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    first = await send(gateway)
    assert (await send(gateway, AGAIN)).body == first.body
    assert await accepted(gateway) == 1


async def test_a_stream_that_was_cut_is_told_from_the_beginning(gateway: House) -> None:
    await gateway.upstream.time(seconds=10)
    talk = Talk()
    streaming = asyncio.create_task(send(gateway, talk=talk, stream=True))
    await talk.began.wait()
    talk.gone.set()
    first = await streaming
    assert first.events == []
    answer = await send(gateway, AGAIN, stream=True)
    assert answer.headers["x-job-id"] == first.headers["x-job-id"]
    assert len(answer.events) == 1
    assert await accepted(gateway) == 1


async def test_what_never_came_in_is_ordered_by_its_second_try(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    assert (await send(gateway, AGAIN)).status == 200
    assert (await send(gateway, AGAIN, prompt="a dog")).status == 200
    assert await accepted(gateway) == 2


async def test_what_was_refused_for_certain_is_ordered_anew_by_the_next_try(
    gateway: House,
) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.fault("no_credits", "generate")
    first = await send(gateway)
    assert first.error["code"] == "insufficient_quota"
    second = await send(gateway, AGAIN)
    assert second.status == 200
    assert second.headers["x-job-id"] != first.error["job_id"]
    assert await accepted(gateway) == 1


async def test_what_was_paid_for_in_vain_is_not_paid_again_by_the_next_try(gateway: House) -> None:
    await gateway.upstream.time(at_once=True)
    await gateway.upstream.fault("wrong_magic", times=3)
    first = await send(gateway)
    second = await send(gateway, AGAIN)
    assert (second.status, second.body) == (first.status, first.body)
    assert await accepted(gateway) == 1


async def test_a_quarter_of_an_hour_after_its_end_a_job_is_meant_no_more(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    first = await send(gateway)
    gateway.clock.skip(880)
    assert (await send(gateway, AGAIN)).body == first.body
    gateway.clock.skip(100)
    assert (await send(gateway, AGAIN)).headers["x-job-id"] != first.headers["x-job-id"]


async def test_the_next_try_may_come_to_the_next_life_of_the_gateway(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=10)
    hold = house.door.hold_after(GENERATE)
    waiting = asyncio.create_task(send(house))
    await hold.reached.wait()
    await house.crash()
    await cancelled(waiting)

    await house.start()
    answer = await send(house, AGAIN)
    assert answer.status == 200
    assert [answer.headers["x-job-id"]] == await jobs(house)
    assert await accepted(house) == 1


async def test_another_caller_who_sends_the_same_again_gets_none_of_mine(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    mine = await send(gateway)
    theirs = await send(gateway, AGAIN, key=OTHER)
    assert theirs.headers["x-job-id"] != mine.headers["x-job-id"]
    assert await gateway.upstream.charged(OTHER) == 1


async def test_tries_that_come_all_at_once_share_the_one_job_there_is(gateway: House) -> None:
    await gateway.upstream.time(seconds=20)
    job_id = await cut(gateway)
    answers = await asyncio.gather(*(send(gateway, AGAIN) for _ in range(20)))
    assert {answer.headers["x-job-id"] for answer in answers} == {job_id}
    assert len({answer.body for answer in answers}) == 1
    assert await accepted(gateway) == 1
