"""What a submission of a film asks for: which mode it is, and what goes in."""

from typing import Any, NamedTuple

from jimeng_api.simulator.asked import (
    SEED_END,
    Asked,
    AskedFilm,
    Clip,
    Node,
    aid_in,
    child,
    id_in,
    metrics_in,
    refuse,
    root_model_in,
    uri_in,
    whole,
)
from jimeng_api.simulator.envelope import version_of

USUAL_RATIO = "16:9"
USUAL_FPS = 24


class Mode(NamedTuple):
    """What the drafts of a mode say about themselves, and what they are called elsewhere."""

    option: str
    """Its name among the `input_media_type` of a model; empty for work on a finished film."""
    min_version: str
    feature: str = ""


MODES = {
    "t2v": Mode("prompt", "3.0.5"),
    "first_frame": Mode("first_frame", "3.0.5"),
    "first_last": Mode("end_frame", "3.0.5"),
    "last_frame": Mode("end_frame", "3.0.5"),
    "multi_frame": Mode("multi_frame", "3.0.5", "AIGC_GenerateType_VideoMultiFrame"),
    "subject_ref": Mode("idip_frame", "3.0.5", "AIGC_GenerateType_VideoIdipFrame"),
    "omni": Mode("unified_edit", "3.3.9", "AIGC_Video_UnifiedEdit"),
    "edit": Mode("edit", "3.3.9", "AIGC_Video_UnifiedEdit"),
    "insert_frame": Mode("", "3.1.0"),
    "super_resolution": Mode("", "3.1.0"),
    "promote": Mode("", "3.3.28"),
}

_WORK = {
    "insert_frame": "insert_frame",
    "super_resolution": "super_resolution",
    "generate_from_draft": "promote",
}
"""The modes that work on a finished film, by their block in `v2v_opt`."""


def read_film(order: Node, tree: Node, component: Node) -> Asked:
    making = child(child(component, "abilities"), "gen_video")
    params = making.get("text_to_video_params") or making
    inputs = params.get("video_gen_inputs") if isinstance(params, dict) else None
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise refuse("1000", "video_gen_inputs does not hold one object")
    node: Node = inputs[0]
    mode, prompt, clips = _content(node)
    seed = whole(params.get("seed"), "seed")
    if seed is not None and not 0 <= seed < SEED_END:
        raise refuse("1001", "seed is out of range")
    reference = making.get("video_ref_params")
    reference = reference if isinstance(reference, dict) else {}
    history_id = id_in(node.get("origin_history_id")) or id_in(reference.get("origin_history_id"))
    item_id = id_in(reference.get("item_id"))
    model_key, root_model = params.get("model_req_key"), root_model_in(order)
    if mode in _WORK.values():
        if not clips and item_id is None:
            raise refuse("1000", "there is nothing to work on")
        model_key = model_key or ""
    elif not isinstance(model_key, str) or not model_key:
        raise refuse("1000", "model_req_key is missing")
    elif not prompt.strip() and not clips:
        raise refuse("1000", "prompt is empty")
    benefit_type, amount = _billing(order)
    ratio, resolution = params.get("video_aspect_ratio"), node.get("resolution")
    film = AskedFilm(
        mode=mode,
        clips=tuple(clips),
        seconds=_length(node, mode, clips),
        fps=_fps(node, mode),
        ratio=ratio if isinstance(ratio, str) and ratio else USUAL_RATIO,
        resolution=resolution.lower() if isinstance(resolution, str) else "",
        benefit_type=benefit_type,
        amount=amount,
        item_id=item_id,
        history_id=history_id,
        size=_size(node) if mode == "super_resolution" else None,
    )
    return Asked(
        kind="video",
        submit_id=order["submit_id"],
        model_key=model_key if isinstance(model_key, str) else "",
        root_model=root_model,
        prompt=prompt,
        aid=aid_in(order),
        tree=tree,
        metrics=metrics_in(order),
        remarks=tuple(_remarks(order, tree, making, node, film, model_key, root_model)),
        seed=seed,
        inputs=tuple(clip.name for clip in clips),
        film=film,
    )


