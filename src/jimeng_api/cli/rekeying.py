"""A new key in place of the old one, for everything that is sealed in the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Connection

from jimeng_api.accounts import key_file
from jimeng_api.accounts.key_file import KeyFileUnusable
from jimeng_api.accounts.resealing import give_up, reseal
from jimeng_api.accounts.vault import Vault, VaultBroken
from jimeng_api.cli.caller import Refused
from jimeng_api.clock import SystemClock
from jimeng_api.database.database import Database
from jimeng_api.database.ownership import DatabaseInUse
from jimeng_api.database.schema import OtherKeyFile
from jimeng_api.domain.errors import StorageUnavailable
from jimeng_api.settings import Settings
from jimeng_api.wiring import opened, vault_of


async def rekeyed(settings: Settings, to: Path | None) -> int:
    """How many rows were sealed anew. Raises Refused.

    The new key is on the disk before the rows are changed, beside the old one, which it replaces after that.
    Whatever cuts this short, the next start takes the one that the rows were sealed with.
    """
    from_environment = settings.secret_key is not None
    if not from_environment and to is not None:
        raise Refused(f"The new key replaces the one in {settings.key_file}; leave --to out.")
    if from_environment and to is None:
        raise Refused(
            "The key comes from JIMENG_API_SECRET_KEY: say with --to where to write the new one."
        )
    if to is not None and await asyncio.to_thread(to.exists):
        raise Refused(f"{to} is there already.")
    async with _database(settings) as database:
        old = await opened(database, settings)
        text = old.later_key(key_file.new_key())
        waiting = to if to is not None else key_file.next_to(settings.key_file)
        await asyncio.to_thread(key_file.write, waiting, text)

        def work(connection: Connection) -> int:
            _refuse_others(database, connection)
            return reseal(connection, old, Vault(text))

        count = await database.alone(work)
        if to is None:
            await asyncio.to_thread(key_file.take_next, settings.key_file)
        return count


async def given_up(settings: Settings) -> None:
    """Go on with the key that is there, where the database was made with one that is lost. Raises Refused."""
    async with _database(settings) as database:
        vault = await asyncio.to_thread(vault_of, settings)
        await database.open()
        try:
            await database.check_key(vault.key_digest)
        except OtherKeyFile:
            pass
        else:
            raise Refused("This is the key that the database was made with: nothing is lost.")

        def work(connection: Connection) -> None:
            _refuse_others(database, connection)
            give_up(connection, vault)

        await database.alone(work)


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    """The database, to be opened; what is wrong with it or the key in words for the operator."""
    database = Database.at(settings.database, SystemClock())
    try:
        yield database
    except DatabaseInUse:
        raise Refused("A gateway works on this database. Stop it first.") from None
    except (KeyFileUnusable, OtherKeyFile, VaultBroken, OSError) as error:
        raise Refused(str(error)) from None
    except StorageUnavailable as error:
        raise Refused(error.message) from None
    finally:
        await database.close()


def _refuse_others(database: Database, connection: Connection) -> None:
    if not database.backend.shared:
        return
    from jimeng_api.database.postgresql import others

    if others(connection):
        raise Refused("Another gateway works on this database. Stop all of them first.")
