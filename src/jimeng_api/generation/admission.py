"""What the terms of a key say to a new order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jimeng_api.accounts.session import Caller
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import KeyLimitReached, KeyNotPermitted
from jimeng_api.domain.requests import GenerationRequest
from jimeng_api.generation.turns import Turns
from jimeng_api.jobs.store import JobStore

_RETRY_SECONDS = 10.0
_DAY = 86_400.0


class Admission:
    """Lets an order in, or refuses it before anything is written down.

    Of several gateways, each counts what it finds written down: orders that come to two of them at the same
    moment may be one too many together.
    """

    def __init__(self, store: JobStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._turns = Turns()

    def check(self, caller: Caller, request: GenerationRequest) -> None:
        """Raises KeyNotPermitted."""
        if not caller.terms.allow(request.model):
            raise KeyNotPermitted(f"This key may not use {request.model}.", param="model")

    @asynccontextmanager
    async def room(self, caller: Caller, *, credits_: int) -> AsyncIterator[None]:
        """A place for one more job, which is to be written down within, and may cost so many credits.

        Raises KeyLimitReached.
        """
        most, a_day = caller.terms.concurrency, caller.terms.credits_per_day
        if most is None and a_day is None:
            yield
            return
        async with self._turns.turn((caller.owner, ""), waits=True):
            if most is not None and await self._store.unfinished(caller.owner) >= most:
                raise KeyLimitReached(
                    f"This key may have {most} unfinished jobs, and has them.",
                    retry_after=_RETRY_SECONDS,
                )
            if a_day is not None:
                await self._check_day(caller.owner, a_day, credits_)
            yield

    async def _check_day(self, owner: str, a_day: int, credits_: int) -> None:
        """All jobs of the day, and this one, may cost no more than the key may spend."""
        over = self._clock.now() % _DAY
        spent = await self._store.charges.spent(owner, since=self._clock.now() - over)
        if spent + credits_ > a_day or spent >= a_day:
            raise KeyLimitReached(
                f"This key may spend {a_day} credits a day (UTC). Its jobs of today cost {spent}, and this "
                f"one would cost {credits_}.",
                retry_after=_DAY - over,
            )
