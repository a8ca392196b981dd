"""Is it there, is it well, is it ready."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import structlog
from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from jimeng_api.web.parts import parts_of

router = APIRouter(tags=["health"])
log = structlog.get_logger()


@router.head("/ping", include_in_schema=False)
@router.get(
    "/ping",
    summary="Is it there?",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"example": "pong"}}}},
)
async def ping() -> Response:
    return PlainTextResponse("pong")


@router.head("/healthz", include_in_schema=False)
@router.get(
    "/healthz",
    summary="Is the process well?",
    response_model=None,
    response_class=Response,
    responses={200: {"content": {"application/json": {"example": {"status": "ok"}}}}},
)
async def healthz() -> Response:
    return _json({"status": "ok"}, 200)


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    summary="Can it take requests?",
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "content": {
                "application/json": {
                    "example": {"status": "ready", "checks": {"database": True, "media": True}}
                }
            }
        },
        503: {
            "description": "Something that is needed is not there.",
            "content": {
                "application/json": {
                    "example": {"status": "not_ready", "checks": {"database": False, "media": True}}
                }
            },
        },
    },
)
async def readyz(request: Request) -> Response:
    try:
        found = await parts_of(request).ready()
    except Exception:
        log.exception("readiness_check_failed")
        found = False
    checks = dict(found) if isinstance(found, Mapping) else {}
    ready = all(checks.values()) if isinstance(found, Mapping) else found
    status = {"status": "ready" if ready else "not_ready", "checks": checks}
    return _json(status, 200 if ready else 503)


def _json(found: object, status: int) -> Response:
    return Response(msgspec.json.encode(found), status, media_type="application/json")
