"""What a submission was thought to cost, and what it did cost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("submissions", sa.Column("price", sa.Integer))
    op.add_column("submissions", sa.Column("charged", sa.Integer))
    op.add_column(
        "submissions",
        sa.Column("unsettled", sa.Boolean, nullable=False, server_default=sa.text("false")),
    )
    op.create_index(
        "submissions_unsettled",
        "submissions",
        ["account"],
        sqlite_where=sa.text("unsettled = 1"),
        postgresql_where=sa.text("unsettled"),
    )
