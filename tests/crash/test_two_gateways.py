"""Two real gateways on one PostgreSQL database: whichever a caller asks, it is the same gateway."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from tests.crash.harness import client
from tests.crash.processes import Gateway, Simulator
from tests.crash.replicas import replicas
from tests.crash.upstream import Upstream
from tests.postgres import PostgresServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOB_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    job: str | None
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pair:
    """Of the two `b` is asked first for every account, and so runs its jobs."""

    a: Gateway
    b: Gateway
    upstream: Upstream
    http: aiohttp.ClientSession

    async def order(
        self, at: Gateway, account: str, prompt: str, *, key: str, stream: bool
    ) -> Answer:
        """With `stream` the answer is left as soon as it names a job."""
        body = {"model": "jimeng-3.0", "prompt": prompt, "resolution": "1k", "n": 1}
        async with self.http.post(
            f"{at.base_url}/v1/images/generations",
            json=body | {"stream": stream},
            headers=_key(account) | {"idempotency-key": key},
        ) as answer:
            read = {} if stream and answer.status == 200 else await answer.json()
            return Answer(answer.status, answer.headers.get("x-job-id"), read)

    async def ask(self, at: Gateway, account: str, path: str, *, method: str = "GET") -> Answer:
        async with self.http.request(
            method, f"{at.base_url}/v1/jobs{path}", headers=_key(account)
        ) as answer:
            return Answer(answer.status, None, await answer.json())

    async def follow(self, at: Gateway, account: str, job: str) -> list[dict[str, Any]]:
        async with self.http.get(
            f"{at.base_url}/v1/jobs/{job}/events", headers=_key(account)
        ) as answer:
            lines = (await answer.text()).splitlines()
        return [
            msgspec.json.decode(line.removeprefix("data: "))
            for line in lines
            if line.startswith("data: ")
        ]

    async def sent(self, prompt: str) -> None:
        """Return once the upstream has it."""
        while True:
            if await self.submitted(prompt):
                return
            await asyncio.sleep(0.05)

    async def submitted(self, prompt: str) -> list[dict[str, Any]]:
        return [one for one in await self.upstream.submissions() if one["prompt"] == prompt]


def _key(account: str) -> dict[str, str]:
    return {"authorization": f"Bearer 5{uuid.uuid5(uuid.NAMESPACE_OID, account).hex[1:]}"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Pair]:
    folder: Path = tmp_path_factory.mktemp("pair")
    database = postgres.fresh_database()
    simulator = Simulator(folder, seed=1)
    gateways: list[Gateway] = []
    try:
        async with client(reused=True) as http:
            await simulator.start()
            upstream = Upstream(simulator.origin, http)
            await upstream.prepare(job=(JOB_SECONDS, JOB_SECONDS), answer=0, vanish=0)
            both = replicas(
                folder, upstream=simulator.origin, database=database, confirmation_seconds=5
            )
            gateways = list(both.values())
            for gateway in gateways:
                await gateway.start()
            for gateway in gateways:
                await gateway.ready()
            yield Pair(both["a"], both["b"], upstream, http)
    finally:
        for gateway in gateways:
            await gateway.kill()
        await simulator.stop()
        postgres.drop(database)


async def test_what_one_gateway_runs_can_be_waited_for_followed_and_read_at_the_other(
    pair: Pair,
) -> None:
    account, prompt = "ann", "a lighthouse"
    first = await pair.order(pair.b, account, prompt, key="one", stream=True)
    assert first.job is not None

    async def waited() -> tuple[Answer, float]:
        answer = await pair.order(pair.a, account, prompt, key="one", stream=False)
        return answer, time.time()

    async def followed(at: Gateway) -> tuple[list[dict[str, Any]], float]:
        events = await pair.follow(at, account, first.job or "")
        return events, time.time()

    read = await pair.ask(pair.a, account, f"/{first.job}")
    assert read.body["status"] in ("queued", "in_progress")
    (answer, answered_at), (events, told_at), (_, told_there_at) = await asyncio.gather(
        waited(), followed(pair.a), followed(pair.b)
    )

    assert answer.job == first.job
    assert len(answer.body["data"]) == 1
    assert events[0]["status"] in ("queued", "in_progress")
    assert [event["status"] for event in events].index("completed") == len(events) - 1
    there = await pair.ask(pair.b, account, f"/{first.job}")
    here = await pair.ask(pair.a, account, f"/{first.job}")
    assert here.body["status"] == "completed"
    assert [one["sha256"] for one in here.body["results"]] == [
        one["sha256"] for one in there.body["results"]
    ]
    async with pair.http.get(answer.body["data"][0]["url"]) as picture:
        assert picture.status == 200
    (submission,) = await pair.submitted(prompt)
    assert submission["double"] is False
    assert max(answered_at, told_at) - told_there_at < 2, "word took long to the other gateway"


async def test_pictures_are_shown_early_at_the_gateway_that_does_not_run_the_job(
    pair: Pair,
) -> None:
    await pair.upstream.fault("takes", seconds=1)
    await pair.upstream.fault("items_before_end", looks=0, seconds=10)
    request = {"model": "jimeng-3.0", "prompt": "two harbours", "resolution": "1k", "n": 2}
    ask = partial(
        pair.http.post,
        json={**request, "stream": True, "partial_images": 2},
        headers=_key("flo") | {"idempotency-key": "six"},
    )
    async with ask(f"{pair.b.base_url}/v1/images/generations") as left:
        job = left.headers["x-job-id"]
    async with ask(f"{pair.a.base_url}/v1/images/generations") as answer:
        assert answer.headers["x-job-id"] == job
        lines = (await answer.text()).splitlines()
    events = [msgspec.json.decode(line[6:]) for line in lines if line[:6] == "data: "]
    kinds = [event["type"].rpartition(".")[2] for event in events]
    assert kinds == ["partial_image"] * 2 + ["completed"] * 2
    assert [event["b64_json"] for event in events[:2]] == [
        event["b64_json"] for event in events[2:]
    ]


async def test_a_key_is_one_job_wherever_and_however_often_it_is_sent(pair: Pair) -> None:
    account, prompt = "bob", "a harbour"
    answers = await asyncio.gather(
        *(
            pair.order(gateway, account, prompt, key="two", stream=True)
            for gateway in (pair.a, pair.b) * 8
        )
    )
    assert len({answer.job for answer in answers}) == 1
    other = await pair.order(pair.a, account, "another harbour", key="two", stream=False)
    assert (other.status, other.body["error"]["code"]) == (422, "idempotency_key_reused")
    assert (await pair.ask(pair.a, account, "")).body["data"][0]["id"] == answers[0].job
    job = (await pair.follow(pair.a, account, answers[0].job or ""))[-1]
    assert job["status"] == "completed"
    assert len(await pair.submitted(prompt)) == 1


async def test_a_job_is_taken_back_at_the_gateway_that_does_not_run_it(pair: Pair) -> None:
    account, prompt = "cleo", "a regretted harbour"
    first = await pair.order(pair.b, account, prompt, key="three", stream=True)
    await pair.sent(prompt)
    began = time.monotonic()
    cancelled = await pair.ask(pair.a, account, f"/{first.job}/cancel", method="POST")
    assert cancelled.status == 200
    assert time.monotonic() - began < 3
    for gateway in (pair.a, pair.b):
        job = (await pair.ask(gateway, account, f"/{first.job}")).body
        assert (job["status"], job["error"]["code"]) == ("failed", "job_cancelled")


async def test_a_job_is_shown_to_nobody_else_at_either_gateway(pair: Pair) -> None:
    first = await pair.order(pair.b, "dora", "a private harbour", key="four", stream=True)
    for gateway in (pair.a, pair.b):
        for path in ("", "/events"):
            found = await pair.ask(gateway, "eve", f"/{first.job}{path}")
            assert found.status == 404


async def test_what_is_taken_over_at_one_gateway_is_collected_by_that_which_has_the_account(
    pair: Pair,
) -> None:
    account, prompt = "eve", "a harbour of another key"
    ordered = await pair.order(pair.b, account, prompt, key="four", stream=True)
    await pair.sent(prompt)
    (submission,) = await pair.submitted(prompt)
    # A caller of its own: this key, and another account beside it.
    both = {"authorization": f"{_key(account)['authorization']},{'9' * 32}"}
    async with pair.http.post(
        f"{pair.a.base_url}/v1/jobs/adopt", json={"id": submission["submit_id"]}, headers=both
    ) as answer:
        assert answer.status == 200
        adopted = await answer.json()
    assert adopted["id"] != ordered.job
    assert adopted["request"]["prompt"] == prompt
    async with pair.http.get(
        f"{pair.a.base_url}/v1/jobs/{adopted['id']}/events", headers=both
    ) as answer:
        *_, last = [line for line in (await answer.text()).splitlines() if line[:6] == "data: "]
    job = msgspec.json.decode(last.removeprefix("data: "))
    assert (job["status"], len(job["results"])) == ("completed", 1)
    first = (await pair.follow(pair.a, account, ordered.job or ""))[-1]
    assert first["status"] == "completed"
    assert [one["sha256"] for one in first["results"]] == [one["sha256"] for one in job["results"]]
    assert len(await pair.submitted(prompt)) == 1
