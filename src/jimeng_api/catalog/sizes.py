"""From what a caller asks for to a size that the model has. Pure.

`ratio` and `resolution` mean what they say and are never replaced by something else: what the model does not
have is refused. `size` is a wish: it gets the nearest shape, and the smallest tier that has as many pixels.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from jimeng_api.catalog.image_models import ImageModel
from jimeng_api.catalog.pixels import (
    IMAGE_RATIO_CODES,
    IMAGE_TIERS,
    VIDEO_TIERS,
    Pixels,
    PixelTable,
    shape_of,
    video_pixels,
)
from jimeng_api.catalog.sites import Site
from jimeng_api.catalog.video_models import VideoModel
from jimeng_api.domain.errors import InvalidValue

__all__ = [
    "IMAGE_RATIO_CODES",
    "SizeChoice",
    "VideoSizeChoice",
    "asked_pixels",
    "fits",
    "image_cell",
    "image_size",
    "video_seconds",
    "video_size",
]

ENOUGH = 0.98  # of the asked pixels: 1600x1200 may become a cell that is a hair smaller
SAME_SHAPE = 0.10  # beyond this, one sees that the shape is another

# Only where nothing else says how many pixels are wanted; a word that is not here changes nothing.
QUALITY_TIERS: Mapping[str, str] = {
    "low": "1k",
    "high": "2k",
    "hd": "2k",
    "xhigh": "4k",
    "max": "4k",
}

_WIDTH_HEIGHT = re.compile(r"([0-9]{1,5})\s*[xX×*]\s*([0-9]{1,5})")
_WIDE_COLON = "\uff1a"  # as Chinese keyboards write it
_RATIO = re.compile(rf"([0-9]{{1,5}})\s*[:{_WIDE_COLON}]\s*([0-9]{{1,5}})")
_TIER = re.compile(r"[0-9]+(\.[0-9]+)?[kp]", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeChoice:
    """The size a picture is asked for: `ratio_code` and `resolution` as the upstream reads them.

    `adjusted` says that the caller's size could not be met: another shape, or fewer pixels.
    """

    ratio: str
    ratio_code: int
    resolution: str
    width: int
    height: int
    adjusted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSizeChoice:
    """The size a film is asked for; `resolution` is None where the model has no choice of it.

    `width` and `height` are what to expect; with an input picture the upstream follows the picture's shape.
    """

    ratio: str
    resolution: str | None
    width: int
    height: int
    adjusted: bool = False


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a `size` says: pixels, or a ratio, or a tier, or nothing."""

    pixels: Pixels | None = None
    ratio: str | None = None
    tier: str | None = None


def image_size(
    model: ImageModel,
    *,
    site: Site | None = None,
    size: str | None = None,
    ratio: str | None = None,
    resolution: str | None = None,
    quality: str | None = None,
    first_input: Pixels | None = None,
    exact: bool = False,
) -> SizeChoice:
    """Choose a size of the model. `first_input` lends its shape where no other is asked for.

    With `exact`, a `size` in pixels is to fit into the choice with both its sides.
    """
    cells = _cells(model, site)
    ratios = tuple(next(iter(cells.values())))
    wish = _wish(size, tiers=IMAGE_TIERS, ratios=model.ratios)
    adjusted = False

    given_ratio = _given(ratio, param="ratio", valid=ratios, who=_who(model, site))
    given_tier = _given(resolution, param="resolution", valid=tuple(cells), who=_who(model, site))

    if given_ratio is not None:
        shape = given_ratio
    elif wished := wish.pixels or (_sides(wish.ratio) if wish.ratio else None):
        shape = _nearest(wished, ratios)
        adjusted = _differs(wished, shape)
    elif first_input is not None and min(first_input) > 0:
        shape = _nearest(first_input, ratios)
    else:
        shape = "1:1"

    if given_tier is not None:
        tier = given_tier
    elif wish.pixels is not None:
        tier, short = _tier_for_pixels(wish.pixels, shape, cells, exact=exact)
        adjusted = adjusted or short
    elif wish.tier is not None:
        tier = _tier_at_least(wish.tier, tuple(cells), IMAGE_TIERS)
        adjusted = adjusted or IMAGE_TIERS.index(tier) < IMAGE_TIERS.index(wish.tier)
    else:
        better = QUALITY_TIERS.get((quality or "").strip().lower())
        asked = better or model.default_resolution
        tier = _tier_at_least(asked, tuple(cells), IMAGE_TIERS)

    return _choice(model, site, cells, shape, tier, adjusted=adjusted)


