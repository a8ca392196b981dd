"""What a record tells of the request that it came from, and what it leaves open."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jimeng_api.domain.errors import ProtocolChanged
from jimeng_api.upstream.replies.answers import Reply
from jimeng_api.upstream.replies.film_origins import FilmOrigin
from jimeng_api.upstream.replies.origins import Origin, found
from jimeng_api.upstream.replies.trees import MOST_PROMPT
from tests.unit.upstream.replies.samples import HISTORY_ID, SUBMIT_ID, item, record

CORE: dict[str, Any] = {
    "model": "high_aes_general_v40l",
    "prompt": "two horses\nrunning",
    "negative_prompt": "cows",
    "seed": 1_357_613_421,
    "sample_strength": 0.4,
    "image_ratio": 3,
    "large_image_info": {"width": 2560, "height": 1440, "resolution_type": "2k"},
    "intelligent_ratio": False,
}


def draft(way: str = "generate", core: Any = None, **abilities: Any) -> str:
    return json.dumps(
        {
            "type": "draft",
            "main_component_id": "b",
            "component_list": [
                {"id": "a", "type": "image_base_component", "abilities": {}},
                {
                    "id": "b",
                    "type": "image_base_component",
                    "abilities": {
                        "type": "",
                        way: {"core_param": CORE if core is None else core},
                        **abilities,
                    },
                },
            ],
        }
    )


def anything_of(**fields: Any) -> Origin | FilmOrigin:
    reply = Reply(data=json.dumps({SUBMIT_ID: record(status=50, **fields)}).encode())
    return found(reply, submit_ids=[SUBMIT_ID])[SUBMIT_ID].origin


def origin(**fields: Any) -> Origin:
    seen = anything_of(**fields)
    assert isinstance(seen, Origin)
    return seen


def film_origin(wish: Any = None, *, scene: str = "", **fields: Any) -> FilmOrigin:
    """Of a record whose draft says this of the film."""
    if wish is not None:
        params = {
            "video_gen_inputs": [wish],
            "video_aspect_ratio": "9:16",
            "seed": 77,
            "model_req_key": "dreamina_seedance_40",
        }
        making = {"scene": scene, "text_to_video_params": params}
        component = {"id": "b", "type": "video_base_component", "abilities": {"gen_video": making}}
        fields["draft_content"] = json.dumps({"component_list": [component]})
    seen = anything_of(generate_type=10, **fields)
    assert isinstance(seen, FilmOrigin)
    return seen


def test_the_request_is_read_from_what_the_record_repeats_of_it() -> None:
    assert origin(draft_content=draft(gen_option={"gen_count": 3})) == Origin(
        model_key="high_aes_general_v40l",
        prompt="two horses\nrunning",
        negative_prompt="cows",
        seed=1_357_613_421,
        sample_strength=0.4,
        ratio_code=3,
        resolution="2k",
        width=2560,
        height=1440,
        count=3,
        sent_at=1767225601.321,
    )


def test_pictures_made_of_pictures_are_read_alike() -> None:
    seen = origin(draft_content=draft("blend", {**CORE, "prompt": "##as a drawing"}))
    assert (seen.prompt, seen.model_key) == ("##as a drawing", CORE["model"])


def test_the_count_may_stand_in_either_of_its_places() -> None:
    inside = json.loads(draft())
    inside["component_list"][1]["abilities"]["generate"]["gen_option"] = {"gen_count": 2}
    assert origin(draft_content=json.dumps(inside)).count == 2
    assert origin(draft_content=inside).count == 2  # no text in a text


def test_a_record_without_the_request_tells_what_its_pictures_know() -> None:
    picture = item()
    picture["aigc_image_params"] = {
        "generate_type": 1,
        "text2image_params": {
            "prompt": "two horses",
            "seed": 7,
            "image_ratio": 1,
            "large_image_info": {"width": 1328, "height": 1328, "resolution_type": "1k"},
        },
    }
    seen = origin(item_list=[picture])
    assert (seen.model_key, seen.prompt) == ("high_aes_general_v50", "two horses running")
    assert (seen.seed, seen.ratio_code, seen.resolution, seen.width) == (7, 1, "1k", 1328)
    seen = origin(item_list=[picture], history_group_key=None, model_info=None)
    assert (seen.prompt, seen.model_key) == ("two horses", "")


def test_a_bare_record_tells_at_least_its_prompt_and_its_model() -> None:
    seen = origin()
    assert seen == Origin(
        model_key="high_aes_general_v50", prompt="two horses running", sent_at=1767225601.321
    )
    assert origin(item_list=[item()]).width == 2048


@pytest.mark.parametrize(
    "fields",
    [
        {"generate_type": 10},
        {"generate_type": "32"},
        {"item_list": [{"common_attr": {"id": "1"}, "video": {"duration_ms": 4000}}]},
        {"draft_content": '{"component_list":[{"id":"x","type":"video_base_component"}]}'},
        {"model_info": {"model_req_key": "dreamina_seedance_40_pro"}},
    ],
)
def test_a_film_is_recognised(fields: dict[str, Any]) -> None:
    assert isinstance(anything_of(**fields), FilmOrigin)


@pytest.mark.parametrize("kind", [1, 12, 13, 8, 35, None, "1", 99])
def test_every_other_way_makes_pictures(kind: object) -> None:
    assert isinstance(anything_of(generate_type=kind), Origin)


# ------------------------------------------------------------------------------ films

PICTURE = {"image_uri": "tos-cn-i-x/1"}


def test_a_film_is_read_from_what_the_record_repeats_of_it() -> None:
    wish = {"prompt": "waves", "duration_ms": 5000, "resolution": "720P", "fps": 24}
    assert film_origin(wish) == FilmOrigin(
        model_key="dreamina_seedance_40",
        prompt="waves",
        mode="t2v",
        seconds=5.0,
        ratio="9:16",
        resolution="720p",
        seed=77,
        sent_at=1767225601.321,
    )


@pytest.mark.parametrize(
    ("wish", "scene", "mode", "seconds", "prompt"),
    [
        ({"prompt": "a", "first_frame_image": PICTURE}, "", "first_frame", 0, "a"),
        (
            {"prompt": "a", "first_frame_image": PICTURE, "end_frame_image": PICTURE},
            "",
            "first_last",
            0,
            "a",
        ),
        ({"prompt": "a", "end_frame_image": PICTURE}, "", "first_last", 0, "a"),
        (
            {
                "prompt": "",
                "multi_frames": [
                    {"duration_ms": 2000, "prompt": "calm"},
                    {"duration_ms": 3500, "prompt": "storm"},
                ],
            },
            "",
            "multi_frame",
            5.5,
            "calm\nstorm",
        ),
        (
            {
                "prompt": "",
                "duration_ms": 5000,
                "idip_frames": [PICTURE],
                "idip_meta_list": [{"meta_type": "text", "text": "she "}, {"text": "runs"}],
            },
            "",
            "subject_ref",
            5,
            "she runs",
        ),
        (
            {
                "prompt": "",
                "duration_ms": 4000,
                "unified_edit_input": {
                    "material_list": [{"material_type": "image"}],
                    "meta_list": [{"text": ""}, {"text": "dances"}],
                },
            },
            "",
            "omni",
            4,
            "dances",
        ),
        (
            {
                "prompt": "",
                "duration_ms": -1,
                "unified_edit_input": {
                    "material_list": [{"material_type": "video"}],
                    "meta_list": [{"text": "snow"}],
                    "edit_input": {"start_timestamp_ms": 500, "end_timestamp_ms": 4500},
                },
            },
            "",
            "edit",
            4,
            "snow",
        ),
        ({"duration_ms": 5042}, "insert_frame", "interpolate", 5.042, ""),
        ({"duration_ms": 5042}, "super_resolution", "upscale", 5.042, ""),
        ({}, "something_new", "t2v", 0, ""),
    ],
)
def test_the_way_of_a_film_its_length_and_its_words_stand_in_different_places(
    wish: dict[str, Any], scene: str, mode: str, seconds: float, prompt: str
) -> None:
    seen = film_origin(wish, scene=scene, history_group_key=None)
    assert (seen.mode, seen.seconds, seen.prompt) == (mode, seconds, prompt)


def test_a_record_without_the_request_tells_what_its_film_knows() -> None:
    film = {
        "common_attr": {"id": "1"},
        "video": {"duration_ms": 5042},
        "aigc_image_params": {
            "text2video_params": {
                "video_gen_inputs": [
                    {"prompt": "waves", "duration_ms": 5000, "first_frame_image": PICTURE}
                ],
                "video_aspect_ratio": "16:9",
                "seed": 9,
                "model_req_key": "dreamina_seedance_40",
            }
        },
    }
    assert film_origin(item_list=[film], history_group_key=None, model_info=None) == FilmOrigin(
        model_key="dreamina_seedance_40",
        prompt="waves",
        mode="first_frame",
        seconds=5.0,
        ratio="16:9",
        seed=9,
        sent_at=1767225601.321,
    )


def test_a_bare_record_of_a_film_tells_its_prompt_and_its_model() -> None:
    seen = film_origin()
    assert (seen.prompt, seen.mode, seen.seconds) == ("two horses running", "t2v", 0)
    assert seen.model_key == "high_aes_general_v50"


def test_a_long_prompt_is_cut_and_a_wild_number_is_none() -> None:
    core = {**CORE, "prompt": "x" * 40_000, "seed": 2**32, "sample_strength": 7, "image_ratio": -1}
    seen = origin(draft_content=draft(core=core))
    assert len(seen.prompt) == MOST_PROMPT
    assert (seen.seed, seen.sample_strength, seen.ratio_code) == (None, None, 0)


def test_a_history_id_finds_as_well_and_a_stranger_does_not() -> None:
    stranger = {"9": record(history_record_id="9")}
    data = json.dumps({HISTORY_ID: record(status=50, draft_content=draft()), **stranger}).encode()
    seen = found(Reply(data=data), history_ids=[HISTORY_ID])
    assert seen[HISTORY_ID].progress.submit_id == SUBMIT_ID
    assert seen[HISTORY_ID].origin.prompt == CORE["prompt"]
    assert set(seen) == {HISTORY_ID}
    assert found(Reply(data=b"{}"), history_ids=[HISTORY_ID]) == {}


def test_a_record_that_cannot_be_read_is_none() -> None:
    with pytest.raises(ProtocolChanged):
        found(Reply(data=b'{"%s": [1]}' % SUBMIT_ID.encode()), submit_ids=[SUBMIT_ID])


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(
    fields=st.dictionaries(
        st.sampled_from(
            ["generate_type", "created_time", "history_group_key", "draft_content", "item_list"]
        ),
        anything,
    ),
    abilities=anything,
    core=anything,
)
def test_nothing_in_a_record_makes_the_reader_stumble(
    fields: dict[str, Any], abilities: Any, core: Any
) -> None:
    anything_of(**fields)
    anything_of(
        draft_content=draft(core=core), **{k: v for k, v in fields.items() if k != "draft_content"}
    )
    anything_of(draft_content=json.dumps({"component_list": [{"abilities": abilities}]}))
    anything_of(draft_content={"component_list": abilities})


@given(wish=anything, scene=st.sampled_from(["", "insert_frame"]), params=anything, item=anything)
def test_nothing_in_the_record_of_a_film_makes_the_reader_stumble(
    wish: Any, scene: str, params: Any, item: Any
) -> None:
    if isinstance(wish, dict):
        film_origin(wish, scene=scene, item_list=[item])
    unified = {"unified_edit_input": wish, "multi_frames": [wish], "idip_meta_list": wish}
    film_origin(unified, scene=scene, item_list=[{"aigc_image_params": item}])
    making = {"gen_video": {"text_to_video_params": params}}
    film_origin(draft_content={"component_list": [{"abilities": making}]}, item_list=item)
