"""What is on the disk of a gateway, read by its database's URL while no gateway is alive on it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, create_engine, inspect, make_url, text
from sqlalchemy.pool import NullPool

GONE_SECONDS = 10.0
"""How long PostgreSQL may take to see that the process at the other end of a connection is dead."""


class StoredSubmission(NamedTuple):
    job_id: str
    submit_id: str
    state: str


def stored_submissions(url: str, *, alone: bool = True) -> list[StoredSubmission]:
    """Every submission. With `alone` only once no gateway is connected any more."""
    with _opened(url, alone=alone) as engine:
        if not inspect(engine).has_table("submissions"):
            return []
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT job_id, submit_id, state FROM submissions"))
            return [StoredSubmission(*row) for row in rows]


def sqlite_file(url: str) -> Path | None:
    """The database's file, if it is one."""
    found = make_url(url)
    return Path(found.database or "") if found.drivername.startswith("sqlite") else None


def postgresql_engine(url: str) -> Engine:
    return create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)


@contextmanager
def _opened(url: str, *, alone: bool) -> Iterator[Engine]:
    source = sqlite_file(url)
    if source is None:
        engine = postgresql_engine(url)
        if alone:
            _wait_until_alone(engine)
        yield engine
        return
    # A copy is read: opening the database itself would do part of the recovery that is to be tested.
    with tempfile.TemporaryDirectory() as place:
        for ending in ("", "-wal"):
            file = source.with_name(source.name + ending)
            if file.exists():
                shutil.copyfile(file, Path(place) / file.name)
        engine = create_engine(f"sqlite:///{Path(place) / source.name}", poolclass=NullPool)
        yield engine


def _wait_until_alone(engine: Engine) -> None:
    """Whatever a dead gateway had asked for is done or undone once its connections are gone."""
    others = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )
    until = time.monotonic() + GONE_SECONDS
    with engine.connect() as connection:
        while connection.scalar(others):
            if time.monotonic() > until:
                raise RuntimeError("PostgreSQL still has connections of a dead gateway")
            connection.rollback()
            time.sleep(0.01)
