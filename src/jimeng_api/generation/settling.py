"""Finds out what submissions cost, from the book that the upstream keeps of every account."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from jimeng_api.accounts.session import Session
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import GatewayError, SessionExpired
from jimeng_api.jobs.charges import Charges, Settled, Unsettled
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.replies.books import Entry, Page

log = structlog.get_logger()

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
_IN_TROUBLE = _HOUR
_AFTER = 2 * _MINUTE  # an entry may come so late
_PATIENCE = _HOUR  # for an entry that may never come: of what was free, or a refund
_FOR_THE_REST = _HOUR / 2  # the whole book is read again for what is waited for
_GIVEN_UP = 7 * _DAY
_SKEW = 10 * _MINUTE  # between the upstream's clock and ours
_ENTRIES = 50
_MOST_PAGES = 200
_PAUSES = (2.0, 10.0)
"""Seconds until a page that did not come is asked for once more: a book must be read in one go."""
_MOST_SESSIONS = 20_000


@dataclass
class Book:
    """What was read of an account's book: credits by submission, and since when it is complete."""

    spent: Counter[str] = field(default_factory=Counter)
    came_back: Counter[str] = field(default_factory=Counter)
    since: float = 0.0


class Settling:
    """Reads the book of an account that something was sent with, some minutes later, in one go for all of it.

    Sessions are kept nowhere for this: what has ended when the gateway stops is settled when its account is
    used again.
    """

    def __init__(self, *, upstream: UpstreamClient, charges: Charges, clock: Clock) -> None:
        self._upstream = upstream
        self._charges = charges
        self._clock = clock
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._not_before: dict[str, float] = {}

    def used(self, session: Session) -> None:
        """Something is sent with this session: its account's book will be read."""
        self._sessions[session.account] = session
        self._sessions.move_to_end(session.account)
        while len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)

    async def settle(self) -> None:
        """One round over the accounts that were used lately. Raises StorageUnavailable."""
        now = self._clock.monotonic()
        due = [name for name in self._sessions if self._not_before.get(name, 0.0) <= now]
        waiting = await self._charges.unsettled(due) if due else {}
        for account, rows in waiting.items():
            ready = [row for row in rows if self._clock.now() - row.ended_at >= _AFTER]
            if ready:
                await self._settle(account, ready)
        await self._charges.give_up(before=self._clock.now() - _GIVEN_UP)

    async def _settle(self, account: str, rows: Sequence[Unsettled]) -> None:
        session = self._sessions[account]
        try:
            book = await self._read(session, since=rows[0].sent_at - _SKEW)
        except GatewayError as error:
            log.info("book_not_read", account=account, code=error.code)
            self._not_before[account] = self._clock.monotonic() + _IN_TROUBLE
            if isinstance(error, SessionExpired):
                del self._sessions[account]
            return
        now = self._clock.now()
        settled = [one for row in rows if (one := settlement(row, book, now=now)) is not None]
        if len(settled) < len(rows):
            self._not_before[account] = self._clock.monotonic() + _FOR_THE_REST
        else:
            self._not_before.pop(account, None)
        await self._charges.settle(settled)
        prices = {(row.job_id, row.number): row.price for row in rows}
        for one in settled:
            price = prices[one.job_id, one.number]
            if one.charged and price is not None and one.charged != price:
                log.info("price_differs", job=one.job_id, expected=price, charged=one.charged)

    async def _read(self, session: Session, *, since: float) -> Book:
        """The account's book back to this moment, or as far back as is bearable."""
        book, cursor = Book(since=since), "0"
        seen: set[Entry] = set()
        for _ in range(_MOST_PAGES):
            page = await self._page(session, cursor)
            for entry in page.entries:
                # What is written meanwhile moves the pages on: an entry may come twice.
                if entry.submit_id and entry not in seen:
                    seen.add(entry)
                    side = book.spent if entry.amount > 0 else book.came_back
                    side[entry.submit_id] += abs(entry.amount)
            oldest = min((entry.at for entry in page.entries if entry.at), default=since)
            if page.cursor is None or page.cursor == cursor or oldest < since:
                book.since = since
                return book
            cursor, book.since = page.cursor, oldest
        return book

    async def _page(self, session: Session, cursor: str) -> Page:
        pauses = iter(_PAUSES)
        while True:
            try:
                return await self._upstream.credit_history(
                    session.home, session.secret, cursor=cursor, count=_ENTRIES
                )
            except GatewayError as error:
                pause = next(pauses, None)
                if pause is None or isinstance(error, SessionExpired):
                    raise
            await self._clock.sleep(pause)


def settlement(row: Unsettled, book: Book, *, now: float) -> Settled | None:
    """What a submission cost by this book, None where it is too early to say. Pure."""

    def settled(charged: int | None) -> Settled:
        return Settled(
            job_id=row.job_id, number=row.number, submit_id=row.submit_id, charged=charged
        )

    spent, back = book.spent[row.submit_id], book.came_back[row.submit_id]
    if spent and (row.delivered or back):
        return settled(max(0, spent - back))
    if now - row.ended_at < _PATIENCE:
        return None  # of what failed, something may still come back; of what is not there, an entry
    if spent:
        return settled(spent)
    # Not in the book, though that was read back to its sending: it cost nothing.
    return settled(0 if book.since <= row.sent_at else None)
