from __future__ import annotations

from typing import Any

import pytest

from jimeng_api.domain.progress import Item
from tests.unit.upstream.replies.samples import (
    COVER,
    PICTURE,
    item,
    look,
)


def test_a_twice_escaped_ampersand_is_undone() -> None:
    escaped = PICTURE.replace("&", "\\u0026")
    (picture,) = look(item_list=[item(large_images=[{"image_url": escaped}])]).items
    assert picture.url == PICTURE


@pytest.mark.parametrize("large", [None, [], [{}], [None], [{"image_url": ""}], "x", {"a": 1}])
def test_without_a_full_picture_the_small_one_is_a_preview(large: Any) -> None:
    (picture,) = look(item_list=[item(large_images=large)]).items
    assert picture == Item(id="7600000000000000000", url=COVER, preview=True)


def test_the_first_full_picture_with_a_link_counts() -> None:
    images = [
        {"image_url": ""},
        {"image_url": PICTURE, "width": "10", "height": 20.0, "format": "WEBP"},
    ]
    (picture,) = look(item_list=[item(large_images=images)]).items
    assert picture == Item(
        id="7600000000000000000", url=PICTURE, width=10, height=20, format="webp"
    )


def test_an_item_is_named_by_whichever_id_it_has() -> None:
    def named(**common: Any) -> str:
        entry = item()
        entry["common_attr"] = common
        (picture,) = look(item_list=[entry]).items
        return picture.id

    assert named(local_item_id=76) == "76"
    assert named(id="", effect_id="e") == "e"
    assert named() == "tos-cn-i-x/abc"


def test_what_cannot_be_fetched_is_no_picture() -> None:
    entries = [None, 3, {}, {"common_attr": None, "image": None}, item(0), item(0), item(1)]
    assert len(look(status=50, item_list=entries).items) == 2
