"""Repeated requests, cancelled and late jobs, and accounts that several gateways may claim."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_KEPT = "job_id, number, submit_id, gen_count, seed, state, attempt, history_id, digest, sent_at, failure"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("fingerprint", sa.Text, nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("cancelled_at", sa.Float))
    op.drop_index("jobs_by_state", "jobs")
    op.create_index("jobs_by_fingerprint", "jobs", ["owner", "fingerprint"])
    op.create_index("jobs_by_end", "jobs", ["finished_at"])
    op.create_index("pictures_by_age", "pictures", ["created_at"])
    _submissions()
    op.create_table(
        "idempotency_keys",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("job_id", sa.Text, sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    )
    op.create_index("idempotency_keys_by_job", "idempotency_keys", ["job_id"])
    op.create_table("key_files", sa.Column("digest", sa.Text, primary_key=True))


def _submissions() -> None:
    """A table anew: SQLite cannot take the uniqueness of a column back."""
    op.create_table(
        "submissions_anew",
        sa.Column(
            "job_id", sa.Text, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("submit_id", sa.Text, nullable=False),
        sa.Column("gen_count", sa.Integer),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("refused_by", sa.Text, nullable=False),
        sa.Column("history_id", sa.Text),
        sa.Column("digest", sa.Text),
        sa.Column("sent_at", sa.Float),
        sa.Column("failure", sa.LargeBinary),
        sa.Column("watched_until", sa.Float),
        sa.Column("open", sa.Boolean, nullable=False),
    )
    # What had no account yet gets one when it is taken up.
    op.execute(
        f"INSERT INTO submissions_anew ({_KEPT}, site, account, refused_by, open) "  # noqa: S608
        f"SELECT {_KEPT}, coalesce(site, ''), coalesce(account, ''), '', "
        "state NOT IN ('completed', 'failed') FROM submissions"
    )
    op.drop_table("submissions")
    op.rename_table("submissions_anew", "submissions")
    op.create_index("submissions_by_submit_id", "submissions", ["submit_id"])
    op.create_index("submissions_by_history_id", "submissions", ["history_id"])
    op.create_index(
        "submissions_at_work",
        "submissions",
        ["account"],
        sqlite_where=sa.text("open = 1"),
        postgresql_where=sa.text("open"),
    )
