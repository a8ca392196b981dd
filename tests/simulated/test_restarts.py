"""A gateway that stops at any moment, and what the next one makes of what it finds."""

from __future__ import annotations

import asyncio

import pytest

from jimeng_api.cli.rekeying import given_up
from jimeng_api.database.schema import OtherKeyFile
from tests.simulated.door import GENERATE, PICTURE, POLL
from tests.simulated.house import KEY, House, cancelled, submits_sent, until


async def test_a_promise_that_was_not_begun_is_kept_by_the_next_gateway(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=5)
    await house.upstream.fault("too_many_running", "generate")
    job_id = await house.leave()
    await until(lambda: house.written()[0]["attempt"] == 1)
    assert house.written()[0]["state"] == "accepted"
    await house.crash()

    await house.start()
    job = await house.ended(job_id)
    assert job["status"] == "completed"
    assert await house.upstream.charged(KEY) == 1


async def test_a_crash_before_the_upstream_got_it_ends_unconfirmed_and_unpaid(house: House) -> None:
    await house.start(confirmation_seconds=30.0)
    hold = house.door.hold_before(GENERATE)
    job_id = await house.leave()
    await hold.reached.wait()
    assert house.written()[0]["state"] == "submitting"
    await house.crash()

    await house.start()
    job = await house.ended(job_id)
    assert job["error"]["code"] == "submission_unconfirmed"
    assert job["error"]["charge"] == "unknown"
    assert await house.upstream.charged(KEY) == 0
    assert submits_sent(house) == 0


async def test_a_crash_after_the_upstream_got_it_is_adopted_and_paid_once(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=5)
    hold = house.door.hold_after(GENERATE)
    job_id = await house.leave()
    await hold.reached.wait()
    assert house.written()[0]["state"] == "submitting"
    await house.crash()

    await house.start()
    job = await house.ended(job_id)
    assert job["status"] == "completed"
    assert await house.upstream.charged(KEY) == 1
    assert submits_sent(house) == 0


async def test_a_crash_while_in_doubt_goes_on_asking(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=5)
    await house.upstream.fault("accepted_then_reset", "generate")
    hold = house.door.hold_before(POLL)
    job_id = await house.leave()
    await hold.reached.wait()
    assert house.written()[0]["state"] == "reconciling"
    await house.crash()

    await house.start()
    job = await house.ended(job_id)
    assert job["status"] == "completed"
    assert submits_sent(house) == 0


async def test_a_crash_while_it_runs_loses_nothing(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=30)
    job_id = await house.leave(n=4)
    await until(lambda: house.written()[0]["state"] == "running")
    await house.crash()

    await house.start()
    job = await house.ended(job_id)
    assert len(job["results"]) == 4
    assert submits_sent(house) == 0


async def test_a_crash_after_it_was_done_upstream_collects_it(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=5)
    hold = house.door.hold_before(POLL)
    job_id = await house.leave()
    await hold.reached.wait()
    await house.crash()
    house.clock.skip(3600)  # long past the job's own time
    await house.upstream.fault("html_502", "poll", times=2)

    await house.start()
    job = await house.ended(job_id)
    assert job["status"] == "completed"
    assert submits_sent(house) == 0


async def test_a_crash_amid_the_collecting_collects_what_is_missing(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=5)
    hold = house.door.hold_after(PICTURE)
    job_id = await house.leave(n=4)
    await hold.reached.wait()
    await house.crash()

    await house.start()
    job = await house.ended(job_id)
    assert len(job["results"]) == 4
    for result in job["results"]:
        assert (await house.fetch(result["url"])).status == 200
    assert submits_sent(house) == 0


async def test_pictures_that_were_kept_before_the_crash_are_not_fetched_again(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=5)
    await house.upstream.fault("items_before_end", "generate", looks=0, seconds=60.0)
    job_id = await house.leave(n=2)
    await until(lambda: len(house.kept()) == 2)
    fetched = await house.upstream.requests("picture")
    await house.crash()

    await house.start()
    job = await house.ended(job_id)
    assert len(job["results"]) == 2
    assert await house.upstream.requests("picture") == fetched


