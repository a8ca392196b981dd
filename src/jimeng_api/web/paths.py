"""One route, several spellings: with and without `/v1`, with and without a slash at the end. No redirects."""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

_SLASHES = re.compile(r"/{2,}")


class PlainPaths:
    """Leads every spelling of a path to the one that the routes have.

    A redirect would make a GET of a POST, and some clients drop their key on the way.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["path"] = plain(scope["path"])
        await self._app(scope, receive, send)


def plain(path: str) -> str:
    path = _SLASHES.sub("/", path).rstrip("/")
    if path == "/v1" or path.startswith("/v1/"):
        path = path.removeprefix("/v1")
    return path or "/"
