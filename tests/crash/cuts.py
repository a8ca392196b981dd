"""Cuts the connection of OpenAI's own client at many moments, and sees what each cut costs.

`python -m tests.crash.cuts` runs real processes on the loopback: a simulated upstream, whose ledger is the
truth, the gateway, and between the client and the gateway a wire of our own that breaks once or twice. The
client is `openai.OpenAI` as it comes, which sends again by itself what broke. Every moment must end with one
submission and the right pictures. Exit code 1 when one does not.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import socket
import struct
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec
import openai
from typing_extensions import override

from tests.crash.processes import Gateway, Simulator

KEY = "5" + "c" * 31
MODEL = "jimeng-3.0"  # with small pictures
PICTURES = 2
JOB_SECONDS = 2.0  # and some more until the gateway looks
AT_ONCE = 10

Part = Literal["connection", "head", "body"]
Side = Literal["request", "waiting", "answer"]
End = Literal["RST", "FIN"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When the wire breaks, and how.

    On the `request` and the `answer` it breaks after a `share` of the part (all or nothing of a head, from 0
    to 1 of a body) and `more` bytes;
    while `waiting` it breaks `seconds` after the request went through. `hidden` hides the break from the
    gateway, which goes on waiting for a caller who is not there any more. `times` is how many connections
    break one after the other. A `forgetful` client does not say that it sends something again.
    """

    name: str
    side: Side
    part: Part = "body"
    share: float = 0.0
    more: int = 0
    seconds: float = 0.0
    end: End = "RST"
    hidden: bool = False
    stream: bool = False
    times: int = 1
    forgetful: bool = False


def request(name: str, part: Part, share: float = 0.0, more: int = 0, **values: Any) -> Moment:
    return Moment(name=name, side="request", part=part, share=share, more=more, **values)


def waiting(seconds: float, **values: Any) -> Moment:
    name = f"{seconds:g} s after the request"
    return Moment(name=name, side="waiting", seconds=seconds, **values)


def answer(name: str, part: Part, share: float = 0.0, more: int = 0, **values: Any) -> Moment:
    return Moment(name=name, side="answer", part=part, share=share, more=more, **values)


MOMENTS: tuple[Moment, ...] = (
    request("as soon as it is connected", "connection"),
    request("as soon as it is connected", "connection", end="FIN"),
    request("after a byte of the head", "head", more=1),
    request("amid the head", "head", more=150, end="FIN"),
    request("after the head", "head", 1.0),
    request("amid the body", "body", 0.5),
    request("before the body's last byte", "body", 1.0, more=-1, end="FIN"),
    request("after the body's last byte", "body", 1.0),
    request("after the body's last byte", "body", 1.0, end="FIN"),
    waiting(0.02),
    waiting(0.1, end="FIN"),
    waiting(0.4),
    waiting(1.0, hidden=True),
    waiting(2.0, end="FIN", times=2),
    waiting(4.0),
    answer("after a byte of the answer", "head", more=1),
    answer("amid the answer's head", "head", more=60, end="FIN"),
    answer("after the answer's head", "head", 1.0),
    answer("amid the answer", "body", 0.5),
    answer("amid the answer", "body", 0.5, end="FIN", times=2),
    answer("before the answer's last byte", "body", 1.0, more=-1),
    answer("before the answer's last byte", "body", 1.0, more=-1, end="FIN", hidden=True),
    answer("after the answer's last byte", "body", 1.0),
    # What is cut once a stream has begun is not the client's to send again: its user does, with a key.
    request("amid the body", "body", 0.5, stream=True),
    request("after the body's last byte", "body", 1.0, stream=True),
    answer("after a byte of the answer", "head", more=1, stream=True),
    answer("after the first sign of life", "body", more=20, stream=True),
    answer("amid the first picture", "body", more=5_000, stream=True, end="FIN"),
    answer("amid the first picture", "body", more=5_000, stream=True, hidden=True, times=2),
)

