"""Pictures and films side by side on one account: through a restart, a crash and a cancelled job each."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.simulated.house import KEY, House, submits_sent, until
from tests.simulated.test_films import GENERATIONS, VIDEOS, WAVES, content

QUICK_WAVES: dict[str, Any] = {**WAVES, "model": "jimeng-video-seedance-2.5", "resolution": "480p"}


def job_of(video: dict[str, Any]) -> str:
    name: str = video["id"]
    return name.replace("video_", "job_")


async def created(house: House, **more: Any) -> str:
    """Order a film as OpenAI's clients do; its job's id."""
    made = await house.call("POST", VIDEOS, {**QUICK_WAVES, **more})
    assert made.status == 200, made.body
    return job_of(made.json)


def states(house: House) -> dict[str, str]:
    return {row["job_id"]: row["state"] for row in house.written()}


async def cancel(house: House, job_id: str) -> dict[str, Any]:
    answer = await house.call("POST", f"/v1/jobs/{job_id}/cancel")
    assert answer.status == 200, answer.body
    job: dict[str, Any] = answer.json
    assert job["error"]["code"] == "job_cancelled"
    return job


async def test_pictures_and_films_outlive_a_stop_and_a_crash_together(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=240)
    jobs = [await created(house) for _ in range(2)]
    jobs += [await house.leave(prompt=f"a cat, number {number}") for number in range(2)]
    await until(lambda: set(states(house).values()) == {"running"})
    await house.stop()
    await house.start()
    await house.clock.sleep(30)
    # One of each more, whose answer to the paid request is lost in the crash.
    await house.upstream.fault("accepted_then_timeout", "generate", times=2)
    jobs += [await created(house), await house.leave(prompt="a dog")]
    await until(lambda: submits_sent(house) == 2)
    await house.crash()
    await house.start()

    ended = [await house.ended(job) for job in jobs]
    assert [job["status"] for job in ended] == ["completed"] * 6
    assert [job["kind"] for job in ended] == ["video"] * 2 + ["image"] * 2 + ["video", "image"]
    for job in ended:
        for result in job["results"]:
            assert (await house.fetch(result["url"])).status == 200
    assert submits_sent(house) == 0
    assert await house.upstream.charged(KEY) == 6
    assert house.sessions_kept() == 0


async def test_a_film_that_was_never_sent_is_cancelled_for_certain_and_a_picture_beside_it_runs_on(
    gateway: House,
) -> None:
    await gateway.upstream.time(seconds=20)
    waiting = asyncio.create_task(gateway.generate())
    await until(lambda: "running" in states(gateway).values())
    await gateway.upstream.fault("too_many_running", "generate", times=-1)
    film = await created(gateway)
    await until(lambda: any(row["attempt"] == 1 for row in gateway.written()))
    job = await cancel(gateway, film)
    assert job["error"]["charge"] == "none"
    video = (await gateway.call("GET", f"{VIDEOS}/{film.replace('job_', 'video_')}")).json
    assert (video["status"], video["error"]["code"]) == ("failed", "job_cancelled")
    assert (await waiting).status == 200
    sent = submits_sent(gateway)
    await gateway.clock.sleep(120)
    assert submits_sent(gateway) == sent
    assert await gateway.upstream.charged(KEY) == 1


async def test_a_film_that_runs_is_waited_for_no_more_and_kept_all_the_same(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=200)
    waiting = asyncio.create_task(house.call("POST", GENERATIONS, QUICK_WAVES))
    await until(lambda: "running" in states(house).values())
    (film,) = states(house)
    picture = await house.leave()
    job = await cancel(house, film)
    assert (job["error"]["charge"], job["late"]) == ("unknown", False)
    assert (await waiting).error["code"] == "job_cancelled"
    await house.crash()

    await house.start()
    assert (await house.ended(picture))["status"] == "completed"
    job = await house.settled(film)
    assert (job["status"], job["late"], len(job["results"])) == ("failed", True, 1)
    # The film came after all, and is there for whoever paid for it.
    video_id = film.replace("job_", "video_")
    video = (await house.call("GET", f"{VIDEOS}/{video_id}")).json
    assert video["status"] == "completed"
    assert (await content(house, video_id)).body[4:8] == b"ftyp"
    assert submits_sent(house) == 0
    assert await house.upstream.charged(KEY) == 2
    assert house.sessions_kept() == 0
