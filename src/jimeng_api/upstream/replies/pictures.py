"""The pictures that a record offers. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from jimeng_api.domain.progress import Item
from jimeng_api.upstream.replies.words import count, identity, plain, word


class CommonWire(msgspec.Struct):
    id: Any = None
    effect_id: Any = None
    local_item_id: Any = None
    cover_url: Any = None
    cover_uri: Any = None


class LargeWire(msgspec.Struct):
    image_url: Any = None
    image_uri: Any = None
    width: Any = None
    height: Any = None
    format: Any = None


class ImageWire(msgspec.Struct):
    format: Any = None
    image_url: Any = None
    image_uri: Any = None
    large_images: list[LargeWire | None] | None = None


class ItemWire(msgspec.Struct):
    common_attr: CommonWire | None = None
    image: ImageWire | None = None


def pictures(entries: list[ItemWire | None]) -> tuple[Item, ...]:
    """The pictures that can be fetched, each once; what has no link is left out."""
    found: dict[str, Item] = {}
    for entry in entries:
        item = None if entry is None else _item(entry)
        if item is not None:
            found[item.id] = item
    return tuple(found.values())


def _item(wire: ItemWire) -> Item | None:
    common, image = wire.common_attr or _NO_COMMON, wire.image or _NO_IMAGE
    full, large = _large(image)
    url = full or _url(common.cover_url)
    if not url:
        return None
    id_ = (
        identity(common.id)
        or identity(common.local_item_id)
        or identity(common.effect_id)
        or identity(large.image_uri)
        or identity(common.cover_uri)
        or url.partition("?")[0]
    )
    if not full:
        return Item(id=id_, url=url, preview=True)
    return Item(
        id=id_,
        url=url,
        width=count(large.width),
        height=count(large.height),
        format=plain(word(large.format) or word(image.format), 16).lower(),
    )


def _large(image: ImageWire) -> tuple[str, LargeWire]:
    """The link of the first full picture that has one, and that picture."""
    for large in image.large_images or ():
        url = "" if large is None else _url(large.image_url)
        if large is not None and url:
            return url, large
    return _url(image.image_url), LargeWire(image_uri=image.image_uri, format=image.format)


def _url(value: Any) -> str:
    """A link; some come with their ampersands written as JSON escapes a second time."""
    return value.strip().replace("\\u0026", "&") if isinstance(value, str) else ""


_NO_COMMON: Final = CommonWire()
_NO_IMAGE: Final = ImageWire()
