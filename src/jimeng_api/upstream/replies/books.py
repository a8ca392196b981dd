"""An account's own book of credits: what was spent and what came, newest first. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from jimeng_api.domain.errors import ProtocolChanged
from jimeng_api.upstream.replies.answers import Reply
from jimeng_api.upstream.replies.shapes import Shape
from jimeng_api.upstream.replies.words import count, identity, moment, number, word

SPENT: Final = "2"
"""The kind of an entry by which credits went; every other is income."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Credits that went (`amount` above 0) or came (below 0) at a moment (Unix seconds).

    `submit_id` names the submission that they went or came for, and is empty where they did for none.
    """

    submit_id: str
    amount: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of the entries; `cursor` leads to the next ones, None where there are none."""

    entries: tuple[Entry, ...]
    cursor: str | None


class _EntryWire(msgspec.Struct):
    amount: Any = None
    create_time: Any = None
    history_type: Any = None
    submit_id: Any = None


class _PageWire(msgspec.Struct):
    records: list[_EntryWire | None] | None = None
    credits_history_list: list[_EntryWire | None] | None = None
    new_cursor: Any = None
    has_more: Any = None


def page_of(reply: Reply) -> Page:
    """One page of the book. Raises ProtocolChanged where it is none."""
    wire = _PAGE.read(reply.data)
    if wire is None:
        raise ProtocolChanged("The upstream's book of credits cannot be read.")
    listed = wire.records if wire.records is not None else wire.credits_history_list
    cursor = word(wire.new_cursor) if wire.has_more is True else ""
    return Page(
        entries=tuple(_entry(one) for one in listed or () if one is not None),
        cursor=cursor or None,
    )


def _entry(wire: _EntryWire) -> Entry:
    """Some clients saw what was spent as a negative amount, others as a positive one: the kind decides."""
    size = count(abs(number(wire.amount) or 0.0))
    spent = word(wire.history_type) == SPENT
    return Entry(
        submit_id=identity(wire.submit_id),
        amount=size if spent else -size,
        at=moment(wire.create_time),
    )


_PAGE: Final = Shape(_PageWire)
