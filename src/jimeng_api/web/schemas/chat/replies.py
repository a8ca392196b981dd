"""The answers to a chat: whole, or in chunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from pydantic import Field

from jimeng_api.domain.progress import Progress
from jimeng_api.jobs.job import Job
from jimeng_api.web.outgoing import Piece
from jimeng_api.web.schemas.shown import Shown

USAGE: Mapping[str, int] = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
DONE: Sequence[Piece] = (b"[DONE]",)

_NO_IMAGES = b'"images":[]'


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What all parts of an answer have in common. `created` is in unix seconds."""

    id: str
    created: int
    model: str

    @classmethod
    def of(cls, job: Job) -> Head:
        name = job.id.removeprefix("job_")
        return cls(id=f"chatcmpl-{name}", created=int(job.created_at), model=job.asked_model)

    def whole(self, content: str, images: Sequence[Sequence[Piece]] | None = None) -> list[Piece]:
        """The answer. `images` are JSON objects; without them the message does not speak of any."""
        message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
        choice = {
            "index": 0,
            "message": message if images is None else {**message, "images": []},
            "finish_reason": "stop",
            "logprobs": None,
        }
        found = self._object("chat.completion", [choice], usage=USAGE)
        return _with_images(found, images or ())

    def chunk(
        self,
        delta: Mapping[str, Any],
        images: Sequence[Sequence[Piece]] | None = None,
        *,
        end: Literal["stop"] | None = None,
    ) -> list[Piece]:
        delta = delta if images is None else {**delta, "images": []}
        choice = {"index": 0, "delta": delta, "finish_reason": end, "logprobs": None}
        return _with_images(self._object("chat.completion.chunk", [choice]), images or ())

    def opening(self) -> list[Piece]:
        return self.chunk({"role": "assistant", "content": ""})

    def ending(self, *, with_usage: bool) -> Iterable[Sequence[Piece]]:
        yield self.chunk({}, end="stop")
        if with_usage:
            yield [self._object("chat.completion.chunk", [], usage=USAGE)]
        yield DONE

    def _object(self, kind: str, choices: Sequence[Any], **more: Any) -> bytes:
        found = {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "choices": choices,
        }
        return msgspec.json.encode(found | more)


def _with_images(found: bytes, images: Sequence[Sequence[Piece]]) -> list[Piece]:
    """The object with these in its empty list of images, which no text in JSON can look like."""
    if not images:
        return [found]
    start, _, rest = found.partition(_NO_IMAGES)
    pieces: list[Piece] = [start, _NO_IMAGES[:-1]]
    for number, image in enumerate(images):
        pieces += [b"," if number else b"", *image]
    return [*pieces, b"]", rest]


def progress_line(job: Job, looks: Sequence[Progress]) -> str:
    """How far the job is, in a line."""
    if not looks:
        return "Queued.\n" if job.status == "queued" else "Submitted.\n"
    look = max(looks, key=lambda one: (one.queue.position, one.queue.wait_seconds or 0))
    queue = look.queue
    if queue.waiting or queue.position > 0:
        place = f" at place {queue.position}" if queue.position > 0 else ""
        length = f" of {queue.length}" if place and queue.length >= queue.position else ""
        return f"In the upstream's line{place}{length}{_about(queue.wait_seconds)}.\n"
    total, finished = sum(one.total for one in looks), sum(one.finished for one in looks)
    counted = f": {finished} of {total} done" if total > 1 and finished else ""
    return f"In the making{counted}{_about(queue.run_seconds)}.\n"


def _about(seconds: float | None) -> str:
    return f", about {seconds:.0f} s" if seconds and seconds > 0 else ""


class MessageReply(Shown):
    role: Literal["assistant"]
    content: str = Field(
        description="Markdown: `![…](link)` for each picture, `[…](link)` for a film. The links are this "
        "gateway's own, and need no key."
    )
    refusal: None = None
    images: list[dict[str, Any]] | None = Field(
        None, description="With `modalities`: `{type: image_url, image_url: {url: data URI}}`."
    )


class ChoiceReply(Shown):
    index: Literal[0]
    message: MessageReply
    finish_reason: Literal["stop"]
    logprobs: None = None


class ChatUsage(Shown):
    """Always zero: the upstream counts no tokens."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class ChatReply(Shown):
    id: str
    object: Literal["chat.completion"]
    created: int = Field(description="When the job was accepted, in Unix seconds.")
    model: str = Field(description="The model's name as it was asked for.")
    choices: list[ChoiceReply] = Field(description="Always one.")
    usage: ChatUsage


EXAMPLE_CHAT_REPLY: Mapping[str, Any] = {
    "id": "chatcmpl-6f1c8a52e4d04b7f9a3c",
    "object": "chat.completion",
    "created": 1763800000,
    "model": "jimeng-4.5",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "![make it night]"
                "(http://127.0.0.1:5100/media/9b1d84c7ab6e3f1d2c4b5a6975f0c2ae)",
                "refusal": None,
            },
            "finish_reason": "stop",
            "logprobs": None,
        }
    ],
    "usage": USAGE,
}
EXAMPLE_CHUNKS = (
    ": ping\n\n"
    'data: {"id":"chatcmpl-6f1c…","object":"chat.completion.chunk","created":1763800000,"model":"jimeng-4.5",'
    '"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
    ": ping\n\n"
    'data: {…"choices":[{"index":0,"delta":{"content":"![make it night](http://127.0.0.1:5100/media/9b1d…)"},'
    '"finish_reason":null}]}\n\n'
    'data: {…"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    "data: [DONE]\n\n"
)
