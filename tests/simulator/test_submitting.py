"""Which submissions are accepted, what becomes of them, and how others are refused."""

import json
from typing import Any

import pytest

from jimeng_api.simulator.accounts import USUAL_CREDITS
from tests.simulator.caller import GENERATE, Sim
from tests.simulator.forms import (
    BANANA,
    FOUR,
    LITE,
    MJ82,
    browser_form,
    changed,
    inside_form,
    new_id,
    old_form,
    tree_of,
    wrapped,
)


async def test_the_browsers_form_is_accepted_and_answered_with_a_record() -> None:
    sim = Sim()
    form = browser_form(prompt="two horses running")
    answer = await sim.submit(form)
    assert answer.status == 200
    assert answer.ret == "0"
    record = answer.data["aigc_data"]
    assert record["status"] == 20
    assert record["submit_id"] == form["submit_id"]
    assert record["history_record_id"] == record["task"]["history_id"]
    assert record["history_record_id"].isdigit()
    assert len(record["history_record_id"]) == 14
    assert record["history_group_key"] == "two horses running"
    assert record["generate_id"] == answer.json["logid"]
    assert record["model_info"]["model_req_key"] == LITE
    assert record["item_list"] == []
    assert record["queue_info"]["queue_status"] == 2
    assert json.loads(record["draft_content"]) == json.loads(form["draft_content"])
    assert answer.data["fail_code"] == ""


@pytest.mark.parametrize("form", [inside_form(), inside_form(count=2), old_form()])
async def test_forms_of_other_clients_run_as_well(form: dict[str, Any]) -> None:
    sim = Sim()
    record = await sim.finished(await sim.accepted(form))
    assert record["status"] == 50
    assert len(record["item_list"]) == (2 if "gen_count" in form["draft_content"] else 4)


async def test_a_series_without_benefit_count_in_its_telemetry_is_accepted() -> None:
    sim = Sim()
    form = browser_form(model=FOUR, prompt="连续的三张画")
    form["metrics_extra"] = json.dumps({"templateId": "", "sceneOptions": "[]"})
    assert (await sim.submit(form)).ret == "0"
    without = browser_form()
    del without["metrics_extra"]
    assert (await sim.submit(without)).ret == "0"


async def test_a_draft_that_is_no_string_is_a_common_error() -> None:
    sim = Sim()
    form = browser_form()
    form["draft_content"] = json.loads(form["draft_content"])
    answer = await sim.submit(form)
    assert (answer.status, answer.ret, answer.json["errmsg"]) == (200, "1002", "common error")


@pytest.mark.parametrize(
    ("form", "ret"),
    [
        (changed(browser_form(), "model", drop=True), "1000"),
        (changed(browser_form(), "model", value="no_such_model"), "1000"),
        (changed(browser_form(), "prompt", value="  "), "1000"),
        (browser_form(model=BANANA, resolution="1k"), "1000"),
        (changed(browser_form(), "seed", value=-1), "1001"),
        (changed(browser_form(), "seed", value="7"), "1001"),
        (changed(browser_form(), "sample_strength", value=3), "1001"),
        (changed(browser_form(), "large_image_info", "width", value=0), "1001"),
        (changed(browser_form(), "large_image_info", "resolution_type", value="8k"), "1001"),
        (browser_form(count=0), "1001"),
        ({**browser_form(), "submit_id": ""}, "1000"),
        ({**browser_form(), "draft_content": "{"}, "1002"),
        ({**browser_form(), "draft_content": "{}"}, "1000"),
        (browser_form(aid=513641), "1001"),
        (wrapped(tree_of({}, generate_type="blend"), LITE, 513695), "1000"),
        (wrapped(tree_of({}, generate_type="video"), LITE, 513695), "1000"),
        (wrapped(tree_of({"generate": 7}), LITE, 513695), "1000"),
        (wrapped([], LITE, 513695), "1000"),
    ],
)
async def test_what_the_upstream_cannot_draw_is_refused_and_costs_nothing(
    form: dict[str, Any], ret: str
) -> None:
    sim = Sim()
    answer = await sim.submit(form)
    assert answer.status == 200
    assert answer.ret == ret
    assert answer.data["aigc_data"] is None
    assert await sim.balance() == USUAL_CREDITS
    assert (await sim.ledger())["totals"]["accepted"] == 0


async def test_a_body_that_is_no_json_is_refused() -> None:
    sim = Sim()
    assert (await sim.ask(GENERATE, b"{")).ret == "1000"
    assert (await sim.ask(GENERATE, b"[]")).ret == "1000"


