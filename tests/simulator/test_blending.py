"""Pictures from pictures: which drafts are taken, and that results show what went in."""

import io
import json
from typing import Any

import pytest
from PIL import Image

from jimeng_api.simulator.accounts import USUAL_CREDITS
from jimeng_api.simulator.pictures import input_places
from tests.simulator.caller import AIDS, Sim, links_of
from tests.simulator.forms import FOUR, LITE, MJ82, blend_form, browser_form, tool_form
from tests.simulator.sender import Sender, picture, uploaded

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
COLOURS = [RED, GREEN, BLUE, (255, 255, 0), (0, 255, 255), (255, 0, 255), (255, 128, 0),
           (128, 0, 255), (0, 128, 255), (128, 255, 0)]  # fmt: skip


async def image_of(sim: Sim, link: str) -> Image.Image:
    answer = await sim.fetch(link)
    assert answer.status == 200
    with Image.open(io.BytesIO(answer.body)) as opened:
        return opened.convert("RGB")


async def results(sim: Sim, form: dict[str, Any]) -> list[Image.Image]:
    record = await sim.finished(await sim.accepted(form))
    return [await image_of(sim, link) for link in links_of(record)]


def seen(image: Image.Image, count: int) -> list[Any]:
    """The colours in the middle of the places where inputs show, in order."""
    return [
        image.getpixel((place.left + place.side // 2, place.top + place.side // 2))
        for place in input_places(*image.size, count)
    ]


def near(found: list[Any], wanted: list[tuple[int, int, int]]) -> bool:
    return all(
        max(abs(a - b) for a, b in zip(one, other, strict=True)) < 40
        for one, other in zip(found, wanted, strict=True)
    )


@pytest.mark.parametrize("count", [1, 2, 3, 5, 10])
@pytest.mark.parametrize(
    ("width", "height", "ratio"), [(2048, 2048, 1), (1440, 2560, 5), (3024, 1296, 8)]
)
async def test_a_result_shows_its_inputs_in_order_and_has_the_size_that_was_asked(
    count: int, width: int, height: int, ratio: int
) -> None:
    sim = Sim()
    colours = COLOURS[:count]
    uris = await uploaded(sim, *(picture(colour) for colour in colours))
    form = blend_form(*uris, width=width, height=height, ratio=ratio)
    (image,) = await results(sim, form)
    assert image.size == (width, height)
    assert near(seen(image, count), colours)


async def test_inputs_show_in_the_other_forms_of_a_result_too() -> None:
    sim = Sim()
    uris = await uploaded(sim, picture(RED), picture(BLUE, form="JPEG"))
    record = await sim.finished(await sim.accepted(blend_form(*uris)))
    cover = await image_of(sim, record["item_list"][0]["common_attr"]["cover_url"])
    assert near(seen(cover, 2), [RED, BLUE])


async def test_the_record_says_that_it_is_a_blend() -> None:
    sim = Sim()
    uris = await uploaded(sim, picture(RED))
    form = blend_form(*uris)
    answer = await sim.submit(form)
    assert answer.data["aigc_data"]["generate_type"] == 12
    record = await sim.finished(form["submit_id"])
    assert (record["generate_type"], record["status"]) == (12, 50)
    assert record["origin_history_record_id"] is None
    assert record["history_group_key"] == "##as one drawing"
    assert uris[0] in record["draft_content"]
    assert record["item_list"][0]["aigc_image_params"]["generate_type"] == 12
    (row,) = (await sim.ledger())["submits"]
    assert (row["kind"], row["inputs"], row["source"]) == ("blend", uris, None)
    assert row["remarks"] == []
    assert await sim.balance() == USUAL_CREDITS - 4


@pytest.mark.parametrize(
    "how",
    [
        {"prompt": "as one drawing"},
        {"prompt": "as one drawing##"},
        {"prompt": "##imageas one drawing", "together": True},
        {"together": True},
        {"option": "inside"},
        {"option": "absent", "count": None},
        {"history_option": True, "min_version": None, "option": "absent", "count": None},
        {"lists": ("image_uri_list",)},
        {"lists": ("image_list",)},
        {"min_version": "3.0.2"},
    ],
)
async def test_forms_of_other_clients_run_as_well(how: dict[str, Any]) -> None:
    sim = Sim()
    uris = await uploaded(sim, picture(RED), picture(GREEN))
    images = await results(sim, blend_form(*uris, **how))
    assert len(images) == how.get("count", 1) or len(images) == 4
    assert all(near(seen(image, 2), [RED, GREEN]) for image in images)
    assert (await sim.ledger())["submits"][0]["inputs"] == uris


async def test_a_draft_without_telemetry_or_common_information_runs() -> None:
    sim = Sim()
    form = blend_form(*await uploaded(sim, picture(RED)))
    del form["metrics_extra"], form["http_common_info"]
    assert (await sim.submit(form)).ret == "0"


async def test_the_same_picture_may_go_in_twice_and_a_result_may_go_in_again() -> None:
    sim = Sim()
    (uri,) = await uploaded(sim, picture(RED))
    record = await sim.finished(await sim.accepted(blend_form(uri, uri)))
    made = record["item_list"][0]["common_attr"]["cover_uri"]
    (image,) = await results(sim, blend_form(made, uri))
    assert near(seen(image, 2)[1:], [RED])


@pytest.mark.parametrize("site", ["us", "sg"])
async def test_blends_run_on_other_sites(site: str) -> None:
    sim = Sim(site=site)
    uris = await uploaded(sim, picture(BLUE))
    assert near(seen((await results(sim, blend_form(*uris, aid=AIDS[site])))[0], 1), [BLUE])


async def test_a_picture_that_is_not_ones_own_is_refused_and_costs_nothing() -> None:
    sim = Sim()
    (uri,) = await uploaded(sim, picture(RED))
    other = await Sender(sim, session="e" * 32).upload(picture(GREEN))
    running = await sim.accepted(browser_form(count=1))
    for form in (
        blend_form("tos-cn-i-tb4s082cfz/" + "0" * 32),
        blend_form(uri, other),
        blend_form(other),
        blend_form(sim.world.tasks[next(iter(sim.world.tasks))].pictures[0].uri),
    ):
        answer = await sim.submit(form)
        assert (answer.ret, answer.json["errmsg"]) == ("1000", "invalid parameter")
        assert answer.data["aigc_data"] is None
    assert (await sim.ledger())["totals"]["accepted"] == 1
    assert await sim.balance() == USUAL_CREDITS - 3
    await sim.fault("unknown_image")
    assert (await sim.submit(blend_form(uri))).ret == "1000"
    assert (await sim.submit(blend_form(uri))).ret == "0"
    assert (await sim.finished(running))["status"] == 50


async def test_more_inputs_than_the_model_takes_are_refused() -> None:
    sim = Sim()
    (uri,) = await uploaded(sim, picture(RED))
    assert (await sim.submit(blend_form(*[uri] * 10))).ret == "0"
    assert (await sim.submit(blend_form(*[uri] * 11))).ret == "1000"
    many = blend_form(*[uri] * 20, model=MJ82, resolution="1k", width=1024, height=1024)
    assert (await sim.submit(many)).ret == "0"
    assert (await sim.submit(blend_form())).ret == "1000"
    assert (await sim.submit(blend_form(uri, prompt=" "))).ret == "1000"


# ----------------------------------------------------------- finished pictures


async def made(sim: Sim, form: dict[str, Any] | None = None) -> tuple[str, str, Any]:
    """A finished job of one picture: its history id, the item's id and the picture."""
    record = await sim.finished(await sim.accepted(form or browser_form(count=1)))
    image = await image_of(sim, links_of(record)[0])
    return record["history_record_id"], record["item_list"][0]["common_attr"]["id"], image


def alike(one: Image.Image, other: Image.Image) -> float:
    """The part of two pictures that is the same, but for their size and the mark at the top."""
    size = (96, 96)
    parts = [
        each.resize(size, Image.Resampling.NEAREST).crop((0, 20, *size)).tobytes()
        for each in (one, other)
    ]
    pixels = [[part[at : at + 3] for at in range(0, len(part), 3)] for part in parts]
    same: int = sum(a == b for a, b in zip(*pixels, strict=True))
    return same / len(pixels[0])


@pytest.mark.parametrize(
    ("tool", "ability", "number", "size"),
    [
        ("normal_hd", {}, 13, (4096, 4096)),
        (
            "pro_hd",
            {"hd_scene_type": "auto", "original_image_strength": 0.65, "detail_strength": 0.65,
             "resolution_type": "4k"},
            35, (4096, 4096),
        ),
        ("super_resolution", {"core_param": {"type": "", "id": "x", "generate_type": 0}}, 2,
         (2048, 2048)),
    ],
)  # fmt: skip
async def test_a_tool_makes_the_same_picture_anew_and_leaves_its_mark(
    tool: str, ability: dict[str, Any], number: int, size: tuple[int, int]
) -> None:
    sim = Sim()
    history, item, before = await made(sim)
    form = tool_form(tool, item=int(item), history=int(history), model=LITE, **ability)
    record = await sim.finished(await sim.accepted(form))
    assert record["generate_type"] == number
    assert record["origin_history_record_id"] == history
    assert record["total_image_count"] == 1
    image = await image_of(sim, links_of(record)[0])
    assert image.size == size
    assert alike(before, image) > 0.95
    assert image.resize(before.size).tobytes() != before.tobytes()
    row = (await sim.ledger())["submits"][-1]
    assert row["kind"] == tool
    assert row["source"] == {"item_id": item, "origin_history_id": history, "uri": None}
    assert row["prompt"] == "two horses running"
    assert row["price"] == 3


async def test_outpainting_widens_the_canvas_with_four_different_edges() -> None:
    sim = Sim()
    history, item, before = await made(sim)
    scale = {"type": "", "id": "x", "top": 0, "bottom": 0, "left": 0.5, "right": 0.9,
             "max_size": 12960, "image_ratio": 1}  # fmt: skip
    form = tool_form("painting", item=item, history=history, up_scale=scale)
    images = await results(sim, form)
    assert [image.size for image in images] == [(4915, 2048)] * 4
    edges = {image.getpixel((image.width - 20, 1500)) for image in images}
    assert len(edges) == 4
    left = round(4915 * 0.5 / 2.4)
    for image in images:
        assert image.getpixel((20, 1500)) in edges
        inner = image.crop((left, 0, left + 2048, 2048))
        assert alike(before, inner) > 0.6


async def test_the_canvas_is_bounded() -> None:
    sim = Sim()
    _, item, _ = await made(sim)
    scale = {"top": 0.9, "bottom": 0.9, "left": 0.9, "right": 0.9, "max_size": 3000}
    images = await results(sim, tool_form("painting", item=item, up_scale=scale))
    assert {image.size for image in images} == {(3000, 3000)}


async def test_a_tool_works_on_an_upload_and_on_a_result_by_its_address() -> None:
    sim = Sim()
    (uri,) = await uploaded(sim, picture(RED, (600, 400)))
    form = tool_form("normal_hd", uri=uri)
    record = await sim.finished(await sim.accepted(form))
    assert record["origin_history_record_id"] is None
    image = await image_of(sim, links_of(record)[0])
    assert image.size == (1200, 800)
    assert image.getpixel((600, 700)) == RED
    assert (await sim.ledger())["submits"][0]["source"]["uri"] == uri
    again = record["item_list"][0]["common_attr"]["cover_uri"]
    (twice,) = await results(sim, tool_form("normal_hd", uri=again))
    assert twice.size == (2400, 1600)


async def test_what_a_tool_cannot_work_on_is_refused() -> None:
    sim = Sim()
    history, item, _ = await made(sim)
    other_history, _, _ = await made(sim)
    (uri,) = await uploaded(sim, picture(RED))
    sim.session, mine = "e" * 32, sim.session
    _, foreign, _ = await made(sim)
    sim.session = mine
    running = await sim.accepted(browser_form(count=1))
    unfinished = sim.world.task_for(sim.world.tasks[history].account, running)
    assert unfinished is not None
    for form, ret in (
        (tool_form("normal_hd"), "1000"),
        (tool_form("normal_hd", item=foreign), "1000"),
        (tool_form("normal_hd", item=7), "1000"),
        (tool_form("normal_hd", item=item, history=other_history), "1000"),
        (tool_form("normal_hd", item=unfinished.pictures[0].item_id), "1000"),
        (tool_form("normal_hd", uri="tos-x/unknown"), "1000"),
        (tool_form("normal_hd", item=item, uri="tos-x/unknown"), "1000"),
        (tool_form("normal_hd", item=[item]), "1000"),
        (tool_form("super_resolution", item=item), "1000"),
        (tool_form("super_resolution", uri=uri), "1000"),
        (tool_form("super_resolution", item=item, history=history, uri=uri), "1000"),
        (tool_form("painting", item=item), "1000"),
        (tool_form("painting", item=item, up_scale={"left": 0}), "1000"),
        (tool_form("painting", item=item, up_scale={"left": 3}), "1001"),
        (tool_form("painting", item=item, up_scale={"left": 0.5, "max_size": -4}), "1001"),
        (tool_form("pro_hd", item=item, resolution_type="9k"), "1001"),
        (tool_form("pro_hd", item=item, detail_strength=2), "1001"),
    ):
        answer = await sim.submit(form)
        assert answer.ret == ret, form["draft_content"]
    accepted = (await sim.ledger())["totals"]["accepted"]
    assert accepted == 4
    assert (await sim.submit(tool_form("painting", item=item, up_scale={"left": 0.5}))).ret == "0"


async def test_a_tool_may_stand_behind_the_part_that_it_works_on() -> None:
    sim = Sim()
    history, item, _ = await made(sim)
    form = tool_form("normal_hd", item=item, history=history)
    tree = json.loads(form["draft_content"])
    (node,) = tree["component_list"]
    (before,) = json.loads(browser_form()["draft_content"])["component_list"]
    node["parent_id"] = before["id"]
    node["abilities"]["postedit_param"] = node["abilities"]["normal_hd"].pop("postedit_param")
    node["abilities"]["postedit_param"]["generate_type"] = 1
    tree["component_list"] = [before, node]
    form["draft_content"] = json.dumps(tree)
    assert (await sim.submit(form)).data["aigc_data"]["generate_type"] == 13
    (row,) = (await sim.ledger(f"?submit_id={form['submit_id']}"))["submits"]
    assert row["remarks"] == ["generate_type in postedit_param is not 13"]


async def test_a_tool_needs_no_model_and_keeps_that_of_its_source() -> None:
    sim = Sim()
    history, item, _ = await made(sim, browser_form(model=FOUR, count=1))
    form = tool_form("normal_hd", item=item, history=history)
    form["extend"] = {}
    assert (await sim.submit(form)).ret == "0"
    (uri,) = await uploaded(sim, picture(RED))
    form = tool_form("normal_hd", uri=uri, model="no such model")
    assert (await sim.submit(form)).ret == "0"
    models = [row["model_req_key"] for row in (await sim.ledger())["submits"]]
    assert models == [FOUR] * 3
