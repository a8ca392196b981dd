"""One caller's order of one picture as an event stream, and what it saw of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

MODEL = "jimeng-3.0"  # with small pictures, so that the gateway's own work is what is seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Unix seconds: when the order was due, when it was accepted (the first byte of the answer, which the
    gateway sends once the job is on the disk), and when the answer was whole.
    """

    prompt: str
    due: float
    accepted: float = 0.0
    answered: float = 0.0
    error: str | None = None


async def order(
    http: aiohttp.ClientSession, gateway: str, number: int, *, accounts: int, due: float
) -> Seen:
    prompt = f"picture {number}"
    body = {"model": MODEL, "prompt": prompt, "n": 1, "resolution": "1k", "stream": True}
    body["response_format"] = "url"
    headers = {"authorization": f"Bearer {number % accounts:032x}"}
    accepted = 0.0
    try:
        async with http.post(
            f"{gateway}/v1/images/generations", json=body, headers=headers
        ) as answer:
            accepted = time.time()
            read = await answer.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return Seen(prompt=prompt, due=due, accepted=accepted, error=type(error).__name__)
    right = answer.status == 200 and b"image_generation.completed" in read
    return Seen(
        prompt=prompt,
        due=due,
        accepted=accepted,
        answered=time.time(),
        error=None if right else f"{answer.status} {read[:200]!r}",
    )


def percentiles(name: str, values: Sequence[float], *, digits: int) -> dict[str, float]:
    """The named figures of the values, which are in seconds or milliseconds as the name says."""
    rising = sorted(values)
    places = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    found = {f"{name}_{each}": rising[int(len(rising) * at)] for each, at in places.items()}
    return {
        each: round(value, digits) for each, value in {**found, f"{name}_max": rising[-1]}.items()
    }


def client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=300)
    )


async def set_time(http: aiohttp.ClientSession, simulator: str, seconds: float) -> None:
    """How long the upstream takes for each job."""
    async with http.post(f"{simulator}/_sim/time", json={"seconds": seconds}) as answer:
        answer.raise_for_status()