# ------------------------------------------------------------- what goes in


def _content(node: Node) -> tuple[str, str, list[Clip]]:
    """The mode, the words, and what goes in."""
    prompt = node.get("prompt")
    prompt = prompt if isinstance(prompt, str) else ""
    work = node.get("v2v_opt")
    work = work if isinstance(work, dict) else {}
    for name, mode in _WORK.items():
        if isinstance(work.get(name), dict) and work[name].get("enable", True):
            vid = node.get("vid")
            named = isinstance(vid, str) and vid
            return mode, prompt, [Clip("film", str(vid), "source")] if named else []
    unified = node.get("unified_edit_input")
    if isinstance(unified, dict) and (unified.get("material_list") or unified.get("meta_list")):
        return _omni(prompt, unified)
    if node.get("multi_frames"):
        clips = [_frame_of_many(each) for each in _objects(node["multi_frames"], "multi_frames")]
        return "multi_frame", prompt or " / ".join(clip.prompt for clip in clips), clips
    if node.get("idip_frames"):
        frames = _objects(node["idip_frames"], "idip_frames")
        words = _words(node.get("idip_meta_list"), "frame_info", "image_idx", len(frames))
        clips = [Clip("picture", _address(each), "subject") for each in frames]
        return "subject_ref", prompt or words, clips
    first, last = node.get("first_frame_image"), node.get("end_frame_image")
    clips = [Clip("picture", _address(first), "first")] if first else []
    if not last:
        return "first_frame" if clips else "t2v", prompt, clips
    mode = "first_last" if clips else "last_frame"
    return mode, prompt, [*clips, Clip("picture", _address(last), "last")]


def _omni(prompt: str, unified: Node) -> tuple[str, str, list[Clip]]:
    materials = _objects(unified.get("material_list") or [], "material_list")
    words = _words(unified.get("meta_list"), "material_ref", "material_idx", len(materials))
    clips = [_material(each) for each in materials]
    edit = unified.get("edit_input")
    if isinstance(edit, dict) and edit.get("enable", True):
        index = whole(edit.get("edit_from_material_idx"), "edit_from_material_idx") or 0
        if not 0 <= index < len(clips) or clips[index].kind != "film":
            raise refuse("1000", "edit_from_material_idx names no film")
        start = whole(edit.get("start_timestamp_ms"), "start_timestamp_ms") or 0
        end = whole(edit.get("end_timestamp_ms"), "end_timestamp_ms")
        if start < 0 or (end is not None and end <= start):
            raise refuse("1001", "the edited range is empty")
        seconds = 0.0 if end is None else (end - start) / 1000
        clips[index] = clips[index]._replace(role="source", seconds=seconds)
        return "edit", prompt or words, clips
    return "omni" if clips else "t2v", prompt or words, clips


def _material(node: Node) -> Clip:
    kind = node.get("material_type")
    if kind == "image":
        return Clip("picture", _address(node.get("image_info")), "reference")
    if kind == "video":
        return Clip("film", _vid(node.get("video_info")), "reference")
    if kind == "audio":
        info = node.get("audio_info")
        uri = (info.get("audio_uri") or info.get("uri")) if isinstance(info, dict) else None
        return Clip("sound", uri if isinstance(uri, str) and uri else _vid(info), "reference")
    if kind == "subject":
        about = node.get("subject_data")
        name = id_in(about.get("subject_id")) if isinstance(about, dict) else None
        if name is None:
            raise refuse("1000", "a subject has no subject_id")
        return Clip("subject", name, "reference")
    raise refuse("1000", f"material_type {kind!r} is not known")


def _frame_of_many(node: Node) -> Clip:
    info = node.get("media_info")
    image = info.get("image_info") if isinstance(info, dict) else None
    length = whole(node.get("duration_ms"), "duration_ms") or 0
    if length <= 0:
        raise refuse("1001", "duration_ms of a frame is not positive")
    prompt = node.get("prompt")
    words = prompt if isinstance(prompt, str) else ""
    return Clip("picture", _address(image), "frame", length / 1000, words)


