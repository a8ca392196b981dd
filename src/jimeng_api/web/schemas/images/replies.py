"""The answers: pictures as OpenAI shows them, with their true sizes beside that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from jimeng_api.domain.requests import PictureFormat
from jimeng_api.domain.results import Picture
from jimeng_api.web.schemas.images.order import Answer
from jimeng_api.web.schemas.shown import Shown

_NO_TOKENS = {"image_tokens": 0, "text_tokens": 0}
USAGE: Mapping[str, Any] = {
    "input_tokens": 0,
    "output_tokens": 0,
    "total_tokens": 0,
    "input_tokens_details": _NO_TOKENS,
    "output_tokens_details": _NO_TOKENS,
}


def common_keys(picture: Picture, answer: Answer) -> dict[str, Any]:
    """What an answer says of a picture, or by its first one of all: their true size and type."""
    found: dict[str, Any] = {
        "size": f"{picture.width}x{picture.height}",
        "background": "opaque",
        "output_format": picture.content_type.rpartition("/")[2],
    }
    if answer.quality is not None:
        found["quality"] = answer.quality
    return found


class Tokens(Shown):
    image_tokens: int = 0
    text_tokens: int = 0


class Usage(Shown):
    """Always zero: the upstream counts no tokens."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    input_tokens_details: Tokens
    output_tokens_details: Tokens


class PictureReply(Shown):
    """One picture; it has `url` or `b64_json`, never both."""

    url: str | None = Field(None, description="Where the picture is; no key is needed to fetch it.")
    b64_json: str | None = Field(None, description="The picture itself, in base64.")
    width: int
    height: int
    bytes: int = Field(description="The length of the file.")


class ImagesReply(Shown):
    created: int = Field(description="When the job was accepted, in Unix seconds.")
    data: list[PictureReply]
    model: str = Field(description="The model's name as it was asked for.")
    size: str = Field(description="The true size of the first picture.")
    background: Literal["opaque"]
    output_format: PictureFormat
    quality: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    usage: Usage


class CompositionReply(ImagesReply):
    input_images: int = Field(description="How many pictures it was composed of.")
    composition_type: Literal["multi_image_synthesis"]


EXAMPLE_REPLY: Mapping[str, Any] = {
    "created": 1763800000,
    "data": [
        {
            "url": "http://127.0.0.1:5100/media/5f0c2a9be1d84c7ab6e3f1d2c4b5a697",
            "width": 2048,
            "height": 2048,
            "bytes": 5718204,
        }
    ],
    "model": "jimeng-4.5",
    "size": "2048x2048",
    "background": "opaque",
    "output_format": "png",
    "usage": USAGE,
}
EXAMPLE_COMPOSED: Mapping[str, Any] = {
    **EXAMPLE_REPLY,
    "input_images": 2,
    "composition_type": "multi_image_synthesis",
}


def example_event(kind: str) -> str:
    return (
        ": ping\n\n"
        f'data: {{"type":"{kind}","created_at":1763800000,"b64_json":"iVBORw0KGgo…","size":'
        '"2048x2048","background":"opaque","output_format":"png"}\n\n'
    )
