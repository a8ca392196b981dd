"""What is stored of accounts and tokens is tested on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from jimeng_api.accounts.keys import Keys
from jimeng_api.accounts.store import AccountStore
from jimeng_api.accounts.tokens import Tokens
from jimeng_api.accounts.vault import Vault
from jimeng_api.clock import SystemClock
from jimeng_api.database.database import Database
from jimeng_api.domain.secret import Secret
from jimeng_api.jobs.store import JobStore
from tests.unit.jobs.conftest import database_url, one_postgresql_url

__all__ = ["database", "database_url", "one_postgresql_url", "stores", "vault"]


@dataclass
class Stores:
    """Everything that seals something, on one database."""

    database: Database
    vault: Vault
    accounts: AccountStore
    keys: Keys
    tokens: Tokens
    jobs: JobStore

    @classmethod
    def on(cls, database: Database, vault: Vault) -> Stores:
        clock = SystemClock()
        accounts = AccountStore(database, vault, clock)
        keys = Keys(database, vault, clock, accounts)
        tokens = Tokens(database, keys, vault, clock, seconds=600, refresh_seconds=6000)
        return cls(database, vault, accounts, keys, tokens, JobStore(database, clock))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database.at(database_url, SystemClock())
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def vault() -> Vault:
    return Vault(Secret("k" * 64))


@pytest.fixture
async def stores(database: Database, vault: Vault) -> AsyncIterator[Stores]:
    await database.check_key(vault.key_digest)
    found = Stores.on(database, vault)
    yield found
    await found.jobs.close()
