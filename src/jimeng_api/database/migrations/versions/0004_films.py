"""Results that are films have a length, and a name in the upstream's store of films."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("pictures", sa.Column("seconds", sa.Float, nullable=False, server_default="0"))
    op.add_column("pictures", sa.Column("vid", sa.Text, nullable=False, server_default=""))
