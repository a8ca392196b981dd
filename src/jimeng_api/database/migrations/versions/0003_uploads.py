"""Pictures that a submission starts from, once they are uploaded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("submissions", sa.Column("uploads", sa.Text, nullable=False, server_default=""))
