"""Results that come when their job was given up already: collected all the same, and handed over."""

from __future__ import annotations

import asyncio

import pytest

from tests.answer import Answer
from tests.simulated.door import GENERATE, PICTURE, POLL
from tests.simulated.house import CAT, KEY, House, submits_sent, until

AGAIN = {"x-stainless-retry-count": "1"}
KEYED = {"idempotency-key": "order 1"}
HOUR = 3600.0

pytestmark = pytest.mark.speed(400)


async def send(house: House, headers: dict[str, str], **body: object) -> Answer:
    return await house.call("POST", "/v1/images/generations", {**CAT, **body}, headers=headers)


async def timed_out(house: House, **body: object) -> str:
    """A job that the upstream takes ten minutes for, given up after two."""
    await house.start(job_seconds=120.0)
    await house.upstream.time(seconds=600)
    answer = await send(house, KEYED, **body)
    assert (answer.status, answer.error["code"]) == (504, "generation_timeout")
    assert answer.headers["x-should-retry"] == "false"
    found: str = answer.error["job_id"]
    return found


async def test_what_comes_after_the_time_limit_is_kept_and_answers_who_asks_again(
    house: House,
) -> None:
    job_id = await timed_out(house, n=2)
    early = await send(house, KEYED, n=2)
    assert (early.status, early.error["code"]) == (504, "generation_timeout")
    assert house.sessions_kept() == 1

    job = await house.settled(job_id)
    assert (job["status"], job["late"], job["progress"]) == ("failed", True, 100)
    assert job["error"]["code"] == "generation_timeout"
    assert [result["shown"] for result in job["results"]] == [True, True]
    assert house.sessions_kept() == 0

    answers = [await send(house, KEYED, n=2) for _ in range(2)]
    assert {answer.status for answer in answers} == {200}
    assert answers[0].body == answers[1].body
    assert len(answers[0].json["data"]) == 2
    told = await send(house, KEYED, n=2, stream=True)
    assert len(told.events) == 2
    assert await house.upstream.charged(KEY) == 1


async def test_the_time_limit_counts_for_the_caller_and_not_for_the_result(house: House) -> None:
    job_id = await timed_out(house)
    before = await house.job(job_id)
    job = await house.settled(job_id)
    assert job["finished_at"] == before["finished_at"]
    assert job["error"] == before["error"]


async def test_a_late_result_answers_a_client_that_sends_its_request_again(house: House) -> None:
    await house.start(job_seconds=120.0)
    await house.upstream.time(seconds=300)
    assert (await send(house, {})).status == 504
    (job_id,) = {row["job_id"] for row in house.written()}
    await house.settled(job_id)
    answer = await send(house, AGAIN)
    assert (answer.status, answer.headers["x-job-id"]) == (200, job_id)
    assert await house.upstream.charged(KEY) == 1


async def test_what_turns_up_after_it_was_never_confirmed_is_kept(house: House) -> None:
    await house.start(confirmation_seconds=30.0)
    await house.upstream.time(seconds=5)
    await house.upstream.fault("accepted_then_reset", "generate")
    await house.upstream.fault("listed_late", "generate", looks=0, seconds=300.0)
    answer = await send(house, KEYED)
    assert (answer.status, answer.error["code"]) == (502, "submission_unconfirmed")
    assert house.written()[0]["history_id"] is None

    job = await house.settled(answer.error["job_id"])
    assert (job["status"], job["late"]) == ("failed", True)
    assert job["submissions"][0]["history_id"]
    assert (await send(house, KEYED)).status == 200
    assert submits_sent(house) == 1


async def test_what_the_upstream_had_lost_and_found_is_kept(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=60)
    await house.upstream.fault("missing_record", "poll", times=-1)
    answer = await send(house, KEYED)
    assert (answer.status, answer.error["code"]) == (502, "job_lost_upstream")
    await house.upstream.control("DELETE", "/faults")
    job = await house.settled(answer.error["job_id"])
    assert job["late"] is True
    assert (await send(house, KEYED)).status == 200
    assert await house.upstream.charged(KEY) == 1


@pytest.mark.parametrize("ending", ["stop", "crash"])
async def test_the_next_gateway_watches_on(house: House, ending: str) -> None:
    job_id = await timed_out(house)
    await (house.stop() if ending == "stop" else house.crash())
    house.clock.skip(2 * HOUR)

    await house.start()
    job = await house.settled(job_id)
    assert job["late"] is True
    assert (await send(house, KEYED)).status == 200
    assert house.sessions_kept() == 0
    assert submits_sent(house) == 0


async def test_files_that_cannot_be_reached_are_waited_for_after_the_time_limit_too(
    house: House,
) -> None:
    job_id = await timed_out(house)
    await house.upstream.fault("reset", "picture", times=4)
    job = await house.settled(job_id)
    assert job["late"] is True
    assert await house.upstream.requests("picture") == 5


async def test_a_gateway_that_was_away_when_the_watch_ended_does_not_give_up_at_the_first_broken_file(
    house: House,
) -> None:
    job_id = await timed_out(house)
    await house.crash()
    house.clock.skip(26 * HOUR)
    await house.start()
    house.door.close(PICTURE, times=2)
    job = await house.settled(job_id)
    assert (job["late"], len(job["results"])) == (True, 1)


async def test_an_account_that_is_signed_in_again_hours_later_brings_its_late_result(
    house: House,
) -> None:
    job_id = await timed_out(house)
    await house.upstream.account(KEY, dead=True)
    await house.clock.sleep(2 * HOUR)
    asked = await house.upstream.requests("poll")
    await house.clock.sleep(4 * HOUR)
    assert await house.upstream.requests("poll") - asked < 10

    await house.upstream.account(KEY, dead=False)
    job = await house.settled(job_id)
    assert (job["late"], job["progress"]) == (True, 100)
    assert house.sessions_kept() == 0


