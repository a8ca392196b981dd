"""From what a caller gave (URL, data URI, file, earlier result) to files that are checked and kept."""

from __future__ import annotations

import asyncio
import hashlib
import io
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Protocol

from jimeng_api.clock import Clock
from jimeng_api.domain.errors import InvalidValue, NotFound
from jimeng_api.domain.inputs import Input
from jimeng_api.media.anatomy import MOST_BYTES, Anatomy, NotTaken, anatomy_of, is_picture
from jimeng_api.media.callers_urls import CallersUrls
from jimeng_api.media.data_uri import bytes_in, is_data_uri
from jimeng_api.media.download import Arrived
from jimeng_api.media.recordings import MOST_FILM_BYTES, examine
from jimeng_api.media.store import MediaStore, input_id

_SMALL = 256 * 1024  # what may be worked on between two others' requests


class File(Protocol):
    """A file that a caller sent: it lies somewhere until it is read."""

    @property
    def size(self) -> int | None: ...

    @property
    def lent(self) -> BinaryIO:
        """The file itself, to be read but not closed."""

    async def read(self) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An http(s) URL or a data URI."""

    text: str
    param: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A file of the request. `name` is what the caller calls it."""

    file: File
    param: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A result of ours, by its name in the media store."""

    media_id: str
    param: str


Source = Written | Sent | Kept


class Intake:
    """Takes callers' files in: `at_once` pictures in memory at a time, and `fetching` files being fetched.

    Films and sounds are never in memory as a whole: while they are looked at, they lie in `folder`.
    """

    def __init__(
        self,
        urls: CallersUrls,
        store: MediaStore,
        clock: Clock,
        *,
        folder: Path | None = None,
        at_once: int = 3,
        fetching: int = 8,
    ) -> None:
        self._urls = urls
        self._store = store
        self._clock = clock
        self._folder = folder
        self._places = asyncio.Semaphore(at_once)
        # Places of their own: a slow server keeps waiting only those who name servers.
        self._fetching = asyncio.Semaphore(fetching)

    async def take(self, sources: Sequence[Source], *, films: bool = False) -> tuple[Input, ...]:
        """One kept picture for each source, in their order; all or none. With `films`, also films and sounds.

        Raises InvalidValue with the source's parameter, StorageUnavailable.
        """
        one = self._any_taken if films else self._taken
        tasks = [asyncio.create_task(one(source)) for source in sources]
        try:
            return tuple(await asyncio.gather(*tasks))
        except BaseException:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            await self.drop([one for one in ended if isinstance(one, Input)])
            raise

    async def take_again(self, inputs: Sequence[Input]) -> tuple[Input, ...]:
        """The same files for another job, which may need them longer. Raises NotFound where one is gone."""
        again: list[Input] = []
        try:
            for one in inputs:
                async with self._places, self._temporary() as file:
                    await self._store.copy(one.media_id, file.file)
                    media_id = self._new_id()
                    await self._put(media_id, file.file)
                again.append(replace(one, media_id=media_id))
        except BaseException:
            await self.drop(again)
            raise
        return tuple(again)

    async def drop(self, inputs: Sequence[Input]) -> None:
        """Let go of pictures that nobody needs any more."""
        await self._store.drop([one.media_id for one in inputs])

    async def _taken(self, source: Source) -> Input:
        async with self._place(source):
            return await self._kept_picture(source, await self._body(source))

    async def _any_taken(self, source: Source) -> Input:
        async with self._place(source), self._laid_out(source) as file:
            size, head = await asyncio.to_thread(_size_and_head, file)
            if is_picture(head):
                if size > MOST_BYTES:
                    raise _refused(source, f"is larger than {MOST_BYTES // 1024**2} MiB")
                return await self._kept_picture(source, await asyncio.to_thread(_all_of, file))
            try:
                film = await asyncio.to_thread(examine, file)
            except NotTaken as error:
                raise _refused(source, str(error)) from error
            media_id = self._new_id()
            sha256 = await asyncio.to_thread(_digest, file)
            await self._put(media_id, file)
        return Input(
            media_id=media_id,
            content_type=film.content_type,
            width=film.width,
            height=film.height,
            size=size,
            sha256=sha256,
            seconds=film.seconds,
            fps=film.fps,
        )

    async def _kept_picture(self, source: Source, body: bytes) -> Input:
        try:
            anatomy, sha256 = await _examined(body)
        except NotTaken as error:
            raise _refused(source, str(error)) from error
        media_id = self._new_id()
        await self._put(media_id, body)
        return Input(
            media_id=media_id,
            content_type=f"image/{anatomy.format}",
            width=anatomy.width,
            height=anatomy.height,
            size=len(body),
            sha256=sha256,
        )

    def _place(self, source: Source) -> asyncio.Semaphore:
        fetched = isinstance(source, Written) and not is_data_uri(source.text)
        return self._fetching if fetched else self._places

    def _new_id(self) -> str:
        return input_id(now=self._clock.now(), token=self._clock.token())

    @asynccontextmanager
    async def _temporary(self) -> AsyncIterator[Arrived]:
        arrived = Arrived(await asyncio.to_thread(tempfile.TemporaryFile, dir=self._folder))
        try:
            yield arrived
        finally:
            await asyncio.to_thread(arrived.file.close)

    @asynccontextmanager
    async def _laid_out(self, source: Source) -> AsyncIterator[BinaryIO]:
        """The source as a file, of whatever kind."""
        match source:
            case Sent(file=file):
                yield file.lent
            case Written(text=text) if is_data_uri(text):
                yield io.BytesIO(await self._body(source))
            case Written(text=text, param=param):
                async with self._temporary() as arrived:
                    await self._urls.save(text, arrived, param=param, most=MOST_FILM_BYTES)
                    yield arrived.file
            case Kept(media_id=media_id):
                async with self._temporary() as arrived:
                    try:
                        await self._store.copy(media_id, arrived.file)
                    except NotFound:
                        raise _refused(source, _NOT_HERE) from None
                    yield arrived.file

    async def _put(self, media_id: str, body: bytes | BinaryIO) -> None:
        """Keep it, however often cancelled: a write cannot be called back; what came of it is dropped."""
        keeping = asyncio.create_task(self._store.put(media_id, body))
        while not keeping.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(keeping)
        keeping.result()

    async def _body(self, source: Source) -> bytes:
        """The bytes of a picture."""
        match source:
            case Written(text=text) if is_data_uri(text):
                try:
                    if len(text) > _SMALL:
                        return await asyncio.to_thread(bytes_in, text)
                    return bytes_in(text)
                except NotTaken as error:
                    raise _refused(source, str(error)) from error
            case Written(text=text, param=param):
                return await self._urls.fetch(text, param=param)
            case Sent(file=file):
                if (file.size or 0) > MOST_BYTES:
                    raise _refused(source, f"is larger than {MOST_BYTES // 1024**2} MiB")
                return await file.read()
            case Kept(media_id=media_id):
                try:
                    return await self._store.read(media_id)
                except NotFound:
                    raise _refused(source, _NOT_HERE) from None


_NOT_HERE = "is a link to a result that is not here"


def _refused(source: Source, why: str) -> InvalidValue:
    return InvalidValue(f"{source.param} {why}", param=source.param)


def _size_and_head(file: BinaryIO) -> tuple[int, bytes]:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return size, file.read(64)


def _all_of(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def _digest(file: BinaryIO) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


async def _examined(body: bytes) -> tuple[Anatomy, str]:
    if len(body) > _SMALL:
        return await asyncio.to_thread(_examine, body)
    return _examine(body)


def _examine(body: bytes) -> tuple[Anatomy, str]:
    return anatomy_of(body), hashlib.sha256(body).hexdigest()
