"""The shipped rows with what a site tells laid over them. Pure.

What is sent and charged is the site's to say: sizes, numbers, lengths, what pays for them. What a site cannot
say, or says in words that are not known, stays as it was shipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from jimeng_api.catalog.image_models import ImageModel
from jimeng_api.catalog.live import LiveImageModel, LiveVideoModel
from jimeng_api.catalog.pixels import (
    IMAGE_RATIO_CODES,
    IMAGE_TIERS,
    VIDEO_RATIOS_9,
    VIDEO_TIERS,
    PixelTable,
)
from jimeng_api.catalog.rows import on
from jimeng_api.catalog.video_models import VideoModel

T = TypeVar("T")


def merged_image(row: ImageModel, live: LiveImageModel) -> ImageModel:
    """The row as the site has it."""
    pixels = _tables(live.pixels) or row.pixels
    options = live.count_options or row.count_options
    default = live.count_default or row.count_default
    if options and default not in options:
        default = row.count_default if row.count_default in options else options[-1]
    return replace(
        row,
        pixels=pixels,
        default_resolution=_default(row.default_resolution, live.default_resolution, [*pixels]),
        count_options=options,
        count_default=default,
        max_input_images=_first(live.max_input_images, row.max_input_images),
        benefit_types={**row.benefit_types, **live.benefit_types},
        status="current" if row.status == "announced" else row.status,
    )


def merged_video(row: VideoModel, live: LiveVideoModel) -> VideoModel:
    """The row as the site has it. What pays besides the usual is no longer sure once the usual is another."""
    resolutions = _known(live.resolutions, VIDEO_TIERS)
    if not row.resolutions and len(resolutions) <= 1:
        resolutions = ()  # no choice is none, whatever it is called
    resolutions = resolutions or row.resolutions
    benefits = {**row.benefit_types, **live.benefit_types}
    as_shipped = all(row.benefit_types.get(name, item) == item for name, item in benefits.items())
    durations = live.durations or row.durations
    merged = replace(
        row,
        resolutions=resolutions,
        sends_resolution=row.sends_resolution or not {*resolutions} <= {*row.resolutions},
        default_resolution=_default(
            row.default_resolution, live.default_resolution, resolutions or [row.default_resolution]
        ),
        ratios=_known(live.ratios, VIDEO_RATIOS_9) or row.ratios,
        durations=durations,
        default_duration=_default(row.default_duration, live.default_duration, durations),
        benefit_types=benefits,
    )
    if row.default_ratio not in merged.ratios:
        merged = replace(merged, default_ratio=merged.ratios[0])
    if as_shipped:
        return merged
    return replace(merged, benefit_type_with_video=None, benefit_type_no_input_video=None)


def new_image(live: LiveImageModel, site: str) -> ImageModel | None:
    """A row for a model that nobody has written down; None where the site says too little to ask for it."""
    if not live.usable or not (pixels := _tables(live.pixels)):
        return None
    row = ImageModel(
        name=live.key.lower(),
        title=live.title or live.key,
        upstream=on((site,), live.key),
        pixels=pixels,
        default_resolution=next(iter(pixels)),
        confidence="B",
    )
    return merged_image(row, live)


def new_video(live: LiveVideoModel, site: str) -> VideoModel | None:
    """The same for films, which no site makes without the name of what pays for them."""
    resolutions = _known(live.resolutions, VIDEO_TIERS)
    modes = tuple(mode for mode in live.input_modes if mode != "long_video")
    told = resolutions and live.durations and live.benefit_types and "t2v" in modes
    if not live.usable or live.is_draft_mode or not told:
        return None
    row = VideoModel(
        name=live.key.lower(),
        title=live.title or live.key,
        upstream=on((site,), live.key),
        confidence="B",
        input_modes=modes,
        resolutions=resolutions,
        default_resolution=resolutions[0],
        durations=live.durations,
        default_duration=live.durations[0],
        min_features_omni=("AIGC_Video_UnifiedEdit",),
    )
    return merged_video(row, live)


def for_all(rows: Sequence[ImageModel | VideoModel]) -> ImageModel | VideoModel:
    """The row for a caller who has several sites: what every one of them takes.

    Where they have nothing in common, the first one's word stands.
    """
    first = rows[0]
    for other in rows[1:]:
        if isinstance(first, ImageModel) and isinstance(other, ImageModel):
            first = _both_images(first, other)
        elif isinstance(first, VideoModel) and isinstance(other, VideoModel):
            first = _both_videos(first, other)
    return first


def _both_images(one: ImageModel, other: ImageModel) -> ImageModel:
    ratios = _common(one.ratios, other.ratios)
    tiers = _common(one.resolutions, other.resolutions)
    options = one.count_options or other.count_options
    if one.count_options and other.count_options:
        options = _common(one.count_options, other.count_options)
    default = one.count_default
    return replace(
        one,
        pixels={tier: {ratio: one.pixels[tier][ratio] for ratio in ratios} for tier in tiers},
        default_resolution=_default(one.default_resolution, other.default_resolution, tiers),
        count_options=options,
        count_default=default if not options or default in options else options[-1],
        max_input_images=min(one.max_input_images, other.max_input_images),
    )


def _both_videos(one: VideoModel, other: VideoModel) -> VideoModel:
    resolutions = _common(one.resolutions, other.resolutions)
    durations = _common(one.durations, other.durations)
    ratios = _common(one.ratios, other.ratios)
    return replace(
        one,
        resolutions=resolutions,
        default_resolution=_default(
            one.default_resolution,
            other.default_resolution,
            resolutions or [one.default_resolution],
        ),
        durations=durations,
        default_duration=_default(one.default_duration, other.default_duration, durations),
        ratios=ratios,
        default_ratio=_default(one.default_ratio, other.default_ratio, ratios),
    )


def image_drift(row: ImageModel, live: LiveImageModel) -> tuple[str, ...]:
    """In what a site's image model is other than its row, or not understood."""
    merged = merged_image(row, live)
    return (
        *_differences(row, merged, ("resolutions", "ratios", "default_resolution")),
        *(["pixels"] if _other_cells(row, merged) else []),
        *_differences(row, merged, ("count_options", "count_default", "max_input_images")),
        *_items(row.benefit_types, live.benefit_types),
        *(f"unknown resolution {tier}" for tier in live.pixels if tier not in IMAGE_TIERS),
        *([] if live.usable else ["not usable"]),
    )


