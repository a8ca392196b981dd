"""When what is taken away, in which order, and what is in the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from jimeng_api.clock import SystemClock
from jimeng_api.domain.errors import NotFound, StorageUnavailable
from jimeng_api.generation.housekeeping import Housekeeping, Kept
from jimeng_api.jobs.job import State
from jimeng_api.media.store import MediaStore, input_id
from tests.simulated.house import until
from tests.stores import OwnStore
from tests.unit.jobs.made import a_job, a_picture, in_state

NOW = 1_767_225_600.0
DAY = 86_400.0
KEPT = Kept(keys=DAY, media=30 * DAY, jobs=30 * DAY, inputs=DAY)


class Calendar(SystemClock):
    """It is always the same day; whoever sleeps wakes at once, and finds his seconds gone."""

    def __init__(self) -> None:
        self._slept = 0.0

    @override
    def now(self) -> float:
        return NOW

    @override
    def monotonic(self) -> float:
        return self._slept

    @override
    async def sleep(self, seconds: float) -> None:
        self._slept += seconds
        await asyncio.sleep(0)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[OwnStore]:
    store = OwnStore(f"sqlite:///{tmp_path / 'jobs.db'}", SystemClock())
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def media(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def keeper(store: OwnStore, media: MediaStore, kept: Kept = KEPT) -> Housekeeping:
    return Housekeeping(retention=store.retention, media=media, clock=Calendar(), kept=kept)


async def ended(store: OwnStore, media: MediaStore, name: str, *, days_ago: float) -> str:
    """A job that ended so long ago, with one picture; the name of its file."""
    at = NOW - days_ago * DAY
    picture = a_picture(job=name)
    await store.accept(a_job(name))
    await media.put(picture.media_id, b"bytes")
    first, last = a_job(name).submissions[0], in_state(State.COMPLETED, job_id=name)
    await store.save(name, (first, last), [picture], at=at)
    return picture.media_id


async def is_there(media: MediaStore, media_id: str) -> bool:
    try:
        return await media.read(media_id) == b"bytes"
    except NotFound:
        return False


async def names(store: OwnStore) -> list[str]:
    page = await store.page("owner", after=None, limit=100, newest_first=False)
    return sorted(job.id for job in page)


async def test_what_is_old_goes_with_its_files_and_what_is_young_stays(
    store: OwnStore, media: MediaStore
) -> None:
    old = [await ended(store, media, f"old_{n}", days_ago=31 + n) for n in range(3)]
    young = await ended(store, media, "young", days_ago=29)
    await keeper(store, media).tidy()
    assert [await is_there(media, one) for one in (*old, young)] == [False, False, False, True]
    assert await names(store) == ["young"]


async def test_media_may_go_before_their_jobs_and_never_after(
    store: OwnStore, media: MediaStore
) -> None:
    file = await ended(store, media, "job", days_ago=10)
    await keeper(store, media, Kept(keys=0, media=20 * DAY, jobs=5 * DAY, inputs=DAY)).tidy()
    assert await is_there(media, file)
    assert await names(store) == ["job"]
    await keeper(store, media, Kept(keys=0, media=5 * DAY, jobs=20 * DAY, inputs=DAY)).tidy()
    assert not await is_there(media, file)
    assert (await store.find("owner", "job")).pictures == ()
    with pytest.raises(NotFound):
        await store.picture(file)


async def test_what_is_kept_for_ever_stays(store: OwnStore, media: MediaStore) -> None:
    file = await ended(store, media, "job", days_ago=10_000)
    await keeper(store, media, Kept(keys=0, media=None, jobs=1.0, inputs=DAY)).tidy()
    assert await is_there(media, file)
    await keeper(store, media, Kept(keys=0, media=1.0, jobs=None, inputs=DAY)).tidy()
    assert not await is_there(media, file)
    assert await names(store) == ["job"]


async def test_killed_between_file_and_row_the_next_pass_ends_what_was_begun(
    store: OwnStore, media: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await ended(store, media, "job", days_ago=31)

    class Killed(BaseException):
        pass

    async def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(store.retention, "forget_media", killed)
        with pytest.raises(Killed):
            await keeper(store, media).tidy()
    assert not await is_there(media, file)
    assert len((await store.find("owner", "job")).pictures) == 1
    await keeper(store, media).tidy()
    assert await names(store) == []


async def test_a_file_that_cannot_be_deleted_stays_with_its_job_and_holds_up_no_other(
    store: OwnStore, media: MediaStore, tmp_path: Path
) -> None:
    files = [await ended(store, media, f"{n}_job", days_ago=40 - n) for n in range(3)]
    stuck = tmp_path / "media" / files[0][:2] / files[0]
    stuck.unlink()
    stuck.mkdir()  # is deleted by nobody who wants to delete a file
    (stuck / "something").touch()
    with pytest.raises(StorageUnavailable):
        await keeper(store, media).tidy()
    assert await names(store) == ["0_job"]
    assert len((await store.find("owner", "0_job")).pictures) == 1
    (stuck / "something").unlink()
    stuck.rmdir()
    await keeper(store, media).tidy()
    assert await names(store) == []


async def test_a_media_store_that_is_away_is_not_asked_for_every_single_file(
    store: OwnStore, media: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        await ended(store, media, f"job_{number}", days_ago=31)
    clock = Calendar()
    asked: list[str] = []

    async def away(self: MediaStore, media_id: str) -> None:
        asked.append(media_id)
        await clock.sleep(40)
        raise StorageUnavailable("away")

    monkeypatch.setattr(MediaStore, "delete", away)
    at_it = Housekeeping(retention=store.retention, media=media, clock=clock, kept=KEPT)
    with pytest.raises(StorageUnavailable):
        await at_it.tidy()
    assert len(asked) == 2
    assert len(await names(store)) == 5


async def test_half_written_files_of_an_earlier_life_go_and_those_that_grow_stay(
    store: OwnStore, media: MediaStore, tmp_path: Path
) -> None:
    file = await ended(store, media, "a" * 32, days_ago=1)
    place = tmp_path / "media" / "ab"
    place.mkdir()
    left, grows = place / f"{'ab' * 16}#1", place / f"{'ab' * 16}#2"
    for path in (left, grows, other := place / "readme#1"):
        path.write_bytes(b"half")
    at_it = keeper(store, media)
    await at_it.tidy()
    assert left.exists()  # somebody may be writing it
    grows.write_bytes(b"half and more")
    await at_it.tidy()
    assert [path.exists() for path in (left, grows, other)] == [False, True, True]
    assert await is_there(media, file)


async def test_callers_pictures_go_when_no_job_can_need_them_any_more(
    store: OwnStore, media: MediaStore
) -> None:
    old = input_id(now=NOW - DAY - 1, token="ab" * 16)
    young = input_id(now=NOW - DAY + 1, token="ab" * 16)
    for name in (old, young):
        await media.put(name, b"bytes")
    with capture_logs() as logs:
        await keeper(store, media).tidy()
    assert [await is_there(media, name) for name in (old, young)] == [False, True]
    assert [entry["inputs"] for entry in logs if entry["event"] == "aged_out"] == [1]


async def test_half_written_pictures_of_callers_go_too(
    store: OwnStore, media: MediaStore, tmp_path: Path
) -> None:
    young = input_id(now=NOW, token="ab" * 16)
    await media.put(young, b"bytes")
    left = tmp_path / "media" / "in" / f"{young}#1"
    left.write_bytes(b"half")
    at_it = keeper(store, media)
    await at_it.tidy()
    await at_it.tidy()
    assert not left.exists()
    assert await is_there(media, young)


async def test_passes_come_soon_after_the_start_and_then_every_ten_minutes(
    store: OwnStore, media: MediaStore
) -> None:
    clock = Calendar()
    passes: list[float] = []

    class Counted(Housekeeping):
        @override
        async def tidy(self) -> None:
            passes.append(clock.monotonic())

    at_it = Counted(retention=store.retention, media=media, clock=clock, kept=KEPT)
    at_it.open()
    await until(lambda: len(passes) >= 20)
    await at_it.close()
    assert 20 < passes[0] < 60
    pauses = [after - before for before, after in pairwise(passes)]
    assert all(400 < pause < 800 for pause in pauses)
    assert len(set(pauses)) > 10


async def test_trouble_is_told_once_and_waited_out(store: OwnStore, media: MediaStore) -> None:
    troubles: list[Exception | None] = [
        StorageUnavailable("away"),
        StorageUnavailable("away"),
        None,
        ZeroDivisionError(),
        StorageUnavailable("away"),
        None,
    ]

    class Troubled(Housekeeping):
        @override
        async def tidy(self) -> None:
            trouble = troubles.pop(0) if troubles else None
            if trouble is not None:
                raise trouble

    at_it = Troubled(retention=store.retention, media=media, clock=Calendar(), kept=KEPT)
    with capture_logs() as told:
        at_it.open()
        await until(lambda: not troubles)
        await at_it.close()
    assert [line["event"] for line in told] == [
        "housekeeping_waits",
        "housekeeping_broke",
        "housekeeping_waits",
    ]
