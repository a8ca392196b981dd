"""What the terms of a key say to a new order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jimeng_api.accounts.session import Caller
from jimeng_api.domain.errors import KeyLimitReached, KeyNotPermitted
from jimeng_api.domain.requests import GenerationRequest
from jimeng_api.generation.turns import Turns
from jimeng_api.jobs.store import JobStore

_RETRY_SECONDS = 10.0


class Admission:
    """Lets an order in, or refuses it before anything is written down.

    Of several gateways, each counts what it finds written down: orders that come to two of them at the same
    moment may be one too many together.
    """

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._turns = Turns()

    def check(self, caller: Caller, request: GenerationRequest) -> None:
        """Raises KeyNotPermitted."""
        if not caller.terms.allow(request.model):
            raise KeyNotPermitted(f"This key may not use {request.model}.", param="model")

    @asynccontextmanager
    async def room(self, caller: Caller) -> AsyncIterator[None]:
        """A place for one more job, which is to be written down within. Raises KeyLimitReached."""
        most = caller.terms.concurrency
        if most is None:
            yield
            return
        async with self._turns.turn((caller.owner, ""), waits=True):
            if await self._store.unfinished(caller.owner) >= most:
                raise KeyLimitReached(
                    f"This key may have {most} unfinished jobs, and has them.",
                    retry_after=_RETRY_SECONDS,
                )
            yield
