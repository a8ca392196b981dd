"""Those who order pictures at any time, wait or hang up, and look at their jobs later."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

from msgspec.structs import replace

from tests.answer import Answer
from tests.chaos.facts import Facts, Part, Sight
from tests.chaos.lives import Lives
from tests.crash.history import Acknowledged, Answered, Cut, Event, Form, Missing, Ordered, Refused
from tests.simulated.asgi import Talk

ROUTE = "/v1/images/generations"
LIVES_ON = ("shutting_down", "job_still_running")
"""What a caller may be told of a job that has not ended."""

MODELS = (*("jimeng-3.0",) * 6, "jimeng-3.1", "jm-aesthetic-v8.2")
"""With small pictures; the last one takes minutes, and only one site has it."""
COUNTS = (*(1,) * 9, 2, 2, 3, 4, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An order to come.

    `patience` is how many seconds its caller waits, `again` how it is sent once more where its answer was
    cut off, `looks` the pauses after which the caller looks at the job later; `cancels` says that it takes
    the job back, unless it has ended.
    """

    number: int
    at: float
    owner: str
    form: Form
    model: str
    count: int
    patience: float | None
    again: Literal["", "with a key", "as a client does"]
    cancels: bool
    looks: tuple[float, ...]

    @property
    def prompt(self) -> str:
        return f"a lighthouse, order {self.number} of {self.owner}"


def plans(dice: random.Random, *, owners: tuple[str, ...], hours: float, jobs: int) -> list[Plan]:
    """So many orders, spread over the time; some come in bursts."""
    moments: list[float] = []
    while len(moments) < jobs:
        at = dice.uniform(0, hours * 3600)
        burst = dice.choice((1, 1, 1, 1, 1, 1, 8))
        moments += [at + dice.uniform(0, 3) for _ in range(burst)]
    return [_plan(dice, number, at, owners) for number, at in enumerate(sorted(moments[:jobs]))]


def _plan(dice: random.Random, number: int, at: float, owners: tuple[str, ...]) -> Plan:
    return Plan(
        number=number,
        at=at,
        owner=dice.choice(owners),
        form=dice.choice(("blocking", "stream")),
        model=dice.choice(MODELS),
        count=dice.choice(COUNTS),
        patience=dice.choice((None, None, dice.uniform(0, 2), dice.uniform(0, 60))),
        again=dice.choice(("", "with a key", "as a client does")),
        cancels=dice.random() < 0.05,
        looks=tuple(dice.uniform(1, 7200) for _ in range(dice.choice((0, 1, 2)))),
    )


