"""How much a caller may send, and how long that may take. Stands in front of every parser."""

from __future__ import annotations

import asyncio

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

_LINE_BYTES = 4  # ": " and the end of the line


class Limits:
    """Refuses a head or a body that is too large, and a body that does not come in time.

    `receive_timeout` is in seconds, for the whole body.
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
        error = self._head_error(scope)
        if error is not None:
            await error_answer(error)(scope, receive, send)
            return
        intake = _Intake(
            receive,
            clock=self._clock,
            most=self._max_body_bytes,
            seconds=self._receive_timeout,
        )
        await self._app(scope, intake, send)

    def _head_error(self, scope: Scope) -> GatewayError | None:
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
        if len(named) > 18 or int(named) > self._max_body_bytes:
            return _too_large(self._max_body_bytes)
        return None


class _Intake:
    """The receiving side of one request, counted and timed until the body is complete."""

    def __init__(self, receive: Receive, *, clock: Clock, most: int, seconds: float) -> None:
        self._receive = receive
        self._clock = clock
        self._most = most
        self._seconds = seconds
        self._deadline = clock.monotonic() + seconds
        self._taken = 0
        self._complete = False

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout(self._deadline - self._clock.monotonic()):
                message = await self._receive()
        except TimeoutError as error:
            raise RequestTimedOut(
                f"The request's body did not come within {self._seconds:g} seconds."
            ) from error
        if message["type"] == "http.request":
            self._taken += len(message.get("body", b""))
            if self._taken > self._most:
                raise _too_large(self._most)
            self._complete = not message.get("more_body", False)
        return message


def _too_large(most: int) -> BodyTooLarge:
    return BodyTooLarge(f"The request's body is larger than {most} bytes, the most that is taken.")
