"""Films: sent once, followed at their own pace, kept in the best quality, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from jimeng_api.domain.requests import VideoRequest
from jimeng_api.generation.new_jobs import ready
from tests.simulated.house import KEY, House

REQUEST = VideoRequest(
    model="jimeng-video-3.5-pro",
    prompt="waves on a beach",
    mode="t2v",
    ratio="16:9",
    resolution="720p",
    seconds=5,
    seed=7,
)


async def ordered(house: House, *, key: str = KEY, **values: Any) -> str:
    request = dataclasses.replace(REQUEST, **values)
    job = await house.gateway.desk.order(
        house._caller(key), ready(request), asked_model=request.model
    )
    return job.id


async def the_film(house: House, job: dict[str, Any]) -> bytes:
    (result,) = job["results"]
    file = await house.fetch(result["url"])
    assert file.status == 200
    assert file.headers["content-type"] == "video/mp4"
    assert len(file.body) == result["bytes"]
    body: bytes = file.body
    return body


async def films_fetched(house: House, quality: str) -> int:
    return sum(f"/video/tos/{quality}/" in request.url for request in house.door.asked)


@pytest.mark.parametrize("site", ["", "us-", "hk-", "jp-", "sg-"])
async def test_a_film_of_every_site_is_kept_in_the_quality_that_may_be_downloaded(
    gateway: House, site: str
) -> None:
    job = await gateway.ended(await ordered(gateway, key=site + KEY), site + KEY)
    assert job["status"] == "completed"
    assert (await the_film(gateway, job))[4:8] == b"ftyp"
    (result,) = job["results"]
    assert (result["width"], result["height"]) == (1280, 720)
    assert await films_fetched(gateway, "dreamnia") == 1
    assert await films_fetched(gateway, "artist") == 0
    (submit,) = (await gateway.upstream.ledger(""))["submits"]
    assert submit["kind"] == "video"


async def test_a_film_comes_in_lesser_quality_where_the_better_one_cannot_be_had(
    gateway: House,
) -> None:
    await gateway.upstream.fault("http_error", on="local_items", times=-1)
    job = await gateway.ended(await ordered(gateway))
    assert job["status"] == "completed"
    await the_film(gateway, job)
    assert await films_fetched(gateway, "artist") == 1


async def test_films_that_are_ready_together_are_asked_for_together(gateway: House) -> None:
    await gateway.upstream.time(seconds=120)
    jobs = await asyncio.gather(*(ordered(gateway) for _ in range(6)))
    for job in jobs:
        assert (await gateway.ended(job))["status"] == "completed"
    assert await films_fetched(gateway, "dreamnia") == 6
    calls = sum("/get_local_item_list" in request.url for request in gateway.door.asked)
    assert calls <= 3  # on a slow machine they are not ordered at quite the same time


async def test_ten_films_of_an_account_take_few_looks(gateway: House) -> None:
    await gateway.upstream.time(seconds=[90, 180])
    jobs = await asyncio.gather(*(ordered(gateway) for _ in range(10)))
    for job in jobs:
        assert (await gateway.ended(job))["status"] == "completed"
    polls = sum((await gateway.upstream.ledger(""))["polls"].values())
    assert polls <= 18  # one in twelve seconds


async def test_a_film_whose_transfer_breaks_off_is_taken_up_where_it_broke(gateway: House) -> None:
    await gateway.upstream.fault("cut_picture", on="film", times=1)
    job = await gateway.ended(await ordered(gateway))
    assert job["status"] == "completed"
    await the_film(gateway, job)
    assert await gateway.upstream.unspent() == 0


async def test_a_queue_of_twenty_minutes_a_restart_and_a_dead_link_cost_one_film_its_patience_only(
    gateway: House,
) -> None:
    await gateway.upstream.time(seconds=1500)
    await gateway.upstream.fault("expired_links", seconds=-1, times=1)
    job_id = await ordered(gateway)
    await gateway.clock.sleep(700)
    assert (await gateway.job(job_id))["queue"] is not None
    await gateway.crash()
    await gateway.clock.sleep(120)
    await gateway.start()
    job = await gateway.ended(job_id)
    assert job["status"] == "completed"
    await the_film(gateway, job)
    assert len(await gateway.upstream.submits(KEY)) == 1
    assert await gateway.upstream.charged(KEY) == 1
    assert await gateway.upstream.unspent() == 0
