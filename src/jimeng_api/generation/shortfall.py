"""What is said of a request that no account can pay. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from jimeng_api.catalog.affordable import shortage
from jimeng_api.catalog.lookup import MODELS, image_models, video_models
from jimeng_api.catalog.sites import SITES
from jimeng_api.domain.errors import OutOfCredits
from jimeng_api.domain.requests import GenerationRequest, VideoRequest
from jimeng_api.domain.shortage import Shortage
from jimeng_api.generation.pricing import Price


def shortfall(
    request: GenerationRequest,
    means: Iterable[tuple[str, float]],
    *,
    price: Price,
    tasks: Callable[[GenerationRequest], Sequence[int | None]],
) -> OutOfCredits:
    """The refusal, with what is missing on the site where that is least.

    `means` are the sites of the accounts and their free credits; `tasks` tells how many pictures each task of
    a request is asked for.
    """
    purses: defaultdict[str, list[float]] = defaultdict(list)
    for site, free in means:
        purses[site].append(free)
    found = []
    for site, have in purses.items():

        def prices(other: GenerationRequest, site: str = site) -> list[int | None]:
            return [price(other, site, count) for count in tasks(other)]

        rows = video_models if isinstance(request, VideoRequest) else image_models
        one = shortage(
            request,
            purses=have,
            prices=prices,
            model=MODELS.get(request.model),
            others=rows(SITES[site]),
        )
        found += [one] if one is not None and one.missing > 0 else []
    nearest = min(found, key=lambda one: one.missing, default=None)
    if nearest is None:
        return OutOfCredits("The account's credits are not enough for this. Nothing was sent.")
    error = OutOfCredits(_words(nearest))
    error.shortage = nearest
    return error


def _words(short: Shortage) -> str:
    said = (
        f"This costs {short.needed} credits, and {short.available} are free for it: {short.missing} too "
        "few. Nothing was sent."
    )
    if not short.choices:
        return said
    ways = ", or ".join(f"{one.param}={one.value} ({one.credits})" for one in short.choices)
    return f"{said} With what there is, the same could be had with {ways}."
