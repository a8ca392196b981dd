from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import count
from typing import Any

import pytest

from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.catalog.sites import CN, HK, SG, US, Site
from jimeng_api.domain.errors import InvalidValue, ModelNotAvailable
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.payloads.image import image_payload

SUBMIT_ID = "11111111-2222-4333-8444-555555555555"
HORSES = ImageRequest(
    model="jimeng-5.0",
    prompt="two horses running",
    ratio="16:9",
    resolution="2k",
    width=2560,
    height=1440,
    seed=1234567,
)


def numbered() -> Iterator[str]:
    return (f"id-{n}" for n in count(1))


def sent(
    request: ImageRequest = HORSES, site: Site = CN, constants: Constants | None = None
) -> bytes:
    return image_payload(
        request,
        IMAGE_MODELS[request.model],
        site,
        submit_id=SUBMIT_ID,
        ids=numbered(),
        created_ms=1767225600123,
        constants=constants or Constants(),
    )


def opened(payload: bytes) -> dict[str, Any]:
    """The body with the JSON inside its JSON read too."""
    body: dict[str, Any] = json.loads(payload)
    body["draft_content"] = json.loads(body["draft_content"])
    body["metrics_extra"] = json.loads(body["metrics_extra"])
    body["metrics_extra"]["sceneOptions"] = json.loads(body["metrics_extra"]["sceneOptions"])
    return body


