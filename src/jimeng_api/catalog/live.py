"""What a site tells of its models and prices at run time, as far as it is understood. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jimeng_api.catalog.pixels import Pixels
from jimeng_api.catalog.prices import NO_RATES, Rates
from jimeng_api.catalog.video_models import InputMode


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveImageModel:
    """An image model as its site lists it; what the site does not say is empty or None.

    `pixels` are by resolution and ratio. `benefit_types` are what the site charges, by resolution.
    """

    key: str
    title: str = ""
    usable: bool = True
    pixels: Mapping[str, Mapping[str, Pixels]] = field(default_factory=dict)
    default_resolution: str = ""
    count_options: tuple[int, ...] = ()
    count_default: int | None = None
    max_input_images: int | None = None
    benefit_types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveVideoModel:
    """A film model as its site lists it. `credits_per_second` are by resolution, where the site says so."""

    key: str
    title: str = ""
    usable: bool = True
    input_modes: tuple[InputMode, ...] = ()
    resolutions: tuple[str, ...] = ()
    default_resolution: str = ""
    ratios: tuple[str, ...] = ()
    durations: tuple[int, ...] = ()
    default_duration: int | None = None
    is_draft_mode: bool = False
    benefit_types: Mapping[str, str] = field(default_factory=dict)
    credits_per_second: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSite:
    """All that one site tells. A part that it did not tell is None, or no rates."""

    images: tuple[LiveImageModel, ...] | None = None
    videos: tuple[LiveVideoModel, ...] | None = None
    rates: Rates = field(default_factory=lambda: NO_RATES)
