import re
from pathlib import Path

import pytest

from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.catalog.sizes import image_size
from jimeng_api.catalog.video_models import VIDEO_MODELS

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "docs/en/models.md", ROOT / "docs/zh/models.md"]


@pytest.mark.parametrize("page", PAGES, ids=["en", "zh"])
def test_a_page_names_every_model(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in (*IMAGE_MODELS, *VIDEO_MODELS):
        assert f"`{name}`<br>" in text


@pytest.mark.parametrize("page", PAGES, ids=["en", "zh"])
def test_the_examples_of_sizes_on_a_page_are_true(page: Path) -> None:
    rows = re.findall(
        r"^\| (`\d+x\d+`.*?) \| (\d+x\d+) \| (\d+x\d+) \|$", page.read_text("utf-8"), re.MULTILINE
    )
    assert len(rows) == 5
    for sizes, *expected in rows:
        for size in re.findall(r"\d+x\d+", sizes):
            for name, pixels in zip(("nanobananapro", "jimeng-4.5"), expected, strict=True):
                choice = image_size(IMAGE_MODELS[name], size=size)
                assert f"{choice.width}x{choice.height}" == pixels
