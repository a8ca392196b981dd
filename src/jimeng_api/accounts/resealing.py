"""Every sealed byte of the database under a new key, in one transaction."""

from __future__ import annotations

from sqlalchemy import Column, Connection, Table, bindparam, delete, select, update

from jimeng_api.accounts.tables import accounts, issued_keys
from jimeng_api.accounts.vault import Vault
from jimeng_api.database.schema import replace_key_file
from jimeng_api.database.tables import SEALED, metadata

_PORTION = 500


def sealed_columns() -> list[Column[bytes]]:
    """All columns that say of themselves that they are sealed."""
    tables = metadata.sorted_tables
    return [column for table in tables for column in table.columns if column.info == SEALED]


def reseal(connection: Connection, old: Vault, new: Vault) -> int:
    """How many rows there were. From the end of the transaction on, only the new key file counts."""
    count = sum(_resealed(connection, column, old, new) for column in sealed_columns())
    replace_key_file(connection, new.key_digest)
    return count


def give_up(connection: Connection, new: Vault) -> None:
    """Go on with another key where the old one is lost: what was sealed, or named for somebody, is deleted.

    Jobs stay, without their sessions.
    """
    connection.execute(delete(accounts))
    connection.execute(delete(issued_keys))
    for column in sealed_columns():
        connection.execute(update(column.table).values({column: b""}))
    replace_key_file(connection, new.key_digest)


def _resealed(connection: Connection, column: Column[bytes], old: Vault, new: Vault) -> int:
    table = column.table
    assert isinstance(table, Table)  # noqa: S101 - the metadata holds no other
    (key,) = table.primary_key.columns
    count, after = 0, ""
    written = update(table).where(key == bindparam("row")).values({column: bindparam("anew")})
    while True:
        rows = connection.execute(
            select(key, column).where(key > after).order_by(key).limit(_PORTION)
        ).all()
        if not rows:
            return count
        after = rows[-1][0]
        anew = [
            {"row": row, "anew": new.seal(old.open(sealed, row=row), row=row)}
            for row, sealed in rows
            if sealed
        ]
        if anew:
            connection.execute(written, anew)
        count += len(anew)
