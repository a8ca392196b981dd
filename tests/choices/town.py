"""A whole gateway and its upstream in virtual time, for scenes that take hours and many orders."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog

from tests.answer import Answer
from tests.chaos.door import Line
from tests.chaos.lives import Lives, noted
from tests.chaos.loop import JumpingClock, ShuffledLoop
from tests.inline import Inline
from tests.simulated.asgi import Talk
from tests.simulated.upstream import Upstream
from tests.virtual_time import VirtualClock

T = TypeVar("T")

ROUTE = "/v1/images/generations"
CN_ONLY = "jimeng-3.1"
EVERYWHERE = "jimeng-3.0"


@dataclass(frozen=True, slots=True)
class Served:
    """An order and its answer, with the moments of both."""

    ordered: float
    answered: float
    answer: Answer

    @property
    def seconds(self) -> float:
        return self.answered - self.ordered


class Town:
    """One gateway; its callers, each with a key; and the upstream."""

    def __init__(self, root: Path, seed: int, settings: dict[str, Any]) -> None:
        self.upstream = Upstream(VirtualClock())
        self.line = Line(random.Random(f"{seed} line"))
        self.lives = Lives(
            root, clock=JumpingClock(seed), upstream=self.upstream, line=self.line, **settings
        )

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def order(self, key: str, prompt: str, *, model: str = EVERYWHERE, **more: Any) -> Served:
        """Order a picture and wait for it."""
        ordered = self.now
        answer = await self._call("POST", ROUTE, key, Talk(body=_body(prompt, model, **more)))
        return Served(ordered, self.now, answer)

    async def try_order(self, key: str, prompt: str, **more: Any) -> Answer | None:
        """The answer to an order; None where the gateway dies over it."""
        return await self._asked("POST", ROUTE, key, Talk(body=_body(prompt, **more)))

    async def leave(self, key: str, prompt: str, *, model: str = EVERYWHERE) -> str:
        """Order a picture and hang up; the job's id."""
        talk = Talk(body=_body(prompt, model))
        talk.gone.set()
        answer = await self._call("POST", ROUTE, key, talk)
        assert answer.status == 499, answer
        return answer.headers["x-job-id"]

    async def film(self, key: str, prompt: str) -> str:
        """Order a film; the job's id."""
        body = json.dumps({"model": "jimeng-video-3.0", "prompt": prompt, "seconds": "5"}).encode()
        answer = await self._call("POST", "/v1/videos", key, Talk(body=body))
        assert answer.status == 200, answer
        return answer.headers["x-job-id"]

    async def job(self, key: str, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self._call("GET", f"/v1/jobs/{job_id}", key)).json
        return found

    async def ended(self, key: str, job_id: str) -> dict[str, Any]:
        """The job once it has ended."""
        while (found := await self.job(key, job_id))["status"] not in (  # noqa: ASYNC110 - virtual time
            "completed",
            "failed",
        ):
            await asyncio.sleep(1)
        return found

    async def cancel(self, key: str, job_id: str) -> Answer:
        return await self._call("POST", f"/v1/jobs/{job_id}/cancel", key)

    async def _call(self, method: str, path: str, key: str, talk: Talk | None = None) -> Answer:
        answer = await self._asked(method, path, key, talk)
        assert answer is not None, "the gateway died"
        return answer

    async def _asked(
        self, method: str, path: str, key: str, talk: Talk | None = None
    ) -> Answer | None:
        living = await self.lives.up()
        headers = {"authorization": f"Bearer {key}"}
        if talk is not None:
            headers["content-type"] = "application/json"
        return await living.call(method, path, headers, talk)


def _body(prompt: str, model: str, **more: Any) -> bytes:
    body = {"model": model, "prompt": prompt, "n": 1, "response_format": "url"}
    return json.dumps({**body, **more}).encode()


def played(scene: Callable[[Town], Coroutine[Any, Any, T]], *, seed: int = 1, **settings: Any) -> T:
    """What comes of a scene in a town of its own."""
    shm = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder:
        loop = ShuffledLoop(seed)
        loop.set_task_factory(noted)
        loop.set_default_executor(Inline())

        town = Town(Path(folder), seed, settings)

        async def whole() -> T:
            town.lives.begin()
            try:
                return await scene(town)
            finally:
                await town.lives.stop()

        before = structlog.get_config()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
        try:
            return loop.run_until_complete(whole())
        finally:
            structlog.configure(**before)
            loop.close()
