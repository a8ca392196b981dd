"""Where finished media lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from jimeng_api.domain.errors import NotFound, StorageUnavailable
from jimeng_api.media.store import MediaStore, input_id

NAME = "0123456789abcdef0123456789abcdef"


async def test_what_was_put_is_read_whole_and_in_parts(tmp_path: Path) -> None:
    store = MediaStore(tmp_path / "media")
    body = bytes(range(256)) * 12_000
    await store.put(NAME, body)
    assert await store.read(NAME) == body
    parts = [chunk async for chunk in store.stream(NAME, start=100, end=len(body) - 1)]
    assert b"".join(parts) == body[100:-1]
    # What waits for a slow caller is held several times, so twenty of them are to hold little each.
    assert max(map(len, parts)) <= 300_000


async def test_what_was_never_put_is_not_found(tmp_path: Path) -> None:
    store = MediaStore(tmp_path / "media")
    with pytest.raises(NotFound):
        await store.read(NAME)
    with pytest.raises(NotFound):
        await anext(store.stream(NAME, start=0, end=1))


async def test_a_folder_that_takes_nothing_says_so(tmp_path: Path) -> None:
    store = MediaStore(tmp_path / "media")
    (tmp_path / "media" / NAME[:2]).write_bytes(b"a file where a folder should be")
    with pytest.raises(StorageUnavailable):
        await store.put(NAME, b"body")


async def test_no_half_written_file_is_left_behind(tmp_path: Path) -> None:
    store = MediaStore(tmp_path / "media")
    await store.put(NAME, b"first")
    await store.put(NAME, b"second")
    assert await store.read(NAME) == b"second"
    assert [path.name for path in (tmp_path / "media").rglob("*") if path.is_file()] == [NAME]


async def test_what_is_deleted_is_gone_and_may_have_been_gone_before(tmp_path: Path) -> None:
    store = MediaStore(tmp_path / "media")
    await store.put(NAME, b"body")
    for _ in range(2):
        await store.delete(NAME)
        with pytest.raises(NotFound):
            await store.read(NAME)


async def test_what_cannot_be_deleted_says_so(tmp_path: Path) -> None:
    store = MediaStore(tmp_path / "media")
    (tmp_path / "media").rmdir()
    (tmp_path / "media").write_bytes(b"a file where a folder should be")
    with pytest.raises(StorageUnavailable):
        await store.delete(NAME)


def test_a_place_that_can_be_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "media").write_bytes(b"a file where a folder should be")
    for place in (tmp_path / "media", "nothing://bucket"):
        with pytest.raises(StorageUnavailable):
            MediaStore(place)


async def test_callers_pictures_are_deleted_by_age_and_nothing_else_is(tmp_path: Path) -> None:
    store = MediaStore(tmp_path / "media")
    assert await store.delete_inputs(before=1e12) == 0
    old, young = (input_id(now=now, token="ab" * 16) for now in (1000.9, 2000.0))
    for name in (NAME, "in" + NAME[2:], old, young):
        await store.put(name, b"body")
    assert await store.delete_inputs(before=1000) == 0
    assert await store.delete_inputs(before=2000) == 1
    with pytest.raises(NotFound):
        await store.read(old)
    for name in (NAME, "in" + NAME[2:], young):
        assert await store.read(name) == b"body"


async def test_a_store_that_is_away_says_so_when_pictures_are_looked_for(tmp_path: Path) -> None:
    store = MediaStore(tmp_path / "media")
    (tmp_path / "media").rmdir()
    (tmp_path / "media").write_bytes(b"a file where a folder should be")
    with pytest.raises(StorageUnavailable):
        await store.delete_inputs(before=1e12)
