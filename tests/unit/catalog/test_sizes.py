import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jimeng_api.catalog.image_models import IMAGE_MODELS, ImageModel
from jimeng_api.catalog.sites import HK, US
from jimeng_api.catalog.sizes import (
    IMAGE_RATIO_CODES,
    SizeChoice,
    image_cell,
    image_size,
    video_seconds,
    video_size,
)
from jimeng_api.catalog.video_models import VIDEO_MODELS, VideoModel
from jimeng_api.domain.errors import InvalidValue

V45 = IMAGE_MODELS["jimeng-4.5"]  # 2k and 4k
V30 = IMAGE_MODELS["jimeng-3.0"]  # 1k and 2k
PRO = IMAGE_MODELS["nanobananapro"]  # 1k, 2k and 4k
NANO = IMAGE_MODELS["nanobanana"]
AESTHETIC = IMAGE_MODELS["jm-aesthetic-v8.2"]
V20 = IMAGE_MODELS["jimeng-2.0"]

FILM = VIDEO_MODELS["jimeng-video-3.0"]  # 720p and 1080p, 5 s and 10 s
VEO = VIDEO_MODELS["jimeng-video-veo3"]  # no choice of resolution
S25 = VIDEO_MODELS["jimeng-video-seedance-2.5"]

every_model = st.sampled_from(list(IMAGE_MODELS.values()))
side = st.integers(1, 8192)


def told(choice: SizeChoice) -> tuple[str, str, int, int]:
    return choice.ratio, choice.resolution, choice.width, choice.height


# ------------------------------------------------------------------ size ----


@pytest.mark.parametrize(
    ("size", "ratio", "tier", "pixels"),
    [
        ("256x256", "1:1", "1k", (1328, 1328)),
        ("512x512", "1:1", "1k", (1328, 1328)),
        ("1024x1024", "1:1", "1k", (1328, 1328)),
        ("1536x1024", "3:2", "1k", (1584, 1056)),
        ("1024x1536", "2:3", "1k", (1056, 1584)),
        ("1280x720", "16:9", "1k", (1664, 936)),
        ("720x1280", "9:16", "1k", (936, 1664)),
        ("1536x864", "16:9", "1k", (1664, 936)),
        ("2048x2048", "1:1", "2k", (2048, 2048)),
        ("2560x1440", "16:9", "2k", (2560, 1440)),
        ("1440x2560", "9:16", "2k", (1440, 2560)),
        ("2304x1728", "4:3", "2k", (2304, 1728)),
        ("3024x1296", "21:9", "2k", (3024, 1296)),
        ("2496x1664", "3:2", "2k", (2496, 1664)),
        ("1080x1350", "3:4", "1k", (1104, 1472)),
        ("1792x1024", "16:9", "2k", (2560, 1440)),
        ("1920x1080", "16:9", "2k", (2560, 1440)),
        ("3840x2160", "16:9", "4k", (5404, 3040)),
        ("5120x2880", "16:9", "4k", (5404, 3040)),
        ("1600x1200", "4:3", "2k", (2304, 1728)),
    ],
)
def test_a_size_gets_its_shape_and_no_fewer_pixels(
    size: str, ratio: str, tier: str, pixels: tuple[int, int]
) -> None:
    choice = image_size(PRO, size=size)
    assert told(choice) == (ratio, tier, *pixels)
    assert choice.ratio_code == IMAGE_RATIO_CODES[ratio]
    assert not choice.adjusted


@pytest.mark.parametrize(("size", "ratio"), [("3072x1024", "21:9"), ("1000x3000", "9:16")])
def test_a_shape_that_no_ratio_is_near_is_served_and_reported(size: str, ratio: str) -> None:
    choice = image_size(PRO, size=size)
    assert (choice.ratio, choice.resolution, choice.adjusted) == (ratio, "2k", True)


def test_a_model_without_1k_answers_a_small_size_with_its_smallest() -> None:
    assert told(image_size(V45, size="1024x1024")) == ("1:1", "2k", 2048, 2048)


def test_a_size_beyond_the_model_gets_the_most_it_has_and_is_reported() -> None:
    choice = image_size(V30, size="4096x4096")
    assert (told(choice), choice.adjusted) == (("1:1", "2k", 2048, 2048), True)


@pytest.mark.parametrize("size", ["1024X1024", "1024×1024", "1024*1024", " 1024 x 1024 "])
def test_the_sign_between_the_sides_may_be_any_of_the_usual(size: str) -> None:
    assert told(image_size(V30, size=size)) == ("1:1", "1k", 1328, 1328)


