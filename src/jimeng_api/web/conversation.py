"""Reading a conversation: what its last turn asks for, and which pictures it is about. Pure.

Messages come from strangers' clients: whatever says neither words nor files is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jimeng_api.domain.errors import InvalidValue, MissingParameter
from jimeng_api.web.schemas.images.fields import MAX_PROMPT
from jimeng_api.web.text_options import options_in

_WORDS = ("text", "input_text", "output_text")
_PICTURES = ("image_url", "input_image", "image")
_FILES = ("video_url", "file", "input_file", "input_audio")

# Alternatives that begin differently and never give back: a message may hold megabytes of base64.
_MARKDOWN = re.compile(
    r"!\[[^\[\]]*+(?:\[[^\[\]]*+\][^\[\]]*+)*+\]"
    r"\(\s*+<?((?:[^\s<>()]++|\([^\s<>()]*+\))++)>?(?:\s++(?:\"[^\"]*+\"|'[^']*+'))?\s*+\)"
)
_INSTRUCTIONS = ("system", "developer")
_REACHABLE = ("http://", "https://", "data:image/", "/media/")

File = object
"""A file as `web/sources.py` takes it: a link, a data URI, or an object with `file_id`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message: its words, without the pictures that stand among them, and what came with it.

    `pictures` are those of its files that can be meant later on by "it".
    """

    role: str
    text: str = ""
    files: tuple[File, ...] = ()
    pictures: tuple[File, ...] = ()

    @property
    def has_shown(self) -> bool:
        """Whether those who talk have a picture before their eyes by it."""
        return bool(self.pictures) and self.role not in _INSTRUCTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What the last message of the user asks: its words, its files, and the parameters written behind them.

    `before` are the pictures of the newest message that has some, apart from this one; `picked` is which of
    them is meant where the user says so, and `fresh` that none is.
    """

    prompt: str
    files: tuple[File, ...]
    before: tuple[File, ...]
    options: Mapping[str, str]
    fresh: bool
    picked: str | None

    def files_meant(self, *, takes_pictures: bool, param: str) -> tuple[File, ...]:
        """What to start from: its own files or, as it has none, the newest picture if the model takes any.

        Raises InvalidValue where there is no picture of the number that the user picks.
        """
        if self.picked is not None:
            return (self._picked(self.picked, param), *self.files)
        if self.files or self.fresh or not takes_pictures:
            return self.files
        return self.before[-1:]

    def _picked(self, number: str, param: str) -> File:
        place = int(number) if re.fullmatch(r"[0-9]{1,4}", number) else 0
        if not 1 <= place <= len(self.before):
            raise InvalidValue(
                f"--image {number[:20]}: the newest message with pictures has {len(self.before)} of them.",
                param=param,
            )
        return self.before[place - 1]


def said_in(messages: object, *, param: str) -> tuple[Said, ...]:
    """The messages of a chat, in their order. Raises MissingParameter, InvalidValue."""
    if messages is None or messages in ([], ""):
        raise MissingParameter(
            f"{param} is missing: the conversation, a list of messages.", param=param
        )
    if not isinstance(messages, list):
        raise InvalidValue(f"{param} must be a list of messages.", param=param)
    return tuple(said(message, param=param) for message in messages)


def said(message: object, *, param: str) -> Said:
    """One message with a `role` and a `content`. Raises InvalidValue for what is no object."""
    if not isinstance(message, Mapping):
        raise InvalidValue(f"{param} must hold objects with role and content.", param=param)
    words: list[str] = []
    files: list[File] = []
    pictures: list[File] = []
    for part in _parts(message.get("content")):
        if isinstance(part, str):
            text, found = _without_pictures(part)
            words.append(text)
            files += found
            pictures += found
        elif (file := _file(part)) is not None:
            files.append(file)
            pictures += [file] if _is_picture(part, file) else []
    if not pictures:  # those beside the words are mostly the same ones once more
        found = [file for part in _listed(message.get("images")) if (file := _beside(part))]
        files += found
        pictures += found
    return Said(
        role=str(message.get("role") or "").lower(),
        text="\n".join(word for word in words if word.strip()).strip(),
        files=tuple(files),
        pictures=tuple(pictures),
    )


def turn_of(messages: Sequence[Said], *, param: str) -> Turn:
    """What is asked now. Raises MissingParameter where the user says nothing, InvalidValue."""
    at = max((n for n, one in enumerate(messages) if one.role == "user"), default=None)
    if at is None:
        raise MissingParameter(f"{param} holds no message of the user.", param=param)
    last = messages[at]
    if len(last.text) > MAX_PROMPT:
        raise InvalidValue(
            f"The last user message in {param} has {len(last.text)} characters; at most {MAX_PROMPT} are "
            "possible.",
            param=param,
        )
    prompt, options = options_in(last.text, param=param)
    if not prompt:
        raise MissingParameter(
            f"The last user message in {param} has no words: they say what to make.", param=param
        )
    before: tuple[File, ...] = ()
    for n, one in enumerate(messages):
        before = one.pictures if n != at and one.has_shown else before
    return Turn(
        prompt=prompt,
        files=last.files,
        before=before,
        options={name: value for name, value in options.items() if name not in ("new", "image")},
        fresh="new" in options,
        picked=options.get("image"),
    )


def _parts(content: object) -> Iterable[str | Mapping[str, Any]]:
    """The words as texts, all else as the object that it is."""
    for part in _listed(content):
        if isinstance(part, str):
            yield part
        elif isinstance(part, Mapping):
            text = part.get("text")
            if (part.get("type") or "text") not in _WORDS:
                yield part
            elif isinstance(text, str):
                yield text


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [value]


def _without_pictures(text: str) -> tuple[str, list[File]]:
    """The words, and the pictures that stand among them as markdown."""
    found: list[File] = []

    def taken(match: re.Match[str]) -> str:
        if not match[1].startswith(_REACHABLE):
            return match[0]
        found.append(match[1])
        return ""

    return _MARKDOWN.sub(taken, text) if "![" in text else text, found


def _file(part: Mapping[str, Any]) -> File | None:
    """The file of a part; the part itself where that cannot be made out, None where it is no file at all."""
    kind = part.get("type")
    if kind not in (*_PICTURES, *_FILES):
        return None
    inner = part.get(kind) or part
    if not isinstance(inner, Mapping):
        return inner if isinstance(inner, str) else part
    if isinstance(inner.get("data"), str) and kind == "input_audio":
        return f"data:audio/{inner.get('format') or 'wav'};base64,{inner['data']}"
    for name in ("url", "image_url", "file_url", "file_data"):
        link = inner.get(name)
        link = link.get("url") if isinstance(link, Mapping) else link
        if isinstance(link, str) and link:
            return link
    return {"file_id": inner["file_id"]} if inner.get("file_id") else part


def _is_picture(part: Mapping[str, Any], file: File) -> bool:
    if isinstance(file, str):
        return file.startswith("data:image/") or (
            part.get("type") in _PICTURES and file.startswith(_REACHABLE)
        )
    return part.get("type") in _PICTURES and file is not part


def _beside(part: object) -> File | None:
    """A picture of `images`."""
    if isinstance(part, str):
        return part if part.startswith(_REACHABLE) else None
    if not isinstance(part, Mapping):
        return None
    file = _file({"type": "image_url", **part})
    return file if isinstance(file, str) and file.startswith(_REACHABLE) else None
