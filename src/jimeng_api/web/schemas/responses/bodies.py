"""The body of a request for a response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from jimeng_api.catalog.lookup import CHAT_MODEL, find_model, is_openai_alias, split_size
from jimeng_api.domain.errors import GatewayError, InvalidValue, UnsupportedParameter
from jimeng_api.web.schemas.images.fields import Body

TOOL = "image_generation"

# What OpenAI's own service draws with where a model that talks is asked for a picture.
_THEIRS = "gpt-image-2"

Action = Literal["auto", "generate", "edit"]
_ACTIONS: tuple[Action, ...] = ("auto", "generate", "edit")

_ITEMS: dict[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "object"}}]
}


class ResponseBody(Body):
    """What `POST /v1/responses` takes. Whatever is not named here is ignored."""

    needs: ClassVar[Mapping[str, str]] = {"input": "what to make"}

    input: Any = Field(
        description="What to make: text, or a list of messages with `input_text` and `input_image` "
        "(`image_url` or `file_id`), and of earlier `image_generation_call` items, by their `id` or with "
        "their `result`. The last message of the user is the prompt; its pictures, or else the newest "
        "picture before it, are what is started from.",
        json_schema_extra=_ITEMS,
    )
    model: str | None = Field(
        None,
        max_length=200,
        description="An image or video model, or with the tool `image_generation` any name: that of a model "
        "that talks stands for the default image model.",
        examples=["jimeng-4.5"],
    )
    tools: Any = Field(
        None,
        description='`[{"type": "image_generation"}]` answers with `image_generation_call` items that hold '
        "the pictures. The tool's other fields are those of `/v1/images/generations`; `action` is "
        "`generate`, `edit` or `auto`. Without the tool, and for films, the answer is a message with links.",
        json_schema_extra={"type": "array", "items": {"type": "object"}},
    )
    previous_response_id: str | None = Field(
        None, description="The response whose newest picture this one is to start from."
    )
    stream: bool = Field(default=False, description="`true` answers with server-sent events.")
    background: bool = Field(
        default=False, description="`true` answers at once; look again at `GET /v1/responses/{id}`."
    )
    store: bool = Field(
        default=True,
        description="`false`: the response cannot be asked for, or gone on from, later.",
    )
    metadata: Any = Field(
        None,
        description="Up to 16 texts of your own by their names, which every answer shows again.",
        json_schema_extra={"type": "object", "additionalProperties": {"type": "string"}},
    )


@dataclass(frozen=True, slots=True)
class Tool:
    """The tool `image_generation` as a request has it."""

    fields: Mapping[str, Any]
    action: Action

    @property
    def model(self) -> str | None:
        found = self.fields.get("model")
        return found if isinstance(found, str) else None


def tool_in(tools: object) -> Tool | None:
    """The tool among the others, which are passed over. Raises InvalidValue, UnsupportedParameter."""
    listed = tools if isinstance(tools, list) else []
    found = [one for one in listed if isinstance(one, Mapping) and one.get("type") == TOOL]
    if not found:
        return None
    fields = {name: value for name, value in found[-1].items() if value is not None}
    if fields.get("input_image_mask"):
        raise UnsupportedParameter(
            "input_image_mask cannot be used: the upstream changes pictures only as a whole.",
            param="tools",
        )
    action = next((one for one in _ACTIONS if one == fields.get("action", "auto")), None)
    if action is None:
        raise InvalidValue("action must be generate, edit or auto.", param="tools")
    return Tool(fields, action)


def model_in(asked: str | None, tool: Tool | None, *, default: str) -> str | None:
    """Which of the names counts.

    One of our own, the tool's before the request's; then one of OpenAI's that stands for a model of ours. Any
    other is that of a model that talks: with the tool, it stands for `default`.
    """
    names = [name for name in (tool.model if tool else None, asked) if name]
    known = [name for name in names if _is_known(name, default)]
    ours = [name for name in known if not _is_theirs(name)]
    first: Sequence[str] = [*ours, *known]
    if first:
        return first[0]
    if tool is not None and tool.model is None:
        return _THEIRS
    return names[0] if names else None


def _is_known(name: str, default: str) -> bool:
    try:
        find_model(split_size(name)[0], default_image=default)
    except GatewayError:
        return False
    return True


def _is_theirs(name: str) -> bool:
    plain = split_size(name)[0]
    return is_openai_alias(plain) or plain.strip().lower() == CHAT_MODEL


EXAMPLE_REQUEST: Mapping[str, Any] = {
    "model": "gpt-5",
    "input": "a lighthouse at dawn, watercolour",
    "tools": [{"type": TOOL, "size": "1024x1024"}],
}
