"""Which account takes an order, and what becomes of those for which none is free: scenes in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.choices.town import CN_ONLY, Town, played

FIRST, SECOND = "1" * 32, "2" * 32
BOTH = f"{FIRST},{SECOND}"
APART = f"{FIRST},us-{SECOND}"


async def statuses(town: Town, key: str, count: int) -> list[int]:
    """Of so many orders, one after the other."""
    return [(await town.order(key, f"order {n}")).answer.status for n in range(count)]


async def refused(town: Town, key: str = FIRST) -> tuple[int, str, int]:
    """Status, code and Retry-After of an order that is not taken on."""
    answer = (await town.order(key, "one more")).answer
    assert "x-job-id" not in answer.headers
    return answer.status, answer.error["code"], int(answer.headers["retry-after"])


def test_a_new_order_is_not_given_to_an_account_that_risk_control_stopped() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=5)
        await town.upstream.fault("shark", "generate", account=FIRST, times=1)
        answer = (await town.order(BOTH, "the first")).answer
        assert (answer.status, answer.error["code"]) == (403, "upstream_risk_control")
        assert await town.upstream.requests("generate") == 1, "it is not carried to the other"
        assert await statuses(town, BOTH, 3) == [200] * 3
        assert await town.upstream.charged(FIRST) == 0

    played(scene)


def test_where_all_accounts_are_at_rest_it_is_said_until_when_and_nothing_is_sent() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=5)
        await town.upstream.fault("shark", "generate", account=FIRST, times=1)
        assert await statuses(town, FIRST, 1) == [403]
        status, code, seconds = await refused(town)
        assert (status, code) == (403, "upstream_risk_control")
        assert 1700 < seconds <= 1800
        assert await town.upstream.requests("generate") == 1
        await asyncio.sleep(seconds)
        assert await statuses(town, FIRST, 1) == [200]

    played(scene)


def test_an_account_whose_looks_risk_control_stops_gets_no_new_order() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=60)
        await town.upstream.fault("shark", "poll", account=FIRST, times=1)
        await town.leave(BOTH, "the first")
        await asyncio.sleep(59)
        await town.upstream.time(seconds=5)
        assert await statuses(town, BOTH, 3) == [200] * 3
        assert await town.upstream.charged(FIRST) == 1

    played(scene)


def test_a_session_that_was_signed_out_is_asked_before_it_is_sent_anything() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=5)
        await town.upstream.account(FIRST, dead=True)
        assert await statuses(town, FIRST, 1) == [401]
        status, code, seconds = await refused(town)
        assert (status, code) == (401, "upstream_session_expired")
        assert seconds <= 10
        await asyncio.sleep(11)
        assert await statuses(town, FIRST, 1) == [401]
        assert await town.upstream.requests("generate") == 1
        assert await town.upstream.requests("user_info") == 1
        await town.upstream.account(FIRST, dead=False)
        await asyncio.sleep(21)
        assert await statuses(town, FIRST, 3) == [200] * 3
        assert await town.upstream.requests("user_info") == 2, "it is asked once"

    played(scene)


def test_what_cannot_be_sent_to_a_site_goes_to_another() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=5)
        town.line.down.add(FIRST)
        assert await statuses(town, APART, 3) == [200] * 3
        assert await town.upstream.charged(SECOND) == 3
        tried = [
            one
            for one in town.line.asked
            if one.account == FIRST and one.path.endswith("/generate")
        ]
        assert len(tried) <= 2, "a site that is down is not tried again and again"
        town.line.down.clear()
        await asyncio.sleep(300)
        assert await statuses(town, APART, 1) == [200]
        assert await town.upstream.charged(FIRST) == 1, "it is used again once it is back"

    played(scene)


def test_an_empty_account_is_left_alone_until_its_credits_are_looked_at_again() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=5)
        await town.upstream.account(FIRST, credits=0)
        assert await statuses(town, BOTH, 4) == [200] * 4
        assert await town.upstream.requests("generate") == 4
        await town.upstream.account(FIRST, credits=1000)
        assert await statuses(town, BOTH, 2) == [200] * 2
        assert await town.upstream.charged(FIRST) == 0
        await asyncio.sleep(600)
        assert await statuses(town, BOTH, 2) == [200] * 2
        assert await town.upstream.charged(FIRST) > 0

    played(scene)


def test_an_account_that_refused_for_its_credits_is_left_alone_until_its_day_turns() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=5)
        await town.upstream.fault("busy", "user_credit", account=FIRST, times=-1)
        await town.upstream.account(FIRST, credits=0)
        assert await statuses(town, BOTH, 4) == [200] * 4
        assert await town.upstream.requests("generate") == 5
        await town.upstream.account(FIRST, credits=1000)
        assert await statuses(town, BOTH, 2) == [200] * 2
        assert await town.upstream.charged(FIRST) == 0
        await asyncio.sleep(24 * 3600)
        assert await statuses(town, BOTH, 2) == [200] * 2
        assert await town.upstream.charged(FIRST) > 0

    played(scene)


def test_an_empty_account_is_looked_at_once_more_where_there_is_no_other() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=5)
        await town.upstream.account(FIRST, credits=0)
        assert await statuses(town, FIRST, 3) == [429] * 3
        assert await town.upstream.requests("user_credit") == 1
        await town.upstream.account(FIRST, credits=1000)
        await asyncio.sleep(31)
        assert await statuses(town, FIRST, 1) == [200], "its owner has just bought some"

    played(scene)


def test_who_finds_no_account_free_waits_in_line_and_is_told_the_place() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=20)
        jobs = [await town.leave(FIRST, f"order {n}") for n in range(3)]
        await asyncio.sleep(2)
        found = [await town.job(FIRST, job) for job in jobs]
        assert [one["status"] for one in found] == ["in_progress", "queued", "queued"]
        places = [one["queue"] for one in found[1:]]
        assert [one["line"] for one in places] == ["gateway", "gateway"]
        assert [one["position"] for one in places] == [1, 2]
        assert places[0]["wait_seconds"] is None, "nobody knows yet how long one takes"
        await town.ended(FIRST, jobs[0])
        later = (await town.job(FIRST, jobs[2]))["queue"]
        assert later["position"] == 1
        assert 20 <= later["wait_seconds"] < 23
        for job in jobs:
            assert (await town.ended(FIRST, job))["status"] == "completed"

    played(scene, images_at_once=1)


def test_only_so_many_may_wait() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=20)
        jobs = [await town.leave(FIRST, f"order {n}") for n in range(3)]
        status, code, seconds = await refused(town)
        assert (status, code) == (429, "queue_full")
        assert seconds >= 1
        assert await statuses(town, SECOND, 1) == [200], "another key is none of it"
        for job in jobs:
            assert (await town.ended(FIRST, job))["status"] == "completed"
        assert await statuses(town, FIRST, 1) == [200]

    played(scene, images_at_once=1, waiting_per_key=2)


def test_an_order_that_waits_is_taken_back_at_once() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=20)
        first, second, third = [await town.leave(FIRST, f"order {n}") for n in range(3)]
        assert (await town.cancel(FIRST, second)).status == 200
        assert town.now < 10
        gone = await town.job(FIRST, second)
        assert (gone["error"]["code"], gone["error"]["charge"]) == ("job_cancelled", "none")
        assert (await town.job(FIRST, third))["queue"]["position"] == 1
        for job in (first, third):
            assert (await town.ended(FIRST, job))["status"] == "completed"
        assert await town.upstream.requests("generate") == 2

    played(scene, images_at_once=1)


def test_those_who_wait_stand_in_line_again_after_a_restart() -> None:
    async def scene(town: Town) -> list[dict[str, Any]]:
        await town.upstream.time(seconds=20)
        jobs = []
        for number in range(4):
            jobs.append(await town.leave(FIRST, f"order {number}"))
            await asyncio.sleep(0.5)
        await town.lives.kill()
        town.lives.begin()
        await asyncio.sleep(2)
        queue = (await town.job(FIRST, jobs[3]))["queue"]
        assert (queue["line"], queue["position"]) == ("gateway", 3)
        return [await town.ended(FIRST, job) for job in jobs]

    ended = played(scene, images_at_once=1)
    assert [one["status"] for one in ended] == ["completed"] * 4
    sent = [one["submissions"][0]["sent_at"] for one in ended]
    assert sent == sorted(sent), "in the order in which they were accepted"


def test_what_waits_longer_than_its_time_ends_without_having_been_sent() -> None:
    async def scene(town: Town) -> dict[str, Any]:
        await town.upstream.time(seconds=50)
        jobs = [await town.leave(FIRST, f"order {n}") for n in range(3)]
        last = await town.ended(FIRST, jobs[2])
        assert 60 <= town.now < 65
        assert await town.upstream.requests("generate") == 2
        return last

    last = played(scene, images_at_once=1, job_seconds=60.0)
    assert (last["error"]["code"], last["error"]["charge"]) == ("generation_timeout", "none")


def test_those_who_wait_for_accounts_that_come_to_rest_are_told_at_once() -> None:
    async def scene(town: Town) -> dict[str, Any]:
        await town.upstream.time(seconds=20)
        await town.upstream.fault("shark", "generate", account=FIRST, times=1, after=1)
        jobs = [await town.leave(FIRST, f"order {n}") for n in range(3)]
        last = await town.ended(FIRST, jobs[2])
        assert await town.upstream.requests("generate") == 2
        return last

    last = played(scene, images_at_once=1)
    assert (last["error"]["code"], last["error"]["charge"]) == ("upstream_risk_control", "none")


def test_the_limit_of_an_account_is_learned_and_no_caller_is_refused() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=10)
        await town.upstream.account(FIRST, images_at_once=2)
        for count, most in ((30, 20), (10, 3)):
            before = await town.upstream.requests("generate")
            orders = [town.order(FIRST, f"order {n}", model=CN_ONLY) for n in range(count)]
            assert {one.answer.status for one in await asyncio.gather(*orders)} == {200}
            sent = await town.upstream.requests("generate") - before
            assert sent - count <= most, "what is known is not found out again"

    played(scene)


def test_films_and_pictures_have_limits_of_their_own() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=20)
        pictures = [await town.leave(FIRST, f"order {n}") for n in range(2)]
        film = await town.film(FIRST, "a film")
        await asyncio.sleep(5)
        states = [(await town.job(FIRST, job))["status"] for job in (*pictures, film)]
        assert states == ["in_progress", "queued", "in_progress"]

    played(scene, images_at_once=1, films_at_once=1)


def test_a_look_that_works_shows_that_a_session_is_signed_in_again() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=300)
        job = await town.leave(FIRST, "the first")
        await asyncio.sleep(10)
        await town.upstream.account(FIRST, dead=True)
        failed = await town.ended(FIRST, job)
        assert failed["error"]["code"] == "upstream_session_expired"
        await town.upstream.account(FIRST, dead=False)
        await asyncio.sleep(600)
        assert (await town.job(FIRST, job))["late"], "what was paid for is collected all the same"
        await town.upstream.time(seconds=5)
        assert await statuses(town, FIRST, 1) == [200]
        assert await town.upstream.requests("user_info") == 0

    played(scene)
