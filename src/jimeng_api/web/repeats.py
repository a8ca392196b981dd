"""What a request says of being a repetition: its key, whether a client sends it anew, what it asks for."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from jimeng_api.domain.errors import InvalidValue
from jimeng_api.jobs.repeats import Repeat, fingerprint
from jimeng_api.web.forms import files_of

KEY = "Idempotency-Key"
RETRY_COUNT = "x-stainless-retry-count"

KEY_PARAMETER: Mapping[str, Any] = {
    "name": KEY,
    "in": "header",
    "description": "1 to 255 printable ASCII characters of your own choice: the same key with the same "
    "request is the same job, however often it is sent.",
    "schema": {"type": "string"},
}
"""The header as the OpenAPI document shows it."""

_KEY = re.compile(r"[ -~]{1,255}")
_COUNT = re.compile(r"0*[1-9][0-9]{0,8}")

# How the result is handed over: whoever asks for it again may ask for it in another form.
_FORM = ("stream", "response_format", "partial_images")

_LARGE = 64 * 1024


async def repeat_of(request: Request, route: str, fields: Mapping[str, Any]) -> Repeat:
    """The request as a repetition of others with the same `fields`, as they were sent.

    Fields that mean nothing here count as well: OpenAI's clients repeat every byte, and two orders that
    differ in anything, be it their `user`, are two orders. A file counts by its bytes, a link by its text.
    """
    files = files_of(fields)
    asked = {name: _written(value) for name, value in fields.items() if name not in _FORM}
    if files or is_large(request):
        digest = await asyncio.to_thread(fingerprint, route, asked, _digests(files))
    else:
        digest = fingerprint(route, asked)
    return Repeat(
        fingerprint=digest,
        key=_key(request.headers.getlist(KEY)),
        again=_COUNT.fullmatch(request.headers.get(RETRY_COUNT, "")) is not None,
    )


def _written(value: object) -> object:
    """The value with a mark where a file stands."""
    if isinstance(value, UploadFile):
        return {"file": value.size}
    if isinstance(value, list):
        return [_written(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _written(item) for name, item in value.items()}
    return value


def _digests(files: Iterable[UploadFile]) -> Iterator[bytes]:
    """One file after the other, none in memory as a whole."""
    for file in files:
        file.file.seek(0)
        yield hashlib.file_digest(file.file, "sha256").digest()  # type: ignore[arg-type]


def is_large(request: Request) -> bool:
    """Whether working through the whole body would hold others up."""
    length = request.headers.get("content-length")
    return length is None or int(length) > _LARGE


def _key(sent: list[str]) -> str | None:
    if not sent:
        return None
    if len(sent) > 1:
        raise InvalidValue(f"There is more than one {KEY} header.", param=KEY)
    if not _KEY.fullmatch(sent[0]):
        raise InvalidValue(
            f"{KEY} takes 1 to 255 printable ASCII characters, such as a UUID.", param=KEY
        )
    return sent[0]
