"""The balance, the daily gift, the credit history and the membership."""

import json

from jimeng_api.simulator.accounts import USUAL_CREDITS
from tests.simulator.caller import (
    CREDIT,
    CREDIT_HISTORY,
    RECEIVE,
    SUBSCRIPTION,
    Sim,
)
from tests.simulator.forms import browser_form

DAY_END = 1_767_283_199  # 2026-01-01T23:59:59+08:00


async def test_the_payload_comes_twice_once_as_a_string() -> None:
    sim = Sim()
    answer = (await sim.ask(CREDIT)).json
    assert json.loads(answer["response"]) == answer["data"]
    assert answer["data"]["credit"] == {
        "vip_credit": 0,
        "gift_credit": 0,
        "purchase_credit": USUAL_CREDITS,
    }
    assert len(answer["log_id"]) == 34
    assert "logid" not in answer
    assert answer["sign"]


async def test_cn_has_seconds_as_a_number_and_others_milliseconds_as_text() -> None:
    home = (await Sim().ask(CREDIT)).json
    assert home["svr_time"] == 1767225600
    assert "systime" not in home
    abroad = (await Sim(site="sg").ask(CREDIT)).json
    assert abroad["systime"] == "1767225600000"
    assert "svr_time" not in abroad


async def test_the_payload_may_come_only_as_a_string() -> None:
    sim = Sim()
    await sim.fault("response_only", on="user_credit")
    answer = (await sim.ask(CREDIT)).json
    assert "data" not in answer
    assert json.loads(answer["response"])["credit"]["purchase_credit"] == USUAL_CREDITS
    assert "data" in (await sim.ask(CREDIT)).json


async def test_the_daily_gift_comes_once_and_lapses_at_the_end_of_the_day() -> None:
    sim = Sim()
    await sim.account(credits=0)
    empty = (await sim.ask(CREDIT)).data
    assert empty["credits_detail"] == {}
    assert "expiring_credits" not in empty
    first = (await sim.ask(RECEIVE, {"time_zone": "Asia/Shanghai"})).data
    assert (first["receive_quota"], first["is_first_receive"]) == (66, True)
    assert first["cur_total_credits"] == 66
    assert (await sim.ask(RECEIVE)).data["receive_quota"] == 0
    data = (await sim.ask(CREDIT)).data
    assert data["credit"]["gift_credit"] == 66
    assert data["expiring_credits"] == [{"credit_amount": 66, "expire_time": DAY_END}]
    assert data["credits_detail"]["gift_credits"][0]["credits_life_end"] == DAY_END
    sim.clock.at = DAY_END + 1.0
    assert await sim.balance() == 0
    again = (await sim.ask(RECEIVE)).data
    assert (again["receive_quota"], again["is_first_receive"]) == (66, False)


async def test_sites_abroad_give_50_without_a_total() -> None:
    sim = Sim(site="hk")
    data = (await sim.ask(RECEIVE)).data
    assert data["receive_quota"] == 50
    assert "cur_total_credits" not in data


async def test_the_gift_may_show_late_in_the_total_but_at_once_in_the_details() -> None:
    sim = Sim(site="hk")
    await sim.account(gift_lag=1)
    await sim.ask(RECEIVE)
    early = (await sim.ask(CREDIT)).data
    assert early["credit"]["gift_credit"] == 0
    assert early["expiring_credits"][0]["credit_amount"] == 50
    assert (await sim.ask(CREDIT)).data["credit"]["gift_credit"] == 50


async def test_the_gift_may_be_refused_by_risk_control() -> None:
    sim = Sim()
    await sim.account(receive_ret="-4")
    answer = await sim.ask(RECEIVE)
    assert (answer.ret, answer.json["errmsg"]) == ("-4", "shark check reject")
    assert answer.data["receive_quota"] == 0


async def test_the_balance_may_be_busy_for_one_call() -> None:
    sim = Sim()
    await sim.fault("busy", on="user_credit")
    answer = await sim.ask(CREDIT)
    assert (answer.ret, answer.json["errmsg"]) == ("1014", "system busy")
    assert (await sim.ask(CREDIT)).ret == "0"


async def test_a_job_is_paid_from_what_lapses_first() -> None:
    sim = Sim()
    await sim.account(credits={"gift": 2, "vip": 3, "purchase": 10})
    await sim.accepted(browser_form(count=2))
    assert await sim.credits() == {"vip_credit": 0, "gift_credit": 0, "purchase_credit": 9}


