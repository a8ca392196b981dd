"""The calls below `/commerce/`: the balance, the daily gift, the credit history, membership."""

from collections.abc import Callable
from typing import Any

from jimeng_api.simulator.accounts import Account, CreditRow
from jimeng_api.simulator.call import Call
from jimeng_api.simulator.codes import Refusal
from jimeng_api.simulator.envelope import encoded
from jimeng_api.simulator.price_list import price_list
from jimeng_api.simulator.sites import CN, Site

USUAL_LIST = 20


def site_shown(call: Call) -> Site:
    """The site whose form an answer takes; abroad they all look the same."""
    account = call.session.account if call.session is not None else None
    if account is not None and account.site is not None:
        return account.site
    aid = call.query.get("aid") or call.headers.get("appid")
    here = call.query.get("region") or call.headers.get("loc") or ""
    abroad = aid not in (None, str(CN.aid)) or here.lower() not in ("", "cn")
    return ABROAD if abroad else CN


ABROAD = Site("abroad", "", 0, "", "", 50, "")


def _account(call: Call) -> Account:
    """The account that asks, or the refusal this plane has for a dead session."""
    if call.session is None or call.session.dead:
        if call.operation.name == "subscription":
            raise Refusal("34010105", data={"is_vip": False})
        raise Refusal(call.world.switches["commerce_login_ret"])
    account = call.session.account
    call.site_for(account)
    call.world.settle(call.now)
    account.lapse(call.now)
    return account


def user_credit(call: Call) -> bytes:
    account = _account(call)
    purse = account.purse
    detail: dict[str, Any] = {}
    for parcel in purse.parcels:
        shown: dict[str, Any] = {
            "residual_credits": parcel.amount,
            "credits_life_end": int(parcel.ends),
        }
        if parcel.kind == "vip":
            shown = {"vip_level": account.rules.member or "standard", **shown}
        detail.setdefault(f"{parcel.kind}_credits", []).append(shown)
    data: dict[str, Any] = {
        "credit": {
            "vip_credit": purse.sum_of("vip"),
            "gift_credit": account.shown_gift(),
            "purchase_credit": purse.bought,
        },
        "credits_detail": detail,
    }
    if purse.parcels:
        data["expiring_credits"] = [
            {"credit_amount": parcel.amount, "expire_time": int(parcel.ends)}
            for parcel in purse.parcels
        ]
    return encoded(data)


def credit_receive(call: Call) -> bytes:
    account = _account(call)
    first = account.received_on is None
    ret = account.rules.receive_ret
    if ret != "0":
        nothing = {"is_first_receive": False, "receive_quota": 0, "has_popup": False}
        raise Refusal(ret, data=nothing)
    quota = account.receive_gift(call.now)
    data: dict[str, Any] = {
        "is_first_receive": first and quota > 0,
        "receive_quota": quota,
        "has_popup": False,
        "receive_inter_days": 0,
    }
    if account.site is CN:
        data["cur_total_credits"] = account.balance
    return encoded(data)


def credit_history(call: Call) -> bytes:
    account = _account(call)
    order = call.json()
    wanted = order.get("history_type")
    rows = [
        row
        for row in reversed(account.rows)
        if row.visible_at <= call.now and wanted in (None, 0, row.history_type)
    ]
    count, cursor = order.get("count"), str(order.get("cursor", "0"))
    start = int(cursor) if cursor.isdigit() else 0
    end = start + (count if isinstance(count, int) and count > 0 else USUAL_LIST)
    return encoded(
        {
            "total_credit": account.balance,
            "records": [_row(row) for row in rows[start:end]],
            "new_cursor": str(min(end, len(rows))),
            "has_more": end < len(rows),
        }
    )


def _row(row: CreditRow) -> dict[str, Any]:
    return {
        "amount": abs(row.amount),
        "create_time": int(row.at),
        "title": row.title,
        "history_type": row.history_type,
        "submit_id": row.submit_id,
        "status": row.status,
        "trade_source": row.trade_source,
    }


def prices(call: Call) -> bytes:
    account = _account(call)
    query = call.json().get("query_list")
    return encoded(price_list(call.world.menu, call.site_for(account), query))


def subscription(call: Call) -> bytes:
    account = _account(call)
    member = account.rules.member
    if not member:
        return encoded({"flag": False, "cur_vip_level": "", "is_vip": False})
    return encoded(
        {
            "flag": True,
            "is_vip": True,
            "cur_vip_level": member,
            "start_time": int(call.now) - 86_400,
            "end_time": int(call.now) + 30 * 86_400,
            "is_cancel_subscribe": False,
            "subscribe_type": "auto",
            "subscribe_cycle": 1,
            "cycle_unit": "MONTH",
        }
    )


OPERATIONS: dict[str, Callable[[Call], bytes]] = {
    "user_credit": user_credit,
    "credit_receive": credit_receive,
    "credit_history": credit_history,
    "subscription": subscription,
    "price_list": prices,
}
