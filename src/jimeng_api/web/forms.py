"""Forms from strangers: the same objects that JSON gives, with files that lie on the disk.

A name may be `k`, `k[]`, `k[3]`, `k[sub]` or `k[][sub]`, as OpenAI's clients and their kin write lists and
objects; a name that comes again makes a list. Texts stay texts. A form has no null: an empty text is absent.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from typing_extensions import override

from jimeng_api.domain.errors import MalformedBody

MULTIPART = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"

MAX_FILES = 20
MAX_TEXTS = 40
MAX_TEXT = 32 * 1024 * 1024  # a picture may come as a data URI

_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_NAME = re.compile(r"([^\[\]]{1,80})(?:\[([^\[\]]{0,80})\])?(?:\[([^\[\]]{1,80})\])?")

Value = str | UploadFile


async def multipart_fields(content_type: str, body: AsyncIterator[bytes]) -> dict[str, Any]:
    """What a multipart body holds; files are open, and the caller's to close. Raises MalformedBody."""
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if not _BOUNDARY.fullmatch(boundary):
        raise MalformedBody("The form has no boundary of 1 to 70 characters.")
    # Latin-1 gives every byte back, so that it is known below whether they were UTF-8.
    plain = f'{MULTIPART}; charset=latin-1; boundary="{boundary.decode()}"'

    async def whole() -> AsyncGenerator[bytes, None]:
        async for chunk in body:
            yield chunk
        if not parser.ended:
            raise MultiPartException("It has no end.")

    parser = _Form(
        Headers({"content-type": plain}),
        whole(),
        max_files=MAX_FILES,
        max_fields=MAX_TEXTS,
        max_part_size=MAX_TEXT,
    )
    try:
        items = (await parser.parse()).multi_items()
    except MultiPartException as error:
        raise MalformedBody(f"The form cannot be read: {error.message}") from error
    try:
        return nested((_text(name), _value(value)) for name, value in items)
    except MalformedBody:
        await close_files(files_of(dict(enumerate(value for _, value in items))))
        raise


class _Form(MultiPartParser):
    """Knows whether the form came to its end: of one that was cut off, whole parts may be missing."""

    ended = False

    @override
    def on_end(self) -> None:
        self.ended = True


def urlencoded_fields(body: bytes) -> dict[str, Any]:
    """What the body of a form without files holds. Raises MalformedBody."""
    try:
        items = parse_qsl(
            body.decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_TEXTS,
        )
    except UnicodeDecodeError as error:
        raise MalformedBody(_NOT_UTF_8) from error
    except ValueError as error:
        raise MalformedBody(f"The form has more than {MAX_TEXTS} fields.") from error
    return nested((_checked(name), _checked(value)) for name, value in items)


def nested(items: Iterable[tuple[str, Value]]) -> dict[str, Any]:
    """Names with brackets as lists and objects. Raises MalformedBody where two of them contradict."""
    found: dict[str, _Field] = {}
    for name, value in items:
        if _is_empty(value):
            continue
        parts = _NAME.fullmatch(name)
        base, first, second = parts.groups() if parts else (name, None, None)
        field = found.setdefault(base, _Field())
        try:
            field.add(first, second, value)
        except _Contradiction:
            raise MalformedBody(
                f"The form gives {base[:80]!r} as a value and as an object, or a part of it twice."
            ) from None
    return {name: field.value() for name, field in found.items()}


class _Contradiction(Exception):
    """A name that is two things."""


class _Field:
    """All that came under one name: values, in their order, or one object, or a list of objects."""

    def __init__(self) -> None:
        self._items: list[Any] = []
        self._object: dict[str, Value] = {}
        self._listed = False
        self._numbers: dict[str, dict[str, Value]] = {}

    def add(self, first: str | None, second: str | None, value: Value) -> None:
        if second is not None and not _is_index(first):  # k[a][b]: nothing here is nested so deep
            raise _Contradiction
        if _is_index(first) or first is None:
            if self._object:
                raise _Contradiction
            self._listed = self._listed or first is not None
            if second is None:
                self._items.append(value)
            else:
                self._add_to_object(first or "", second, value)
        elif self._items or first in self._object:
            raise _Contradiction
        else:
            self._object[first] = value

    def _add_to_object(self, index: str, name: str, value: Value) -> None:
        """An object of a list ends where a name comes again that it has already."""
        last = self._numbers.get(index)
        if last is None or (name in last and not index):
            last = self._numbers[index] = {}
            self._items.append(last)
        elif name in last:
            raise _Contradiction
        last[name] = value

    def value(self) -> Any:
        if self._object:
            return self._object
        return self._items if self._listed or len(self._items) > 1 else self._items[0]


def _is_index(part: str | None) -> bool:
    return part is not None and (not part or (part.isascii() and part.isdigit()))


def files_of(fields: Mapping[Any, Any]) -> list[UploadFile]:
    """The files among these, in their order."""
    found: list[UploadFile] = []
    for value in fields.values():
        items = value if isinstance(value, list) else [value]
        for item in items:
            if isinstance(item, UploadFile):
                found.append(item)
            elif isinstance(item, Mapping):
                found += files_of(item)
    return found


async def close_files(files: Iterable[UploadFile]) -> None:
    for file in files:
        await file.close()


_NOT_UTF_8 = "The form holds a text that is not UTF-8."


def _value(value: Value) -> Value:
    return _text(value) if isinstance(value, str) else value


def _text(latin: str) -> str:
    try:
        return _checked(latin.encode("latin-1").decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedBody(_NOT_UTF_8) from error


def _checked(text: str) -> str:
    if "\0" in text:
        raise MalformedBody("The form holds the character U+0000.")
    return text


def _is_empty(value: Value) -> bool:
    """Nothing, as a browser also sends a choice of files that nobody made."""
    return not value if isinstance(value, str) else not (value.size or value.filename)
