"""What looks at a job show, from its first moment to its end and in every bad case."""

import itertools
import json
from typing import Any

import pytest

from jimeng_api.simulator.accounts import USUAL_CREDITS
from tests.simulator.caller import POLL, Sim, links_of, statuses
from tests.simulator.forms import FOUR, browser_form

QUEUE = "/mweb/v1/get_history_queue_info"
HISTORY = "/mweb/v1/get_history"


async def looks(sim: Sim, submit_id: str, number: int, every: float = 0.5) -> list[Any]:
    found = []
    for _ in range(number):
        found.append(await sim.record(submit_id))
        sim.clock.at += every
    return found


async def test_a_job_goes_from_submitted_over_thinking_and_partial_to_success() -> None:
    sim = Sim()
    submit_id = await sim.accepted()
    seen = await looks(sim, submit_id, 50)
    assert [status for status, _ in itertools.groupby(statuses(seen))] == [20, 42, 45, 50]
    first, last = seen[0], seen[-1]
    assert (first["total_image_count"], first["finish_time"]) == (0, 0)
    partial = next(record for record in seen if record["status"] == 45)
    assert partial["item_list"] == []
    assert (partial["total_image_count"], partial["finished_image_count"]) == (4, 0)
    assert (last["total_image_count"], last["finished_image_count"]) == (4, 4)
    assert len(last["item_list"]) == 4
    assert last["finish_time"] == last["task"]["finish_time"] > 0
    assert last["queue_info"]["queue_status"] == 3
    assert last["fail_code"] == ""


async def test_a_run_takes_the_models_time_divided_by_the_speed() -> None:
    for speed, low, high in ((1.0, 16, 20), (10.0, 1.6, 2.0)):
        sim = Sim(speed=speed)
        await sim.accepted()
        submit = (await sim.ledger())["submits"][0]
        assert low <= submit["ready_at"] - submit["at"] <= high


async def test_the_dial_takes_seconds_a_range_looks_or_nothing_at_all() -> None:
    sim = Sim(speed=100)
    await sim.time(seconds=10)
    submit_id = await sim.accepted()
    sim.clock.at += 9.9
    assert (await sim.record(submit_id))["status"] == 45
    sim.clock.at += 0.1
    assert (await sim.record(submit_id))["status"] == 50

    await sim.time(seconds=[5, 25])
    for _ in range(30):
        await sim.accepted()
    waits = [row["ready_at"] - row["at"] for row in (await sim.ledger())["submits"][1:]]
    assert min(waits) >= 5
    assert max(waits) <= 25
    assert len({round(wait, 3) for wait in waits}) > 20

    await sim.time(looks=3)
    submit_id = await sim.accepted()
    assert statuses(await looks(sim, submit_id, 4, every=1000)) == [42, 45, 50, 50]

    await sim.time(at_once=True)
    answer = await sim.submit(form := browser_form())
    assert answer.data["aigc_data"]["status"] == 20
    assert (await sim.record(form["submit_id"]))["status"] == 50


async def test_the_answer_is_keyed_by_the_kind_of_id_that_was_asked() -> None:
    sim = Sim()
    one, two = browser_form(), browser_form()
    history_id = (await sim.submit(one)).data["aigc_data"]["history_record_id"]
    await sim.submit(two)
    order = {
        "submit_ids": [two["submit_id"], "unknown"],
        "need_batch": True,
        "history_ids": [history_id, "13499999999999"],
    }
    data = (await sim.ask(POLL, order)).data
    assert set(data) == {two["submit_id"], history_id}
    assert data[history_id]["submit_id"] == one["submit_id"]


async def test_jobs_of_other_accounts_are_absent() -> None:
    sim = Sim()
    answer = await sim.submit()
    record = answer.data["aigc_data"]
    order = {
        "submit_ids": [record["submit_id"]],
        "history_ids": [record["history_record_id"]],
    }
    assert (await sim.ask(POLL, order, session="e" * 32)).data == {}


