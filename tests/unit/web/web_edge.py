"""The edge in front of a desk that keeps everything in memory."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from starlette.types import ASGIApp, Message
from typing_extensions import override

from jimeng_api.accounts.keys import Keys, NoAccounts
from jimeng_api.accounts.session import Caller
from jimeng_api.accounts.store import AccountStore
from jimeng_api.accounts.tokens import Tokens
from jimeng_api.accounts.vault import Vault
from jimeng_api.clock import SystemClock
from jimeng_api.database.database import Database
from jimeng_api.domain.errors import (
    GatewayError,
    InvalidValue,
    JobCancelled,
    JobEnded,
    JobStillRunning,
    NotFound,
)
from jimeng_api.domain.failure import Failure
from jimeng_api.domain.progress import Progress, Queue
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.domain.results import Picture
from jimeng_api.domain.secret import Secret
from jimeng_api.generation.deleting import Deleting
from jimeng_api.generation.desk import Desk
from jimeng_api.generation.finishing import Finished, FinishedPictures
from jimeng_api.generation.live_catalogue import LiveCatalogue
from jimeng_api.generation.new_jobs import Prepared
from jimeng_api.generation.tending import Tending
from jimeng_api.jobs.files import CallersFile, Files
from jimeng_api.jobs.job import Job, JobKind, State, Submission
from jimeng_api.jobs.repeats import Repeat
from jimeng_api.media.callers_urls import CallersUrls
from jimeng_api.media.film_stills import FilmStills
from jimeng_api.media.intake import Intake
from jimeng_api.media.store import MediaStore
from jimeng_api.transport import NotSent, Response, Stream
from jimeng_api.transport import Request as Asked
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.constants import Constants
from jimeng_api.web.app import create_app
from jimeng_api.web.parts import Parts, Ready, WebOptions
from tests.answer import Answer

KEY = "0123456789abcdef0123456789abcdef"
CAT: dict[str, Any] = {"model": "jimeng-4.5", "prompt": "a cat"}
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
GENERATIONS = "/v1/images/generations"


class MemoryDesk(Desk):
    """Ends every job at once with as many pictures as were asked for, unless told otherwise."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.looks: dict[str, tuple[Progress, ...]] = {}
        self.refuses: GatewayError | None = None  # instead of taking an order
        self.unwritten: GatewayError | None = None  # when an order is about to be written down
        self.fails: GatewayError | None = None  # how every job ends
        self.breaks: Exception | None = None  # instead of an answer to `wait`
        self.taken = True  # whether the upstream took what then failed
        self.late = False  # what failed has pictures after all
        self.lines: dict[str, Queue] = {}
        self.repeats: list[Repeat | None] = []
        self.told: list[str] = []  # of which the answer went out whole
        self.makes = 4  # pictures, where the request names no number
        self.holds: asyncio.Event | None = None  # jobs end once this is set
        self.waiting = 0
        self.content_type = "image/png"

    @property
    def last(self) -> Job:
        return list(self.jobs.values())[-1]

    @property
    def request(self) -> ImageRequest:
        assert isinstance(self.last.request, ImageRequest)
        return self.last.request

    @override
    async def order(
        self,
        caller: Caller,
        prepared: Prepared,
        *,
        asked_model: str,
        repeat: Repeat | None = None,
        remarks: bytes = b"",
    ) -> Job:
        self.repeats.append(repeat)
        if self.refuses:
            raise self.refuses
        request = await prepared()
        if self.unwritten:
            raise self.unwritten
        number = len(self.jobs)
        part = Submission(
            submit_id=f"submit-{number}",
            job_id=f"job_{number}",
            number=0,
            gen_count=None,
            seed=1,
            site="cn",
            account="account",
        )
        job = Job(
            id=f"job_{number}",
            owner=caller.owner,
            asked_model=asked_model,
            remarks=remarks,
            request=request,
            created_at=1_763_800_000.5 + number,
            deadline=1_763_801_200.5 + number,
            submissions=(part,),
        )
        self.jobs[job.id] = job
        return job

    @override
    @contextmanager
    def awaiting(self, job_id: str) -> Iterator[None]:
        yield

    @override
    async def until_end(
        self, caller: Caller, job_id: str, *, seconds: float
    ) -> AsyncGenerator[Job, None]:
        self.waiting += 1
        try:
            if self.holds:
                await asyncio.wait_for(self.holds.wait(), seconds)
        except TimeoutError as error:
            raise JobStillRunning("It goes on.") from error
        finally:
            self.waiting -= 1
        if self.breaks:
            raise self.breaks
        yield self._end(self.jobs[job_id])

    @override
    def answered(self, job_id: str) -> None:
        self.told.append(job_id)

    @override
    async def changes(self, caller: Caller, job_id: str) -> AsyncGenerator[Job, None]:
        yield self.jobs[job_id]
        if self.holds:
            await self.holds.wait()
        if self.breaks:
            raise self.breaks
        yield self.jobs[job_id]
        yield self._end(self.jobs[job_id])

    @override
    async def cancel(self, caller: Caller, job_id: str, *, seconds: float = 60) -> Job:
        job = await self.find(caller, job_id)
        if job.state.ended:
            raise JobEnded("The job had ended before it could be cancelled.")
        self.fails = JobCancelled("The job was cancelled.")
        self.taken = False
        return self._end(job)

    @override
    async def find(self, caller: Caller, job_id: str) -> Job:
        job = self.jobs.get(job_id)
        if job is None or job.owner != caller.owner:
            raise NotFound("There is no such job.")
        return job

    @override
    async def list(
        self,
        caller: Caller,
        *,
        after: str | None = None,
        limit: int = 20,
        newest_first: bool = True,
        kind: JobKind | None = None,
    ) -> tuple[list[Job], bool]:
        theirs = [job for job in self.jobs.values() if job.owner == caller.owner]
        found = [job for job in theirs if kind in (None, job.kind)]
        if after is not None:
            await self.find(caller, after)
        found = found[::-1] if newest_first else found
        start = 1 + [job.id for job in found].index(after) if after else 0
        return found[start : start + limit], len(found) > start + limit

    @override
    async def picture(self, media_id: str) -> Picture:
        for job in self.jobs.values():
            for picture in job.pictures:
                if picture.media_id == media_id:
                    return picture
        raise NotFound("There is no such file.")

    @override
    def line(self, job: Job) -> Queue | None:
        return self.lines.get(job.id)

    @override
    def live(self, job_id: str) -> tuple[Progress, ...]:
        return self.looks.get(job_id, ())

    def _end(self, job: Job) -> Job:
        part = job.submissions[0]
        if self.fails:
            failure = Failure.of(self.fails)
            history = "4711" if self.taken else None
            part = replace(part, state=State.FAILED, failure=failure, history_id=history)
            job = replace(job, state=State.FAILED, failure=failure, submissions=(part,))
            if self.late:
                job = replace(job, pictures=(self._picture(job, 0),))
        else:
            part = replace(part, state=State.COMPLETED, history_id="4711")
            job = replace(
                job,
                state=State.COMPLETED,
                submissions=(part,),
                pictures=tuple(
                    self._picture(job, number)
                    for number in range(min(self.makes, job.request.count or self.makes))
                ),
            )
        job = replace(job, finished_at=job.created_at + 9)
        self.jobs[job.id] = job
        return job

    def _picture(self, job: Job, number: int) -> Picture:
        return Picture(
            media_id=f"media-{job.id}-{number}",
            number=number,
            item_id=f"item-{number}",
            content_type=self.content_type,
            width=2048,
            height=2048,
            size=len(PICTURE),
            sha256=hashlib.sha256(PICTURE).hexdigest(),
        )


