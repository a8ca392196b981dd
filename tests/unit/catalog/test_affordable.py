"""What is missing for a request, and the nearest that can be had in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from jimeng_api.catalog.affordable import shortage
from jimeng_api.catalog.counts import batches
from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.catalog.lookup import MODELS, Model, image_models, video_models
from jimeng_api.catalog.prices import price_of
from jimeng_api.catalog.sites import CN, SITES
from jimeng_api.domain.requests import GenerationRequest, ImageRequest, VideoRequest
from jimeng_api.domain.shortage import Choice, Shortage

PICTURES = ImageRequest(
    model="jimeng-4.5", prompt="a cat", ratio="1:1", resolution="2k", width=2048, height=2048,
    seed=1, count=10,
)  # fmt: skip
FILM = VideoRequest(
    model="jimeng-video-seedance-2.5", prompt="a sea", mode="t2v", ratio="16:9", resolution="720p",
    seconds=10, seed=1,
)  # fmt: skip


def prices(request: GenerationRequest, site: str = "cn") -> Sequence[int | None]:
    tasks: Sequence[int | None] = (None,)
    if isinstance(request, ImageRequest):
        tasks = batches(IMAGE_MODELS[request.model], request.count)
    row = MODELS[request.model]
    return [price_of(request, row, site=SITES[site], count=count) for count in tasks]


def short(request: GenerationRequest, *purses: float) -> Shortage | None:
    others: Sequence[Model] = image_models(CN)
    if isinstance(request, VideoRequest):
        others = video_models(CN)
    return shortage(
        request, purses=purses, prices=prices, model=MODELS[request.model], others=others
    )


def test_of_each_kind_of_change_the_dearest_that_can_be_paid_is_told() -> None:
    found = short(PICTURES, 30)
    assert found is not None
    assert (found.needed, found.available, found.missing) == (40, 30, 10)
    assert found.choices == (
        Choice(param="model", value="jimeng-5.0-flash", credits=30),
        Choice(param="n", value=7, credits=28),
    )


def test_each_task_is_paid_from_one_purse() -> None:
    found = short(PICTURES, 20, 20)  # eight pictures in a task cost 32
    assert found is not None
    assert (found.needed, found.available) == (40, 20)
    assert Choice(param="n", value=5, credits=20) in found.choices


def test_a_film_can_be_shorter() -> None:
    full = prices(FILM)[0]
    assert full is not None
    found = short(FILM, full - 1)
    assert found is not None
    shorter = next(one for one in found.choices if one.param == "seconds")
    again = prices(replace(FILM, seconds=float(shorter.value)))
    assert [shorter.credits] == again
    assert shorter.credits < full


def test_with_nothing_there_is_no_choice_that_costs_anything() -> None:
    found = short(PICTURES, 0)
    assert found is not None
    assert (found.needed, found.available) == (40, 0)
    assert all(one.credits == 0 for one in found.choices)


def test_nothing_is_said_of_what_nobody_knows_the_price_of() -> None:
    unknown = shortage(
        PICTURES,
        purses=[5],
        prices=lambda request: prices(request, "us"),
        model=MODELS["jimeng-4.5"],
        others=(),
    )
    assert unknown is None


@given(st.integers(1, 40), st.lists(st.integers(0, 200), min_size=1, max_size=3))
def test_what_is_offered_is_cheaper_and_can_be_paid(count: int, purses: list[int]) -> None:
    found = short(replace(PICTURES, count=count), *purses)
    assert found is not None
    assert 0 <= found.available <= found.needed
    assert len(found.choices) <= 3
    for one in found.choices:
        assert one.credits < found.needed
        assert one.credits <= sum(purses)
    assert [one.credits for one in found.choices] == sorted(
        (one.credits for one in found.choices), reverse=True
    )


def test_of_a_model_that_only_its_site_knows_it_is_said_what_is_missing() -> None:
    found = shortage(
        replace(PICTURES, model="of_tomorrow"),
        purses=(3,),
        prices=lambda _: [5],
        model=None,
        others=image_models(CN),
    )
    assert found == Shortage(needed=5, available=3, choices=())