async def test_a_poll_for_nothing_is_refused() -> None:
    sim = Sim()
    assert (await sim.ask(POLL, {})).ret == "1000"
    assert (await sim.ask(POLL, {"submit_ids": "one"})).ret == "1000"
    assert (await sim.ask(POLL, b"{")).ret == "1000"


async def test_the_number_of_ids_in_a_poll_can_be_limited() -> None:
    sim = Sim()
    await sim.switch(max_ids=2)
    assert (await sim.ask(POLL, {"submit_ids": ["a", "b"]})).ret == "0"
    assert (await sim.ask(POLL, {"submit_ids": ["a", "b", "c"]})).ret == "1001"


async def test_image_info_decides_the_keys_of_the_cover_map() -> None:
    sim = Sim()
    submit_id = await sim.accepted()
    plain = await sim.finished(submit_id)
    assert plain["item_list"][0]["common_attr"]["cover_url_map"] == {}
    assert plain["item_list"][0]["image"]["large_images"]
    scenes = [
        {"scene": "normal", "width": 360, "height": 360, "uniq_key": "360", "format": "webp"},
        {
            "scene": "smart_crop",
            "width": 240,
            "height": 320,
            "uniq_key": "smart_crop-w:240-h:320",
            "format": "webp",
        },
    ]
    info = {"width": 2048, "height": 2048, "format": "webp", "image_scene_list": scenes}
    order = {
        "history_ids": [plain["history_record_id"]],
        "image_info": info,
        "http_common_info": {"aid": 513695},
    }
    data = (await sim.ask(POLL, order)).data[plain["history_record_id"]]
    covers = data["item_list"][0]["common_attr"]["cover_url_map"]
    assert set(covers) == {"360", "smart_crop-w:240-h:320"}
    small = await sim.fetch(covers["360"])
    assert (small.status, small.headers["content-type"]) == (200, "image/webp")
    assert small.body[8:12] == b"WEBP"


async def test_an_item_says_what_it_is_in_full() -> None:
    sim = Sim()
    record = await sim.finished(await sim.accepted(browser_form(width=2560, height=1440, ratio=3)))
    item = record["item_list"][0]
    common, large = item["common_attr"], item["image"]["large_images"][0]
    assert common["id"] == common["effect_id"] == common["local_item_id"]
    assert len(common["id"]) == 19
    assert common["description"] == "two horses running"
    assert common["status"] == 144
    assert (large["width"], large["height"], large["format"]) == (2560, 1440, "png")
    assert large["image_uri"] == common["cover_uri"]
    assert large["image_uri"] in large["image_url"]
    params = item["aigc_image_params"]["text2image_params"]
    assert (params["seed"], params["prompt"]) == (1357613421, "two horses running")
    assert len({each["common_attr"]["cover_uri"] for each in record["item_list"]}) == 4


async def test_a_series_grows_from_one_to_the_number_in_the_prompt() -> None:
    sim = Sim()
    submit_id = await sim.accepted(browser_form(model=FOUR, prompt="一只猫的故事，6张"))
    seen = await looks(sim, submit_id, 40)
    totals = [total for total, _ in itertools.groupby(r["total_image_count"] for r in seen)]
    assert totals == sorted(totals)
    assert totals[0] == 0
    assert totals[-1] == 6
    assert len(totals) > 3
    assert len(seen[-1]["item_list"]) == 6


@pytest.mark.parametrize(
    ("prompt", "count", "made"),
    [
        ("连续的海浪", None, 4),
        ("绘本", 2, 2),
        ("a story in 3 pictures", None, 4),
        ("2 张猫", None, 2),
    ],
)
async def test_the_prompt_decides_the_series_only_without_a_count(
    prompt: str, count: int | None, made: int
) -> None:
    sim = Sim()
    record = await sim.finished(
        await sim.accepted(browser_form(model=FOUR, prompt=prompt, count=count))
    )
    assert len(record["item_list"]) == made


