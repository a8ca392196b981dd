"""The bodies of the routes that draw: from text alone, and from other pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from jimeng_api.web.schemas.images.fields import MAX_PROMPT, Answering, Asked

PICTURES = ("image", "images", "image_url")
"""Where pictures may stand, in the order in which they are taken."""

_ONE = (
    "an http(s) URL, a data URI, a link of this gateway, or an object with `image_url` or `file_id`"
)
_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string"},
        {"type": "object", "properties": {"image_url": {"type": "string"}}},
        {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "object"}]}},
    ]
}


def pictures(description: str) -> Any:
    """A field that `web/sources.py` reads."""
    return Field(None, description=description, json_schema_extra=_SCHEMA)


class ImageGenerationBody(Answering, Asked):
    """What `POST /v1/images/generations` takes."""

    image: Any = pictures(
        "A picture to start from, or a list of them, as at `/v1/images/edits`; so `images` and `image_url`."
    )
    images: Any = pictures("Further pictures.")
    image_url: Any = pictures("Further pictures.")


class ImageEditBody(Answering, Asked):
    """What `POST /v1/images/edits` takes, as a form or as JSON."""

    image: Any = pictures(
        "The picture to start from, or a list of them. In a form: files, under `image` or `image[]`, once or "
        f"again. In JSON and as text in a form: {_ONE}. A `file_id` is the id of a result, or of an "
        "uploaded file."
    )
    images: Any = pictures("Further pictures, in the same ways.")
    image_url: Any = pictures("Further pictures, in the same ways.")


class ImageVariationBody(ImageEditBody):
    """What `POST /v1/images/variations` takes, as a form or as JSON."""

    needs: ClassVar[Mapping[str, str]] = {}

    prompt: str = Field(
        "Draw this picture once more as a variation: the same subject and style, another composition.",
        description=f"What is to be different: text of 1 to {MAX_PROMPT} characters.",
    )


class CompositionBody(Answering, Asked):
    """What `POST /v1/images/compositions` takes, as a form or as JSON."""

    images: Any = pictures(
        f"The pictures to compose. In a form: files, under `images` or `images[]`. In JSON: a list, each "
        f"{_ONE}, or with `url`."
    )
    image: Any = pictures("Further pictures, in the same ways.")
    image_url: Any = pictures("Further pictures, in the same ways.")


EXAMPLE_REQUEST: Mapping[str, Any] = {
    "model": "jimeng-4.5",
    "prompt": "a lighthouse at dawn, watercolour",
    "n": 1,
    "size": "1024x1024",
}
EXAMPLE_EDIT: Mapping[str, Any] = {
    "model": "jimeng-4.5",
    "prompt": "the same cat, asleep",
    "image": "https://example.org/cat.png",
    "n": 1,
}
EXAMPLE_COMPOSITION: Mapping[str, Any] = {
    "model": "jimeng-4.5",
    "prompt": "the cat of the first picture in the garden of the second",
    "images": ["https://example.org/cat.png", {"url": "https://example.org/garden.jpg"}],
}
