"""An upstream in memory that takes, refuses and loses what it is told to, and keeps its own books."""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jimeng_api.catalog.sites import Site
from jimeng_api.domain.errors import (
    AccountBusy,
    ContentRefused,
    GatewayError,
    GenerationFailed,
    OutOfCredits,
    SessionExpired,
    SubmissionUncertain,
    UpstreamUnreachable,
)
from jimeng_api.domain.failure import Failure
from jimeng_api.domain.progress import Item, Progress, Stage
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.domain.results import Picture
from jimeng_api.domain.secret import Secret

REFUSALS: dict[str, type[GatewayError]] = {
    "busy": AccountBusy,
    "refuse": ContentRefused,
    "poor": OutOfCredits,
    "unreachable": UpstreamUnreachable,
}
DOUBTS = ("take, then break", "break")
VERDICTS = ("take", *REFUSALS, *DOUBTS)
"""What becomes of a paid request. `break` never arrives, and nobody who sent it can tell."""

ENDINGS = ("whole", "half", "fails", "never", "vanishes")
ON_THE_WAY = 0.1
"""Seconds that a request takes to arrive, and its answer to come back."""

SEEDS_APART = 100
"""How far the seeds of two requests must lie apart: a submission's is its request's plus its number."""
_SEED = re.compile(rb'\\*"seed\\*":(\d+)')


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What becomes of a generation: it is listed after some seconds, and ends after some."""

    verdict: str = "take"
    seconds: float = 10.0
    listed_after: float = 0.0
    ending: str = "whole"


@dataclass(frozen=True, kw_only=True)
class Taken:
    submit_id: str
    request: int
    number: int
    session: str
    at: float
    fate: Fate

    @property
    def comes_at(self) -> float | None:
        """When its pictures can be seen, if ever."""
        if self.fate.ending not in ("whole", "half"):
            return None
        return self.at + max(self.fate.seconds, self.fate.listed_after)


@dataclass
class Books:
    """`fates` are of the requests to come, in order; a `shut` upstream cannot be reached."""

    fates: deque[Fate] = field(default_factory=deque)
    taken: list[Taken] = field(default_factory=list)
    signed_out: set[str] = field(default_factory=set)
    shut: bool = False

    def of(self, request: ImageRequest) -> list[Taken]:
        return [one for one in self.taken if one.request == request.seed]


class Line:
    """One gateway's connection to it, in place of its `UpstreamClient`; `cut` when the gateway is dead."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.cut = False
        self.looks = 0

    async def _on_the_way(self) -> None:
        await asyncio.sleep(ON_THE_WAY)
        if self.cut:
            await asyncio.Event().wait()

    async def submit(self, site: Site, session: Secret, payload: bytes) -> Progress:
        books, name = self._books, session.reveal()
        fate = books.fates.popleft() if books.fates else Fate()
        if fate.verdict == "unreachable" or books.shut:
            await asyncio.sleep(ON_THE_WAY)
            raise UpstreamUnreachable("nothing was sent")
        await self._on_the_way()
        submit_id, request, number = _told(payload)
        now = _now()
        if name in books.signed_out:
            await self._on_the_way()
            raise SessionExpired("signed out")
        one = Taken(
            submit_id=submit_id, request=request, number=number, session=name, at=now, fate=fate
        )
        if fate.verdict in ("take", "take, then break"):
            books.taken.append(one)
        await self._on_the_way()
        if fate.verdict in DOUBTS:
            raise SubmissionUncertain("no answer came")
        if fate.verdict in REFUSALS:
            raise REFUSALS[fate.verdict]("no")
        return _progress(one, Stage.WAITING)

    async def alive(self, site: Site, session: Secret) -> bool:
        await self._on_the_way()
        if self._books.shut:
            raise UpstreamUnreachable("down")
        return session.reveal() not in self._books.signed_out

    async def look(
        self,
        site: Site,
        session: Secret,
        *,
        submit_ids: Sequence[str],
        history_ids: Sequence[str] = (),
    ) -> dict[str, Progress]:
        self.looks += 1
        await self._on_the_way()
        if self._books.shut:
            raise UpstreamUnreachable("down")
        if session.reveal() in self._books.signed_out:
            raise SessionExpired("signed out")
        found: dict[str, Progress] = {}
        for one in self._books.taken:
            if one.session != session.reveal():
                continue
            seen = _seen(one, _now() - one.at)
            if seen is not None:
                keys = {one.submit_id, _history(one)}
                found |= dict.fromkeys(keys & {*submit_ids, *history_ids}, seen)
        return found


class Album:
    """Keeps every picture, and knows its files from one life of the gateway to the next."""

    def __init__(self) -> None:
        self.files: set[str] = set()

    async def keep(self, item: Item, *, media_id: str, number: int, **_: Any) -> Picture:
        await asyncio.sleep(ON_THE_WAY)
        self.files.add(media_id)
        return Picture(
            media_id=media_id, number=number, item_id=item.id, content_type="image/png",
            width=1, height=1, size=1, sha256="",
        )  # fmt: skip


def _now() -> float:
    return asyncio.get_running_loop().time()


def _told(payload: bytes) -> tuple[str, int, int]:
    """Its submit id, the seed of the request that it is of, and which of its submissions it is."""
    seed = _SEED.search(payload)
    assert seed is not None
    submit_id: str = json.loads(payload)["submit_id"]
    number = int(seed[1]) % SEEDS_APART
    return submit_id, int(seed[1]) - number, number


def _history(one: Taken) -> str:
    return f"history-{one.submit_id}"


def _seen(one: Taken, age: float) -> Progress | None:
    fate = one.fate
    if age < fate.listed_after or (fate.ending == "vanishes" and age > fate.seconds):
        return None
    if age < fate.seconds or fate.ending == "never":
        return _progress(one, Stage.RUNNING)
    return _progress(one, Stage.FAILED if fate.ending == "fails" else Stage.DONE)


def _progress(one: Taken, stage: Stage) -> Progress:
    made = 0 if stage is not Stage.DONE else 2 if one.fate.ending == "half" else 4
    return Progress(
        submit_id=one.submit_id,
        history_id=_history(one),
        stage=stage,
        status=0,
        items=tuple(Item(id=f"{one.submit_id}-{n}", url="u") for n in range(made)),
        total=4,
        finished=made,
        finished_at=one.at + one.fate.seconds if made else 0,
        failure=Failure.of(GenerationFailed("no")) if stage is Stage.FAILED else None,
    )
