"""Access tokens on the disk: renewed in one step, revoked at once, forgotten with their sessions."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from typing_extensions import override

from jimeng_api.accounts.keys import Keys
from jimeng_api.accounts.tokens import Grant, Tokens
from jimeng_api.clock import SystemClock
from jimeng_api.domain.errors import InvalidKey
from jimeng_api.domain.secret import Secret
from tests.unit.accounts.conftest import Stores

ONE = "a" * 32


class MovedClock(SystemClock):
    """The machine's clock, set forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    @override
    def now(self) -> float:
        return super().now() + self.ahead


class Bank:
    """Tokens on a database, with a clock of their own."""

    def __init__(self, stores: Stores) -> None:
        self.clock = MovedClock()
        self.vault = stores.vault
        self.database = stores.database
        self.keys = Keys(stores.database, stores.vault, self.clock, stores.accounts)
        self.tokens = Tokens(
            stores.database, self.keys, stores.vault, self.clock, seconds=600, refresh_seconds=6000
        )
        self.sessions = (stores.vault.session("us", Secret(ONE)),)

    async def grant(self, seconds: float | None = None) -> Grant:
        return await self.tokens.grant(self.sessions, owner="somebody", seconds=seconds)

    async def works(self, grant: Grant) -> bool:
        try:
            caller = await self.keys.caller(grant.access.reveal())
        except InvalidKey:
            return False
        assert (caller.owner, caller.sessions, caller.stored) == ("somebody", self.sessions, False)
        return True

    async def rows(self) -> str:
        return await self.database.read(
            lambda connection: "".join(
                str(connection.execute(text(f"SELECT * FROM {table}")).all())
                for table in ("issued_keys", "refresh_tokens")
            )
        )


@pytest.fixture
def bank(stores: Stores) -> Bank:
    return Bank(stores)


async def test_of_a_token_only_digests_are_kept_and_its_sessions_sealed(bank: Bank) -> None:
    grant = await bank.grant()
    assert await bank.works(grant)
    rows = await bank.rows()
    for secret in (grant.access.reveal(), grant.refresh.reveal(), ONE):
        assert secret not in rows
        assert secret not in repr(grant)
    with pytest.raises(InvalidKey):
        await bank.keys.caller(grant.refresh.reveal())
    with pytest.raises(InvalidKey):
        await bank.tokens.renew(grant.access)


async def test_nobody_gets_a_longer_token_than_the_operator_allows(bank: Bank) -> None:
    assert (await bank.grant(seconds=1e9)).seconds == 600
    assert (await bank.grant(seconds=60)).seconds == 60


async def test_the_old_pair_dies_with_the_new_one_and_the_term_stays(bank: Bank) -> None:
    first = await bank.grant(seconds=60)
    second = await bank.tokens.renew(first.refresh)
    assert second.seconds == 60
    assert not await bank.works(first)
    assert await bank.works(second)
    bank.clock.ahead = 61
    assert not await bank.works(second)
    assert await bank.works(await bank.tokens.renew(second.refresh))


async def test_a_spent_refresh_token_revokes_what_came_of_it(bank: Bank) -> None:
    first = await bank.grant()
    second = await bank.tokens.renew(first.refresh)
    other = await bank.grant()
    with pytest.raises(InvalidKey):
        await bank.tokens.renew(first.refresh)
    assert not await bank.works(second)
    with pytest.raises(InvalidKey):
        await bank.tokens.renew(second.refresh)
    assert await bank.works(other)


async def test_of_many_who_renew_at_once_at_most_one_gets_a_pair(bank: Bank) -> None:
    grant = await bank.grant()
    found = await asyncio.gather(
        *(bank.tokens.renew(grant.refresh) for _ in range(8)), return_exceptions=True
    )
    assert len([one for one in found if isinstance(one, Grant)]) == 1
    assert {type(one) for one in found} == {Grant, InvalidKey}


async def test_either_token_takes_the_pair_back(bank: Bank) -> None:
    for which in ("access", "refresh"):
        grant, other = await bank.grant(), await bank.grant()
        assert await bank.tokens.revoke(getattr(grant, which))
        assert not await bank.tokens.revoke(getattr(grant, which))
        assert not await bank.works(grant)
        assert await bank.works(other)
    issued, text_ = await bank.keys.issue()
    assert not await bank.tokens.revoke(text_)  # keys are their operator's
    assert (await bank.keys.find(issued.id)).revoked_at is None


async def test_what_can_be_renewed_no_more_is_forgotten(bank: Bank) -> None:
    old, (key, _) = await bank.grant(), await bank.keys.issue(expires_at=bank.clock.now() + 1)
    bank.clock.ahead = 3000
    young = await bank.grant()
    assert await bank.tokens.forget() == 0  # it has expired, and can be renewed
    bank.clock.ahead = 6001
    with pytest.raises(InvalidKey):
        await bank.tokens.renew(old.refresh)
    assert await bank.tokens.forget() == 1
    assert await bank.works(await bank.tokens.renew(young.refresh))
    assert (await bank.keys.find(key.id)).id == key.id  # keys are kept, as who had them
    bank.clock.ahead = 1e6
    assert await bank.tokens.forget() == 1
    assert "token_" not in await bank.rows()
