"""The pages on the API and its errors say what the code does, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jimeng_api.domain.errors import every_error
from jimeng_api.web.schemas.adopting import AdoptBody
from jimeng_api.web.schemas.images.bodies import ImageEditBody, ImageGenerationBody
from jimeng_api.web.schemas.images.finishing import OutpaintBody, UpscaleBody
from tests.unit.web.web_edge import Edge

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_error_that_can_happen_stands_in_one_table(language: str) -> None:
    text = (DOCS / language / "errors.md").read_text("utf-8")
    shown = re.findall(r"^\| `(\w+)` \| \d", text, flags=re.MULTILINE)
    leaves = [kind.code for kind in every_error() if not kind.__subclasses__()]
    assert set(shown) >= set(leaves)
    assert len(shown) == len(set(shown))


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_page_names_every_route_and_every_parameter(language: str) -> None:
    pages = ("api.md", "keys.md", "accounts.md")
    text = "".join((DOCS / language / name).read_text("utf-8") for name in pages)
    document = (await Edge().get("/openapi.json")).json
    for path in document["paths"]:
        assert re.sub(r"\{.*?\}", "{id}", path) in text, path
    for body in (ImageGenerationBody, ImageEditBody, UpscaleBody, OutpaintBody, AdoptBody):
        for name in body.model_fields:
            assert f"`{name}`" in text, name
