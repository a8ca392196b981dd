"""Between a gateway that will be killed and the process that holds its upstream: a pipe for requests.

The upstream runs when it is asked, at the gateway's own virtual time, and the answer says how long it took.
"""

from __future__ import annotations

import pickle
import socket
import struct
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from jimeng_api.clock import Clock
from jimeng_api.transport import Broken, NotSent, Request, Response, Stream
from tests.chance import SeededChance
from tests.crash.failpoints import (
    ANSWERED,
    ARRIVED,
    BEFORE,
    UNDERWAY,
    Failpoints,
    kind_of,
    request_step,
)
from tests.crash.history import Event, Form, Moment
from tests.crash.troubles import Troubles

T = TypeVar("T")

_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that arrives `at` this moment; one that nobody waits for has no answer."""

    at: float
    request: Request
    awaited: bool = True


@dataclass(frozen=True, slots=True)
class Replied:
    """What came of a request after so many seconds."""

    seconds: float
    response: Response | None = None
    error: Broken | NotSent | None = None


@dataclass(frozen=True, slots=True)
class Troubled:
    """From now on the upstream has these troubles and no others."""

    at: float
    troubles: Troubles


@dataclass(frozen=True, slots=True)
class Told:
    at: float
    event: Event


@dataclass(frozen=True, slots=True)
class Dying:
    """The last word before the kill.

    `open`: what had not ended on the disk, by submit id; `oldest`: since when its oldest job is there.
    """

    at: float
    name: str
    moment: Moment
    open: dict[str, str]
    oldest: float | None


@dataclass(frozen=True, slots=True)
class Ended:
    """The last word of a life that was not killed; `why` it ended where it should not have."""

    at: float
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An order as its caller sends it, and would send it again, with the same key or as a client's retry."""

    number: int
    owner: str
    form: Form
    count: int
    prompt: str
    key: str | None = None
    cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Have a life, and be killed at `target` the `nth` time, or be read (`reading`).

    `recovering` arms the failpoint from the start on, else once all that was left over has ended; `needs` is
    the trouble that leads there. `began` is the moment at which the life begins, in seconds of the world.
    Orders get the numbers from `orders` on; those of `again` are sent again. What is on its way when it dies
    arrives `lag` seconds later.
    """

    seed: str
    began: float
    orders: int
    owners: Mapping[str, str]
    target: str | None = None
    nth: int = 1
    recovering: bool = False
    needs: str | None = None
    lag: float = 0.0
    reading: int = 0
    again: tuple[Sent, ...] = ()


@dataclass(frozen=True, slots=True)
class Gone:
    """The process of a life has ended; `status` as the operating system tells it."""

    status: int


Message = Plan | Sent | Asked | Replied | Troubled | Told | Dying | Ended | Gone


class Messages(Protocol):
    """What a gateway knows of the process that holds its upstream."""

    def put(self, message: Message) -> None: ...
    def get(self) -> Message | None: ...


class Line:
    """One end of the pipe. Whoever writes may be dead by the time it is read.

    What is only to be written down goes with the next message that is more: a life's last word is one.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._incoming = end.makefile("rb")
        self._told = bytearray()

    def put(self, message: Message) -> None:
        body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        self._told += _LENGTH.pack(len(body)) + body
        if not isinstance(message, Told | Sent | Troubled):
            self._end.sendall(self._told)
            self._told.clear()

    def get(self) -> Message | None:
        """The next message; None when the other side is gone."""
        try:
            length = self._incoming.read(_LENGTH.size)
        except ConnectionResetError:  # it went and left something unread
            return None
        if len(length) < _LENGTH.size:
            return None
        body = self._incoming.read(*_LENGTH.unpack(length))
        message: Message = pickle.loads(body)
        return message

    def close(self) -> None:
        self._incoming.close()
        self._end.close()


@dataclass
class SteppedClock(SeededChance):
    """The upstream's clock: stands still at the moment of the request, but for the waits that it makes."""

    at: float = 0.0
    waited: float = 0.0

    def __post_init__(self) -> None:
        super().__init__()

    def begin(self, at: float) -> None:
        self.at, self.waited = at, 0.0

    def now(self) -> float:
        return self.at + self.waited

    def monotonic(self) -> float:
        return self.now()

    async def sleep(self, seconds: float) -> None:
        self.waited += max(0.0, seconds)


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of what waits for nothing: no event loop is needed for it."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise RuntimeError("the upstream waits for something that this process does not have")


class PipeDoor:
    """The gateway's `Transport`, in the process that will be killed."""

    def __init__(self, points: Failpoints, clock: Clock) -> None:
        self._points = points
        self._clock = clock
        self.line: Messages | None = None
        self.lag = 0.0

    async def send(self, request: Request) -> Response:
        assert self.line is not None
        what = kind_of(request.url)
        self._pass(what, BEFORE)
        if what is not None and self._points.next_is(request_step(what, UNDERWAY)):
            self.line.put(Asked(self._clock.now() + self.lag, request, awaited=False))
        self._pass(what, UNDERWAY)
        self.line.put(Asked(self._clock.now(), request))
        reply = self.line.get()
        if not isinstance(reply, Replied):
            raise SystemExit("the upstream is gone")
        if isinstance(reply.error, NotSent):
            await self._clock.sleep(reply.seconds)
            raise reply.error
        self._pass(what, ARRIVED)
        await self._clock.sleep(reply.seconds)
        self._pass(what, ANSWERED)
        if reply.response is None:
            raise reply.error or Broken("nothing")
        return reply.response

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        response = await self.send(request)

        async def chunks() -> AsyncIterator[bytes]:
            yield response.body

        yield Stream(status=response.status, headers=response.headers, chunks=chunks())

    def _pass(self, what: str | None, step: int) -> None:
        if what is not None:
            self._points.hit(request_step(what, step))
