"""Many open event streams: signs of life on each, and nothing left of those who leave."""

from __future__ import annotations

import asyncio

import pytest

from tests.simulated.asgi import Talk
from tests.simulated.house import House, until

STREAMS = 100
TASKS = 3
"""Of each stream: itself, one that waits for its next event and one for its caller to hang up."""


def signs_of_life(talk: Talk) -> int:
    return b"".join(talk.pieces).count(b": ping\n\n")


async def opened(gateway: House) -> list[tuple[Talk, asyncio.Task[object]]]:
    """Chats, pictures and followers of one job, none of which will have an end for a long time."""
    await gateway.upstream.time(seconds=1_000_000)
    job = await gateway.leave()
    chat = {"model": "jimeng-4.5", "stream": True, "messages": [{"role": "user", "content": "cat"}]}
    streams: list[tuple[Talk, asyncio.Task[object]]] = []
    for number in range(STREAMS):
        talk = Talk()
        if number % 10 == 0:
            call = gateway.call("POST", "/v1/chat/completions", chat, talk=talk)
        elif number % 10 == 1:
            call = gateway.generate(stream=True, talk=talk)
        else:
            call = gateway.call("GET", f"/v1/jobs/{job}/events", talk=talk)
        streams.append((talk, asyncio.ensure_future(call)))
    for talk, _ in streams:
        await talk.began.wait()
        assert talk.status == 200
    return streams


async def leave(streams: list[tuple[Talk, asyncio.Task[object]]]) -> None:
    for talk, _ in streams:
        talk.gone.set()
    async with asyncio.timeout(20):
        await asyncio.gather(*(stream for _, stream in streams))


@pytest.mark.speed(400)
async def test_a_hundred_streams_live_and_whoever_leaves_is_forgotten(house: House) -> None:
    await house.start(job_seconds=10_000_000)
    streams = await opened(house)
    await until(lambda: all(signs_of_life(talk) >= 3 for talk, _ in streams))
    with_all = len(asyncio.all_tasks())
    await leave(streams[::2])
    await until(lambda: with_all - len(asyncio.all_tasks()) >= TASKS * STREAMS // 2)
    with_half = len(asyncio.all_tasks())
    heard = [signs_of_life(talk) for talk, _ in streams[1::2]]
    await until(
        lambda: all(
            signs_of_life(talk) > before
            for (talk, _), before in zip(streams[1::2], heard, strict=True)
        )
    )
    await leave(streams[1::2])
    await until(lambda: with_half - len(asyncio.all_tasks()) >= TASKS * STREAMS // 2)
    signals = house.gateway.desk._store.signals
    assert not signals._waiting
