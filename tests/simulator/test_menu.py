"""The models and prices that a site has: how they are told, altered, and charged."""

from typing import Any

import pytest

from tests.simulator.caller import Sim
from tests.simulator.film_forms import MINI, film_form
from tests.simulator.forms import FOUR, LITE, browser_form

CONFIG = "/mweb/v1/get_common_config"
FILM_CONFIG = "/mweb/v1/video_generate/get_common_config"
PRICES = "/commerce/v3/resource/benefit_metadata"
EVERYTHING = {
    "query_list": [
        {"resource_type": "aigc", "resource_id": "get_all", "benefit_type_list": []},
        {"resource_type": "normal_func", "resource_id": "get_all", "benefit_type_list": []},
    ]
}


async def alter(sim: Sim, *orders: dict[str, Any]) -> Any:
    answer = await sim.control("POST", "/models", list(orders))
    assert answer.status == 200, answer.body
    return answer.json


async def images(sim: Sim) -> dict[str, Any]:
    models = (await sim.ask(CONFIG)).data["model_list"]
    return {row["model_req_key"]: row for row in models}


async def films(sim: Sim) -> dict[str, Any]:
    models = (await sim.ask(FILM_CONFIG, {"scene": "generate_video"})).data["model_list"]
    return {row["model_req_key"]: row for row in models}


async def prices(sim: Sim, order: Any = None) -> dict[tuple[str, str], tuple[float, str]]:
    """Credits and their unit, by benefit and role."""
    data = (await sim.ask(PRICES, order or EVERYTHING)).data
    return {
        (one["benefit_type"], one["credit_strategy"]["credit_limits"][0]["role"]): (
            one["credit_strategy"]["credit_pricing_info"]["credit_unit_price"],
            one["unit"],
        )
        for resource in data["metadata_list"]
        for one in resource["benefits_pay_strategy"]
    }


async def charged(sim: Sim, form: dict[str, Any]) -> int:
    before = await sim.balance()
    await sim.accepted(form)
    return before - await sim.balance()


async def test_the_list_of_prices_says_what_a_picture_and_a_second_cost() -> None:
    listed = await prices(Sim())
    seen = {
        ("image_basic_v5_4k", "all"): (4, "page"),
        ("image_basic_v5_2k", "all"): (3, "page"),
        ("image_basic_v5_2k", "vip"): (0, "page"),
        ("seedance_20_mini_720p_output", "all"): (6, "second"),
    }
    assert {name: listed[name] for name in seen} == seen
    # Two models that cost differently pay with it.
    assert ("dreamina_video_seedance_20_video_add", "all") not in listed


async def test_the_list_of_prices_can_be_narrowed_and_needs_a_session() -> None:
    sim = Sim()
    query = {
        "resource_type": "aigc",
        "resource_id": "generate_img",
        "benefit_type_list": ["image_basic_v5_4k"],
    }
    assert await prices(sim, {"query_list": [query]}) == {("image_basic_v5_4k", "all"): (4, "page")}
    assert await prices(sim, {"query_list": [{"resource_type": "normal_func"}]}) == {}
    assert (await sim.ask(PRICES, EVERYTHING, session="")).ret == "1015"


async def test_the_item_that_pays_leads_from_a_model_to_its_price() -> None:
    sim = Sim()
    listed, lite = await prices(sim), (await images(sim))[LITE]
    items = {
        one["resolution"]: one["price"]["benefit_type"]
        for one in lite["commercial_config"]["resolution_price_configs"]
    }
    assert list(items) == list(lite["resolution_map"]) == ["2k", "4k"]
    assert listed[items["2k"], "all"] == (3, "page")
    assert await charged(sim, browser_form(model=LITE, count=2)) == 6


async def test_members_pay_less_and_get_more() -> None:
    sim = Sim()
    await sim.account(member="standard")
    assert await charged(sim, browser_form(model=LITE, count=4)) == 0
    assert await charged(sim, browser_form(model=FOUR, count=1)) == 4
    gift = (await sim.ask("/commerce/v1/benefits/credit_receive")).data
    assert gift["receive_quota"] == 80