@pytest.mark.parametrize("size", ["16:9", "16\uff1a9", "16 : 9"])
def test_a_size_may_be_a_ratio(size: str) -> None:
    assert told(image_size(V45, size=size)) == ("16:9", "2k", 2560, 1440)


def test_a_size_may_be_a_tier() -> None:
    assert told(image_size(V45, size="4K")) == ("1:1", "4k", 4096, 4096)
    assert told(image_size(V45, size="1K")) == ("1:1", "2k", 2048, 2048)
    assert not image_size(V45, size="1K").adjusted
    assert image_size(V30, size="4K").resolution == "2k"
    assert image_size(V30, size="4K").adjusted


@pytest.mark.parametrize("size", [None, "", "auto", "AUTO", " "])
def test_without_a_size_a_picture_is_square_in_the_models_own_tier(size: str | None) -> None:
    assert told(image_size(V45, size=size)) == ("1:1", "2k", 2048, 2048)
    assert told(image_size(V30, size=size)) == ("1:1", "1k", 1328, 1328)


def test_without_a_size_an_edit_takes_the_shape_of_its_input() -> None:
    assert image_size(V45, first_input=(4000, 3000)).ratio == "4:3"
    assert image_size(V45, first_input=(100, 9000)) == image_size(V45, ratio="9:16")
    assert image_size(V45, size="1024x1024", first_input=(4000, 3000)).ratio == "1:1"
    assert image_size(V45, first_input=(0, 0)).ratio == "1:1"


