"""Browsers: which pages may call us, and what they may read. Keys come in a header, never in a cookie."""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = "GET, HEAD, POST, DELETE, OPTIONS"
EXPOSED = (
    "x-request-id, x-job-id, x-should-retry, x-partial, x-jimeng-size-adjusted, retry-after, "
    "retry-after-ms, openai-poll-after-ms, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, "
    "x-ratelimit-reset-requests, content-length, content-range, etag"
)
_USUAL_HEADERS = "authorization, content-type, idempotency-key"
_HEADER_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,4096}")
_ONE_DAY = "86400"


class Cors:
    """Answers every OPTIONS, and lets the pages of these origins read every answer, errors as well."""

    def __init__(self, app: ASGIApp, *, origins: Iterable[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        allowed = self._allowed(headers.get("origin"))
        if scope["method"] == "OPTIONS":
            start = {
                "type": "http.response.start",
                "status": 204,
                "headers": [*allowed, *_preflight(headers)],
            }
            await send(start)
            await send({"type": "http.response.body", "body": b""})
            return

        async def send_allowed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *allowed]
            await send(message)

        await self._app(scope, receive, send_allowed)

    def _allowed(self, origin: str | None) -> list[tuple[bytes, bytes]]:
        if "*" in self._origins:
            return [_header("access-control-allow-origin", "*"), _EXPOSE]
        if not self._origins:
            return []
        if origin is None or origin.lower() not in self._origins:
            return [_VARY]
        return [_header("access-control-allow-origin", origin), _EXPOSE, _VARY]


def _preflight(headers: Headers) -> list[tuple[bytes, bytes]]:
    asked = headers.get("access-control-request-headers", "")
    return [
        _header("allow", METHODS),
        _header("access-control-allow-methods", METHODS),
        _header(
            "access-control-allow-headers",
            asked if _HEADER_NAMES.fullmatch(asked) else _USUAL_HEADERS,
        ),
        _header("access-control-max-age", _ONE_DAY),
    ]


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    return name.encode(), value.encode()


_EXPOSE = _header("access-control-expose-headers", EXPOSED)
_VARY = _header("vary", "Origin")
