"""Submissions in the forms that clients in the wild send."""

import itertools
import json
from typing import Any

LITE = "high_aes_general_v50"
FOUR = "high_aes_general_v40"
MJ82 = "jm_image_model_yc_mj82"
BANANA = "external_model_gemini_flash_image_v25"

_numbers = itertools.count(1)


def new_id() -> str:
    return f"11111111-2222-4333-8444-{next(_numbers):012d}"


def core_param(
    model: str, prompt: str, width: int, height: int, resolution: str, ratio: int | None
) -> dict[str, Any]:
    core: dict[str, Any] = {
        "type": "",
        "id": new_id(),
        "model": model,
        "prompt": prompt,
        "negative_prompt": "",
        "seed": 1357613421,
        "sample_strength": 0.5,
        "large_image_info": {
            "type": "",
            "id": new_id(),
            "height": height,
            "width": width,
            "resolution_type": resolution,
        },
        "intelligent_ratio": False,
        "generate_type": 0,
    }
    if ratio is not None:
        core["image_ratio"] = ratio
    return core


def tree_of(abilities: dict[str, Any], **more: Any) -> dict[str, Any]:
    component = new_id()
    return {
        "type": "draft",
        "id": new_id(),
        "min_version": "3.0.2",
        "min_features": [],
        "is_from_tsn": True,
        "version": "3.3.9",
        "main_component_id": component,
        "component_list": [
            {
                "type": "image_base_component",
                "id": component,
                "min_version": "3.0.2",
                "generate_type": "generate",
                "aigc_mode": "workbench",
                "abilities": {"type": "", "id": new_id(), **abilities},
                **more,
            }
        ],
    }


def wrapped(tree: Any, model: str, aid: int, submit_id: str | None = None) -> dict[str, Any]:
    submit = submit_id or new_id()
    scene = [{"type": "image", "scene": "ImageBasicGenerate", "modelReqKey": model}]
    return {
        "extend": {"root_model": model},
        "submit_id": submit,
        "metrics_extra": json.dumps(
            {"promptSource": "custom", "generateId": submit, "sceneOptions": json.dumps(scene)}
        ),
        "draft_content": json.dumps(tree),
        "http_common_info": {"aid": aid},
    }


