"""What a record tells of the request that it came from. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from jimeng_api.domain.progress import Progress
from jimeng_api.upstream.replies.answers import Reply, asked
from jimeng_api.upstream.replies.records import records
from jimeng_api.upstream.replies.shapes import Shape, decoded
from jimeng_api.upstream.replies.words import count, moment, number, status, word

_Tree = dict[str, Any]

MOST_PROMPT: Final = 32_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A request as its record tells of it; empty, 0 or None where it does not.

    `model_key` is the upstream's own name of the model, `ratio_code` and `resolution` the shape and the tier
    in its words, `count` the number of pictures that was asked for, `sent_at` unix seconds. `film` marks what
    is no picture.
    """

    film: bool = False
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
    origin: Origin


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


def _origin(wire: _OriginWire) -> Origin:
    """From the request itself, which the record repeats; where it does not, from the first picture."""
    component = _main_component(wire.draft_content)
    core = _core(component)
    items = [item for item in _list(wire.item_list) if isinstance(item, dict)]
    params = _tree(items[0], "aigc_image_params", "text2image_params") if items else {}
    size = _tree(core, "large_image_info") or _tree(params, "large_image_info")
    cover = _tree(items[0], "common_attr") if items else {}
    return Origin(
        film=_is_film(wire, component, items),
        model_key=word(core.get("model"))
        or word((wire.model_info or _NO_MODEL).model_req_key)
        or word(_tree(params, "model_config").get("model_req_key")),
        prompt=_text(core.get("prompt"))
        or _text(wire.history_group_key)
        or _text(params.get("prompt")),
        negative_prompt=_text(core.get("negative_prompt")),
        seed=_seed(core.get("seed", params.get("seed"))),
        sample_strength=_share(core.get("sample_strength")),
        ratio_code=count(core.get("image_ratio", params.get("image_ratio"))),
        resolution=word(size.get("resolution_type")),
        width=count(size.get("width")) or count(cover.get("cover_width")),
        height=count(size.get("height")) or count(cover.get("cover_height")),
        intelligent_ratio=core.get("intelligent_ratio") is True,
        count=count(_gen_option(component).get("gen_count")) or None,
        sent_at=moment(wire.created_time),
    )


def _is_film(wire: _OriginWire, component: _Tree, items: list[_Tree]) -> bool:
    return (
        status(wire.generate_type) in _FILMS
        or word(component.get("type")).startswith("video")
        or any(isinstance(item.get("video"), dict) for item in items)
    )


def _main_component(draft: Any) -> _Tree:
    """The part of a draft that says what was asked for; drafts come as JSON in a text."""
    tree = decoded(_ANY, draft.encode()) if isinstance(draft, str) else draft
    if not isinstance(tree, dict):
        return {}
    parts = [part for part in _list(tree.get("component_list")) if isinstance(part, dict)]
    main = tree.get("main_component_id")
    return next((part for part in parts if part.get("id") == main), parts[0] if parts else {})


def _core(component: _Tree) -> _Tree:
    """What was asked for, whichever way the pictures were to be made."""
    return next(
        (_tree(one, "core_param") for one in _abilities(component) if "core_param" in one), {}
    )


def _gen_option(component: _Tree) -> _Tree:
    """Beside the way that the pictures were to be made, or, from some clients, inside."""
    beside = _tree(component, "abilities", "gen_option")
    return beside or next(
        (_tree(one, "gen_option") for one in _abilities(component) if "gen_option" in one), {}
    )


def _abilities(component: _Tree) -> Iterator[_Tree]:
    yield from (one for one in _tree(component, "abilities").values() if isinstance(one, dict))


def _tree(tree: _Tree, *path: str) -> _Tree:
    for name in path:
        inner = tree.get(name)
        if not isinstance(inner, dict):
            return {}
        tree = inner
    return tree


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    """A prompt, as it is: it was somebody's own, and is shown to nobody else."""
    return value.replace("\0", "")[:MOST_PROMPT] if isinstance(value, str) else ""


def _seed(value: Any) -> int | None:
    seed = number(value)
    return int(seed) if seed is not None and 0 <= seed < 2**32 else None


def _share(value: Any) -> float | None:
    share = number(value)
    return share if share is not None and 0 <= share <= 1 else None


_FILMS: Final = frozenset(
    {10, 32}
)  # as `generate_type` says; other numbers are ways to make pictures
_NO_MODEL: Final = _ModelWire()
_NOTHING: Final = _OriginWire()
_ORIGIN: Final = Shape(_OriginWire)
_ANY: Final = msgspec.json.Decoder()
