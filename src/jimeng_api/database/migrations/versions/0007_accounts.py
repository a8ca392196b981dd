"""Stored accounts, and tokens by which access tokens are renewed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("images_at_once", sa.Integer),
        sa.Column("films_at_once", sa.Integer),
        sa.Column("membership", sa.Text, nullable=False),
        sa.Column("credits", sa.LargeBinary),
        sa.Column("checked_at", sa.Float),
        sa.Column("trouble", sa.LargeBinary),
        sa.Column("trouble_at", sa.Float),
        sa.Column("resting_until", sa.Float),
        sa.Column("received_on", sa.Text, nullable=False),
        sa.Column("added_at", sa.Float, nullable=False),
    )
    op.create_index("accounts_by_name", "accounts", ["name"], unique=True)
    op.create_index("accounts_by_account", "accounts", ["account"], unique=True)
    op.create_table(
        "refresh_tokens",
        sa.Column(
            "token_id",
            sa.Text,
            sa.ForeignKey("issued_keys.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("spent", sa.Text),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_index("refresh_tokens_by_digest", "refresh_tokens", ["digest"], unique=True)
    op.create_index("refresh_tokens_by_spent", "refresh_tokens", ["spent"])
    op.create_index("refresh_tokens_by_end", "refresh_tokens", ["until"])