async def test_a_session_that_dies_under_a_job_takes_its_result_along_only_for_as_long(
    house: House,
) -> None:
    await house.start()
    await house.upstream.time(seconds=60)
    hold = house.door.hold_before(POLL)
    order = asyncio.create_task(send(house, KEYED))
    await hold.reached.wait()
    await house.upstream.account(KEY, dead=True)
    hold.go.set()
    answer = await order
    assert answer.error["code"] == "upstream_session_expired"

    await house.upstream.account(KEY, dead=False)
    job = await house.settled(answer.error["job_id"])
    assert (job["late"], job["progress"]) == (True, 100)
    assert job["error"]["code"] == "upstream_session_expired"
    assert house.sessions_kept() == 0


async def test_a_late_result_in_two_parts_is_late_when_both_are_there(house: House) -> None:
    await house.start(job_seconds=120.0)
    await house.upstream.time(seconds=[300, 900])
    answer = await send(house, KEYED, n=10)
    assert answer.error["code"] == "generation_timeout"
    job_id = answer.error["job_id"]
    await until(house.kept)
    first = await house.job(job_id)
    if any(row["open"] for row in house.written()):
        assert first["late"] is False
        assert (await send(house, KEYED, n=10)).status == 504
    job = await house.settled(job_id)
    assert (job["late"], len(job["results"])) == (True, 10)
    assert len((await send(house, KEYED, n=10)).json["data"]) == 10
    assert await house.upstream.charged(KEY) == 2


async def test_part_of_a_result_in_time_and_part_late_is_handed_over_whole(house: House) -> None:
    await house.start(job_seconds=120.0)
    await house.upstream.time(seconds=10)
    await house.upstream.fault("takes", "generate", nth=2, seconds=600.0)
    answer = await send(house, KEYED, n=10)
    assert answer.error["code"] == "generation_timeout"
    job = await house.settled(answer.error["job_id"])
    assert (job["late"], len(job["results"])) == (True, 10)
    states = sorted(part["state"] for part in job["submissions"])
    assert states == ["completed", "failed"]
    assert (await send(house, KEYED, n=10)).status == 200


async def test_what_never_comes_is_let_go_a_day_after_the_time_limit(house: House) -> None:
    await house.start(job_seconds=120.0)
    await house.upstream.fault("stuck", "generate", status=42)
    answer = await send(house, KEYED)
    assert answer.error["code"] == "generation_timeout"
    job_id = answer.error["job_id"]
    (part,) = house.written()
    assert part["watched_until"] == pytest.approx(
        house._rows("SELECT deadline FROM jobs")[0]["deadline"] + 24 * HOUR
    )
    await house.crash()
    house.clock.skip(25 * HOUR)

    await house.start()
    job = await house.settled(job_id)
    assert (job["status"], job["late"], job["results"]) == ("failed", False, [])
    assert job["error"]["code"] == "generation_timeout"
    assert house.sessions_kept() == 0
    assert submits_sent(house) == 0


async def test_a_watch_asks_seldom(house: House) -> None:
    await house.start(job_seconds=120.0)
    await house.upstream.fault("stuck", "generate", status=42)
    await send(house, KEYED)
    asked = await house.upstream.requests("poll")
    began = house.clock.monotonic()
    await house.clock.sleep(HOUR / 2)
    hours = (house.clock.monotonic() - began) / HOUR
    assert (await house.upstream.requests("poll") - asked) / hours < 100


@pytest.mark.parametrize("trouble", ["text_refused", "no_credits"])
async def test_what_was_refused_is_not_watched(house: House, trouble: str) -> None:
    await house.start()
    await house.upstream.fault(trouble, "generate")
    await send(house, KEYED)
    (part,) = house.written()
    assert (part["state"], part["open"], part["watched_until"]) == ("failed", 0, None)
    assert house.sessions_kept() == 0


async def test_what_the_upstream_itself_gave_up_is_not_watched(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=5)
    await house.upstream.fault("fails", "generate")
    answer = await send(house, KEYED)
    assert answer.status == 500
    assert house.written()[0]["open"] == 0
    assert house.sessions_kept() == 0


async def test_a_late_result_is_shown_in_the_list_of_jobs(house: House) -> None:
    job_id = await timed_out(house)
    await house.settled(job_id)
    (listed,) = (await house.call("GET", "/v1/jobs")).json["data"]
    assert listed == await house.job(job_id)
    assert listed["late"] is True


async def test_nothing_is_sent_while_a_result_is_watched_for(house: House) -> None:
    job_id = await timed_out(house)
    await house.settled(job_id)
    assert sum(GENERATE in request.url for request in house.door.asked) == 1
    assert sum(PICTURE in request.url for request in house.door.asked) == 1
    assert sum(POLL in request.url for request in house.door.asked) > 1


async def test_a_picture_that_could_not_be_fetched_in_time_joins_the_others_later(
    house: House,
) -> None:
    await house.start(job_seconds=120.0)
    await house.upstream.time(seconds=10)
    house.door.close(PICTURE, times=-1, after=3)
    answer = await send(house, KEYED, n=4)
    assert (answer.status, len(answer.json["data"])) == (200, 3)
    assert answer.headers["x-partial"] == "true"
    assert house.sessions_kept() == 1

    house.door.reopen()
    job_id = answer.headers["x-job-id"]
    job = await house.settled(job_id)
    assert house.sessions_kept() == 0
    assert (job["status"], len(job["results"]), job["partial"]) == ("completed", 4, False)
    whole = await send(house, KEYED, n=4)
    assert (whole.headers["x-job-id"], len(whole.json["data"])) == (job_id, 4)
    assert await house.upstream.charged(KEY) == 1
