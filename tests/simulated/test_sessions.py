"""Several sessions in one key."""

from __future__ import annotations

import asyncio

import pytest

from tests.answer import Answer
from tests.simulated.house import House

FIRST, SECOND, THIRD, FOURTH = (letter * 32 for letter in "1234")
BOTH = f"{FIRST},{SECOND}"


async def charged(house: House, *sessions: str) -> list[int]:
    return [await house.upstream.charged(session) for session in sessions]


async def test_the_site_that_offers_the_model_is_used(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    answer = await gateway.generate(f"{FIRST},us-{SECOND}", model="nanobanana")
    assert answer.status == 200
    assert await charged(gateway, FIRST, SECOND) == [0, 1]
    (accepted,) = await gateway.upstream.submits(SECOND)
    assert accepted["site"] == "us"


@pytest.mark.parametrize("site", ["us", "hk", "jp", "sg"])
async def test_every_site_is_reached_with_its_own_prefix(gateway: House, site: str) -> None:
    await gateway.upstream.time(seconds=5)
    assert (await gateway.generate(f"{site}-{FIRST}")).status == 200
    (accepted,) = await gateway.upstream.submits(FIRST)
    assert accepted["site"] == site


async def test_the_signatures_and_drafts_satisfy_a_strict_upstream(gateway: House) -> None:
    await gateway.upstream.switch(strict=True, wrong_size="refuse")
    await gateway.upstream.time(seconds=5)
    for model in ("jimeng-4.5", "jimeng-3.0", "jimeng-5.0-pro", "jimeng-2.0-pro"):
        assert (await gateway.generate(model=model)).status == 200


@pytest.mark.parametrize(
    "trouble",
    ["login_error", "no_credits", "daily_limit", "permission_denied", "region_not_allowed",
     "consent_needed", "too_many_running", "rate_limited", "prededuct_failed"],
)  # fmt: skip
async def test_a_session_that_is_refused_for_certain_gives_way_to_the_next(
    gateway: House, trouble: str
) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.fault(trouble, "generate", account=FIRST, times=-1)
    answer = await gateway.generate(BOTH)
    assert answer.status == 200
    assert await charged(gateway, FIRST, SECOND) == [0, 1]


async def test_a_dead_session_gives_way_to_the_next(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.account(FIRST, dead=True)
    assert (await gateway.generate(BOTH)).status == 200
    assert await charged(gateway, FIRST, SECOND) == [0, 1]


async def test_an_empty_account_gives_way_to_the_next(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.account(FIRST, credits=0)
    assert (await gateway.generate(BOTH)).status == 200
    assert await charged(gateway, FIRST, SECOND) == [0, 1]


@pytest.mark.parametrize(
    "trouble", ["shark", "punished", "abnormal_behaviour", "security_not_pass"]
)
async def test_risk_control_is_not_carried_over_to_the_next_account(
    gateway: House, trouble: str
) -> None:
    await gateway.upstream.fault(trouble, "generate", account=FIRST, times=-1)
    answer = await gateway.generate(BOTH)
    assert (answer.status, answer.error["code"]) == (403, "upstream_risk_control")
    assert await gateway.upstream.requests("generate") == 1


@pytest.mark.parametrize("trouble", ["text_refused", "invalid_parameter", "unknown_ret"])
async def test_what_every_account_would_refuse_is_not_tried_on_the_next(
    gateway: House, trouble: str
) -> None:
    await gateway.upstream.fault(trouble, "generate", account=FIRST, times=-1)
    answer = await gateway.generate(BOTH)
    assert answer.status >= 400
    assert await gateway.upstream.requests("generate") == 1


async def test_a_submission_in_doubt_is_not_tried_on_the_next_account(house: House) -> None:
    await house.start(confirmation_seconds=30.0)
    await house.upstream.fault("reset", "generate", account=FIRST)
    answer = await house.generate(BOTH)
    assert (answer.status, answer.error["code"]) == (502, "submission_unconfirmed")
    assert await house.upstream.requests("generate") == 1
    assert await house.upstream.requests("poll") >= 2


async def test_the_last_refusal_is_told_when_all_sessions_refuse(gateway: House) -> None:
    await gateway.upstream.fault("no_credits", "generate", account=FIRST)
    await gateway.upstream.account(SECOND, dead=True)
    answer = await gateway.generate(BOTH)
    assert (answer.status, answer.error["code"]) == (401, "upstream_session_expired")
    assert await gateway.upstream.requests("generate") == 2


async def test_a_session_that_cannot_pay_is_not_tried_when_the_others_refuse(
    gateway: House,
) -> None:
    await gateway.upstream.account(FIRST, credits=0)
    await gateway.upstream.account(SECOND, dead=True)
    answer = await gateway.generate(BOTH)
    assert (answer.status, answer.error["code"]) == (401, "upstream_session_expired")
    assert await gateway.upstream.requests("generate") == 1


async def test_a_session_on_a_site_without_the_model_is_no_other_session(gateway: House) -> None:
    await gateway.upstream.account(SECOND, credits=0)
    answer = await gateway.generate(f"{FIRST},us-{SECOND}", model="nanobanana")
    assert (answer.status, answer.error["code"]) == (429, "insufficient_quota")


@pytest.mark.speed(400)
async def test_many_busy_sessions_are_waited_for_like_one(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    sessions = (FIRST, SECOND, THIRD, FOURTH)
    for session in sessions[:3]:
        await gateway.upstream.fault("too_many_running", "generate", account=session, times=-1)
    await gateway.upstream.fault("too_many_running", "generate", account=FOURTH, times=2)
    assert (await gateway.generate(",".join(sessions))).status == 200
    assert await charged(gateway, *sessions) == [0, 0, 0, 1]


async def test_jobs_are_spread_over_the_sessions(gateway: House) -> None:
    await gateway.upstream.time(seconds=20)
    answers: list[Answer] = await asyncio.gather(*(gateway.generate(BOTH) for _ in range(10)))
    assert {answer.status for answer in answers} == {200}
    assert await charged(gateway, FIRST, SECOND) == [5, 5]


async def test_a_job_is_looked_at_with_the_session_it_was_sent_with(gateway: House) -> None:
    await gateway.upstream.time(seconds=20)
    await gateway.upstream.account(FIRST, credits=0)
    assert (await gateway.generate(BOTH)).status == 200
    ledger = await gateway.upstream.ledger()
    assert len(ledger["polls"]) == 1
