"""A stored file as an answer: whole, in part, or not again."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from jimeng_api.domain.results import Picture
from jimeng_api.web.parts import parts_of

_RANGE = re.compile(
    r"bytes=\s*(?:([0-9]{1,18})\s*-\s*([0-9]{1,18})?|-\s*([0-9]{1,18}))\s*", re.ASCII
)

# Only what a browser shows as a picture and nothing else is shown by it; the rest is saved.
SHOWN = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "video/mp4": "mp4",
}
_NOTHING_ELSE = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
    "referrer-policy": "no-referrer",
}
# A browser shows a film on a page of its own making, which must be allowed to load it.
_PLAYED = {"content-security-policy": "default-src 'none'; media-src 'self'"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of the media store. `digest` changes whenever its bytes do."""

    media_id: str
    content_type: str
    size: int
    digest: str

    @classmethod
    def of(cls, picture: Picture) -> StoredFile:
        return cls(
            media_id=picture.media_id,
            content_type=picture.content_type,
            size=picture.size,
            digest=picture.sha256,
        )


async def file_answer(request: Request, file: StoredFile) -> Response:
    """Raises NotFound, StorageUnavailable."""
    headers = _headers(file)
    if _matches(request.headers.get("if-none-match"), headers["etag"]):
        return Response(status_code=304, headers=headers)
    part = _asked_part(request, file, headers["etag"])
    if part is None:
        part = range(file.size)
        status = 200
    elif not part:
        headers["content-range"] = f"bytes */{file.size}"
        return Response(status_code=416, headers=headers)
    else:
        headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{file.size}"
        status = 206
    headers["content-length"] = str(len(part))
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=file.content_type)
    body = parts_of(request).media.stream(file.media_id, start=part.start, end=part.stop)
    first = await anext(body, b"")  # what cannot be read says so before the answer begins
    return StreamingResponse(
        _after(first, body), status_code=status, headers=headers, media_type=file.content_type
    )


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def _headers(file: StoredFile) -> dict[str, str]:
    ending = SHOWN.get(file.content_type)
    name = f"{file.media_id}.{ending or 'bin'}"
    return {
        "etag": f'"{file.digest}"',
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=31536000, immutable",
        "content-disposition": f'{"inline" if ending else "attachment"}; filename="{name}"',
        **_NOTHING_ELSE,
        **(_PLAYED if file.content_type.startswith("video/") else {}),
    }


def _matches(tags: str | None, etag: str) -> bool:
    if tags is None:
        return False
    return tags.strip() == "*" or etag in [
        tag.strip().removeprefix("W/") for tag in tags.split(",")
    ]


def _asked_part(request: Request, file: StoredFile, etag: str) -> range | None:
    """The bytes that Range names: none of them where there are none such, None for the whole file.

    More than one range, or one that cannot be read, means the whole file: that is always a right answer.
    """
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None or request.headers.get("if-range", etag) != etag:
        return None
    start, end, last = asked.groups()
    if last is not None:
        return range(max(0, file.size - int(last)), file.size)
    if end is not None and int(end) < int(start):
        return None
    return range(int(start), min(file.size, int(end) + 1 if end else file.size))
