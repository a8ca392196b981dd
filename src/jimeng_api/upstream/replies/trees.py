"""Walking through what the upstream repeats of a request: trees of which nothing is certain. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from jimeng_api.upstream.replies.shapes import decoded
from jimeng_api.upstream.replies.words import number

Tree = dict[str, Any]

MOST_PROMPT: Final = 32_000


def tree_at(tree: Tree, *path: str) -> Tree:
    """The object at the end of a path; an empty one where there is none."""
    for name in path:
        inner = tree.get(name)
        if not isinstance(inner, dict):
            return {}
        tree = inner
    return tree


def objects(value: Any) -> list[Tree]:
    """The objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def prompt_in(value: Any) -> str:
    """A prompt, as it is: it was somebody's own, and is shown to nobody else."""
    return value.replace("\0", "")[:MOST_PROMPT] if isinstance(value, str) else ""


def seed_in(value: Any) -> int | None:
    seed = number(value)
    return int(seed) if seed is not None and 0 <= seed < 2**32 else None


def main_component(draft: Any) -> Tree:
    """The part of a draft that says what was asked for; drafts come as JSON in a text."""
    tree = decoded(_ANY, draft.encode()) if isinstance(draft, str) else draft
    if not isinstance(tree, dict):
        return {}
    parts = objects(tree.get("component_list"))
    main = tree.get("main_component_id")
    return next((part for part in parts if part.get("id") == main), parts[0] if parts else {})


_ANY: Final = msgspec.json.Decoder()
