"""What a task is going to cost, as far as anybody knows. Pure.

A site's own list of prices (`Rates`) is best; without it the rows of the catalogue count, which were seen on
the Chinese site only. What is not known is None, never a guess: the account's own books tell afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from jimeng_api.catalog.image_models import ImageModel
from jimeng_api.catalog.sites import CN, Site
from jimeng_api.catalog.video_models import VideoModel
from jimeng_api.catalog.video_modes import WAYS_TO_FILM
from jimeng_api.domain.requests import GenerationRequest, ImageRequest, VideoRequest

SECOND: Final = "second"
EVERYONE: Final = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One price of a site's list: `credits` for each `unit` of a benefit, and for `least` of them at least.

    `unit` is "second" of films that are charged by length; whatever else it is, one result is one. `roles`
    are the memberships that it is for, none or "all": for everyone.
    """

    credits: float
    unit: str = "count"
    least: int = 1
    roles: tuple[str, ...] = ()

    def is_for(self, membership: str) -> bool:
        """Whether an account of this membership (empty: none) pays so."""
        if not self.roles or EVERYONE in self.roles:
            return True
        return bool(membership) and (_MEMBER in self.roles or membership in self.roles)


_MEMBER: Final = "vip"  # of whatever level

Rates = Mapping[str, tuple[Rate, ...]]
"""A site's list of prices, by benefit type."""

NO_RATES: Rates = MappingProxyType({})


def price_of(
    request: GenerationRequest,
    model: ImageModel | VideoModel,
    *,
    site: Site,
    count: int | None = None,
    membership: str = "",
    rates: Rates = NO_RATES,
) -> int | None:
    """What one task of a request costs, None where that is not known.

    `model` is the site's row of the request's model; `count` is how many pictures the task is asked for, None
    where that is left to the model or to the prompt. `membership` is the account's, empty without one.
    """
    match request, model:
        case ImageRequest(finishing=None), ImageModel():
            number = count or request.series or model.count_default
            return image_price(
                model,
                site=site,
                resolution=request.resolution,
                count=number,
                membership=membership,
                rates=rates,
            )
        case VideoRequest(), VideoModel():
            return _film_price(request, model, site, membership, rates)
        case _:  # what the tools for finished pictures cost, no page says
            return None


def image_price(
    model: ImageModel,
    *,
    site: Site,
    resolution: str,
    count: int,
    membership: str = "",
    rates: Rates = NO_RATES,
) -> int | None:
    """What so many pictures of one task cost."""
    item = model.benefit_types.get(resolution, "")
    if item in rates:
        return _charged(rates[item], membership, units=count, seconds=count)
    each = picture_credits(model, site=site, resolution=resolution, membership=membership)
    return None if each is None else _whole(max(each * count, model.task_credits or 0))


def picture_credits(
    model: ImageModel,
    *,
    site: Site,
    resolution: str,
    membership: str = "",
    rates: Rates = NO_RATES,
) -> float | None:
    """Credits for one picture of many."""
    item = model.benefit_types.get(resolution, "")
    if item in rates:
        prices = [rate.credits for rate in rates[item] if rate.is_for(membership)]
        return min(prices, default=None)
    each = model.credits.get(resolution)
    if membership:
        each = model.member_credits.get(resolution, each)
    return each if site.name == CN.name else None


def video_price(
    model: VideoModel,
    *,
    site: Site,
    resolution: str,
    seconds: float,
    item: str = "",
    membership: str = "",
    rates: Rates = NO_RATES,
) -> int | None:
    """What a film costs. `seconds` are those that are charged for, with those of the films that go in.

    `item` is the benefit type that is charged; where that is not on the list, the model's own counts.
    """
    for listed in (item, _own_item(model, resolution)):
        if listed in rates:
            return _charged(rates[listed], membership, units=1, seconds=seconds)
    each = _credits_per_second(model, resolution)
    return None if each is None or site.name != CN.name else _whole(each * seconds)


def benefit_type(request: VideoRequest, model: VideoModel) -> str:
    """What the page of the site names as that which is charged."""
    way = WAYS_TO_FILM[request.mode]
    if way.benefit_type:
        return way.benefit_type
    special = (
        model.benefit_type_with_video
        if request.starts_from_films
        else model.benefit_type_no_input_video
    )
    if special is not None:
        return special.format(resolution=request.resolution)
    return _own_item(model, request.resolution)


def _film_price(
    request: VideoRequest, model: VideoModel, site: Site, membership: str, rates: Rates
) -> int | None:
    if WAYS_TO_FILM[request.mode].benefit_type:
        # Nobody has written down what work on a finished film costs, nor by what it is measured.
        return None
    return video_price(
        model,
        site=site,
        resolution=request.resolution,
        seconds=request.billed_seconds,
        item=benefit_type(request, model),
        membership=membership,
        rates=rates,
    )


def _own_item(model: VideoModel, resolution: str) -> str:
    own = model.benefit_types
    # Where the model has no choice, the one row is meant, whatever it is called.
    return own.get(resolution) or own.get("default") or next(iter(own.values()), "")


def _credits_per_second(model: VideoModel, resolution: str) -> float | None:
    """What a second costs: every price that was measured is a whole number of credits for each second [C]."""
    for measured, credits_ in model.credits.items():
        tier, _, length = measured.rpartition("-")
        if tier == resolution:
            return credits_ / float(length.removesuffix("s"))
    return model.credits_per_second if resolution == model.default_resolution else None


def _charged(rates: Iterable[Rate], membership: str, *, units: float, seconds: float) -> int | None:
    """The least that an account of this membership pays; None where it may not have it at all."""
    prices = [
        rate.credits * max(seconds if rate.unit == SECOND else units, rate.least)
        for rate in rates
        if rate.is_for(membership)
    ]
    return _whole(min(prices)) if prices else None


def _whole(credits_: float) -> int:
    return math.ceil(round(credits_, 6))
