"""Bodies from strangers: bytes in, one object out, or an error that says what is wrong with it."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NoReturn

from starlette.requests import Request

from jimeng_api.domain.errors import MalformedBody
from jimeng_api.web.forms import (
    MULTIPART,
    URLENCODED,
    close_files,
    files_of,
    multipart_fields,
    urlencoded_fields,
)

MAX_DEPTH = 32
_MAX_DIGITS = 64
_LARGE = 64 * 1024

# Takes an unfinished text as well: a pattern that could fail would start again at every quotation mark.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_ONE_BRACKET = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# Half a character, or the character that databases refuse: both can only come as an escape.
_SUSPECT = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")


@asynccontextmanager
async def body_fields(request: Request, *, optional: bool = False) -> AsyncIterator[dict[str, Any]]:
    """The request's body as an object without nulls, be it a form or JSON. Its files are open within only.

    Where it is `optional`, none at all is an empty object.
    """
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind == MULTIPART:
        fields = await multipart_fields(content_type, request.stream())
        try:
            yield fields
        finally:
            await close_files(files_of(fields))
    elif kind == URLENCODED and not _looks_like_json(body := await _whole(request)):
        yield await _read(urlencoded_fields, body)
    elif kind == URLENCODED:
        yield await _read(json_object, body)
    else:
        body = await _whole(request)
        yield {} if optional and not body.strip() else await _read(json_object, body)


def _looks_like_json(body: bytes) -> bool:
    """What curl sends with -d says that it is a form."""
    return body[:64].lstrip().startswith(b"{")


async def json_body(request: Request) -> dict[str, Any]:
    """The request's body as an object without nulls: here, null means absent."""
    return await _read(json_object, await _whole(request))


async def _whole(request: Request) -> bytes:
    """The body; the request does not keep it, since its caller may wait for minutes."""
    return b"".join([chunk async for chunk in request.stream()])


async def _read(reader: Callable[[bytes], dict[str, Any]], body: bytes) -> dict[str, Any]:
    return await asyncio.to_thread(reader, body) if len(body) > _LARGE else reader(body)


def json_object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        raise MalformedBody("The request has no body; a JSON object is expected.")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedBody("The body is not UTF-8.") from error
    _check_depth(body)
    try:
        found = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_int,
            parse_float=_float,
        )
    except RecursionError as error:
        raise MalformedBody(_TOO_DEEP) from error
    except ValueError as error:
        raise MalformedBody(f"The body is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise MalformedBody("The body must be a JSON object.")
    if "\\" in text and _SUSPECT.search(text):  # the first half is quick, and mostly enough
        _check_texts(found)
    return {name: value for name, value in found.items() if value is not None}


_TOO_DEEP = f"The body is nested deeper than {MAX_DEPTH} levels."


def _check_depth(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    brackets = _STRING.sub(b"", body).translate(_ONE_BRACKET, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")  # takes the innermost level away
    if brackets:
        raise MalformedBody(f"{_TOO_DEEP} Or a bracket has no partner.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise MalformedBody(f"The body names {twice[:80]!r} twice.")
    return found


def _constant(name: str) -> NoReturn:
    raise MalformedBody(f"{name} is not a JSON number.")


def _int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise MalformedBody(f"The body holds a number of more than {_MAX_DIGITS} digits.")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise MalformedBody("The body holds a number that is too large.")
    return number


def _check_texts(value: object) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise MalformedBody("The body holds the character U+0000.")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise MalformedBody("The body holds half of a surrogate pair.") from error
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_texts(name)
            _check_texts(item)
    elif isinstance(value, list):
        for item in value:
            _check_texts(item)