async def test_the_key_of_another_site_runs_there() -> None:
    sim = Sim(site="sg")
    form = browser_form(model=BANANA, resolution="1k", width=1024, height=1024, aid=513641)
    record = await sim.finished(await sim.accepted(form))
    assert record["item_list"][0]["common_attr"]["cover_width"] == 1024
    uri = record["item_list"][0]["common_attr"]["cover_uri"]
    assert uri.startswith("tos-alisg-i-wopfjsm1ax-sg/")


async def test_resolution_type_decides_size_and_price_even_if_the_pixels_disagree() -> None:
    sim = Sim()
    form = browser_form(width=1024, height=1024, resolution="2k", count=1)
    record = await sim.finished(await sim.accepted(form))
    large = record["item_list"][0]["image"]["large_images"][0]
    assert (large["width"], large["height"]) == (2048, 2048)
    submit = (await sim.ledger())["submits"][0]
    assert (submit["width"], submit["height"], submit["price"]) == (2048, 2048, 3)
    assert submit["asked"]["width"] == 1024


async def test_sizes_off_the_table_become_the_nearest_ratio() -> None:
    sim = Sim()
    await sim.accepted(browser_form(width=2000, height=1000, ratio=3))
    await sim.accepted(browser_form(width=5120, height=2880, resolution="4k", ratio=103))
    sizes = [(row["width"], row["height"]) for row in (await sim.ledger())["submits"]]
    assert sizes == [(2560, 1440), (5404, 3040)]


@pytest.mark.parametrize(
    "form",
    [
        browser_form(width=2000, height=1000, ratio=3),
        browser_form(width=2048, height=2048, ratio=3),
        browser_form(width=4096, height=4096, resolution="4k", ratio=101),
        browser_form(ratio=None),
    ],
)
async def test_sizes_off_the_table_are_refused_when_the_switch_says_so(
    form: dict[str, Any],
) -> None:
    sim = Sim()
    await sim.switch(wrong_size="refuse")
    assert (await sim.submit(form)).ret == "1001"
    assert (await sim.submit(browser_form())).ret == "0"


async def test_a_smart_ratio_is_chosen_by_the_server_and_the_same_for_the_same_seed() -> None:
    chosen = []
    for seed in (1, 1, 2, 3, 4):
        sim = Sim(seed=seed)
        await sim.accepted(browser_form(ratio=None, core={"intelligent_ratio": True}))
        chosen.append((await sim.ledger())["submits"][0]["image_ratio"])
    assert chosen[0] == chosen[1]
    assert len(set(chosen)) > 1


async def test_a_count_that_is_no_option_becomes_the_next_one_and_is_echoed() -> None:
    sim = Sim()
    form = browser_form(model=MJ82, resolution="1k", width=1024, height=1024, count=2)
    answer = await sim.submit(form)
    tree = json.loads(answer.data["aigc_data"]["draft_content"])
    assert tree["component_list"][0]["abilities"]["gen_option"]["gen_count"] == 4
    record = await sim.finished(form["submit_id"])
    assert record["total_image_count"] == len(record["item_list"]) == 4
    assert (await sim.ledger())["submits"][0]["asked"]["gen_count"] == 2


async def test_the_price_is_model_by_resolution_by_count_and_taken_at_once() -> None:
    sim = Sim()
    await sim.accepted(browser_form(count=2))
    assert await sim.balance() == USUAL_CREDITS - 2 * 3
    await sim.accepted(browser_form(model=FOUR, resolution="4k", count=1))
    assert await sim.balance() == USUAL_CREDITS - 2 * 3 - 8
    charges = (await sim.ledger())["charges"]
    assert [charge["credits"] for charge in charges] == [6, 8]


async def test_without_the_credits_nothing_is_queued_and_the_fail_fields_are_filled() -> None:
    sim = Sim()
    await sim.account(credits=11)
    answer = await sim.submit(browser_form(count=4))
    assert (answer.ret, answer.json["errmsg"]) == ("1006", "积分不足")
    assert answer.data["fail_code"] == "1006"
    assert answer.data["fail_starling_key"].endswith("credit_ininsufficient_title")
    assert answer.data["fail_starling_message"] == "积分不足"
    assert (await sim.ledger())["submits"] == []
    assert await sim.balance() == 11


async def test_a_price_can_be_set_for_an_account() -> None:
    sim = Sim()
    await sim.account(price=0, credits=0)
    assert (await sim.submit()).ret == "0"


