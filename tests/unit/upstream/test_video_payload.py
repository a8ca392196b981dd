"""Drafts of films, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from jimeng_api.catalog.sites import CN, HK, SITES, Site
from jimeng_api.catalog.video_models import VIDEO_MODELS
from jimeng_api.catalog.video_modes import WAYS_TO_FILM
from jimeng_api.domain.errors import InvalidValue, ModelNotAvailable
from jimeng_api.domain.inputs import Input, Origin
from jimeng_api.domain.requests import Frame, Piece, VideoMode, VideoRequest
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.payloads.video import video_payload

SUBMIT_ID = "11111111-2222-4333-8444-555555555555"
MINI = "dreamina_seedance_40_mini"
BOAT = VideoRequest(
    model="jimeng-video-seedance-2.0-mini",
    prompt="a paper boat on a pond",
    mode="t2v",
    ratio="16:9",
    resolution="720p",
    seconds=4,
    seed=1234567890,
)


def kept(content_type: str, **more: Any) -> Input:
    return Input(media_id="m", content_type=content_type, size=9, sha256="0" * 64, **more)


PICTURE = kept("image/png", width=1280, height=720)
FILM = kept("video/mp4", width=1280, height=720, seconds=4.2, fps=23.976)
SOUND = kept("audio/mpeg", width=0, height=0, seconds=5.0)
ORIGIN = Origin(
    item_id="7700000000000000001",
    history_id="31000000000001",
    account="a",
    vid="v02870g10004synthetic0001",
    width=1280,
    height=720,
    seconds=4.097,
)


def numbered() -> Iterator[str]:
    return (f"id-{n}" for n in count(1))


def name(number: int, one: Input) -> str:
    pictures = one.content_type.startswith("image/")
    return f"tos-cn-i-tb4s082cfz/{number:032x}" if pictures else f"v{number:031x}"


def sent(request: VideoRequest, *, site: Site = CN, **constants: Any) -> dict[str, Any]:
    """The body with the JSON inside its JSON read too."""
    payload = video_payload(
        request,
        VIDEO_MODELS[request.model],
        site,
        submit_id=SUBMIT_ID,
        ids=numbered(),
        created_ms=1790000000000,
        constants=replace(Constants(), **constants),
        uploads=[name(number, one) for number, one in enumerate(request.inputs)],
    )
    body: dict[str, Any] = json.loads(payload)
    body["draft_content"] = json.loads(body["draft_content"])
    return body


def component(body: dict[str, Any]) -> dict[str, Any]:
    (found,) = body["draft_content"]["component_list"]
    assert isinstance(found, dict)
    return found


def params(body: dict[str, Any]) -> dict[str, Any]:
    found = component(body)["abilities"]["gen_video"]["text_to_video_params"]
    assert isinstance(found, dict)
    return found


def film(body: dict[str, Any]) -> dict[str, Any]:
    (found,) = params(body)["video_gen_inputs"]
    assert isinstance(found, dict)
    return found


def charged(body: dict[str, Any]) -> dict[str, Any]:
    (listed,) = body["extend"]["m_video_commerce_info_list"]
    found = body["extend"]["m_video_commerce_info"]
    assert found == listed
    assert isinstance(found, dict)
    return found


def reported(body: dict[str, Any]) -> dict[str, Any]:
    metrics: dict[str, Any] = json.loads(body["metrics_extra"])
    metrics["sceneOptions"] = json.loads(metrics["sceneOptions"])
    return metrics


def ids_of(tree: Any) -> list[str]:
    if isinstance(tree, list):
        return [one for branch in tree for one in ids_of(branch)]
    if not isinstance(tree, dict):
        return []
    own = [tree["id"]] if "id" in tree else []
    return own + [one for branch in tree.values() for one in ids_of(branch)]


def bare(tree: Any) -> Any:
    """The tree without its ids, each of which is only unlike the others."""
    if isinstance(tree, list):
        return [bare(one) for one in tree]
    if isinstance(tree, dict):
        return {name: bare(one) for name, one in tree.items() if name != "id"}
    return tree


def picture(number: int, width: int = 1280, height: int = 720) -> dict[str, Any]:
    return {
        "type": "image",
        "source_from": "upload",
        "platform_type": 1,
        "name": "",
        "image_uri": f"tos-cn-i-tb4s082cfz/{number:032x}",
        "uri": f"tos-cn-i-tb4s082cfz/{number:032x}",
        "width": width,
        "height": height,
        "format": "",
    }


REQUESTS: dict[VideoMode, VideoRequest] = {
    "t2v": BOAT,
    "first_frame": replace(BOAT, mode="first_frame", inputs=(PICTURE,)),
    "first_last": replace(BOAT, mode="first_last", inputs=(PICTURE, PICTURE)),
    "multi_frame": replace(
        BOAT,
        model="jimeng-video-3.0",
        mode="multi_frame",
        inputs=(PICTURE, PICTURE),
        frames=(Frame(seconds=2, prompt="it sets off"), Frame(seconds=3)),
    ),
    "subject_ref": replace(
        BOAT,
        model="jimeng-video-3.0",
        mode="subject_ref",
        seconds=5,
        inputs=(PICTURE, PICTURE),
        pieces=(Piece(input=1), Piece(text=" meets "), Piece(input=0)),
    ),
    "omni": replace(
        BOAT,
        mode="omni",
        seconds=5,
        inputs=(PICTURE, FILM, SOUND),
        pieces=(Piece(input=0), Piece(text=" moves like "), Piece(input=1)),
    ),
    "edit": replace(
        BOAT,
        model="jimeng-video-seedance-2.5",
        mode="edit",
        inputs=(FILM, PICTURE),
        edit_from=0.5,
        edit_to=3.75,
        pieces=(Piece(text="make "), Piece(input=0), Piece(text=" rain")),
    ),
    "interpolate": replace(BOAT, mode="interpolate", origin=ORIGIN),
    "upscale": replace(BOAT, mode="upscale", origin=ORIGIN, resolution="1080p"),
}


def test_a_film_from_words_is_exactly_this() -> None:
    body = sent(BOAT)
    draft = body["draft_content"]
    metrics = body["metrics_extra"]
    charge = {
        "amount": 4,
        "benefit_type": "seedance_20_mini_720p_output",
        "resource_id": "generate_video",
        "resource_id_type": "str",
        "resource_sub_type": "aigc",
    }
    assert draft.pop("main_component_id") == component(body)["id"]
    assert body.pop("draft_content") is draft
    assert body == {
        "extend": {
            "root_model": MINI,
            "m_video_commerce_info": charge,
            "m_video_commerce_info_list": [charge],
        },
        "submit_id": SUBMIT_ID,
        "metrics_extra": metrics,
        "http_common_info": {"aid": 513695},
    }
    assert bare(draft) == {
        "type": "draft",
        "min_version": "3.0.5",
        "min_features": [],
        "is_from_tsn": True,
        "version": "3.3.20",
        "component_list": [
            {
                "type": "video_base_component",
                "min_version": "1.0.0",
                "aigc_mode": "workbench",
                "metadata": {
                    "type": "",
                    "created_platform": 3,
                    "created_platform_version": "",
                    "created_time_in_ms": "1790000000000",
                    "created_did": "",
                },
                "generate_type": "gen_video",
                "process_type": 1,
                "abilities": {
                    "type": "",
                    "gen_video": {
                        "type": "",
                        "text_to_video_params": {
                            "type": "",
                            "video_gen_inputs": [
                                {
                                    "type": "",
                                    "min_version": "3.0.5",
                                    "prompt": "a paper boat on a pond",
                                    "video_mode": 2,
                                    "fps": 24,
                                    "duration_ms": 4000,
                                    "resolution": "720p",
                                    "idip_meta_list": [],
                                }
                            ],
                            "video_aspect_ratio": "16:9",
                            "seed": 1234567890,
                            "model_req_key": MINI,
                            "priority": 0,
                        },
                        "video_task_extra": metrics,
                    },
                },
            }
        ],
    }
    assert reported({"metrics_extra": metrics}) == {
        "promptSource": "custom",
        "isDefaultSeed": 1,
        "originSubmitId": SUBMIT_ID,
        "isRegenerate": False,
        "enterFrom": "click",
        "position": "page_bottom_box",
        "functionMode": "first_last_frames",
        "sceneOptions": [
            {
                "type": "video",
                "scene": "BasicVideoGenerateButton",
                "modelReqKey": MINI,
                "videoDuration": 4,
                "resolution": "720p",
                "materialTypes": [],
                "reportParams": {
                    "enterSource": "generate",
                    "vipSource": "generate",
                    "extraVipFunctionKey": f"{MINI}-720p",
                    "useVipFunctionDetailsReporterHoc": True,
                },
            }
        ],
    }


@pytest.mark.parametrize(
    ("mode", "min_version", "features", "version", "function", "process"),
    [
        ("t2v", "3.0.5", [], "3.3.20", "first_last_frames", 1),
        ("first_frame", "3.0.5", [], "3.3.20", "first_last_frames", 1),
        ("first_last", "3.0.5", [], "3.3.20", "first_last_frames", 1),
        (
            "multi_frame",
            "3.0.5",
            ["AIGC_GenerateType_VideoMultiFrame"],
            "3.3.3",
            "multi_frame",
            1,
        ),
        (
            "subject_ref",
            "3.0.5",
            ["AIGC_GenerateType_VideoIdipFrame"],
            "3.3.3",
            "main_reference",
            1,
        ),
        ("omni", "3.3.9", ["AIGC_Video_UnifiedEdit"], "3.3.20", "omni_reference", 1),
        ("edit", "3.3.9", ["AIGC_Video_UnifiedEdit"], "3.3.9", "video_edit", 1),
        ("interpolate", "3.1.0", [], "3.3.20", "first_last_frames", 3),
        (
            "upscale",
            "3.1.0",
            ["AIGC_GenerateType_VideoSuperResolution", "AIGC_GenerateType_VideoMultiFrame"],
            "3.2.9",
            "first_last_frames",
            2,
        ),
    ],
)
def test_each_way_asks_for_the_versions_and_features_that_it_needs(
    mode: VideoMode,
    min_version: str,
    features: list[str],
    version: str,
    function: str,
    process: int,
) -> None:
    body = sent(REQUESTS[mode])
    draft = body["draft_content"]
    assert draft["min_version"] == min_version
    assert draft["min_features"] == features
    assert draft["version"] == version
    assert component(body)["process_type"] == process
    assert reported(body)["functionMode"] == function
    finished = mode in ("interpolate", "upscale")
    assert film(body)["min_version"] == ("3.0.5" if finished else min_version)


def test_every_way_has_a_row_and_a_request_here() -> None:
    assert REQUESTS.keys() == WAYS_TO_FILM.keys()


@pytest.mark.parametrize("mode", WAYS_TO_FILM)
def test_no_id_is_used_twice_and_the_report_stands_twice_letter_for_letter(mode: VideoMode) -> None:
    body = sent(REQUESTS[mode])
    ids = ids_of(body["draft_content"])
    assert len(ids) == len(set(ids))
    assert component(body)["abilities"]["gen_video"]["video_task_extra"] == body["metrics_extra"]


def test_the_sample_model_says_what_it_is() -> None:
    request = replace(BOAT, model="jimeng-video-seedance-2.5-draft", resolution="480p")
    body = sent(request)
    draft = body["draft_content"]
    assert (draft["min_version"], draft["version"]) == ("3.3.28", "3.3.28")
    assert draft["min_features"] == ["AIGC_Video_Seedance25ResultAction"]
    assert film(body)["is_draft_mode"] is True
    assert film(body)["min_version"] == "3.3.28"
    assert reported(body)["videoStage"] == "draft"
    body = sent(replace(request, mode="omni", inputs=(PICTURE,)))
    assert body["draft_content"]["min_version"] == "3.3.28"
    assert body["draft_content"]["min_features"] == [
        "AIGC_Video_UnifiedEdit",
        "AIGC_Video_Seedance25ResultAction",
    ]


def test_the_first_picture_and_the_last_have_their_places() -> None:
    first = film(sent(REQUESTS["first_frame"]))
    assert bare(first["first_frame_image"]) == picture(0)
    assert "end_frame_image" not in first
    both = film(sent(REQUESTS["first_last"]))
    assert bare(both["first_frame_image"]) == picture(0)
    assert bare(both["end_frame_image"]) == picture(1)
    assert both["prompt"] == BOAT.prompt


def test_a_film_through_pictures_has_the_words_at_the_pictures() -> None:
    body = sent(REQUESTS["multi_frame"])
    own = film(body)
    assert (own["prompt"], own["video_mode"], own["duration_ms"]) == ("", 1, 5000)
    assert "idip_meta_list" not in own
    assert bare(own["multi_frames"]) == [
        {
            "type": "",
            "idx": index,
            "duration_ms": milliseconds,
            "prompt": prompt,
            "media_info": {"type": "", "media_type": 1, "image_info": picture(index)},
        }
        for index, milliseconds, prompt in [(0, 2000, "it sets off"), (1, 3000, "")]
    ]
    assert charged(body)["benefit_type"] == "basic_video_operation_vgfm_v_three"
    assert charged(body)["amount"] == 5


def test_subjects_stand_in_the_prompt_where_it_names_them() -> None:
    own = film(sent(REQUESTS["subject_ref"]))
    assert own["prompt"] == ""
    assert bare(own["idip_frames"]) == [picture(0), picture(1)]
    assert bare(own["idip_meta_list"]) == [
        {
            "type": "",
            "meta_type": "idip_frame",
            "text": "",
            "frame_info": {"type": "", "image_idx": 1},
        },
        {"type": "", "meta_type": "text", "text": " meets "},
        {
            "type": "",
            "meta_type": "idip_frame",
            "text": "",
            "frame_info": {"type": "", "image_idx": 0},
        },
    ]


def test_references_are_materials_and_a_prompt_in_pieces() -> None:
    body = sent(REQUESTS["omni"])
    own = film(body)
    assert own["prompt"] == ""
    assert own["idip_meta_list"] == []
    assert bare(own["unified_edit_input"]) == {
        "type": "",
        "material_list": [
            {
                "type": "",
                "material_type": "image",
                "image_info": {**picture(0), "aigc_image": {"type": ""}},
            },
            {
                "type": "",
                "material_type": "video",
                "video_info": {
                    "type": "video",
                    "source_from": "upload",
                    "name": "",
                    "vid": f"v{1:031x}",
                    "fps": 24,
                    "width": 1280,
                    "height": 720,
                    "duration": 4200,
                    "cover_image_url": "",
                },
            },
            {
                "type": "",
                "material_type": "audio",
                "audio_info": {
                    "type": "audio",
                    "source_from": "upload",
                    "vid": f"v{2:031x}",
                    "duration": 5000,
                    "name": "",
                },
            },
        ],
        "meta_list": [
            {
                "type": "",
                "meta_type": "image",
                "text": "",
                "material_ref": {"type": "", "material_idx": 0},
            },
            {"type": "", "meta_type": "text", "text": " moves like "},
            {
                "type": "",
                "meta_type": "video",
                "text": "",
                "material_ref": {"type": "", "material_idx": 1},
            },
        ],
    }
    metrics = reported(body)
    assert metrics["generatorFeature"] == "omniReference"
    assert metrics["sceneOptions"][0]["materialTypes"] == [1, 2, 3]
    assert charged(body)["amount"] == 9.2  # the sound costs nothing


def test_a_prompt_that_names_no_input_is_preceded_by_all_of_them() -> None:
    own = film(sent(replace(REQUESTS["omni"], pieces=())))
    metas = own["unified_edit_input"]["meta_list"]
    assert [meta["meta_type"] for meta in metas] == ["image", "video", "audio", "text"]
    assert metas[3]["text"] == BOAT.prompt


def test_an_edit_says_from_when_to_when() -> None:
    body = sent(REQUESTS["edit"])
    assert params(body)["video_aspect_ratio"] == "adaptive"
    assert params(body)["generator_feature"] == "videoEdit"
    assert film(body)["duration_ms"] == -1
    assert film(body)["unified_edit_input"]["edit_input"] == {
        "enable": True,
        "edit_from_material_idx": 0,
        "start_timestamp_ms": 500,
        "end_timestamp_ms": 3750,
    }
    kinds = [one["material_type"] for one in film(body)["unified_edit_input"]["material_list"]]
    assert kinds == ["video", "image"]
    assert charged(body)["amount"] == 3.25
    assert reported(body)["generatorFeature"] == "videoEdit"
    whole = sent(replace(REQUESTS["edit"], edit_from=0.0, edit_to=0.0))
    assert film(whole)["unified_edit_input"]["edit_input"]["end_timestamp_ms"] == 4200


def test_more_pictures_a_second_for_a_film_of_the_upstreams_own() -> None:
    body = sent(REQUESTS["interpolate"])
    own = component(body)["abilities"]["gen_video"]
    assert own["scene"] == "insert_frame"
    assert bare(own["video_ref_params"]) == {
        "type": "",
        "generate_type": 0,
        "item_id": 7700000000000000001,
        "origin_history_id": 31000000000001,
    }
    assert params(body).keys() == {"type", "id", "video_gen_inputs"}
    assert bare(film(body)) == {
        "type": "",
        "min_version": "3.0.5",
        "vid": "v02870g10004synthetic0001",
        "lens_motion_type": "",
        "motion_speed": "",
        "template_id": 0,
        "video_mode": 2,
        "fps": 24,
        "duration_ms": 4097,
        "origin_history_id": "31000000000001",
        "v2v_opt": {
            "type": "",
            "min_version": "3.1.0",
            "insert_frame": {
                "type": "",
                "enable": True,
                "target_fps": 60,
                "origin_fps": 24,
                "duration_ms": 4097,
            },
        },
    }
    assert (charged(body)["benefit_type"], charged(body)["amount"]) == (
        "video_frame_interpolation",
        0,
    )
    scenes = [scene["scene"] for scene in reported(body)["sceneOptions"]]
    assert scenes == ["BasicVideoGenerateButton", "VideoFrameInterpolation"]


def test_an_uploaded_film_has_no_origin() -> None:
    body = sent(replace(BOAT, mode="interpolate", inputs=(FILM,), target_fps=30))
    own = component(body)["abilities"]["gen_video"]
    assert "video_ref_params" not in own
    assert "origin_history_id" not in film(body)
    assert film(body)["vid"] == f"v{0:031x}"
    assert film(body)["v2v_opt"]["insert_frame"]["target_fps"] == 30


def test_more_pixels_keep_the_shape() -> None:
    body = sent(REQUESTS["upscale"])
    assert component(body)["abilities"]["gen_video"]["scene"] == "super_resolution"
    assert film(body)["v2v_opt"]["super_resolution"] == {
        "enable": True,
        "target_width": 1920,
        "target_height": 1080,
        "origin_width": 1280,
        "origin_height": 720,
    }
    assert charged(body)["benefit_type"] == "video_upscale"


@pytest.mark.parametrize(
    "request_",
    [
        replace(BOAT, mode="upscale", origin=ORIGIN, resolution="720p"),
        replace(BOAT, mode="upscale", origin=replace(ORIGIN, width=0), resolution="1080p"),
        replace(BOAT, mode="interpolate", origin=replace(ORIGIN, vid="")),
        replace(BOAT, mode="interpolate", origin=replace(ORIGIN, item_id="x")),
    ],
)
def test_a_film_that_cannot_be_worked_on_is_refused(request_: VideoRequest) -> None:
    with pytest.raises(InvalidValue):
        sent(request_)


@pytest.mark.parametrize(
    ("model", "resolution", "inputs", "benefit"),
    [
        ("jimeng-video-3.0", "1080p", (), "basic_video_operation_vgfm_v_three_1080"),
        ("jimeng-video-3.0-pro", "1080p", (), "basic_video_operation_vgfm_v_three_pro"),
        ("jimeng-video-3.5-pro", "720p", (), "dreamina_video_seedance_15_pro"),
        ("jimeng-video-seedance-2.0", "720p", (), "dreamina_video_seedance_20_pro"),
        ("jimeng-video-seedance-2.0", "720p", (PICTURE,), "dreamina_video_seedance_20_pro"),
        ("jimeng-video-seedance-2.0", "720p", (FILM,), "dreamina_video_seedance_20_video_add"),
        ("jimeng-video-seedance-2.0-fast", "720p", (), "dreamina_seedance_20_fast"),
        ("jimeng-video-seedance-2.0-fast", "720p", (FILM,), "dreamina_seedance_20_fast_with_video"),
        ("jimeng-video-seedance-2.0-vip", "4k", (), "seedance_20_pro_4k_output"),
        ("jimeng-video-seedance-2.5", "1080p", (), "seedance_25_1080p_no_input_video_output"),
        ("jimeng-video-seedance-2.5", "1080p", (FILM,), "seedance_25_1080p_output"),
        (
            "jimeng-video-seedance-2.5-draft",
            "480p",
            (),
            "seedance_25_draft_480p_no_input_video_output",
        ),
        ("jimeng-video-seedance-2.5-draft", "480p", (FILM,), "seedance_25_draft_480p_output"),
        ("minimax-h3", "2k", (), "minimax_h3_2k_output"),
        ("wan-3.0", "1080p", (), "wan_30_1080p_output"),
    ],
)
def test_what_is_charged(
    model: str, resolution: str, inputs: tuple[Input, ...], benefit: str
) -> None:
    mode: VideoMode = "omni" if inputs else "t2v"
    request = replace(BOAT, model=model, resolution=resolution, mode=mode, inputs=inputs)
    assert charged(sent(request))["benefit_type"] == benefit


@pytest.mark.parametrize("model", VIDEO_MODELS.values(), ids=lambda model: model.name)
def test_every_model_can_be_asked_wherever_it_is_offered(model: Any) -> None:
    for site in map(SITES.__getitem__, model.upstream):
        for resolution in model.resolutions or (model.default_resolution,):
            request = replace(BOAT, model=model.name, resolution=resolution, ratio=model.ratios[0])
            body = sent(request, site=site)
            assert body["extend"]["root_model"] == model.upstream[site.name]
            assert body["http_common_info"]["aid"] == site.app_id
            assert film(body).get("resolution") == (
                resolution if model.sends_resolution and model.resolutions else None
            )
            assert charged(body)["benefit_type"]


def test_a_site_without_the_model_is_refused() -> None:
    with pytest.raises(ModelNotAvailable):
        sent(BOAT, site=HK)


def test_versions_are_settings() -> None:
    body = sent(BOAT, draft_version="9.9.9", video_component_min_version="2.0.0")
    assert body["draft_content"]["version"] == "9.9.9"
    assert component(body)["min_version"] == "2.0.0"


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert sent(REQUESTS["omni"]) == sent(REQUESTS["omni"])
