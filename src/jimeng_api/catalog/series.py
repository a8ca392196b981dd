"""Prompts that ask for a series of pictures, as the sites' own page recognises them. Pure."""

from __future__ import annotations

import re

from jimeng_api.catalog.image_models import ImageModel

SERIES_DEFAULT = 4

_WORDS = ("连续", "绘本", "故事")  # in succession, picture book, story
_NUMBER = re.compile(r"(\d{1,9})张")  # "6张": six sheets


def series_target(model: ImageModel, prompt: str) -> int | None:
    """How many pictures the prompt itself asks for; None where it asks for no series."""
    if not model.makes_series:
        return None
    number = _NUMBER.search(prompt)
    if number is not None:
        return int(number[1]) or SERIES_DEFAULT
    return SERIES_DEFAULT if any(word in prompt for word in _WORDS) else None
