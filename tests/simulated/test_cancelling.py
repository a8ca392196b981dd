"""Jobs that are taken back at any moment, and jobs that are followed as they change."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from tests.answer import Answer
from tests.simulated.asgi import Talk
from tests.simulated.door import GENERATE
from tests.simulated.house import CAT, KEY, House, cancelled, submits_sent, until

OTHER = "f" * 32
AGAIN = {"x-stainless-retry-count": "1"}


async def cancel(house: House, job_id: str, key: str = KEY) -> Answer:
    return await house.call("POST", f"/v1/jobs/{job_id}/cancel", key=key)


async def follow(house: House, job_id: str, **more: Any) -> Answer:
    return await house.call("GET", f"/v1/jobs/{job_id}/events", **more)


# ----------------------------------------------------------------------- cancelling


async def test_a_job_that_waits_for_a_busy_account_is_never_sent(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.fault("too_many_running", "generate", times=-1)
    waiting = asyncio.create_task(gateway.generate())
    await until(lambda: gateway.written() and gateway.written()[0]["attempt"] == 1)
    (part,) = gateway.written()
    answer = await cancel(gateway, part["job_id"])
    assert answer.status == 200
    assert answer.headers["x-job-id"] == answer.json["id"] == part["job_id"]
    assert (answer.json["status"], answer.json["error"]["code"]) == ("failed", "job_cancelled")
    assert answer.json["error"]["charge"] == "none"
    told = await waiting
    assert (told.status, told.error["code"], told.error["charge"]) == (400, "job_cancelled", "none")
    assert told.headers["x-should-retry"] == "false"
    sent = submits_sent(gateway)
    await gateway.clock.sleep(120)
    assert submits_sent(gateway) == sent
    assert await gateway.upstream.charged(KEY) == 0
    assert gateway.sessions_kept() == 0


async def test_a_job_that_is_just_being_sent_is_cancelled_once_its_verdict_is_there(
    gateway: House,
) -> None:
    await gateway.upstream.time(seconds=20)
    hold = gateway.door.hold_after(GENERATE)
    job_id = await gateway.leave()
    await hold.reached.wait()
    cancelling = asyncio.create_task(cancel(gateway, job_id))
    await gateway.clock.sleep(10)
    assert not cancelling.done()
    hold.go.set()
    answer = await cancelling
    assert (answer.status, answer.json["status"]) == (200, "failed")
    assert answer.json["error"]["charge"] == "unknown"  # it was taken meanwhile
    assert answer.json["submissions"][0]["history_id"]


async def test_a_job_that_is_refused_while_it_is_cancelled_costs_nothing(gateway: House) -> None:
    await gateway.upstream.fault("too_many_running", "generate", times=-1)
    hold = gateway.door.hold_after(GENERATE)
    job_id = await gateway.leave()
    await hold.reached.wait()
    cancelling = asyncio.create_task(cancel(gateway, job_id))
    await gateway.clock.sleep(2)
    hold.go.set()
    answer = await cancelling
    assert (answer.json["error"]["code"], answer.json["error"]["charge"]) == (
        "job_cancelled",
        "none",
    )


async def test_a_verdict_that_does_not_come_leaves_the_job_to_be_cancelled_later(
    gateway: House,
) -> None:
    await gateway.upstream.time(seconds=5)
    hold = gateway.door.hold_after(GENERATE)
    job_id = await gateway.leave()
    await hold.reached.wait()
    answer = await cancel(gateway, job_id)
    assert (answer.status, answer.error["code"]) == (504, "job_still_running")
    assert answer.headers["x-should-retry"] == "false"
    hold.go.set()
    assert (await gateway.ended(job_id))["error"]["code"] == "job_cancelled"


async def test_a_running_job_ends_for_its_caller_and_its_result_is_kept(gateway: House) -> None:
    await gateway.upstream.time(seconds=20)
    waiting = asyncio.create_task(gateway.generate(n=2))
    await until(lambda: gateway.written() and gateway.written()[0]["state"] == "running")
    job_id = gateway.written()[0]["job_id"]
    answer = await cancel(gateway, job_id)
    assert (answer.json["status"], answer.json["late"]) == ("failed", False)
    assert answer.json["error"]["charge"] == "unknown"
    assert (await waiting).error["code"] == "job_cancelled"
    assert gateway.sessions_kept() == 1

    job = await gateway.settled(job_id)
    assert (job["status"], job["late"], job["progress"]) == ("failed", True, 100)
    for result in job["results"]:
        assert (await gateway.fetch(result["url"])).status == 200
    assert await gateway.upstream.charged(KEY) == 1
    assert gateway.sessions_kept() == 0


async def test_a_cancelled_job_whose_result_came_answers_who_sends_it_again(gateway: House) -> None:
    await gateway.upstream.time(seconds=20)
    job_id = await gateway.leave()
    await until(lambda: gateway.written()[0]["state"] == "running")
    await cancel(gateway, job_id)
    early = await gateway.call("POST", "/v1/images/generations", CAT, headers=AGAIN)
    assert (early.status, early.error["code"]) == (400, "job_cancelled")
    await gateway.settled(job_id)
    answer = await gateway.call("POST", "/v1/images/generations", CAT, headers=AGAIN)
    assert (answer.status, answer.headers["x-job-id"]) == (200, job_id)
    assert await gateway.upstream.charged(KEY) == 1


async def test_a_job_that_was_cancelled_before_it_was_sent_is_ordered_anew_by_who_sends_it_again(
    gateway: House,
) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.fault("too_many_running", "generate", times=1)
    job_id = await gateway.leave()
    await until(lambda: gateway.written()[0]["attempt"] == 1)
    await cancel(gateway, job_id)
    answer = await gateway.call("POST", "/v1/images/generations", CAT, headers=AGAIN)
    assert answer.status == 200
    assert answer.headers["x-job-id"] != job_id


async def test_a_job_is_cancelled_twice_with_the_same_answer(gateway: House) -> None:
    await gateway.upstream.time(seconds=30)
    job_id = await gateway.leave()
    await until(lambda: gateway.written()[0]["state"] == "running")
    answers = await asyncio.gather(*(cancel(gateway, job_id) for _ in range(5)))
    answers.append(await cancel(gateway, job_id))
    assert {answer.status for answer in answers} == {200}
    assert {answer.json["error"]["code"] for answer in answers} == {"job_cancelled"}


@pytest.mark.parametrize("end", ["completed", "failed"])
async def test_what_has_ended_by_itself_cannot_be_cancelled(gateway: House, end: str) -> None:
    await gateway.upstream.time(at_once=True)
    if end == "failed":
        await gateway.upstream.fault("text_refused", "generate")
    job_id = await gateway.leave()
    before = await gateway.ended(job_id)
    answer = await cancel(gateway, job_id)
    assert (answer.status, answer.error["code"]) == (400, "job_already_ended")
    assert end in answer.error["message"]
    assert await gateway.job(job_id) == before


async def test_a_foreign_job_cannot_be_cancelled_or_followed(gateway: House) -> None:
    await gateway.upstream.time(seconds=10)
    job_id = await gateway.leave()
    for answer in (await cancel(gateway, job_id, OTHER), await follow(gateway, job_id, key=OTHER)):
        assert (answer.status, answer.error["code"]) == (404, "not_found")
    assert (await gateway.ended(job_id))["status"] == "completed"


async def test_what_was_paid_of_a_job_in_two_parts_is_kept_when_it_is_cancelled(
    gateway: House,
) -> None:
    await gateway.upstream.time(seconds=20)
    await gateway.upstream.fault("too_many_running", "generate", nth=2, times=-1)
    job_id = await gateway.leave(n=10)
    await until(
        lambda: sorted(row["state"] for row in gateway.written()) == ["accepted", "running"]
    )
    answer = await cancel(gateway, job_id)
    assert answer.json["error"]["code"] == "job_cancelled"
    charges = {part["error"]["charge"] for part in answer.json["submissions"]}
    assert charges == {"none", "unknown"}
    job = await gateway.settled(job_id)
    assert gateway.sessions_kept() == 0
    assert len(job["results"]) in (2, 8)
    assert job["late"] is False  # one part of it never came to be
    assert await gateway.upstream.charged(KEY) == 1


@pytest.mark.speed(10)
async def test_a_part_that_was_not_sent_is_not_sent_while_the_verdict_on_another_is_awaited(
    gateway: House,
) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.fault("delay", "generate", account=KEY, seconds=20.0)
    gateway.door.close(GENERATE, session=OTHER, times=2)
    both = f"{KEY},{OTHER}"
    job_id = await gateway.leave(both, n=10)
    await until(lambda: sorted(row["attempt"] for row in gateway.written()) == [0, 2])
    answer = await cancel(gateway, job_id, both)  # the next try of the second is three seconds away
    assert answer.json["error"]["code"] == "job_cancelled"
    await gateway.clock.sleep(5)
    assert await gateway.upstream.charged(OTHER) == 0
    assert await gateway.upstream.charged(KEY) == 1


async def test_a_cancelled_job_is_watched_on_by_the_next_gateway(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=30)
    job_id = await house.leave()
    await until(lambda: house.written()[0]["state"] == "running")
    await cancel(house, job_id)
    await house.crash()

    await house.start()
    job = await house.settled(job_id)
    assert house.sessions_kept() == 0
    assert (job["status"], job["error"]["code"], job["late"]) == ("failed", "job_cancelled", True)
    assert submits_sent(house) == 0


async def test_a_crash_amid_the_cancelling_leaves_a_job_that_ends(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=30)
    hold = house.door.hold_after(GENERATE)
    job_id = await house.leave()
    await hold.reached.wait()
    cancelling = asyncio.create_task(cancel(house, job_id))
    await until(lambda: house._rows("SELECT cancelled_at FROM jobs")[0]["cancelled_at"])
    await house.crash()
    await cancelled(cancelling)

    await house.start()
    job = await house.settled(job_id)
    assert (job["error"]["code"], job["late"]) == ("job_cancelled", True)
    assert await house.upstream.charged(KEY) == 1


# ------------------------------------------------------------------------ following


async def test_a_job_is_told_at_every_change_until_it_has_ended(gateway: House) -> None:
    await gateway.upstream.time(seconds=10)
    job_id = await gateway.leave(n=2)
    answer = await follow(gateway, job_id)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert not [line for line in answer.body.split(b"\n") if line.startswith((b"id:", b"event:"))]
    events = answer.events
    assert {event["id"] for event in events} == {job_id}
    assert {event["object"] for event in events} == {"job"}
    assert [event["status"] for event in events[:-1]].count("completed") == 0
    assert events[-1] == await gateway.job(job_id)
    assert all(one != other for one, other in pairwise(events))
    states = list(dict.fromkeys(event["state"] for event in events))
    assert states[-2:] == ["running", "completed"]


async def test_a_job_that_has_ended_is_told_once(gateway: House) -> None:
    await gateway.upstream.time(at_once=True)
    job_id = await gateway.leave()
    await gateway.ended(job_id)
    answer = await follow(gateway, job_id)
    assert answer.events == [await gateway.job(job_id)]


async def test_signs_of_life_come_while_nothing_changes(house: House) -> None:
    await house.start(heartbeat_seconds=2.0)
    await house.upstream.time(seconds=60)
    job_id = await house.leave()
    answer = await follow(house, job_id)
    assert answer.body.count(b": ping\n\n") > 10
    assert answer.events[-1]["status"] == "completed"


async def test_whoever_follows_sees_the_cancelling(gateway: House) -> None:
    await gateway.upstream.time(seconds=30)
    job_id = await gateway.leave()
    talk = Talk()
    following = asyncio.create_task(follow(gateway, job_id, talk=talk))
    await talk.began.wait()
    await until(lambda: gateway.written()[0]["state"] == "running")
    await cancel(gateway, job_id)
    events = (await following).events
    assert (events[-1]["status"], events[-1]["error"]["code"]) == ("failed", "job_cancelled")


async def test_whoever_stops_following_leaves_nothing_behind(gateway: House) -> None:
    await gateway.upstream.time(seconds=30)
    job_id = await gateway.leave()
    talk = Talk()
    following = asyncio.create_task(follow(gateway, job_id, talk=talk))
    await talk.began.wait()
    talk.gone.set()
    await following
    await asyncio.sleep(0)
    assert job_id not in gateway.gateway.desk._store.signals._waiting
    assert (await gateway.ended(job_id))["status"] == "completed"


async def test_whoever_follows_is_told_when_the_gateway_stops(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=60)
    job_id = await house.leave()
    talk = Talk()
    following = asyncio.create_task(follow(house, job_id, talk=talk))
    await talk.began.wait()
    await until(lambda: house.written()[0]["state"] == "running")
    await house.stop()
    last = (await following).events[-1]
    assert last["error"]["code"] == "shutting_down"
    assert job_id in last["error"]["message"]

    await house.start()
    assert (await follow(house, job_id)).events[-1]["status"] == "completed"


async def test_progress_is_followed_picture_by_picture(gateway: House) -> None:
    await gateway.upstream.time(seconds=20)
    await gateway.upstream.fault("items_before_end", "generate", looks=0, seconds=10.0)
    job_id = await gateway.leave(n=4)
    events = (await follow(gateway, job_id)).events
    shares = [event["progress"] for event in events]
    assert shares == sorted(shares)
    assert {0, 99, 100} <= {*shares}  # all drawn, and not yet all here