async def test_a_stop_lets_the_answer_of_a_paid_request_come(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=5)
    await house.upstream.fault("delay", "generate", seconds=4.0)
    job_id = await house.leave()
    await until(lambda: house.written()[0]["state"] == "submitting")
    await house.stop()
    assert house.written()[0]["state"] == "running"

    await house.start()
    assert (await house.ended(job_id))["status"] == "completed"


async def test_a_stop_does_not_wait_for_an_answer_for_ever(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=5)
    await house.upstream.fault("accepted_then_timeout", "generate")
    job_id = await house.leave()
    await until(lambda: house.written()[0]["state"] == "submitting")
    began = house.clock.monotonic()
    await house.stop()
    assert house.clock.monotonic() - began < 30
    assert house.written()[0]["state"] == "submitting"

    await house.start()
    assert (await house.ended(job_id))["status"] == "completed"
    assert await house.upstream.charged(KEY) == 1


async def test_those_who_wait_are_told_where_their_result_will_be_when_the_gateway_stops(
    house: House,
) -> None:
    await house.start()
    await house.upstream.time(seconds=30)
    waiting = asyncio.create_task(house.generate())
    await until(house.written)
    await house.stop()
    answer = await waiting
    assert answer.status == 503
    assert answer.error["code"] == "shutting_down"
    assert answer.headers["x-should-retry"] == "false"

    await house.start()
    job = await house.ended(answer.error["job_id"])
    assert job["status"] == "completed"


async def test_a_job_with_a_refused_batch_is_refused_again_by_no_restart(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=20)
    await house.upstream.fault("text_refused", "generate", nth=2)
    job_id = await house.leave(n=10)
    await until(lambda: {row["state"] for row in house.written()} == {"running", "failed"})
    await house.crash()

    await house.start()
    job = await house.ended(job_id)
    assert job["error"]["code"] == "moderation_blocked"
    assert len(job["results"]) in (2, 8)  # what was paid for stays with the job
    assert submits_sent(house) == 0


@pytest.mark.parametrize("moments", [(3, 1), (9, 4), (0, 2), (15, 15, 15)])
async def test_crash_after_crash_every_job_is_paid_once_and_ends(
    house: House, moments: tuple[float, ...]
) -> None:
    await house.start(confirmation_seconds=60.0)
    await house.upstream.time(seconds=[5, 25])
    await house.upstream.fault("accepted_then_reset", "generate", times=-1, probability=0.3)
    await house.upstream.fault("html_502", "poll", times=-1, probability=0.2)
    await house.upstream.fault("cut_picture", times=-1, probability=0.2)
    callers = [asyncio.create_task(house.leave(prompt=f"cat {n}")) for n in range(12)]
    jobs = await asyncio.gather(*callers)
    for seconds in moments:
        await house.clock.sleep(seconds)
        await house.crash()
        await house.start()
    ended = [await house.ended(job_id) for job_id in jobs]
    known = {row["submit_id"] for row in await house.upstream.submits(KEY)}
    for job in ended:
        (part,) = job["submissions"]
        taken = part["submit_id"] in known
        assert job["status"] == ("completed" if taken else "failed"), job
        assert taken or job["error"]["code"] == "submission_unconfirmed"


async def test_a_key_file_that_changed_fails_the_jobs_honestly(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=30)
    job_id = await house.leave()
    await until(lambda: house.written()[0]["state"] == "running")
    await house.crash()
    (house.folder / "secret.key").write_text("another key " * 8)

    with pytest.raises(OtherKeyFile):  # the right one may turn up
        await house.start()
    await given_up(await asyncio.to_thread(house._made_settings))
    await house.start()
    job = await house.call("GET", f"/v1/jobs/{job_id}")
    assert job.status == 404  # with another key file, the same key names another owner
    await until(lambda: house.written()[0]["state"] == "failed")


async def test_a_caller_who_is_gone_when_the_crash_comes_changes_nothing(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=10)
    waiting = asyncio.create_task(house.generate(stream=True))
    await until(lambda: house.written() and house.written()[0]["state"] == "running")
    await house.crash()
    await cancelled(waiting)

    await house.start()
    listed = (await house.call("GET", "/v1/jobs")).json["data"]
    assert len(listed) == 1
    assert (await house.ended(listed[0]["id"]))["status"] == "completed"