A_FEW: tuple[Moment, ...] = tuple(MOMENTS[number] for number in (0, 6, 7, 11, 12, 18, 20, 27))

FORGOTTEN = waiting(0.4, forgetful=True)
"""Costs twice, and that must be seen: the upstream is paid by each of two requests that seem to be two."""


# ------------------------------------------------------------------------------ the wire


class Broken(Exception):
    """The moment has come."""


@dataclass(slots=True)
class Passed:
    """What has gone through in one direction of one connection."""

    moment: Moment | None
    seen: bytearray = field(default_factory=bytearray)
    length: int = 0

    def allowed(self, data: bytes) -> bytes:
        """As much of it as may go through; less than all of it means that the wire breaks here."""
        if self.moment is None:
            return data
        if len(self.seen) < 65_536:  # the head is in there
            self.seen += data
        self.length += len(data)
        most = self._most()
        return data if most is None else data[: max(0, len(data) - (self.length - most))]

    def _most(self) -> int | None:
        """How many bytes may go through, once that can be told."""
        assert self.moment is not None
        head = self.seen.find(b"\r\n\r\n") + 4
        if self.moment.part == "head" and not self.moment.share:
            return self.moment.more
        if head < 4:
            return None
        if self.moment.part == "head":
            return head + self.moment.more
        if not self.moment.share:
            return head + self.moment.more
        return head + int(self._body(head) * self.moment.share) + self.moment.more

    def _body(self, head: int) -> int:
        lines = bytes(self.seen[:head]).lower().split(b"\r\n")
        found = [line for line in lines if line.startswith(b"content-length:")]
        return int(found[0].partition(b":")[2]) if found else 0

    @property
    def whole(self) -> bool:
        head = self.seen.find(b"\r\n\r\n") + 4
        return head >= 4 and self.length >= head + self._body(head)


