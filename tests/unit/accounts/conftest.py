"""What is stored of accounts and tokens is tested on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from jimeng_api.accounts.keys import Keys
from jimeng_api.accounts.store import AccountStore
from jimeng_api.accounts.tokens import Tokens
from jimeng_api.accounts.vault import Vault
from jimeng_api.clock import SystemClock
from jimeng_api.database.database import Database
from jimeng_api.domain.secret import Secret
from jimeng_api.jobs.store import JobStore
from tests import postgres as servers


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


@pytest.fixture(scope="session")
def one_postgresql_url(postgres: servers.PostgresServer) -> Iterator[str]:
    url = postgres.fresh_database()

    async def make() -> None:
        database = Database.at(url, SystemClock())
        await database.open()
        await database.close()

    asyncio.run(make())
    yield url
    postgres.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        url: str = request.getfixturevalue("one_postgresql_url")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "DELETE FROM accounts; DELETE FROM issued_keys; DELETE FROM jobs; DELETE FROM key_files"
            )
        return url
    return f"sqlite:///{tmp_path / 'accounts.db'}"


@pytest.fixture
async def stores(database_url: str) -> AsyncIterator[Stores]:
    vault = Vault(Secret("k" * 64))
    database = Database.at(database_url, SystemClock())
    await database.open(key_digest=vault.key_digest)
    found = Stores.on(database, vault)
    yield found
    await found.jobs.close()
    await database.close()
