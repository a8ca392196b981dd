"""What a submission asks for: the double-encoded draft, read and checked."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from jimeng_api.simulator import sizes
from jimeng_api.simulator.asked import (
    SEED_END,
    Asked,
    Node,
    aid_in,
    child,
    id_in,
    metrics_in,
    refuse,
    root_model_in,
    share,
    uri_in,
    whole,
)
from jimeng_api.simulator.film_drafts import read_film
from jimeng_api.simulator.finishing import LONGEST, TOOLS, USUAL_RESOLUTION, Finishing, Margins


def read_submission(body: bytes) -> Asked:
    """Read the body of a submission; raise `Refusal` where the upstream would."""
    try:
        order = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refuse("1000", "the body is not JSON") from error
    if not isinstance(order, dict):
        raise refuse("1000", "the body is not an object")
    draft = order.get("draft_content")
    if not isinstance(draft, str):
        raise refuse("1002", "draft_content is not a string")
    submit_id = order.get("submit_id")
    if not isinstance(submit_id, str) or not submit_id:
        raise refuse("1000", "submit_id is missing")
    try:
        tree = msgspec.json.decode(draft)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refuse("1002", "draft_content is not JSON") from error
    component = _main_component(tree)
    kind = component.get("generate_type")
    reader = READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise refuse("1000", f"generate_type {kind!r} is not simulated")
    return reader(order, tree, component)


def _main_component(tree: Any) -> Node:
    components = tree.get("component_list") if isinstance(tree, dict) else None
    if not isinstance(components, list) or not components:
        raise refuse("1000", "component_list is empty")
    wanted = tree.get("main_component_id")
    nodes = [node for node in components if isinstance(node, dict)]
    main = next((node for node in nodes if node.get("id") == wanted), None)
    if main is None:
        raise refuse("1000", "main_component_id names no component")
    return main


def _text_to_image(order: Node, tree: Node, component: Node) -> Asked:
    abilities = child(component, "abilities")
    return _drawing("image", order, tree, abilities, "generate")


def _image_to_image(order: Node, tree: Node, component: Node) -> Asked:
    abilities = child(component, "abilities")
    inputs: list[str] = []
    listed = child(abilities, "blend").get("ability_list")
    for ability in listed if isinstance(listed, list) else ():
        if not isinstance(ability, dict):
            raise refuse("1000", "ability_list holds something else than objects")
        share(ability.get("strength", 0.5), "strength")
        inputs += _uris(ability)
    if not inputs:
        raise refuse("1000", "a blend needs an input picture")
    asked = _drawing("blend", order, tree, abilities, "blend")
    return replace(asked, inputs=tuple(inputs))


def _uris(ability: Node) -> list[str]:
    """The addresses in one ability: listed plainly, or only in the list of images."""
    plain, images = ability.get("image_uri_list"), ability.get("image_list")
    uris = plain if isinstance(plain, list) and plain else []
    if not uris and isinstance(images, list):
        uris = [uri_in(image) for image in images]
    if not all(isinstance(uri, str) and uri for uri in uris):
        raise refuse("1000", "an input picture has no address")
    return uris


def _drawing(kind: str, order: Node, tree: Node, abilities: Node, name: str) -> Asked:
    """A draft that has something drawn: its words, size and number."""
    remarks: list[str] = []
    generate = child(abilities, name)
    core = child(generate, "core_param")
    large = core.get("large_image_info") or {}
    if not isinstance(large, dict):
        raise refuse("1000", "large_image_info is not an object")
    model_key, prompt = core.get("model"), core.get("prompt")
    if not isinstance(model_key, str) or not model_key:
        raise refuse("1000", "model is missing")
    if not isinstance(prompt, str) or not prompt.strip():
        raise refuse("1000", "prompt is empty")
    seed = whole(core.get("seed"), "seed")
    if seed is not None and not 0 <= seed < SEED_END:
        raise refuse("1001", "seed is out of range")
    share(core.get("sample_strength", 0.5), "sample_strength")
    width, height = (whole(large.get(name), name) for name in ("width", "height"))
    if (width is not None and width <= 0) or (height is not None and height <= 0):
        raise refuse("1001", "width and height must be positive")

    count_node = abilities.get("gen_option")
    if not isinstance(count_node, dict):
        count_node = generate.get("gen_option")
        if isinstance(count_node, dict):
            remarks.append(f"gen_option inside {name}")
        else:
            count_node = None
    count = whole(count_node.get("gen_count"), "gen_count") if count_node else None
    if count is not None and count < 1:
        raise refuse("1001", "gen_count is not positive")

    root_model = root_model_in(order)
    if root_model != model_key:
        remarks.append("root_model is not the model")
    resolution = large.get("resolution_type")
    return Asked(
        kind=kind,
        submit_id=order["submit_id"],
        model_key=model_key,
        root_model=root_model,
        prompt=prompt,
        seed=seed,
        ratio_code=whole(core.get("image_ratio"), "image_ratio"),
        width=width,
        height=height,
        resolution=resolution if isinstance(resolution, str) and resolution else None,
        smart_ratio=core.get("intelligent_ratio") is True,
        count=count,
        count_node=count_node,
        aid=aid_in(order),
        tree=tree,
        metrics=metrics_in(order),
        remarks=tuple(remarks),
    )


# ------------------------------------------------------- on a finished picture


def _finishing(order: Node, tree: Node, component: Node) -> Asked:
    tool = TOOLS[component["generate_type"]]
    abilities = child(component, "abilities")
    ability = child(abilities, tool.name)
    edit = child(ability if "postedit_param" in ability else abilities, "postedit_param")
    remarks = []
    if edit.get("generate_type") != tool.number:
        remarks.append(f"generate_type in postedit_param is not {tool.number}")
    item_id, history_id = (id_in(edit.get(name)) for name in ("item_id", "origin_history_id"))
    uri = uri_in(edit.get("origin_image"))
    if tool.items_only and (uri is not None or item_id is None or history_id is None):
        raise refuse("1000", f"{tool.name} takes item_id and origin_history_id, and nothing else")
    if item_id is None and not isinstance(uri, str):
        raise refuse("1000", "there is nothing to work on")
    resolution = ability.get("resolution_type") or USUAL_RESOLUTION
    if tool.sized and resolution not in sizes.STANDARD:
        raise refuse("1001", f"no resolution {resolution!r} here")
    for name in ("original_image_strength", "detail_strength"):
        share(ability.get(name, 0.5), name)
    margins, longest = Margins(), LONGEST
    if tool.widens:
        scale = child(ability, "up_scale")
        margins = Margins(*(share(scale.get(side, 0), side) for side in Margins._fields))
        if not any(margins):
            raise refuse("1000", "no side is to be widened")
        longest = min(whole(scale.get("max_size"), "max_size") or LONGEST, LONGEST)
        if longest < 1:
            raise refuse("1001", "max_size is not positive")
    core = ability.get("core_param")
    model = core.get("model") if isinstance(core, dict) else None
    return Asked(
        kind=tool.name,
        submit_id=order["submit_id"],
        model_key=model if isinstance(model, str) else "",
        root_model=root_model_in(order),
        prompt="",
        aid=aid_in(order),
        tree=tree,
        metrics=metrics_in(order),
        remarks=tuple(remarks),
        inputs=(uri,) if uri else (),
        finishing=Finishing(tool, item_id, history_id, uri, resolution, margins, longest),
    )


READERS: dict[str, Callable[[Node, Node, Node], Asked]] = {
    "generate": _text_to_image,
    "blend": _image_to_image,
    **dict.fromkeys(TOOLS, _finishing),
    "gen_video": read_film,
}
"""One reader for each kind of draft, by the component's `generate_type`."""
