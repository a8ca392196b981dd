"""A film that a record offers. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from jimeng_api.domain.progress import Item
from jimeng_api.upstream.replies.pictures import CommonWire, link
from jimeng_api.upstream.replies.shapes import decoded
from jimeng_api.upstream.replies.words import count, duration, identity, plain, word

_Tree = dict[str, Any]


class VideoWire(msgspec.Struct):
    video_id: Any = None
    duration: Any = None
    duration_ms: Any = None
    origin_video: Any = None
    transcoded_video: Any = None
    video_model: Any = None
    cover_url: Any = None
    has_audio: Any = None
    play_url: Any = None
    download_url: Any = None
    url: Any = None


def film(common: CommonWire, video: VideoWire) -> Item | None:
    """The film with its best link; None where there is no link."""
    best = _best(common, video)
    if best is None:
        return None
    url, rendition = best
    vid = identity(video.video_id)
    milliseconds = duration(video.duration_ms)
    return Item(
        kind="film",
        id=identity(common.id)
        or identity(common.local_item_id)
        or identity(common.effect_id)
        or vid
        or url.partition("?")[0],
        url=url,
        width=count(rendition.get("width") or rendition.get("vwidth")),
        height=count(rendition.get("height") or rendition.get("vheight")),
        format=plain(word(rendition.get("format")), 16).lower(),
        seconds=milliseconds / 1000 if milliseconds else duration(video.duration) or 0.0,
        cover_url=link(video.cover_url) or link(common.cover_url),
        has_audio=video.has_audio is True,
        vid=vid,
    )


def _best(common: CommonWire, video: VideoWire) -> tuple[str, _Tree] | None:
    """A link and the rendition that it leads to: the original, or the widest, of the best kind there is."""
    renditions = (
        _downloads(video.video_model),
        _ladder(video.transcoded_video),
        _ladder(common.transcoded_video),
        _ladder({"origin": video.origin_video}),
    )
    for found in renditions:
        ranked = sorted(found, key=_rank, reverse=True)
        if ranked:
            return ranked[0]
    for value in (video.play_url, video.download_url, video.url):
        if url := link(value):
            return url, {}
    return None


def _rank(found: tuple[str, _Tree]) -> tuple[bool, int]:
    rendition = found[1]
    width = count(rendition.get("width") or rendition.get("vwidth"))
    return word(rendition.get("definition")) == _ORIGINAL, width


def _ladder(value: Any) -> Iterator[tuple[str, _Tree]]:
    """Renditions by their names, as looks list them."""
    if not isinstance(value, dict):
        return
    for name, rendition in value.items():
        url = link(rendition.get("video_url")) if isinstance(rendition, dict) else ""
        if url:
            yield url, {**rendition, "definition": name}


def _downloads(value: Any) -> Iterator[tuple[str, _Tree]]:
    """Renditions as the list for downloads has them: JSON in a text, their links in base64."""
    tree = decoded(_ANY, value.encode("utf-8", "replace")) if isinstance(value, str) else value
    listed = tree.get("video_list") if isinstance(tree, dict) else None
    for rendition in listed.values() if isinstance(listed, dict) else ():
        if not isinstance(rendition, dict):
            continue
        links = (_revealed(rendition.get(name)) for name in ("main_url", "backup_url_1"))
        if url := next(filter(None, links), ""):
            yield url, rendition


def _revealed(value: Any) -> str:
    """A link in base64; some stand there as they are."""
    written = link(value)
    if written.startswith(_WEB):
        return written
    try:
        # Padding is left out here and there, and either alphabet is used.
        padded = written.rstrip("=").translate(_ALPHABET)
        told = link(
            base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True).decode("ascii")
        )
    except (binascii.Error, ValueError):
        return ""
    return told if told.startswith(_WEB) else ""


_ORIGINAL: Final = "origin"
_WEB: Final = ("https://", "http://")
_ALPHABET: Final = str.maketrans("-_", "+/")
_ANY: Final = msgspec.json.Decoder()
