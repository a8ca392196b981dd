"""The outermost layer: a name for every request, one event about it, and no error that gets away."""

from __future__ import annotations

import logging
from contextlib import ExitStack

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jimeng_api.clock import Clock
from jimeng_api.domain.errors import InternalError
from jimeng_api.jobs.job import Job
from jimeng_api.web.errors import error_answer
from jimeng_api.web.links import Links

log = structlog.get_logger()

_QUIET = ("/ping", "/healthz", "/readyz")


class Access:
    """Adds `x-request-id` and `x-job-id` to every answer and writes one event when it is out.

    Headers that a request's state holds are added as well. An answer that takes long may leave itself under
    `later` and is given from here. What was put on the state's `held` stack is let go then.

    The event holds the route's pattern, never the path or the query: those may hold what nobody else should
    know.
    """

    def __init__(self, app: ASGIApp, *, clock: Clock, links: Links) -> None:
        self._app = app
        self._clock = clock
        self._links = links

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(dict(scope), receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1000})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = self._clock.monotonic()
        request_id = f"req_{self._clock.token(12)}"
        state = scope["state"] = {**scope.get("state", {}), "request_id": request_id}
        status = 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
                job = state.get("job")
                if isinstance(job, Job):
                    headers.append((b"x-job-id", job.id.encode()))
                for name, value in state.get("headers", {}).items():
                    headers.append((name.encode(), value.encode()))
                message["headers"] = headers
            await send(message)

        with (
            ExitStack() as state["held"],
            structlog.contextvars.bound_contextvars(request_id=request_id),
        ):
            try:
                await self._app(scope, receive, send_named)
                if "later" in state:
                    await state["later"]()
            except Exception:
                log.exception("request_failed", route=_route(scope))
                if status == 0:
                    answer = error_answer(InternalError("The gateway met an error of its own."))
                    await answer(scope, receive, send_named)
            finally:
                self._tell(scope, status, self._clock.monotonic() - began)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        job = scope["state"].get("job")
        log.log(
            logging.DEBUG if route in _QUIET else logging.INFO,
            "request",
            method=scope["method"][:16],
            route=route,
            status=status,
            seconds=round(seconds, 4),
            client=self._links.client(scope),
            **({"job": job.id} if isinstance(job, Job) else {}),
        )


def _route(scope: Scope) -> str:
    pattern: str = getattr(scope.get("route"), "path", "")
    return pattern or "none"
