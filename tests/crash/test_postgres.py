"""The PostgreSQL server of the tests goes with them, whatever happens to them."""

from __future__ import annotations

import subprocess
import sys
import time

import psycopg
import pytest

from tests.postgres import ROOT, PostgresServer

ASKS_FOR_A_SERVER = """
import sys
from tests.postgres import postgres_server
with postgres_server() as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""


def test_a_server_ends_with_the_process_that_asked_for_it_even_if_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ASKS_FOR_A_SERVER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        psycopg.connect(url).close()
        process.kill()
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            return
        time.sleep(0.1)
    pytest.fail("the server lives on")


def test_a_fresh_database_is_empty_or_a_copy_and_can_be_dropped(postgres: PostgresServer) -> None:
    first = postgres.fresh_database()
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE jobs (id text)")
    copy, empty = postgres.fresh_database(like=first), postgres.fresh_database()
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    with psycopg.connect(copy) as connection:
        assert connection.execute(tables).fetchall() == [("jobs",)]
    with psycopg.connect(empty) as connection:
        assert connection.execute(tables).fetchall() == []
        postgres.drop(empty)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
