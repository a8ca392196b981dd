"""Who is let in, on which site, and in which envelope answers come."""

import gzip
import json
from typing import Any

import pytest

from jimeng_api.simulator.accounts import USUAL_CREDITS
from tests.simulator.caller import (
    CREDIT,
    CREDIT_HISTORY,
    GENERATE,
    NEW_YEAR,
    PASSPORT,
    POLL,
    SESSION,
    SUBSCRIPTION,
    USER_INFO,
    Answer,
    Sim,
)
from tests.simulator.forms import browser_form


async def test_an_answer_has_ret_as_a_string_the_time_and_a_logid() -> None:
    sim = Sim()
    answer = await sim.ask(USER_INFO)
    assert answer.json["ret"] == "0"
    assert answer.json["errmsg"] == "success"
    assert answer.json["systime"] == "1767225600"
    assert len(answer.json["logid"]) == 34
    assert answer.json["logid"].startswith("20260101080000")
    assert answer.headers["x-tt-logid"] == answer.json["logid"]
    assert answer.data["uid"].isdigit()
    assert (await sim.ask(USER_INFO)).json["logid"] != answer.json["logid"]


@pytest.mark.parametrize("session", ["", "wrong-1", "dead0000", "expired", "invalid-session"])
async def test_without_a_good_session_the_answer_is_a_login_error(session: str) -> None:
    sim = Sim(session=session)
    for path in (USER_INFO, POLL, "/mweb/v1/get_history", CREDIT):
        answer = await sim.ask(path, {"submit_ids": ["x"]})
        assert (answer.status, answer.ret) == (200, "1015")
        assert answer.json["errmsg"] == "login error"
        assert answer.data is None
    answer = await sim.submit()
    assert (answer.ret, answer.data) == ("1015", None)


async def test_only_the_cookie_of_exactly_that_name_counts() -> None:
    sim = Sim(session="")
    answer = await sim.ask(USER_INFO, headers={"cookie": f"sessionid_ss={SESSION}; sid_tt=1"})
    assert answer.ret == "1015"
    assert (await sim.ask(USER_INFO, headers={"cookie": f"sessionid={SESSION}"})).ret == "0"


async def test_an_account_opens_by_itself_with_the_usual_credits() -> None:
    sim = Sim()
    assert await sim.balance() == USUAL_CREDITS
    first = (await sim.ask(USER_INFO)).data["uid"]
    assert (await sim.ask(USER_INFO, session="f" * 32)).data["uid"] != first
    assert (await Sim(seed=9).ask(USER_INFO)).data["uid"] == first


async def test_a_session_used_on_another_site_is_refused() -> None:
    sim = Sim(site="hk")
    assert (await sim.ask(USER_INFO)).ret == "0"
    for site in ("sg", "jp", "us", "cn"):
        answer = await sim.ask(USER_INFO, site=site)
        assert (answer.ret, answer.json["errmsg"]) == ("1015", "check login error")
        assert (await sim.ask(CREDIT, site=site)).ret == "1015"
    assert (await sim.ask(CREDIT)).ret == "0"


async def test_an_app_id_must_be_that_of_the_region() -> None:
    sim = Sim()
    assert (await sim.ask(USER_INFO, query={"aid": 513641, "region": "cn"})).ret == "1001"
    assert (await sim.ask(USER_INFO, query={"aid": 1, "region": "cn"})).ret == "1001"
    assert (await sim.ask(USER_INFO, query={"aid": 513695, "region": "XX"})).ret == "3000"
    assert (await sim.ask(USER_INFO, query={"aid": 513695, "region": "CN"})).ret == "0"
    assert (await sim.ask(USER_INFO, query={"aid": 513695})).ret == "0"