def video_drift(row: VideoModel, live: LiveVideoModel) -> tuple[str, ...]:
    """The same of a film model."""
    merged = merged_video(row, live)
    new_modes = {*live.input_modes} - {*row.input_modes}
    return (
        *_differences(row, merged, ("resolutions", "durations", "ratios", "default_duration")),
        *_items(row.benefit_types, live.benefit_types),
        *(f"unknown resolution {tier}" for tier in live.resolutions if tier not in VIDEO_TIERS),
        *(f"unknown ratio {ratio}" for ratio in live.ratios if ratio not in VIDEO_RATIOS_9),
        *(f"new way {mode}" for mode in sorted(new_modes)),
        *([] if live.usable else ["not usable"]),
    )


def _tables(told: Mapping[str, Mapping[str, tuple[int, int]]]) -> dict[str, PixelTable]:
    """The tables of the resolutions that are known, with the ratios that they have in common."""
    tiers = _known(told, IMAGE_TIERS)
    ratios = [
        ratio for ratio in IMAGE_RATIO_CODES if tiers and all(ratio in told[t] for t in tiers)
    ]
    return (
        {tier: {ratio: told[tier][ratio] for ratio in ratios} for tier in tiers} if ratios else {}
    )


def _other_cells(row: ImageModel, merged: ImageModel) -> bool:
    return any(
        merged.pixels[tier].get(ratio, cell) != cell
        for tier, table in row.pixels.items()
        if tier in merged.pixels
        for ratio, cell in table.items()
    )


def _differences(row: object, merged: object, names: Iterable[str]) -> list[str]:
    return [
        f"{name} {_shown(getattr(row, name))} is {_shown(getattr(merged, name))}"
        for name in names
        if getattr(row, name) != getattr(merged, name)
    ]


def _items(shipped: Mapping[str, str], told: Mapping[str, str]) -> list[str]:
    return [
        f"benefit {name} {shipped.get(name, 'none')} is {item}"
        for name, item in told.items()
        if shipped.get(name) != item and (name in shipped or item not in shipped.values())
    ]


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _known(told: Iterable[str], order: Iterable[str]) -> tuple[str, ...]:
    """Those that are known, in the order that belongs to them."""
    found = {*told}
    return tuple(one for one in order if one in found)


def _common(one: tuple[T, ...], other: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(each for each in one if each in other) or one


def _first(told: int | None, shipped: int) -> int:
    return shipped if told is None else told


def _default(shipped: T, told: T | None, among: Sequence[T]) -> T:
    """The site's own, or the shipped one, or any: of those that there are."""
    return next((one for one in (told, shipped) if one in among and one is not None), among[0])
