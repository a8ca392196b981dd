"""Trouble of many at once: what a site is still asked, and what its callers are told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.simulated.door import GENERATE
from tests.simulated.house import House, submits_sent

KEYS = [f"{number:032d}" for number in range(12)]


async def all_of(house: House, keys: list[str]) -> list[Any]:
    return await asyncio.gather(*(house.generate(key, response_format="url") for key in keys))


@pytest.mark.parametrize(
    ("by", "code"), [("network", "upstream_unreachable"), ("proxy", "proxy_error")]
)
async def test_when_a_site_is_dead_further_callers_hear_it_at_once_and_when_to_come_back(
    gateway: House, by: Any, code: str
) -> None:
    gateway.door.close(GENERATE, times=-1, by=by)
    for half in (KEYS[:6], KEYS[6:]):  # trouble of a moment does not count
        for answer in await all_of(gateway, half):
            assert (answer.status, answer.error["code"]) == (502, code)
    answer = await gateway.generate(KEYS[0])
    assert (answer.status, answer.error["code"], answer.error["charge"]) == (502, code, "none")
    assert 1 <= int(answer.headers["retry-after"]) <= 36
    assert "x-should-retry" not in answer.headers
    # The other sites are other ways.
    assert (await gateway.generate("us-" + KEYS[0])).error.get("code") == code
    again = await gateway.generate("us-" + KEYS[0])
    assert "retry-after" not in again.headers


async def test_a_site_that_is_back_is_found_by_the_next_who_tries_after_the_pause(
    gateway: House,
) -> None:
    gateway.door.close(GENERATE, times=-1)
    for half in (KEYS[:6], KEYS[6:]):
        await all_of(gateway, half)
    answer = await gateway.generate()
    gateway.door.reopen()
    await gateway.clock.sleep(float(answer.headers["retry-after"]))
    assert (await gateway.generate()).status == 200
    assert {answer.status for answer in await all_of(gateway, KEYS)} == {200}


LOST = (
    {"fault": "accepted_then_reset"},
    {"fault": "accepted_then_timeout"},
    {"fault": "cut_answer"},
    {"fault": "truncated_json"},
    {"fault": "html_502", "accepted": True},
    {"fault": "empty_body"},
    {"fault": "drip"},
)


@pytest.mark.speed(200)
@pytest.mark.parametrize("fault", LOST, ids=lambda fault: fault["fault"])
async def test_submissions_are_not_kept_back_for_answers_that_are_lost_on_their_way(
    gateway: House, fault: dict[str, Any]
) -> None:
    await gateway.upstream.time(seconds=8)
    await gateway.upstream.control("POST", "/faults", {**fault, "on": "generate", "times": -1})
    for _ in range(3):
        assert {answer.status for answer in await all_of(gateway, KEYS)} == {200}
    assert submits_sent(gateway) == 3 * len(KEYS)


async def test_where_nobody_is_understood_no_more_is_sent_and_what_runs_is_collected(
    gateway: House,
) -> None:
    await gateway.upstream.time(seconds=60)
    running = asyncio.create_task(gateway.generate(KEYS[11]))
    while not submits_sent(gateway):
        await gateway.clock.sleep(0.5)
    await gateway.upstream.fault("sign_error", "generate", times=-1)
    for answer in await all_of(gateway, KEYS[:5]):
        assert answer.error["code"] == "upstream_protocol_changed"
    sent = submits_sent(gateway)
    assert sent == 6
    answer = await gateway.generate(KEYS[6])
    assert (answer.status, answer.error["code"]) == (503, "upstream_protocol_changed")
    assert answer.error["charge"] == "none"
    assert submits_sent(gateway) == sent
    assert (await running).status == 200
    await gateway.upstream.control("DELETE", "/faults")
    await gateway.clock.sleep(40)
    await gateway.upstream.time(seconds=5)
    assert (await gateway.generate(KEYS[7])).status == 200
