"""The tables of keys and tokens, as SQLAlchemy describes them. Their history is in `database/migrations/`."""

from __future__ import annotations

from sqlalchemy import Column, Float, LargeBinary, Table, Text

from jimeng_api.database.tables import metadata

issued_keys = Table(
    "issued_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    # Of the text, with the key file: without it, nobody can even try one out.
    Column("digest", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("hint", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("terms", LargeBinary, nullable=False),  # JSON
    Column("sessions", LargeBinary, nullable=False),  # encrypted
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    Column("used_at", Float),
)