async def test_commerce_knows_the_site_by_its_headers() -> None:
    sim = Sim(site="us", session="a" * 32)
    answer = await sim.ask(CREDIT, headers={"loc": "US"}, query={})
    assert answer.json["systime"] == "1767225600000"
    assert (await sim.ask(USER_INFO)).ret == "0"
    other = Sim(session="b" * 32)
    answer = await other.raw(
        "POST", CREDIT, b"{}", {"cookie": "sessionid=" + "b" * 32, "appid": "513641"}
    )
    assert isinstance(answer.json["systime"], str)
    assert (await other.ask(USER_INFO, site="jp")).ret == "0"


async def test_the_same_session_answers_alike_with_few_cookies_or_many() -> None:
    sim = Sim()
    many = "; ".join([f"c{n}={n}" for n in range(30)] + [f"sessionid={SESSION}", "z=1"])
    assert (await sim.ask(USER_INFO, headers={"cookie": many})).ret == "0"


async def test_a_bearer_stands_for_the_cookie_on_the_credit_history_only() -> None:
    sim = Sim(session="")
    bearer = {"authorization": f"Bearer {SESSION}"}
    assert (await sim.ask(CREDIT_HISTORY, headers=bearer)).ret == "0"
    assert (await sim.ask(USER_INFO, headers=bearer)).ret == "1015"


async def test_a_session_may_die_amid_a_job_that_a_new_one_of_the_same_user_still_sees() -> None:
    sim = Sim()
    await sim.fault("session_dies")
    submit_id = await sim.accepted()
    assert (await sim.ask(POLL, {"submit_ids": [submit_id]})).ret == "1015"
    sim.clock.at += 100
    renewed = {"session": "renewed-0001", "same_user_as": SESSION}
    assert (await sim.control("POST", "/accounts", renewed)).status == 200
    record = (await sim.poll(submit_id, session="renewed-0001"))[submit_id]
    assert record["status"] == 50


async def test_two_sessions_may_belong_to_one_named_user() -> None:
    sim = Sim()
    user = "700000000000001"
    for session in ("session-one", "session-two"):
        order = {"session": session, "user": user, "site": "cn"}
        assert (await sim.control("POST", "/accounts", order)).json["account"] == user
    submit_id = await sim.accepted(session="session-one")
    assert submit_id in await sim.poll(submit_id, session="session-two")


async def test_a_dead_session_is_named_differently_by_parts_of_commerce() -> None:
    sim = Sim()
    await sim.account(dead=True)
    answer = await sim.ask(SUBSCRIPTION)
    assert (answer.ret, answer.data) == ("34010105", {"is_vip": False})
    assert (await sim.ask(CREDIT)).ret == "1015"
    await sim.switch(commerce_login_ret="34010105")
    assert (await sim.ask(CREDIT)).ret == "34010105"


async def test_the_passport_says_error_with_status_200_and_no_ret() -> None:
    alive = (await Sim().ask(PASSPORT)).json
    assert alive["message"] == "success"
    assert alive["data"]["user_id"].isdigit()
    answer = await Sim(session="expired-1").ask(PASSPORT)
    assert answer.status == 200
    assert answer.json["message"] == "error"
    assert "ret" not in answer.json
    assert "user_id" not in answer.json["data"]
    assert answer.json["data"]["name"] == "session_expired"


def signed(path_end: str, sign: str, appvr: str = "8.4.0") -> dict[str, str]:
    return {
        "pf": "7",
        "appvr": appvr,
        "device-time": str(int(NEW_YEAR)),
        "tdid": "",
        "sign": sign,
        "sign-ver": "1",
        "x-for": path_end,
    }


@pytest.mark.parametrize(
    ("path", "sign"),
    [
        (GENERATE, "050615d4bfc9047fbab2a4393676b3db"),
        (POLL, "3b5cfd6fb9927965b97c9abcc4cec558"),
        (CREDIT, "ba5c5e8a03c9a11f3c7ffda27ec80565"),
        ("/commerce/v1/benefits/credit_receive", "376ae03d335ea079200bbec571187a5a"),
    ],
)
async def test_strict_mode_checks_the_signature(path: str, sign: str) -> None:
    sim = Sim()
    body: Any = browser_form() if path == GENERATE else {"submit_ids": ["x"]}
    assert (await sim.ask(path, body)).ret == "0"
    await sim.switch(strict=True)
    headers = signed(path, sign)
    assert (await sim.ask(path, body, headers=headers)).ret == "0"
    assert (await sim.ask(path, body)).ret == "1014"
    wrong = headers | {"sign": "0" * 32}
    assert (await sim.ask(path, body, headers=wrong)).ret == "1014"
    sim.clock.at += 3600
    assert (await sim.ask(path, body, headers=headers)).ret == "1014"


