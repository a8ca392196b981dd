"""How often the upstream is asked, counted by the upstream."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from tests.simulated.house import House

FIRST, SECOND = "1" * 32, "2" * 32


async def served(house: House, key: str, jobs: int) -> None:
    answers = await asyncio.gather(
        *(house.generate(key, prompt=f"cat {n}", response_format="url") for n in range(jobs))
    )
    assert {answer.status for answer in answers} == {200}


async def test_all_jobs_of_an_account_are_asked_about_in_one_call(gateway: House) -> None:
    await gateway.upstream.time(seconds=[5, 25])
    await served(gateway, FIRST, 40)
    ledger = await gateway.upstream.ledger()
    polls, looks = sum(ledger["polls"].values()), sum(ledger["looks"].values())
    assert polls <= 30
    assert looks > 3 * polls


async def test_a_call_names_no_more_jobs_than_the_setting_allows(house: House) -> None:
    await house.start(poll_ids=4)
    await house.upstream.switch(max_ids=4)
    await house.upstream.time(seconds=[5, 25])
    await served(house, FIRST, 10)
    refused = (await house.upstream.ledger())["refusals"]
    assert refused == {}


async def test_accounts_are_asked_about_separately(gateway: House) -> None:
    await gateway.upstream.time(seconds=10)
    await asyncio.gather(served(gateway, FIRST, 3), served(gateway, SECOND, 3))
    assert len((await gateway.upstream.ledger())["polls"]) == 2


async def test_nothing_is_asked_while_nothing_runs(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    await served(gateway, FIRST, 2)
    before = len(gateway.door.asked)
    await gateway.clock.sleep(60)
    assert len(gateway.door.asked) == before


async def test_a_gateway_that_starts_with_nothing_to_do_asks_nothing(gateway: House) -> None:
    await gateway.clock.sleep(30)
    assert gateway.door.asked == []


async def test_one_job_alone_takes_few_requests(gateway: House) -> None:
    await gateway.upstream.time(seconds=20)
    await served(gateway, FIRST, 1)
    requests = sum("/mweb/" in request.url for request in gateway.door.asked)
    assert (
        requests <= 20
    )  # 17 looks a second apart at most, the paid request, and one for a slow machine


async def test_looks_at_an_account_are_a_second_apart(gateway: House) -> None:
    await gateway.upstream.time(seconds=[5, 15])
    await served(gateway, FIRST, 15)
    seen = (await gateway.upstream.control("GET", "/requests?times=1"))["times"]
    at = [one["at"] for one in seen if one["operation"] == "poll"]
    pauses = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert min(pauses) >= 0.9


@pytest.mark.speed(400)
async def test_an_upstream_that_is_away_is_asked_ever_less_often(house: House) -> None:
    await house.start(job_seconds=200.0)
    await house.upstream.time(seconds=8)
    await house.upstream.fault("html_502", "poll", times=-1)
    waiting = asyncio.create_task(house.generate())
    await house.clock.sleep(400)
    polls = await house.upstream.requests("poll")
    assert polls <= 30
    answer = await waiting
    assert (answer.status, answer.error["code"]) == (504, "generation_timeout")
    await house.upstream.control("DELETE", "/faults")
    job_id = answer.headers["x-job-id"]
    async with asyncio.timeout(20):
        while not (job := await house.job(job_id))["late"]:
            await house.clock.sleep(10)
    assert len(job["results"]) == 1
    assert job["status"] == "failed"


@pytest.mark.speed(400)
async def test_a_job_without_an_answer_is_not_waited_for_longer_than_a_day(house: House) -> None:
    await house.start(job_seconds=60.0)
    await house.upstream.time(seconds=8)
    await house.upstream.fault("html_502", "poll", times=-1)
    job_id = await house.leave()
    await house.clock.sleep(120)
    await house.crash()
    house.clock.skip(90_000)
    await house.start()
    job = await house.ended(job_id)
    assert (job["error"]["code"], job["error"]["charge"]) == ("generation_timeout", "charged")


async def test_a_short_limit_of_jobs_at_once_is_lived_with(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.account(FIRST, images_at_once=2)
    answers = await asyncio.gather(*(gateway.generate(FIRST) for _ in range(4)))
    assert {answer.status for answer in answers} == {200}
