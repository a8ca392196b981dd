"""Callers' files have rows that only their owners find."""

from __future__ import annotations

import pytest

from jimeng_api.domain.errors import NotFound
from jimeng_api.jobs.files import CallersFile
from tests.stores import OwnStore


def a_file(number: int, *, owner: str = "owner", purpose: str = "vision") -> CallersFile:
    return CallersFile(
        id=f"file-{number:03}",
        owner=owner,
        name="猫.png",
        purpose=purpose,
        created_at=1_767_225_600.25 + number // 2,  # two at a time
        media_id=f"in-1767225600-{number:032x}",
        content_type="image/png",
        size=2**31 - 1,
        sha256="ab" * 32,
    )


async def ids(store: OwnStore, **how: object) -> list[str]:
    asked = {"after": None, "limit": 10, "newest_first": True, "purpose": None, **how}
    return [file.id for file in await store.files.page("owner", **asked)]  # type: ignore[arg-type]


async def test_a_file_is_found_as_it_was_written(store: OwnStore) -> None:
    await store.files.add(a_file(1))
    assert await store.files.find("owner", "file-001") == a_file(1)
    for owner, file_id in (("other", "file-001"), ("owner", "file-002")):
        with pytest.raises(NotFound):
            await store.files.find(owner, file_id)


async def test_pages_follow_each_other_without_a_gap(store: OwnStore) -> None:
    for number in range(5):
        await store.files.add(a_file(number))
    await store.files.add(a_file(9, owner="other"))
    whole = [f"file-{number:03}" for number in range(5)]
    assert await ids(store, newest_first=False) == whole
    assert await ids(store) == whole[::-1]
    assert await ids(store, limit=2) == ["file-004", "file-003"]
    assert await ids(store, limit=2, after="file-003") == ["file-002", "file-001"]
    assert await ids(store, newest_first=False, after="file-002") == ["file-003", "file-004"]
    with pytest.raises(NotFound):
        await ids(store, after="file-009")


async def test_a_page_may_be_of_one_purpose(store: OwnStore) -> None:
    await store.files.add(a_file(1))
    await store.files.add(a_file(2, purpose="user_data"))
    assert await ids(store, purpose="user_data") == ["file-002"]


async def test_only_the_owner_makes_a_file_forgotten(store: OwnStore) -> None:
    await store.files.add(a_file(1))
    await store.files.forget("other", "file-001")
    assert await ids(store) == ["file-001"]
    for _ in range(2):
        await store.files.forget("owner", "file-001")
        assert await ids(store) == []


async def test_all_that_came_before_is_forgotten_however_many(store: OwnStore) -> None:
    for number in range(120):
        await store.files.add(a_file(number))
    await store.retention.forget_files(before=a_file(116).created_at)
    assert await ids(store, newest_first=False) == [f"file-{number}" for number in range(116, 120)]
