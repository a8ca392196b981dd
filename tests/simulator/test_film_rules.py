"""Films: what is refused, what switches change, and how things go wrong."""

import base64
import json
from typing import Any

import pytest

from jimeng_api.simulator.film_models import FILM_MODELS, SHORT_SIDES, film_size
from jimeng_api.simulator.films import FilmOrder, Scene, film
from jimeng_api.simulator.tiles import UNKNOWN
from tests.simulator.caller import Sim
from tests.simulator.film_forms import (
    FAST,
    MINI,
    PRO,
    THREE,
    TWO_FIVE,
    WITH_SOUND,
    film_form,
    frames_form,
    many_frames_form,
    material,
    omni_form,
)
from tests.simulator.film_sender import uploaded_films
from tests.simulator.films import LOCAL_ITEMS, a_film, a_sound, fetched, film_link, made, seen
from tests.simulator.forms import browser_form
from tests.simulator.sender import picture, uploaded

CONFIG = "/mweb/v1/video_generate/get_common_config"
QUEUE = "/mweb/v1/get_history_queue_info"
VIP = "dreamina_seedance_40_pro_vision"


def changed(form: dict[str, Any], change: Any) -> dict[str, Any]:
    """The form with its draft changed by a function."""
    tree = json.loads(form["draft_content"])
    change(tree, tree["component_list"][0]["abilities"]["gen_video"])
    return {**form, "draft_content": json.dumps(tree)}


async def row_of(sim: Sim, form: dict[str, Any]) -> Any:
    await sim.accepted(form)
    return (await sim.ledger())["submits"][-1]


# ---------------------------------------------------------------- refusals


async def test_a_draft_that_is_an_object_answers_1002() -> None:
    sim = Sim()
    form = film_form()
    form["draft_content"] = json.loads(form["draft_content"])
    answer = await sim.submit(form)
    assert (answer.ret, answer.json["errmsg"]) == ("1002", "common error")
    assert answer.data["aigc_data"] is None


