"""The catalogue as the sites themselves tell it, while the gateway runs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.simulated.house import KEY, House
from tests.unit.catalog.test_prices import picture

LITE = "high_aes_general_v50"
NEW = {"model": "High_aes_v60", "like": LITE, "title": "Image 6", "counts": [1, 2],
       "prices": {"2k": 7}, "benefits": {"2k": "image_6"}, "member_prices": {}}  # fmt: skip


@pytest.fixture
async def live(house: House) -> House:
    """A gateway that asks the sites for their models."""
    await house.start(catalogue_hours=24)
    await house.upstream.time(at_once=True)
    return house


async def told(house: House, times: int = 1, last: str = "price_list") -> None:
    """Wait until sites were asked so many times in all, and that is over."""
    for _ in range(4000):
        if await house.upstream.requests(last) >= times and not _asking(house):
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"asked {await asked(house)} times")


def _asking(house: House) -> bool:
    return any(task.get_name().startswith("catalogue of") for task in asyncio.all_tasks())


async def models(house: House, key: str = KEY) -> dict[str, Any]:
    listed = (await house.call("GET", "/v1/models", key=key)).json["data"]
    return {model["id"]: model for model in listed}


async def asked(house: House) -> list[int]:
    operations = ("common_config", "video_config", "price_list")
    return [await house.upstream.requests(operation) for operation in operations]


async def submitted(house: House) -> list[dict[str, Any]]:
    """Wait until something was accepted."""
    for _ in range(4000):
        if found := await house.upstream.submits(KEY):
            return found
        await asyncio.sleep(0.005)
    raise AssertionError("nothing was accepted")


async def alter(house: House, *orders: dict[str, Any]) -> None:
    await house.upstream.control("POST", "/models", list(orders))


async def test_a_site_is_asked_once_when_an_account_of_it_is_first_used(live: House) -> None:
    assert await asked(live) == [0, 0, 0]
    for _ in range(3):
        assert (await live.generate()).status == 200
    await told(live)
    assert await asked(live) == [1, 1, 1]
    assert (await live.generate(f"us-{KEY[::-1]}")).status == 200
    await told(live, 2)
    assert await asked(live) == [2, 2, 2]


async def test_a_site_is_asked_again_after_a_day(live: House) -> None:
    await live.generate()
    await told(live)
    live.clock.skip(23 * 3600)
    await live.generate()
    assert await asked(live) == [1, 1, 1]
    live.clock.skip(2 * 3600)
    await alter(live, NEW)
    await live.generate()
    await told(live, 2)
    assert "high_aes_v60" in await models(live)


async def test_the_list_of_models_shows_what_the_site_tells(live: House) -> None:
    before = await models(live)
    await told(live)
    assert (before["jimeng-4.5"]["source"], before["jimeng-4.5"]["credits"]) == (
        "shipped",
        {"2k": 4},
    )
    now = (await models(live))["jimeng-4.5"]
    assert (now["source"], now["credits"]) == ("live", {"2k": 4, "4k": 8})
    film = (await models(live))["jimeng-video-seedance-2.0-vip"]
    assert film["credits"] == {"720p-5s": 70, "1080p-5s": 140, "4k-5s": 280}


async def test_a_new_model_can_be_used_as_soon_as_the_site_has_told_of_it(live: House) -> None:
    await alter(live, NEW)
    assert (await live.generate(model="high_aes_v60")).status == 404
    await models(live)
    await told(live)
    listed = (await models(live))["high_aes_v60"]
    assert (listed["title"], listed["counts"], listed["credits"]) == ("Image 6", [1, 2], {"2k": 7})
    assert (await live.generate(model="high_aes_v60", n=3)).status == 200
    submits = await live.upstream.submits(KEY)
    assert {one["model_req_key"] for one in submits} == {"High_aes_v60"}
    assert sorted(one["gen_count"] for one in submits) == [1, 2]


async def test_a_new_film_model_is_paid_with_the_item_that_the_site_names(live: House) -> None:
    await alter(
        live,
        {"model": "dreamina_seedance_50", "like": "dreamina_seedance_40_mini", "lengths": [6, 12],
         "benefits": {"720p": "seedance_50_720p"}},
    )  # fmt: skip
    await models(live)
    await told(live)
    answer = await live.call(
        "POST", "/v1/videos", {"model": "dreamina_seedance_50", "prompt": "a cat", "seconds": "12"}
    )
    assert answer.status == 200, answer.json
    (sent,) = await submitted(live)
    assert sent["film"]["asked"]["benefit_type"] == "seedance_50_720p"


async def test_other_sizes_and_numbers_of_a_known_model_are_taken_over(live: House) -> None:
    await alter(live, {"model": LITE, "counts": [1, 2], "usual_count": 2, "prices": {"2k": 3}})
    await models(live)
    await told(live)
    refused = await live.generate(model="jimeng-5.0", resolution="4k")
    assert (refused.status, refused.error["param"]) == (400, "resolution")
    assert (await live.generate(model="jimeng-5.0", n=3)).status == 200
    assert sorted(one["gen_count"] for one in await live.upstream.submits(KEY)) == [1, 2]


async def test_a_task_is_charged_what_the_site_foretold(live: House) -> None:
    await alter(live, {"model": LITE, "prices": {"2k": 5, "4k": 9}})
    await models(live, f"hk-{KEY}")
    await told(live)
    assert (await live.generate(f"hk-{KEY}", model="jimeng-5.0", n=3)).status == 200
    (sent,) = await live.upstream.submits(KEY)
    catalogue = live.gateway.desk._ordering._new_jobs._catalogue
    assert catalogue.price(picture("jimeng-5.0"), "hk", 3) == sent["price"] == 15
    assert catalogue.price(picture("jimeng-5.0"), "cn", 3) == 9  # which was shipped


async def test_a_site_that_tells_nothing_leaves_all_as_it_was(live: House) -> None:
    await live.upstream.fault("html_502", "common_config", times=-1)
    await live.upstream.fault("html_502", "video_config", times=-1)
    await live.upstream.fault("html_502", "price_list", times=-1)
    assert (await live.generate()).status == 200
    await told(live)
    assert (await models(live))["jimeng-4.5"]["source"] == "shipped"
    await live.upstream.control("DELETE", "/faults")
    await live.generate()
    assert await asked(live) == [1, 1, 1]  # it is left alone for ten minutes
    live.clock.skip(700)
    await live.generate()
    await told(live, 2)
    assert (await models(live))["jimeng-4.5"]["source"] == "live"


async def test_one_part_that_fails_does_not_keep_the_others_back(live: House) -> None:
    await live.upstream.fault("html_502", "price_list", times=-1)
    await models(live)
    await told(live)
    model = (await models(live))["jimeng-4.5"]
    assert (model["source"], model["credits"]) == ("live", {"2k": 4})


async def test_nobody_waits_for_a_site_that_does_not_answer(live: House) -> None:
    held = live.door.hold_before("/mweb/v1/get_common_config")
    assert (await live.generate()).status == 200
    await held.reached.wait()
    assert (await models(live))["jimeng-4.5"]["source"] == "shipped"
    held.go.set()
    await told(live)
    assert (await models(live))["jimeng-4.5"]["source"] == "live"


async def test_a_dead_session_tells_nothing_of_the_site(live: House) -> None:
    await models(live, "dead" + "0" * 28)
    await told(live, last="common_config")
    assert await asked(live) == [1, 0, 0]
    assert (await models(live))["jimeng-4.5"]["source"] == "shipped"


async def test_drift_is_told_once(live: House) -> None:
    await alter(live, NEW, {"model": "high_aes_general_v41", "listed": False})
    with capture_logs() as logs:
        await models(live)
        await told(live)
        live.clock.skip(25 * 3600)
        await models(live)
        await told(live, 2)
    lines = [entry["drift"] for entry in logs if entry["event"] == "catalogue_drift"]
    assert lines.count("High_aes_v60: new model") == 1
    assert lines.count("jimeng-4.1: not listed") == 1
    assert len(lines) == len(set(lines))


async def test_a_job_of_a_new_model_outlives_the_gateway_that_knew_it(live: House) -> None:
    await alter(live, NEW)
    await models(live)
    await told(live)
    await live.upstream.account(KEY, images_at_once=0)
    job = await live.leave(model="high_aes_v60")
    assert (await live.job(job))["status"] in ("queued", "in_progress")
    await live.stop()
    await live.upstream.account(KEY, images_at_once=None)
    await live.start()
    await submitted(live)
    assert await live.upstream.charged(KEY) == 1


async def test_such_a_job_waits_for_a_site_that_does_not_tell_yet(live: House) -> None:
    await alter(live, NEW)
    await models(live)
    await told(live)
    await live.upstream.account(KEY, images_at_once=0)
    await live.leave(model="high_aes_v60")
    await live.stop()
    await live.upstream.account(KEY, images_at_once=None)
    for operation in ("common_config", "video_config", "price_list"):
        await live.upstream.fault("html_502", operation)
    await live.start()
    (sent,) = await submitted(live)
    assert sent["model_req_key"] == "High_aes_v60"
    assert (await asked(live))[0] == 3  # before, in vain, and again


async def test_nothing_is_asked_where_a_setting_says_so(house: House) -> None:
    await house.start(catalogue_hours="none")
    await house.upstream.time(at_once=True)
    await models(house)
    await house.generate()
    assert await asked(house) == [0, 0, 0]
