"""The operator's stored accounts: kept by the admin routes, lent to keys, reached by their own proxy."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from jimeng_api.domain.secret import Secret
from tests.answer import Answer
from tests.simulated.house import House, until

ADMIN = "the-admin-key-of-this-gateway"
FIRST, SECOND, THIRD = (letter * 32 for letter in "123")
PROXY = "socks5://operator:planted-password@10.0.0.7:1080"


@pytest.fixture
async def operated(house: House) -> House:
    await house.start(admin_key=SecretStr(ADMIN))
    await house.upstream.time(seconds=5)
    return house


async def admin(house: House, method: str, path: str = "", body: Any = None) -> Answer:
    return await house.call(method, f"/v1/admin/accounts{path}", body, key=ADMIN)


async def stored(house: House, session: str = FIRST, **body: Any) -> dict[str, Any]:
    answer = await admin(house, "POST", body={"session": session, **body})
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json
    return found


async def a_key(house: House) -> str:
    answer = await house.call("POST", "/v1/admin/keys", {"name": "user"}, key=ADMIN)
    key: str = answer.json["key"]
    return key


async def test_an_account_is_stored_once_it_is_known_to_be_alive(operated: House) -> None:
    await operated.upstream.account(FIRST, site="us", credits=70, member="standard")
    found = await stored(operated, f"us-{FIRST}", name="studio", films_at_once=2)
    assert found["new"] is True
    assert (found["name"], found["site"], found["standing"]) == ("studio", "us", "ready")
    assert (found["membership"], found["points"]["totalCredit"]) == ("standard", 70)
    assert (found["session"], found["films_at_once"]) == ("1111…1111", 2)
    listed = (await admin(operated, "GET")).json["data"]
    assert [one["id"] for one in listed] == [found["id"]]
    for name in ("studio", found["id"]):
        assert (await admin(operated, "GET", f"/{name}")).json["id"] == found["id"]
    assert await operated.upstream.requests("user_info") == 1


async def test_the_same_session_and_the_same_user_are_one_account(operated: House) -> None:
    first = await stored(operated, FIRST)
    again = await stored(operated, FIRST, name="mine")
    assert (again["id"], again["new"], again["name"]) == (first["id"], False, "mine")
    assert len((await admin(operated, "GET")).json["data"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "missing_required_parameter"),
        ({"session": "x"}, 401, "invalid_api_key"),
        ({"session": f"{FIRST},{SECOND}"}, 400, "invalid_value"),
        ({"session": ADMIN}, 400, "invalid_value"),
        ({"session": "jm-" + "a" * 43}, 400, "invalid_value"),
        ({"session": f"{PROXY}@{FIRST}"}, 401, "invalid_api_key"),
        ({"session": FIRST, "site": "mars"}, 400, "invalid_value"),
        ({"session": FIRST, "proxy": "ftp://u:planted-password@h:1"}, 400, "invalid_value"),
        ({"session": FIRST, "name": "no spaces here"}, 400, "invalid_value"),
        ({"session": FIRST, "images_at_once": -1}, 400, "invalid_value"),
        ({"session": FIRST, "unknown": 1}, 400, "invalid_value"),
    ],
)
async def test_what_cannot_be_an_account_is_refused(
    operated: House, body: Any, status: int, code: str
) -> None:
    answer = await admin(operated, "POST", body=body)
    assert (answer.status, answer.error["code"]) == (status, code)
    assert "planted-password" not in answer.body.decode()
    assert operated.door.asked == []
    assert (await admin(operated, "GET")).json["data"] == []


async def test_a_dead_session_is_not_stored_and_trouble_is_told_plainly(operated: House) -> None:
    await operated.upstream.account(FIRST, dead=True)
    answer = await admin(operated, "POST", body={"session": FIRST})
    assert (answer.status, answer.error["code"]) == (401, "upstream_session_expired")
    await operated.upstream.fault("region_not_allowed", "user_info")
    answer = await admin(operated, "POST", body={"session": SECOND})
    assert (answer.status, answer.error["code"]) == (403, "upstream_region_refused")
    await operated.upstream.fault("html_502", "user_info")
    answer = await admin(operated, "POST", body={"session": THIRD})
    assert answer.status == 502
    assert (await admin(operated, "GET")).json["data"] == []
    unchecked = await stored(operated, FIRST, check=False)
    assert (unchecked["standing"], unchecked["points"]) == ("unchecked", None)


async def test_checks_find_out_what_became_of_accounts(operated: House) -> None:
    for session in (FIRST, SECOND, THIRD):
        await stored(operated, session)
    await operated.upstream.account(FIRST, dead=True)
    await operated.upstream.account(SECOND, credits=12)
    await operated.upstream.fault("refuse", "user_info", account=THIRD, ret="1018")
    found = (await admin(operated, "POST", "/check")).json["data"]
    assert [one["standing"] for one in found] == ["expired", "ready", "barred"]
    assert found[0]["trouble"]["code"] == "upstream_session_expired"
    assert found[1]["points"]["totalCredit"] == 12
    assert found[2]["trouble"]["upstream_code"] == "1018"
    assert "barred" in found[2]["trouble"]["message"]
    again = (await admin(operated, "POST", "/cn-3/check")).json
    assert (again["standing"], again["trouble"]) == ("ready", None)
    await operated.upstream.fault("html_502", "user_info")
    unreached = await admin(operated, "POST", "/cn-3/check")
    assert unreached.status == 502
    assert (await admin(operated, "GET", "/cn-3")).json["standing"] == "ready"
    assert (await admin(operated, "POST", "/nobody/check")).status == 404


async def test_keys_work_on_stored_accounts_and_show_nothing_of_them(operated: House) -> None:
    await operated.upstream.account(FIRST, credits=50, site="cn")
    await stored(operated, FIRST, name="studio")
    key = await a_key(operated)
    answer = await operated.generate(key)
    assert answer.status == 200
    assert await operated.upstream.charged(FIRST) == 1
    requests = len(operated.door.asked)
    points = (await operated.call("POST", "/token/points", key=key)).json
    assert points[0]["points"]["totalCredit"] == 50  # as the last check saw it
    assert (await operated.call("POST", "/token/check", key=key)).json["live"] is True
    received = (await operated.call("POST", "/token/receive", key=key)).json[0]
    assert (received["success"], received["code"]) == (False, "invalid_api_key")
    assert len(operated.door.asked) == requests
    exchanged = await operated.call("POST", "/token", key=key)
    assert exchanged.status == 401


async def test_an_account_that_is_removed_serves_nobody_and_its_job_goes_on(
    operated: House,
) -> None:
    await operated.upstream.time(seconds=30)
    await stored(operated, FIRST)
    key = await a_key(operated)
    job = await operated.leave(key)
    await until(lambda: operated.written()[0]["state"] == "running")
    assert (await admin(operated, "DELETE", "/cn-1")).status == 200
    assert (await admin(operated, "DELETE", "/cn-1")).status == 404
    await until(lambda: operated.written()[0]["state"] in ("completed", "failed"))
    assert (await operated.job(job, key))["status"] == "completed"
    assert (await operated.generate(key)).status >= 400


async def test_an_account_is_reached_by_its_own_proxy_alone(operated: House) -> None:
    await stored(operated, FIRST, name="studio", proxy=PROXY)
    key = await a_key(operated)
    picture = await operated.generate(key, n=1)
    assert picture.status == 200
    edited = await operated.ask(
        "compositions", key, images=[picture.json["data"][0]["url"]], model="jimeng-4.5"
    )
    assert edited.status == 200, edited
    paths = {request.url.split("?")[0].rpartition("/")[2] for request in operated.door.asked}
    assert {"get_user_info", "user_credit", "generate", "get_upload_token"} <= paths
    assert {request.proxy for request in operated.door.asked} == {Secret(PROXY)}
    shown = (await admin(operated, "GET", "/studio")).body.decode()
    assert "socks5://10.0.0.7:1080" in shown
    assert "planted-password" not in shown
    # Another caller's account has nothing to do with it.
    before = len(operated.door.asked)
    assert (await operated.generate(SECOND)).status == 200
    assert {request.proxy for request in operated.door.asked[before:]} == {None}


async def test_a_proxy_stays_with_a_job_through_a_crash(operated: House) -> None:
    await operated.upstream.time(seconds=30)
    await stored(operated, FIRST, proxy=PROXY)
    key = await a_key(operated)
    await operated.leave(key)
    await until(lambda: operated.written()[0]["state"] == "running")
    await operated.crash()
    await operated.start()
    await until(lambda: operated.written()[0]["state"] in ("completed", "failed"))
    assert operated.door.asked
    assert {request.proxy for request in operated.door.asked} == {Secret(PROXY)}


async def test_a_broken_proxy_of_one_account_is_no_trouble_of_others(operated: House) -> None:
    await stored(operated, FIRST, name="studio", proxy=PROXY, check=False)
    for _ in range(12):
        operated.door.close("/mweb/v1/get_user_info", session=FIRST, by="proxy")
        answer = await admin(operated, "POST", "/studio/check")
        assert answer.status == 502
    checked = await operated.call("POST", "/token/check", {"token": SECOND})
    assert checked.json["live"] is True


async def test_what_the_operator_changes_counts_from_the_next_request_on(operated: House) -> None:
    await stored(operated, FIRST, name="studio", proxy=PROXY, films_at_once=2)
    changed = await admin(
        operated, "PATCH", "/studio", {"name": "loft", "proxy": "", "films_at_once": 0}
    )
    assert changed.status == 200
    assert (changed.json["name"], changed.json["proxy"]) == ("loft", None)
    assert changed.json["films_at_once"] is None
    before = len(operated.door.asked)
    await admin(operated, "POST", "/loft/check")
    assert {request.proxy for request in operated.door.asked[before:]} == {None}
    wrong = await admin(operated, "PATCH", "/loft", {"proxy": "u:planted-password@h"})
    assert wrong.status == 400
    assert "planted-password" not in wrong.body.decode()


@pytest.mark.speed(2000)
async def test_daily_credits_are_received_once_a_day_for_each_account(house: House) -> None:
    await house.start(admin_key=SecretStr(ADMIN), receive_daily_credits=True)
    for session, rules in ((FIRST, {}), (SECOND, {"receive_ret": "-4"}), (THIRD, {"dead": True})):
        await house.upstream.account(session, credits=0, site="cn", **rules)
        await stored(house, session, check=False)

    def receives(session: str = "") -> int:
        return sum(
            "credit_receive" in request.url and session in request.headers["cookie"]
            for request in house.door.asked
        )

    await until(lambda: receives() == 3)
    for _ in range(3):
        house.clock.skip(1800)
        await asyncio.sleep(0.02)
    assert await house.upstream.balance(FIRST) == 66
    assert [receives(session) for session in (FIRST, SECOND, THIRD)] == [1, 1, 1]
    house.clock.skip(86_400)
    await until(lambda: receives(FIRST) == 2)
    await until(lambda: receives(SECOND) == 2)  # the refusal was of that day
    assert receives(THIRD) == 1  # nobody asks for a dead one again
