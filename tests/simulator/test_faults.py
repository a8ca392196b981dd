"""The queue of faults, and each fault that any call may meet."""

import gzip
import json
from typing import Any

import pytest

from jimeng_api.simulator.accounts import USUAL_CREDITS
from jimeng_api.simulator.codes import ERRMSG
from jimeng_api.simulator.faults import FAULTS
from jimeng_api.simulator.operations import OPERATIONS
from jimeng_api.simulator.spoil import SPOILERS
from tests.simulator.caller import CREDIT, POLL, USER_INFO, Sim
from tests.simulator.forms import browser_form

NAMED_REFUSALS = [
    row.name for row in FAULTS.values() if row.kind == "refusal" and row.name != "refuse"
]


async def rets(sim: Sim, number: int, **options: Any) -> list[str]:
    return [(await sim.ask(USER_INFO, **options)).ret for _ in range(number)]


async def test_a_fault_is_met_once_unless_it_says_how_often() -> None:
    sim = Sim()
    await sim.fault("busy", on="user_info")
    assert await rets(sim, 3) == ["1014", "0", "0"]
    await sim.fault("busy", on="user_info", times=2, after=1)
    assert await rets(sim, 4) == ["0", "1014", "1014", "0"]
    await sim.fault("busy", on="user_info", nth=2)
    assert await rets(sim, 3) == ["0", "1014", "0"]
    await sim.fault("busy", on="user_info", times=-1)
    assert await rets(sim, 5) == ["1014"] * 5


async def test_a_fault_meets_only_its_operation_and_account() -> None:
    sim = Sim()
    await sim.fault("busy", on="user_credit")
    assert await rets(sim, 1) == ["0"]
    assert (await sim.ask(CREDIT)).ret == "1014"
    await sim.fault("busy", account="e" * 32)
    assert await rets(sim, 1) == ["0"]
    assert await rets(sim, 1, session="e" * 32) == ["1014"]
    uid = (await sim.ask(USER_INFO)).data["uid"]
    await sim.fault("busy", account=uid)
    assert await rets(sim, 1) == ["1014"]


async def test_an_operation_may_be_called_by_the_end_of_its_path() -> None:
    sim = Sim()
    await sim.fault("missing_record", on="get_history_by_ids")
    await sim.fault("busy", on="*")
    queued = (await sim.control("GET", "/faults")).json["queued"]
    assert [each["on"] for each in queued] == ["poll", "any"]


async def test_a_fault_may_be_met_by_chance_the_same_for_the_same_seed() -> None:
    runs = []
    for seed in (5, 5, 6):
        sim = Sim(seed=seed)
        await sim.fault("busy", on="user_info", times=-1, probability=0.4)
        runs.append(await rets(sim, 60))
    assert runs[0] == runs[1] != runs[2]
    assert 10 < runs[0].count("1014") < 40


async def test_what_was_met_is_counted_and_what_is_left_is_told() -> None:
    sim = Sim()
    await sim.fault("busy", on="user_info", times=3)
    await sim.fault("stuck")
    await sim.fault("busy", on="user_credit", times=-1, account=sim.session)
    await rets(sim, 1)
    told = (await sim.control("GET", "/faults")).json
    assert (told["met"], told["unspent"]) == (1, 3)
    assert [each["left"] for each in told["queued"]] == [2, 1, None]
    assert sim.session not in json.dumps(told)
    assert (await sim.control("DELETE", "/faults")).json == {"dropped": 3, "unspent": 0}
    assert await rets(sim, 1) == ["0"]


async def test_a_list_of_faults_is_queued_wholly_or_not_at_all() -> None:
    sim = Sim()
    wrong = [{"on": "poll", "fault": "busy"}, {"on": "poll", "fault": "no_such"}]
    assert (await sim.control("POST", "/faults", wrong)).status == 400
    assert (await sim.control("GET", "/faults")).json["queued"] == []
    right = [{"on": "poll", "fault": "busy"}, {"on": "poll", "fault": "shark"}]
    assert len((await sim.control("POST", "/faults", right)).json["added"]) == 2