# ------------------------------------------------------------ faults of a job


async def test_a_job_may_start_at_thinking() -> None:
    sim = Sim()
    await sim.fault("starts_thinking")
    answer = await sim.submit(form := browser_form())
    assert answer.data["aigc_data"]["status"] == 42
    assert 20 not in statuses(await looks(sim, form["submit_id"], 40))


async def test_items_may_be_there_before_the_record_says_so() -> None:
    sim = Sim()
    await sim.fault("items_before_end", looks=2)
    submit_id = await sim.accepted()
    sim.clock.at += 100
    seen = await looks(sim, submit_id, 3)
    assert statuses(seen) == [45, 45, 50]
    assert [(len(r["item_list"]), r["finish_time"] > 0) for r in seen] == [
        (4, False),
        (4, False),
        (4, True),
    ]


async def test_items_may_appear_one_after_the_other() -> None:
    sim = Sim()
    await sim.fault("items_one_by_one")
    await sim.time(seconds=10)
    seen = await looks(sim, await sim.accepted(), 25)
    shown = [(record["status"], len(record["item_list"])) for record in seen]
    assert [step for step, _ in itertools.groupby(shown)] == [
        (20, 0),
        (42, 0),
        *((45, items) for items in (0, 1, 2, 3)),
        (50, 4),
    ]
    half = next(record for record in seen if len(record["item_list"]) == 2)
    assert (half["total_image_count"], half["finished_image_count"]) == (4, 2)
    assert (half["finish_time"], half["task"]["finish_time"], half["fail_code"]) == (0, 0, "")
    early = [item["common_attr"]["id"] for item in half["item_list"]]
    assert [item["common_attr"]["id"] for item in seen[-1]["item_list"][:2]] == early
    link = half["item_list"][0]["image"]["large_images"][0]["image_url"]
    assert (await sim.fetch(link)).status == 200


async def test_items_may_be_there_for_seconds_before_the_record_says_so() -> None:
    sim = Sim()
    await sim.fault("items_before_end", looks=0, seconds=5)
    await sim.time(seconds=10)
    submit_id = await sim.accepted()
    sim.clock.at += 12
    assert (await sim.record(submit_id))["finish_time"] == 0
    sim.clock.at += 4
    assert (await sim.record(submit_id))["status"] == 50


async def test_a_job_may_end_at_45_with_everything_else_done() -> None:
    sim = Sim()
    await sim.fault("stays_at_45")
    record = await sim.finished(await sim.accepted())
    assert record["status"] == 45
    assert record["finish_time"] > 0
    assert record["finished_image_count"] == record["total_image_count"] == 4


async def test_a_slow_queue_counts_down() -> None:
    sim = Sim()
    await sim.fault("slow_queue", seconds=90, length=5000)
    answer = await sim.submit(form := browser_form())
    assert answer.data["aigc_data"]["queue_info"]["queue_idx"] == 5000
    seen = await looks(sim, form["submit_id"], 12, every=10)
    places = [r["queue_info"]["queue_idx"] for r in seen]
    assert places == sorted(places, reverse=True)
    assert places[-1] == 0
    steps = [s for s, _ in itertools.groupby(r["queue_info"]["queue_status"] for r in seen)]
    assert steps == [1, 2, 3]
    ahead = [r["forecast_queue_cost"] for r in seen]
    assert ahead[0] == 90
    assert ahead == sorted(ahead, reverse=True)
    assert seen[0]["queue_info"]["polling_config"]["interval_seconds"] == 30


async def test_queue_information_may_say_0_while_the_record_says_20() -> None:
    sim = Sim()
    await sim.fault("queue_says_zero")
    answer = await sim.submit()
    history_id = answer.data["aigc_data"]["history_record_id"]
    data = (await sim.ask(QUEUE, {"history_ids": [history_id, "1"]})).data
    assert set(data) == {history_id}
    assert data[history_id]["status"] == 0
    assert data[history_id]["forecast_cost_time"]["forecast_generate_cost"] > 0
    assert (await sim.ask(POLL, {"history_ids": [history_id]})).data[history_id]["status"] == 20


