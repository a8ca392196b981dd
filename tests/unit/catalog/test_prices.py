"""What a task is going to cost."""

import pytest

from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.catalog.prices import Rate, Rates, benefit_type, image_price, price_of, video_price
from jimeng_api.catalog.sites import CN, HK, SITES
from jimeng_api.catalog.video_models import VIDEO_MODELS
from jimeng_api.domain.inputs import Finishing, Input
from jimeng_api.domain.requests import Frame, ImageRequest, VideoMode, VideoRequest


def picture(model: str = "jimeng-4.5", resolution: str = "2k", **more: object) -> ImageRequest:
    return ImageRequest(
        model=model, prompt="a cat", ratio="1:1", resolution=resolution, width=2048, height=2048,
        seed=1, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def film(
    model: str = "jimeng-video-seedance-2.0-mini",
    seconds: float = 5,
    mode: VideoMode = "t2v",
    resolution: str = "720p",
    **more: object,
) -> VideoRequest:
    return VideoRequest(
        model=model, prompt="a cat", mode=mode, ratio="16:9", resolution=resolution,
        seconds=seconds, seed=1, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def clip(seconds: float) -> Input:
    return Input(
        media_id="x", content_type="video/mp4", width=1280, height=720, size=1, sha256="",
        seconds=seconds, fps=24,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("model", "resolution", "count", "credits_"),
    [
        ("jimeng-4.5", "2k", 1, 4),
        ("jimeng-4.5", "2k", 4, 16),
        ("jimeng-3.0", "1k", 4, 4),
        ("jimeng-5.0", "2k", 2, 6),
        ("jimeng-5.0", "4k", 2, 8),
        ("jimeng-5.0-pro", "2k", 2, 16),
        ("jm-aesthetic-v8.2", "1k", 4, 20),
        ("jm-aesthetic-v8.2", "1k", 1, 7),  # the least that a task costs
    ],
)
def test_pictures_cost_what_has_been_seen(
    model: str, resolution: str, count: int, credits_: int
) -> None:
    row = IMAGE_MODELS[model]
    assert image_price(row, site=CN, resolution=resolution, count=count) == credits_


@pytest.mark.parametrize(
    ("model", "resolution", "seconds", "credits_"),
    [
        ("jimeng-video-seedance-2.0-mini", "720p", 4, 24),
        ("jimeng-video-seedance-2.0-fast-vip", "720p", 5, 30),
        ("jimeng-video-seedance-2.0-vip", "720p", 5, 70),
        ("jimeng-video-seedance-2.5-draft", "480p", 5, 45),
        ("jimeng-video-seedance-2.5", "720p", 5, 100),
        ("jimeng-video-seedance-2.0-mini", "720p", 10, 60),
        ("jimeng-video-seedance-2.0", "720p", 4, 40),
        ("jimeng-video-3.0-fast", "720p", 10, 40),
    ],
)
def test_films_cost_what_has_been_seen_for_each_second(
    model: str, resolution: str, seconds: float, credits_: int
) -> None:
    row = VIDEO_MODELS[model]
    assert video_price(row, site=CN, resolution=resolution, seconds=seconds) == credits_


def test_what_nobody_has_seen_is_not_guessed() -> None:
    assert image_price(IMAGE_MODELS["jimeng-4.5"], site=CN, resolution="4k", count=1) is None
    assert image_price(IMAGE_MODELS["jimeng-2.1"], site=CN, resolution="1k", count=1) is None
    vip = VIDEO_MODELS["jimeng-video-seedance-2.0-vip"]
    assert video_price(vip, site=CN, resolution="4k", seconds=5) is None
    old = VIDEO_MODELS["jimeng-video-3.0"]
    assert video_price(old, site=CN, resolution="1080p", seconds=5) is None


def test_the_shipped_prices_are_those_of_the_chinese_site() -> None:
    for site in SITES.values():
        price = image_price(IMAGE_MODELS["jimeng-4.5"], site=site, resolution="2k", count=1)
        assert price == (4 if site is CN else None)


def test_members_may_pay_less() -> None:
    request, row = picture("jimeng-5.0"), IMAGE_MODELS["jimeng-5.0"]
    assert price_of(request, row, site=CN, count=4) == 12
    assert price_of(request, row, site=CN, count=4, membership="standard") == 0
    dear = picture("jimeng-5.0", "4k")
    assert price_of(dear, row, site=CN, count=4, membership="standard") == 16


def test_a_task_without_a_number_costs_what_the_model_makes_unasked() -> None:
    assert price_of(picture(), IMAGE_MODELS["jimeng-4.5"], site=CN) == 16
    pro = picture("jimeng-5.0-pro")
    assert price_of(pro, IMAGE_MODELS["jimeng-5.0-pro"], site=CN) == 16  # two
    assert price_of(picture(series=6), IMAGE_MODELS["jimeng-4.5"], site=CN) == 24


def test_the_price_of_a_tool_is_not_known() -> None:
    request = picture(finishing=Finishing(tool="hd"))
    assert price_of(request, IMAGE_MODELS["jimeng-4.5"], site=CN) is None
    upscaled = film(mode="upscale", inputs=(clip(5),))
    assert price_of(upscaled, VIDEO_MODELS[upscaled.model], site=CN) is None


@pytest.mark.parametrize(
    ("request_", "credits_"),
    [
        (film(seconds=4), 24),
        (film(seconds=5, mode="omni", inputs=(clip(10.35),)), 93),  # 15.35 seconds, 6 for each
        (
            film(model="jimeng-video-seedance-2.5", mode="edit", edit_from=1, edit_to=5,
                 inputs=(clip(8),)),
            80,
        ),
        (
            film(model="jimeng-video-3.0", mode="multi_frame", seconds=0,
                 frames=(Frame(seconds=2), Frame(seconds=3))),
            30,
        ),
    ],
)  # fmt: skip
def test_films_that_go_in_are_charged_for_too(request_: VideoRequest, credits_: int) -> None:
    assert price_of(request_, VIDEO_MODELS[request_.model], site=CN) == credits_


RATES: Rates = {
    "image_basic_v4_pro_2k": (
        Rate(credits=5, unit="page", roles=("all",)),
        Rate(credits=2, unit="page", roles=("vip",)),
        Rate(credits=1, unit="page", roles=("maestro",)),
    ),
    "image_basic_v4_pro_4k": (Rate(credits=9, roles=("standard",)),),
    "seedance_20_mini_720p_output": (Rate(credits=2.5, unit="second", least=4),),
    "dreamina_video_seedance_20_pro": (Rate(credits=50, unit="count"),),
}


@pytest.mark.parametrize(("membership", "credits_"), [("", 20), ("standard", 8), ("maestro", 4)])
def test_the_sites_own_list_is_believed_on_any_site(membership: str, credits_: int) -> None:
    row = IMAGE_MODELS["jimeng-4.5"]
    for site in (CN, HK):
        price = price_of(picture(), row, site=site, count=4, membership=membership, rates=RATES)
        assert price == credits_


def test_what_the_list_has_for_members_only_has_no_price_for_others() -> None:
    row = IMAGE_MODELS["jimeng-4.5"]
    request = picture(resolution="4k")
    assert price_of(request, row, site=CN, count=1, rates=RATES) is None
    assert price_of(request, row, site=CN, count=1, membership="standard", rates=RATES) == 9


def test_a_list_may_charge_by_the_second_or_by_the_film() -> None:
    mini = VIDEO_MODELS["jimeng-video-seedance-2.0-mini"]
    assert price_of(film(seconds=5), mini, site=HK, rates=RATES) == 13
    assert video_price(mini, site=HK, resolution="720p", seconds=2, rates=RATES) == 10
    whole = film("jimeng-video-seedance-2.0", seconds=9)
    assert price_of(whole, VIDEO_MODELS[whole.model], site=CN, rates=RATES) == 50


def test_where_the_list_lacks_the_item_for_films_that_go_in_the_plain_one_counts() -> None:
    request = film("jimeng-video-seedance-2.0", mode="omni", inputs=(clip(3),))
    row = VIDEO_MODELS[request.model]
    assert benefit_type(request, row) == "dreamina_video_seedance_20_video_add"
    assert price_of(request, row, site=CN, rates=RATES) == 50