async def test_a_price_that_is_altered_is_told_and_charged() -> None:
    sim = Sim()
    await alter(sim, {"model": LITE, "prices": {"2k": 5, "4k": 9}, "member_prices": {}})
    assert (await prices(sim))["image_basic_v5_2k", "all"] == (5, "page")
    assert await charged(sim, browser_form(model=LITE, count=2)) == 10
    await alter(sim, {"model": MINI, "prices": {"720p": 2.5}})
    assert (await prices(sim))["seedance_20_mini_720p_output", "all"] == (2.5, "second")
    assert await charged(sim, film_form(seconds=5)) == 13


async def test_a_new_model_is_listed_and_runs() -> None:
    sim = Sim()
    await alter(
        sim,
        {
            "model": "high_aes_general_v60", "like": LITE, "title": "Image 6.0", "counts": [1, 2],
            "usual_count": 2, "inputs": 3, "sites": ["cn"], "prices": {"2k": 7},
            "benefits": {"2k": "image_basic_v6_2k"},
            "pixels": {"2k": {"1:1": [2000, 2000], "16:9": [2500, 1400]}},
        },
        {"model": "dreamina_seedance_50", "like": MINI, "title": "Seedance 5", "lengths": [6, 12]},
    )  # fmt: skip
    row = (await images(sim))["high_aes_general_v60"]
    assert (row["model_name"], row["generate_count_options"]) == ("Image 6.0", [1, 2])
    sizes = row["resolution_map"]["2k"]["image_ratio_sizes"]
    assert [(one["ratio_type"], one["width"]) for one in sizes] == [(1, 2000), (3, 2500)]
    assert row["input_image_limit"][0]["max_image_num"] == 3
    assert await charged(sim, browser_form(model="high_aes_general_v60", count=2)) == 14
    frames = {one["key"]: one for one in (await films(sim))["dreamina_seedance_50"]["options"]}
    assert frames["frames"]["slide_bar_val"] == {
        "min": 144,
        "max": 288,
        "step": 144,
        "default": 144,
    }
    assert (await Sim(site="us").ask(CONFIG)).ret == "0"


async def test_a_model_that_is_gone_is_neither_listed_nor_made() -> None:
    sim = Sim()
    await alter(sim, {"model": FOUR, "remove": True}, {"model": MINI, "remove": True})
    assert FOUR not in await images(sim)
    assert MINI not in await films(sim)
    assert (await sim.submit(browser_form(model=FOUR))).ret == "1000"
    assert (await sim.submit(film_form())).ret == "1000"
    assert (await sim.control("DELETE", "/models")).status == 200
    assert FOUR in await images(sim)


async def test_a_model_may_run_unlisted_or_be_listed_as_unusable() -> None:
    sim = Sim()
    await alter(sim, {"model": FOUR, "listed": False}, {"model": LITE, "status": 1})
    listed = await images(sim)
    assert FOUR not in listed
    assert listed[LITE]["model_status"] == 1
    await sim.accepted(browser_form(model=FOUR))
    await alter(sim, {"model": FOUR, "listed": True})
    assert FOUR in await images(sim)


@pytest.mark.parametrize(
    "order",
    [
        {"model": "nothing_like_it"},
        {"model": LITE, "prices": {"8k": 1}},
        {"model": LITE, "prices": {}},
        {"model": LITE, "sites": ["mars"]},
        {"model": LITE, "lengths": [5]},
        {"model": MINI, "counts": [1]},
        {"model": MINI, "inputs": 4},
        {"model": MINI, "prices": {"720p": 1, "8k": 2}},
        {"model": LITE, "pixels": {"2k": {"5:1": [1, 1]}}},
        {"model": LITE, "colour": "red"},
    ],
)
async def test_an_order_that_cannot_be_meant_is_refused(order: dict[str, Any]) -> None:
    sim = Sim()
    before = (await sim.control("GET", "/models")).json
    answer = await sim.control("POST", "/models", order)
    assert answer.status == 400
    assert answer.json["error"]
    assert (await sim.control("GET", "/models")).json == before


async def test_a_reset_brings_the_usual_models_back() -> None:
    sim = Sim()
    await alter(sim, {"model": FOUR, "remove": True})
    await sim.control("POST", "/reset")
    assert FOUR in await images(sim)
