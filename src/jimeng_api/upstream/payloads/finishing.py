"""The draft of what is to be done to a finished picture. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from jimeng_api.catalog.finishing import Tool
from jimeng_api.domain.errors import InvalidValue
from jimeng_api.domain.inputs import Finishing
from jimeng_api.upstream.payloads.draft import Tree, Writer, numbered


def finishing_draft(write: Writer, finishing: Finishing, tool: Tool, uris: Sequence[str]) -> Tree:
    marks = {} if tool.gen_type is None else {"gen_type": tool.gen_type}
    draft, ability = write.draft(tool.key, min_version=tool.min_version, marks=marks)
    wishes = {name: getattr(finishing, wish) for name, wish in tool.wishes.items()}
    fields = {**tool.fields, **wishes}
    ability |= fields if tool.group is None else {tool.group: {**write.node(), **fields}}
    ability["postedit_param"] = {  # inside, as in a blend [C]
        **write.node(),
        "generate_type": tool.postedit_type,
        **_picture(write, finishing, tool, uris),
    }
    return draft


def _picture(write: Writer, finishing: Finishing, tool: Tool, uris: Sequence[str]) -> Tree:
    """Which picture is meant: one that the upstream made, or one that was uploaded."""
    if finishing.origin is not None:
        return {
            "item_id": numbered(finishing.origin.item_id, param="image"),
            "origin_history_id": numbered(finishing.origin.history_id, param="image"),
        }
    if not tool.takes_uploads:
        raise InvalidValue(
            f"{tool.title} works only on pictures that the upstream made itself, not on uploaded ones.",
            param="image",
        )
    (uri,) = uris
    return {"origin_image": {**write.uploaded(uri), "title": ""}}
