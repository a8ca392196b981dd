"""Receives the daily free credits of the stored accounts, once a day for each, one after the other."""

from __future__ import annotations

import asyncio

import structlog

from jimeng_api.accounts.store import AccountStore
from jimeng_api.accounts.stored import StoredAccount
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import AccountUnusable, GatewayError, StorageUnavailable
from jimeng_api.generation.tending import Tending

log = structlog.get_logger()

_DAY = 86_400
_FIRST_SECONDS = 60.0
_EVERY_SECONDS = 1_800.0
_BETWEEN_SECONDS = 20.0


class DailyGifts:
    """A pass every half hour, over the accounts whose day is new.

    An account that the upstream refuses is left alone until its next day. Gateways that share a database
    share the day as well.
    """

    def __init__(self, tending: Tending, accounts: AccountStore, clock: Clock) -> None:
        self._tending = tending
        self._accounts = accounts
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._task = asyncio.create_task(self._run(), name="daily gifts")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        seconds = _FIRST_SECONDS
        while True:
            await self._pause(seconds)
            seconds = _EVERY_SECONDS
            try:
                await self.receive_all()
            except StorageUnavailable as error:
                log.warning("daily_credits_wait", reason=error.message)
            except Exception:
                log.exception("daily_credits_failed")

    async def receive_all(self) -> None:
        """One pass."""
        for account in await self._accounts.all():
            day = self._day_of(account)
            usable = account.standing(self._clock.now()) in ("ready", "unchecked")
            if not usable or account.received_on == day:
                continue
            if await self._accounts.take_day(account.session.account, day):
                await self._receive(account)
                await self._pause(_BETWEEN_SECONDS)

    async def _receive(self, account: StoredAccount) -> None:
        found = await self._tending.receive(account.session)
        if found.received is not None:
            log.info("daily_credits_received", account=account.id, credits=found.received)
            return
        error: GatewayError | None = found.trouble
        log.warning(
            "daily_credits_refused", account=account.id, code=error.code if error else "unknown"
        )
        if not isinstance(error, AccountUnusable):  # nothing was said of the account
            await self._accounts.give_day_back(account.session.account)

    def _day_of(self, account: StoredAccount) -> str:
        """The day that it is on the account's site."""
        seconds = self._clock.now() + account.session.home.utc_offset_hours * 3600
        return str(int(seconds // _DAY))

    async def _pause(self, seconds: float) -> None:
        await self._clock.sleep(seconds * self._clock.uniform(0.5, 1.5))