async def test_queue_information_follows_the_record_otherwise() -> None:
    sim = Sim()
    history_id = (await sim.submit()).data["aigc_data"]["history_record_id"]
    data = (await sim.ask(QUEUE, {"history_ids": [history_id]})).data[history_id]
    assert (data["status"], data["queue_info"]["queue_status"]) == (20, 2)
    sim.clock.at += 100
    data = (await sim.ask(QUEUE, {"history_ids": [history_id]})).data[history_id]
    assert (data["status"], data["queue_info"]["queue_status"]) == (0, 3)


async def test_a_job_may_be_listed_late_by_looks_or_by_seconds() -> None:
    sim = Sim()
    await sim.fault("listed_late", looks=2)
    assert statuses(await looks(sim, await sim.accepted(), 3)) == [None, None, 20]
    await sim.fault("listed_late", looks=0, seconds=5)
    submit_id = await sim.accepted()
    assert await sim.record(submit_id) is None
    sim.clock.at += 5
    assert await sim.record(submit_id) is not None


async def test_a_job_may_never_be_listed_though_it_was_paid_for() -> None:
    sim = Sim()
    await sim.fault("never_listed")
    submit_id = await sim.accepted()
    assert set(statuses(await looks(sim, submit_id, 30, every=60))) == {None}
    assert (await sim.ledger())["totals"]["charged"] == 12


@pytest.mark.parametrize(("status", "items"), [(20, 0), (42, 0), (45, 2)])
async def test_a_job_may_be_stuck(status: int, items: int) -> None:
    sim = Sim()
    await sim.fault("stuck", status=status, items=items)
    submit_id = await sim.accepted()
    sim.clock.at += 50_000
    record = await sim.record(submit_id)
    assert record["status"] == status
    assert len(record["item_list"]) == record["finished_image_count"] == items
    assert record["finish_time"] == 0


@pytest.mark.parametrize("times", [2, -1])
async def test_a_finished_job_may_come_without_its_items(times: int) -> None:
    sim = Sim()
    await sim.fault("late_items", looks=times)
    submit_id = await sim.accepted()
    sim.clock.at += 100
    seen = await looks(sim, submit_id, 5)
    assert set(statuses(seen)) == {50}
    counts = [len(r["item_list"]) for r in seen]
    assert counts == ([0] * 5 if times == -1 else [0, 0, 4, 4, 4])


async def test_items_may_lack_large_images() -> None:
    sim = Sim()
    await sim.fault("cover_only")
    record = await sim.finished(await sim.accepted())
    item = record["item_list"][0]
    assert "large_images" not in item["image"]
    picture = await sim.fetch(item["common_attr"]["cover_url"])
    assert (picture.status, picture.headers["content-type"]) == (200, "image/png")


async def test_links_may_hold_escaped_ampersands() -> None:
    sim = Sim()
    await sim.fault("escaped_links")
    link = links_of(await sim.finished(await sim.accepted()))[0]
    assert "\\u0026x-expires=" in link
    assert (await sim.fetch(link.replace("\\u0026", "&"))).status == 200


async def test_fewer_pictures_may_come_out_than_asked() -> None:
    sim = Sim()
    await sim.fault("fewer_items", items=3)
    record = await sim.finished(await sim.accepted(browser_form(count=4)))
    assert (record["status"], record["total_image_count"], len(record["item_list"])) == (50, 3, 3)


async def test_the_server_may_make_another_number_than_asked() -> None:
    sim = Sim()
    await sim.fault("other_count", count=4)
    record = await sim.finished(await sim.accepted(browser_form(count=2)))
    tree = json.loads(record["draft_content"])
    assert len(record["item_list"]) == 4
    assert tree["component_list"][0]["abilities"]["gen_option"]["gen_count"] == 4


