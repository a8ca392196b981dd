"""What a submission is thought to cost on a site, from all that is known of prices."""

from __future__ import annotations

from collections.abc import Callable

from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.catalog.prices import NO_RATES, Rates, price_of
from jimeng_api.catalog.sites import SITES
from jimeng_api.catalog.video_models import VIDEO_MODELS
from jimeng_api.domain.requests import GenerationRequest, VideoRequest

Price = Callable[[GenerationRequest, str, int | None], int | None]
"""Gives the credits of a request on a site, with so many pictures; None where nobody knows."""


def shipped_price(
    request: GenerationRequest, site: str, count: int | None, *, rates: Rates = NO_RATES
) -> int | None:
    """By the catalogue's rows, or by the site's own list of prices where that is known."""
    model = (
        VIDEO_MODELS[request.model]
        if isinstance(request, VideoRequest)
        else IMAGE_MODELS[request.model]
    )
    return price_of(request, model, site=SITES[site], count=count, rates=rates)
