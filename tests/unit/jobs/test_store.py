"""Jobs on disk: what is read is what was written, and one failed change is its own loss only."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from jimeng_api.clock import SystemClock
from jimeng_api.domain.errors import NotFound, OutOfCredits, StorageUnavailable, UpstreamCode
from jimeng_api.domain.failure import Failure
from jimeng_api.jobs.job import State
from jimeng_api.jobs.ownership import DatabaseInUse
from jimeng_api.jobs.store import REVISION, JobStore
from tests.unit.jobs.made import a_job, a_part, a_picture, in_state


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'jobs.db'}"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[JobStore]:
    store = JobStore(url(tmp_path), SystemClock())
    await store.open()
    yield store
    await store.close()


async def test_a_job_comes_back_as_it_was_written(store: JobStore) -> None:
    job = a_job(parts=3)
    await store.accept(job)
    assert await store.find("owner", "job_1") == job


async def test_every_step_comes_back_as_it_was_written(store: JobStore) -> None:
    job = a_job(parts=2)
    await store.accept(job)
    part = job.submissions[1].submitting(site="cn", account="a" * 32, digest="d" * 64, at=1.5)
    for moved, found in ((part, ()), (part.running("h"), (a_picture(0), a_picture(1)))):
        job = replace(job.moved(moved), pictures=found)
        await store.save(job, moved, found, at=2.0)
        assert await store.find("owner", "job_1") == job
    trouble = OutOfCredits("none left", param="n", retry_after=1.5)
    trouble.upstream = UpstreamCode("1006", "积分不足", "log")
    for moved in (job.submissions[1].completed(), a_part().failed(Failure.of(trouble))):
        job = job.moved(moved)
        if all(one.state.ended for one in job.submissions):
            job = job.ended(at=9.5)
        await store.save(job, moved, at=9.5)
    found_job = await store.find("owner", "job_1")
    assert found_job == job
    assert found_job.failure is not None
    assert found_job.failure.error().upstream == trouble.upstream


async def test_another_gateway_on_the_same_file_reads_what_was_written(tmp_path: Path) -> None:
    first = JobStore(url(tmp_path), SystemClock())
    await first.open()
    await first.accept(a_job())
    await first.close()
    second = JobStore(url(tmp_path), SystemClock())
    await second.open()
    assert await second.unfinished() == [a_job()]
    await second.close()


async def test_another_owners_job_is_not_there(store: JobStore) -> None:
    await store.accept(a_job())
    for owner, name in (("other", "job_1"), ("owner", "job_2"), ("", "job_1"), ("owner", "")):
        with pytest.raises(NotFound):
            await store.find(owner, name)
    assert await store.page("other", after=None, limit=10, newest_first=True) == []


async def test_only_jobs_that_have_not_ended_are_gone_on_with_oldest_first(store: JobStore) -> None:
    states = list(State)
    for number, state in enumerate(states):
        job = a_job(f"job_{number}", created_at=100.0 - number)
        await store.accept(job)
        part = replace(in_state(state), job_id=job.id, submit_id=f"submit_{number}")
        job = job.moved(part).ended(at=1.0) if state.ended else job.moved(part)
        await store.save(job, part, at=1.0)
    found = [job.state for job in await store.unfinished()]
    assert found == [state for state in reversed(states) if not state.ended]


@pytest.mark.parametrize("newest_first", [True, False])
async def test_pages_hold_every_job_once_also_those_of_the_same_moment(
    store: JobStore, newest_first: bool
) -> None:
    for number in range(7):
        # Three share a moment: the id decides between them.
        await store.accept(a_job(f"job_{number}", created_at=float(number // 3)))
    await store.accept(a_job("job_x", owner="other"))
    seen: list[str] = []
    after = None
    while page := await store.page("owner", after=after, limit=2, newest_first=newest_first):
        seen += [job.id for job in page]
        after = seen[-1]
    in_order = [f"job_{number}" for number in range(7)]
    assert seen == (in_order[::-1] if newest_first else in_order)


async def test_a_page_behind_a_job_that_is_not_there_is_refused(store: JobStore) -> None:
    await store.accept(a_job("job_x", owner="other"))
    for mark in ("job_x", "nothing"):
        with pytest.raises(NotFound):
            await store.page("owner", after=mark, limit=2, newest_first=True)


async def test_a_picture_is_found_by_its_name_alone(store: JobStore) -> None:
    job = replace(a_job(), pictures=(a_picture(),))
    await store.accept(a_job())
    await store.save(job, found=job.pictures, at=1.0)
    assert await store.picture("job_1-media-0") == a_picture()
    with pytest.raises(NotFound):
        await store.picture("job_1-media-1")


async def test_five_hundred_at_once_are_all_on_disk_when_they_are_told_so(
    store: JobStore, tmp_path: Path
) -> None:
    async def accept(number: int) -> int:
        await store.accept(a_job(f"job_{number}", parts=2))
        return number

    told = await asyncio.gather(*map(accept, range(500)))
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        ids = {row[0] for row in connection.execute("SELECT id FROM jobs")}
        (parts,) = connection.execute("SELECT count(*) FROM submissions").fetchone()
    assert ids == {f"job_{number}" for number in told}
    assert parts == 1000


async def test_a_change_that_fails_does_not_take_the_others_along(store: JobStore) -> None:
    await store.accept(a_job("job_7"))
    results = await asyncio.gather(
        *(store.accept(a_job(f"job_{number}")) for number in range(20)), return_exceptions=True
    )
    failed = [number for number, result in enumerate(results) if result is not None]
    assert failed == [7]
    assert isinstance(results[7], StorageUnavailable)
    assert len(await store.unfinished()) == 20


async def test_a_change_is_written_whole_or_not_at_all(store: JobStore) -> None:
    await store.accept(a_job())
    twice = (a_picture(0), a_picture(0))
    part = a_part().submitting(site="cn", account="a", digest="d", at=1.0)
    with pytest.raises(StorageUnavailable):
        await store.save(a_job().moved(part), part, twice, at=1.0)
    found = await store.find("owner", "job_1")
    assert found == a_job()


async def test_a_writer_that_is_cancelled_leaves_its_change_to_be_written(store: JobStore) -> None:
    writing = asyncio.create_task(store.accept(a_job()))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await store.accept(a_job("job_2"))
    assert {job.id for job in await store.unfinished()} == {"job_1", "job_2"}


async def test_changes_are_written_in_the_order_in_which_they_came(store: JobStore) -> None:
    job = a_job()
    await store.accept(job)
    parts = [replace(a_part(), attempt=number) for number in range(40)]
    await asyncio.gather(*(store.save(job.moved(part), part, at=1.0) for part in parts))
    assert (await store.find("owner", "job_1")).submissions == (parts[-1],)


async def pragma(store: JobStore, text: str) -> object:
    return await store._database.read(
        lambda connection: connection.exec_driver_sql(f"PRAGMA {text}").scalar()
    )


async def test_a_commit_is_on_the_disk_before_anybody_hears_of_it(tmp_path: Path) -> None:
    store = JobStore(url(tmp_path), SystemClock())
    await store.open()
    assert await pragma(store, "synchronous") == 2
    assert await pragma(store, "journal_mode") == "wal"
    assert await pragma(store, "foreign_keys") == 1
    await store.close()


async def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        store = JobStore(url(tmp_path), SystemClock())
        await store.open()
        await store.close()
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert revision == REVISION


async def test_a_database_that_cannot_be_written_says_so_and_recovers(
    store: JobStore, tmp_path: Path
) -> None:
    assert await store.alive()
    blocking = sqlite3.connect(tmp_path / "jobs.db", isolation_level=None)
    with closing(blocking):
        await pragma(store, "busy_timeout=50")
        blocking.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable) as caught:
            await store.accept(a_job())
        assert caught.value.retry_after
        assert not await store.alive()
        blocking.execute("ROLLBACK")
    await store.accept(a_job())
    assert await store.alive()


async def test_a_second_gateway_on_the_same_file_is_turned_away(tmp_path: Path) -> None:
    first = JobStore(url(tmp_path), SystemClock())
    await first.open()
    second = JobStore(url(tmp_path), SystemClock())
    with pytest.raises(DatabaseInUse, match="Stop it first"):
        await second.open()
    await second.close()
    await first.accept(a_job())
    await first.close()
    third = JobStore(url(tmp_path), SystemClock())
    await third.open()
    assert await third.unfinished() == [a_job()]
    await third.close()


async def test_a_folder_that_is_not_there_is_no_traceback() -> None:
    store = JobStore("sqlite:////nowhere/at/all/jobs.db", SystemClock())
    with pytest.raises(StorageUnavailable):
        await store.open()
    await store.close()