async def test_a_failed_job_may_have_some_pictures() -> None:
    sim = Sim()
    await sim.fault("partial_failure", items=2)
    record = await sim.finished(await sim.accepted())
    assert (record["status"], len(record["item_list"])) == (30, 2)
    assert (record["finished_image_count"], record["total_image_count"]) == (2, 4)
    assert record["fail_code"] == "100402"


@pytest.mark.parametrize(
    ("fault", "settings", "status", "code", "key"),
    [
        ("text_block", {}, 30, "2038", "web_text_violates_community_guidelines_toast"),
        ("text_block", {"code": 2038}, 30, 2038, "web_text_violates_community_guidelines_toast"),
        ("image_block", {}, 30, "2039", "web_image_violates_community_guidelines_toast"),
        ("copyright_block", {}, 30, "", "web_fail2generate_copyright_block"),
        ("pre_check_reject", {}, 10, "", "InputTextRisk"),
        ("post_check_reject", {}, 40, "", "OutputImageRisk"),
        ("number_as_fail_code", {}, 30, 2038, "web_generation_failed"),
        ("fails", {}, 30, "100402", "web_generation_failed"),
        ("fails", {"status": 70, "code": "1", "key": "k", "message": "m"}, 70, "1", "k"),
        ("unknown_status", {}, 60, "", ""),
        ("account_block", {}, 30, "", "web_account_block_risk_notification"),
        ("daily_usage_limit", {}, 30, "140001", "web_daily_usage_limit_toast"),
        ("peak_time", {}, 30, "", ""),
        ("deleted", {}, 100, "", ""),
    ],
)
async def test_a_job_may_fail_in_many_ways(
    fault: str, settings: dict[str, Any], status: int, code: Any, key: str
) -> None:
    sim = Sim()
    await sim.fault(fault, **settings)
    record = await sim.finished(await sim.accepted())
    assert (record["status"], record["task"]["status"]) == (status, status)
    assert (record["fail_code"], record["fail_starling_key"]) == (code, key)
    assert record["item_list"] == []
    assert record["finish_time"] > 0


async def test_a_pre_check_rejects_at_the_first_look() -> None:
    sim = Sim()
    await sim.fault("pre_check_reject")
    assert (await sim.record(await sim.accepted()))["status"] == 10


async def test_success_may_come_with_the_fail_code_0() -> None:
    sim = Sim()
    await sim.fault("zero_fail_code")
    record = await sim.finished(await sim.accepted())
    assert (record["status"], record["fail_code"], len(record["item_list"])) == (50, "0", 4)


async def test_a_failed_job_is_paid_back_only_if_the_switch_says_so() -> None:
    for refund, balance in ((False, USUAL_CREDITS - 12), (True, USUAL_CREDITS)):
        sim = Sim()
        await sim.switch(refund_on_failure=refund)
        await sim.fault("fails")
        await sim.accepted()
        assert await sim.balance() == USUAL_CREDITS - 12
        sim.clock.at += 100
        assert await sim.balance() == balance
        assert (await sim.ledger())["totals"]["refunded"] == balance - (USUAL_CREDITS - 12)


async def test_several_faults_may_meet_in_one_job() -> None:
    sim = Sim()
    await sim.fault("listed_late", looks=1)
    await sim.fault("fewer_items", items=1)
    await sim.fault("takes", seconds=3)
    submit_id = await sim.accepted()
    sim.clock.at += 3
    seen = await looks(sim, submit_id, 2)
    assert statuses(seen) == [None, 50]
    assert len(seen[1]["item_list"]) == 1


async def test_a_job_can_be_told_how_many_looks_it_takes() -> None:
    sim = Sim()
    await sim.fault("takes", looks=2)
    assert statuses(await looks(sim, await sim.accepted(), 2, every=0)) == [45, 50]


# ---------------------------------------------------------- faults of a look


