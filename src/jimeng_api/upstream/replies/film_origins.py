"""What the record of a film tells of the request that it came from. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from jimeng_api.domain.requests import VideoMode
from jimeng_api.upstream.replies.trees import Tree, objects, prompt_in, seed_in, tree_at
from jimeng_api.upstream.replies.words import count, duration, word


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmOrigin:
    """A request for a film as its record tells of it; empty, 0 or None where it does not.

    `model_key` is the upstream's own name of the model, `ratio` and `resolution` are in its words, `sent_at`
    is unix seconds. `mode` is "t2v" where nothing says otherwise.
    """

    model_key: str = ""
    prompt: str = ""
    mode: VideoMode = "t2v"
    seconds: float = 0.0
    ratio: str = ""
    resolution: str = ""
    seed: int | None = None
    sent_at: float = 0


def film_origin(
    component: Tree, item: Tree, *, model_key: str, group: str, sent_at: float
) -> FilmOrigin:
    """From the request itself, which the record repeats; where it does not, from the film it became."""
    making = tree_at(component, "abilities", "gen_video")
    params = tree_at(making, "text_to_video_params")
    echo = tree_at(item, "aigc_image_params", "text2video_params")
    wish, echoed = (next(iter(objects(one.get("video_gen_inputs"))), {}) for one in (params, echo))
    return FilmOrigin(
        model_key=word(params.get("model_req_key")) or model_key or word(echo.get("model_req_key")),
        prompt=prompt_in(wish.get("prompt"))
        or group
        or _pieces(wish)
        or prompt_in(echoed.get("prompt")),
        mode=_mode(wish or echoed, word(making.get("scene"))),
        seconds=_seconds(wish) or _seconds(echoed),
        ratio=word(params.get("video_aspect_ratio")) or word(echo.get("video_aspect_ratio")),
        resolution=word(wish.get("resolution")).lower(),
        seed=seed_in(params.get("seed", echo.get("seed"))),
        sent_at=sent_at,
    )


def _mode(wish: Tree, scene: str) -> VideoMode:
    if scene in _SCENES:
        return _SCENES[scene]
    if objects(wish.get("multi_frames")):
        return "multi_frame"
    if objects(wish.get("idip_frames")):
        return "subject_ref"
    unified = tree_at(wish, "unified_edit_input")
    if unified.get("edit_input"):
        return "edit"
    if objects(unified.get("material_list")):
        return "omni"
    first, last = (bool(tree_at(wish, name)) for name in ("first_frame_image", "end_frame_image"))
    # One that has only its last picture is no mode of ours; the nearest is the one with both.
    return "first_last" if last else "first_frame" if first else "t2v"


def _seconds(wish: Tree) -> float:
    """How long the film was to be; an edit says from where to where."""
    asked = duration(wish.get("duration_ms"))
    if asked:
        return asked / 1000
    frames = sum(duration(one.get("duration_ms")) or 0 for one in objects(wish.get("multi_frames")))
    edit = tree_at(wish, "unified_edit_input", "edit_input")
    edited = count(edit.get("end_timestamp_ms")) - count(edit.get("start_timestamp_ms"))
    return max(frames, edited, 0) / 1000


def _pieces(wish: Tree) -> str:
    """The words, where they stand among what they refer to."""
    lists = (
        tree_at(wish, "unified_edit_input").get("meta_list"),
        wish.get("idip_meta_list"),
    )
    words = [prompt_in(one.get("text")) for pieces in lists for one in objects(pieces)]
    frames = [prompt_in(one.get("prompt")) for one in objects(wish.get("multi_frames"))]
    return prompt_in("".join(words) or "\n".join(filter(None, frames)))


_SCENES: Final[dict[str, VideoMode]] = {
    "insert_frame": "interpolate",
    "super_resolution": "upscale",
}
