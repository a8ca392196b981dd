"""A picture that a record offers. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from jimeng_api.domain.progress import Item
from jimeng_api.upstream.replies.words import count, identity, plain, word


class CommonWire(msgspec.Struct):
    id: Any = None
    effect_id: Any = None
    local_item_id: Any = None
    cover_url: Any = None
    cover_uri: Any = None
    transcoded_video: Any = None


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


def picture(common: CommonWire, image: ImageWire) -> Item | None:
    """The picture with its best link; None where there is no link."""
    full, large = _large(image)
    url = full or link(common.cover_url)
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
        url = "" if large is None else link(large.image_url)
        if large is not None and url:
            return url, large
    return link(image.image_url), LargeWire(image_uri=image.image_uri, format=image.format)


def link(value: Any) -> str:
    """A link; some come with their ampersands written as JSON escapes a second time."""
    return value.strip().replace("\\u0026", "&") if isinstance(value, str) else ""
