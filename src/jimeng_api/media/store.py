"""Where finished media lie: a local folder, or a bucket by URL. Bytes in, bytes out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar, TypeVarTuple

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from jimeng_api.domain.errors import NotFound, StorageUnavailable

_CHUNK = 256 * 1024
_AT_ONCE = 8
# Each file on its way in holds some parts of five megabytes, the least that buckets take.
_FILES_AT_ONCE = 2
_PARTS_AT_ONCE = 1
# What obstore writes first, and renames once it is whole.
_UNFINISHED = re.compile(r"(?:in-[0-9]+-)?[0-9a-f]{32}#[0-9]+")
Given = TypeVarTuple("Given")
Found = TypeVar("Found")
_INPUT = re.compile(r"in-([0-9]+)-[0-9a-f]{32}")


def input_id(*, now: float, token: str) -> str:
    """The name of a caller's picture. It holds its own time, and no result's name begins like it."""
    return f"in-{int(now)}-{token}"


def still_ids(media_id: str) -> tuple[str, ...]:
    """The names of the pictures that are made of a film when somebody asks for them."""
    return tuple(f"{media_id}-{name}" for name in ("thumbnail", "spritesheet"))


class MediaStore:
    """Media by id. A write is whole or not there; ids are ours, so no caller's text ever becomes a path."""

    def __init__(self, place: Path | str, *, threads: Executor | None = None) -> None:
        """`place` is a folder (made if missing) or a URL such as `s3://bucket/prefix`.

        `threads` do the work in place of threads of its own. Raises StorageUnavailable where there can be
        none.
        """
        self._folder = place if isinstance(place, Path) else None
        try:
            self._store = (
                LocalStore(place, mkdir=True) if isinstance(place, Path) else from_url(place)
            )
        except (BaseError, OSError, ValueError) as error:
            raise StorageUnavailable("The media store cannot be opened.") from error
        self._remains: dict[Path, tuple[int, int]] | None = None
        self._cleared = self._folder is None
        # Not obstore's own coroutine: starting one holds the event loop for most of a millisecond.
        self._threads = threads or ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="media")
        self._file_places = asyncio.Semaphore(_FILES_AT_ONCE)

    async def put(self, media_id: str, body: bytes | BinaryIO) -> None:
        """Store bytes, or all that is in a file, a part at a time."""
        async with nullcontext() if isinstance(body, bytes) else self._file_places:
            try:
                await self._in_thread(self._put, _path(media_id), body)
            except (BaseError, OSError) as error:
                raise StorageUnavailable(
                    "The media store does not take the result at the moment."
                ) from error

    def _put(self, path: str, body: bytes | BinaryIO) -> None:
        if not isinstance(body, bytes):
            body.seek(0)
        obstore.put(self._store, path, body, max_concurrency=_PARTS_AT_ONCE)

    async def delete(self, media_id: str) -> None:
        """It is not there when this returns, whether it was there or not."""
        try:
            await self._in_thread(obstore.delete, self._store, _path(media_id))
        except (FileNotFoundError, obstore.exceptions.NotFoundError):
            return
        except (BaseError, OSError) as error:
            raise StorageUnavailable("The media store does not delete at the moment.") from error

    async def delete_result(self, media_id: str, *, film: bool) -> None:
        """As `delete`, with what was made of a film."""
        for name in (*(still_ids(media_id) if film else ()), media_id):
            await self.delete(name)

    async def drop(self, media_ids: Iterable[str]) -> None:
        """Delete callers' pictures. Those that cannot be deleted now, age takes."""
        for media_id in media_ids:
            with suppress(StorageUnavailable):
                await self.delete(media_id)

    async def delete_inputs(self, *, before: float) -> int:
        """Delete callers' pictures that came before this moment; how many went."""
        try:
            aged = await self._in_thread(self._aged_inputs, before)
        except (BaseError, OSError) as error:
            raise StorageUnavailable("The media store cannot be read at the moment.") from error
        for media_id in aged:
            await self.delete(media_id)
        return len(aged)

    def _aged_inputs(self, before: float) -> list[str]:
        names = (
            found["path"].rpartition("/")[2]
            for portion in obstore.list(self._store, prefix=_path("in-").rpartition("/")[0])
            for found in portion
        )
        inputs = (_INPUT.fullmatch(name) for name in names)
        return [one[0] for one in inputs if one is not None and int(one[1]) < before]

    async def clear_remains(self) -> None:
        """Take away what an earlier gateway left half written in a folder when it was killed.

        What is found at the first call goes at the second, if nobody has written on it; later ones do
        nothing. A bucket never shows such a thing.
        """
        if not self._cleared:
            await self._in_thread(self._clear_remains)

    def _clear_remains(self) -> None:
        found = _unfinished(self._folder) if self._folder else {}
        if self._remains is not None:
            for path, _ in found.items() & self._remains.items():
                with suppress(OSError):
                    path.unlink()
            self._cleared = True
        self._remains = found

    async def read(self, media_id: str) -> bytes:
        try:
            return await self._in_thread(self._read, _path(media_id))
        except (FileNotFoundError, obstore.exceptions.NotFoundError) as error:
            raise NotFound("There is no such file.") from error
        except (BaseError, OSError) as error:
            raise StorageUnavailable("The media store cannot be read at the moment.") from error

    def _read(self, path: str) -> bytes:
        return bytes(obstore.get(self._store, path).bytes())

    async def copy(self, media_id: str, into: BinaryIO) -> None:
        """Write the bytes into a file, a little at a time."""
        try:
            await self._in_thread(self._copy, _path(media_id), into)
        except (FileNotFoundError, obstore.exceptions.NotFoundError) as error:
            raise NotFound("There is no such file.") from error
        except (BaseError, OSError) as error:
            raise StorageUnavailable("The media store cannot be read at the moment.") from error

    def _copy(self, path: str, into: BinaryIO) -> None:
        found = obstore.get(self._store, path)
        into.writelines(bytes(chunk) for chunk in found.stream(min_chunk_size=_CHUNK))

    async def stream(self, media_id: str, *, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to, not including, `end`, a little at a time.

        What waits for a slow caller is held several times on its way out.
        """
        try:
            chunks = await self._in_thread(self._chunks, _path(media_id), start, end)
            while chunk := await self._in_thread(next, chunks, b""):
                yield chunk
        except (FileNotFoundError, obstore.exceptions.NotFoundError) as error:
            raise NotFound("There is no such file.") from error
        except (BaseError, OSError) as error:
            raise StorageUnavailable("The media store cannot be read at the moment.") from error

    def _chunks(self, path: str, start: int, end: int) -> Iterator[bytes]:
        found = obstore.get(self._store, path, options={"range": (start, end)})
        return map(bytes, found.stream(min_chunk_size=_CHUNK))

    async def _in_thread(self, work: Callable[[*Given], Found], *given: *Given) -> Found:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)


def _path(media_id: str) -> str:
    return f"{media_id[:2]}/{media_id}"


def _unfinished(folder: Path) -> dict[Path, tuple[int, int]]:
    """The files that were not given their names yet, with length and time."""
    found: dict[Path, tuple[int, int]] = {}
    for path in folder.glob("*/*#*"):
        if _UNFINISHED.fullmatch(path.name):
            with suppress(OSError):
                state = path.stat()
                found[path] = (state.st_size, state.st_mtime_ns)
    return found