class Wire:
    """Between a client and the gateway; its first connections break at a moment, the others do not."""

    def __init__(self, moment: Moment, gateway_port: int) -> None:
        self._moment = moment
        self._gateway_port = gateway_port
        self._held: list[asyncio.StreamWriter] = []
        self.connections = 0

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[str]:
        """The address of its near end."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=2**24)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for writer in self._held:
                writer.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        moment = self._moment if self.connections <= self._moment.times else None
        if moment is not None and moment.part == "connection":
            _close(writer, moment.end)
            return
        near = (reader, writer)
        far = await asyncio.open_connection("127.0.0.1", self._gateway_port, limit=2**24)
        sent = asyncio.Event()
        ways = [
            asyncio.create_task(self._way(near[0], far[1], moment, "request", sent)),
            asyncio.create_task(self._way(far[0], near[1], moment, "answer", sent)),
        ]
        if moment is not None and moment.side == "waiting":
            ways.append(asyncio.create_task(_later(sent, moment.seconds)))
        done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        broken = any(isinstance(way.exception(), Broken) for way in done)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        end: End = moment.end if broken and moment else "FIN"
        _close(writer, end)
        if broken and moment is not None and moment.hidden:
            self._held.append(far[1])
        else:
            _close(far[1], end)

    async def _way(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        moment: Moment | None,
        side: Side,
        sent: asyncio.Event,
    ) -> None:
        """Carry what comes, until it ends or must not go on."""
        passed = Passed(moment if moment is not None and moment.side == side else None)
        request = Passed(moment) if side == "request" else None
        while data := await reader.read(65_536):
            allowed = passed.allowed(data)
            if allowed:
                writer.write(allowed)
                with suppress(ConnectionError):
                    await writer.drain()
            if len(allowed) < len(data) or (passed.moment is not None and self._is_there(passed)):
                await asyncio.sleep(0.02)  # what went through is to arrive before the end does
                raise Broken
            if request is not None:
                request.seen += data
                request.length += len(data)
                if request.whole:
                    sent.set()

    def _is_there(self, passed: Passed) -> bool:
        most = passed._most()
        return most is not None and passed.length >= most


async def _later(sent: asyncio.Event, seconds: float) -> None:
    await sent.wait()
    await asyncio.sleep(seconds)
    raise Broken


def _close(writer: asyncio.StreamWriter, end: End) -> None:
    own: socket.socket | None = writer.get_extra_info("socket")
    if end == "RST" and own is not None:
        with suppress(OSError):
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return
    writer.close()


# ---------------------------------------------------------------------------- the client


def generate(base_url: str, prompt: str, *, forgetful: bool = False) -> list[bytes]:
    """As any program would ask for pictures."""
    own = {"x-stainless-retry-count": "0"} if forgetful else None
    with openai.OpenAI(base_url=f"{base_url}/v1", api_key=KEY) as client:
        reply = client.images.generate(
            model=MODEL,
            prompt=prompt,
            n=PICTURES,
            response_format="b64_json",
            extra_body={"resolution": "1k"},
            extra_headers=own,
        )
    return [base64.b64decode(one.b64_json or "") for one in reply.data or []]


def generate_streamed(base_url: str, prompt: str) -> list[bytes]:
    """The same, told as it comes; what breaks then is asked for again, under the key of the order."""
    with openai.OpenAI(base_url=f"{base_url}/v1", api_key=KEY) as client:
        for _ in range(4):
            try:
                stream = client.images.generate(
                    model=MODEL,
                    prompt=prompt,
                    n=PICTURES,
                    stream=True,
                    extra_body={"resolution": "1k"},
                    extra_headers={"Idempotency-Key": prompt},
                )
                found = [base64.b64decode(event.b64_json) for event in stream]
            except Exception as error:
                if not _of_the_wire(error):
                    raise
            else:
                if len(found) == PICTURES:  # a stream that ends early looks like one that ended
                    return found
    return []


def _of_the_wire(error: Exception) -> bool:
    return isinstance(error, openai.APIConnectionError) or "httpx" in type(error).__module__


# --------------------------------------------------------------------------- the verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    moment: Moment
    connections: int
    submits: int
    jobs: int
    pictures: int
    seconds: float
    trouble: str = ""

    @property
    def well(self) -> bool:
        right = (self.submits, self.jobs, self.pictures) == (1, 1, PICTURES)
        whole = self.moment.side == "answer" and self.moment.share == 1.0 and not self.moment.more
        tries = 1 if whole and self.moment.part == "body" else self.moment.times + 1
        return right and not self.trouble and self.connections == tries

    @override
    def __str__(self) -> str:
        moment = self.moment
        what = f"{'stream, ' if moment.stream else ''}{moment.name}"
        how = " ".join(
            [
                moment.end,
                *(["unnoticed"] if moment.hidden else []),
                *(["twice"] * (moment.times > 1)),
            ]
        )
        found = (
            f"{self.connections} connections, {self.submits} submitted, {self.jobs} jobs, "
            f"{self.pictures} pictures, {self.seconds:.1f} s"
        )
        return f"{'ok  ' if self.well else 'BAD '} {what:<46} {how:<14} {found}  {self.trouble}".rstrip()


class Cuts:
    """A simulated upstream, a gateway, and the moments, some at a time."""

    def __init__(self, folder: Path) -> None:
        self._simulator = Simulator(folder, seed=1)
        self._folder = folder
        self._gateway: Gateway | None = None
        self._clients = ThreadPoolExecutor(AT_ONCE)

    async def run(self, moments: Iterable[Moment]) -> AsyncIterator[Outcome]:
        """The outcomes as they come."""
        try:
            await self._simulator.start()
            await _post(f"{self._simulator.origin}/_sim/time", {"seconds": JOB_SECONDS})
            self._gateway = Gateway(
                self._folder, upstream=self._simulator.origin, confirmation_seconds=10
            )
            await self._gateway.start()
            await self._gateway.ready()
            places = asyncio.Semaphore(AT_ONCE)

            async def in_place(number: int, moment: Moment) -> Outcome:
                async with places:
                    return await self._cut(number, moment)

            work = [in_place(number, moment) for number, moment in enumerate(moments)]
            for outcome in asyncio.as_completed(work):
                yield await outcome
        finally:
            if self._gateway is not None:
                await self._gateway.kill()
            await self._simulator.stop()
            self._clients.shutdown(wait=False)

    async def _cut(self, number: int, moment: Moment) -> Outcome:
        assert self._gateway is not None
        prompt = f"a lighthouse, moment {number}"
        port = int(self._gateway.base_url.rpartition(":")[2])
        wire, trouble, pictures = Wire(moment, port), "", []
        began = time.monotonic()
        async with wire.laid() as base_url:
            ask = (
                generate_streamed
                if moment.stream
                else partial(generate, forgetful=moment.forgetful)
            )
            try:
                loop = asyncio.get_running_loop()
                pictures = await loop.run_in_executor(self._clients, ask, base_url, prompt)
            except openai.OpenAIError as error:
                trouble = f"{type(error).__name__}: {error}"[:120]
        seconds = time.monotonic() - began
        ledger = await _get(f"{self._simulator.origin}/_sim/ledger?brief=1")
        submits = [one for one in ledger["submits"] if one["prompt"] == prompt]
        listed = await _get(f"{self._gateway.base_url}/v1/jobs?limit=100", key=KEY)
        jobs = [one for one in listed["data"] if one["request"]["prompt"] == prompt]
        kept = {result["sha256"] for job in jobs for result in job["results"] if result["shown"]}
        right = {hashlib.sha256(file).hexdigest() for file in pictures} & kept
        return Outcome(
            moment=moment,
            connections=wire.connections,
            submits=len(submits),
            jobs=len(jobs),
            pictures=len(right),
            seconds=seconds,
            trouble=trouble,
        )


async def _get(url: str, *, key: str = "") -> Any:
    return await _asked("GET", url, None, key)


async def _post(url: str, order: object) -> Any:
    return await _asked("POST", url, order, "")


async def _asked(method: str, url: str, order: object, key: str) -> Any:
    """One request on a connection of its own."""
    place, _, path = url.removeprefix("http://").partition("/")
    host, _, port = place.partition(":")
    body = b"" if order is None else msgspec.json.encode(order)
    reader, writer = await asyncio.open_connection(host, int(port), limit=2**24)
    head = [
        f"{method} /{path} HTTP/1.1",
        f"host: {place}",
        f"content-length: {len(body)}",
        f"authorization: Bearer {key}",
        "connection: close",
    ]
    writer.write("\r\n".join([*head, "", ""]).encode() + body)
    heard = await reader.read()
    writer.close()
    return msgspec.json.decode(heard.partition(b"\r\n\r\n")[2])


async def cut_all(moments: Sequence[Moment], folder: Path) -> list[Outcome]:
    """All the outcomes, each told as it comes."""
    found = []
    async for outcome in Cuts(folder).run(moments):
        print(outcome, flush=True)
        found.append(outcome)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", action="store_true", help="the moments of the tests only")
    given = parser.parse_args(arguments)
    moments = A_FEW if given.few else MOMENTS
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="jimeng-api-cuts-") as place:
        outcomes = asyncio.run(cut_all(moments, Path(place)))
    well = sum(outcome.well for outcome in outcomes)
    submits = sum(outcome.submits for outcome in outcomes)
    print(
        f"{well} of {len(moments)} moments well; {submits} submissions for {len(moments)} orders "
        f"(amplification {submits / len(moments):.3f}); {time.monotonic() - began:.0f} s"
    )
    return 0 if well == len(moments) else 1


if __name__ == "__main__":
    sys.exit(main())
