from __future__ import annotations

import json
from typing import Any

import pytest

from jimeng_api.domain.credits import Expiring
from jimeng_api.domain.errors import (
    ProtocolChanged,
)
from jimeng_api.upstream.envelope import Plane
from jimeng_api.upstream.replies.answers import Answer, Reply, unwrap
from jimeng_api.upstream.replies.credits import credits_of, granted

CREDIT = {"vip_credit": 0, "gift_credit": 66, "purchase_credit": 5}


@pytest.mark.parametrize(
    "answer",
    [
        {"data": {"credit": CREDIT}, "response": json.dumps({"credit": CREDIT})},
        {"data": None, "response": json.dumps({"credit": CREDIT})},
        {"data": {"credit": {k: str(v) for k, v in CREDIT.items()}, "credits_detail": {}}},
    ],
)
def test_credits_come_in_either_of_two_places(answer: dict[str, Any]) -> None:
    wrapped = {"ret": "0", "errmsg": "success", "log_id": "L2", "svr_time": 1767225601, **answer}
    reply = unwrap(Answer(200, {}, json.dumps(wrapped).encode()), Plane.COMMERCE)
    balance = credits_of(reply)
    assert (balance.vip, balance.gift, balance.purchased, balance.total) == (0, 66, 5, 71)
    assert reply.log_id == "L2"


def test_an_answer_that_lacks_its_data_altogether_is_read_from_its_text() -> None:
    wrapped = {"ret": "0", "response": json.dumps({"credit": CREDIT})}
    reply = unwrap(Answer(200, {}, json.dumps(wrapped).encode()), Plane.COMMERCE)
    assert credits_of(reply).total == 71


def test_credits_just_granted_count_before_the_sum_shows_them() -> None:
    balance = credits_of(
        Reply(
            data=json.dumps(
                {
                    "credit": {"vip_credit": 0, "gift_credit": 0, "purchase_credit": 0},
                    "expiring_credits": [
                        {"credit_amount": 50, "expire_time": 1768579199},
                        {"credit_amount": 0, "expire_time": 1},
                    ],
                    "credits_detail": {
                        "gift_credits": [{"residual_credits": 50, "credits_life_end": 1768579199}],
                        "vip_credits": [],
                    },
                }
            ).encode()
        )
    )
    assert balance.gift == 50
    assert balance.total == 50
    assert balance.expiring == (Expiring(amount=50, at=1768579199),)


@pytest.mark.parametrize("data", [b"null", b"{}", b'{"credit":7}', b"[1]"])
def test_credits_that_cannot_be_read_are_not_taken_for_none(data: bytes) -> None:
    with pytest.raises(ProtocolChanged):
        credits_of(Reply(data=data))


def test_a_daily_grant_says_how_much() -> None:
    assert granted(Reply(data=b'{"receive_quota":66,"is_first_receive":true}')) == 66
    assert granted(Reply(data=b'{"receive_quota":0}')) == 0
    assert granted(Reply(data=b"null")) == 0
