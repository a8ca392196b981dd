"""What a request for a response says beside its order, kept with the job: later answers show it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

# OpenAI's own bounds; what is beyond them is left out.
_MOST_METADATA = 16
_LONGEST_NAME = 64
_LONGEST_VALUE = 512

_MOST_IN_TOOL = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarks:
    """`model` is the request's, which may be one that only talks.

    `tool` is what the request said of its tool `image_generation`, None where it has none. `previous` is the
    id of the response before. One that is not to be stored (`store`) cannot be asked for later.
    """

    model: str
    tool: Mapping[str, Any] | None = None
    previous: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    background: bool = False
    store: bool = True

    @property
    def partial_images(self) -> Any:
        """What the tool says of them; an order checks it."""
        return (self.tool or {}).get("partial_images")

    @property
    def early(self) -> int:
        """How many pictures a stream may show before the end."""
        return self.partial_images if type(self.partial_images) is int else 0

    def encoded(self) -> bytes:
        return msgspec.json.encode(self)

    @staticmethod
    def of(remarks: bytes) -> Remarks | None:
        """What was kept with a job; None where the job is not that of a response."""
        return msgspec.json.decode(remarks, type=Remarks) if remarks else None


def kept_metadata(sent: object) -> dict[str, str]:
    """As much of it as OpenAI keeps."""
    if not isinstance(sent, Mapping):
        return {}
    fitting = {
        name: value
        for name, value in sent.items()
        if isinstance(value, str) and len(name) <= _LONGEST_NAME and len(value) <= _LONGEST_VALUE
    }
    return dict(list(fitting.items())[:_MOST_METADATA])


def kept_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """What a tool says in single words and numbers: files have their place with the job."""
    fitting = {
        name: value
        for name, value in tool.items()
        if isinstance(value, (bool, int, float))
        or (isinstance(value, str) and len(value) <= _LONGEST_VALUE)
    }
    return dict(list(fitting.items())[:_MOST_IN_TOOL])
