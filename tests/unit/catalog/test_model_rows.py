import pytest

from jimeng_api.catalog.avatars import AVATAR_MODELS
from jimeng_api.catalog.image_models import IMAGE_MODELS, ImageModel
from jimeng_api.catalog.pixels import (
    IMAGE_1_5K,
    IMAGE_1K,
    IMAGE_2K,
    IMAGE_4K,
    IMAGE_RATIO_CODES,
    IMAGE_TIERS,
    VIDEO_TIERS,
    shape_of,
    video_pixels,
)
from jimeng_api.catalog.sites import SITES
from jimeng_api.catalog.video_models import VIDEO_MODELS, VideoModel

IMAGE_NAMES = [
    "jimeng-4.5",
    "jimeng-5.0-pro",
    "jimeng-5.0-flash",
    "jimeng-5.0",
    "jimeng-4.7",
    "jimeng-4.6",
    "jimeng-4.1",
    "jimeng-4.0",
    "jimeng-3.1",
    "jimeng-3.0",
    "jimeng-2.1",
    "jimeng-2.0-pro",
    "jimeng-2.0",
    "jimeng-1.4",
    "jimeng-xl-pro",
    "jm-aesthetic-v8.2",
    "nanobanana",
    "nanobananapro",
    "dreamina-gpt-image-2",
    "dreamina-gpt-image-2.5-flare",
    "dreamina-gpt-image-2.5-sunburst",
]

VIDEO_NAMES = [
    "jimeng-video-3.5-pro",
    "jimeng-video-seedance-2.5",
    "jimeng-video-seedance-2.5-draft",
    "jimeng-video-seedance-2.0",
    "jimeng-video-seedance-2.0-fast",
    "jimeng-video-seedance-2.0-mini",
    "jimeng-video-seedance-2.0-fast-vip",
    "jimeng-video-seedance-2.0-vip",
    "seedance-2.0-lite",
    "jimeng-video-3.5",
    "jimeng-video-3.0",
    "jimeng-video-3.0-pro",
    "jimeng-video-3.0-fast",
    "jimeng-video-2.0",
    "jimeng-video-2.0-pro",
    "jimeng-video-veo3",
    "jimeng-video-veo3.1",
    "jimeng-video-sora2",
    "minimax-h3",
    "happyhorse-1.1",
    "wan-3.0",
]

images = pytest.mark.parametrize("model", IMAGE_MODELS.values(), ids=lambda m: m.name)
videos = pytest.mark.parametrize("model", VIDEO_MODELS.values(), ids=lambda m: m.name)


def test_every_known_image_model_has_a_row() -> None:
    assert list(IMAGE_MODELS) == IMAGE_NAMES


def test_every_known_video_model_has_a_row() -> None:
    assert list(VIDEO_MODELS) == VIDEO_NAMES


def test_every_known_avatar_model_has_a_row() -> None:
    assert list(AVATAR_MODELS) == [
        *("lip-sync-base", "lip-sync-quick", "lip-sync-master"),
        *("motion-copy-master", "motion-copy-vivid", "motion-copy-quick"),
    ]


@pytest.mark.parametrize("rows", [IMAGE_MODELS, VIDEO_MODELS], ids=["image", "video"])
def test_no_two_models_of_a_kind_share_a_name(rows: dict[str, ImageModel | VideoModel]) -> None:
    names = [name for model in rows.values() for name in (model.name, *model.aliases)]
    assert len(names) == len(set(names))
    assert all(name == name.strip().lower() for name in names)


@images
def test_an_image_row_makes_sense(model: ImageModel) -> None:
    assert set(model.upstream) <= set(SITES)
    assert all(model.upstream.values())
    assert bool(model.upstream) != (model.status == "announced")
    assert model.default_resolution in model.resolutions
    assert sorted(model.resolutions, key=IMAGE_TIERS.index) == list(model.resolutions)
    assert all(tuple(table) == model.ratios for table in model.pixels.values())
    assert set(model.ratios) <= set(IMAGE_RATIO_CODES)
    assert set(model.credits) <= set(model.resolutions)
    assert set(model.site_rules) <= set(model.upstream)
    assert model.count_options is None or model.count_default in model.count_options


@videos
def test_a_video_row_makes_sense(model: VideoModel) -> None:
    assert model.upstream
    assert set(model.upstream) <= set(SITES)
    assert not model.resolutions or model.default_resolution in model.resolutions
    assert sorted(model.resolutions, key=list(VIDEO_TIERS).index) == list(model.resolutions)
    assert model.default_duration in model.durations
    assert list(model.durations) == sorted(set(model.durations))
    assert model.default_ratio in model.ratios
    assert "t2v" in model.input_modes
    assert ("long_video" in model.input_modes) == bool(model.long_durations)


@pytest.mark.parametrize("table", [IMAGE_1K, IMAGE_1_5K, IMAGE_2K, IMAGE_4K])
def test_each_cell_of_a_table_has_the_shape_of_its_ratio(table: dict[str, tuple[int, int]]) -> None:
    assert list(table) == list(IMAGE_RATIO_CODES)
    for ratio, (width, height) in table.items():
        assert width / height == pytest.approx(shape_of(ratio), rel=0.005)


def test_the_tables_are_in_order_of_their_pixels() -> None:
    for ratio in IMAGE_RATIO_CODES:
        areas = [w * h for w, h in (t[ratio] for t in (IMAGE_1K, IMAGE_1_5K, IMAGE_2K, IMAGE_4K))]
        assert areas == sorted(set(areas))


@pytest.mark.parametrize(
    ("tier", "ratio", "pixels"),
    [
        ("480p", "16:9", (854, 480)),
        ("480p", "3:4", (480, 640)),
        ("720p", "16:9", (1280, 720)),
        ("720p", "1:1", (720, 720)),
        ("720p", "4:3", (960, 720)),
        ("1080p", "9:16", (1080, 1920)),
    ],
)
def test_a_film_has_its_tier_as_short_side(tier: str, ratio: str, pixels: tuple[int, int]) -> None:
    assert video_pixels(tier, ratio) == pixels