@pytest.mark.parametrize(
    "order",
    [
        {"on": "poll", "fault": "no_such_fault"},
        {"on": "no_such_operation", "fault": "busy"},
        {"on": "poll", "fault": "stuck"},
        {"on": "poll", "fault": "busy", "colour": "red"},
        {"on": "poll", "fault": "busy", "times": "often"},
        {"on": "poll", "fault": "delay", "seconds": "long"},
        {"on": 7, "fault": "busy"},
        {"on": "poll"},
    ],
)
async def test_an_order_that_cannot_be_meant_is_refused_with_the_names(order: Any) -> None:
    answer = await Sim().control("POST", "/faults", order)
    assert answer.status == 400
    assert answer.json["error"]
    assert set(answer.json["operations"]) == {"any", *OPERATIONS}
    assert set(answer.json["faults"]) == set(FAULTS)


async def test_a_fault_of_one_operation_needs_not_name_it() -> None:
    sim = Sim()
    await sim.fault("stuck")
    assert (await sim.control("GET", "/faults")).json["queued"][0]["on"] == "generate"


# -------------------------------------------------------------------- refusals


@pytest.mark.parametrize("name", NAMED_REFUSALS)
async def test_a_named_refusal_has_its_number_and_leaves_nothing_behind(name: str) -> None:
    sim = Sim()
    row = FAULTS[name]
    if "generate" in row.on:
        await sim.fault(name, on="generate")
        answer = await sim.submit()
        assert (await sim.ledger())["refusals"] == {row.ret: 1}
    else:
        operation = "user_credit" if "user_credit" in row.on else next(iter(row.on))
        await sim.fault(name, on=operation)
        answer = await sim.ask(OPERATIONS[operation].path)
    assert (answer.status, answer.ret) == (200, row.ret)
    assert f"({row.ret})" in row.meaning
    assert (await sim.ledger())["submits"] == []
    assert await sim.balance() == USUAL_CREDITS


@pytest.mark.parametrize("ret", [*sorted(set(ERRMSG) - {"0"}), "424242"])
async def test_any_number_can_be_refused_with(ret: str) -> None:
    sim = Sim()
    await sim.fault("refuse", on="generate", ret=ret)
    assert (await sim.submit()).ret == ret
    await sim.fault("refuse", on="poll", ret=ret, errmsg="in own words", data={"a": 1})
    answer = await sim.ask(POLL, {"submit_ids": ["x"]})
    assert (answer.ret, answer.json["errmsg"]) == (ret, "in own words")
    assert answer.data == {"a": 1}


async def test_risk_refusals_fill_the_fail_fields() -> None:
    sim = Sim()
    await sim.fault("abnormal_behaviour")
    data = (await sim.submit()).data
    assert data["fail_starling_key"] == "web_risk_control_message_reject_generation"


# ------------------------------------------------------------------------ wire


async def accepted_jobs(sim: Sim) -> int:
    total: int = (await sim.ledger())["totals"]["accepted"]
    return total


@pytest.mark.parametrize("name", sorted(SPOILERS))
async def test_each_wire_fault_says_rightly_whether_the_job_was_accepted(name: str) -> None:
    sim = Sim()
    small = {"megabytes": 1} if "megabytes" in FAULTS[name].settings else {}
    await sim.fault(name, on="generate", **small)
    form = browser_form()
    with_reset = name in ("timeout", "reset", "cut_answer") or name.startswith("accepted_then")
    if with_reset:
        with pytest.raises(ConnectionResetError):
            await sim.submit(form)
    else:
        await sim.submit(form)
    not_done = {
        "timeout", "reset", "http_error", "html_502", "html_504", "json_500", "maintenance",
        "too_many_requests", "unauthorized", "login_page", "login_redirect", "redirect",
        "lone_surrogate", "hostile_text",
    }  # fmt: skip
    done = name not in not_done
    assert await accepted_jobs(sim) == done
    assert (form["submit_id"] in await sim.poll(form["submit_id"])) == done
    assert (await sim.control("GET", "/faults")).json["unspent"] == 0


@pytest.mark.parametrize("name", ["html_502", "html_504", "json_500", "login_page", "http_error"])
@pytest.mark.parametrize("done", [False, True])
async def test_some_wire_faults_may_be_told_whether_the_job_was_accepted(
    name: str, done: bool
) -> None:
    sim = Sim()
    await sim.fault(name, on="generate", accepted=done)
    await sim.submit()
    assert await accepted_jobs(sim) == done


def test_every_wire_fault_has_its_spoiler() -> None:
    assert {row.name for row in FAULTS.values() if row.kind == "wire"} == set(SPOILERS)


async def spoilt(name: str, **settings: Any) -> Any:
    sim = Sim()
    await sim.fault(name, on="user_info", **settings)
    return await sim.ask(USER_INFO)