@pytest.mark.parametrize(
    "size",
    [
        "big",
        "1024",
        "x",
        "1024x",
        "0x1024",
        "1024x0",
        "-1x5",
        "8k",
        "720p",
        "123456x1",
        "1024x1024x3",
        "5:7",
    ],
)
def test_a_size_that_cannot_be_read_is_refused(size: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        image_size(V45, size=size)
    assert refusal.value.param == "size"
    assert "16:9" in refusal.value.message


def test_a_very_long_size_is_not_repeated_to_the_caller_in_full() -> None:
    with pytest.raises(InvalidValue) as refusal:
        image_size(V45, size="9" * 100_000)
    assert len(refusal.value.message) < 300


@given(model=every_model, width=side, height=side)
def test_nobody_gets_fewer_pixels_than_asked_for_without_being_told(
    model: ImageModel, width: int, height: int
) -> None:
    choice = image_size(model, size=f"{width}x{height}")
    if choice.width * choice.height < 0.98 * width * height:
        assert choice.adjusted
        assert choice.resolution == model.resolutions[-1]


@given(model=every_model, width=side, height=side)
def test_no_smaller_tier_would_have_been_enough(model: ImageModel, width: int, height: int) -> None:
    choice = image_size(model, size=f"{width}x{height}")
    smaller = model.resolutions[: model.resolutions.index(choice.resolution)]
    for tier in smaller:
        assert math.prod(model.pixels[tier][choice.ratio]) < 0.98 * width * height


@given(width=side, height=side)
def test_the_shape_differs_by_at_most_a_tenth_or_is_reported(width: int, height: int) -> None:
    choice = image_size(PRO, size=f"{width}x{height}")
    asked, got = width / height, choice.width / choice.height
    if max(asked / got, got / asked) > 1.11:
        assert choice.adjusted


@given(model=every_model, width=side, height=side)
def test_turning_the_size_turns_the_choice(model: ImageModel, width: int, height: int) -> None:
    if not 0.5 < width / height < 2:
        return  # only lying pictures have a 21:9
    lying = image_size(model, size=f"{width}x{height}")
    standing = image_size(model, size=f"{height}x{width}")
    assert (standing.width, standing.height) == (lying.height, lying.width)
    assert (standing.resolution, standing.adjusted) == (lying.resolution, lying.adjusted)


@pytest.mark.parametrize("model", IMAGE_MODELS.values(), ids=lambda m: m.name)
def test_every_size_of_the_model_is_itself(model: ImageModel) -> None:
    for tier, table in model.pixels.items():
        for ratio, (width, height) in table.items():
            for choice in (
                image_size(model, size=f"{width}x{height}"),
                image_size(model, ratio=ratio, resolution=tier),
            ):
                assert told(choice) == (ratio, tier, width, height)
                assert not choice.adjusted


@given(size=st.text(max_size=20))
def test_any_text_is_either_a_size_or_refused_as_one(size: str) -> None:
    refusal: InvalidValue | None = None
    try:
        image_size(V45, size=size)
    except InvalidValue as error:
        refusal = error
    assert refusal is None or refusal.param == "size"


# -------------------------------------------------- ratio and resolution ----


def test_an_explicit_ratio_and_resolution_win_over_the_size() -> None:
    choice = image_size(V45, size="1024x1024", ratio="16:9", resolution="4K")
    assert told(choice) == ("16:9", "4k", 5404, 3040)
    assert not choice.adjusted


def test_an_explicit_resolution_keeps_the_shape_of_the_size() -> None:
    choice = image_size(V45, size="1280x720", resolution="4k")
    assert told(choice) == ("16:9", "4k", 5404, 3040)


def test_an_explicit_resolution_may_be_smaller_than_the_size() -> None:
    choice = image_size(V45, size="4096x4096", resolution="2k")
    assert (told(choice), choice.adjusted) == (("1:1", "2k", 2048, 2048), False)


def test_an_explicit_ratio_keeps_the_pixels_of_the_size() -> None:
    assert told(image_size(PRO, size="3000x3000", ratio="4:3")) == ("4:3", "4k", 4693, 3520)


def test_a_ratio_may_be_written_with_a_wide_colon() -> None:
    assert image_size(V45, ratio="16\uff1a9").ratio == "16:9"


@pytest.mark.parametrize("nothing", [None, "", "auto"])
def test_an_empty_ratio_or_resolution_is_none(nothing: str | None) -> None:
    assert image_size(V45, ratio=nothing, resolution=nothing) == image_size(V45)


def test_a_resolution_the_model_lacks_is_refused_with_those_it_has() -> None:
    with pytest.raises(InvalidValue, match=r"2k, 4k for jimeng-4\.5, not '1k'") as refusal:
        image_size(V45, resolution="1k")
    assert refusal.value.param == "resolution"


def test_a_ratio_the_model_lacks_is_refused_with_those_it_has() -> None:
    with pytest.raises(InvalidValue, match="1:1, 3:4, 16:9") as refusal:
        image_size(AESTHETIC, ratio="21:9")
    assert refusal.value.param == "ratio"


def test_a_size_near_a_ratio_the_model_lacks_gets_another() -> None:
    assert image_size(AESTHETIC, size="3024x1296").ratio == "16:9"
    assert image_size(AESTHETIC, size="3024x1296").adjusted


# --------------------------------------------------------------- quality ----


@pytest.mark.parametrize(
    ("quality", "tier"),
    [
        ("low", "1k"),
        ("medium", "2k"),
        ("standard", "2k"),
        ("auto", "2k"),
        ("high", "2k"),
        ("HD", "2k"),
        ("xhigh", "4k"),
        ("max", "4k"),
        ("ultra-deluxe", "2k"),
        ("", "2k"),
        (None, "2k"),
    ],
)
def test_quality_moves_the_tier_where_nothing_else_does(quality: str | None, tier: str) -> None:
    assert image_size(PRO, quality=quality).resolution == tier
    assert image_size(PRO, size="auto", quality=quality).resolution == tier
    assert image_size(PRO, size="16:9", quality=quality).resolution == tier
    assert image_size(PRO, ratio="16:9", quality=quality).resolution == tier


def test_quality_never_moves_an_explicit_size_or_resolution() -> None:
    assert image_size(PRO, size="1024x1024", quality="max").resolution == "1k"
    assert image_size(PRO, resolution="1k", quality="max").resolution == "1k"
    assert image_size(PRO, size="1k", quality="max").resolution == "1k"


def test_a_quality_the_model_has_no_tier_for_takes_the_next_or_the_most() -> None:
    assert image_size(V45, quality="low").resolution == "2k"
    assert image_size(V30, quality="max").resolution == "2k"
    assert image_size(V20, quality="hd").resolution == "1k"
    assert not image_size(V20, quality="max").adjusted


# ----------------------------------------------------------- site rules ----


def test_nanobanana_draws_one_square_on_us_and_any_shape_in_asia() -> None:
    square = image_size(NANO, site=US, size="1024x1024")
    assert told(square) == ("1:1", "2k", 1024, 1024)  # sent as 2k, as the site wants it
    assert not square.adjusted
    assert image_size(NANO, site=US, size="1792x1024").adjusted
    assert told(image_size(NANO, site=HK, size="1792x1024")) == ("16:9", "1k", 1664, 936)


def test_a_ratio_that_the_site_cannot_draw_is_refused() -> None:
    with pytest.raises(InvalidValue, match="1:1 for nanobanana on us") as refusal:
        image_size(NANO, site=US, ratio="16:9")
    assert refusal.value.param == "ratio"


def test_a_cell_chosen_before_the_site_was_known_is_placed_on_it() -> None:
    assert image_cell(V45, US, ratio="16:9", resolution="4k") == image_size(
        V45, ratio="16:9", resolution="4k"
    )
    placed = image_cell(NANO, US, ratio="16:9", resolution="1k")
    assert (told(placed), placed.adjusted) == (("1:1", "2k", 1024, 1024), True)
    assert not image_cell(NANO, US, ratio="1:1", resolution="1k").adjusted


# ---------------------------------------------------------------- films ----


@pytest.mark.parametrize(
    ("size", "ratio", "tier"),
    [
        ("1280x720", "16:9", "720p"),
        ("720x1280", "9:16", "720p"),
        ("1792x1024", "16:9", "1080p"),
        ("1024x1792", "9:16", "1080p"),
        ("1920x1080", "16:9", "1080p"),
        ("9:16", "9:16", "720p"),
        ("1080P", "16:9", "1080p"),
        ("480p", "16:9", "720p"),
        (None, "16:9", "720p"),
        ("auto", "16:9", "720p"),
    ],
)
def test_the_short_side_of_a_size_decides_the_resolution_of_a_film(
    size: str | None, ratio: str, tier: str
) -> None:
    choice = video_size(FILM, size=size)
    assert (choice.ratio, choice.resolution, choice.adjusted) == (ratio, tier, False)


def test_a_film_larger_than_the_model_makes_is_reported() -> None:
    choice = video_size(FILM, size="3840x2160")
    assert (choice.resolution, choice.width, choice.height) == ("1080p", 1920, 1080)
    assert choice.adjusted
    assert video_size(FILM, size="4k").adjusted


def test_a_model_without_a_choice_of_resolution_is_asked_for_none() -> None:
    assert video_size(VEO, resolution="720p").resolution is None
    assert video_size(VEO).resolution is None
    assert (video_size(VEO).width, video_size(VEO).height) == (1280, 720)
    with pytest.raises(InvalidValue, match="720p"):
        video_size(VEO, resolution="1080p")


def test_a_ratio_or_resolution_that_the_film_model_lacks_is_refused() -> None:
    with pytest.raises(InvalidValue) as refusal:
        video_size(FILM, ratio="2:3")
    assert refusal.value.param == "ratio"
    with pytest.raises(InvalidValue) as refusal:
        video_size(FILM, resolution="4k")
    assert refusal.value.param == "resolution"


def test_a_film_takes_the_shape_of_its_first_picture_where_none_is_asked_for() -> None:
    assert video_size(FILM, first_input=(1000, 1010)).ratio == "1:1"
    assert video_size(FILM, ratio="9:16", first_input=(1000, 1010)).ratio == "9:16"


@pytest.mark.parametrize("model", VIDEO_MODELS.values(), ids=lambda m: m.name)
def test_every_size_of_a_film_model_is_itself(model: VideoModel) -> None:
    for tier in model.resolutions:
        for ratio in model.ratios:
            asked = video_size(model, ratio=ratio, resolution=tier)
            again = video_size(model, size=f"{asked.width}x{asked.height}")
            assert (again.ratio, again.resolution, again.adjusted) == (ratio, tier, False)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (4, 5),
        ("4", 5),
        (5, 5),
        (7, 5),
        (7.5, 10),
        ("8", 10),
        (12, 10),
        (1e9, 10),
        (None, 5),
        ("", 5),
    ],
)
def test_a_film_has_the_nearest_length_and_the_longer_of_two(
    asked: str | float | None, given: int
) -> None:
    assert video_seconds(FILM, asked) == given


@pytest.mark.parametrize("asked", [0, -1, "0", "five", "nan", "inf", math.nan, math.inf])
def test_a_length_that_is_no_positive_number_is_refused(asked: str | float) -> None:
    with pytest.raises(InvalidValue) as refusal:
        video_seconds(FILM, asked, param="duration")
    assert refusal.value.param == "duration"


def test_long_films_have_lengths_of_their_own() -> None:
    assert video_seconds(S25, 120) == 30
    assert video_seconds(S25, 120, long=True) == 120
    assert video_seconds(FILM, 120, long=True) == 10
