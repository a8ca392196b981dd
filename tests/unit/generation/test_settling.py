"""When what a submission cost is known, and when it is too early to say."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from jimeng_api.generation.settling import Book, settlement
from jimeng_api.jobs.charges import Unsettled

SENT, ENDED = 1000.0, 1100.0
SOON, LATER = ENDED + 200, ENDED + 4000
UNKNOWN = object()


def row(**values: Any) -> Unsettled:
    return Unsettled(
        **{
            "job_id": "job", "number": 0, "submit_id": "s", "account": "a", "delivered": True,
            "price": 4, "sent_at": SENT, "ended_at": ENDED, **values,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("delivered", "spent", "back", "since", "now", "says"),
    [
        (True, 4, 0, 0.0, SOON, 4),
        (True, 4, 1, 0.0, SOON, 3),
        (True, 0, 0, 0.0, SOON, None),
        (True, 0, 0, 0.0, LATER, 0),
        (True, 0, 0, SENT + 1, LATER, UNKNOWN),
        (False, 4, 4, 0.0, SOON, 0),
        (False, 4, 0, 0.0, SOON, None),
        (False, 4, 0, 0.0, LATER, 4),
        (False, 0, 0, 0.0, SOON, None),
        (False, 0, 0, 0.0, LATER, 0),
        (False, 2, 5, 0.0, SOON, 0),
    ],
    ids=[
        "delivered and paid",
        "part of it came back",
        "its entry may still come",
        "it was free",
        "the book does not reach so far back",
        "failed and paid back",
        "failed, and may still be paid back",
        "failed and never paid back",
        "failed, its entry may still come",
        "failed and never charged",
        "more came back than went",
    ],
)
def test_a_submission_is_settled_when_its_cost_is_certain(
    *, delivered: bool, spent: int, back: int, since: float, now: float, says: object
) -> None:
    book = Book(spent=Counter({"s": spent}), came_back=Counter({"s": back}), since=since)
    found = settlement(row(delivered=delivered), book, now=now)
    if says is None:
        assert found is None
    else:
        assert found is not None
        assert found.charged == (None if says is UNKNOWN else says)
