"""The results that a record or a list offers: pictures and films. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from jimeng_api.domain.progress import Item
from jimeng_api.upstream.replies.answers import Reply
from jimeng_api.upstream.replies.films import VideoWire, film
from jimeng_api.upstream.replies.pictures import CommonWire, ImageWire, picture
from jimeng_api.upstream.replies.shapes import Shape


class ItemWire(msgspec.Struct):
    common_attr: CommonWire | None = None
    image: ImageWire | None = None
    video: VideoWire | None = None
    extra: Any = None


class _ListWire(msgspec.Struct):
    item_list: list[ItemWire | None] | None = None
    local_item_list: list[ItemWire | None] | None = None


def items_of(entries: list[ItemWire | None]) -> tuple[Item, ...]:
    """The results that can be fetched, each once; what has no link is left out."""
    found: dict[str, Item] = {}
    for entry in entries:
        item = None if entry is None else _item(entry)
        if item is not None:
            found[item.id] = item
    return tuple(found.values())


def local_items(reply: Reply) -> dict[str, Item]:
    """Results by their ids, in the quality in which the page lets them be downloaded."""
    wire = _LIST.read(reply.data) or _ListWire()
    return {item.id: item for item in items_of(wire.item_list or wire.local_item_list or [])}


def _item(wire: ItemWire) -> Item | None:
    common = wire.common_attr or _NO_COMMON
    told = wire.extra.get("template_type") if isinstance(wire.extra, dict) else None
    # A film's cover is a picture, and no result.
    if wire.video is not None or told == "video":
        return film(common, wire.video or _NO_VIDEO)
    return picture(common, wire.image or _NO_IMAGE)


_NO_COMMON: Final = CommonWire()
_NO_IMAGE: Final = ImageWire()
_NO_VIDEO: Final = VideoWire()
_LIST: Final = Shape(_ListWire)