def asked_pixels(size: str | None) -> Pixels | None:
    """The pixels that a `size` names; None where it names none."""
    sides = _WIDTH_HEIGHT.fullmatch((size or "").strip())
    return (int(sides[1]), int(sides[2])) if sides and int(sides[1]) and int(sides[2]) else None


def fits(asked: Pixels, cell: Pixels) -> bool:
    """Whether so many pixels can be cut out of these, scaled down at most."""
    return asked[0] <= cell[0] and asked[1] <= cell[1]


def image_cell(model: ImageModel, site: Site, *, ratio: str, resolution: str) -> SizeChoice:
    """One of the model's own sizes as a particular site takes it: the nearest it has, where it has fewer."""
    cells = _cells(model, site)
    shape = _nearest(_sides(ratio), tuple(next(iter(cells.values()))))
    tier = _tier_at_least(resolution, tuple(cells), IMAGE_TIERS)
    return _choice(model, site, cells, shape, tier, adjusted=_differs(_sides(ratio), shape))


def video_size(
    model: VideoModel,
    *,
    size: str | None = None,
    ratio: str | None = None,
    resolution: str | None = None,
    first_input: Pixels | None = None,
) -> VideoSizeChoice:
    """Choose a size of the model. `first_input` lends its shape where no other is asked for."""
    # A model without a choice makes 720p, and callers who always say so may go on saying so.
    tiers = model.resolutions or (model.default_resolution,)
    wish = _wish(size, tiers=tuple(VIDEO_TIERS), ratios=model.ratios)
    adjusted = False

    given_ratio = _given(ratio, param="ratio", valid=model.ratios, who=model.name)
    given_tier = _given(resolution, param="resolution", valid=tiers, who=model.name)

    if given_ratio is not None:
        shape = given_ratio
    elif wished := wish.pixels or (_sides(wish.ratio) if wish.ratio else None):
        shape = _nearest(wished, model.ratios)
        adjusted = _differs(wished, shape)
    elif first_input is not None and min(first_input) > 0:
        shape = _nearest(first_input, model.ratios)
    else:
        shape = model.default_ratio

    if given_tier is not None:
        tier = given_tier
    elif wish.pixels is not None:
        enough = [t for t in tiers if VIDEO_TIERS[t] >= ENOUGH * min(wish.pixels)]
        tier = enough[0] if enough else tiers[-1]
        adjusted = adjusted or not enough
    elif wish.tier is not None:
        tier = _tier_at_least(wish.tier, tiers, tuple(VIDEO_TIERS))
        adjusted = adjusted or VIDEO_TIERS[tier] < VIDEO_TIERS[wish.tier]
    else:
        tier = model.default_resolution

    width, height = video_pixels(tier, shape)
    return VideoSizeChoice(
        ratio=shape,
        resolution=tier if model.resolutions else None,
        width=width,
        height=height,
        adjusted=adjusted,
    )


def video_seconds(
    model: VideoModel, asked: str | float | None, *, param: str = "seconds", long: bool = False
) -> int:
    """The length nearest to the asked one that the model has, the longer of two that are as near."""
    if asked is None or (isinstance(asked, str) and not asked.strip()):
        return model.default_duration
    try:
        seconds = float(asked)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise InvalidValue(
            f"{param} must be a positive number of seconds, not {_quoted(asked)}", param=param
        )
    lengths = (model.long_durations if long else ()) or model.durations
    return min(lengths, key=lambda length: (abs(length - seconds), -length))


