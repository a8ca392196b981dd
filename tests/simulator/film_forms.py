"""Submissions of films in the forms that clients in the wild send."""

import json
from typing import Any

from tests.simulator.forms import new_id

MINI = "dreamina_seedance_40_mini"
FAST = "dreamina_seedance_40"
PRO = "dreamina_seedance_40_pro"
TWO_FIVE = "dreamina_seedance_45_pro"
SAMPLE = "dreamina_seedance_45_pro_draft"
THREE = "dreamina_ic_generate_video_model_vgfm_3.0"
WITH_SOUND = "dreamina_ic_generate_video_model_vgfm_3.5_pro"

BENEFITS = {
    MINI: "seedance_20_mini_720p_output",
    FAST: "dreamina_seedance_20_fast",
    PRO: "dreamina_video_seedance_20_pro",
    TWO_FIVE: "seedance_25_720p_output",
    SAMPLE: "seedance_25_draft_480p_no_input_video_output",
    THREE: "basic_video_operation_vgfm_v_three",
    WITH_SOUND: "dreamina_video_seedance_15_pro",
}


def frame(uri: str, **more: Any) -> dict[str, Any]:
    """A picture that a film begins or ends with."""
    return {
        "type": "image",
        "id": new_id(),
        "source_from": "upload",
        "platform_type": 1,
        "name": "",
        "image_uri": uri,
        "uri": uri,
        "width": 0,
        "height": 0,
        "format": "",
        **more,
    }


def film_form(
    *,
    prompt: str = "a paper boat on a pond",
    model: str = MINI,
    seconds: float = 5,
    ratio: str | None = "16:9",
    resolution: str | None = "720p",
    min_version: str = "3.0.5",
    features: tuple[str, ...] = (),
    benefit: str | None = None,
    amount: float | None = None,
    aid: int = 513695,
    scene: str | None = None,
    params: dict[str, Any] | None = None,
    making: dict[str, Any] | None = None,
    component: dict[str, Any] | None = None,
    extend: dict[str, Any] | None = None,
    **node: Any,
) -> dict[str, Any]:
    """As the page of the site; `node` is put into the one input."""
    submit_id = new_id()
    metrics = json.dumps(
        {"promptSource": "custom", "isDefaultSeed": 1, "originSubmitId": submit_id}
    )
    inputs: dict[str, Any] = {
        "type": "",
        "id": new_id(),
        "min_version": min_version,
        "prompt": prompt,
        "video_mode": 2,
        "fps": 24,
        "duration_ms": round(seconds * 1000),
        "idip_meta_list": [],
        **({"resolution": resolution} if resolution else {}),
        **node,
    }
    text: dict[str, Any] = {
        "type": "",
        "id": new_id(),
        "video_gen_inputs": [inputs],
        "video_aspect_ratio": ratio,
        "seed": 1234567890,
        "model_req_key": model,
        "priority": 0,
        **(params or {}),
    }
    main = new_id()
    tree = {
        "type": "draft",
        "id": new_id(),
        "min_version": min_version,
        "min_features": list(features),
        "is_from_tsn": True,
        "version": "3.3.20",
        "main_component_id": main,
        "component_list": [
            {
                "type": "video_base_component",
                "id": main,
                "min_version": "1.0.0",
                "aigc_mode": "workbench",
                "generate_type": "gen_video",
                "process_type": 1,
                "metadata": {"type": "", "id": new_id(), "created_platform": 3},
                "abilities": {
                    "type": "",
                    "id": new_id(),
                    "gen_video": {
                        "type": "",
                        "id": new_id(),
                        "text_to_video_params": {k: v for k, v in text.items() if v is not None},
                        "video_task_extra": metrics,
                        **(making or {}),
                    },
                },
                **(component or {}),
            }
        ],
    }
    info: dict[str, Any] = {
        "benefit_type": BENEFITS[model] if benefit is None else benefit,
        "resource_id": "generate_video",
        "resource_id_type": "str",
        "resource_sub_type": "aigc",
        "amount": seconds if amount is None else amount,
    }
    return {
        "extend": {
            "root_model": model,
            "m_video_commerce_info": info,
            "m_video_commerce_info_list": [info],
            **(extend or {}),
        },
        "submit_id": submit_id,
        "metrics_extra": metrics,
        "draft_content": json.dumps(tree),
        "http_common_info": {"aid": aid},
    }


def frames_form(first: str | None, last: str | None = None, **how: Any) -> dict[str, Any]:
    """A film that begins or ends with a picture, or both."""
    node: dict[str, Any] = {}
    if first:
        node["first_frame_image"] = frame(first)
    if last:
        node["end_frame_image"] = frame(last)
    return film_form(**node, **how)


