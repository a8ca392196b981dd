"""What can be had for the credits that there are, in place of what cannot be paid. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from jimeng_api.catalog.image_models import ImageModel
from jimeng_api.catalog.lookup import Model
from jimeng_api.catalog.video_models import VideoModel
from jimeng_api.domain.inputs import Material
from jimeng_api.domain.requests import GenerationRequest, ImageRequest, VideoRequest
from jimeng_api.domain.shortage import Choice, Shortage

Prices = Callable[[GenerationRequest], Sequence[int | None]]
"""Gives what each task of a request costs, None for one whose price nobody knows."""

_MOST = 3


def shortage(
    request: GenerationRequest,
    *,
    purses: Iterable[float],
    prices: Prices,
    model: Model | None,
    others: Iterable[Model],
) -> Shortage | None:
    """What is missing where the accounts of a site have so much each; None where its price is not known.

    `model` is the row of the request's model, None of one that only its site knows: then nothing else is
    offered. `others` are those of the site that might do in its place.
    """
    asked, have = _known(prices(request)), tuple(purses)
    if asked is None:
        return None
    found: list[Choice] = []
    for ways in _changes(request, model, others):
        # Of one kind of change only the nearest is worth telling: the dearest that can be paid.
        can: list[Choice] = []
        for param, value, other in ways:
            costs = _known(prices(other))
            if costs is not None and sum(costs) < sum(asked) and _covered(costs, have)[0]:
                can.append(Choice(param=param, value=value, credits=sum(costs)))
        if can:
            found.append(max(can, key=lambda one: one.credits))
    found.sort(key=lambda one: -one.credits)
    return Shortage(
        needed=sum(asked), available=int(_covered(asked, have)[1]), choices=tuple(found[:_MOST])
    )


def _covered(costs: Iterable[int], purses: Iterable[float]) -> tuple[bool, float]:
    """Whether tasks of these costs can be paid, each from one purse; and what there is for them."""
    left, paid = sorted(purses, reverse=True), 0
    for cost in sorted(costs, reverse=True):
        fullest = max(range(len(left)), key=left.__getitem__, default=None)
        if fullest is None or left[fullest] < cost:
            return False, paid + (0 if fullest is None else left[fullest])
        left[fullest] -= cost
        paid += cost
    return True, paid


def _known(costs: Sequence[int | None]) -> list[int] | None:
    known = [cost for cost in costs if cost is not None]
    return known if len(known) == len(costs) else None


_Change = tuple[str, str | int, GenerationRequest]


def _changes(
    request: GenerationRequest, model: Model | None, others: Iterable[Model]
) -> Iterator[Iterator[_Change]]:
    match request, model:
        case ImageRequest(finishing=None), ImageModel():
            if request.series is None:
                most = request.count or model.count_default
                yield (("n", n, replace(request, count=n)) for n in range(most - 1, 0, -1))
            tiers = [tier for tier in model.resolutions if request.ratio in model.pixels[tier]]
        case VideoRequest(origin=None), VideoModel() if request.mode not in _OF_A_FILM:
            yield (
                ("seconds", length, replace(request, seconds=float(length)))
                for length in model.durations
                if length < request.seconds and request.mode != "multi_frame"
            )
            tiers = list(model.resolutions)
        case _:
            return
    yield (("resolution", tier, replace(request, resolution=tier)) for tier in tiers)
    yield (
        ("model", other.name, replace(request, model=other.name))
        for other in others
        if other is not model and not other.deprecated and _does(other, request)
    )


_OF_A_FILM = ("edit", "interpolate", "upscale")


def _does(model: Model, request: GenerationRequest) -> bool:
    """Whether the model can make the same, just as it was asked for."""
    match request, model:
        case ImageRequest(), ImageModel():
            sizes = model.pixels.get(request.resolution, {})
            return (
                request.ratio in sizes
                and len(request.inputs) <= model.max_input_images
                and (request.series is None or model.makes_series)
                and (model.supports_intelligent_ratio or not request.intelligent_ratio)
            )
        case VideoRequest(), VideoModel():
            most: dict[Material, int | None] = {
                "image": model.max_input_images,
                "video": model.max_input_videos,
                "audio": model.max_input_audios,
            }
            kinds = [one.kind for one in request.inputs]
            return (
                request.mode in model.input_modes
                and request.seconds in model.durations
                and request.resolution in (model.resolutions or (model.default_resolution,))
                and request.ratio in model.ratios
                and not model.members_only
                and all(limit is None or kinds.count(kind) <= limit for kind, limit in most.items())
            )
        case _:
            return False