def _words(metas: Any, block: str, name: str, count: int) -> str:
    """The words among the pieces of a prompt; what the others name must be there."""
    words = []
    for meta in _objects(metas or [], "the list of pieces of the prompt"):
        if meta.get("meta_type") == "text":
            words.append(meta.get("text"))
            continue
        reference = meta.get(block)
        index = whole(reference.get(name), name) if isinstance(reference, dict) else None
        if index is None or not 0 <= index < count:
            raise refuse("1000", f"{name} names nothing")
    return "".join(word for word in words if isinstance(word, str))


def _objects(value: Any, name: str) -> list[Node]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise refuse("1000", f"{name} is not a list of objects")
    return value


def _address(image: Any) -> str:
    uri = uri_in(image)
    if not isinstance(uri, str) or not uri:
        raise refuse("1000", "an input picture has no address")
    return uri


def _vid(info: Any) -> str:
    vid = info.get("vid") if isinstance(info, dict) else None
    if not isinstance(vid, str) or not vid:
        raise refuse("1000", "an input has no vid")
    return vid


# ------------------------------------------------------------------- numbers


def _length(node: Node, mode: str, clips: list[Clip]) -> float | None:
    if mode == "multi_frame":
        return sum(clip.seconds for clip in clips)
    if mode == "edit":
        return next(clip.seconds for clip in clips if clip.role == "source") or None
    length = whole(node.get("duration_ms"), "duration_ms")
    if mode in _WORK.values() or length is None:
        return None
    if length <= 0:
        raise refuse("1001", "duration_ms is not positive")
    return length / 1000


def _fps(node: Node, mode: str) -> int | None:
    if mode == "insert_frame":
        wanted = whole(node["v2v_opt"]["insert_frame"].get("target_fps"), "target_fps")
        if wanted is None or not 1 <= wanted <= 60:
            raise refuse("1001", "target_fps is out of range")
        return wanted
    fps = whole(node.get("fps"), "fps")
    return None if mode in _WORK.values() else fps


def _size(node: Node) -> tuple[int, int]:
    block = node["v2v_opt"]["super_resolution"]
    width, height = (
        whole(block.get(name), name) or 0 for name in ("target_width", "target_height")
    )
    if not (2 <= width <= 4096 and 2 <= height <= 4096):
        raise refuse("1001", "target_width and target_height are out of range")
    return width // 2 * 2, height // 2 * 2


def _billing(order: Node) -> tuple[str, float | None]:
    extend = order.get("extend")
    info = extend.get("m_video_commerce_info") if isinstance(extend, dict) else None
    info = info if isinstance(info, dict) else {}
    benefit_type, amount = info.get("benefit_type"), info.get("amount")
    if isinstance(amount, bool) or not isinstance(amount, (int, float)):
        amount = None
    return benefit_type if isinstance(benefit_type, str) else "", amount


def _remarks(
    order: Node,
    tree: Node,
    making: Node,
    node: Node,
    film: AskedFilm,
    model_key: Any,
    root_model: str | None,
) -> list[str]:
    """Oddities that are let through, unless drafts are judged strictly."""
    mode = MODES[film.mode]
    features = tree.get("min_features")
    found = []
    if model_key and root_model != model_key:
        found.append("root_model is not the model")
    if making.get("video_task_extra") != order.get("metrics_extra"):
        found.append("video_task_extra is not metrics_extra")
    if mode.feature and mode.feature not in (features if isinstance(features, list) else ()):
        found.append(f"min_features lacks {mode.feature}")
    if version_of(str(tree.get("min_version", ""))) < version_of(mode.min_version):
        found.append(f"min_version is below {mode.min_version}")
    if film.fps not in (None, USUAL_FPS) and film.mode not in _WORK.values():
        found.append(f"fps is not {USUAL_FPS}")
    if node.get("ending_control") not in (None, "", "1.0"):
        found.append("ending_control is not known")
    return found