async def test_strict_mode_refuses_an_old_version_on_generate_only() -> None:
    sim = Sim()
    await sim.switch(strict=True)
    old = signed(GENERATE, "3c82dda9a236d5cb3671cfa32a5de91e", appvr="5.8.0")
    answer = await sim.submit(headers=old)
    assert (answer.ret, answer.json["errmsg"]) == ("3018", "permission denied")
    assert answer.data == {
        "aigc_data": None,
        "fail_code": "",
        "fail_starling_key": "",
        "fail_starling_message": "",
    }
    await sim.switch(strict=False, strict_version=True)
    assert (await sim.ask(CREDIT, headers={"appvr": "5.8.0"})).ret == "0"
    assert (await sim.submit(headers={"appvr": "8.10.0"})).ret == "0"
    assert (await sim.submit(headers={"appvr": "new"})).ret == "3018"
    assert (await sim.submit()).ret == "3018"


async def test_ret_may_be_a_number() -> None:
    sim = Sim()
    await sim.switch(numeric_ret=True)
    assert (await sim.ask(USER_INFO)).json["ret"] == 0
    assert (await sim.ask(CREDIT)).json["ret"] == 0
    assert (await sim.ask(USER_INFO, session="wrong")).json["ret"] == 1015


def unbrotli(body: bytes) -> bytes:
    """Read a stream of stored pieces; enough for the streams made here."""
    assert body[0] & 0b1111 == 0b1011
    bits = int.from_bytes(body[:3], "little") >> 4
    length = (bits >> 3 & 0xFFFF) + 1
    assert bits >> 19 & 1
    assert body[3 + length :] == b"\x03"
    return body[3 : 3 + length]


@pytest.mark.parametrize("encoding", ["gzip", "br"])
async def test_answers_are_encoded_only_by_switch_and_for_those_who_accept(encoding: str) -> None:
    sim = Sim()
    accepts = {"accept-encoding": "gzip, deflate, br"}
    assert "content-encoding" not in (await sim.ask(USER_INFO, headers=accepts)).headers
    await sim.switch(compress=encoding)
    assert "content-encoding" not in (await sim.ask(USER_INFO)).headers
    answer = await sim.ask(USER_INFO, headers=accepts)
    assert answer.headers["content-encoding"] == encoding
    plain = gzip.decompress(answer.body) if encoding == "gzip" else unbrotli(answer.body)
    assert json.loads(plain)["ret"] == "0"


async def test_what_is_not_simulated_answers_404() -> None:
    sim = Sim()
    for path in ("/mweb/v9/x", "/", "/?Action=ListVideos&Version=2018-08-01"):
        assert (await sim.raw("POST", path, b"{}")).status == 404
    assert (await sim.raw("GET", USER_INFO)).status == 405
    assert (await sim.raw("POST", "/?Action=ApplyImageUpload&Version=2018-08-01")).status == 405
    requests = (await sim.control("GET", "/requests")).json
    assert requests["by_path"]["/mweb/v9/x"] == 1


async def test_a_body_may_come_in_pieces() -> None:
    sim = Sim()
    pieces = [b'{"submit_', b'ids":["x"]}']
    sent: list[Any] = []

    async def receive() -> Any:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"cookie", b"sessionid=abcdefgh12345678"), (b"appid", b"513695")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": POLL,
        "query_string": b"",
        "headers": headers,
    }
    await sim.app(scope, receive, send)
    assert Answer(sent).data == {}
