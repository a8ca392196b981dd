"""What a record tells of the request that it came from. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from jimeng_api.catalog.video_models import VIDEO_MODELS
from jimeng_api.domain.progress import Progress
from jimeng_api.upstream.replies.answers import Reply, asked
from jimeng_api.upstream.replies.film_origins import FilmOrigin, film_origin
from jimeng_api.upstream.replies.records import records
from jimeng_api.upstream.replies.shapes import Shape
from jimeng_api.upstream.replies.trees import (
    Tree,
    main_component,
    objects,
    prompt_in,
    seed_in,
    tree_at,
)
from jimeng_api.upstream.replies.words import count, moment, number, status, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A request for pictures as its record tells of it; empty, 0 or None where it does not.

    `model_key` is the upstream's own name of the model, `ratio_code` and `resolution` the shape and the tier
    in its words, `count` the number of pictures that was asked for, `sent_at` unix seconds.
    """

    model_key: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    seed: int | None = None
    sample_strength: float | None = None
    ratio_code: int = 0
    resolution: str = ""
    width: int = 0
    height: int = 0
    intelligent_ratio: bool = False
    count: int | None = None
    sent_at: float = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A submission that the upstream lists: how far it is, and what it was."""

    progress: Progress
    origin: Origin | FilmOrigin


class _ModelWire(msgspec.Struct):
    model_req_key: Any = None


class _OriginWire(msgspec.Struct):
    generate_type: Any = None
    created_time: Any = None
    history_group_key: Any = None
    draft_content: Any = None
    model_info: _ModelWire | None = None
    item_list: Any = None


def found(
    reply: Reply, *, submit_ids: Collection[str] = (), history_ids: Collection[str] = ()
) -> dict[str, Found]:
    """The submissions that were asked for, by the id they were asked with; the others are left out."""
    looks = records(reply, submit_ids=submit_ids, history_ids=history_ids)
    wires = asked(reply, looks.keys(), _ORIGIN)
    return {id_: Found(look, _origin(wires.get(id_) or _NOTHING)) for id_, look in looks.items()}


def _origin(wire: _OriginWire) -> Origin | FilmOrigin:
    """From the request itself, which the record repeats; where it does not, from the first result."""
    component = main_component(wire.draft_content)
    items = objects(wire.item_list)
    item = items[0] if items else {}
    named = word((wire.model_info or _NO_MODEL).model_req_key)
    group, sent_at = prompt_in(wire.history_group_key), moment(wire.created_time)
    if _is_film(wire, component, items, named):
        return film_origin(component, item, model_key=named, group=group, sent_at=sent_at)
    core = _core(component)
    params = tree_at(item, "aigc_image_params", "text2image_params")
    size = tree_at(core, "large_image_info") or tree_at(params, "large_image_info")
    cover = tree_at(item, "common_attr")
    return Origin(
        model_key=word(core.get("model"))
        or named
        or word(tree_at(params, "model_config").get("model_req_key")),
        prompt=prompt_in(core.get("prompt")) or group or prompt_in(params.get("prompt")),
        negative_prompt=prompt_in(core.get("negative_prompt")),
        seed=seed_in(core.get("seed", params.get("seed"))),
        sample_strength=_share(core.get("sample_strength")),
        ratio_code=count(core.get("image_ratio", params.get("image_ratio"))),
        resolution=word(size.get("resolution_type")),
        width=count(size.get("width")) or count(cover.get("cover_width")),
        height=count(size.get("height")) or count(cover.get("cover_height")),
        intelligent_ratio=core.get("intelligent_ratio") is True,
        count=count(_gen_option(component).get("gen_count")) or None,
        sent_at=sent_at,
    )


def _is_film(wire: _OriginWire, component: Tree, items: list[Tree], model_key: str) -> bool:
    return (
        status(wire.generate_type) in _FILMS
        or word(component.get("type")).startswith("video")
        or any(isinstance(item.get("video"), dict) for item in items)
        or model_key in _FILM_KEYS
    )


def _core(component: Tree) -> Tree:
    """What was asked for, whichever way the pictures were to be made."""
    return next(
        (tree_at(one, "core_param") for one in _abilities(component) if "core_param" in one), {}
    )


def _gen_option(component: Tree) -> Tree:
    """Beside the way that the pictures were to be made, or, from some clients, inside."""
    beside = tree_at(component, "abilities", "gen_option")
    return beside or next(
        (tree_at(one, "gen_option") for one in _abilities(component) if "gen_option" in one), {}
    )


def _abilities(component: Tree) -> Iterator[Tree]:
    yield from (one for one in tree_at(component, "abilities").values() if isinstance(one, dict))


def _share(value: Any) -> float | None:
    share = number(value)
    return share if share is not None and 0 <= share <= 1 else None


_FILMS: Final = frozenset(
    {10, 32}
)  # as `generate_type` says; other numbers are ways to make pictures
_FILM_KEYS: Final = frozenset(
    key
    for row in VIDEO_MODELS.values()
    for key in (*row.upstream.values(), row.unplaced_key)
    if key
)
_NO_MODEL: Final = _ModelWire()
_NOTHING: Final = _OriginWire()
_ORIGIN: Final = Shape(_OriginWire)