async def test_the_same_submit_id_again_is_a_second_job_and_flagged() -> None:
    sim = Sim()
    form = browser_form(count=1)
    first = await sim.submit(form)
    second = await sim.submit(form)
    ids = {answer.data["aigc_data"]["history_record_id"] for answer in (first, second)}
    assert len(ids) == 2
    ledger = await sim.ledger(f"?submit_id={form['submit_id']}")
    assert [row["double"] for row in ledger["submits"]] == [False, True]
    assert ledger["totals"]["double"] == 1
    assert await sim.balance() == USUAL_CREDITS - 6


@pytest.mark.parametrize(("choice", "ret"), [("same", "0"), ("refuse", "1000")])
async def test_the_same_submit_id_can_be_answered_otherwise(choice: str, ret: str) -> None:
    sim = Sim()
    await sim.switch(same_submit_id=choice)
    form = browser_form(count=1)
    first, second = await sim.submit(form), await sim.submit(form)
    assert second.ret == ret
    if choice == "same":
        keys = [answer.data["aigc_data"]["history_record_id"] for answer in (first, second)]
        assert keys[0] == keys[1]
    assert (await sim.ledger())["totals"]["accepted"] == 1


@pytest.mark.parametrize("ret", ["1310", "1010"])
async def test_more_jobs_at_once_than_allowed_wait_for_one_to_end(ret: str) -> None:
    sim = Sim()
    await sim.account(images_at_once=2, at_once_ret=ret)
    await sim.accepted()
    await sim.accepted()
    assert (await sim.submit()).ret == ret
    sim.clock.at += 60
    assert (await sim.submit()).ret == "0"


async def test_a_job_that_is_stuck_keeps_its_place() -> None:
    sim = Sim()
    await sim.account(images_at_once=1)
    await sim.fault("stuck")
    await sim.accepted()
    sim.clock.at += 10_000
    assert (await sim.submit()).ret == "1310"


@pytest.mark.parametrize("answer_with", ["1057", "429"])
async def test_a_burst_is_limited_by_the_minute(answer_with: str) -> None:
    sim = Sim()
    await sim.account(per_minute=2, per_minute_ret=answer_with)
    await sim.accepted()
    await sim.accepted()
    answer = await sim.submit()
    assert answer.status == 429 if answer_with == "429" else answer.ret == "1057"
    sim.clock.at += 61
    assert (await sim.submit()).ret == "0"


async def test_a_day_holds_only_so_many_jobs() -> None:
    sim = Sim()
    await sim.account(per_day=1)
    await sim.accepted()
    assert (await sim.submit()).ret == "121101"
    sim.clock.at += 86_400
    assert (await sim.submit()).ret == "0"


async def test_a_punished_account_may_look_but_not_submit() -> None:
    sim = Sim()
    submit_id = await sim.accepted()
    await sim.account(punished=True)
    answer = await sim.submit()
    assert (answer.ret, answer.data) == ("1018", None)
    assert (await sim.finished(submit_id))["status"] == 50
    assert await sim.balance() > 0


@pytest.mark.parametrize("ret", ["1019", "4013"])
async def test_risk_control_lasts_for_a_while(ret: str) -> None:
    sim = Sim()
    await sim.account(risk=60, risk_ret=ret)
    assert (await sim.submit()).ret == ret
    sim.clock.at += 61
    assert (await sim.submit()).ret == "0"
    await sim.account(risk=True)
    sim.clock.at += 100_000
    assert (await sim.submit()).ret == ret


async def test_consent_and_region_can_stand_in_the_way() -> None:
    sim = Sim()
    await sim.account(needs_consent=True)
    assert (await sim.submit()).ret == "4010"
    await sim.account(needs_consent=False, region_refused=True)
    answer = await sim.submit()
    assert (answer.ret, answer.json["errmsg"]) == ("3000", "region not allow")


async def test_strictness_about_the_draft_finds_misplaced_parts() -> None:
    sim = Sim()
    await sim.switch(strict_draft=True)
    answer = await sim.submit(inside_form())
    assert (answer.ret, answer.json["errmsg"]) == ("3018", "permission denied")
    other_root = browser_form()
    other_root["extend"]["root_model"] = "jimeng-5.0"
    assert (await sim.submit(other_root)).ret == "1000"
    assert (await sim.submit(browser_form())).ret == "0"


async def test_oddities_are_noted_in_the_ledger_when_they_are_let_through() -> None:
    sim = Sim()
    await sim.accepted(inside_form())
    assert (await sim.ledger())["submits"][0]["remarks"] == ["gen_option inside generate"]


async def test_a_submit_id_of_another_account_is_not_a_double() -> None:
    sim = Sim()
    form = browser_form(submit_id=new_id())
    await sim.submit(form)
    await sim.submit(form, session="f" * 32)
    assert (await sim.ledger())["totals"]["double"] == 0
