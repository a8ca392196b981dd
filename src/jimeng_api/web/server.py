"""The HTTP server: uvicorn, with a deadline and a size for the head of a request, which it has none of."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import msgspec
import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import HANDLED_SIGNALS

from jimeng_api.clock import SystemClock
from jimeng_api.domain.errors import (
    GatewayError,
    HeadersTooLarge,
    MalformedBody,
    RequestTimedOut,
)
from jimeng_api.web.errors import LOOKS, error_object

HEAD_SECONDS = 15.0
HEAD_BYTES = 32 * 1024
LINGER_SECONDS = 5.0


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol for one connection, which a sender of single bytes cannot hold open.

    A head must be complete `head_seconds` after its connection, or after its own first byte, and may have
    `head_bytes`. A body that nobody reads any more gets `linger_seconds` to end, so that its sender can read
    the answer; then the connection is closed.
    """

    head_seconds: ClassVar[float] = HEAD_SECONDS
    head_bytes: ClassVar[int] = HEAD_BYTES
    linger_seconds: ClassVar[float] = LINGER_SECONDS

    _in_head = True  # what comes next belongs to a head
    _begun = False  # and some of it has come
    _taken = 0  # bytes of the head so far
    _timer: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun = True
        if self._timer is None:
            self._wait_for_head()

    @override
    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._taken += len(data)
        super().data_received(data)
        if self._in_head and self._taken > self.head_bytes:
            self._refuse(
                HeadersTooLarge(f"The request's head is larger than {self.head_bytes} bytes.")
            )

    @override
    def on_headers_complete(self) -> None:
        self._in_head = self._begun = False
        self._taken = 0
        self._stop_timer()
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True
        if self.cycle.response_complete:
            self._stop_timer()
            self._wait_for_next()

    @override
    def on_response_complete(self) -> None:
        # Some clients send the next request as soon as they have read all that an answer is to have.
        is_of_the_next = bool(self.pipeline)
        super().on_response_complete()
        if not self._in_head and not is_of_the_next and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._timer = self.loop.call_later(self.linger_seconds, self.transport.close)

    @override
    def send_400_response(self, msg: str) -> None:
        self._refuse(MalformedBody("This is not an HTTP request."))

    def _wait_for_head(self) -> None:
        self._timer = self.loop.call_later(self.head_seconds, self._head_is_late)

    def _wait_for_next(self) -> None:
        """Between two requests uvicorn's own timer closes the connection."""
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _head_is_late(self) -> None:
        if self._answering():
            self._wait_for_head()  # the connection belongs to the answer that is still to come
        elif not self._begun:
            self.transport.close()
        else:
            self._refuse(
                RequestTimedOut(
                    f"The request's head did not come within {self.head_seconds:g} seconds."
                )
            )

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _is_in_body_of_the_first(self) -> bool:
        """Whether what comes belongs to the request whose answer is the next, and has not begun."""
        return not (self._in_head or self.pipeline or self.cycle.response_started)

    def _refuse(self, error: GatewayError) -> None:
        """Answer what never became a whole request, and hang up."""
        self._stop_timer()
        if self.transport.is_closing():
            return
        if not self._answering() or self._is_in_body_of_the_first():
            if self.cycle is not None:
                self.cycle.disconnected = True  # what it was about to answer has come too late
            self.transport.write(_refusal(error, self.server_state.default_headers))
        self.transport.close()


def _refusal(error: GatewayError, headers: list[tuple[bytes, bytes]]) -> bytes:
    body = msgspec.json.encode({"error": error_object(error)})
    lines = [
        *headers,
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", b"req_%s" % SystemClock().token(12).encode()),
        (b"x-should-retry", b"false"),
        (b"access-control-allow-origin", b"*"),
        (b"connection", b"close"),
    ]
    head = b"".join(b"%s: %s\r\n" % line for line in lines)
    return STATUS_LINE[LOOKS[type(error)].status] + head + b"\r\n" + body


class GatewayServer(uvicorn.Server):
    """Lets those who wait go before it waits for them, and returns when it was told to stop.

    uvicorn raises the signal that stopped it once more, and whatever its caller has to put away stays undone.
    """

    def __init__(
        self, config: uvicorn.Config, *, stopping: Callable[[], Awaitable[None]] | None
    ) -> None:
        super().__init__(config)
        self._stopping = stopping

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @override
    async def shutdown(self, sockets: list[Any] | None = None) -> None:
        if self._stopping is not None:
            await self._stopping()
        await super().shutdown(sockets)


def build_server(
    app: ASGIApp,
    *,
    host: str = "127.0.0.1",
    port: int = 5100,
    stopping: Callable[[], Awaitable[None]] | None = None,
    graceful_seconds: int = 8,
    keep_alive_seconds: int = 75,
    head_seconds: float = HEAD_SECONDS,
    head_bytes: int = HEAD_BYTES,
    linger_seconds: float = LINGER_SECONDS,
) -> GatewayServer:
    """The server, to be run with `await server.serve()`.

    `stopping` is called first when it is told to stop: from then on, whoever waits should be let go.
    """
    limits = {
        "head_seconds": head_seconds,
        "head_bytes": head_bytes,
        "linger_seconds": linger_seconds,
    }
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="auto" if sys.platform == "win32" else "uvloop",
        http=type("Protocol", (GuardedProtocol,), limits),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        timeout_keep_alive=keep_alive_seconds,
        timeout_graceful_shutdown=graceful_seconds,
        backlog=2048,
    )
    return GatewayServer(config, stopping=stopping)
