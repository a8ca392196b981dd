"""Word that a job has changed or that there is work, to whoever waits for it, here and in other gateways."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec
from sqlalchemy import Connection

from jimeng_api.database.database import Database

_MOST_IDS = 150  # in one announcement: PostgreSQL takes 8,000 bytes


class Signals:
    """A signal says only *look again*: who missed one loses time, never a result."""

    def __init__(self, database: Database, name: str) -> None:
        """`name` is this gateway's own, so that it does not hear itself."""
        self._database = database
        self._name = name
        # In the order of their coming: who waits is told in the same order every time.
        self._waiting: defaultdict[str, dict[asyncio.Event, None]] = defaultdict(dict)
        self.work = asyncio.Event()

    def listen(self) -> None:
        """Hear the other gateways too."""
        loop = asyncio.get_running_loop()

        def heard(text: str | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._heard, text)

        self._database.backend.listen(heard)

    @contextmanager
    def of_job(self, job_id: str) -> Iterator[asyncio.Event]:
        """An event that is set at every change of the job; who waits clears it and looks."""
        changed = asyncio.Event()
        self._waiting[job_id][changed] = None
        try:
            yield changed
        finally:
            self._waiting[job_id].pop(changed, None)
            if not self._waiting[job_id]:
                del self._waiting[job_id]

    def changed(self, job_ids: Iterable[str]) -> None:
        """Tell those who wait here."""
        for job_id in job_ids:
            for event in self._waiting.get(job_id, ()):
                event.set()

    def all_changed(self) -> None:
        """Tell everybody who waits here for any job."""
        self.changed(list(self._waiting))

    def announce(self, connection: Connection, job_ids: Iterable[str], *, work: bool) -> None:
        """Tell the other gateways, when this transaction is committed. In the database's thread."""
        if not self._database.backend.shared:
            return
        ids = list(dict.fromkeys(job_ids))
        for start in range(0, len(ids), _MOST_IDS):
            said = _Said(by=self._name, jobs=ids[start : start + _MOST_IDS], work=work)
            self._database.backend.announce(connection, msgspec.json.encode(said).decode())

    def _heard(self, text: str | None) -> None:
        if text is None:
            self.work.set()
            self.all_changed()
            return
        try:
            said = msgspec.json.decode(text, type=_Said)
        except msgspec.MsgspecError:
            return  # somebody else's word on our channel
        if said.by != self._name:
            if said.work:
                self.work.set()
            self.changed(said.jobs)


class _Said(msgspec.Struct):
    by: str
    jobs: list[str]
    work: bool
