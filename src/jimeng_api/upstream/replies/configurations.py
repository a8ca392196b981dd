"""The models that a site lists, read out of its two configurations. Pure.

Nearly every word may be missing or new, so that the trees are walked and not decoded: what is not understood
is left out, and only an answer without a list of models is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from jimeng_api.catalog.live import LiveImageModel, LiveVideoModel
from jimeng_api.catalog.pixels import IMAGE_RATIO_CODES, Pixels
from jimeng_api.catalog.video_models import InputMode
from jimeng_api.domain.errors import ProtocolChanged
from jimeng_api.upstream.replies.answers import Reply
from jimeng_api.upstream.replies.shapes import Shape
from jimeng_api.upstream.replies.trees import Tree, objects, tree_at
from jimeng_api.upstream.replies.words import count, number, plain, word

MOST_MODELS: Final = 500
_MOST_PICTURES: Final = 64
_MOST_SECONDS: Final = 3600
_WIDEST: Final = 65_535
_FPS: Final = 24  # where the site does not say; lengths are told in frames

_MODES: Final[dict[str, InputMode]] = {
    "prompt": "t2v",
    "first_frame": "first_frame",
    "end_frame": "first_last",
    "multi_frame": "multi_frame",
    "idip_frame": "subject_ref",
    "unified_edit": "omni",
    "edit": "edit",
    "long_video": "long_video",
}
_RATIOS: Final = {code: ratio for ratio, code in IMAGE_RATIO_CODES.items()}


class _ConfigurationWire(msgspec.Struct):
    model_list: Any = None


def image_models(reply: Reply) -> tuple[LiveImageModel, ...]:
    """The image models that are listed."""
    return tuple(_image_model(key, tree) for key, tree in _listed(reply))


def video_models(reply: Reply) -> tuple[LiveVideoModel, ...]:
    """The film models that are listed."""
    return tuple(_video_model(key, tree) for key, tree in _listed(reply))


def _listed(reply: Reply) -> Iterator[tuple[str, Tree]]:
    wire = _CONFIGURATION.read(reply.data)
    if wire is None or not isinstance(wire.model_list, list):
        raise ProtocolChanged("The upstream's list of models cannot be read.")
    seen: set[str] = set()
    for tree in objects(wire.model_list)[:MOST_MODELS]:
        key = _text(tree.get("model_req_key"))
        if key and key not in seen:
            seen.add(key)
            yield key, tree


def _image_model(key: str, tree: Tree) -> LiveImageModel:
    limits = [count(one.get("max_image_num")) for one in objects(tree.get("input_image_limit"))]
    return LiveImageModel(
        key=key,
        title=_text(tree.get("model_name")),
        usable=_usable(tree),
        pixels=_pixels(tree_at(tree, "resolution_map")),
        default_resolution=_text(tree.get("default_resolution_type")).lower(),
        count_options=_numbers(tree.get("generate_count_options"), _MOST_PICTURES),
        count_default=_number(tree.get("default_generate_count"), _MOST_PICTURES),
        max_input_images=max(limits) if limits else None,
        benefit_types=_benefits(tree),
    )


def _video_model(key: str, tree: Tree) -> LiveVideoModel:
    options = {
        _text(one.get("key")): one
        for one in objects(tree.get("options"))
        if one.get("forbidden_display") is not True
    }
    fps = _number(_usual(options.get("fps", {})), 240) or _FPS
    durations = tuple(
        dict.fromkeys(
            frames // fps for frames in _frames(options.get("frames", {})) if frames >= fps
        )
    )
    usual = number(_usual(options.get("frames", {}))) or 0.0
    media = _words(options.get("input_media_type", {}))
    return LiveVideoModel(
        key=key,
        title=_text(tree.get("model_name")),
        usable=_usable(tree),
        input_modes=tuple(_MODES[one] for one in media if one in _MODES),
        resolutions=tuple(one.lower() for one in _words(options.get("resolution", {}))),
        default_resolution=_text(_usual(options.get("resolution", {}))).lower(),
        ratios=_words(options.get("video_aspect_ratio", {})),
        durations=durations,
        default_duration=int(usual // fps) or None,
        is_draft_mode=tree_at(tree, "extra").get("is_draft_mode") is True,
        benefit_types=_benefits(tree),
        credits_per_second=_credits(tree),
    )


def _usable(tree: Tree) -> bool:
    """Whether the page lets the model be chosen; where nothing is said, it does."""
    return not count(tree.get("model_status"))


def _pixels(buckets: Tree) -> dict[str, dict[str, Pixels]]:
    """Sizes by resolution and ratio."""
    found: dict[str, dict[str, Pixels]] = {}
    for bucket, inner in buckets.items():
        if not isinstance(inner, dict):
            continue
        name = _text(inner.get("resolution_name")).lower() or _text(bucket).lower()
        table = {
            _RATIOS[count(cell.get("ratio_type"))]: (width, height)
            for cell in objects(inner.get("image_ratio_sizes"))
            if count(cell.get("ratio_type")) in _RATIOS
            and 0 < (width := count(cell.get("width"))) <= _WIDEST
            and 0 < (height := count(cell.get("height"))) <= _WIDEST
        }
        if table:
            found[name] = table
    return found


def _benefits(tree: Tree) -> dict[str, str]:
    """What is charged, by resolution. Of the two places that say so, the newer one counts."""
    commerce = tree_at(tree, "commercial_config")
    found = {
        _text(name).lower(): _text(item) for name, item in tree_at(commerce, "format_conf").items()
    }
    for name, price in _priced(tree):
        if isinstance(price, dict):
            found[name] = _text(price.get("benefit_type"))
    return {name: item for name, item in found.items() if name and item}


def _credits(tree: Tree) -> dict[str, float]:
    """Credits for a second, by resolution, where a price is a plain number."""
    told = {name: number(price) for name, price in _priced(tree) if not isinstance(price, dict)}
    return {name: price for name, price in told.items() if price is not None and price >= 0}


def _priced(tree: Tree) -> Iterator[tuple[str, Any]]:
    """The prices by resolution: seen inside of the commercial part, described beside it."""
    for place in (tree, tree_at(tree, "commercial_config")):
        for one in objects(place.get("resolution_price_configs")):
            name = _text(one.get("resolution")).lower()
            if name:
                yield name, one.get("price")


def _frames(option: Tree) -> Iterable[int]:
    slide = tree_at(option, "slide_bar_val")
    low, high = count(slide.get("min")), count(slide.get("max"))
    step = max(count(slide.get("step")), 1)
    if 0 < low <= high <= _MOST_SECONDS * _FPS:
        return range(low, high + 1, step)
    return _numbers(tree_at(option, "enum_val").get("int_value"), _MOST_SECONDS * _FPS)


def _usual(option: Tree) -> Any:
    """What an option is where nobody chooses."""
    slide = tree_at(option, "slide_bar_val")
    if slide:
        return slide.get("default")
    enum = tree_at(option, "enum_val")
    values = enum.get(f"{_text(enum.get('enum_type'))}_value")
    index = count(enum.get("default_val_idx"))
    return values[index] if isinstance(values, list) and index < len(values) else None


def _words(option: Tree) -> tuple[str, ...]:
    values = tree_at(option, "enum_val").get("string_value")
    found = (_text(one) for one in values) if isinstance(values, list) else ()
    return tuple(dict.fromkeys(one for one in found if one))


def _numbers(values: Any, most: int) -> tuple[int, ...]:
    """Whole numbers from 1, in their order."""
    found = {_number(one, most) for one in values} if isinstance(values, list) else set()
    return tuple(sorted(one for one in found if one is not None))


def _number(value: Any, most: int) -> int | None:
    found = count(value)
    return found if 0 < found <= most else None


def _text(value: Any) -> str:
    return plain(word(value), 128)


_CONFIGURATION: Final = Shape(_ConfigurationWire)
