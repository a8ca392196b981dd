"""What a record tells of the request that it came from, and what it leaves open."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jimeng_api.domain.errors import ProtocolChanged
from jimeng_api.upstream.replies.answers import Reply
from jimeng_api.upstream.replies.origins import MOST_PROMPT, Origin, found
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


def origin(**fields: Any) -> Origin:
    reply = Reply(data=json.dumps({SUBMIT_ID: record(status=50, **fields)}).encode())
    return found(reply, submit_ids=[SUBMIT_ID])[SUBMIT_ID].origin


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
    assert (seen.prompt, seen.model_key, seen.film) == ("##as a drawing", CORE["model"], False)


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
    ],
)
def test_a_film_is_recognised(fields: dict[str, Any]) -> None:
    assert origin(**fields).film is True


@pytest.mark.parametrize("kind", [1, 12, 13, 8, 35, None, "1", 99])
def test_every_other_way_makes_pictures(kind: object) -> None:
    assert origin(generate_type=kind).film is False


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
    origin(**fields)
    origin(
        draft_content=draft(core=core), **{k: v for k, v in fields.items() if k != "draft_content"}
    )
    origin(draft_content=json.dumps({"component_list": [{"abilities": abilities}]}))
    origin(draft_content={"component_list": abilities})
