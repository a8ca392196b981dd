"""The tables that hold jobs, as SQLAlchemy describes them. Their history is in `migrations/`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

metadata = MetaData()

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
    Column("request", LargeBinary, nullable=False),
    Column("sessions", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("deadline", Float, nullable=False),
    Column("finished_at", Float),
    Column("failure", LargeBinary),
    Index("jobs_by_owner", "owner", "created_at", "id"),
    Index("jobs_by_state", "state"),
)

submissions = Table(
    "submissions",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("submit_id", Text, nullable=False, unique=True),
    Column("gen_count", Integer),
    Column("seed", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("site", Text),
    Column("account", Text),
    Column("history_id", Text),
    Column("digest", Text),
    Column("sent_at", Float),
    Column("failure", LargeBinary),
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
    Column("created_at", Float, nullable=False),
    Index("pictures_by_job", "job_id", "number", unique=True),
)
