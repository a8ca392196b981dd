"""What callers of other gateways know: `/token` and what is below it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jimeng_api.transport import Request, Response
from tests.answer import Answer
from tests.simulated.house import House

FIRST, SECOND, THIRD = (letter * 32 for letter in "123")
MASKED = "1111…1111"


async def post(house: House, path: str, key: str = "", **body: Any) -> Answer:
    headers = {} if key else {"authorization": ""}
    if key:
        return await house.call("POST", path, body or None, key=key)
    return await house.call("POST", path, body or None, headers=headers, key="")


async def granted(house: House, key: str = FIRST, **body: Any) -> dict[str, Any]:
    answer = await post(house, "/token", key, **body)
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json
    return found


# ------------------------------------------------------------------------------- exchange


async def test_a_session_is_exchanged_for_a_token_that_works_everywhere(gateway: House) -> None:
    await gateway.upstream.account(FIRST, credits=66)
    await gateway.upstream.time(seconds=5)
    grant = await granted(gateway)
    assert grant["token_type"] == "bearer"
    assert grant["expires_in"] == 86_400
    assert (grant["site"], grant["alive"], grant["credits"]) == ("cn", True, 66)
    assert grant["accounts"][0]["token"] == MASKED
    token = grant["access_token"]
    assert token.startswith("jm-")
    answer = await gateway.generate(token)
    assert answer.status == 200
    assert await gateway.upstream.charged(FIRST) == 1
    # Whoever sends the session itself is the same caller.
    assert (await gateway.job(answer.headers["x-job-id"], FIRST))["status"] == "completed"
    assert FIRST not in str(grant)


@pytest.mark.parametrize(
    "body",
    [
        {"session": f"us-{FIRST}"},
        {"session": FIRST, "site": "us"},
        {"token": FIRST, "region": "US"},
        {"sessions": [f"us-{FIRST}"]},
        {"sessions": [{"session": FIRST, "site": "us"}]},
        {"session": f"us-{FIRST}", "site": "hk"},  # what it says of itself counts
    ],
)
async def test_the_site_is_said_by_a_prefix_or_a_field(gateway: House, body: Any) -> None:
    assert (await granted(gateway, "", **body))["site"] == "us"


async def test_several_sessions_become_one_token_without_the_dead_ones(gateway: House) -> None:
    await gateway.upstream.account(FIRST, credits=10)
    await gateway.upstream.account(SECOND, dead=True)
    await gateway.upstream.account(THIRD, credits=7)
    grant = await granted(gateway, f"{FIRST},{SECOND},us-{THIRD}")
    assert (grant["site"], grant["sites"], grant["credits"]) == (None, ["cn", "us"], 17)
    assert [one["alive"] for one in grant["accounts"]] == [True, False, True]
    assert grant["accounts"][1]["code"] == "upstream_session_expired"
    points = (await post(gateway, "/token/points", grant["access_token"])).json
    assert points[0]["points"]["totalCredit"] == 17
    dead = await post(gateway, "/token", SECOND)
    assert (dead.status, dead.error["code"]) == (401, "upstream_session_expired")


async def test_a_token_expires_and_is_renewed_by_its_refresh_token_once(gateway: House) -> None:
    first = await granted(gateway, expires_in=60)
    assert first["expires_in"] == 60
    gateway.clock.skip(61)
    late = await gateway.generate(first["access_token"])
    assert (late.status, late.error["code"]) == (401, "invalid_api_key")
    second = (await post(gateway, "/token/refresh", refresh_token=first["refresh_token"])).json
    assert (await gateway.call("GET", "/v1/jobs", key=second["access_token"])).status == 200
    third = await post(
        gateway, "/token", grant_type="refresh_token", refresh_token=second["refresh_token"]
    )
    assert third.status == 200
    # The second time it is somebody else: nobody gets anything any more.
    again = await post(gateway, "/token/refresh", refresh_token=second["refresh_token"])
    assert (again.status, again.error["code"]) == (401, "invalid_api_key")
    for one in (first, second, third.json):
        assert (await gateway.call("GET", "/v1/jobs", key=one["access_token"])).status == 401
        refused = await post(gateway, "/token/refresh", refresh_token=one["refresh_token"])
        assert refused.status == 401


async def test_of_two_who_renew_at_once_one_gets_a_token(gateway: House) -> None:
    grant = await granted(gateway)
    answers = await asyncio.gather(
        *(post(gateway, "/token/refresh", refresh_token=grant["refresh_token"]) for _ in range(5))
    )
    assert sorted(answer.status for answer in answers) == [200, 401, 401, 401, 401]


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_a_token_that_was_revoked_is_no_good_and_its_sessions_are_gone(
    gateway: House, which: str
) -> None:
    grant = await granted(gateway)
    assert gateway._rows("SELECT length(sessions) AS size FROM issued_keys")[0]["size"] > 40
    assert (await post(gateway, "/token/revoke", token=grant[which])).json == {"revoked": True}
    assert (await post(gateway, "/token/revoke", token=grant[which])).json == {"revoked": False}
    assert (await gateway.call("GET", "/v1/jobs", key=grant["access_token"])).status == 401
    refused = await post(gateway, "/token/refresh", refresh_token=grant["refresh_token"])
    assert refused.status == 401
    assert gateway._rows("SELECT sessions FROM issued_keys") == [{"sessions": b""}]


async def test_a_job_goes_on_whose_token_is_revoked(gateway: House) -> None:
    await gateway.upstream.time(seconds=20)
    grant = await granted(gateway)
    job = await gateway.leave(grant["access_token"])
    assert (await post(gateway, "/token/revoke", grant["access_token"])).json == {"revoked": True}
    assert (await gateway.ended(job, FIRST))["status"] == "completed"


async def test_a_token_lives_through_a_restart_and_is_forgotten_in_the_end(gateway: House) -> None:
    grant = await granted(gateway)
    await gateway.crash()
    await gateway.start()
    assert (await gateway.call("GET", "/v1/jobs", key=grant["access_token"])).status == 200
    gateway.clock.skip(31 * 86_400)
    await asyncio.sleep(0.1)
    refused = await post(gateway, "/token/refresh", refresh_token=grant["refresh_token"])
    assert refused.status == 401


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/token", {}, 401),
        ("/token", {"session": "jm-" + "a" * 43}, 401),
        ("/token", {"session": FIRST, "site": "mars"}, 400),
        ("/token", {"session": FIRST, "expires_in": 5}, 400),
        ("/token", {"session": FIRST, "expires_in": "soon"}, 400),
        ("/token", {"session": 7}, 400),
        ("/token", {"sessions": [{"site": "us"}]}, 400),
        ("/token", {"session": f"http://proxy.test:1@{FIRST}"}, 401),
        ("/token", {"sessions": [f"{number:032}" for number in range(65)]}, 401),
        ("/token/refresh", {}, 401),
        ("/token/refresh", {"refresh_token": "jm-refresh-nobody"}, 401),
        ("/token/revoke", {}, 401),
        ("/token/check", {}, 401),
        ("/token/points", {}, 401),
        ("/token/receive", {}, 401),
    ],
)
async def test_what_is_wrong_is_refused_before_any_site_is_asked(
    gateway: House, path: str, body: Any, status: int
) -> None:
    answer = await post(gateway, path, **body)
    assert answer.status == status, answer
    assert answer.error["message"]
    assert gateway.door.asked == []


# ------------------------------------------------------------------------- alive, credits


@pytest.mark.parametrize("path", ["/token/check", "/v1/token/check", "/v1/token/check/"])
async def test_whether_a_session_is_alive_is_told(gateway: House, path: str) -> None:
    await gateway.upstream.account(SECOND, dead=True)
    assert (await post(gateway, path, token=FIRST)).json == {"live": True, "site": "cn"}
    assert (await post(gateway, path, token=SECOND)).json == {"live": False, "site": "cn"}
    assert (await post(gateway, path, FIRST)).json["live"] is True
    assert (await post(gateway, path, token="nonsense!")).json["live"] is False
    both = (await post(gateway, path, tokens=[FIRST, f"us-{SECOND}"])).json
    assert both["live"] is False
    assert [(one["token"], one["site"], one["live"]) for one in both["tokens"]] == [
        (MASKED, "cn", True),
        ("us-2…2222", "us", False),
    ]


async def test_trouble_of_the_site_is_no_word_on_the_session(gateway: House) -> None:
    await gateway.upstream.account(SECOND)
    await gateway.upstream.fault("html_502", "user_info", times=2)
    answer = await post(gateway, "/token/check", token=FIRST)
    assert (answer.status, answer.error["code"]) == (502, "upstream_unreachable")
    both = (await post(gateway, "/token/check", tokens=[FIRST, SECOND])).json["tokens"]
    assert sorted(str(one["live"]) for one in both) == ["None", "True"]


async def test_a_session_on_another_site_and_one_from_a_wrong_place_are_told_plainly(
    gateway: House,
) -> None:
    await gateway.upstream.account(FIRST, site="us")
    wrong = (await post(gateway, "/token/points", FIRST)).json[0]
    assert wrong["code"] == "upstream_session_expired"
    assert "another site" in wrong["error"]
    await gateway.upstream.fault("region_not_allowed", "user_info")
    answer = await post(gateway, "/token/check", token=SECOND)
    assert (answer.status, answer.error["code"]) == (403, "upstream_region_refused")
    assert answer.error["upstream"]["code"] == "3000"


@pytest.mark.parametrize("path", ["/token/points", "/v1/token/points"])
async def test_the_credits_of_several_tokens_are_told_in_their_order(
    gateway: House, path: str
) -> None:
    await gateway.upstream.account(FIRST, credits=5)
    await gateway.upstream.account(THIRD, dead=True)
    await gateway.upstream.account(SECOND, credits=7)
    found = (await post(gateway, path, f"{FIRST}, {THIRD}, us-{SECOND}")).json
    assert found[0] == {
        "token": MASKED,
        "points": {"giftCredit": 0, "purchaseCredit": 5, "vipCredit": 0, "totalCredit": 5},
    }
    assert found[1]["points"] is None
    assert found[1]["code"] == "upstream_session_expired"
    assert found[2]["points"]["totalCredit"] == 7
    assert not [secret for secret in (FIRST, SECOND, THIRD) if secret in str(found)]


async def test_many_tokens_are_asked_about_four_at_a_time(
    gateway: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering, under_way, most = gateway.door._answer, 0, 0

    async def counted(request: Request) -> Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        response = await answering(request)
        under_way -= 1
        return response

    monkeypatch.setattr(gateway.door, "_answer", counted)
    sessions = [f"{number:032}" for number in range(20)]
    assert len((await post(gateway, "/token/points", ",".join(sessions))).json) == 20
    assert most == 4


async def test_the_daily_credits_are_received_once(gateway: House) -> None:
    await gateway.upstream.account(FIRST, credits=0, site="cn")
    grant = await granted(gateway)
    first = (await post(gateway, "/token/receive", grant["access_token"])).json[0]
    assert (first["success"], first["received"], first["totalCredit"]) == (True, 66, 66)
    second = (await post(gateway, "/token/receive", FIRST)).json[0]
    assert (second["success"], second["received"], second["totalCredit"]) == (True, 0, 66)
    assert second["token"] == MASKED


async def test_a_refusal_of_the_daily_credits_is_told_plainly_and_not_repeated(
    gateway: House,
) -> None:
    await gateway.upstream.account(FIRST, credits=3, receive_ret="-4")
    found = (await post(gateway, "/token/receive", f"{FIRST},{SECOND}")).json
    assert (found[0]["success"], found[0]["code"]) == (False, "upstream_risk_control")
    assert "risk control" in found[0]["error"]
    assert found[1]["success"] is True
    receives = [request for request in gateway.door.asked if "credit_receive" in request.url]
    assert len(receives) == 2


async def test_the_admin_key_is_sent_to_no_site(house: House) -> None:
    admin = "an-admin-key-of-the-operator"
    await house.start(admin_key=admin)
    assert (await post(house, "/token", token=admin)).status == 403
    for path in ("/token/check", "/token/points", "/token/receive"):
        answer = await post(house, path, tokens=[admin, admin[::-1] + ";"])
        assert answer.status == 200
        assert admin not in answer.body.decode()
    assert house.door.asked == []
