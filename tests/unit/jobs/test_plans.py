"""What is asked again and again goes through no whole table, however many jobs are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import Connection, event

from tests.stores import OwnStore
from tests.unit.jobs.test_retention import ended

ASKED: dict[str, Callable[[OwnStore], Awaitable[Any]]] = {
    "work": lambda store: store.work(),
    "at_work": lambda store: store.at_work(["a" * 32]),
    "cancelled": lambda store: store.cancelled(),
    "keyed": lambda store: store.keyed("owner", "key"),
    "alike": lambda store: store.alike("owner", "f" * 64, since=1.0),
    "unfinished": lambda store: store.unfinished("owner"),
    "submitted": lambda store: store.submitted("owner", "id"),
    "page": lambda store: store.page("owner", after=None, limit=20, newest_first=True),
    "forget_keys": lambda store: store.retention.forget_keys(before=1e12),
    "aged_media": lambda store: store.retention.aged_media(before=1e12),
    "forget_media": lambda store: store.retention.forget_media(["media"]),
    "forget_jobs": lambda store: store.retention.forget_jobs(before=1e12),
}


@pytest.mark.parametrize("asked", ASKED)
async def test_an_index_leads_to_what_is_asked_for(store: OwnStore, asked: str) -> None:
    await ended(store, "job_1", at=100.0, kept=[99.0], key="key")
    said: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        said.append((statement, parameters))

    engine = store._database.engine
    event.listen(engine, "before_cursor_execute", note)
    await ASKED[asked](store)
    event.remove(engine, "before_cursor_execute", note)
    assert said

    def plans(connection: Connection) -> list[str]:
        if engine.dialect.name == "sqlite":
            return [
                str(row[3])
                for statement, parameters in said
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]
        # So few rows are read without an index, unless that is made to look dear.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return [
            str(row[0])
            for statement, parameters in said
            for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        ]

    found = await store._database.read(plans)
    assert found
    assert not [line for line in found if reads_a_whole_table(line)]


def reads_a_whole_table(line: str) -> bool:
    """An index on the rows that are open is no longer than there is work to do."""
    scan = line.lstrip("-> ").startswith(("SCAN ", "Seq Scan on "))
    return scan and "submissions_at_work" not in line and "CONSTANT ROW" not in line