def browser_form(
    *,
    prompt: str = "two horses running",
    model: str = LITE,
    width: int = 2048,
    height: int = 2048,
    resolution: str = "2k",
    ratio: int | None = 1,
    count: int | None = None,
    aid: int = 513695,
    submit_id: str | None = None,
    core: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """As the site's own page: `gen_option` beside `generate`, with metadata."""
    option: dict[str, Any] = {"type": "", "id": new_id(), "generate_all": False}
    if count is not None:
        option["gen_count"] = count
    values = core_param(model, prompt, width, height, resolution, ratio) | (core or {})
    tree = tree_of(
        {"generate": {"type": "", "id": new_id(), "core_param": values}, "gen_option": option},
        metadata={
            "type": "",
            "id": new_id(),
            "created_platform": 3,
            "created_platform_version": "",
            "created_time_in_ms": "1767225600000",
            "created_did": "",
        },
    )
    return wrapped(tree, model, aid, submit_id)


def inside_form(*, count: int | None = None, aid: int = 513695) -> dict[str, Any]:
    """As several public clients: `gen_option` inside `generate`."""
    option: dict[str, Any] = {"type": "", "id": new_id(), "generate_all": False}
    if count is not None:
        option["gen_count"] = count
    core = core_param(LITE, "a quiet lake", 2560, 1440, "2k", 3)
    core["large_image_info"]["min_version"] = "3.0.2"
    generate = {"type": "", "id": new_id(), "core_param": core, "gen_option": option}
    return wrapped(tree_of({"generate": generate}, gen_type=1), LITE, aid)


def old_form() -> dict[str, Any]:
    """As clients of 2025: no metadata, no `gen_option`, a `history_option` instead."""
    model = "high_aes_general_v30l:general_v3.0_18b"
    core = core_param(model, "an old town", 1024, 1024, "1k", 1)
    generate = {
        "type": "",
        "id": new_id(),
        "core_param": core,
        "history_option": {"type": "", "id": new_id()},
    }
    form = wrapped(tree_of({"generate": generate}), model, 513695)
    form["extend"]["template_id"] = ""
    form["metrics_extra"] = json.dumps({"templateId": "", "generateCount": 1})
    return form


def changed(form: dict[str, Any], *path: str, value: Any = None, drop: bool = False) -> Any:
    """The form with one place of its draft's core_param changed."""
    tree = json.loads(form["draft_content"])
    node = tree["component_list"][0]["abilities"]["generate"]["core_param"]
    for name in path[:-1]:
        node = node[name]
    if drop:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return {**form, "draft_content": json.dumps(tree)}


def _input(uris: list[str]) -> dict[str, Any]:
    """One ability with its pictures, as the page of the site writes it."""
    return {
        "type": "",
        "id": new_id(),
        "name": "byte_edit",
        "image_uri_list": uris,
        "image_list": [
            {
                "type": "image",
                "id": new_id(),
                "source_from": "upload",
                "platform_type": 1,
                "name": "",
                "image_uri": uri,
                "width": 0,
                "height": 0,
                "format": "",
                "uri": uri,
            }
            for uri in uris
        ],
        "strength": 0.5,
    }


def blend_form(
    *uris: str,
    prompt: str | None = None,
    model: str = FOUR,
    count: int | None = 1,
    width: int = 2048,
    height: int = 2048,
    ratio: int = 1,
    resolution: str = "2k",
    aid: int = 513695,
    option: str = "beside",
    together: bool = False,
    history_option: bool = False,
    min_version: str | None = "3.2.9",
    lists: tuple[str, ...] = ("image_uri_list", "image_list"),
) -> dict[str, Any]:
    """Pictures from pictures; the choices are those in which public clients differ."""
    words = "##" * len(uris) + "as one drawing" if prompt is None else prompt
    abilities = [_input(list(uris))] if together else [_input([uri]) for uri in uris]
    for ability in abilities:
        for name in ("image_uri_list", "image_list"):
            if name not in lists:
                del ability[name]
    blend: dict[str, Any] = {
        "type": "",
        "id": new_id(),
        "min_features": [],
        "core_param": core_param(model, words, width, height, resolution, ratio),
        "ability_list": abilities,
        "prompt_placeholder_info_list": [
            {"type": "", "id": new_id(), "ability_index": index} for index in range(len(abilities))
        ],
        "postedit_param": {"type": "", "id": new_id(), "generate_type": 0},
    }
    if min_version is not None:
        blend["min_version"] = min_version
    if history_option:
        blend["history_option"] = {"type": "", "id": new_id()}
    gen_option: dict[str, Any] = {"type": "", "id": new_id(), "generate_all": False}
    if count is not None:
        gen_option["gen_count"] = count
    both: dict[str, Any] = {"blend": blend}
    if option == "beside":
        both["gen_option"] = gen_option
    elif option == "inside":
        blend["gen_option"] = gen_option
    tree = tree_of(both, generate_type="blend", gen_type=12)
    tree["min_version"] = min_version or "3.0.2"
    return wrapped(tree, model, aid)


GEN_TYPES = {"normal_hd": 13, "pro_hd": 35, "painting": 8, "super_resolution": 2}


def tool_form(
    tool: str,
    *,
    item: Any = None,
    history: Any = None,
    uri: str | None = None,
    model: str = FOUR,
    aid: int = 513695,
    **ability: Any,
) -> dict[str, Any]:
    """Work on a finished picture."""
    edit: dict[str, Any] = {"type": "", "id": new_id(), "generate_type": GEN_TYPES[tool]}
    if item is not None:
        edit["item_id"] = item
    if history is not None:
        edit["origin_history_id"] = history
    if uri is not None:
        edit["origin_image"] = _input([uri])["image_list"][0] | {"title": ""}
    node = {"type": "", "id": new_id(), "postedit_param": edit, **ability}
    tree = tree_of({tool: node}, generate_type=tool, gen_type=GEN_TYPES[tool])
    tree["min_version"] = "3.2.9"
    return wrapped(tree, model, aid)
