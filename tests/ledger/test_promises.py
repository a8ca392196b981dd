"""What is promised can be paid, and what cannot be paid is refused before anything is sent."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tests.answer import Answer
from tests.choices.town import Town, played

FIRST, SECOND = "1" * 32, "2" * 32
MODEL, PRICE = "jimeng-3.0", 1
"""Of one picture, of which four are made at once."""


async def order(town: Town, key: str = FIRST, *, name: str = "an order", **more: object) -> Answer:
    return (await town.order(key, name, model=MODEL, **more)).answer


async def crowd(town: Town, key: str, count: int, **more: object) -> Counter[int]:
    answers = await asyncio.gather(
        *(order(town, key, name=f"order {number}", **more) for number in range(count))
    )
    return Counter(answer.status for answer in answers)


def test_what_cannot_be_paid_is_refused_with_what_is_missing_and_what_could_be_had() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.account(FIRST, credits=20)
        answer = (await town.order(FIRST, "six", model="jimeng-4.5", n=6)).answer
        assert answer.status == 429
        assert answer.error["code"] == answer.error["type"] == "insufficient_quota"
        assert answer.headers["x-should-retry"] == "false"
        assert "x-job-id" not in answer.headers
        assert answer.error["credits"] == {
            "needed": 24,
            "available": 20,
            "missing": 4,
            "choices": [
                {"param": "n", "value": 5, "credits": 20},
                {"param": "model", "value": "jimeng-5.0-flash", "credits": 18},
            ],
        }
        for figure in ("24", "20", "4 too few", "n=5 (20)", "model=jimeng-5.0-flash (18)"):
            assert figure in answer.error["message"]
        assert await town.upstream.requests("generate") == 0
        assert (await town.upstream.ledger())["totals"]["accepted"] == 0
        answer = (await town.order(FIRST, "five", model="jimeng-4.5", n=5)).answer
        assert answer.status == 200
        assert await town.upstream.balance(FIRST) == 0

    played(scene)


@pytest.mark.parametrize("at_once", [None, 2])
def test_of_orders_at_the_same_moment_only_those_are_promised_that_can_be_paid(
    at_once: int | None,
) -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=20)
        await town.upstream.account(FIRST, credits=50)
        served = await crowd(town, FIRST, 100, n=4)
        assert served == {200: 12, 429: 88}
        assert await town.upstream.requests("generate") == 12
        assert await town.upstream.requests("user_credit") == 1
        assert await town.upstream.balance(FIRST) == 2

    played(scene, images_at_once=at_once)


def test_what_waits_is_still_promised_after_a_restart() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=20)
        await town.upstream.account(FIRST, credits=14)
        jobs = [await town.leave(FIRST, f"order {n}", model="jimeng-4.5") for n in range(3)]
        await asyncio.sleep(2)  # the first of them is taken, the others wait
        await town.lives.kill()
        town.lives.begin()
        refused = (await town.order(FIRST, "one more", model="jimeng-4.5")).answer
        assert refused.error["credits"]["available"] == 2
        for job in jobs:
            assert (await town.ended(FIRST, job))["status"] == "completed"
        assert await town.upstream.requests("generate") == 3

    played(scene, images_at_once=1)


def test_an_order_that_is_taken_back_leaves_its_credits_to_others() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=20)
        await town.upstream.account(FIRST, credits=8)
        jobs = [await town.leave(FIRST, f"order {n}", model="jimeng-4.5") for n in range(2)]
        assert (await town.order(FIRST, "one more", model="jimeng-4.5")).answer.status == 429
        assert (await town.cancel(FIRST, jobs[1])).status == 200
        assert (await town.order(FIRST, "another", model="jimeng-4.5")).answer.status == 200

    played(scene, images_at_once=1)


def test_the_account_that_can_pay_is_taken() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=5)
        await town.upstream.account(FIRST, credits=5)
        assert await crowd(town, f"{FIRST},{SECOND}", 10, n=4) == {200: 10}
        assert await town.upstream.requests("generate") == 10
        assert await town.upstream.balance(FIRST) in (1, 5)
        # Tasks of one order may go to different accounts, and are paid from each.
        await town.upstream.account(SECOND, credits=4)
        await town.upstream.account(FIRST, credits=4)
        await asyncio.sleep(601)
        answer = (await town.order(f"{FIRST},{SECOND}", "two", model=MODEL, n=8)).answer
        assert answer.status == 200
        answer = (await town.order(f"{FIRST},{SECOND}", "two", model=MODEL, n=8)).answer
        assert answer.error["credits"]["available"] == 0

    played(scene)


def test_credits_are_asked_for_once_in_ten_minutes_and_before_a_refusal() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=5)
        for number in range(20):
            assert (await order(town, name=f"order {number}")).status == 200
            await asyncio.sleep(20)
        assert await town.upstream.requests("user_credit") == 1
        await asyncio.sleep(600)
        assert (await order(town)).status == 200
        assert await town.upstream.requests("user_credit") == 2
        await town.upstream.account(FIRST, credits=0)
        assert (await order(town)).status == 429, "the upstream says so: nobody looked again"
        await asyncio.sleep(31)
        before = await town.upstream.requests("generate")
        assert [(await order(town)).status for _ in range(3)] == [429] * 3
        assert await town.upstream.requests("user_credit") == 3
        assert await town.upstream.requests("generate") == before
        await town.upstream.account(FIRST, credits=10)
        await asyncio.sleep(31)
        assert (await order(town)).status == 200
        assert await town.upstream.requests("user_credit") == 4

    played(scene)


def test_nothing_is_asked_where_nothing_is_known_to_be_paid() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.account(SECOND, site="us", credits=0)
        answer = await order(town, f"us-{SECOND}")
        assert answer.error["code"] == "insufficient_quota"
        assert "credits" not in answer.error
        assert await town.upstream.requests("generate") == 1
        assert await town.upstream.requests("user_credit") == 0

    played(scene)


def test_of_many_accounts_a_few_are_asked() -> None:
    async def scene(town: Town) -> None:
        sessions = [f"{number:032x}" for number in range(30)]
        assert (await order(town, ",".join(sessions))).status == 200
        assert await town.upstream.requests("user_credit") == 1
        for session in sessions[1:12]:
            await town.upstream.account(session, credits=0)
        await town.upstream.account(sessions[0], credits=0)
        await asyncio.sleep(601)
        assert (await order(town, ",".join(sessions))).status == 200
        assert await town.upstream.requests("user_credit") <= 9

    played(scene)


@pytest.mark.parametrize(("fault", "seconds"), [("busy", 0), ("timeout", 5)])
def test_an_account_that_does_not_tell_its_credits_is_used_all_the_same(
    fault: str, seconds: float
) -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=5)
        await town.upstream.fault(fault, "user_credit", times=-1)
        served = await town.order(FIRST, "an order", model=MODEL)
        assert served.answer.status == 200
        assert served.seconds < seconds + 10, "it is waited for a few seconds at most"
        assert await crowd(town, FIRST, 3) == {200: 3}
        assert await town.upstream.requests("user_credit") == 1

    played(scene)


def test_an_upstream_that_finds_the_credits_too_few_is_asked_again_how_many_there_are() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=5)
        await town.upstream.account(FIRST, credits=10, price=6)  # whatever the price was before
        assert (await order(town, n=4)).error["code"] == "insufficient_quota"
        assert await town.upstream.requests("user_credit") == 1
        await asyncio.sleep(31)
        await town.upstream.account(FIRST, price=1)
        assert (await order(town, n=4)).status == 200
        assert await town.upstream.requests("user_credit") == 2

    played(scene)


def test_members_pay_less_than_is_known_and_are_not_refused_for_it() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=5)
        await town.upstream.account(
            FIRST, credits={"purchase": 0, "vip": 2}, price=0, member="standard"
        )
        assert (await order(town, n=4)).status == 200

    played(scene)


def test_a_job_shows_what_it_is_thought_to_cost_and_later_what_it_cost() -> None:
    async def scene(town: Town) -> None:
        await town.upstream.time(seconds=5)
        await town.upstream.account(FIRST, price=2)
        job = await town.leave(FIRST, "an order", model="jimeng-4.5")
        assert (await town.job(FIRST, job))["credits"] == {"expected": 4, "charged": None}
        await town.ended(FIRST, job)
        await asyncio.sleep(1500)
        assert (await town.job(FIRST, job))["credits"] == {"expected": 4, "charged": 2}

    played(scene)