async def test_pages_of_html_come_with_their_status() -> None:
    for name, status in (("html_502", 502), ("html_504", 504), ("http_error", 502)):
        answer = await spoilt(name)
        assert answer.status == status
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.body.startswith(b"<html>")
    assert (await spoilt("http_error", status=500)).status == 500
    down = await spoilt("maintenance", retry_after=60)
    assert (down.status, down.headers["retry-after"]) == (503, "60")
    assert (await spoilt("too_many_requests")).status == 429
    assert (await spoilt("unauthorized", status=403)).status == 403
    login = await spoilt("login_page")
    assert (login.status, b"<form" in login.body) == (200, True)


async def test_a_redirect_leads_to_a_foreign_host_or_to_the_passport() -> None:
    away = await spoilt("redirect")
    assert (away.status, away.headers["location"][:18]) == (302, "https://elsewhere.")
    assert (await spoilt("redirect", to="http://10.0.0.1/", status=307)).status == 307
    assert (await spoilt("login_redirect")).headers["location"] == "/passport/web/login"


async def test_json_may_be_broken_in_many_ways() -> None:
    assert (await spoilt("empty_body")).body == b""
    assert (await spoilt("null_data")).data is None
    with pytest.raises(json.JSONDecodeError):
        _ = (await spoilt("truncated_json")).json
    with pytest.raises(UnicodeDecodeError):
        (await spoilt("non_utf8")).body.decode()
    with pytest.raises(RecursionError):
        _ = (await spoilt("deep_json")).json
    assert (await spoilt("duplicate_keys")).body.count(b'"ret"') == 2
    assert "\ud83d" in (await spoilt("lone_surrogate")).json["errmsg"]
    hostile = (await spoilt("hostile_text")).json["errmsg"]
    assert "<script>" in hostile
    assert "\x1b[31m" in hostile
    assert (await spoilt("number_as_ret")).json["ret"] == 0
    assert (await spoilt("json_500")).status == 500


async def test_the_servers_clock_may_be_a_day_off() -> None:
    assert (await spoilt("clock_skew")).json["systime"] == str(1767225600 + 86_400)
    assert (await spoilt("clock_skew", seconds=-86_400)).json["systime"] == "1767139200"


async def test_answers_may_be_late_slow_or_huge() -> None:
    sim = Sim()
    await sim.fault("delay", on="user_info", seconds=60)
    assert (await sim.ask(USER_INFO)).ret == "0"
    assert sim.clock.slept == [60.0]
    sim.clock.slept.clear()
    await sim.fault("drip", on="user_info", seconds_per_byte=1)
    answer = await sim.ask(USER_INFO)
    assert answer.ret == "0"
    assert sim.clock.slept == [1.0] * len(answer.body)
    huge = await spoilt("huge_body", megabytes=3)
    assert len(huge.body) > 3 * 2**20
    assert huge.ret == "0"
    bomb = await spoilt("gzip_bomb", megabytes=5)
    assert len(bomb.body) < 20_000
    unpacked = gzip.decompress(bomb.body)
    assert len(unpacked) > 5 * 2**20
    assert json.loads(unpacked)["ret"] == "0"
    packed = await spoilt("unasked_encoding")
    assert json.loads(gzip.decompress(packed.body))["ret"] == "0"


async def test_silence_ends_in_a_cut_connection() -> None:
    sim = Sim()
    await sim.fault("timeout", on="user_info", seconds=90)
    with pytest.raises(ConnectionResetError):
        await sim.ask(USER_INFO)
    assert sim.clock.slept == [90.0]


async def test_a_download_can_meet_wire_faults_too() -> None:
    sim = Sim()
    record = await sim.finished(await sim.accepted())
    link = record["item_list"][0]["image"]["large_images"][0]["image_url"]
    await sim.fault("html_502", on="picture")
    assert (await sim.fetch(link)).status == 502
    await sim.fault("delay", on="picture", seconds=9)
    assert (await sim.fetch(link)).status == 200
    assert sim.clock.slept[-1] == 9
    await sim.fault("close_after_answer", on="picture")
    assert (await sim.fetch(link)).status == 200
    await sim.fault("reset", on="picture")
    with pytest.raises(ConnectionResetError):
        await sim.fetch(link)


async def test_one_request_may_meet_faults_of_several_kinds() -> None:
    sim = Sim()
    await sim.fault("stuck")
    await sim.fault("accepted_then_reset", on="generate")
    form = browser_form()
    with pytest.raises(ConnectionResetError):
        await sim.submit(form)
    assert (await sim.finished(form["submit_id"]))["status"] == 20