async def test_one_answer_may_lack_the_records() -> None:
    sim = Sim()
    submit_id = await sim.accepted()
    await sim.fault("missing_record")
    assert statuses(await looks(sim, submit_id, 2, every=0)) == [None, 20]


async def test_one_answer_may_go_backwards() -> None:
    sim = Sim()
    submit_id = await sim.accepted()
    await sim.fault("status_backwards", after=1)
    sim.clock.at += 100
    seen = await looks(sim, submit_id, 3)
    assert statuses(seen) == [50, 20, 50]
    assert seen[1]["item_list"] == []


async def test_one_answer_may_hold_records_twice_or_of_strangers() -> None:
    sim = Sim()
    submit_id = await sim.accepted()
    await sim.fault("twice_in_answer")
    body = (await sim.ask(POLL, {"submit_ids": [submit_id]})).body
    assert body.count(b'"' + submit_id.encode() + b'":{') == 2
    await sim.fault("foreign_record")
    assert set(await sim.poll(submit_id)) == {submit_id, "99999999999999"}
    await sim.fault("only_foreign_records")
    assert set(await sim.poll(submit_id)) == {"99999999999999"}


async def test_one_answer_may_swap_its_records() -> None:
    sim = Sim()
    ids = [await sim.accepted(), await sim.accepted()]
    await sim.fault("swapped_records")
    data = await sim.poll(*ids)
    assert [data[each]["submit_id"] for each in ids] == ids[::-1]


# ----------------------------------------------------------------- the lists


async def test_the_history_lists_the_newest_first_in_pages() -> None:
    sim = Sim()
    ids = [await sim.accepted() for _ in range(3)]
    page = (await sim.ask(HISTORY, {"count": 2})).data
    assert [record["submit_id"] for record in page["records_list"]] == ids[:0:-1]
    assert page["has_more"] is True
    rest = (await sim.ask(HISTORY, {"count": 2, "offset": page["next_offset"]})).data
    assert [record["submit_id"] for record in rest["records_list"]] == ids[:1]
    assert rest["has_more"] is False


async def test_the_history_wants_a_body() -> None:
    sim = Sim()
    assert (await sim.ask(HISTORY, {})).ret == "2008"
    assert (await sim.ask(HISTORY, b"")).ret == "2008"


async def test_single_items_can_be_read_once_they_are_there() -> None:
    sim = Sim()
    submit_id = await sim.accepted()
    sim.clock.at += 100
    item_id = (await sim.record(submit_id))["item_list"][1]["common_attr"]["id"]
    order = {"item_id_list": [item_id, "1"], "pack_item_opt": {"scene": 1}}
    items = (await sim.ask("/mweb/v1/get_local_item_list", order)).data["item_list"]
    assert [item["common_attr"]["id"] for item in items] == [item_id]
    other = await sim.ask("/mweb/v1/get_local_item_list", order, session="e" * 32)
    assert other.data["item_list"] == []


async def test_the_common_config_lists_models_with_sizes_and_counts() -> None:
    sim = Sim()
    models = (await sim.ask("/mweb/v1/get_common_config")).data["model_list"]
    by_key = {row["model_req_key"]: row for row in models}
    lite = by_key["high_aes_general_v50"]
    assert lite["default_generate_count"] == 4
    assert lite["generate_count_options"] == [1, 2, 3, 4, 5, 6, 7, 8]
    wide = lite["resolution_map"]["2k"]["image_ratio_sizes"][2]
    assert (wide["ratio_type"], wide["width"], wide["height"]) == (3, 2560, 1440)
    assert "dreamina_image_lib_1" not in by_key
    abroad = Sim(site="us")
    keys = {
        row["model_req_key"]
        for row in (await abroad.ask("/mweb/v1/get_common_config")).data["model_list"]
    }
    assert "dreamina_image_lib_1" in keys
    assert "jm_image_model_yc_mj82" not in keys
