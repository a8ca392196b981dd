"""The stored accounts as they were last read, and what their work tells of them, written down behind it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import structlog

from jimeng_api.accounts.choice import Kind
from jimeng_api.accounts.store import AccountStore
from jimeng_api.accounts.stored import StoredAccount
from jimeng_api.clock import Clock
from jimeng_api.domain.credits import Credits
from jimeng_api.domain.errors import GatewayError, SessionExpired, StorageUnavailable
from jimeng_api.domain.failure import Failure

log = structlog.get_logger()

_AGAIN_SECONDS = 10.0
_ONE_AND_THE_SAME = 5.0
"""Seconds that two rests may differ in, of several submissions that were refused at once."""


class Pool:
    """Never keeps anybody waiting, and writes only what is news; of accounts that are not stored, nothing.

    What could not be written is tried again until there is something newer to write of the account.
    """

    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._news: dict[str, dict[str, Any]] = {}
        self._task: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Write down what is left, if that can be done at once."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self._write_all()
        except StorageUnavailable as error:
            log.warning("account_news_lost", count=len(self._news), reason=error.message)

    # --------------------------------------------------------------------- reading

    def most(self, account: str, kind: Kind) -> int | None:
        """How many the account may have in hand by its own limit."""
        found = self._store.known.get(account)
        if found is None:
            return None
        return found.images_at_once if kind == "image" else found.films_at_once

    def rest(self, account: str) -> tuple[GatewayError, float] | None:
        """Why the whole account is left alone, and for how many seconds yet."""
        found = self._find(account)
        if found is None or found.trouble is None or found.resting_until is None:
            return None
        left = found.resting_until - self._clock.now()
        return (found.trouble.error(), left) if left > 0 else None

    def expired(self, account: str) -> bool:
        """Whether the account was signed out when it was last heard of."""
        found = self._find(account)
        return bool(found and found.trouble and found.trouble.code == SessionExpired.code)

    # -------------------------------------------------------------------- learning

    def troubled(self, account: str, error: GatewayError, *, seconds: float | None) -> bool:
        """It was refused, and is left alone for so long; None: only with some of what it could do.

        Whether that was news.
        """
        found, now, trouble = self._find(account), self._clock.now(), Failure.of(error)
        if found is None:
            return False
        until, before = None if seconds is None else now + seconds, found.resting_until
        if until is None and (before or 0) > now:
            return False
        if found.trouble and found.trouble.code == trouble.code:
            same = found.trouble.upstream_code == trouble.upstream_code
            if same and abs((until or 0) - (before or 0)) < _ONE_AND_THE_SAME:
                return False
        self._learned(account, trouble=trouble, trouble_at=now, resting_until=until)
        return True

    def well(self, account: str) -> None:
        """It does its work."""
        found = self._find(account)
        if found is not None and found.trouble is not None:
            self._learned(account, trouble=None, trouble_at=None, resting_until=None)

    def credits(self, account: str, seen: Credits) -> None:
        found = self._find(account)
        if found is not None and found.credits != seen:
            self._learned(account, credits=seen)

    # --------------------------------------------------------------------- writing

    def _find(self, account: str) -> StoredAccount | None:
        found, news = self._store.known.get(account), self._news.get(account)
        return replace(found, **news) if found and news else found

    def _learned(self, account: str, **news: Any) -> None:
        self._news[account] = {**self._news.get(account, {}), **news}
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="news of accounts")

    async def _run(self) -> None:
        while self._news:
            try:
                await self._write_all()
            except StorageUnavailable as error:
                log.warning("account_news_waits", reason=error.message)
                await self._clock.sleep(_AGAIN_SECONDS)
            except Exception:
                log.exception("account_news_lost", count=len(self._news))
                self._news.clear()

    async def _write_all(self) -> None:
        while self._news:
            account, news = next(iter(self._news.items()))
            if "credits" in news:
                await self._store.note_credits(account, news["credits"])
            if "trouble" in news and news["trouble"] is None:
                await self._store.note_well(account)
            elif "trouble" in news:
                await self._store.note_trouble(
                    account, news["trouble"], resting_until=news["resting_until"]
                )
            await self._store.all()  # from here on it is known from there
            if self._news.get(account) is news:
                del self._news[account]