@pytest.mark.parametrize(
    ("how", "ret"),
    [
        ({"model": "nobody_knows", "benefit": "x"}, "1000"),
        ({"model": ""}, "1000"),
        ({"prompt": "  "}, "1000"),
        ({"seconds": 0}, "1001"),
        ({"params": {"seed": -1}}, "1001"),
        ({"params": {"seed": 2**32}}, "1001"),
        ({"params": {"seed": "seven"}}, "1001"),
        ({"params": {"video_gen_inputs": []}}, "1000"),
        ({"ratio": "wide"}, "1001"),
        ({"first_frame_image": {"type": "image"}}, "1000"),
        ({"multi_frames": ["x"]}, "1000"),
        ({"aid": 7}, "1001"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_costs_nothing(how: Any, ret: str) -> None:
    sim = Sim()
    before = await sim.balance()
    form = film_form(**{"benefit": "seedance_20_mini_720p_output", **how})
    assert (await sim.submit(form)).ret == ret
    assert await sim.balance() == before
    assert (await sim.ledger())["submits"] == []


async def test_a_model_of_other_sites_is_not_available_here() -> None:
    sim = Sim()
    form = film_form(model="dreamina_sora2_generate_video", benefit="generate_video_sora2")
    assert (await sim.submit(form)).ret == "2061"
    abroad = Sim(site="jp")
    form = film_form(
        model="dreamina_sora2_generate_video", benefit="generate_video_sora2", aid=513641
    )
    assert (await row_of(abroad, form))["film"]["seconds"] == pytest.approx(97 / 24, abs=0.001)


async def test_the_oldest_models_may_be_gone() -> None:
    sim = Sim()
    await sim.accepted(film_form(model=THREE))
    await sim.switch(old_film_models="gone")
    assert (await sim.submit(film_form(model=THREE))).ret == "2061"
    assert (await sim.submit(film_form(model=WITH_SOUND))).ret == "0"
    asia = Sim(site="sg")
    await asia.switch(old_film_models="gone")
    assert (await asia.submit(film_form(model=THREE, aid=513641))).ret == "0"


async def test_models_for_members_may_ask_for_a_membership() -> None:
    sim = Sim()
    form = film_form(model=VIP, benefit="seedance_20_pro_720p_output")
    await sim.accepted(form)
    await sim.switch(members_only=True)
    refused = await sim.submit(film_form(model=VIP, benefit="seedance_20_pro_720p_output"))
    assert refused.ret == "4013"
    await sim.account(member="maestro")
    assert (
        await sim.submit(film_form(model=VIP, benefit="seedance_20_pro_720p_output"))
    ).ret == "0"


@pytest.mark.parametrize(
    ("model", "benefit"),
    [
        (MINI, "seedance_20_mini_720p_output_5s"),
        (PRO, "dreamina_video_seedance_20_pro_with_video"),
        (PRO, "seedance_20_pro_720p_output"),
        (FAST, "seedance_20_fast_720p_output"),
        (THREE, "basic_video_operation_vgfm_v_three"),
        (TWO_FIVE, "seedance_25_720p_no_input_video_output"),
    ],
)
async def test_every_billing_item_that_was_seen_pays(model: str, benefit: str) -> None:
    assert (await Sim().submit(film_form(model=model, benefit=benefit))).ret == "0"


async def test_a_wrong_billing_item_is_refused_unless_nobody_looks() -> None:
    sim = Sim()
    for benefit in ("", "image_basic_v5_2k", "seedance_20_mini_1080p_output"):
        answer = await sim.submit(film_form(benefit=benefit))
        assert answer.ret != "0"
        assert "credit prededuct failed" in answer.json["errmsg"]
        assert "credit prededuct failed" in answer.data["fail_starling_message"]
    (vid,) = await uploaded_films(sim, a_film())
    form = omni_form(
        material("video", vid), model=TWO_FIVE, benefit="seedance_25_720p_no_input_video_output"
    )
    assert (await sim.submit(form)).ret == "5001"
    await sim.switch(wrong_benefit="ignore")
    assert (await sim.submit(film_form(benefit=""))).ret == "0"


async def test_credits_must_suffice() -> None:
    sim = Sim()
    await sim.account(credits=23)
    answer = await sim.submit(film_form(seconds=4))
    assert (answer.ret, answer.data["fail_code"]) == ("1006", "1006")
    assert await sim.balance() == 23
    await sim.account(price=23)
    assert (await sim.submit(film_form(seconds=4))).ret == "0"


async def test_an_account_may_be_held_to_one_film_at_a_time_beside_its_pictures() -> None:
    sim = Sim()
    await sim.account(films_at_once=1)
    await sim.time(seconds=100)
    await sim.accepted(browser_form())
    await sim.accepted(film_form())
    assert (await sim.submit(film_form())).ret == "1310"
    assert (await sim.submit(browser_form())).ret == "0"
    sim.clock.at += 100
    assert (await sim.submit(film_form())).ret == "0"
    await sim.account(at_once_ret="1010")
    assert (await sim.submit(film_form())).ret == "1010"


# -------------------------------------------------- the nearest, or a refusal


@pytest.mark.parametrize(
    ("how", "made_as"),
    [
        ({"seconds": 3}, {"seconds": 4}),
        ({"seconds": 60}, {"seconds": 15}),
        ({"resolution": "1080p"}, {"resolution": "720p"}),
        ({"resolution": None}, {"resolution": "720p"}),
        ({"resolution": "720P"}, {"resolution": "720p"}),
        ({"ratio": "427:240"}, {"ratio": "16:9"}),
        ({"ratio": "2:3"}, {"ratio": "3:4"}),
        ({"ratio": None}, {"ratio": "16:9"}),
        ({"ratio": "adaptive"}, {"ratio": "16:9"}),
    ],
)
async def test_what_a_model_does_not_have_becomes_the_nearest(how: Any, made_as: Any) -> None:
    row = await row_of(Sim(), film_form(**how))
    film = row["film"]
    found = {
        "seconds": int(film["seconds"]),
        "ratio": film["ratio"],
        "resolution": row["resolution_type"],
    }
    assert found == {"seconds": 5, "ratio": "16:9", "resolution": "720p"} | made_as


@pytest.mark.parametrize(
    "how", [{"seconds": 3}, {"seconds": 4.5}, {"resolution": "1080p"}, {"ratio": "427:240"}]
)
async def test_what_a_model_does_not_have_may_be_refused(how: Any) -> None:
    sim = Sim()
    await sim.switch(wrong_film="refuse")
    assert (await sim.submit(film_form(**how))).ret == "1001"
    assert (await sim.submit(film_form())).ret == "0"


async def test_a_mode_that_a_model_does_not_have_may_be_refused() -> None:
    sim = Sim()
    (uri,) = await uploaded(sim, picture())
    await sim.switch(wrong_film="refuse")
    assert (await sim.submit(omni_form(material("image", uri), model=THREE))).ret == "1001"
    assert (await sim.submit(many_frames_form((uri, 7), (uri, 1)))).ret == "1001"
    await sim.switch(wrong_film="nearest")
    assert (await sim.submit(many_frames_form((uri, 7), (uri, 1)))).ret == "0"


async def test_the_picture_decides_the_ratio_unless_it_is_not_asked() -> None:
    sim = Sim()
    (uri,) = await uploaded(sim, picture(size=(400, 700)))
    assert (await row_of(sim, frames_form(uri)))["film"]["ratio"] == "9:16"
    await sim.switch(frame_ratio="asked")
    assert (await row_of(sim, frames_form(uri)))["film"]["ratio"] == "16:9"


@pytest.mark.parametrize(
    "change",
    [
        lambda tree, _: tree.update(min_version="3.0.2"),
        lambda tree, _: tree.update(min_features=[]),
        lambda _, making: making.update(video_task_extra="{}"),
        lambda _, making: making["text_to_video_params"]["video_gen_inputs"][0].update(fps=30),
    ],
)
async def test_oddities_of_a_draft_are_noted_or_refused(change: Any) -> None:
    sim = Sim()
    (uri,) = await uploaded(sim, picture())
    row = await row_of(sim, changed(omni_form(material("image", uri)), change))
    assert len(row["remarks"]) == 1
    await sim.switch(strict_draft=True)
    refused = await sim.submit(changed(omni_form(material("image", uri)), change))
    assert (refused.ret, refused.data["fail_starling_message"]) == ("1000", row["remarks"][0])
    assert (await sim.submit(omni_form(material("image", uri)))).ret == "0"


async def test_inputs_may_be_held_to_the_limits_of_the_page() -> None:
    sim = Sim()
    good, small, flat = await uploaded(
        sim, picture(size=(640, 360)), picture(size=(299, 400)), picture(size=(1200, 400))
    )
    size = (320, 320)
    film, short, tiny, sound = await uploaded_films(
        sim, a_film(size=size), a_film(size=size, seconds=1), a_film(size=(64, 64)), a_sound()
    )
    await sim.switch(strict_inputs=True)
    assert (await sim.submit(frames_form(good))).ret == "0"
    good_film = material("video", film)
    assert (await sim.submit(omni_form(good_film, material("audio", sound)))).ret == "0"
    for form in (
        frames_form(small),
        frames_form(flat),
        omni_form(material("video", short)),
        omni_form(material("video", tiny)),
        omni_form(*[good_film] * 2, material("video", short)),
        film_form(prompt="x" * 4001),
    ):
        assert (await sim.submit(form)).ret == "1001"
    assert (await sim.submit(omni_form(material("audio", sound)))).ret == "1000"


# ------------------------------------------------------------- what is looked at


async def test_the_queue_tells_place_and_seconds() -> None:
    sim = Sim()
    await sim.time(seconds=1000)
    submit_id = await sim.accepted(film_form())
    history_id = (await sim.record(submit_id))["history_record_id"]
    sim.clock.at += 75
    data = (await sim.ask(QUEUE, {"history_ids": [history_id]})).data[history_id]
    assert data["status"] == 20
    assert (data["queue_info"]["queue_idx"], data["queue_info"]["queue_status"]) == (60, 1)
    assert data["queue_info"]["priority"] == 3
    assert data["forecast_cost_time"] == {"forecast_generate_cost": 850, "forecast_queue_cost": 75}


async def test_a_very_long_queue_counts_down() -> None:
    sim = Sim()
    await sim.fault("slow_queue", seconds=36_000.0, length=303_041)
    submit_id = await sim.accepted(film_form())
    sim.clock.at += 18_000
    queue = (await sim.record(submit_id))["queue_info"]
    assert (queue["queue_idx"], queue["queue_length"]) == (151_520, 303_041)


async def test_the_links_for_keeping_a_film_come_in_two_forms() -> None:
    sim = Sim()
    record, film = await made(sim, film_form())
    item_id = record["item_list"][0]["common_attr"]["id"]
    asked = {
        "item_id_list": [item_id],
        "pack_item_opt": {"scene": 1, "need_data_integrity": True},
        "is_for_video_download": True,
    }
    (item,) = (await sim.ask(LOCAL_ITEMS, asked)).data["item_list"]
    video = item["video"]
    assert list(video["transcoded_video"]) == ["origin", "360p", "480p", "720p"]
    assert "/dreamnia/" in video["transcoded_video"]["origin"]["video_url"]
    listed = json.loads(video["video_model"])["video_list"].values()
    (origin,) = [each for each in listed if each["definition"] == "origin"]
    assert (origin["vwidth"], origin["vheight"]) == (1280, 720)
    link = base64.b64decode(origin["main_url"]).decode()
    kept = await sim.fetch(link)
    assert kept.status == 200
    assert seen(kept.body).frames[0].tobytes() == film.frames[0].tobytes()
    small = seen((await sim.fetch(video["transcoded_video"]["360p"]["video_url"])).body)
    assert (small.width, small.height) == (640, 360)
    assert (await sim.fetch(link.replace("origin.mp4", "8k.mp4"))).status == 404


async def test_the_cover_of_a_film_is_a_picture() -> None:
    sim = Sim()
    record, _ = await made(sim, film_form())
    about = record["item_list"][0]["common_attr"]
    assert set(about["cover_url_map"]) == {"360", "480", "720", "1080", "2400", "4096"}
    for link in (about["cover_url"], about["cover_url_map"]["720"]):
        assert (await sim.fetch(link)).headers["content-type"].startswith("image/")
    assert about["effect_type"] == 53
    assert about["aspect_ratio"] == pytest.approx(1.7778)


async def test_films_stand_in_the_list_of_latest_jobs() -> None:
    sim = Sim()
    await sim.accepted(browser_form())
    form = film_form()
    await sim.accepted(form)
    sim.clock.at += 1000
    records = (await sim.ask("/mweb/v1/get_history", {"count": 5})).data["records_list"]
    assert [record["generate_type"] for record in records] == [10, 1]
    assert json.loads(records[0]["draft_content"]) == json.loads(form["draft_content"])


@pytest.mark.parametrize("scene", ["generate_video", "video_generate"])
async def test_the_film_models_are_listed_with_what_they_take_and_cost(scene: str) -> None:
    sim = Sim()
    data = (await sim.ask(CONFIG, {"scene": scene, "params": {"needCache": True}}, session="")).data
    rows = {row["model_req_key"]: row for row in data["model_list"]}
    assert set(rows) == {key for key, row in FILM_MODELS.items() if "cn" in row.sites}
    options = {each["key"]: each for each in rows[MINI]["options"]}
    frames = options["frames"]["slide_bar_val"]
    assert (frames["min"], frames["max"], frames["step"], frames["default"]) == (96, 360, 24, 120)
    media = options["input_media_type"]["enum_val"]["string_value"]
    assert media == ["prompt", "first_frame", "end_frame", "unified_edit"]
    commerce = rows[TWO_FIVE]["commercial_config"]
    assert commerce["format_conf"]["1080p"] == "seedance_25_1080p_output"
    prices = {each["resolution"]: each["price"] for each in commerce["resolution_price_configs"]}
    assert prices["720p"]["benefit_type"] == "seedance_25_720p_output"
    await sim.switch(config_price="number")
    numbers = (await sim.ask(CONFIG, {"scene": scene}, session="")).data["model_list"]
    row = next(each for each in numbers if each["model_req_key"] == TWO_FIVE)
    assert {"resolution": "720p", "price": 20} in row["commercial_config"][
        "resolution_price_configs"
    ]
    asia = (await Sim(site="jp").ask(CONFIG, {"scene": scene})).data["model_list"]
    assert "dreamina_sora2_generate_video" in {row["model_req_key"] for row in asia}
    assert (await sim.ask(CONFIG, {"scene": "elsewhere"})).ret == "1000"


# --------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("fault", "code", "key"),
    [
        ("video_block", "2042", "ErrMessage_APP_OutputVideoRisk"),
        ("not_retryable", "2043", "web_fail2generate_input_retry"),
        ("face_rejected", "4011", "RejectFace"),
        ("model_withdrawn", "2061", ""),
        ("text_block", "2038", "web_text_violates_community_guidelines_toast"),
    ],
)
async def test_a_film_fails_with_a_code_of_its_own(fault: str, code: str, key: str) -> None:
    sim = Sim()
    await sim.switch(refund_on_failure=True)
    before = await sim.balance()
    await sim.fault(fault)
    record = await sim.finished(await sim.accepted(film_form()))
    assert (record["status"], record["fail_code"], record["fail_starling_key"]) == (30, code, key)
    assert record["item_list"] == []
    assert await sim.balance() == before


@pytest.mark.parametrize(
    ("fault", "ret"), [("video_blocked", "2042"), ("model_gone", "2061"), ("face_refused", "4011")]
)
async def test_a_film_may_be_refused_at_submission(fault: str, ret: str) -> None:
    sim = Sim()
    await sim.fault(fault)
    assert (await sim.submit(film_form())).ret == ret
    assert (await sim.submit(film_form())).ret == "0"


async def test_a_record_may_lack_the_origin_or_all_renditions() -> None:
    sim = Sim()
    await sim.fault("origin_missing")
    record = await sim.finished(await sim.accepted(film_form()))
    assert set(record["item_list"][0]["video"]["transcoded_video"]) == {"360p", "720p"}
    assert seen((await fetched(sim, record, "720p")).body).width == 1280
    await sim.fault("cover_only")
    record = await sim.finished(await sim.accepted(film_form()))
    assert record["item_list"][0]["video"]["transcoded_video"] == {}


async def test_a_download_of_a_film_may_be_spoilt() -> None:
    sim = Sim()
    record, _ = await made(sim, film_form())
    link = film_link(record)
    good = (await sim.fetch(link)).body

    async def spoilt(fault: str, **settings: Any) -> Any:
        await sim.fault(fault, on="film", **settings)
        return await sim.fetch(link)

    assert (await spoilt("link_refused")).status == 403
    odd = await spoilt("odd_type", type="text/plain")
    assert (odd.headers["content-type"], odd.body) == ("text/plain", good)
    assert (await spoilt("html_picture")).headers["content-type"].startswith("text/html")
    wrong = await spoilt("wrong_magic")
    assert wrong.headers["content-type"] == "video/mp4"
    assert len(wrong.body) == len(good)
    assert (await spoilt("short_picture")).body == good[: len(good) // 2]
    slow = await spoilt("slow_picture", pieces=4, seconds=2.0)
    assert (slow.body, sim.clock.slept) == (good, [2.0] * 4)
    for fault in ("cut_picture", "wrong_length"):
        await sim.fault(fault, on="film")
        with pytest.raises(ConnectionResetError):
            await sim.fetch(link)
    await sim.fault("html_502", on="film")
    assert (await sim.fetch(link)).status == 502
    await sim.fault("link_refused", on="film", account="somebody-else")
    assert (await sim.fetch(link)).body == good


async def test_links_may_have_expired_before_the_download() -> None:
    sim = Sim()
    submit_id = await sim.accepted(film_form())
    await sim.fault("expired_links", on="poll")
    assert (await sim.fetch(film_link(await sim.finished(submit_id)))).status == 403
    assert (await sim.fetch(film_link(await sim.record(submit_id)))).status == 200


async def test_the_list_of_links_for_keeping_may_fail() -> None:
    sim = Sim()
    record, _ = await made(sim, film_form())
    item_id = record["item_list"][0]["common_attr"]["id"]
    await sim.fault("refuse", on="local_items", ret="2002")
    assert (await sim.ask(LOCAL_ITEMS, {"item_id_list": [item_id]})).ret == "2002"
    await sim.fault("expired_links", on="local_items")
    (item,) = (await sim.ask(LOCAL_ITEMS, {"item_id_list": [item_id]})).data["item_list"]
    link = item["video"]["transcoded_video"]["origin"]["video_url"]
    assert (await sim.fetch(link)).status == 403


# ----------------------------------------------------------------- the file


@pytest.mark.parametrize("frames", [2, 23, 24, 25, 26, 48, 49, 50, 121])
def test_a_scene_has_exactly_its_frames(frames: int) -> None:
    order = FilmOrder((Scene(UNKNOWN, frames), Scene(UNKNOWN, 25), Scene(UNKNOWN, 3)), 96, 64)
    assert len(seen(film(order)).frames) == frames + 28


@pytest.mark.parametrize("resolution", SHORT_SIDES)
@pytest.mark.parametrize("ratio", ["21:9", "16:9", "4:3", "1:1", "9:16", "9:21", "4:5"])
def test_every_size_is_even(resolution: str, ratio: str) -> None:
    width, height = film_size(resolution, ratio)
    assert (width % 2, height % 2) == (0, 0)
    assert min(width, height) == SHORT_SIDES[resolution]


@pytest.mark.parametrize(
    ("resolution", "ratio", "size"),
    [
        ("480p", "16:9", (854, 480)),
        ("480p", "3:4", (480, 640)),
        ("1080p", "4:3", (1440, 1080)),
        ("1080p", "9:16", (1080, 1920)),
    ],
)
def test_sizes_are_those_of_the_table(resolution: str, ratio: str, size: tuple[int, int]) -> None:
    assert film_size(resolution, ratio) == size


def test_all_rows_of_models_hold_together() -> None:
    for row in FILM_MODELS.values():
        assert row.prices.keys() <= row.benefits.keys()
        assert row.usual_length in row.lengths
        assert "16:9" in row.ratios
        assert row.prices.keys() <= SHORT_SIDES.keys()
