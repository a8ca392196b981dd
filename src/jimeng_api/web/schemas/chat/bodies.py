"""The body of a chat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from jimeng_api.web.schemas.images.fields import MAX_PICTURES, Body

_PART: dict[str, Any] = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "text": {"type": "string"},
        "image_url": {"type": "object", "properties": {"url": {"type": "string"}}},
    },
}
_MESSAGE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "role": {"type": "string"},
        "content": {"anyOf": [{"type": "string"}, {"type": "array", "items": _PART}]},
    },
    "required": ["role", "content"],
}


def _shown(kind: str, description: str, **more: Any) -> Any:
    """A parameter that the routes for pictures and films read."""
    return Field(None, description=description, json_schema_extra={"type": kind, **more})


def _words(value: object) -> object:
    """The words in a list of them; everything else says nothing."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _object(value: object) -> object:
    return value if isinstance(value, Mapping) else {}


class ChatBody(Body):
    """What `POST /v1/chat/completions` takes. Everything else that OpenAI's has is accepted and ignored."""

    messages: Any = Field(
        description="The conversation. The last message of the user says what to make, and its pictures are "
        "what to start from: parts of the type `image_url` (http(s) URL, data URI or link of this gateway). "
        "Where it has none, the newest picture of the conversation is.",
        json_schema_extra={"type": "array", "items": _MESSAGE, "minItems": 1},
    )
    model: str | None = Field(
        None,
        description="A name from `GET /v1/models`: an image model draws, a video model films. `jimeng` and "
        "OpenAI's image models stand for the default image model, `sora-2…` for the default video model.",
        examples=["jimeng-4.5"],
    )
    stream: bool = Field(
        default=False, description="`true` answers with server-sent events; otherwise `false`."
    )
    stream_options: Annotated[Mapping[str, Any], BeforeValidator(_object)] = Field(
        {}, description="`include_usage: true` adds an event with the usage, which is always zero."
    )
    modalities: Annotated[list[str], BeforeValidator(_words)] = Field(
        [],
        description="With `image` among them, the message has `images` as well: the pictures themselves, as "
        "data URIs.",
    )
    n: Any = _shown(
        "integer",
        f"How many pictures: 1 to {MAX_PICTURES}. They all stand in the one choice that there is. Absent: "
        "one for OpenAI's model names, all that the upstream makes for the others.",
        minimum=1,
        maximum=MAX_PICTURES,
    )
    size: Any = _shown("string", "As for pictures and videos; so are all further parameters.")
    ratio: Any = _shown("string", "The shape. Also read as `aspect_ratio` and `aspectRatio`.")
    resolution: Any = _shown("string", "The resolution.")
    quality: Any = _shown("string", "Chooses the resolution of pictures.")
    negative_prompt: Any = _shown("string", "What to keep out of the picture.")
    seconds: Any = _shown("string", "The length of a film. Also read as `duration`.")
    seed: Any = _shown("integer", "A whole number, or -1.")


EXAMPLE_CHAT: Mapping[str, Any] = {
    "model": "jimeng-4.5",
    "messages": [
        {"role": "user", "content": "a lighthouse at dawn --ratio 16:9 --n 1"},
        {
            "role": "assistant",
            "content": "![a lighthouse at dawn]"
            "(http://127.0.0.1:5100/media/5f0c2a9be1d84c7ab6e3f1d2c4b5a697)",
        },
        {"role": "user", "content": "make it night"},
    ],
}
