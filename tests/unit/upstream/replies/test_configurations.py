"""The models and prices that a site lists, as far as they are understood."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jimeng_api.catalog.prices import Rate
from jimeng_api.domain.errors import ProtocolChanged
from jimeng_api.upstream.replies.answers import Reply
from jimeng_api.upstream.replies.configurations import image_models, video_models
from jimeng_api.upstream.replies.prices import rates

IMAGE: dict[str, Any] = {
    "model_name": "Image 6",
    "model_req_key": "high_aes_general_v60",
    "model_status": 0,
    "default_resolution_type": "2K",
    "resolution_map": {
        "2k": {
            "resolution_name": "2k",
            "image_ratio_sizes": [
                {"ratio_type": 1, "width": 2048, "height": 2048},
                {"ratio_type": "3", "width": "2560", "height": 1440},
                {"ratio_type": 99, "width": 1, "height": 1},
                {"ratio_type": 2, "width": -5, "height": 1},
            ],
        },
        "odd": None,
    },
    "generate_count_options": [4, 1, 2, "x", 0, 1000],
    "default_generate_count": 4,
    "input_image_limit": [{"max_image_num": 10, "ability_name": "byte_edit"}, {}],
    "feats": ["byte_edit"],
    "commercial_config": {
        "resolution_price_configs": [
            {"resolution": "2k", "price": {"benefit_type": "image_basic_v6_2k", "amount": 1}}
        ]
    },
}


def option(key: str, kind: str, values: list[Any], usual: int = 0) -> dict[str, Any]:
    inner = {"enum_type": kind, f"{kind}_value": values, "default_val_idx": usual}
    return {"key": key, "value_type": "enum", "forbidden_display": False, "enum_val": inner}


FILM: dict[str, Any] = {
    "model_req_key": "dreamina_seedance_50",
    "model_name": "Seedance 5",
    "model_status": 0,
    "options": [
        option("input_media_type", "string", ["prompt", "first_frame", "unified_edit", "new"]),
        option("resolution", "string", ["720p", "1080P"], 1),
        {
            "key": "frames",
            "value_type": "slide_bar",
            "slide_bar_val": {"min": 96, "max": 192, "step": 24, "default": 120},
        },
        option("fps", "int", [24]),
        option("video_aspect_ratio", "string", ["16:9", "9:16"]),
        option("resolution", "string", ["8k"]) | {"forbidden_display": True},
    ],
    "commercial_config": {
        "default": "seedance_50_720p_output",
        "format_conf": {"720p": "seedance_50_720p_output", "1080p": "old"},
        "resolution_price_configs": [
            {"resolution": "1080p", "price": {"benefit_type": "seedance_50_1080p_output"}}
        ],
    },
    "extra": {"is_draft_mode": False},
}

PRICES: dict[str, Any] = {
    "metadata_list": [
        {
            "resource_type": "aigc",
            "resource_id": "generate_img",
            "benefits_pay_strategy": [
                {
                    "benefit_type": "image_basic_v6_2k",
                    "unit": "page",
                    "credit_strategy": {
                        "credit_pricing_info": {"credit_unit_price": 5, "min_charge_cnt": 2},
                        "credit_limits": [{"role": "all"}],
                    },
                },
                {
                    "benefit_type": "image_basic_v6_2k",
                    "credit_strategy": {
                        "credit_pricing_info": {"credit_unit_price": "2"},
                        "credit_limits": [{"role": "vip"}, {}, None],
                    },
                },
                {"benefit_type": "lip_sync", "unit": "second"},
            ],
        }
    ]
}


def reply(data: Any) -> Reply:
    return Reply(data=json.dumps(data).encode())


def test_an_image_model_tells_its_sizes_numbers_and_what_pays() -> None:
    (model,) = image_models(reply({"model_list": [IMAGE]}))
    assert (model.key, model.title, model.usable) == ("high_aes_general_v60", "Image 6", True)
    assert model.pixels == {"2k": {"1:1": (2048, 2048), "16:9": (2560, 1440)}}
    assert model.default_resolution == "2k"
    assert (model.count_options, model.count_default) == ((1, 2, 4), 4)
    assert model.max_input_images == 10
    assert model.benefit_types == {"2k": "image_basic_v6_2k"}


def test_a_film_model_tells_its_lengths_in_seconds() -> None:
    (model,) = video_models(reply({"model_list": [FILM]}))
    assert model.input_modes == ("t2v", "first_frame", "omni")
    assert (model.resolutions, model.default_resolution) == (("720p", "1080p"), "1080p")
    assert (model.durations, model.default_duration) == ((4, 5, 6, 7, 8), 5)
    assert model.ratios == ("16:9", "9:16")
    assert model.benefit_types == {
        "720p": "seedance_50_720p_output",
        "1080p": "seedance_50_1080p_output",
    }


def test_lengths_may_be_a_list_and_prices_numbers_beside_the_commercial_part() -> None:
    film = FILM | {
        "options": [option("frames", "int", [120, 240, 288], 1)],
        "resolution_price_configs": [{"resolution": "720p", "price": 6}, {"resolution": "x"}],
        "model_status": 3,
    }
    (model,) = video_models(reply({"model_list": [film]}))
    assert (model.durations, model.default_duration) == ((5, 10, 12), 10)
    assert model.credits_per_second == {"720p": 6}
    assert not model.usable


def test_the_list_of_prices_is_read_by_what_pays_and_by_role() -> None:
    assert rates(reply(PRICES)) == {
        "image_basic_v6_2k": (
            Rate(credits=5, unit="page", least=2, roles=("all",)),
            Rate(credits=2, unit="count", roles=("vip",)),
        )
    }


@pytest.mark.parametrize("data", [None, {}, [], {"model_list": None, "metadata_list": 5}])
def test_an_answer_without_its_list_is_another_protocol(data: Any) -> None:
    for read in (image_models, video_models, rates):
        with pytest.raises(ProtocolChanged):
            read(reply(data))


def test_what_has_no_key_or_comes_twice_is_left_out() -> None:
    listed = [IMAGE, {"model_name": "nameless"}, IMAGE | {"model_name": "again"}, 5, None]
    assert [model.title for model in image_models(reply({"model_list": listed}))] == ["Image 6"]


FINITE = st.floats(allow_nan=False, allow_infinity=False)  # JSON has no others
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def damaged(draw: st.DrawFn, whole: dict[str, Any]) -> Any:
    """The tree with one part of it replaced by anything."""
    tree = json.loads(json.dumps(whole))
    place: Any = tree
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return tree
        key = draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or draw(st.booleans()):
            place[key] = draw(ANYTHING)
            return tree
        place = place[key]


@given(image=damaged(IMAGE), film=damaged(FILM), prices=damaged(PRICES))
def test_damage_never_breaks_the_reading(image: Any, film: Any, prices: Any) -> None:
    image_models(reply({"model_list": [image, IMAGE]}))
    video_models(reply({"model_list": [film, FILM]}))
    if isinstance(prices["metadata_list"], list):
        rates(reply(prices))
