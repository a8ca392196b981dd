"""Where two gateways on one PostgreSQL database stand, in words: for a run that does not come to its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import psycopg

from tests.crash.history import Acknowledged, Answered, Cut, Event, Missing, Ordered, Refused

_OF_ORDERS = (Ordered, Acknowledged, Answered, Cut, Missing, Refused)
_OPEN = """
SELECT job_id, number, state, left(account, 8), attempt, date_trunc('second', now() - to_timestamp(sent_at))
FROM submissions WHERE open ORDER BY job_id, number
"""


def accounts_held(database: str) -> dict[str, int]:
    """How many advisory locks each gateway holds."""
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT right(a.usename, 1), count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()"
            " GROUP BY 1"
        )
        return {str(name): int(number) for name, number in rows}


def unfinished(database: str, events: Sequence[Event]) -> str:
    """What has not come to an end, and where each of it stands: orders, submissions, statements."""
    last = {event.order: event for event in events if isinstance(event, _OF_ORDERS)}
    orders = Counter(type(event).__name__.lower() for event in last.values())
    with psycopg.connect(database) as connection:
        made = connection.execute("SELECT to_regclass('submissions') IS NOT NULL").fetchone()
        parts = connection.execute(_OPEN).fetchall() if made == (True,) else []
        asked = connection.execute(
            "SELECT right(usename, 1), state, wait_event, now() - query_start, left(query, 60)"
            " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    lines = [
        f"what was heard last of orders: {_counted(orders)}",
        f"accounts held: {_counted(accounts_held(database))}",
        *(f"at the database: {_row(row)}" for row in asked),
        *(f"not ended: {_row(row)}" for row in parts),
    ]
    return "\n    ".join(lines)


def _counted(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(numbers.items())) or "none"


def _row(row: tuple[object, ...]) -> str:
    return " | ".join(map(str, row))