def many_frames_form(*parts: tuple[str, int], **how: Any) -> dict[str, Any]:
    """Pictures that follow each other, each for so many seconds."""
    frames = [
        {
            "type": "",
            "id": new_id(),
            "idx": index,
            "duration_ms": seconds * 1000,
            "prompt": f"part {index}",
            "media_info": {
                "type": "",
                "id": new_id(),
                "media_type": 1,
                "image_info": frame(uri),
            },
        }
        for index, (uri, seconds) in enumerate(parts)
    ]
    return film_form(
        prompt="",
        model=THREE,
        seconds=sum(seconds for _, seconds in parts),
        features=("AIGC_GenerateType_VideoMultiFrame",),
        video_mode=1,
        multi_frames=frames,
        **how,
    )


def subjects_form(*uris: str, **how: Any) -> dict[str, Any]:
    """A film with what the pictures show in it."""
    pieces = [
        {
            "type": "",
            "id": new_id(),
            "meta_type": "idip_frame",
            "text": "",
            "frame_info": {"type": "", "id": new_id(), "image_idx": index},
        }
        for index in range(len(uris))
    ]
    words = {"type": "", "id": new_id(), "meta_type": "text", "text": " in a park"}
    return film_form(
        prompt="",
        model=THREE,
        features=("AIGC_GenerateType_VideoIdipFrame",),
        idip_frames=[frame(uri) for uri in uris],
        idip_meta_list=[*pieces, words],
        **how,
    )


def material(kind: str, name: str, **more: Any) -> dict[str, Any]:
    """Something that an omni film refers to."""
    if kind == "image":
        return {"material_type": kind, "image_info": frame(name, **more)}
    block = {"type": kind, "source_from": "upload", "vid": name, "name": "", **more}
    return {"material_type": kind, f"{kind}_info": block}


def omni_form(
    *materials: dict[str, Any],
    model: str = MINI,
    bare: bool = False,
    named: tuple[str, ...] = ("image", "video", "audio"),
    edit: dict[str, Any] | None = None,
    **how: Any,
) -> dict[str, Any]:
    """A film from pictures, films and sounds; `bare` leaves out types and ids, as some clients do."""
    full: dict[str, Any] = {} if bare else {"type": "", "id": new_id()}
    pieces = [
        {
            **full,
            "meta_type": each["material_type"],
            "text": "",
            "material_ref": {**full, "material_idx": index},
        }
        for index, each in enumerate(materials)
        if each["material_type"] in named
    ]
    unified: dict[str, Any] = {
        **full,
        "material_list": [{**full, **each} for each in materials],
        "meta_list": [*pieces, {**full, "meta_type": "text", "text": "moves like this"}],
    }
    if edit is not None:
        unified["edit_input"] = {**full, "enable": True, **edit}
    return film_form(
        prompt="",
        model=model,
        min_version="3.3.9",
        features=("AIGC_Video_UnifiedEdit",),
        unified_edit_input=unified,
        **how,
    )


def edit_form(*materials: dict[str, Any], start: int = 0, end: int = 5000, **how: Any) -> Any:
    """Changes a film, the first of the materials."""
    return omni_form(
        *materials,
        edit={"edit_from_material_idx": 0, "start_timestamp_ms": start, "end_timestamp_ms": end},
        **{
            "model": TWO_FIVE,
            "ratio": "adaptive",
            "params": {"generator_feature": "videoEdit"},
            "duration_ms": -1,
            "amount": (end - start) / 1000,
            **how,
        },
    )


def work_form(
    tool: str,
    block: dict[str, Any],
    *,
    benefit: str,
    item: Any = None,
    history: Any = None,
    vid: str = "",
    resolution: str | None = None,
    root_model: str = "",
) -> dict[str, Any]:
    """Work on a finished film: no seed, ratio or model is named."""
    process = {"insert_frame": 3, "super_resolution": 2, "generate_from_draft": 15}[tool]
    reference = {"type": "", "id": new_id(), "generate_type": 0}
    if item is not None:
        reference |= {"item_id": int(item), "origin_history_id": int(history)}
    return film_form(
        prompt="",
        model=MINI,
        ratio=None,
        resolution=resolution,
        min_version="3.3.28" if tool == "generate_from_draft" else "3.1.0",
        benefit=benefit,
        amount=0,
        params={"seed": None, "model_req_key": None, "priority": None},
        making={"scene": tool, **({"video_ref_params": reference} if item is not None else {})},
        component={"process_type": process},
        extend={"root_model": root_model},
        vid=vid,
        origin_history_id="" if history is None else str(history),
        v2v_opt={"type": "", "id": new_id(), tool: {"type": "", "enable": True, **block}},
    )
