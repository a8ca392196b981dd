"""Results: `GET /media/{id}`. No key is needed; the id cannot be guessed."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from starlette.responses import Response

from jimeng_api.domain.errors import NotFound
from jimeng_api.web.parts import parts_of
from jimeng_api.web.schemas.errors import error_answers
from jimeng_api.web.serving import SHOWN, StoredFile, file_answer

router = APIRouter(tags=["media"])

_NAME = re.compile(r"([A-Za-z0-9_-]{1,128})(?:\.([a-z0-9]{2,4}))?")


@router.head("/media/{media_id}", include_in_schema=False)
@router.get(
    "/media/{media_id}",
    summary="Fetch a result",
    description="The file behind a link of an answer. A single `Range` is served as such; `If-None-Match` is "
    "understood. The ending of its type may stand behind the id (`.png`, `.jpg`, `.webp`, `.mp4`).",
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "description": "The whole file.",
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in SHOWN},
        },
        206: {"description": "The part that was asked for."},
        304: {"description": "The caller has it already."},
        416: {"description": "The file has no such part."},
        **error_answers(404, 503),
    },
)
async def fetch_media(request: Request, media_id: str) -> Response:
    name = _NAME.fullmatch(media_id)
    if name is None:
        raise NotFound("There is no such file.")
    picture = await parts_of(request).desk.picture(name[1])
    if name[2] not in (None, SHOWN.get(picture.content_type)):
        raise NotFound("There is no such file.")
    return await file_answer(request, StoredFile.of(picture))
