"""Which accounts this gateway works on: nobody else does, as long as they are its own."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from jimeng_api.database.database import Database


class Claims:
    """Accounts that this process has claimed. On a database of its own it may have any."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: set[str] = set()
        self._foreign: set[str] = set()
        self._taking = asyncio.Lock()

    @property
    def shared(self) -> bool:
        """Whether there may be others."""
        return self._database.backend.shared

    @property
    def held(self) -> frozenset[str]:
        return frozenset(self._held)

    def holds(self, account: str) -> bool:
        return account in self._held

    @property
    def certain(self) -> bool:
        """Whether they still stand, as far as can be told: the server was heard of within its lease.

        A gateway that was stopped, or cut off, may have lost them without knowing it yet.
        """
        return self._database.silent_for < self._database.backend.lease

    async def take(self, accounts: Collection[str]) -> set[str]:
        """Claim what is free of them; those of them that are ours now."""
        if not self._held.issuperset(accounts):
            async with self._taking:
                # Those who waited here for the same accounts need not wait for the database as well.
                if not (wanted := sorted(set(accounts) - self._held)):
                    return set(accounts)
                taken = await self._database.run(lambda: self._database.backend.claim(wanted))
                self._held |= taken
                self._foreign |= set(wanted) - taken
        return self._held & set(accounts)

    async def try_to_take(self, account: str) -> None:
        """Claim it if it is free; one that was not free lately is not asked about."""
        if account not in self._foreign:
            await self.take([account])

    def ask_again(self) -> None:
        """What was not free may be free by now."""
        self._foreign.clear()

    async def release(self, accounts: Collection[str]) -> None:
        """Give them up. Nothing of ours may be at work on them."""
        given = self._held & set(accounts)
        self._held -= given
        if given:
            async with self._taking:
                await self._database.run(lambda: self._database.backend.release(given))

    def forget(self) -> None:
        """They are gone: the connection that held them is."""
        self._held.clear()

    async def reconnect(self) -> None:
        """A new connection in place of a lost one, and no claims."""
        async with self._taking:  # what was just being claimed hung on the old one as well
            if not self._database.backend.connected:
                self.forget()
                await self._database.run(self._database.backend.reconnect)
