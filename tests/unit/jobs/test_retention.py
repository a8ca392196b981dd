"""What has aged out of the database goes, and nothing else does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import func, select
from sqlalchemy.sql.expression import FromClause

from jimeng_api.jobs import retention
from jimeng_api.jobs.job import Job, State
from jimeng_api.jobs.retention import START, Place
from jimeng_api.jobs.store import TakenKey
from jimeng_api.jobs.tables import idempotency_keys, jobs, pictures, submissions
from tests.stores import OwnStore
from tests.unit.jobs.made import a_job, a_picture, given_up, in_state


@pytest.fixture(params=[200, 2])
def portion(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once, and by twos."""
    monkeypatch.setattr(retention, "_PORTION", request.param)


pytestmark = pytest.mark.usefixtures("portion")


async def ended(
    store: OwnStore,
    name: str,
    *,
    at: float,
    kept: Sequence[float] = (),
    key: str | None = None,
    watched: bool = False,
) -> Job:
    """A job that ended at this time, with pictures that were kept at those."""
    await store.accept(a_job(name), key=TakenKey(key=key) if key else None)
    for number, moment in enumerate(kept):
        await store.save(name, None, [a_picture(number, job=name)], at=moment)
    first = a_job(name).submissions[0]
    last = given_up(until=1e12, job_id=name) if watched else in_state(State.COMPLETED, job_id=name)
    await store.save(name, (first, last), at=at)
    return await store.find("owner", name)


async def rows(store: OwnStore, *tables: FromClause) -> list[int]:
    return [
        await store._database.read(
            lambda connection, table=table: connection.scalar(  # type: ignore[misc]
                select(func.count()).select_from(table)
            )
        )
        for table in tables or (jobs, submissions, pictures, idempotency_keys)
    ]


async def forget_keys(store: OwnStore, *, before: float) -> int:
    total, after = 0, ""
    while True:
        gone, place = await store.retention.forget_keys(before=before, after=after)
        total += gone
        if place is None:
            return total
        after = place


async def forget_jobs(store: OwnStore, *, before: float) -> int:
    total = 0
    after: Place | None = START
    while after is not None:
        gone, after = await store.retention.forget_jobs(before=before, after=after)
        total += gone
    return total


async def aged_media(store: OwnStore, *, before: float) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    after: Place | None = START
    while after is not None:
        aged = await store.retention.aged_media(before=before, after=after)
        found |= {job_id: list(media) for job_id, media in aged.media.items()}
        after = aged.after
    return found


async def test_jobs_go_with_all_their_rows_once_their_time_is_over(store: OwnStore) -> None:
    for number in range(7):
        await ended(store, f"job_{number}", at=100.0 + number // 2)
    assert await forget_jobs(store, before=102.0) == 4
    assert [
        job.id for job in await store.page("owner", after=None, limit=9, newest_first=False)
    ] == [
        "job_4",
        "job_5",
        "job_6",
    ]
    assert await rows(store, jobs, submissions) == [3, 3]
    assert await forget_jobs(store, before=102.0) == 0


async def test_a_job_stays_as_long_as_it_has_media_or_a_key(store: OwnStore) -> None:
    await ended(store, "with_media", at=100.0, kept=[99.0])
    await ended(store, "with_key", at=100.0, key="k")
    await ended(store, "with_nothing", at=100.0)
    assert await forget_jobs(store, before=500.0) == 1
    assert await rows(store, jobs) == [2]
    assert await forget_keys(store, before=500.0) == 1
    await store.retention.forget_media([a_picture(0, job="with_media").media_id])
    assert await forget_jobs(store, before=500.0) == 2
    assert await rows(store) == [0, 0, 0, 0]


async def test_what_is_open_or_only_watched_keeps_all_it_has(store: OwnStore) -> None:
    await ended(store, "watched", at=100.0, kept=[50.0], key="a", watched=True)
    await store.accept(a_job("running"), key=TakenKey(key="b"))
    await store.save("running", None, [a_picture(job="running")], at=50.0)
    await ended(store, "watched_with_nothing", at=100.0, watched=True)
    names = ("watched", "running", "watched_with_nothing")
    before = [await store.find("owner", name) for name in names]
    assert await forget_keys(store, before=1e12) == 0
    assert await aged_media(store, before=1e12) == {}
    assert await forget_jobs(store, before=1e12) == 0
    assert [await store.find("owner", name) for name in names] == before
    assert await rows(store, idempotency_keys) == [2]


async def test_the_media_of_a_job_age_out_together(store: OwnStore) -> None:
    await ended(store, "old", at=100.0, kept=[80.0, 90.0, 90.0])
    await ended(store, "with_one_that_came_late", at=100.0, kept=[80.0, 200.0])
    await ended(store, "young", at=100.0, kept=[150.0])
    assert await aged_media(store, before=150.0) == {
        "old": [a_picture(number, job="old").media_id for number in range(3)]
    }
    assert set(await aged_media(store, before=201.0)) == {
        "old",
        "with_one_that_came_late",
        "young",
    }


async def test_a_job_whose_media_are_gone_names_none_and_is_not_called_partial(
    store: OwnStore,
) -> None:
    job = await ended(store, "job", at=100.0, kept=[99.0, 99.0])
    assert len(job.pictures) == 2
    await store.retention.forget_media([one.media_id for one in job.pictures])
    job = await store.find("owner", "job")
    assert job.pictures == ()
    assert job.state is State.COMPLETED
    assert not job.partial


async def test_keys_go_by_the_end_of_their_jobs(store: OwnStore) -> None:
    for number in range(5):
        await ended(store, f"job_{number}", at=100.0 + number, key=f"key_{number}")
    assert await forget_keys(store, before=102.5) == 3
    assert await store.keyed("owner", "key_2") is None
    found = await store.keyed("owner", "key_3")
    assert found is not None
    assert found.id == "job_3"
    assert await forget_keys(store, before=102.5) == 0


async def test_what_several_gateways_delete_at_once_is_deleted_once(store: OwnStore) -> None:
    await ended(store, "job", at=100.0, kept=[99.0], key="k")
    media = (await aged_media(store, before=100.0))["job"]
    await store.retention.forget_media(media)
    await store.retention.forget_media(media)
    assert [await forget_keys(store, before=200.0) for _ in range(2)] == [1, 0]
    assert [await forget_jobs(store, before=200.0) for _ in range(2)] == [1, 0]
