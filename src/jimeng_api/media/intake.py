"""From what a caller gave (URL, data URI, file, earlier result) to pictures that are checked and kept."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from jimeng_api.clock import Clock
from jimeng_api.domain.errors import InvalidValue, NotFound
from jimeng_api.domain.inputs import Input
from jimeng_api.media.anatomy import MOST_BYTES, Anatomy, NotTaken, anatomy_of
from jimeng_api.media.callers_urls import CallersUrls
from jimeng_api.media.data_uri import bytes_in, is_data_uri
from jimeng_api.media.store import MediaStore, input_id

_SMALL = 256 * 1024  # what may be worked on between two others' requests


class File(Protocol):
    """A file that a caller sent: it lies somewhere until it is read."""

    @property
    def size(self) -> int | None: ...

    async def read(self) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An http(s) URL or a data URI."""

    text: str
    param: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A file of the request."""

    file: File
    param: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A result of ours, by its name in the media store."""

    media_id: str
    param: str


Source = Written | Sent | Kept


class Intake:
    """Takes callers' pictures in: `at_once` in memory at a time, and as many as `fetching` being fetched."""

    def __init__(
        self,
        urls: CallersUrls,
        store: MediaStore,
        clock: Clock,
        *,
        at_once: int = 3,
        fetching: int = 8,
    ) -> None:
        self._urls = urls
        self._store = store
        self._clock = clock
        self._places = asyncio.Semaphore(at_once)
        # Places of their own: a slow server keeps waiting only those who name servers.
        self._fetching = asyncio.Semaphore(fetching)

    async def take(self, sources: Sequence[Source]) -> tuple[Input, ...]:
        """One kept picture for each source, in their order; all or none.

        Raises InvalidValue with the source's parameter, StorageUnavailable.
        """
        tasks = [asyncio.create_task(self._taken(source)) for source in sources]
        try:
            return tuple(await asyncio.gather(*tasks))
        except BaseException:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            await self.drop([one for one in ended if isinstance(one, Input)])
            raise

    async def drop(self, inputs: Sequence[Input]) -> None:
        """Let go of pictures that nobody needs any more."""
        await self._store.drop([one.media_id for one in inputs])

    async def _taken(self, source: Source) -> Input:
        fetched = isinstance(source, Written) and not is_data_uri(source.text)
        async with self._fetching if fetched else self._places:
            try:
                body = await self._body(source)
                anatomy, sha256 = await _examined(body)
            except NotTaken as error:
                raise InvalidValue(f"{source.param} {error}", param=source.param) from error
            media_id = input_id(now=self._clock.now(), token=self._clock.token())
            await self._put(media_id, body)
        return Input(
            media_id=media_id,
            content_type=f"image/{anatomy.format}",
            width=anatomy.width,
            height=anatomy.height,
            size=len(body),
            sha256=sha256,
        )

    async def _put(self, media_id: str, body: bytes) -> None:
        """Keep it, however often cancelled: a write cannot be called back; what came of it is dropped."""
        keeping = asyncio.create_task(self._store.put(media_id, body))
        while not keeping.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(keeping)
        keeping.result()

    async def _body(self, source: Source) -> bytes:
        match source:
            case Written(text=text) if is_data_uri(text):
                if len(text) > _SMALL:
                    return await asyncio.to_thread(bytes_in, text)
                return bytes_in(text)
            case Written(text=text, param=param):
                return await self._urls.fetch(text, param=param)
            case Sent(file=file):
                if (file.size or 0) > MOST_BYTES:
                    raise NotTaken(f"is larger than {MOST_BYTES // 1024**2} MiB")
                return await file.read()
            case Kept(media_id=media_id):
                try:
                    return await self._store.read(media_id)
                except NotFound:
                    raise NotTaken("is a link to a result that is not here") from None


async def _examined(body: bytes) -> tuple[Anatomy, str]:
    if len(body) > _SMALL:
        return await asyncio.to_thread(_examine, body)
    return _examine(body)


def _examine(body: bytes) -> tuple[Anatomy, str]:
    return anatomy_of(body), hashlib.sha256(body).hexdigest()
