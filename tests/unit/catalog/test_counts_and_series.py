import pytest
from hypothesis import given
from hypothesis import strategies as st

from jimeng_api.catalog.counts import batches
from jimeng_api.catalog.image_models import IMAGE_MODELS, ImageModel
from jimeng_api.catalog.series import series_target
from jimeng_api.domain.errors import InvalidValue


@pytest.mark.parametrize(
    ("name", "n", "tasks"),
    [
        ("jimeng-4.5", 1, (1,)),
        ("jimeng-4.5", 8, (8,)),
        ("jimeng-4.5", 10, (8, 2)),
        ("jimeng-5.0-pro", 10, (4, 4, 2)),
        ("jm-aesthetic-v8.2", 1, (4,)),
        ("jm-aesthetic-v8.2", 5, (4, 4)),
        ("jimeng-2.0", 1, (None,)),
        ("jimeng-2.0", 5, (None, None)),
        ("jimeng-4.5", None, (None,)),
    ],
)
def test_pictures_are_shared_out_to_tasks(
    name: str, n: int | None, tasks: tuple[int | None, ...]
) -> None:
    assert batches(IMAGE_MODELS[name], n) == tasks


@given(model=st.sampled_from(list(IMAGE_MODELS.values())), n=st.integers(1, 50))
def test_the_tasks_make_enough_and_none_of_them_is_idle(model: ImageModel, n: int) -> None:
    made = [model.count_default if count is None else count for count in batches(model, n)]
    assert sum(made) >= n
    assert sum(made[:-1]) < n
    if model.count_options is not None:
        assert set(made) <= set(model.count_options)


def test_no_pictures_at_all_are_refused() -> None:
    with pytest.raises(InvalidValue) as refusal:
        batches(IMAGE_MODELS["jimeng-4.5"], 0)
    assert refusal.value.param == "n"


@pytest.mark.parametrize(
    ("prompt", "target"),
    [
        ("画6张猫的图片", 6),
        ("12张", 12),
        ("一个绘本", 4),
        ("连续的画面", 4),
        ("讲一个故事", 4),
        ("讲一个故事，3张", 3),
        ("0张", 4),
        ("a cat", None),
        ("6 cats", None),
        ("一张纸", None),
        ("", None),
    ],
)
def test_a_prompt_may_ask_for_a_series(prompt: str, target: int | None) -> None:
    assert series_target(IMAGE_MODELS["jimeng-4.5"], prompt) == target


def test_a_model_that_makes_no_series_is_never_asked_for_one() -> None:
    assert series_target(IMAGE_MODELS["jimeng-3.0"], "画6张猫的图片") is None


@given(prompt=st.text())
def test_any_prompt_is_read_without_trouble(prompt: str) -> None:
    target = series_target(IMAGE_MODELS["jimeng-4.0"], prompt)
    assert target is None or target > 0