class MemoryMedia(MediaStore):
    """Every file is the same picture."""

    def __init__(self) -> None:
        self.file = PICTURE
        self.fails: GatewayError | None = None
        self.inputs: dict[str, bytes] = {}  # what callers sent

    @override
    async def put(self, media_id: str, body: bytes | BinaryIO) -> None:
        assert isinstance(body, bytes)
        self.inputs[media_id] = body

    @override
    async def delete(self, media_id: str) -> None:
        self.inputs.pop(media_id, None)

    @override
    async def read(self, media_id: str) -> bytes:
        if self.fails:
            raise self.fails
        return self.file

    @override
    async def stream(self, media_id: str, *, start: int, end: int) -> AsyncIterator[bytes]:
        if self.fails:
            raise self.fails
        for at in range(start, end, 1000):
            yield self.file[at : min(end, at + 1000)]


class MemoryFiles(Files):
    def __init__(self) -> None:
        self.rows: dict[str, CallersFile] = {}

    @override
    async def add(self, file: CallersFile) -> None:
        self.rows[file.id] = file

    @override
    async def find(self, owner: str, file_id: str) -> CallersFile:
        file = self.rows.get(file_id)
        if file is None or file.owner != owner:
            raise NotFound("There is no such file.")
        return file

    @override
    async def forget(self, owner: str, file_id: str) -> None:
        self.rows.pop(file_id, None)


