"""Whether the tables are the newest, and made with our key file."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, inspect, select, text

from jimeng_api.database.tables import key_files

REVISION = "0009"
"""The newest migration: what the tables must be at."""


class OtherKeyFile(Exception):
    """The database belongs to another key file; the message tells the operator."""


def revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def bring_up(connection: Connection) -> None:
    # Imported here: Alembic takes a while, and a start with up-to-date tables needs none of it.
    from jimeng_api.database.migrations.upgrade import upgrade

    if revision(connection) != REVISION:  # another gateway may have been quicker
        upgrade(connection)


def check_key_file(connection: Connection, digest: str) -> None:
    found = connection.execute(select(key_files.c.digest)).scalar()
    if found is None:
        connection.execute(insert(key_files).values(digest=digest))
    elif found != digest:
        raise OtherKeyFile(
            "The database was made with another key file. All gateways that share a database need the same "
            "one: copy it, and name it with JIMENG_API_SECRET_KEY_FILE. Without that file nothing that is "
            "encrypted in the database can be read again; if it is lost for good: jimeng-api accounts rekey "
            "--lost."
        )


def replace_key_file(connection: Connection, digest: str) -> None:
    """From now on another key file counts."""
    connection.execute(delete(key_files))
    connection.execute(insert(key_files).values(digest=digest))