class Caller:
    """One key."""

    def __init__(self, name: str, key: str, *, lives: Lives, facts: Facts) -> None:
        self.name = name
        self._headers = {"authorization": f"Bearer {key}"}
        self._lives = lives
        self._facts = facts

    def tell(self, event: Event) -> None:
        self._facts.events.append(replace(event, at=_now()))

    # ------------------------------------------------------------- ordering

    async def order(self, plan: Plan) -> None:
        """Order when it is time, see what comes of it, and look again later."""
        await asyncio.sleep(max(0.0, plan.at - _now()))
        self.tell(
            Ordered(
                order=plan.number,
                owner=self.name,
                form=plan.form,
                prompt=plan.prompt,
                count=plan.count,
            )
        )
        job = await self._ordered(plan)
        if job is None:
            return
        if plan.cancels:
            await self._cancel(job)
        for pause in plan.looks:
            await asyncio.sleep(pause)
            await self.look(job)

    async def _ordered(self, plan: Plan) -> str | None:
        """The job that became of it, if one did."""
        known: str | None = None
        for times in count():
            living = await self._lives.up()
            life = self._lives.number
            talk = Talk(body=_body(plan))
            with _patience(plan, talk):
                answer = await living.call("POST", ROUTE, self._headers | _more(plan, times), talk)
            job = talk.headers.get("x-job-id")
            if job is not None:
                self.tell(Acknowledged(order=plan.number, job=job))
                if known not in (None, job):
                    self._facts.strangers.append(f"order {plan.number}: {known}, then {job}")
                known = job
            if answer is not None:
                self._note(plan, job, answer, hung_up=talk.gone.is_set())
                return job
            self.tell(Cut(order=plan.number, why="killed"))
            if not plan.again:
                return job or await self._taken(plan, life)
        return known

    def _note(self, plan: Plan, job: str | None, answer: Answer, *, hung_up: bool) -> None:
        media, code = _outcome(answer)
        if job is None:
            self.tell(Refused(order=plan.number, status=answer.status, code=code))
        elif code in LIVES_ON or (hung_up and code is None and len(media) < plan.count):
            self.tell(Cut(order=plan.number, why=code or "hung up"))
        elif code is None and len(media) < plan.count:
            part = Part(order=plan.number, job=job, media=tuple(media))
            self._facts.parts.append(part)
        else:
            self.tell(Answered(order=plan.number, job=job, code=code, media=media))

    async def _taken(self, plan: Plan, life: int) -> str | None:
        """Whether an order whose answer was cut off in that life became a job: then the next one lists it."""
        while True:
            await self._lives.up()
            over = self._lives.number > life
            found = [job async for job in self.jobs() if job["request"]["prompt"] == plan.prompt]
            if found:
                job: str = found[0]["id"]
                self.tell(Acknowledged(order=plan.number, job=job))
                return job
            if over:
                self.tell(Missing(order=plan.number))
                return None
            await asyncio.sleep(1.0)

    async def _cancel(self, job_id: str) -> None:
        """Take the job back."""
        answer = await self.get(f"/v1/jobs/{job_id}/cancel", method="POST")
        if answer.status == 200:
            self._facts.sights += seen(answer.json, _now())

    # -------------------------------------------------------------- looking

    async def look(self, job_id: str) -> None:
        """See how the job stands."""
        answer = await self.get(f"/v1/jobs/{job_id}")
        if answer.status != 200:
            self._facts.defects.append(f"{job_id} answered its owner {answer.status}")
            return
        self._facts.sights += seen(answer.json, _now())

    async def jobs(self) -> AsyncIterator[dict[str, Any]]:
        """All jobs of the key, whatever dies meanwhile."""
        after = ""
        while True:
            page = (await self.get(f"/v1/jobs?limit=100&order=asc{after}")).json
            for job in page["data"]:
                yield job
            if not page["has_more"]:
                return
            after = f"&after={page['last_id']}"

    async def get(self, path: str, *, method: str = "GET") -> Answer:
        """Asked again until an answer comes."""
        while True:
            living = await self._lives.up()
            answer = await living.call(method, path, self._headers)
            if answer is not None and answer.status < 500:
                return answer
            await asyncio.sleep(1.0)


def _body(plan: Plan) -> bytes:
    return json.dumps(
        {
            "model": plan.model,
            "prompt": plan.prompt,
            "n": plan.count,
            "resolution": "1k",
            "response_format": "url",
            "stream": plan.form == "stream",
        }
    ).encode()


def _more(plan: Plan, times: int) -> dict[str, str]:
    """The headers that say whether the order was sent before."""
    more = {"content-type": "application/json"}
    if plan.again == "with a key":
        more["idempotency-key"] = f"order {plan.number}"
    elif plan.again == "as a client does":
        more["x-stainless-retry-count"] = str(times)
    return more


@contextmanager
def _patience(plan: Plan, talk: Talk) -> Iterator[None]:
    """Hang up when the time is over."""
    if plan.patience is None:
        yield
        return
    hanging_up = asyncio.get_running_loop().call_later(plan.patience, talk.gone.set)
    try:
        yield
    finally:
        hanging_up.cancel()


def seen(job: dict[str, Any], at: float) -> Iterator[Sight]:
    """What a job tells its owner about itself and its submissions."""
    yield Sight(at=at, where="told", job=job["id"], state=job["state"], code=error_code(job))
    for part in job["submissions"]:
        yield Sight(
            at=at,
            where="told",
            job=job["id"],
            number=part["number"],
            state=part["state"],
            code=error_code(part),
        )


def error_code(found: dict[str, Any]) -> str | None:
    error = found.get("error")
    return str(error["code"]) if error else None


def _outcome(answer: Answer) -> tuple[list[str], str | None]:
    """The media ids and the error's code of a whole answer."""
    streamed = answer.headers.get("content-type", "").startswith("text/event-stream")
    found = answer.events if streamed else [answer.json] if answer.body else []
    codes = [code for one in found if (code := error_code(one)) is not None]
    links = [
        each["url"].rpartition("/")[2]
        for one in found
        for each in one.get("data", [one])
        if "url" in each
    ]
    return links, codes[0] if codes else None


def _now() -> float:
    return asyncio.get_running_loop().time()
