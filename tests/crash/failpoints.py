"""The points at which a gateway is killed, each with a name, and what notices that one is passed.

They sit at the gateway's ports, so that its own code knows nothing of them: what it asks of the upstream,
what it commits, what it puts into the media store, what it tells its callers. `NAMES` is the whole list.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

from jimeng_api.media.store import MediaStore
from tests.simulated.door import GENERATE, PICTURE, POLL

# ------------------------------------------------------------------ names ----

REQUESTS = {"submit": GENERATE, "look": POLL, "fetch": PICTURE}
"""What is asked of the upstream, by the beginning of its path."""

_STEPS = (
    "before its first byte",
    "sent, not arrived yet",  # it arrives after the gateway's death
    "arrived, no answer yet",
    "answered",
)

COMMITS = (
    "accepted",
    "submitting",
    "running",
    "reconciling",
    "refused",  # back to the start, after a verdict that nothing was taken
    "kept",  # a picture, while others are still to come
    "completed",
    "failed",
    "late",  # a picture of a submission that had failed
    "let go",  # such a one is not watched any more, and nothing came of it
    "keyed",  # an Idempotency-Key belongs to a job
    "cancelled",  # a job's owner took it back
)
"""What a commit does: a change of a submission's state, or what `_doing` calls it."""

_SEVERAL = ("accepted", "completed", "failed", "late")
"""Commits of more than one statement, so that there is a moment between the first and the last."""

TOLD_ID = "told: the job's id"
TOLD_END = "told: the end"
FILE_BEFORE = "file: before"
FILE_HALF = "file: half of it"
FILE_WRITTEN = "file: written"


def request_step(what: str, step: int) -> str:
    return f"{what}: {_STEPS[step]}"


BEFORE, UNDERWAY, ARRIVED, ANSWERED = range(4)

NAMES = (
    *(f"{what}: {step}" for what in REQUESTS for step in _STEPS),
    *(f"commit {what}: {when}" for what in COMMITS for when in ("before", "after")),
    *(f"commit {what}: amid" for what in _SEVERAL),
    FILE_BEFORE,
    FILE_HALF,
    FILE_WRITTEN,
    TOLD_ID,
    TOLD_END,
)


_TO_THE_END = ("look", "fetch", "file", "commit completed")
_AHEAD = {
    "accepted": ("submit", "commit submitting", "commit running", *_TO_THE_END),
    "submitting": ("commit reconciling", *_TO_THE_END),
    "reconciling": _TO_THE_END,
    "running": _TO_THE_END,
}
"""What is likely to be passed by a submission in this state, by the beginning of a failpoint's name."""


def is_ahead(name: str, states: Iterable[str]) -> bool:
    """Whether a gateway that goes on with submissions in these states should come to this failpoint."""
    return any(name.startswith(_AHEAD.get(state, ())) for state in states)


def kind_of(url: str) -> str | None:
    """Which of the `REQUESTS` goes to this address."""
    path = urlsplit(url).path
    return next((what for what, start in REQUESTS.items() if path.startswith(start)), None)


class Failpoints:
    """Counts what is passed; at the one that is armed, `die` is called and does not return."""

    def __init__(self, die: Callable[[str], object]) -> None:
        self._die = die
        self._armed: str | None = None
        self._left = 0
        self.passed: Counter[str] = Counter()

    def arm(self, name: str, *, nth: int = 1) -> None:
        self._armed, self._left = name, nth

    def disarm(self) -> None:
        self._armed = None

    def next_is(self, name: str) -> bool:
        """Whether passing this one would be the end."""
        return self._armed == name and self._left == 1

    def hit(self, name: str) -> None:
        self.passed[name] += 1
        if self._armed == name:
            self._left -= 1
            if not self._left:
                self._die(name)


# ---------------------------------------------------------------- commits ----


class Commits:
    """Notices what each transaction does, by triggers that only the gateway's own connection has.

    So it does not matter in which words the gateway writes. `broken` may keep a commit from the disk, which a
    sound gateway would notice no more than a broken one does: see `Late`.
    """

    def __init__(self, points: Failpoints) -> None:
        self._points = points
        self.broken: Late | None = None
        self._really_commit: Callable[[DefaultDialect, Any], None] = DefaultDialect.do_commit
        self.jobs_changed: Callable[[], object] = lambda: None

    def install(self) -> None:
        """For every connection that this process and its children will make."""
        event.listen(Engine, "connect", _watch)
        event.listen(Engine, "before_cursor_execute", self._statement)
        mock.patch.object(DefaultDialect, "do_commit", self._patched()).start()

    def _patched(self) -> Callable[[DefaultDialect, Any], None]:
        def do_commit(dialect: DefaultDialect, connection: Any) -> None:
            self._commit(dialect, connection)

        return do_commit

    def _statement(
        self,
        connection: Any,
        cursor: Any,
        statement: str,
        parameters: Any,
        context: Any,
        many: bool,
    ) -> None:
        if self.broken is not None:
            self.broken.noted(cursor, statement, parameters, many=many)
        for what in _told(_rows(cursor)):
            self._points.hit(f"commit {what}: amid")

    def _commit(self, dialect: DefaultDialect, connection: Any) -> None:
        cursor = connection.cursor()
        rows = _rows(cursor)
        if not rows:
            cursor.close()
            if self.broken is not None:
                self.broken.takes(())
            self._really_commit(dialect, connection)
            return
        cursor.execute("DELETE FROM walked")
        cursor.close()
        done = _told(rows)
        for what in done:
            self._points.hit(f"commit {what}: before")
        if self.broken is not None and self.broken.takes(done):
            connection.rollback()
        else:
            self._really_commit(dialect, connection)
        for what in done:
            self._points.hit(f"commit {what}: after")
        self.jobs_changed()


