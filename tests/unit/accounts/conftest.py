"""Keys and stored accounts are kept in either database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from jimeng_api.accounts.vault import Vault
from jimeng_api.clock import SystemClock
from jimeng_api.database.database import Database
from jimeng_api.domain.secret import Secret
from tests.unit.jobs.conftest import database_url, one_postgresql_url

__all__ = ["database", "database_url", "one_postgresql_url", "vault"]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database.at(database_url, SystemClock())
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def vault() -> Vault:
    return Vault(Secret("k" * 64))
