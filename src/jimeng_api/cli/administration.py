"""The admin routes for the command line: those of a running gateway, or here, where none runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from jimeng_api.cli.caller import GatewayCaller, Refused, err
from jimeng_api.cli.configuration import configured
from jimeng_api.domain.secret import Secret
from jimeng_api.transport import Request, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message

    from jimeng_api.settings import Settings

OperatorUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        envvar="JIMENG_API_BASE_URL",
        help="Where the gateway listens. Without it: the one on this machine, or its database.",
    ),
]


@asynccontextmanager
async def administration(base_url: str | None) -> AsyncIterator[GatewayCaller]:
    """Raises Refused, and NotSent where a gateway that was named is not reached.

    The admin key is read from the settings, and never from the command line.
    """
    settings = await asyncio.to_thread(configured)
    key = settings.admin_key.get_secret_value() if settings.admin_key else None
    if base_url is not None and key is None:
        raise Refused("Set JIMENG_API_ADMIN_KEY to the admin key of that gateway.")
    if key is not None:
        at = base_url or f"http://127.0.0.1:{settings.port}"
        async with GatewayCaller(at, Secret(key)) as gateway:
            if base_url is not None or await gateway.is_there():
                yield gateway
                return
    async with _here(settings) as gateway:
        yield gateway


@asynccontextmanager
async def _here(settings: Settings) -> AsyncIterator[GatewayCaller]:
    from jimeng_api.accounts.key_file import KeyFileUnusable
    from jimeng_api.cli import logs
    from jimeng_api.database.ownership import DatabaseInUse
    from jimeng_api.database.schema import OtherKeyFile
    from jimeng_api.domain.errors import StorageUnavailable
    from jimeng_api.wiring import administered

    logs.set_up("warning", settings.log_format)  # what the command did, it says itself
    key = Secret(os.urandom(32).hex())
    try:
        async with administered(settings, key) as app:
            err.print(f"No gateway asked; in {_shown(settings.database)}", style="dim")
            yield GatewayCaller("http://127.0.0.1", key, door=_InProcess(app))
    except DatabaseInUse:
        raise Refused(
            "A gateway works on this database. Give it and this command the same JIMENG_API_ADMIN_KEY "
            "(and --base-url where it listens elsewhere), or stop it meanwhile."
        ) from None
    except (KeyFileUnusable, OtherKeyFile, OSError) as error:
        raise Refused(str(error)) from None
    except StorageUnavailable as error:
        raise Refused(error.message) from None


def _shown(url: str) -> str:
    """The database without its password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


class _InProcess:
    """Sends requests to an application of this process."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def send(self, request: Request) -> Response:
        status, headers, body = 0, {}, b""

        async def receive() -> Message:
            return {"type": "http.request", "body": request.body or b"", "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, headers, body
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                body += message.get("body", b"")

        parts = urlsplit(request.url)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in request.headers.items()],
            "client": None,
            "server": None,
        }
        await self._app(scope, receive, send)
        return Response(status=status, headers=headers, body=body)
