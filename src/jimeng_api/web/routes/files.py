"""Files that requests name by their ids instead of bringing them: `/v1/files`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from jimeng_api.domain.errors import InvalidValue, NotFound
from jimeng_api.jobs.files import CallersFile
from jimeng_api.media.intake import Sent
from jimeng_api.web.auth import KnownCaller
from jimeng_api.web.forms import MULTIPART
from jimeng_api.web.incoming import body_fields
from jimeng_api.web.parts import parts_of
from jimeng_api.web.schemas.errors import error_answers
from jimeng_api.web.schemas.files import (
    EXAMPLE_BODY,
    EXAMPLE_DELETED,
    EXAMPLE_FILE,
    EXAMPLE_FORM,
    EXAMPLE_LIST,
    FileBody,
    FileDeletedReply,
    FileList,
    FileReply,
    file_object,
)
from jimeng_api.web.schemas.shown import named
from jimeng_api.web.serving import StoredFile, file_answer
from jimeng_api.web.showing import json_answer, page_answer
from jimeng_api.web.sources import FILE_ID, sources_of, taking

router = APIRouter(tags=["files"])

_LONGEST_NAME = 255


def _answer(description: str, schema: type[BaseModel], example: object) -> dict[str, Any]:
    content = {"application/json": {"schema": named(schema), "example": example}}
    return {"description": description, "content": content}


@router.post(
    "/files",
    summary="Upload a file",
    description="Keeps a picture, a film or a sound for about a day, to be named as `file_id` wherever a "
    "request takes such a file. What is wrong with it is told here.",
    response_model=None,
    response_class=Response,
    responses={
        200: _answer("The file.", FileReply, EXAMPLE_FILE),
        **error_answers(400, 401, 408, 413, 503),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": named(FileBody), "example": EXAMPLE_BODY},
                MULTIPART: {"schema": named(FileBody), "example": EXAMPLE_FORM},
            },
        }
    },
)
async def upload_file(request: Request, caller: KnownCaller) -> Response:
    parts = parts_of(request)
    async with body_fields(request) as fields:
        body = FileBody.of(fields)
        body.check_purpose()
        sources = sources_of(request, fields, ("file",))
        if len(sources) != 1:
            raise InvalidValue("file must be one file.", param="file")
        async with taking(request, films=True) as take:
            (kept,) = await take(sources)
            name = sources[0].name if isinstance(sources[0], Sent) else ""
            file = CallersFile(
                id=f"{FILE_ID}{parts.clock.token()}",
                owner=caller.owner,
                name=name[:_LONGEST_NAME] or "upload",
                purpose=body.purpose,
                created_at=parts.clock.now(),
                media_id=kept.media_id,
                content_type=kept.content_type,
                size=kept.size,
                sha256=kept.sha256,
            )
            await parts.files.add(file)
    return json_answer(_shown(request, file))


@router.get(
    "/files",
    summary="List your files",
    description="The files of this key, the newest first. `last_id` of a page is the `after` of the next.",
    response_model=None,
    response_class=Response,
    responses={
        200: _answer("A page of files.", FileList, EXAMPLE_LIST),
        **error_answers(400, 401, 503),
    },
)
async def list_files(
    request: Request,
    caller: KnownCaller,
    after: Annotated[str | None, Query(description="The id of the file before the page.")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="How many: 1 to 10000.")] = 1_000,
    order: Annotated[
        Literal["asc", "desc"], Query(description="By time: oldest first, or newest.")
    ] = "desc",
    purpose: Annotated[str | None, Query(description="Only those of this purpose.")] = None,
) -> Response:
    try:
        found = await parts_of(request).files.page(
            caller.owner,
            after=after,
            limit=limit + 1,
            newest_first=order == "desc",
            purpose=purpose,
        )
    except NotFound:
        raise InvalidValue("after: there is no such file.", param="after") from None
    return page_answer([_shown(request, file) for file in found[:limit]], more=len(found) > limit)


@router.get(
    "/files/{file_id}",
    summary="Look at one file",
    description="What is known of it, not the file itself.",
    response_model=None,
    response_class=Response,
    responses={
        200: _answer("The file.", FileReply, EXAMPLE_FILE),
        **error_answers(401, 404, 503),
    },
)
async def look_at_file(request: Request, caller: KnownCaller, file_id: str) -> Response:
    return json_answer(_shown(request, await parts_of(request).files.find(caller.owner, file_id)))


@router.delete(
    "/files/{file_id}",
    summary="Delete a file",
    description="It is gone for good. Jobs that started from it have copies of their own.",
    response_model=None,
    response_class=Response,
    responses={
        200: _answer("It is gone.", FileDeletedReply, EXAMPLE_DELETED),
        **error_answers(401, 404, 503),
    },
)
async def delete_file(request: Request, caller: KnownCaller, file_id: str) -> Response:
    parts = parts_of(request)
    file = await parts.files.find(caller.owner, file_id)
    await parts.media.delete(file.media_id)  # first: whoever is cut off can delete it again
    await parts.files.forget(caller.owner, file_id)
    return json_answer({"id": file_id, "object": "file", "deleted": True})


@router.get(
    "/files/{file_id}/content",
    summary="Fetch a file",
    description="The bytes, for the key that uploaded them. A single `Range` is served as such.",
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "description": "The whole file.",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        },
        206: {"description": "The part that was asked for."},
        304: {"description": "The caller has it already."},
        416: {"description": "The file has no such part."},
        **error_answers(401, 404, 503),
    },
)
async def fetch_file(request: Request, caller: KnownCaller, file_id: str) -> Response:
    file = await parts_of(request).files.find(caller.owner, file_id)
    stored = StoredFile(
        media_id=file.media_id,
        content_type=file.content_type,
        size=file.size,
        digest=file.sha256,
    )
    return await file_answer(request, stored)


def _shown(request: Request, file: CallersFile) -> dict[str, Any]:
    return file_object(file, kept_seconds=parts_of(request).options.keep_inputs_seconds)
