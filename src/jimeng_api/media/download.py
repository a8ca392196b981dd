"""A film from the delivery network to a file of ours, taken up where it broke off."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from jimeng_api.catalog.sites import Site
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import ResultCorrupt, UpstreamUnreachable
from jimeng_api.media.fetch import Fetcher

MOST_BYTES = 4 * 1024**3
_SECONDS = 1800.0
_TRIES = 4
_WRITTEN_AT_ONCE = 1024 * 1024


@dataclass(slots=True)
class Arrived:
    """A file that is here, at `size` bytes. It has no name and is gone with its last user."""

    file: BinaryIO
    size: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def begin(self) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.size = 0
        self.digest = hashlib.sha256()

    def add(self, body: bytes) -> None:
        self.file.write(body)
        self.digest.update(body)
        self.size += len(body)


class Pouring:
    """Writes what comes into a file, a megabyte at a time and in a thread."""

    def __init__(self, into: Arrived) -> None:
        self._into = into
        self._waiting: list[bytes] = []
        self._length = 0

    async def add(self, chunk: bytes) -> None:
        self._waiting.append(chunk)
        self._length += len(chunk)
        if self._length >= _WRITTEN_AT_ONCE:
            await self.finish()

    async def finish(self) -> None:
        """Write what waits."""
        if self._waiting:
            body = b"".join(self._waiting)
            self._waiting.clear()
            self._length = 0
            await asyncio.to_thread(self._into.add, body)


class Downloads:
    """Never holds more than a megabyte of a film in memory. Files lie in `folder` while they are needed."""

    def __init__(self, fetcher: Fetcher, folder: Path, clock: Clock) -> None:
        self._fetcher = fetcher
        self._folder = folder
        self._clock = clock

    @asynccontextmanager
    async def film(self, url: str, *, site: Site) -> AsyncIterator[Arrived]:
        """The film behind a result link. Raises what `Fetcher.fetch` raises."""
        arrived = Arrived(await asyncio.to_thread(tempfile.TemporaryFile, dir=self._folder))
        try:
            await self._whole(url, site, arrived)
            yield arrived
        finally:
            await asyncio.to_thread(arrived.file.close)

    async def _whole(self, url: str, site: Site, arrived: Arrived) -> None:
        for attempt in range(_TRIES):
            if attempt:
                await self._clock.sleep(self._clock.uniform(0.5, 1.0) * 2**attempt)
            try:
                await self._more(url, site, arrived)
            except UpstreamUnreachable:
                if attempt == _TRIES - 1:
                    raise
            else:
                break
        if not arrived.size:
            raise ResultCorrupt("The upstream's result is empty.")

    async def _more(self, url: str, site: Site, arrived: Arrived) -> None:
        """All that is missing."""
        most = MOST_BYTES - arrived.size
        async with self._fetcher.stream(
            url, site=site, seconds=_SECONDS, most=most, start=arrived.size
        ) as stream:
            if stream.status == 200:
                await asyncio.to_thread(arrived.begin)
            pouring = Pouring(arrived)
            try:
                async for chunk in stream.chunks:
                    await pouring.add(chunk)
            finally:
                # Also of a stream that broke off: the rest is asked for from there.
                await pouring.finish()
