"""Those who order pictures while the gateway is being killed, and ask about them afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from tests.crash.history import (
    Acknowledged,
    Answered,
    Cut,
    Event,
    ForeignRead,
    Form,
    JobRead,
    MediaRead,
    Missing,
    Ordered,
    Refused,
    ResultSeen,
    SubmissionSeen,
)

MODEL = "jimeng-3.0"  # on every site, and with small pictures
COUNTS = (1, 1, 1, 1, 1, 1, 1, 2, 2, 6)  # six take two submissions
ANSWER_SECONDS = 120.0
PAUSE = 0.05
NEXT_LIFE_SECONDS = 3.0
"""How long after a cut the gateway is expected to be started anew, before it is asked all the same."""
UNREAD_SECONDS = 10.0
"""How long after a cut a gateway that lives on may take to write down an order that it has read.

One that was stopped closes connections when it goes on, since their time is over, and reads none of what
waits there: such an order is never taken, and no life has ended that would tell.
"""
EARLIER = 2.0
"""Seconds by which a job may seem older than its order: it is stamped in whole seconds."""

Tell = Callable[[Event], None]
_CUT = (aiohttp.ClientError, TimeoutError, OSError)


class Caller:
    """One key. What it does and sees goes into the history by `tell`.

    Orders go out through `http`, where each has a connection of its own, questions through `reading`. `at` is
    the gateway that it turns to, which may be changed.
    """

    def __init__(
        self,
        name: str,
        key: str,
        *,
        base_url: str,
        http: aiohttp.ClientSession,
        reading: aiohttp.ClientSession,
        tell: Tell,
    ) -> None:
        self.name = name
        self.at = base_url
        self._http = http
        self._reading = reading
        self._tell = tell
        self._headers = {"authorization": f"Bearer {key}"}
        self._recent = _Recent(self)
        self._at_the_door = asyncio.Lock()

    # ------------------------------------------------------------ ordering

    async def order(self, number: int, dice: random.Random, *, life: Callable[[], int]) -> bool:
        """Order and see what comes of it; False when nothing was taken, so that it may be ordered anew.

        `life` tells which life of the gateway this is.
        """
        form: Form = dice.choice(("blocking", "stream"))
        count = dice.choice(COUNTS)
        prompt = f"a lighthouse, order {number}, {dice.randbytes(4).hex()}"
        body = {
            "model": MODEL,
            "prompt": prompt,
            "n": count,
            "resolution": "1k",
            "response_format": "url",
            "stream": form == "stream",
        }
        self._tell(Ordered(order=number, owner=self.name, form=form, prompt=prompt, count=count))
        while True:
            sent_in, sent_at = life(), time.time()
            try:
                answer = await self._http.post(
                    f"{self.at}/v1/images/generations", json=body, headers=self._headers
                )
            except aiohttp.ClientConnectorError:
                await self._listening()  # nobody does: nothing was sent
            except _CUT as error:
                self._tell(Cut(order=number, why=type(error).__name__))
                with self._recent.wanted(sent_at):
                    return await self._taken(number, prompt, sent_in=sent_in, life=life)
            else:
                async with answer:
                    return await self._told(number, answer)

    async def _told(self, number: int, answer: aiohttp.ClientResponse) -> bool:
        job = answer.headers.get("x-job-id")
        if job is None:
            body = await _text(answer)
            self._tell(Refused(order=number, status=answer.status, code=_code(body)))
            return False
        self._tell(Acknowledged(order=number, job=job))
        try:
            body = await answer.text()
        except _CUT as error:
            self._tell(Cut(order=number, why=type(error).__name__))
            return True
        pictures, code = _outcome(body, streamed=answer.content_type == "text/event-stream")
        media = [url.rpartition("/")[2] for url in pictures]
        self._tell(Answered(order=number, job=job, code=code, media=media))
        return True

    async def _taken(
        self, number: int, prompt: str, *, sent_in: int, life: Callable[[], int]
    ) -> bool:
        """Whether an order that was cut became a job. It did not where it is in no list although the life of
        the gateway that it was sent in has ended, or that has had its time to read it.
        """
        unread_at = time.monotonic() + UNREAD_SECONDS
        for _ in range(round(NEXT_LIFE_SECONDS / PAUSE)):
            if life() > sent_in:
                break
            await asyncio.sleep(PAUSE)
        while True:
            over = life() > sent_in or time.monotonic() > unread_at
            job = (await self._recent.jobs()).get(prompt)
            if job is not None:
                self._tell(Acknowledged(order=number, job=job))
                return True
            if over:
                self._tell(Missing(order=number))
                return False
            await asyncio.sleep(0.5)

    async def _listening(self) -> None:
        """Return when somebody listens. One after the other looks, or all would take the whole machine."""
        async with self._at_the_door:
            while True:
                place = urlsplit(self.at)
                with contextlib.suppress(OSError):
                    socket.create_connection((place.hostname, place.port), timeout=1).close()
                    return
                await asyncio.sleep(PAUSE)

    # ------------------------------------------------------------- reading

    async def jobs(self, *, since: float = 0.0) -> AsyncIterator[dict[str, Any]]:
        """All jobs of the key, the newest first, however often the gateway dies meanwhile.

        Only those that were made `since`, in unix seconds, if that is given.
        """
        after: str | None = None
        while True:
            query = {"limit": "20" if since else "100"} | ({"after": after} if after else {})
            page = msgspec.json.decode((await self._got("/v1/jobs", query))[1])
            for job in page["data"]:
                if job["created_at"] < since:
                    return
                yield job
            if not page["has_more"]:
                return
            after = page["last_id"]

    async def read_job(self, job_id: str, *, reading: int) -> JobRead | None:
        """The job as the gateway shows it; None when it knows none of this id."""
        status, body, _ = await self._got(f"/v1/jobs/{job_id}")
        if status == 404:
            return None
        return self._read(msgspec.json.decode(body), reading=reading)

    async def read_jobs(self) -> list[JobRead]:
        """All jobs of the key as its list shows them: a first reading."""
        return [self._read(job, reading=1) async for job in self.jobs()]

    def _read(self, job: dict[str, Any], *, reading: int) -> JobRead:
        return JobRead(
            reading=1 if reading == 1 else 2,
            owner=self.name,
            job=job["id"],
            prompt=job["request"]["prompt"],
            status=job["status"],
            code=_error_code(job),
            submissions=[
                SubmissionSeen(
                    submit_id=part["submit_id"], state=part["state"], code=_error_code(part)
                )
                for part in job["submissions"]
            ],
            results=[
                ResultSeen(media=one["id"], size=one["bytes"], sha256=one["sha256"])
                for one in job["results"]
            ],
        )

    async def try_foreign(self, job_id: str) -> ForeignRead:
        status, _, _ = await self._got(f"/v1/jobs/{job_id}")
        return ForeignRead(job=job_id, owner=self.name, status=status)

    async def fetch(self, job: JobRead, media: str) -> MediaRead:
        status, body, etag = await self._got(f"/media/{media}")
        return MediaRead(
            job=job.job,
            media=media,
            status=status,
            size=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            etag=etag,
            of_prompt=job.prompt.encode() in body,  # the simulator writes it into the file
        )

    async def _got(
        self, path: str, query: dict[str, str] | None = None
    ) -> tuple[int, bytes, str | None]:
        """Asked again until an answer comes that is none of a gateway in trouble."""
        while True:
            try:
                async with self._reading.get(
                    self.at + path, params=query, headers=self._headers
                ) as answer:
                    body = await answer.read()
                    if answer.status < 500:
                        return answer.status, body, answer.headers.get("etag")
            except _CUT:
                pass
            await asyncio.sleep(PAUSE)


class _Recent:
    """The jobs made since the first order whose fate is open, listed for all who ask at that moment."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._lock = asyncio.Lock()
        self._wanted: list[float] = []
        self._began = -1.0
        self._since = 0.0
        self._jobs: dict[str, str] = {}

    @contextmanager
    def wanted(self, sent_at: float) -> Iterator[None]:
        """Lists go back to `sent_at` meanwhile."""
        self._wanted.append(sent_at)
        try:
            yield
        finally:
            self._wanted.remove(sent_at)

    async def jobs(self) -> dict[str, str]:
        """Job by prompt, from a list that was begun after this was asked for."""
        asked, since = time.monotonic(), min(self._wanted) - EARLIER
        async with self._lock:
            if self._began < asked or self._since > since:
                self._began, self._since = time.monotonic(), min(self._wanted) - EARLIER
                self._jobs = {
                    job["request"]["prompt"]: job["id"]
                    async for job in self._caller.jobs(since=self._since)
                }
            return self._jobs


async def _text(answer: aiohttp.ClientResponse) -> str:
    try:
        return await answer.text()
    except _CUT:
        return ""


def _outcome(body: str, *, streamed: bool) -> tuple[list[str], str | None]:
    """The links and the error's code of a whole answer."""
    if not streamed:
        return _links([body]), _code(body)
    events = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data:")]
    codes = [code for event in events if (code := _code(event)) is not None]
    return _links(events), codes[0] if codes else None


def _links(objects: list[str]) -> list[str]:
    links: list[str] = []
    for text in objects:
        found = msgspec.json.decode(text)
        links += [one["url"] for one in found.get("data", [found]) if "url" in one]
    return links


def _code(body: str) -> str | None:
    try:
        return _error_code(msgspec.json.decode(body))
    except msgspec.DecodeError:
        return None


def _error_code(found: dict[str, Any]) -> str | None:
    error = found.get("error")
    return str(error["code"]) if error else None