class Late:
    """A defect to be found: a commit is reported before it is on the disk, where the next one takes it."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._seen: list[tuple[str, Any, bool]] = []
        self._owed: list[tuple[str, Any, bool]] = []
        self._paying = False

    def noted(self, cursor: Any, statement: str, parameters: Any, *, many: bool) -> None:
        if not statement.startswith(("INSERT", "UPDATE", "DELETE")):
            return
        owed, self._owed = self._owed, []
        for text, values, several in owed:
            (cursor.executemany if several else cursor.execute)(text, values)
        self._paying = self._paying or bool(owed)
        self._seen.append((statement, parameters, many))

    def takes(self, done: Iterable[str]) -> bool:
        """Whether this commit is to be late."""
        seen, self._seen = self._seen, []
        paying, self._paying = self._paying, False
        if paying or self._doing not in done:
            return False
        self._owed = seen
        return True


Row = tuple[str, str, dict[str, Any], dict[str, Any]]


_WATCHED = (
    ("jobs", "INSERT", ()),
    ("jobs", "UPDATE", ("state", "cancelled_at")),
    ("submissions", "UPDATE", ("state", "watched_until")),
    ("pictures", "INSERT", ()),
    ("idempotency_keys", "INSERT", ()),
    ("idempotency_keys", "UPDATE", ()),
)
"""The changes that `_doing` tells from each other, with the columns that it looks at."""


def _watch(connection: sqlite3.Connection, _: object) -> None:
    """Write these changes into a table that goes with the connection."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA temp_store = MEMORY")
    cursor.execute("CREATE TEMP TABLE walked (of_table, operation, old, new)")
    tables = cursor.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall()
    for table, operation, columns in _WATCHED:
        if (table,) in tables:  # the first start of all makes them
            cursor.execute(_trigger(table, operation, columns))
    cursor.close()


@cache
def _trigger(table: str, operation: str, columns: tuple[str, ...]) -> str:
    old, new = (
        "json_object(" + ", ".join(f"'{name}', {row}.{name}" for name in columns) + ")"
        for row in ("old", "new")
    )
    return (
        f"CREATE TEMP TRIGGER walked_{table}_{operation} AFTER {operation} ON main.{table} "
        f"BEGIN INSERT INTO walked VALUES ('{table}', '{operation}', {old}, {new}); END"
    )


def _rows(cursor: Any) -> list[Row]:
    """The changes of this transaction so far. The gateway's own cursor is left as it was."""
    own = cursor.connection.cursor()
    try:
        found = own.execute("SELECT of_table, operation, old, new FROM walked").fetchall()
    except sqlite3.OperationalError:
        return []  # a connection from before the tables
    finally:
        own.close()
    return [(table, what, json.loads(old), json.loads(new)) for table, what, old, new in found]


def _told(rows: Iterable[Row]) -> list[str]:
    """What these changes are, each once. A picture that ends its submission is not told besides."""
    done = dict.fromkeys(_doing(rows))
    if "let go" in done and "kept" in done:
        done = {"late" if what == "let go" else what: None for what in done}
    if "kept" in done and ("completed" in done or "late" in done):
        del done["kept"]
    return list(done)


def _doing(rows: Iterable[Row]) -> Iterator[str]:
    for table, operation, old, new in rows:
        match table, operation:
            case "jobs", "INSERT":
                yield "accepted"
            case "jobs", "UPDATE" if old["state"] != new["state"]:
                yield new["state"]
            case "jobs", "UPDATE" if old["cancelled_at"] != new["cancelled_at"]:
                yield "cancelled"
            case "submissions", "UPDATE" if old["state"] != new["state"]:
                yield "refused" if new["state"] == "accepted" else new["state"]
            case "submissions", "UPDATE" if old["watched_until"] and not new["watched_until"]:
                yield "let go"
            case "pictures", "INSERT":
                yield "kept"
            case "idempotency_keys", "INSERT" | "UPDATE":
                yield "keyed"
            case _:
                pass


# ------------------------------------------------------------------ files ----


def watch_files(points: Failpoints, folder: Path, *, pretended: Callable[[], bool]) -> None:
    """Notice every put into a media store of this process.

    Half a file is left where the store prepares a whole one. Stores that are `pretended` are not touched: the
    threads that obstore would begin then are not there in a process that is forked afterwards.
    """
    really_put, really_delete = MediaStore.put, MediaStore.delete_inputs

    async def put(store: MediaStore, media_id: str, body: bytes) -> None:
        if pretended():
            return
        points.hit(FILE_BEFORE)
        if points.next_is(FILE_HALF):
            half = folder / media_id[:2] / f"{media_id}#1"
            half.parent.mkdir(parents=True, exist_ok=True)
            half.write_bytes(body[: len(body) // 2])
        points.hit(FILE_HALF)
        await really_put(store, media_id, body)
        points.hit(FILE_WRITTEN)

    async def delete_inputs(store: MediaStore, *, before: float) -> int:
        return 0 if pretended() else await really_delete(store, before=before)

    mock.patch.object(MediaStore, "put", put).start()
    mock.patch.object(MediaStore, "delete_inputs", delete_inputs).start()
