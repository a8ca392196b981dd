"""What accounts have to spend, asked before it is promised, and what of it is promised already."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Iterable

import structlog

from jimeng_api.accounts.choice import Need
from jimeng_api.accounts.health import Balance, Health
from jimeng_api.accounts.pool import Pool
from jimeng_api.accounts.session import Session
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import GatewayError
from jimeng_api.generation.orders import Key
from jimeng_api.upstream.client import UpstreamClient

log = structlog.get_logger()

_OLD = 600.0
"""Seconds after which credits that were seen are looked at again, should the account be needed."""
_OLD_FOR_A_REFUSAL = 30.0
_IN_VAIN = 60.0
_PATIENCE = 5.0
MOST_ASKED = 8
"""Accounts that are asked for one order, at most."""
_MOST_REMEMBERED = 20_000


class Purses:
    """Asks little: only what something is to be paid from, each account once in ten minutes.

    What is not told in a few seconds stays unknown, and so does what cannot be told: an account whose credits
    nobody knows is sent things as before, and refuses them itself. Without `upstream`, nothing is asked.
    """

    def __init__(
        self,
        health: Health,
        clock: Clock,
        *,
        upstream: UpstreamClient | None = None,
        pool: Pool | None = None,
    ) -> None:
        self._health = health
        self._clock = clock
        self._upstream = upstream
        self._pool = pool
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._not_before: OrderedDict[str, float] = OrderedDict()
        self._promises: dict[Key, tuple[str, int, bool]] = {}
        self._promised: Counter[str] = Counter()
        self._due: Counter[str] = Counter()
        self._paid: Counter[str] = Counter()

    async def close(self) -> None:
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    # --------------------------------------------------------------------- looking

    async def look(
        self,
        wanted: Iterable[tuple[Session, Need]],
        *,
        sure: bool = False,
        most: int = MOST_ASKED,
    ) -> int:
        """See to it that the credits of these accounts are known, where that which is needed costs any.

        Returns how many were asked, which may be none, and at `most` this many.
        `sure`: something is to be refused for what is known, which therefore must not be old.
        """
        age = _OLD_FOR_A_REFUSAL if sure else _OLD
        asking: list[asyncio.Task[None]] = []
        for session, need in wanted:
            if need.price and len(asking) < most:
                task = self._asking.get(session.account) or self._asked(session, age=age)
                asking += [task] if task is not None else []
        if not asking:
            return 0
        answered = asyncio.ensure_future(asyncio.wait(asking))
        too_long = asyncio.ensure_future(self._clock.sleep(_PATIENCE))
        try:
            await asyncio.wait({answered, too_long}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            answered.cancel()
            too_long.cancel()
        return len(asking)

    def free(self, account: str) -> float | None:
        """What of its credits is not promised yet; None where they are not known."""
        left = self._health.available(account)
        return None if left is None else max(0.0, left - self._promised[account])

    def _asked(self, session: Session, *, age: float) -> asyncio.Task[None] | None:
        """The question to an account; None where it is not to be asked now."""
        account, upstream = session.account, self._upstream
        too_soon = self._clock.monotonic() < self._not_before.get(account, 0.0)
        if upstream is None or too_soon or self._health.credits_age(account) < age:
            return None
        task = asyncio.create_task(self._ask(upstream, session), name=f"credits of {account}")
        self._asking[account] = task
        task.add_done_callback(lambda _: self._asking.pop(account, None))
        return task

    async def _ask(self, upstream: UpstreamClient, session: Session) -> None:
        again, account = _IN_VAIN, session.account
        self._paid.pop(account, None)
        try:
            found = await upstream.credits(session.home, session.secret)
        except GatewayError as error:
            log.info("credits_not_told", account=account, code=error.code)
        except Exception:
            log.exception("credits_not_told", account=account)
        else:
            again = _OLD_FOR_A_REFUSAL
            lapsing = tuple((one.amount, one.at) for one in found.expiring if one.at)
            balance = Balance(found.total, lapsing, member=found.vip > 0)
            self._health.credits(account, balance)
            if self._pool is not None:
                self._pool.credits(account, found)
            # The answer may be from before that: too little is asked for again, too much is promised.
            self._health.spent(account, self._paid[account])
        self._not_before[account] = self._clock.monotonic() + again
        self._not_before.move_to_end(account)
        if len(self._not_before) > _MOST_REMEMBERED:
            self._not_before.popitem(last=False)

    # ------------------------------------------------------------------- promising

    def promise(self, key: Key, account: str, price: int | None, *, due: bool) -> None:
        """Keep credits of an account for a submission, in place of what was kept for it before.

        `due`: it is on its way; else it waits for a place, and may yet go to another account.
        """
        self.release(key)
        if price:
            self._promises[key] = account, price, due
            self._promised[account] += price
            if due:
                self._due[account] += price

    def paid(self, key: Key) -> None:
        """The account took it, or nobody knows whether it did."""
        account, price, _ = self._promises.get(key, ("", 0, False))
        if account in self._asking:
            self._paid[account] += price
        self.release(key)

    def release(self, key: Key) -> None:
        """Nothing is kept for the submission any more."""
        promise = self._promises.pop(key, None)
        if promise is None:
            return
        account, price, due = promise
        for counted in (self._promised, self._due) if due else (self._promised,):
            counted[account] -= price
            if counted[account] <= 0:
                del counted[account]

    def clear(self) -> None:
        self._promises.clear()
        self._promised.clear()
        self._due.clear()

    def promised(self, account: str) -> int:
        """What a new submission must leave to others."""
        return self._promised[account]

    def due(self, account: str) -> int:
        """What one that waits must leave to others."""
        return self._due[account]
