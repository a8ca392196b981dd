"""Drafts that start from pictures, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from jimeng_api.catalog.finishing import FINISHING_TOOLS
from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.catalog.sites import CN, HK, SITES, Site
from jimeng_api.domain.errors import InvalidValue, ModelNotAvailable
from jimeng_api.domain.inputs import Finishing, FinishingTool, Input, Origin
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.payloads.image import image_payload

SUBMIT_ID = "11111111-2222-4333-8444-555555555555"
KEY = "high_aes_general_v50"
HORSES = ImageRequest(
    model="jimeng-5.0",
    prompt="two horses running",
    ratio="16:9",
    resolution="2k",
    width=2560,
    height=1440,
    seed=1234567,
)
ORIGIN = Origin(item_id="7600000000000000001", history_id="13500000000001", account="a")


def numbered() -> Iterator[str]:
    return (f"id-{n}" for n in count(1))


def uri(number: int) -> str:
    return f"tos-cn-i-tb4s082cfz/{number:032x}"


def inputs(number: int) -> tuple[Input, ...]:
    one = Input(media_id="m", content_type="image/png", width=8, height=8, size=99, sha256="0" * 64)
    return (one,) * number


def sent(
    request: ImageRequest, *, pictures: int = 0, site: Site = CN, **constants: Any
) -> dict[str, Any]:
    """The body with the JSON inside its JSON read too."""
    payload = image_payload(
        replace(request, inputs=inputs(pictures)),
        IMAGE_MODELS[request.model],
        site,
        submit_id=SUBMIT_ID,
        ids=numbered(),
        created_ms=1767225600123,
        constants=replace(Constants(), **constants),
        uris=[uri(n) for n in range(pictures)],
    )
    body: dict[str, Any] = json.loads(payload)
    body["draft_content"] = json.loads(body["draft_content"])
    body["metrics_extra"] = json.loads(body["metrics_extra"])
    body["metrics_extra"]["sceneOptions"] = json.loads(body["metrics_extra"]["sceneOptions"])
    return body


def component(body: dict[str, Any]) -> dict[str, Any]:
    (found,) = body["draft_content"]["component_list"]
    assert isinstance(found, dict)
    return found


def blend(body: dict[str, Any]) -> dict[str, Any]:
    found = component(body)["abilities"]["blend"]
    assert isinstance(found, dict)
    return found


def ids_of(tree: Any) -> list[str]:
    """All ids in a tree, except the pointer to the main component."""
    if isinstance(tree, list):
        return [one for branch in tree for one in ids_of(branch)]
    if not isinstance(tree, dict):
        return []
    own = [tree["id"]] if "id" in tree else []
    return own + [one for branch in tree.values() for one in ids_of(branch)]


def without_ids(tree: Any) -> Any:
    if isinstance(tree, list):
        return [without_ids(one) for one in tree]
    if isinstance(tree, dict):
        return {name: without_ids(one) for name, one in tree.items() if name != "id"}
    return tree


def test_two_pictures_make_exactly_this_tree() -> None:
    body = sent(HORSES, pictures=2)
    draft = body["draft_content"]
    assert draft["main_component_id"] == component(body)["id"]
    del draft["main_component_id"]

    def ability(number: int) -> dict[str, Any]:
        return {
            "type": "",
            "name": "byte_edit",
            "image_uri_list": [uri(number)],
            "image_list": [
                {
                    "type": "image",
                    "source_from": "upload",
                    "platform_type": 1,
                    "name": "",
                    "image_uri": uri(number),
                    "width": 0,
                    "height": 0,
                    "format": "",
                    "uri": uri(number),
                }
            ],
            "strength": 0.5,
        }

    assert without_ids(draft) == {
        "type": "draft",
        "min_version": "3.2.9",
        "min_features": [],
        "is_from_tsn": True,
        "version": "3.3.9",
        "component_list": [
            {
                "type": "image_base_component",
                "min_version": "3.0.2",
                "aigc_mode": "workbench",
                "metadata": {
                    "type": "",
                    "created_platform": 3,
                    "created_platform_version": "",
                    "created_time_in_ms": "1767225600123",
                    "created_did": "",
                },
                "generate_type": "blend",
                "abilities": {
                    "type": "",
                    "blend": {
                        "type": "",
                        "min_version": "3.2.9",
                        "min_features": [],
                        "core_param": {
                            "type": "",
                            "model": KEY,
                            "prompt": "####two horses running",
                            "negative_prompt": "",
                            "seed": 1234567,
                            "sample_strength": 0.5,
                            "image_ratio": 3,
                            "large_image_info": {
                                "type": "",
                                "height": 1440,
                                "width": 2560,
                                "resolution_type": "2k",
                            },
                            "intelligent_ratio": False,
                        },
                        "ability_list": [ability(0), ability(1)],
                        "prompt_placeholder_info_list": [
                            {"type": "", "ability_index": 0},
                            {"type": "", "ability_index": 1},
                        ],
                        "postedit_param": {"type": "", "generate_type": 0},
                    },
                    "gen_option": {"type": "", "generate_all": False},
                },
            }
        ],
    }
    assert body["extend"] == {"root_model": KEY}
    assert body["submit_id"] == SUBMIT_ID


@pytest.mark.parametrize("pictures", [1, 3, 10])
def test_each_picture_is_an_ability_with_a_mark_before_the_prompt(pictures: int) -> None:
    body = sent(HORSES, pictures=pictures)
    drawn = blend(body)
    assert drawn["core_param"]["prompt"] == "##" * pictures + "two horses running"
    named = [uri(n) for n in range(pictures)]
    assert [one["image_uri_list"] for one in drawn["ability_list"]] == [[one] for one in named]
    assert [one["image_list"][0]["uri"] for one in drawn["ability_list"]] == named
    places = [one["ability_index"] for one in drawn["prompt_placeholder_info_list"]]
    assert places == list(range(pictures))


def test_only_several_pictures_have_a_version_of_their_own() -> None:
    one, two = sent(HORSES, pictures=1), sent(HORSES, pictures=2)
    assert "min_version" not in blend(one)
    assert blend(two)["min_version"] == "3.2.9"
    assert one["draft_content"]["min_version"] == two["draft_content"]["min_version"] == "3.2.9"


def test_every_id_of_a_draft_is_its_own() -> None:
    for body in (
        sent(HORSES, pictures=10),
        sent(replace(HORSES, finishing=Finishing(tool="outpaint")), pictures=1),
        sent(replace(HORSES, finishing=Finishing(tool="repair", origin=ORIGIN))),
    ):
        ids = ids_of(body["draft_content"])
        assert len(ids) == len(set(ids)) > 5


@pytest.mark.parametrize("site", SITES.values(), ids=SITES)
def test_the_page_reports_each_picture_by_an_address_inside_the_browser(site: Site) -> None:
    body = sent(HORSES, pictures=2, site=site)
    (scene,) = body["metrics_extra"]["sceneOptions"]
    assert scene["scene"] == "ImageBasicGenerate"
    addresses = [one["source"].pop("imageUrl") for one in scene["abilityList"]]
    assert (
        scene["abilityList"]
        == [
            {"abilityName": "byte_edit", "strength": 0.5, "source": {}},
        ]
        * 2
    )
    assert len(set(addresses)) == 2
    assert all(one.startswith(f"blob:{site.page_origin}/id-") for one in addresses)
    assert body["http_common_info"] == {"aid": site.app_id}


def test_the_callers_own_values_arrive_with_pictures_too() -> None:
    request = replace(HORSES, negative_prompt="fog", sample_strength=0.8, seed=7, count=2)
    body = sent(request, pictures=1)
    core = blend(body)["core_param"]
    assert (core["negative_prompt"], core["sample_strength"], core["seed"]) == ("fog", 0.8, 7)
    assert component(body)["abilities"]["gen_option"]["gen_count"] == 2
    assert body["metrics_extra"]["sceneOptions"][0]["benefitCount"] == 2


def test_the_shape_is_always_named_where_there_are_pictures() -> None:
    core = blend(sent(replace(HORSES, intelligent_ratio=True), pictures=1))["core_param"]
    assert (core["intelligent_ratio"], core["image_ratio"]) == (False, 3)


def test_what_changes_from_day_to_day_is_a_setting() -> None:
    body = sent(HORSES, pictures=2, blend_mark="", blend_min_version="3.0.2")
    assert blend(body)["core_param"]["prompt"] == "two horses running"
    assert blend(body)["min_version"] == body["draft_content"]["min_version"] == "3.0.2"
    body = sent(HORSES, pictures=2, draft_min_version="3.9.9")
    assert body["draft_content"]["min_version"] == "3.9.9"


def test_a_series_from_pictures_is_reported_as_one() -> None:
    body = sent(replace(HORSES, series=4), pictures=1)
    (scene,) = body["metrics_extra"]["sceneOptions"]
    assert scene["scene"] == "ImageMultiGenerate"
    assert "benefitCount" not in scene
    assert len(scene["abilityList"]) == 1


def test_pictures_that_were_not_all_uploaded_are_never_sent() -> None:
    with pytest.raises(ValueError, match="1 uploads of 2 inputs"):
        image_payload(
            replace(HORSES, inputs=inputs(2)),
            IMAGE_MODELS["jimeng-5.0"],
            CN,
            submit_id=SUBMIT_ID,
            ids=numbered(),
            created_ms=1,
            constants=Constants(),
            uris=[uri(1)],
        )


def test_a_model_that_the_site_does_not_have_is_refused_with_pictures_too() -> None:
    with pytest.raises(ModelNotAvailable):
        sent(replace(HORSES, model="nanobanana"), pictures=1)


UPLOADED = {
    "type": "image",
    "source_from": "upload",
    "platform_type": 1,
    "name": "",
    "image_uri": uri(0),
    "width": 0,
    "height": 0,
    "format": "",
    "title": "",
    "uri": uri(0),
}

# (key, gen_type, number of the edit, pictures, what the page reports, the ability's own fields)
TREES: dict[FinishingTool, tuple[str, int | None, int, int, str, dict[str, Any]]] = {
    "hd": ("normal_hd", 13, 13, 1, "ImageBasicGenerate", {}),
    "smart_hd": (
        "pro_hd",
        35,
        35,
        1,
        "ImageProHD",
        {
            "hd_scene_type": "auto",
            "original_image_strength": 0.3,
            "detail_strength": 0.9,
            "resolution_type": "2k",
        },
    ),
    "outpaint": (
        "painting",
        8,
        8,
        4,
        "ImageBasicGenerate",
        {
            "up_scale": {
                "type": "",
                "top": 0.1,
                "bottom": 0.2,
                "left": 0.0,
                "right": 0.9,
                "max_size": 12960,
                "image_ratio": 1,
            }
        },
    ),
    "repair": (
        "super_resolution",
        None,
        2,
        1,
        "ImageBasicGenerate",
        {"core_param": {"type": "", "generate_type": 0}},
    ),
}


def wanted(tool: FinishingTool, origin: Origin | None) -> ImageRequest:
    finishing = Finishing(
        tool=tool,
        origin=origin,
        top=0.1,
        bottom=0.2,
        right=0.9,
        original_strength=0.3,
        detail_strength=0.9,
    )
    return replace(HORSES, finishing=finishing)


@pytest.mark.parametrize("tool", TREES)
def test_a_tool_works_on_a_picture_of_the_upstreams(tool: FinishingTool) -> None:
    key, gen_type, edit, pictures, scene, fields = TREES[tool]
    body = sent(wanted(tool, ORIGIN))
    made = component(body)
    assert body["draft_content"]["min_version"] == "3.2.9"
    assert made["generate_type"] == key
    assert made.get("gen_type") == gen_type
    assert ("gen_type" in made) is (gen_type is not None)
    assert without_ids(made["abilities"]) == {
        "type": "",
        key: {
            "type": "",
            "postedit_param": {
                "type": "",
                "generate_type": edit,
                "item_id": 7600000000000000001,
                "origin_history_id": 13500000000001,
            },
            **fields,
        },
    }
    (reported,) = body["metrics_extra"]["sceneOptions"]
    assert (reported["scene"], reported["benefitCount"]) == (scene, pictures)
    assert body["extend"] == {"root_model": KEY}


@pytest.mark.parametrize("tool", [one for one in TREES if one != "repair"])
def test_a_tool_works_on_an_uploaded_picture(tool: FinishingTool) -> None:
    key, _, edit, _, _, fields = TREES[tool]
    body = sent(wanted(tool, None), pictures=1, site=HK)
    ability = without_ids(component(body)["abilities"][key])
    assert ability.pop("postedit_param") == {
        "type": "",
        "generate_type": edit,
        "origin_image": UPLOADED,
    }
    assert ability == {"type": "", **fields}


def test_repair_is_refused_for_an_uploaded_picture() -> None:
    with pytest.raises(InvalidValue) as caught:
        sent(wanted("repair", None), pictures=1)
    assert caught.value.param == "image"


@pytest.mark.parametrize("id_", ["", "abc", "-1", "1.5", "١٢"])
def test_an_origin_without_a_number_is_refused(id_: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        sent(wanted("hd", replace(ORIGIN, item_id=id_)))
    assert caught.value.param == "image"


def test_every_tool_has_a_row_under_its_own_name() -> None:
    assert set(FINISHING_TOOLS) == set(TREES)
    assert all(tool.name == name for name, tool in FINISHING_TOOLS.items())
    assert {name for name, tool in FINISHING_TOOLS.items() if not tool.takes_uploads} == {"repair"}