def _cells(model: ImageModel, site: Site | None) -> Mapping[str, PixelTable]:
    rule = model.site_rules.get(site.name) if site is not None else None
    return model.pixels if rule is None else rule.pixels


def _choice(
    model: ImageModel,
    site: Site | None,
    cells: Mapping[str, PixelTable],
    ratio: str,
    tier: str,
    *,
    adjusted: bool,
) -> SizeChoice:
    rule = model.site_rules.get(site.name) if site is not None else None
    width, height = cells[tier][ratio]
    return SizeChoice(
        ratio=ratio,
        ratio_code=IMAGE_RATIO_CODES[ratio],
        resolution=tier if rule is None else rule.sent_as.get(tier, tier),
        width=width,
        height=height,
        adjusted=adjusted,
    )


def _wish(size: str | None, *, tiers: Sequence[str], ratios: Sequence[str]) -> _Wish:
    text = (size or "").strip()
    if text.lower() in ("", "auto"):
        return _Wish()
    if pixels := asked_pixels(text):
        return _Wish(pixels=pixels)
    if shape := _RATIO.fullmatch(text):
        ratio = f"{int(shape[1])}:{int(shape[2])}"
        if ratio in ratios:
            return _Wish(ratio=ratio)
        raise InvalidValue(f"size {_quoted(text)} is none of {_list(ratios)}", param="size")
    if _TIER.fullmatch(text) and text.lower() in tiers:
        return _Wish(tier=text.lower())
    raise InvalidValue(
        f"size must be auto, WIDTHxHEIGHT such as 1024x1024, a ratio ({_list(ratios)}) "
        f"or a resolution ({_list(tiers)}), not {_quoted(text)}",
        param="size",
    )


def _given(value: str | None, *, param: str, valid: Sequence[str], who: str) -> str | None:
    """An explicit choice, checked; None where there is none."""
    text = (value or "").strip().lower().replace(_WIDE_COLON, ":")
    if text in ("", "auto"):
        return None
    if text in valid:
        return text
    raise InvalidValue(
        f"{param} must be one of {_list(valid)} for {who}, not {_quoted(value)}", param=param
    )


def _nearest(sides: Pixels, ratios: Iterable[str]) -> str:
    asked = math.log(sides[0] / sides[1])
    return min(ratios, key=lambda ratio: abs(math.log(shape_of(ratio)) - asked))


def _differs(sides: Pixels, ratio: str) -> bool:
    asked, given = sides[0] / sides[1], shape_of(ratio)
    return max(asked / given, given / asked) - 1 > SAME_SHAPE


def _tier_for_pixels(
    asked: Pixels, ratio: str, cells: Mapping[str, PixelTable], *, exact: bool
) -> tuple[str, bool]:
    """The smallest tier with enough pixels; failing that the largest, and True."""
    for tier, table in cells.items():
        cell = table[ratio]
        if fits(asked, cell) if exact else math.prod(cell) >= ENOUGH * math.prod(asked):
            return tier, False
    return list(cells)[-1], True


def _tier_at_least(asked: str, offered: Sequence[str], order: Sequence[str]) -> str:
    """The smallest offered tier that is not below the asked one; failing that the largest."""
    enough = [tier for tier in offered if order.index(tier) >= order.index(asked)]
    return enough[0] if enough else offered[-1]


def _sides(ratio: str) -> Pixels:
    width, _, height = ratio.partition(":")
    return int(width), int(height)


def _who(model: ImageModel, site: Site | None) -> str:
    return f"{model.name} on {site.name}" if site and site.name in model.site_rules else model.name


def _list(values: Iterable[str]) -> str:
    return ", ".join(values)


def _quoted(value: object) -> str:
    """What the caller sent, short enough for a message."""
    text = str(value)
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