def abilities(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["draft_content"]["component_list"][0]["abilities"]
    return found


def core(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = abilities(body)["generate"]["core_param"]
    return found


def test_a_picture_is_asked_for_with_exactly_this_tree() -> None:
    assert opened(sent()) == {
        "extend": {"root_model": "high_aes_general_v50"},
        "submit_id": SUBMIT_ID,
        "metrics_extra": {
            "promptSource": "custom",
            "generateCount": 1,
            "enterFrom": "click",
            "position": "page_bottom_box",
            "sceneOptions": [
                {
                    "type": "image",
                    "scene": "ImageBasicGenerate",
                    "modelReqKey": "high_aes_general_v50",
                    "resolutionType": "2k",
                    "abilityList": [],
                    "benefitCount": 4,
                    "reportParams": {
                        "enterSource": "generate",
                        "vipSource": "generate",
                        "extraVipFunctionKey": "high_aes_general_v50-2k",
                        "useVipFunctionDetailsReporterHoc": True,
                    },
                }
            ],
            "isBoxSelect": False,
            "isCutout": False,
            "generateId": SUBMIT_ID,
            "isRegenerate": False,
        },
        "draft_content": {
            "type": "draft",
            "id": "id-1",
            "min_version": "3.0.2",
            "min_features": [],
            "is_from_tsn": True,
            "version": "3.3.9",
            "main_component_id": "id-2",
            "component_list": [
                {
                    "type": "image_base_component",
                    "id": "id-2",
                    "min_version": "3.0.2",
                    "aigc_mode": "workbench",
                    "metadata": {
                        "type": "",
                        "id": "id-3",
                        "created_platform": 3,
                        "created_platform_version": "",
                        "created_time_in_ms": "1767225600123",
                        "created_did": "",
                    },
                    "generate_type": "generate",
                    "abilities": {
                        "type": "",
                        "id": "id-4",
                        "generate": {
                            "type": "",
                            "id": "id-5",
                            "core_param": {
                                "type": "",
                                "id": "id-6",
                                "model": "high_aes_general_v50",
                                "prompt": "two horses running",
                                "negative_prompt": "",
                                "seed": 1234567,
                                "sample_strength": 0.5,
                                "image_ratio": 3,
                                "large_image_info": {
                                    "type": "",
                                    "id": "id-7",
                                    "height": 1440,
                                    "width": 2560,
                                    "resolution_type": "2k",
                                },
                                "intelligent_ratio": False,
                                "generate_type": 0,
                            },
                        },
                        "gen_option": {"type": "", "id": "id-8", "generate_all": False},
                    },
                }
            ],
        },
        "http_common_info": {"aid": 513695},
    }


def test_the_same_wish_gives_the_same_bytes() -> None:
    assert sent() == sent()


@pytest.mark.parametrize(
    ("changes", "digest"),
    [
        ({}, "9f15ac75fce1f80e"),
        ({"count": 3}, "2fa49dc0a44e573d"),
        ({"series": 5}, "4d7f5ee96c83fbc0"),
        ({"intelligent_ratio": True}, "598778ff7ca4d8a1"),
    ],
)
def test_the_bytes_are_those_of_the_first_release(changes: dict[str, Any], digest: str) -> None:
    assert sha256(sent(replace(HORSES, **changes))).hexdigest()[:16] == digest


def test_the_inner_documents_are_texts_not_objects() -> None:
    body = json.loads(sent())
    assert isinstance(body["draft_content"], str)
    assert isinstance(body["metrics_extra"], str)
    assert isinstance(json.loads(body["metrics_extra"])["sceneOptions"], str)


@pytest.mark.parametrize("count", [1, 3, 8])
def test_a_number_of_pictures_is_asked_for_beside_the_ability(count: int) -> None:
    body = opened(sent(replace(HORSES, count=count)))
    assert abilities(body)["gen_option"]["gen_count"] == count
    assert "gen_option" not in abilities(body)["generate"]
    assert body["metrics_extra"]["generateCount"] == 1
    assert body["metrics_extra"]["sceneOptions"][0]["benefitCount"] == count


def test_a_number_left_to_the_model_is_reported_as_the_models_own() -> None:
    body = opened(sent(replace(HORSES, model="nanobananapro"), site=SG))
    assert "gen_count" not in abilities(body)["gen_option"]
    own = IMAGE_MODELS["nanobananapro"].count_default
    assert body["metrics_extra"]["sceneOptions"][0]["benefitCount"] == own


def test_a_series_differs_only_in_what_the_page_reports() -> None:
    single, series = opened(sent()), opened(sent(replace(HORSES, series=6)))
    assert series["draft_content"] == single["draft_content"]
    metrics = series["metrics_extra"]
    (scene,) = metrics["sceneOptions"]
    assert scene["scene"] == "ImageMultiGenerate"
    assert "benefitCount" not in scene
    added = {key: metrics.pop(key) for key in set(metrics) - set(single["metrics_extra"])}
    assert added == {
        "templateId": "",
        "templateSource": "",
        "lastRequestId": "",
        "originRequestId": "",
    }


def test_with_an_intelligent_ratio_the_upstream_chooses_the_shape() -> None:
    parameters = core(opened(sent(replace(HORSES, intelligent_ratio=True))))
    assert parameters["intelligent_ratio"] is True
    assert "image_ratio" not in parameters


def test_the_callers_own_values_arrive() -> None:
    request = replace(
        HORSES, negative_prompt="fog", sample_strength=0.8, seed=2**32 - 1, prompt='„马“ "a"\\n 🐎'
    )
    parameters = core(opened(sent(request)))
    assert parameters["negative_prompt"] == "fog"
    assert parameters["sample_strength"] == 0.8
    assert parameters["seed"] == 2**32 - 1
    assert parameters["prompt"] == request.prompt


@pytest.mark.parametrize(
    ("ratio", "code"),
    [
        ("1:1", 1),
        ("3:4", 2),
        ("16:9", 3),
        ("4:3", 4),
        ("9:16", 5),
        ("2:3", 6),
        ("3:2", 7),
        ("21:9", 8),
    ],
)
@pytest.mark.parametrize("tier", ["2k", "4k"])
def test_ratios_have_the_same_codes_on_every_tier(ratio: str, code: int, tier: str) -> None:
    request = replace(HORSES, ratio=ratio, resolution=tier)
    assert core(opened(sent(request)))["image_ratio"] == code


@pytest.mark.parametrize(
    ("site", "ratio", "tier", "expected"),
    [
        (US, "16:9", "1k", (1, 1024, 1024, "2k")),
        (US, "1:1", "2k", (1, 1024, 1024, "2k")),
        (HK, "16:9", "1k", (3, 2560, 1440, "1k")),
    ],
)
def test_nano_banana_is_one_square_on_the_us_site_only(
    site: Site, ratio: str, tier: str, expected: tuple[int, int, int, str]
) -> None:
    request = replace(HORSES, model="nanobanana", ratio=ratio, resolution=tier)
    body = opened(sent(request, site=site))
    image = core(body)["large_image_info"]
    code, width, height, resolution = expected
    assert core(body)["image_ratio"] == code
    assert (image["width"], image["height"]) == (width, height)
    assert image["resolution_type"] == resolution
    assert body["metrics_extra"]["sceneOptions"][0]["resolutionType"] == resolution
    assert body["http_common_info"] == {"aid": 513641}


def test_a_model_that_the_site_does_not_have_is_refused() -> None:
    with pytest.raises(ModelNotAvailable):
        sent(replace(HORSES, model="nanobanana"), site=CN)


def test_the_drafts_version_comes_from_the_setting_the_row_or_the_day() -> None:
    def version(model: str, constants: Constants) -> Any:
        return opened(sent(replace(HORSES, model=model), constants=constants))["draft_content"][
            "version"
        ]

    assert version("jimeng-5.0", Constants(da_version="3.4.0")) == "3.3.9"
    assert version("jimeng-5.0-pro", Constants(da_version="3.4.0")) == "3.4.0"
    assert version("jimeng-5.0", Constants(draft_version="3.5.0")) == "3.5.0"
    draft = opened(sent(constants=Constants(draft_min_version="3.2.9")))["draft_content"]
    assert draft["min_version"] == "3.2.9"


def test_half_a_character_in_the_prompt_is_the_callers_mistake() -> None:
    with pytest.raises(InvalidValue) as caught:
        sent(replace(HORSES, prompt="\ud800"))
    assert caught.value.param == "prompt"
