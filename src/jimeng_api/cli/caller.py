"""What the subcommands that call a running gateway share: its address, the key, the answers."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer
from rich.console import Console

from jimeng_api.domain.secret import Secret
from jimeng_api.transport import Broken, HttpTransport, NotSent, Request, Response, Stream

BaseUrl = Annotated[
    str, typer.Option("--base-url", envvar="JIMENG_API_BASE_URL", help="Where the gateway listens.")
]
Token = Annotated[
    str,
    typer.Option(
        "--token",
        envvar="JIMENG_API_TOKEN",
        show_envvar=True,
        prompt="Session id",
        hide_input=True,
        help="Session id, with us-, hk-, jp- or sg- before it outside China. Better in the environment.",
    ),
]
_MOST_FILM = 4 * 1024**3
DEFAULT_BASE_URL = "http://127.0.0.1:5100"

# Where nobody watches, lines are not broken to a screen that is not there.
out = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Refused(Exception):
    """The gateway answered with an error; the message is its own."""


class Door(Protocol):
    """What answers requests: a gateway over the network, or one in this process."""

    async def send(self, request: Request) -> Response: ...


@dataclass(slots=True)
class GatewayCaller:
    """Speaks to a gateway as any client does. `door` leads to one that is in this process."""

    base_url: str
    token: Secret
    door: Door | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack, repr=False)
    _transport: HttpTransport | None = field(default=None, repr=False)

    async def __aenter__(self) -> GatewayCaller:
        self._transport = HttpTransport()
        self._stack.push_async_callback(self._transport.close)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def get(self, path: str) -> Any:
        """The JSON at a path. Raises Refused."""
        return await self._said("GET", path, None, seconds=30)

    async def delete(self, path: str) -> Any:
        """The JSON that answers a deletion. Raises Refused."""
        return await self._said("DELETE", path, None, seconds=30)

    async def patch(self, path: str, order: object) -> Any:
        """The JSON that answers a change. Raises Refused."""
        import msgspec

        return await self._said("PATCH", path, msgspec.json.encode(order), seconds=30)

    async def is_there(self) -> bool:
        """Whether anything listens there."""
        try:
            await self._door.send(self._request("GET", "/ping", None, timeout=10))
        except NotSent:
            return False
        return True

    async def post(self, path: str, order: object = None, *, seconds: float = 90) -> Any:
        """The JSON that answers an order, which may take so long. Raises Refused."""
        import msgspec

        body = b"" if order is None else msgspec.json.encode(order)
        return await self._said("POST", path, body, seconds=seconds)

    async def _said(self, method: str, path: str, body: bytes | None, *, seconds: float) -> Any:
        door = self.door or self._door
        answer = await door.send(self._request(method, path, body, timeout=seconds))
        return _checked(answer.status, answer.body)

    async def fetch(self, url: str) -> bytes:
        """The bytes behind an absolute URL of the gateway."""
        request = Request(method="GET", url=url, timeout=120, max_bytes=256 * 1024 * 1024)
        answer = await self._door.send(request)
        if answer.status != 200:
            raise Refused(f"{url} answered {answer.status}.")
        return answer.body

    async def save(self, url: str, path: Path) -> None:
        """Write the bytes behind an absolute URL of the gateway into a file. Raises Refused."""
        import asyncio

        request = Request(method="GET", url=url, timeout=3600, max_bytes=_MOST_FILM)
        async with self._door.stream(request) as stream:
            if stream.status != 200:
                raise Refused(f"{url} answered {stream.status}.")
            file = await asyncio.to_thread(path.open, "wb")
            try:
                async for chunk in stream.chunks:
                    await asyncio.to_thread(file.write, chunk)
            finally:
                await asyncio.to_thread(file.close)

    async def stream(self, path: str, body: bytes, *, seconds: float) -> Stream:
        """An event stream, open until the caller closes this object. Raises Refused."""
        opening = self._door.stream(self._request("POST", path, body, timeout=seconds))
        stream = await self._stack.enter_async_context(opening)
        if stream.status != 200:
            _checked(stream.status, b"".join([chunk async for chunk in stream.chunks]))
        return stream

    @property
    def _door(self) -> HttpTransport:
        if self._transport is None:
            raise RuntimeError("use it as a context manager")
        return self._transport

    def _request(self, method: str, path: str, body: bytes | None, *, timeout: float) -> Request:
        return Request(
            method=method,
            url=self.base_url.rstrip("/").removesuffix("/v1") + path,
            headers={
                "authorization": f"Bearer {self.token.reveal()}",
                "content-type": "application/json",
            },
            body=body,
            timeout=timeout,
            max_bytes=512 * 1024 * 1024,
        )


async def events(stream: Stream) -> AsyncIterator[dict[str, Any]]:
    """The `data:` events of a stream. Raises Refused for an error among them."""
    import msgspec

    rest = b""
    async for chunk in stream.chunks:
        rest += chunk
        *lines, rest = rest.split(b"\n")
        for line in lines:
            if line.startswith(b"data:") and (text := line[5:].strip()) != b"[DONE]":
                event = msgspec.json.decode(text)
                if "error" in event:
                    raise Refused(_message(event))
                yield event


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a subcommand's work and turn what goes wrong into a message and an exit code."""
    import asyncio

    try:
        asyncio.run(work)
    except Refused as refusal:
        err.print(f"[red]{refusal}[/red]", markup=True)
        raise typer.Exit(1) from None
    except (NotSent, Broken) as error:
        err.print(
            f"The gateway was not reached ({error}). Is it running? Start it with: jimeng-api serve"
        )
        raise typer.Exit(3) from None
    except KeyboardInterrupt:
        err.print("Interrupted. A job that was accepted goes on: jimeng-api jobs list")
        raise typer.Exit(130) from None


def _checked(status: int, body: bytes) -> Any:
    import msgspec

    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise Refused(f"The gateway answered {status} without JSON.") from None
    if status >= 400:
        raise Refused(_message(answer))
    return answer


def _message(answer: Any) -> str:
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return "The gateway answered with an error that it did not explain."
    return f"{error.get('message')} ({error.get('code') or error.get('type')})"
