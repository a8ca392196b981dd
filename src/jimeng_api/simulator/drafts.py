"""What a submission asks for: the double-encoded draft, read and checked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from jimeng_api.simulator.codes import Refusal, fail_fields

SEED_END = 2**32

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One submission as it was meant, before the server makes up its mind."""

    kind: str
    submit_id: str
    model_key: str
    root_model: str | None
    prompt: str
    seed: int | None
    ratio_code: int | None
    width: int | None
    height: int | None
    resolution: str | None
    smart_ratio: bool
    count: int | None
    count_node: Node | None
    """The part of the tree where the count stands, to be normalised."""
    aid: int | None
    tree: Node
    metrics: str
    remarks: tuple[str, ...]


def _refuse(ret: str, why: str) -> Refusal:
    return Refusal(ret, data=fail_fields(ret, why))


def read_submission(body: bytes) -> Asked:
    """Read the body of a submission; raise `Refusal` where the upstream would."""
    try:
        order = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _refuse("1000", "the body is not JSON") from error
    if not isinstance(order, dict):
        raise _refuse("1000", "the body is not an object")
    draft = order.get("draft_content")
    if not isinstance(draft, str):
        raise _refuse("1002", "draft_content is not a string")
    submit_id = order.get("submit_id")
    if not isinstance(submit_id, str) or not submit_id:
        raise _refuse("1000", "submit_id is missing")
    try:
        tree = msgspec.json.decode(draft)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _refuse("1002", "draft_content is not JSON") from error
    component = _main_component(tree)
    kind = component.get("generate_type")
    reader = READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise _refuse("1000", f"generate_type {kind!r} is not simulated")
    return reader(order, tree, component)


def _main_component(tree: Any) -> Node:
    components = tree.get("component_list") if isinstance(tree, dict) else None
    if not isinstance(components, list) or not components:
        raise _refuse("1000", "component_list is empty")
    wanted = tree.get("main_component_id")
    nodes = [node for node in components if isinstance(node, dict)]
    main = next((node for node in nodes if node.get("id") == wanted), None)
    if main is None:
        raise _refuse("1000", "main_component_id names no component")
    return main


def _child(node: Node, name: str) -> Node:
    child = node.get(name)
    if not isinstance(child, dict):
        raise _refuse("1000", f"{name} is missing")
    return child


def _whole(value: Any, name: str) -> int | None:
    if value is None:
        return None
    fits = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not fits:
        raise _refuse("1001", f"{name} is not a whole number")
    return int(value)


def _text_to_image(order: Node, tree: Node, component: Node) -> Asked:
    remarks: list[str] = []
    abilities = _child(component, "abilities")
    generate = _child(abilities, "generate")
    core = _child(generate, "core_param")
    large = core.get("large_image_info") or {}
    if not isinstance(large, dict):
        raise _refuse("1000", "large_image_info is not an object")
    model_key, prompt = core.get("model"), core.get("prompt")
    if not isinstance(model_key, str) or not model_key:
        raise _refuse("1000", "model is missing")
    if not isinstance(prompt, str) or not prompt.strip():
        raise _refuse("1000", "prompt is empty")
    seed = _whole(core.get("seed"), "seed")
    if seed is not None and not 0 <= seed < SEED_END:
        raise _refuse("1001", "seed is out of range")
    strength = core.get("sample_strength", 0.5)
    if not isinstance(strength, (int, float)) or not 0 <= strength <= 1:
        raise _refuse("1001", "sample_strength is out of range")
    width, height = (_whole(large.get(name), name) for name in ("width", "height"))
    if (width is not None and width <= 0) or (height is not None and height <= 0):
        raise _refuse("1001", "width and height must be positive")

    count_node = abilities.get("gen_option")
    if not isinstance(count_node, dict):
        count_node = generate.get("gen_option")
        if isinstance(count_node, dict):
            remarks.append("gen_option inside generate")
        else:
            count_node = None
    count = _whole(count_node.get("gen_count"), "gen_count") if count_node else None
    if count is not None and count < 1:
        raise _refuse("1001", "gen_count is not positive")

    root_model = order.get("extend")
    root_model = root_model.get("root_model") if isinstance(root_model, dict) else None
    if root_model != model_key:
        remarks.append("root_model is not the model")
    common = order.get("http_common_info")
    metrics = order.get("metrics_extra")
    resolution = large.get("resolution_type")
    return Asked(
        kind="image",
        submit_id=order["submit_id"],
        model_key=model_key,
        root_model=root_model,
        prompt=prompt,
        seed=seed,
        ratio_code=_whole(core.get("image_ratio"), "image_ratio"),
        width=width,
        height=height,
        resolution=resolution if isinstance(resolution, str) and resolution else None,
        smart_ratio=core.get("intelligent_ratio") is True,
        count=count,
        count_node=count_node,
        aid=_whole(common.get("aid"), "aid") if isinstance(common, dict) else None,
        tree=tree,
        metrics=metrics if isinstance(metrics, str) else "",
        remarks=tuple(remarks),
    )


READERS: dict[str, Callable[[Node, Node, Node], Asked]] = {"generate": _text_to_image}
"""One reader for each kind of draft, by the component's `generate_type`."""
