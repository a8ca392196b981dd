"""How much a caller may send, and how long that may take. Stands in front of every parser."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jimeng_api.clock import Clock
from jimeng_api.domain.errors import (
    BodyTooLarge,
    GatewayError,
    HeadersTooLarge,
    MalformedBody,
    RequestTimedOut,
)
from jimeng_api.web.errors import error_answer
from jimeng_api.web.forms import MULTIPART
from jimeng_api.web.paths import plain

_LINE_BYTES = 4  # ": " and the end of the line
_MIB = 1024 * 1024
_SLOWEST = 256 * 1024  # bytes a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The most bytes that a body may have, as JSON and as a form with files."""

    json: int
    form: int


# Ten pictures of 20 MiB each and their fields. A form's files lie on the disk while they come; JSON is held
# in memory, several times while it is read, so it gets what ten photographs of a telephone need and no more.
_PICTURES = Room(json=64 * _MIB, form=208 * _MIB)

# Three films of 200 MiB and pictures or sounds beside them, on the disk while they come.
_FILMS = Room(json=64 * _MIB, form=640 * _MIB)

ROOMS: Mapping[str, Room] = {
    "/chat/completions": _PICTURES,
    "/images/generations": _PICTURES,
    "/images/edits": _PICTURES,
    "/images/variations": _PICTURES,
    "/images/compositions": _PICTURES,
    "/images/upscale": _PICTURES,
    "/images/outpaint": _PICTURES,
    "/images/repair": _PICTURES,
    "/responses": _PICTURES,
    "/videos": _FILMS,
    "/videos/generations": _FILMS,
    "/videos/edits": _FILMS,
}
"""The routes that take pictures and films; `max_body_bytes` is for all the others."""


class Limits:
    """Refuses a head or a body that is too large, and a body that does not come in time.

    `receive_timeout` is in seconds, for a whole small body; a large one gets the time that a slow line needs.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        clock: Clock,
        max_body_bytes: int,
        max_header_bytes: int,
        max_headers: int,
        receive_timeout: float,
    ) -> None:
        self._app = app
        self._clock = clock
        self._max_body_bytes = max_body_bytes
        self._max_header_bytes = max_header_bytes
        self._max_headers = max_headers
        self._receive_timeout = receive_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._most(scope)
        error = self._head_error(scope, most)
        if error is not None:
            await error_answer(error)(scope, receive, send)
            return
        intake = _Intake(
            receive,
            clock=self._clock,
            most=most,
            seconds=self._receive_timeout,
        )
        await self._app(scope, intake, send)

    def _most(self, scope: Scope) -> int:
        room = ROOMS.get(plain(scope["path"]))
        if room is None:
            return self._max_body_bytes
        kind = Headers(scope=scope).get("content-type", "").strip().lower()
        return max(self._max_body_bytes, room.form if kind.startswith(MULTIPART) else room.json)

    def _head_error(self, scope: Scope, most: int) -> GatewayError | None:
        lines = scope["headers"]
        total = sum(len(name) + len(value) + _LINE_BYTES for name, value in lines)
        total += len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")
        if total > self._max_header_bytes:
            return HeadersTooLarge(
                f"The request's headers are larger than {self._max_header_bytes} bytes."
            )
        if len(lines) > self._max_headers:
            return HeadersTooLarge(f"The request has more than {self._max_headers} headers.")
        named = Headers(scope=scope).get("content-length")
        if named is None:
            return None
        if not (named.isascii() and named.isdigit()):
            return MalformedBody("Content-Length is not a number.")
        if len(named) > 18 or int(named) > most:
            return _too_large(most)
        return None


class _Intake:
    """The receiving side of one request, counted and timed until the body is complete."""

    def __init__(self, receive: Receive, *, clock: Clock, most: int, seconds: float) -> None:
        self._receive = receive
        self._clock = clock
        self._most = most
        self._seconds = seconds
        self._began = clock.monotonic()
        self._taken = 0
        self._complete = False

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout(self._left()):
                message = await self._receive()
        except TimeoutError as error:
            raise RequestTimedOut(
                f"The request's body did not come within {self._seconds:g} seconds, "
                f"and one more for every {_SLOWEST // 1024} KiB of it."
            ) from error
        if message["type"] == "http.request":
            self._taken += len(message.get("body", b""))
            if self._taken > self._most:
                raise _too_large(self._most)
            self._complete = not message.get("more_body", False)
        return message

    def _left(self) -> float:
        until = self._began + self._seconds + self._taken / _SLOWEST
        return until - self._clock.monotonic()


def _too_large(most: int) -> BodyTooLarge:
    return BodyTooLarge(f"The request's body is larger than {most} bytes, the most that is taken.")
