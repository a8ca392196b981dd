import pytest

from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.catalog.lookup import (
    OPENAI_IMAGE_ALIASES,
    OPENAI_VIDEO_ALIASES,
    Model,
    find_image_model,
    find_model,
    find_video_model,
    image_models,
    is_gpt_image_alias,
    is_openai_alias,
    offered,
    sites_of,
    split_size,
    unavailable,
    video_models,
)
from jimeng_api.catalog.sites import CN, HK, SG, US
from jimeng_api.catalog.video_models import VIDEO_MODELS
from jimeng_api.domain.errors import InvalidValue, ModelNotFound

every_model = pytest.mark.parametrize(
    "model", [*IMAGE_MODELS.values(), *VIDEO_MODELS.values()], ids=lambda m: m.name
)


@every_model
def test_a_model_is_found_under_each_of_its_names(model: Model) -> None:
    assert find_model(model.name) is model
    assert find_model(f" {model.name.upper()} ") is model
    find = find_image_model if model.kind == "image" else find_video_model
    for alias in model.aliases:
        assert find(alias) is model


@every_model
def test_no_name_of_ours_is_one_of_openai(model: Model) -> None:
    assert not any(is_openai_alias(name) for name in (model.name, *model.aliases))


def test_a_name_that_both_kinds_have_means_the_one_the_route_can_use() -> None:
    assert find_image_model("3.0").name == "jimeng-3.0"
    assert find_video_model("3.0").name == "jimeng-video-3.0"
    assert find_model("3.0").name == "jimeng-3.0"


@pytest.mark.parametrize(
    "name",
    [
        *OPENAI_IMAGE_ALIASES,
        "GPT-Image-2",
        "gpt-image-2-2026-04-21",
        "gpt-image-2.5-flare",
        "jimeng",
    ],
)
def test_a_name_of_openai_for_pictures_means_the_default(name: str) -> None:
    assert find_model(name).name == "jimeng-4.5"
    assert find_image_model(name, default="jimeng-5.0").name == "jimeng-5.0"
    assert find_model(name, default_image="jimeng-5.0").name == "jimeng-5.0"


@pytest.mark.parametrize("name", [*OPENAI_VIDEO_ALIASES, "sora-2-2025-10-06"])
def test_a_name_of_openai_for_films_means_the_default(name: str) -> None:
    assert find_model(name).name == "jimeng-video-3.5-pro"
    assert find_video_model(name, default="wan-3.0").name == "wan-3.0"
    assert find_model(name, default_video="wan-3.0").name == "wan-3.0"


def test_the_chat_name_means_a_film_where_only_films_are_made() -> None:
    assert find_video_model("jimeng").name == "jimeng-video-3.5-pro"


def test_openai_aliases_are_told_from_names_of_ours() -> None:
    assert all(is_openai_alias(n) for n in (*OPENAI_IMAGE_ALIASES, *OPENAI_VIDEO_ALIASES))
    assert not any(is_openai_alias(n) for n in (*IMAGE_MODELS, *VIDEO_MODELS, "jimeng", "dall-e-9"))
    assert is_gpt_image_alias("gpt-image-1-mini")
    assert is_gpt_image_alias("ChatGPT-Image-Latest")
    assert not is_gpt_image_alias("dall-e-3")
    assert not is_gpt_image_alias("dreamina-gpt-image-2")


def test_an_unknown_name_is_answered_with_names_like_it() -> None:
    with pytest.raises(
        ModelNotFound, match=r"'jimeng-4\.55' does not exist; did you mean .*jimeng-4\.5"
    ) as it:
        find_model("jimeng-4.55")
    assert it.value.param == "model"
    with pytest.raises(ModelNotFound, match="jimeng-video-3"):
        find_video_model("jimeng-video-3")


def test_a_name_like_no_other_is_answered_with_where_to_look() -> None:
    with pytest.raises(ModelNotFound, match="/v1/models"):
        find_image_model("zzzzzzzz")
    with pytest.raises(ModelNotFound) as refusal:
        find_model("x" * 100_000)
    assert len(refusal.value.message) < 300


@pytest.mark.parametrize("name", ["jimeng-video-3.0", "sora-2"])
def test_a_video_model_is_refused_where_pictures_are_made(name: str) -> None:
    with pytest.raises(InvalidValue, match="makes videos") as refusal:
        find_image_model(name)
    assert refusal.value.param == "model"


@pytest.mark.parametrize("name", ["jimeng-4.5", "gpt-image-1", "dall-e-3"])
def test_an_image_model_is_refused_where_films_are_made(name: str) -> None:
    with pytest.raises(InvalidValue, match="makes images") as refusal:
        find_video_model(name)
    assert refusal.value.param == "model"


@pytest.mark.parametrize(
    ("name", "model", "size"),
    [
        ("jimeng-4.5:1024x768", "jimeng-4.5", "1024x768"),
        ("jimeng-4.5", "jimeng-4.5", None),
        ("jimeng-4.5:big", "jimeng-4.5:big", None),
        (":1x1", ":1x1", None),
    ],
)
def test_a_size_behind_a_model_name_is_taken_off(name: str, model: str, size: str | None) -> None:
    assert split_size(name) == (model, size)


def test_a_site_has_its_own_models() -> None:
    assert offered(IMAGE_MODELS["jimeng-4.7"], CN)
    assert not offered(IMAGE_MODELS["jimeng-4.7"], US)
    assert not offered(IMAGE_MODELS["nanobanana"], CN)
    assert [s.name for s in sites_of(VIDEO_MODELS["jimeng-video-veo3"])] == ["hk", "jp", "sg"]
    assert IMAGE_MODELS["nanobanana"] in image_models(SG)
    assert VIDEO_MODELS["wan-3.0"] not in video_models(HK)
    assert VIDEO_MODELS["wan-3.0"] in video_models()


def test_a_model_of_no_known_site_is_not_listed() -> None:
    assert "dreamina-gpt-image-2" not in {m.name for m in image_models()}
    assert find_model("dreamina-gpt-image-2").upstream == {}


def test_the_refusal_says_where_the_model_is_and_what_is_here() -> None:
    refusal = unavailable(IMAGE_MODELS["jimeng-4.7"], [US, HK])
    assert refusal.param == "model"
    assert "jimeng-4.7 is on cn, not on us hk." in refusal.message
    assert "Image models on us: jimeng-4.5, jimeng-5.0," in refusal.message
    assert "Image models on hk: " in refusal.message
    assert "jimeng-3.0" not in refusal.message  # deprecated models are not recommended


def test_the_refusal_of_an_announced_model_says_that_no_site_has_it() -> None:
    refusal = unavailable(IMAGE_MODELS["dreamina-gpt-image-2"], [US])
    assert refusal.message.startswith("no site has dreamina-gpt-image-2 yet. Image models on us: ")


def test_the_refusal_of_a_film_names_film_models() -> None:
    refusal = unavailable(VIDEO_MODELS["wan-3.0"], [US, US])
    assert refusal.message == (
        "wan-3.0 is on cn, not on us. "
        "Video models on us: jimeng-video-3.5-pro, jimeng-video-seedance-2.0-fast"
    )
