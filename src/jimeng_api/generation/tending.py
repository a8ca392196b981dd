"""What is done to an account beside generating: is it signed in, what may it spend, its daily credits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass

from jimeng_api.accounts.session import Session
from jimeng_api.accounts.store import AccountStore
from jimeng_api.clock import Clock
from jimeng_api.domain.credits import Credits
from jimeng_api.domain.errors import AccountUnusable, GatewayError, SessionExpired
from jimeng_api.domain.failure import Failure
from jimeng_api.upstream.client import UpstreamClient

AT_ONCE = 4
"""Accounts that are asked at the same time, whoever wants to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tended:
    """What came of it. `trouble` is why something is not known; `alive` is None where not even that is."""

    alive: bool | None
    credits: Credits | None = None
    membership: str | None = None
    user: str = ""
    received: int | None = None
    trouble: GatewayError | None = None

    @property
    def telling(self) -> bool:
        """Whether it says anything of the account."""
        return self.trouble is None or isinstance(self.trouble, AccountUnusable)


class Tending:
    """Asks the upstream about accounts, a few at a time, and writes down what it says of stored ones."""

    def __init__(
        self,
        upstream: UpstreamClient,
        accounts: AccountStore,
        clock: Clock,
        *,
        name_user: Callable[..., str],
    ) -> None:
        """`name_user` makes names that say nothing out of the upstream's ids of users."""
        self._upstream = upstream
        self._accounts = accounts
        self._clock = clock
        self._name_user = name_user
        self._places = asyncio.Semaphore(AT_ONCE)

    async def check(self, session: Session) -> Tended:
        """Everything that can be known of the account, in three requests, and written down."""
        found = await self.look(session)
        await self.note(session, found)
        return found

    async def note(self, session: Session, found: Tended) -> None:
        """Write down what was found of a stored account."""
        if found.telling:
            await self._accounts.note_check(
                session.account,
                trouble=Failure.of(found.trouble) if found.trouble else None,
                user=found.user,
                membership=found.membership,
                credits_=found.credits,
            )

    async def look(self, session: Session) -> Tended:
        """Everything that can be known of an account, stored or not."""
        site, secret = session.home, session.secret
        user, credits_, membership = "", None, None
        trouble: GatewayError | None = None
        async with self._places:
            try:
                user = self._name_user("user", site.name, await self._upstream.user(site, secret))
                credits_ = await self._upstream.credits(site, secret)
                membership = await self._upstream.membership(site, secret)
            except GatewayError as error:
                trouble = error
        return Tended(
            alive=_alive(trouble, known=bool(user)),
            credits=credits_,
            membership=membership,
            user=user,
            trouble=trouble,
        )

    async def signed_in(self, session: Session) -> Tended:
        """Whether it is, in one request."""
        try:
            async with self._places:
                await self._upstream.user(session.home, session.secret)
        except GatewayError as error:
            return await self._troubled(session, error)
        return Tended(alive=True)

    async def balance(self, session: Session) -> Tended:
        """What it may spend, in one request."""
        try:
            async with self._places:
                found = await self._upstream.credits(session.home, session.secret)
        except GatewayError as error:
            return await self._troubled(session, error)
        await self._accounts.note_credits(session.account, found)
        return Tended(alive=True, credits=found)

    async def receive(self, session: Session) -> Tended:
        """Take today's free credits, of which none come a second time; then the balance."""
        try:
            async with self._places:
                received = await self._upstream.receive(session.home, session.secret)
        except GatewayError as error:
            return await self._troubled(session, error)
        after = await self.balance(session)
        return Tended(alive=True, credits=after.credits, received=received, trouble=after.trouble)

    async def remembered(self, sessions: Collection[Session]) -> list[Tended]:
        """What is known of stored accounts, without asking anybody."""
        asked, now = {session.account for session in sessions}, self._clock.now()
        return [
            Tended(
                alive=False if one.standing(now) == "expired" else True if one.checked_at else None,
                credits=one.credits,
            )
            for one in await self._accounts.all()
            if one.session.account in asked
        ]

    async def _troubled(self, session: Session, error: GatewayError) -> Tended:
        if isinstance(error, SessionExpired):  # what else there is may be of this one request
            await self._accounts.note_trouble(session.account, Failure.of(error))
        return Tended(alive=_alive(error, known=False), trouble=error)


def _alive(trouble: GatewayError | None, *, known: bool) -> bool | None:
    if isinstance(trouble, SessionExpired):
        return False
    return True if known or trouble is None else None
