"""The tables of accounts, keys and tokens. Their history is in `database/migrations/`."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, LargeBinary, Table, Text

from jimeng_api.database.tables import SEALED, metadata

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
    Column("sessions", LargeBinary, nullable=False, info=SEALED),  # encrypted
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    Column("used_at", Float),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    # The session and the proxy; `account` names the session, `user` whose it is, both as keyed digests.
    Column("sealed", LargeBinary, nullable=False, info=SEALED),
    Column("account", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("images_at_once", Integer),
    Column("films_at_once", Integer),
    Column("membership", Text, nullable=False),
    Column("credits", LargeBinary),
    Column("checked_at", Float),
    Column("trouble", LargeBinary),
    Column("trouble_at", Float),
    Column("resting_until", Float),
    Column("received_on", Text, nullable=False),
    Column("added_at", Float, nullable=False),
    Index("accounts_by_name", "name", unique=True),
    Index("accounts_by_account", "account", unique=True),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_id", Text, ForeignKey("issued_keys.id", ondelete="CASCADE"), primary_key=True),
    # Keyed digests: of the one that counts, and of the one before, which only a thief would send again.
    Column("digest", Text, nullable=False),
    Column("spent", Text),
    Column("seconds", Float, nullable=False),  # how long each access token is good
    Column("until", Float, nullable=False),
    Index("refresh_tokens_by_digest", "digest", unique=True),
    Index("refresh_tokens_by_spent", "spent"),
    Index("refresh_tokens_by_end", "until"),
)
