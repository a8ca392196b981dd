"""A database that an earlier release left is brought to the newest tables with all that stands in it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

import jimeng_api.database.migrations
from jimeng_api.clock import SystemClock
from jimeng_api.database.schema import REVISION
from jimeng_api.jobs.job import State
from tests.stores import OwnStore
from tests.unit.jobs.made import FAILURE, REQUEST

ACCOUNT = "a" * 32
OPEN = ("accepted", "placed", "submitting", "reconciling", "running")


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgresql_url")
        return url
    return f"sqlite:///{tmp_path / 'jobs.db'}"


def left_by_an_earlier_release(url: str) -> None:
    """A job in every state, as the first release wrote them; the accepted one has no account yet."""
    parsed = make_url(url)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = create_engine(parsed, poolclass=NullPool)
    with engine.begin() as connection:
        config = Config()
        folder = Path(jimeng_api.database.migrations.__path__[0])
        config.set_main_option("script_location", str(folder))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for number, name in enumerate((*OPEN, "completed", "failed")):
            _write(connection, number, name)
    engine.dispose()


def _write(connection: Connection, number: int, name: str) -> None:
    state = "accepted" if name == "placed" else name
    ended = state in ("completed", "failed")
    failure = msgspec.json.encode(FAILURE) if state == "failed" else None
    account = None if name == "accepted" else ACCOUNT
    _insert(
        connection, "jobs",
        id=name, kind="image", owner="owner", state=state if ended else "accepted",
        asked_model="m", request=msgspec.json.encode(REQUEST), sessions=b"" if ended else b"sealed",
        created_at=100.0 + number, deadline=1300.0, finished_at=900.0 if ended else None,
        failure=failure,
    )  # fmt: skip
    _insert(
        connection, "submissions",
        job_id=name, number=0, submit_id=f"submit-{name}", gen_count=4, seed=2**32 - 1,
        state=state, attempt=2, site=None if account is None else "cn", account=account,
        history_id="h" if state in ("running", "completed") else None,
        digest="d", sent_at=None if state == "accepted" else 101.5, failure=failure,
    )  # fmt: skip
    if state == "completed":
        _insert(
            connection, "pictures",
            media_id="media", job_id=name, number=0, item_id="item", content_type="image/png",
            width=1, height=2, size=3, sha256="ff", created_at=800.0,
        )  # fmt: skip


def _insert(connection: Connection, table: str, **values: Any) -> None:
    names = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)


async def test_what_an_earlier_release_left_is_all_there_and_gone_on_with(fresh_url: str) -> None:
    await asyncio.to_thread(left_by_an_earlier_release, fresh_url)
    store = OwnStore(fresh_url, SystemClock())
    await store.open()
    names = [*OPEN, "completed", "failed"]
    found = {name: await store.find("owner", name) for name in names}
    listed = await store.page("owner", after=None, limit=100, newest_first=False)
    assert [job.id for job in listed] == names
    for name, job in found.items():
        (part,) = job.submissions
        state = State.ACCEPTED if name == "placed" else State(name)
        assert (job.state, part.state) == (state, state)
        assert (part.submit_id, part.seed, part.attempt) == (f"submit-{name}", 2**32 - 1, 2)
        assert part.account == ("" if name == "accepted" else ACCOUNT)
        assert part.open is (name in OPEN)
        assert (job.request, job.fingerprint, job.cancelled_at) == (REQUEST, "", None)
        assert bool(job.sessions) is (name in OPEN)
    assert found["failed"].failure == found["failed"].submissions[0].failure == FAILURE
    assert found["completed"].submissions[0].sent_at == 101.5
    assert [picture.media_id for picture in found["completed"].pictures] == ["media"]
    assert await store.work() == {"": 1, ACCOUNT: 4}
    assert {job.id for job in await store.at_work(["", ACCOUNT])} == set(OPEN)
    # And its steps go on from where they were.
    (part,) = found["running"].submissions
    await store.save("running", (part, part.collected()), at=950.0)
    ended = await store.find("owner", "running")
    assert (ended.state, ended.finished_at, ended.sessions) == (State.COMPLETED, 950.0, b"")
    await store.close()


async def test_a_database_that_was_brought_up_is_like_one_that_was_made_anew(
    fresh_url: str,
) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    import jimeng_api.jobs.tables  # noqa: F401 - adds its own
    from jimeng_api.database.tables import metadata

    await asyncio.to_thread(left_by_an_earlier_release, fresh_url)
    store = OwnStore(fresh_url, SystemClock())
    await store.open()
    different, revision = await store._database.read(
        lambda connection: (
            compare_metadata(MigrationContext.configure(connection), metadata),
            connection.execute(text("SELECT version_num FROM alembic_version")).scalar(),
        )
    )
    assert different == []
    assert revision == REVISION
    await store.close()


async def test_gateways_that_start_at_the_same_moment_bring_it_up_once(postgresql_url: str) -> None:
    await asyncio.to_thread(left_by_an_earlier_release, postgresql_url)
    stores = [OwnStore(postgresql_url, SystemClock()) for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    for store in stores:
        assert await store.work() == {"": 1, ACCOUNT: 4}
        await store.close()


async def test_a_start_that_is_broken_off_amid_the_migration_leaves_what_was_there(
    fresh_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(left_by_an_earlier_release, fresh_url)

    class Killed(BaseException):
        pass

    def killed(connection: Connection, query: str) -> None:
        if "submissions_at_work" in query:
            raise Killed

    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def before(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        killed(conn, statement)

    event.listen(Engine, "before_cursor_execute", before)
    try:
        store = OwnStore(fresh_url, SystemClock())
        with pytest.raises(Killed):
            await store.open()
        await store.close()
    finally:
        event.remove(Engine, "before_cursor_execute", before)
    store = OwnStore(fresh_url, SystemClock())
    await store.open()
    assert await store.work() == {"": 1, ACCOUNT: 4}
    await store.close()
