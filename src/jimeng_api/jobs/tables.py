"""The tables that hold jobs, as SQLAlchemy describes them. Their history is in `database/migrations/`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from jimeng_api.database.tables import SEALED, metadata

# A job's state changes only when it ends: until then it follows from its submissions, and is not written.
# Requests and failures are JSON, sessions are encrypted.

jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_model", Text, nullable=False),
    Column("remarks", LargeBinary, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("sessions", LargeBinary, nullable=False, info=SEALED),
    Column("created_at", Float, nullable=False),
    Column("deadline", Float, nullable=False),
    Column("finished_at", Float),
    Column("cancelled_at", Float),
    Column("failure", LargeBinary),
    Index("jobs_by_owner", "owner", "created_at", "id"),
    Index("jobs_by_fingerprint", "owner", "fingerprint"),
    Index("jobs_by_end", "finished_at"),
)
Index(
    "jobs_unfinished",
    jobs.c.owner,
    sqlite_where=jobs.c.finished_at.is_(None),
    postgresql_where=jobs.c.finished_at.is_(None),
)

submissions = Table(
    "submissions",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("submit_id", Text, nullable=False),
    Column("gen_count", Integer),
    Column("seed", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("site", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("refused_by", Text, nullable=False),
    Column("uploads", Text, nullable=False),
    Column("history_id", Text),
    Column("digest", Text),
    Column("sent_at", Float),
    Column("failure", LargeBinary),
    Column("watched_until", Float),
    # Whether there is still something to do: what a gateway looks for that has lost its memory, or another.
    Column("open", Boolean, nullable=False),
    Column("price", Integer),
    Column("charged", Integer),
    # Whether the upstream's own book of credits is still to be read for it.
    Column("unsettled", Boolean, nullable=False),
    Index("submissions_by_submit_id", "submit_id"),
    Index("submissions_by_history_id", "history_id"),
)
Index(
    "submissions_at_work",
    submissions.c.account,
    # In the words of the queries: SQLite takes a partial index only where it finds its condition again.
    sqlite_where=text("open = 1"),
    postgresql_where=submissions.c.open,
)
Index(
    "submissions_unsettled",
    submissions.c.account,
    sqlite_where=text("unsettled = 1"),
    postgresql_where=submissions.c.unsettled,
)

pictures = Table(
    "pictures",
    metadata,
    Column("media_id", Text, primary_key=True),
    Column("job_id", Text, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("vid", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("pictures_by_job", "job_id", "number", unique=True),
    Index("pictures_by_age", "created_at"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("job_id", Text, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Index("idempotency_keys_by_job", "job_id"),
)

files = Table(
    "files",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("media_id", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Index("files_by_owner", "owner", "created_at", "id"),
    Index("files_by_age", "created_at"),
)