class MemoryDeleting(Deleting):
    def __init__(self, desk: MemoryDesk) -> None:
        self._memory = desk

    @override
    async def delete(self, caller: Caller, job_id: str) -> None:
        del self._memory.jobs[job_id]


class NoFinished(FinishedPictures):
    """Knows of nothing that was made before."""

    def __init__(self) -> None:
        pass

    @override
    async def of_result(self, caller: Caller, media_id: str, *, param: str) -> Finished:
        raise InvalidValue(f"{param}: there is no such result here.", param=param)


class Internet:
    """A `Transport` to callers' pictures, by their URLs."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []

    async def send(self, request: Asked) -> Response:
        raise NotSent("nothing is sent from here")

    @asynccontextmanager
    async def stream(self, request: Asked) -> AsyncIterator[Stream]:
        self.asked.append(request.url)
        if request.url not in self.files:
            raise NotSent("there is no such host")

        async def chunks() -> AsyncIterator[bytes]:
            yield self.files[request.url]

        yield Stream(status=200, headers={}, chunks=chunks())


async def until(true: Callable[[], bool]) -> None:
    """Return once it is true."""
    while not true():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.002)


class Edge:
    """The application and the fakes behind it, called without a socket.

    `database` holds the keys that are issued; whoever issues some opens it.
    """

    def __init__(
        self,
        *,
        ready: Ready | None = None,
        database: str = "sqlite:////nowhere/never-opened.db",
        **options: Any,
    ) -> None:
        self.desk = MemoryDesk()
        self.media = MemoryMedia()
        self.internet = Internet()
        clock = SystemClock()
        self.database = Database.at(database, clock)
        vault = Vault(Secret("k" * 64))
        accounts = AccountStore(self.database, vault, clock)
        keys = Keys(self.database, vault, clock, NoAccounts())
        upstream = UpstreamClient(self.internet, clock, Constants())
        self.parts = Parts(
            desk=self.desk,
            media=self.media,
            intake=Intake(CallersUrls(self.internet), self.media, clock),
            files=MemoryFiles(),
            stills=FilmStills(self.media),
            deleting=MemoryDeleting(self.desk),
            finished=NoFinished(),
            keys=keys,
            tokens=Tokens(self.database, keys, vault, clock, seconds=60, refresh_seconds=60),
            accounts=accounts,
            tending=Tending(upstream, accounts, clock, name_user=vault.digest),
            clock=clock,
            catalogue=LiveCatalogue(),
            options=WebOptions(**options),
            **({"ready": ready} if ready else {}),
        )
        self.app = create_app(self.parts)

    async def generate(self, key: str | None = KEY, /, **body: Any) -> Answer:
        return await self.call("POST", GENERATIONS, key=key, json_body={**CAT, **body})

    async def get(self, path: str, *, key: str | None = KEY, **more: Any) -> Answer:
        return await self.call("GET", path, key=key, **more)

    async def call(
        self,
        method: str,
        path: str,
        *,
        key: str | None = KEY,
        json_body: object = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **scope: Any,
    ) -> Answer:
        sent = {"host": "gateway.test:5100", **(headers or {})}
        if key is not None:
            sent["authorization"] = f"Bearer {key}"
        if json_body is not None:
            body = json.dumps(json_body).encode()
            sent["content-type"] = "application/json"
        talk = Talk(body=body or b"")
        await talk.run(self.app, method, path, sent, **scope)
        return talk.answer


@dataclass
class Talk:
    """One request over bare ASGI, by a caller who may hang up."""

    body: bytes = b""
    sent: list[Message] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    _read: bool = False

    async def run(
        self, app: ASGIApp, method: str, path: str, headers: Mapping[str, str], **more: Any
    ) -> None:
        plain, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": plain,
            "raw_path": plain.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [
                (k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()
            ],
            "client": ("203.0.113.9", 50000),
            "server": ("127.0.0.1", 5100),
            **more,
        }
        await app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if not self._read:
            self._read = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        self.began.set()

    @property
    def answer(self) -> Answer:
        assert self.sent[0]["type"] == "http.response.start"
        assert not self.sent[-1].get("more_body")
        names = [name.decode() for name, _ in self.sent[0]["headers"]]
        assert len(names) == len(set(names)), f"a header stands twice: {names}"
        return Answer(
            self.sent[0]["status"],
            {name.decode(): value.decode() for name, value in self.sent[0]["headers"]},
            b"".join(message.get("body", b"") for message in self.sent[1:]),
        )
