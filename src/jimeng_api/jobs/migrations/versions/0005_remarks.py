"""What else a caller said with an order, for later answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    # SQLite and PostgreSQL write an empty value in different ways; the gateway itself always gives one.
    empty = "x''" if op.get_bind().dialect.name == "sqlite" else "''::bytea"
    column = sa.Column("remarks", sa.LargeBinary, nullable=False, server_default=sa.text(empty))
    op.add_column("jobs", column)
