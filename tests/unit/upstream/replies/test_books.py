"""The upstream's book of an account's credits, as different clients have seen it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from jimeng_api.domain.errors import ProtocolChanged
from jimeng_api.upstream.replies.answers import Reply
from jimeng_api.upstream.replies.books import Entry, page_of

SPENT = {"amount": 4, "create_time": 1767225601, "history_type": 2, "submit_id": "one"}
BACK = {"amount": 4, "create_time": 1767225700, "history_type": 1, "submit_id": "one"}


def reply(data: Any) -> Reply:
    return Reply(data=msgspec.json.encode(data))


@pytest.mark.parametrize("name", ["records", "credits_history_list"])
def test_entries_stand_under_either_name(name: str) -> None:
    page = page_of(reply({name: [BACK, SPENT], "new_cursor": "2", "has_more": True}))
    assert page.entries == (
        Entry(submit_id="one", amount=-4, at=1767225700.0),
        Entry(submit_id="one", amount=4, at=1767225601.0),
    )
    assert page.cursor == "2"


def test_what_was_spent_may_come_as_a_negative_amount() -> None:
    page = page_of(reply({"records": [{**SPENT, "amount": -4}]}))
    assert page.entries[0].amount == 4


@pytest.mark.parametrize("more", [{"has_more": False, "new_cursor": "20"}, {}, {"has_more": None}])
def test_the_last_page_leads_nowhere(more: dict[str, Any]) -> None:
    assert page_of(reply({"records": [SPENT], **more})).cursor is None


def test_an_entry_that_cannot_be_read_does_not_hide_the_others() -> None:
    page = page_of(reply({"records": ["?", None, {"amount": "x"}, SPENT]}))
    assert [one.amount for one in page.entries if one.submit_id] == [4]


def test_what_is_no_book_is_reported() -> None:
    with pytest.raises(ProtocolChanged):
        page_of(Reply(data=b"[1]"))
