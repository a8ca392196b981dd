"""What a gateway has kept long enough goes by itself, and never before it was collected."""

from __future__ import annotations

from pathlib import Path

from tests.simulated.house import KEY, House, submits_sent, until

DAY = 86_400.0
KEYED = {"idempotency-key": "order 1"}
GENERATIONS = "/v1/images/generations"
A_MOMENT = 1 / DAY


def files(house: House) -> list[Path]:
    return [path for path in (house.folder / "media").rglob("*") if path.is_file()]


async def test_a_job_whose_media_have_aged_out_shows_no_dead_links(house: House) -> None:
    await house.start(keep_media_days=2, keep_jobs_days=30)
    await house.upstream.time(seconds=5)
    answer = await house.generate(n=2, response_format="url")
    job_id = answer.headers["x-job-id"]
    assert len(files(house)) == 2
    await house.stop()
    house.clock.skip(3 * DAY)

    await house.start()
    await until(lambda: not house.kept())
    assert files(house) == []
    job = await house.job(job_id)
    assert (job["status"], job["results"], job["partial"]) == ("completed", [], False)
    for one in answer.json["data"]:
        assert (await house.fetch(one["url"])).status == 404


async def test_a_job_is_gone_for_its_owner_once_its_time_is_over(house: House) -> None:
    await house.start(keep_media_days=2, keep_jobs_days=2)
    await house.upstream.time(seconds=5)
    first = (await house.generate()).headers["x-job-id"]
    house.clock.skip(1.5 * DAY)
    second = (await house.generate()).headers["x-job-id"]
    await house.stop()
    house.clock.skip(1 * DAY)

    await house.start()
    await until(lambda: len(house.written()) == 1)
    house.unknown += 1  # its row is gone, and the upstream's ledger still has it
    assert (await house.call("GET", f"/v1/jobs/{first}")).status == 404
    assert (await house.job(second))["status"] == "completed"
    assert len(files(house)) == 1


async def test_nothing_of_a_job_ages_out_while_its_late_result_may_still_come(
    house: House,
) -> None:
    await house.start(job_seconds=60, keep_jobs_days=A_MOMENT, keep_keys_hours=0)
    await house.upstream.time(seconds=1200)
    body = {"model": "jimeng-4.5", "prompt": "a cat"}
    answer = await house.call("POST", GENERATIONS, body, headers=KEYED)
    assert answer.error["code"] == "generation_timeout"
    job_id = answer.error["job_id"]
    again = await house.call("POST", GENERATIONS, body, headers=KEYED)
    assert again.error["job_id"] == job_id
    began = house.clock.now()
    # One pass after the other finds a job that ended long ago by its settings.
    await until(lambda: house.kept() and house.gateway.workshop.find(job_id) is None)
    assert house.clock.now() > began + 600
    job = await house.job(job_id)
    assert job["late"] is True
    assert job["results"]
    assert submits_sent(house) == 1


async def test_a_key_counts_until_its_time_is_over_and_then_orders_anew(house: House) -> None:
    await house.start(keep_keys_hours=2)
    await house.upstream.time(seconds=5)
    body = {"model": "jimeng-4.5", "prompt": "a cat", "n": 1}
    first = await house.call("POST", GENERATIONS, body, headers=KEYED)
    house.clock.skip(3600)
    again = await house.call("POST", GENERATIONS, body, headers=KEYED)
    assert again.headers["x-job-id"] == first.headers["x-job-id"]
    house.clock.skip(2 * 3600)
    later = await house.call("POST", GENERATIONS, body, headers=KEYED)
    assert later.headers["x-job-id"] != first.headers["x-job-id"]
    assert await house.upstream.charged(KEY) == 2


async def test_a_repeat_of_an_order_whose_pictures_are_gone_says_so_and_pays_nothing(
    house: House,
) -> None:
    await house.start(keep_media_days=0.1, keep_keys_hours=24)
    await house.upstream.time(seconds=5)
    body = {"model": "jimeng-4.5", "prompt": "a cat", "n": 1}
    first = await house.call("POST", GENERATIONS, body, headers=KEYED)
    assert first.status == 200
    await house.stop()
    house.clock.skip(4 * 3600)

    await house.start()
    await until(lambda: not house.kept())
    again = await house.call("POST", GENERATIONS, body, headers=KEYED)
    assert again.status == 404
    assert again.error["job_id"] == first.headers["x-job-id"]
    assert again.error["charge"] == "charged"
    assert again.headers["x-should-retry"] == "false"
    assert submits_sent(house) == 0


async def test_the_keys_that_are_over_are_forgotten_on_the_disk_too(house: House) -> None:
    await house.start(keep_keys_hours=1)
    await house.upstream.time(seconds=5)
    body = {"model": "jimeng-4.5", "prompt": "a cat", "n": 1}
    await house.call("POST", GENERATIONS, body, headers=KEYED)
    keys = "SELECT * FROM idempotency_keys"
    assert len(house._rows(keys)) == 1
    await house.stop()
    house.clock.skip(2 * 3600)

    await house.start()
    await until(lambda: not house._rows(keys))
    assert len(house.written()) == 1
