"""What a browser sees: the API page, the document it is made of, and a page that leads there."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from importlib.resources import files

import msgspec
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import HTMLResponse, Response

from jimeng_api.web.api_page import api_page, landing_page
from jimeng_api.web.document import document

router = APIRouter(include_in_schema=False)


@router.head("/")
@router.get("/")
async def landing(request: Request) -> Response:
    style = await asyncio.to_thread(_style)
    return _page(landing_page(style=style), style)


@router.head("/docs")
@router.get("/docs")
async def docs(request: Request) -> Response:
    app: FastAPI = request.app
    style = await asyncio.to_thread(_style)
    html = await asyncio.to_thread(lambda: api_page(document(app), style=style))
    return _page(html, style)


@router.head("/openapi.json")
@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    app: FastAPI = request.app
    body = await asyncio.to_thread(lambda: msgspec.json.encode(document(app)))
    return Response(body, media_type="application/json")


def _style() -> str:
    return files("jimeng_api.web").joinpath("page.css").read_text("utf-8")


def _page(html: str, style: str) -> Response:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    headers = {
        "content-security-policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
    }
    return HTMLResponse(html, headers=headers)