async def test_the_credit_history_links_spending_to_its_job() -> None:
    sim = Sim()
    await sim.ask(RECEIVE)
    submit_id = await sim.accepted(browser_form(count=1))
    data = (await sim.ask(CREDIT_HISTORY, {"count": 20, "cursor": "0"})).data
    spent, income = data["records"]
    assert (spent["amount"], spent["submit_id"], spent["title"]) == (3, submit_id, "图片生成")
    assert (income["amount"], income["trade_source"]) == (66, "FREEMIUM_RECEIVE")
    assert data["total_credit"] == USUAL_CREDITS + 66 - 3
    assert (data["has_more"], data["new_cursor"]) == (False, "2")
    only = (await sim.ask(CREDIT_HISTORY, {"count": 20, "cursor": "0", "history_type": 1})).data
    assert [row["history_type"] for row in only["records"]] == [1]
    page = (await sim.ask(CREDIT_HISTORY, {"count": 1, "cursor": "0"})).data
    assert (len(page["records"]), page["has_more"], page["new_cursor"]) == (1, True, "1")
    rest = (await sim.ask(CREDIT_HISTORY, {"count": 1, "cursor": "1"})).data
    assert rest["records"] == [income]


async def test_a_row_may_appear_late_in_the_credit_history() -> None:
    sim = Sim()
    await sim.fault("late_charge_row", seconds=60)
    await sim.accepted()
    assert (await sim.ask(CREDIT_HISTORY)).data["records"] == []
    sim.clock.at += 61
    assert len((await sim.ask(CREDIT_HISTORY)).data["records"]) == 1
    await sim.account(row_lag=30)
    await sim.accepted()
    assert len((await sim.ask(CREDIT_HISTORY)).data["records"]) == 1


async def test_the_membership_is_plain_unless_the_account_has_one() -> None:
    sim = Sim()
    assert (await sim.ask(SUBSCRIPTION)).data["flag"] is False
    await sim.account(member="maestro")
    data = (await sim.ask(SUBSCRIPTION)).data
    assert (data["flag"], data["cur_vip_level"]) == (True, "maestro")


async def test_credits_that_lapse_at_different_times_are_told_soonest_first() -> None:
    sim = Sim()
    await sim.account(
        credits=10,
        member="maestro",
        lapsing=[
            {"kind": "vip", "amount": 30, "seconds": 86_400},
            {"kind": "gift", "amount": 20, "seconds": 3600},
            {"kind": "gift", "amount": 5, "ends": 1_767_225_660},
        ],
    )
    data = (await sim.ask(CREDIT)).data
    assert data["credit"] == {"vip_credit": 30, "gift_credit": 25, "purchase_credit": 10}
    assert data["expiring_credits"] == [
        {"credit_amount": 5, "expire_time": 1_767_225_660},
        {"credit_amount": 20, "expire_time": 1_767_229_200},
        {"credit_amount": 30, "expire_time": 1_767_312_000},
    ]
    assert data["credits_detail"]["vip_credits"] == [
        {"vip_level": "maestro", "residual_credits": 30, "credits_life_end": 1_767_312_000}
    ]
    await sim.account(price=13)
    await sim.accepted(browser_form(count=1))
    assert (await sim.credits())["gift_credit"] == 12
    sim.clock.at = 1_767_229_201.0
    assert await sim.credits() == {"vip_credit": 30, "gift_credit": 0, "purchase_credit": 10}


async def test_the_books_add_up_whatever_happens_to_an_account() -> None:
    sim = Sim()
    await sim.switch(refund_on_failure=True)
    await sim.account(credits=100, lapsing=[{"kind": "gift", "amount": 7, "seconds": 60}])
    await sim.ask(RECEIVE)
    await sim.account(member="standard", subscription=40)
    await sim.accepted(browser_form(model="high_aes_general_v40", count=3))
    await sim.fault("text_block", on="generate")
    await sim.accepted(browser_form(model="high_aes_general_v40", count=2))
    sim.clock.at += 100_000
    await sim.accepted(browser_form(model="high_aes_general_v40", count=1))
    (books,) = (await sim.ledger())["books"].values()
    assert books == {
        "opening": 107,
        "charged": 24,
        "refunded": 8,
        "received": 66 + 40,
        "lapsed": 53,
        "balance": 144,
    }
    assert books["balance"] == await sim.balance()
    rows = (await sim.ask(CREDIT_HISTORY, {"count": 50, "cursor": "0"})).data["records"]
    signs = {1: 1, 2: -1}
    total = sum(signs[row["history_type"]] * row["amount"] for row in rows)
    assert books["opening"] + total == books["balance"]
