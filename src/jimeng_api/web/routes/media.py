"""Results: `GET /media/{id}`. No key is needed; the id cannot be guessed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from jimeng_api.domain.errors import NotFound
from jimeng_api.domain.results import Picture
from jimeng_api.web.parts import parts_of
from jimeng_api.web.schemas.errors import error_answers

router = APIRouter(tags=["media"])

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_RANGE = re.compile(
    r"bytes=\s*(?:([0-9]{1,18})\s*-\s*([0-9]{1,18})?|-\s*([0-9]{1,18}))\s*", re.ASCII
)

# Only what a browser shows as a picture and nothing else is shown by it; the rest is saved.
_SHOWN = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_NOTHING_ELSE = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
    "referrer-policy": "no-referrer",
}


@router.head("/media/{media_id}", include_in_schema=False)
@router.get(
    "/media/{media_id}",
    summary="Fetch a result",
    description="The file behind a link of an answer. A single `Range` is served as such; `If-None-Match` is "
    "understood.",
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "description": "The whole file.",
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}} for kind in _SHOWN
            },
        },
        206: {"description": "The part that was asked for."},
        304: {"description": "The caller has it already."},
        416: {"description": "The file has no such part."},
        **error_answers(404, 503),
    },
)
async def fetch_media(request: Request, media_id: str) -> Response:
    if not _ID.fullmatch(media_id):
        raise NotFound("There is no such file.")
    picture = await parts_of(request).desk.picture(media_id)
    headers = _headers(picture)
    if _matches(request.headers.get("if-none-match"), headers["etag"]):
        return Response(status_code=304, headers=headers)
    part = _asked_part(request, picture, headers["etag"])
    if part is None:
        part = range(picture.size)
        status = 200
    elif not part:
        headers["content-range"] = f"bytes */{picture.size}"
        return Response(status_code=416, headers=headers)
    else:
        headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{picture.size}"
        status = 206
    headers["content-length"] = str(len(part))
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=picture.content_type)
    body = parts_of(request).media.stream(picture.media_id, start=part.start, end=part.stop)
    first = await anext(body, b"")  # what cannot be read says so before the answer begins
    return StreamingResponse(
        _after(first, body), status_code=status, headers=headers, media_type=picture.content_type
    )


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def _headers(picture: Picture) -> dict[str, str]:
    ending = _SHOWN.get(picture.content_type)
    name = f"{picture.media_id}.{ending or 'bin'}"
    return {
        "etag": f'"{picture.sha256}"',
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=31536000, immutable",
        "content-disposition": f'{"inline" if ending else "attachment"}; filename="{name}"',
        **_NOTHING_ELSE,
    }


def _matches(tags: str | None, etag: str) -> bool:
    if tags is None:
        return False
    return tags.strip() == "*" or etag in [
        tag.strip().removeprefix("W/") for tag in tags.split(",")
    ]


def _asked_part(request: Request, picture: Picture, etag: str) -> range | None:
    """The bytes that Range names: none of them where there are none such, None for the whole file.

    More than one range, or one that cannot be read, means the whole file: that is always a right answer.
    """
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None or request.headers.get("if-range", etag) != etag:
        return None
    start, end, last = asked.groups()
    if last is not None:
        return range(max(0, picture.size - int(last)), picture.size)
    if end is not None and int(end) < int(start):
        return None
    return range(int(start), min(picture.size, int(end) + 1 if end else picture.size))
