"""The shipped rows, and over them what the sites tell."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.catalog.test_prices import film, picture

from jimeng_api.catalog.catalogue import SHIPPED, Catalogue
from jimeng_api.catalog.image_models import IMAGE_MODELS, ImageModel
from jimeng_api.catalog.live import LiveImageModel, LiveSite, LiveVideoModel
from jimeng_api.catalog.lookup import MODELS
from jimeng_api.catalog.pixels import IMAGE_2K, IMAGE_4K
from jimeng_api.catalog.prices import Rate
from jimeng_api.catalog.sites import CN, HK
from jimeng_api.catalog.video_models import VIDEO_MODELS, VideoModel
from jimeng_api.domain.errors import ModelNotFound
from jimeng_api.domain.requests import VideoRequest

FOUR_FIVE = LiveImageModel(
    key="high_aes_general_v40l",
    title="4.5",
    pixels={"2k": IMAGE_2K, "4k": IMAGE_4K},
    default_resolution="2k",
    count_options=(1, 2, 3, 4, 5, 6, 7, 8),
    count_default=4,
    max_input_images=10,
    benefit_types={"2k": "image_basic_v4_pro_2k", "4k": "image_basic_v4_pro_4k"},
)
SIX = LiveImageModel(
    key="High_aes_v60",
    title="Image 6",
    pixels={"2k": {"1:1": (2000, 2000), "16:9": (2500, 1400)}, "8k": {"1:1": (8000, 8000)}},
    count_options=(1, 2),
    benefit_types={"2k": "image_6"},
)
MINI = LiveVideoModel(
    key="dreamina_seedance_40_mini",
    input_modes=("t2v", "first_frame", "first_last", "omni"),
    resolutions=("1080p", "720p", "999p"),
    default_resolution="720p",
    ratios=("16:9", "9:16"),
    durations=(6, 12),
    default_duration=6,
    benefit_types={"720p": "other_item"},
)
FIVE = LiveVideoModel(
    key="dreamina_seedance_50",
    title="Seedance 5",
    input_modes=("t2v", "omni"),
    resolutions=("720p",),
    durations=(4, 8),
    benefit_types={"720p": "seedance_50"},
)


def told(site: str, *models: LiveImageModel | LiveVideoModel, **more: object) -> Catalogue:
    live = LiveSite(
        images=tuple(one for one in models if isinstance(one, LiveImageModel)),
        videos=tuple(one for one in models if isinstance(one, LiveVideoModel)),
        **more,  # type: ignore[arg-type]
    )
    return SHIPPED.with_site(site, live)


def image(catalogue: Catalogue, name: str, *sites: str) -> ImageModel:
    row = catalogue.row(name, sites)
    assert isinstance(row, ImageModel)
    return row


def video(catalogue: Catalogue, name: str, *sites: str) -> VideoModel:
    row = catalogue.row(name, sites)
    assert isinstance(row, VideoModel)
    return row


def test_as_long_as_nothing_was_told_the_shipped_rows_are_all() -> None:
    assert dict(SHIPPED.rows()) == dict(MODELS)
    assert SHIPPED.row("jimeng-4.5", ("cn", "hk")) is IMAGE_MODELS["jimeng-4.5"]
    assert SHIPPED.drift("cn") == ()


def test_a_site_that_tells_what_was_shipped_drifts_only_in_what_it_leaves_out() -> None:
    known = told("cn", FOUR_FIVE)
    lines = known.drift("cn")
    assert not any(line.startswith("jimeng-4.5") for line in lines)
    assert "jimeng-5.0: not listed" in lines
    assert not any("nanobanana" in line for line in lines)  # it was never there
    assert image(known, "jimeng-5.0", "cn") is IMAGE_MODELS["jimeng-5.0"]


def test_a_sites_own_sizes_numbers_and_items_win_on_that_site_alone() -> None:
    other = replace(
        FOUR_FIVE, pixels={"2k": {"1:1": (2000, 2000)}}, count_options=(1, 4), max_input_images=6,
        benefit_types={"2k": "dearer"},
    )  # fmt: skip
    known = told("cn", other)
    row = image(known, "jimeng-4.5", "cn")
    assert (row.resolutions, row.ratios, row.pixels["2k"]["1:1"]) == (
        ("2k",),
        ("1:1",),
        (2000, 2000),
    )
    assert (row.count_options, row.max_input_images) == ((1, 4), 6)
    assert row.benefit_types["2k"] == "dearer"
    assert row.makes_series  # of which the site says nothing
    assert image(known, "jimeng-4.5", "hk") is IMAGE_MODELS["jimeng-4.5"]
    (line,) = [one for one in known.drift("cn") if one.startswith("jimeng-4.5")]
    assert "resolutions 2k 4k is 2k" in line
    assert "benefit 2k image_basic_v4_pro_2k is dearer" in line


def test_who_has_several_sites_gets_what_all_of_them_take() -> None:
    known = told("cn", replace(FOUR_FIVE, count_options=(1, 2, 4), max_input_images=6))
    row = image(known, "jimeng-4.5", "cn", "hk")
    assert (row.count_options, row.max_input_images) == ((1, 2, 4), 6)
    films = told("cn", MINI).with_site("hk", LiveSite(videos=(replace(MINI, durations=(4, 6)),)))
    assert video(films, "jimeng-video-seedance-2.0-mini", "cn", "hk").durations == (6,)


def test_a_site_that_lists_a_known_model_anew_has_it_from_then_on() -> None:
    known = told("hk", replace(FIVE, key="dreamina_seedance_45_pro", durations=(5,)))
    row = video(known, "jimeng-video-seedance-2.5", "hk")
    assert row.upstream["hk"] == "dreamina_seedance_45_pro"
    assert set(video(known, "jimeng-video-seedance-2.5").upstream) == {"cn", "hk"}
    assert any("new on this site" in line for line in known.drift("hk"))
    announced = told("sg", replace(SIX, key="gpt_image_2"))
    placed = image(announced, "dreamina-gpt-image-2", "sg")
    assert (placed.status, placed.upstream) == ("current", {"sg": "gpt_image_2"})


def test_where_a_site_lists_two_keys_of_one_model_the_shipped_one_stays() -> None:
    known = told(
        "hk", *(replace(SIX, key=key) for key in ("gemini_3_image_pro", "dreamina_image_lib_1"))
    )
    assert image(known, "nanobananapro", "hk").upstream["hk"] == "dreamina_image_lib_1"


def test_a_new_image_model_can_be_asked_for_by_its_key() -> None:
    known = told("cn", SIX)
    row = known.image(" HIGH_AES_V60", sites=("cn",))
    assert (row.name, row.title, row.upstream) == (
        "high_aes_v60",
        "Image 6",
        {"cn": "High_aes_v60"},
    )
    assert (row.resolutions, row.ratios) == (("2k",), ("1:1", "16:9"))
    assert (row.count_options, row.count_default) == ((1, 2), 2)
    lines = known.drift("cn")
    assert "High_aes_v60: new model" in lines
    with pytest.raises(ModelNotFound):
        SHIPPED.image("high_aes_v60")


def test_a_new_film_model_can_be_asked_for_where_it_is_told_what_pays_for_it() -> None:
    known = told("cn", FIVE, replace(FIVE, key="silent", benefit_types={}))
    row = known.video("dreamina_seedance_50", sites=("cn",))
    assert (row.durations, row.resolutions, row.input_modes) == ((4, 8), ("720p",), ("t2v", "omni"))
    assert row.sends_resolution
    assert known.row("silent") is None
    assert "silent: new model of which too little is told" in known.drift("cn")


def test_a_new_model_that_two_sites_list_is_one_model() -> None:
    known = told("cn", SIX).with_site("hk", LiveSite(images=(SIX,)))
    assert set(image(known, "high_aes_v60").upstream) == {"cn", "hk"}


def test_a_films_lengths_and_items_win_and_what_is_unknown_is_left_out() -> None:
    known = told("cn", MINI)
    row = video(known, "jimeng-video-seedance-2.0-mini", "cn")
    assert (row.durations, row.default_duration) == ((6, 12), 6)
    assert row.resolutions == ("720p", "1080p")
    assert row.ratios == ("16:9", "9:16")
    assert row.benefit_types["720p"] == "other_item"
    (line,) = [one for one in known.drift("cn") if "2.0-mini" in one]
    assert "unknown resolution 999p" in line


def test_what_pays_besides_is_kept_only_while_the_usual_item_is_as_shipped() -> None:
    usual = VIDEO_MODELS["jimeng-video-seedance-2.0"].benefit_types
    same = replace(MINI, key="dreamina_seedance_40_pro", benefit_types=usual)
    row = video(told("cn", same), "jimeng-video-seedance-2.0", "cn")
    assert row.benefit_type_with_video == "dreamina_video_seedance_20_video_add"
    other = replace(same, benefit_types={"720p": "seedance_20_pro_720p_output"})
    row = video(told("cn", other), "jimeng-video-seedance-2.0", "cn")
    assert row.benefit_type_with_video is None


def test_a_part_that_was_not_told_stays_as_it_was() -> None:
    known = told("cn", SIX, rates={"image_6": (Rate(credits=9),)})
    known = known.with_site("cn", LiveSite(videos=(FIVE,)))
    assert known.row("high_aes_v60") is not None
    assert known.row("dreamina_seedance_50") is not None
    assert known.rates("cn") == {"image_6": (Rate(credits=9),)}


def test_a_price_comes_from_the_list_or_from_the_model_or_is_not_known() -> None:
    rates = {"image_basic_v4_pro_2k": (Rate(credits=15, unit="page"),)}
    known = told("hk", FOUR_FIVE, replace(FIVE, credits_per_second={"720p": 3}), rates=rates)
    assert known.price_of(picture(), HK, count=2) == 30
    assert known.price_of(picture(), CN, count=2) == 8
    assert known.price_of(film("dreamina_seedance_50", 8), HK) == 24
    assert known.price_of(film("dreamina_seedance_50", 8), CN) is None
    assert known.price_of(film("gone", 8), HK) is None
    assert isinstance(film(), VideoRequest)


def test_an_unusable_model_is_told_and_left_alone() -> None:
    known = told("cn", replace(FOUR_FIVE, usable=False), replace(SIX, usable=False))
    assert known.row("high_aes_v60") is None
    assert "jimeng-4.5: not usable" in known.drift("cn")


TIERS = st.sampled_from(["1k", "1.5k", "2k", "4k", "8k"])
SHAPES = st.sampled_from([*IMAGE_2K, "5:1"])
CELLS = st.tuples(st.integers(1, 9000), st.integers(1, 9000))
SECONDS = st.lists(st.integers(1, 60), max_size=4, unique=True).map(
    lambda some: tuple(sorted(some))
)
IMAGES = st.builds(
    LiveImageModel,
    key=st.sampled_from(
        ["high_aes_general_v40l", "dreamina_image_lib_1", "gpt_image_2", "New_key"]
    ),
    usable=st.booleans(),
    pixels=st.dictionaries(TIERS, st.dictionaries(SHAPES, CELLS), max_size=4),
    default_resolution=TIERS,
    count_options=st.lists(st.integers(1, 9), max_size=3, unique=True).map(
        lambda some: tuple(sorted(some))
    ),
    count_default=st.none() | st.integers(1, 9),
    max_input_images=st.none() | st.integers(0, 30),
)
VIDEOS = st.builds(
    LiveVideoModel,
    key=st.sampled_from(
        ["dreamina_seedance_40_mini", "dreamina_veo3_generate_video", "dreamina_seedance_45_pro", "New_film"]
    ),
    usable=st.booleans(),
    input_modes=st.just(("t2v", "omni")),
    resolutions=st.lists(st.sampled_from(["480p", "720p", "1080p", "9p"]), unique=True).map(tuple),
    default_resolution=st.sampled_from(["", "720p", "9p"]),
    ratios=st.lists(st.sampled_from(["16:9", "1:1", "9:16", "5:1"]), unique=True).map(tuple),
    durations=SECONDS,
    default_duration=st.none() | st.integers(1, 60),
    benefit_types=st.dictionaries(st.sampled_from(["480p", "720p"]), st.just("item")),
)  # fmt: skip
SITES_TOLD = st.builds(
    LiveSite,
    images=st.none() | st.lists(IMAGES, max_size=3).map(tuple),
    videos=st.none() | st.lists(VIDEOS, max_size=3).map(tuple),
)


@given(st.dictionaries(st.sampled_from(["cn", "us", "hk"]), SITES_TOLD))
def test_whatever_sites_tell_every_row_stays_one_that_can_be_asked_for(
    sites: dict[str, LiveSite],
) -> None:
    known = SHIPPED
    for site, live in sites.items():
        known = known.with_site(site, live)
        known.drift(site)
    assert {*SHIPPED.images} <= {*known.images}
    assert {*SHIPPED.videos} <= {*known.videos}
    for name, _ in known.rows():
        for asked in ((), ("cn",), ("hk",), ("cn", "hk", "us")):
            row = known.row(name, asked)
            assert row is not None
            assert row.name == name
            if isinstance(row, ImageModel):
                assert row.default_resolution in row.pixels
                assert all(tuple(table) == row.ratios for table in row.pixels.values())
                assert not row.count_options or row.count_default in row.count_options
            else:
                assert not row.resolutions or row.default_resolution in row.resolutions
                assert row.default_duration in row.durations
                assert row.default_ratio in row.ratios
