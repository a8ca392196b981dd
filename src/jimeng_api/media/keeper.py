"""From a result link to a stored picture: fetched, checked, brought into the asked format, kept."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import BinaryIO, TypeVar

import structlog

from jimeng_api.catalog.sites import Site
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import ResultCorrupt, StorageUnavailable
from jimeng_api.domain.progress import Item
from jimeng_api.domain.requests import PictureFormat
from jimeng_api.domain.results import Picture
from jimeng_api.media.anatomy import NotTaken
from jimeng_api.media.download import Arrived, Downloads
from jimeng_api.media.fetch import Fetcher
from jimeng_api.media.films import Film, film_of
from jimeng_api.media.picture import Darkroom, Drawing, drawing_of
from jimeng_api.media.store import MediaStore

log = structlog.get_logger()

_TRIES = 3
_LONGEST_WAIT = 30.0

T = TypeVar("T")


class Keeper:
    """Keeps results. At most `at_once` are in memory at a time, whatever is finished at that moment.

    A media store that takes nothing is waited for, with the results in hand: each is paid for, and fetched
    only once.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        downloads: Downloads,
        store: MediaStore,
        clock: Clock,
        *,
        at_once: int = 24,
        films_at_once: int = 4,
    ) -> None:
        self._fetcher = fetcher
        self._downloads = downloads
        self._store = store
        self._clock = clock
        self._darkroom = Darkroom()
        self._places = asyncio.Semaphore(at_once)
        self._film_places = asyncio.Semaphore(films_at_once)
        self._held_up = 0

    @property
    def held_up(self) -> bool:
        """Whether results wait for the media store."""
        return self._held_up > 0

    async def keep(
        self,
        item: Item,
        *,
        media_id: str,
        number: int,
        site: Site,
        into: PictureFormat,
        compression: int | None,
        cut_to: tuple[int, int] | None = None,
    ) -> Picture:
        """The item as a stored picture, under this id, and of this many pixels if it has them.

        Raises LinkExpired, ResultRejected, ResultCorrupt, UpstreamUnreachable.
        """
        async with self._places:
            drawing = await self._whole(partial(self._fetched, item, site))
            drawing = await self._darkroom.developed(
                drawing, into, compression=compression, cut_to=cut_to
            )
            await self._put(media_id, drawing.body)
        return Picture(
            media_id=media_id,
            number=number,
            item_id=item.id,
            content_type=drawing.content_type,
            width=drawing.width,
            height=drawing.height,
            size=len(drawing.body),
            sha256=hashlib.sha256(drawing.body).hexdigest(),
        )

    async def keep_film(self, item: Item, *, media_id: str, number: int, site: Site) -> Picture:
        """The item as a stored film, under this id. Raises what `keep` raises."""
        async with self._film_places:
            return await self._whole(partial(self._film, item, media_id, number, site))

    async def _film(self, item: Item, media_id: str, number: int, site: Site) -> Picture:
        async with self._downloads.film(item.url, site=site) as arrived:
            film = await asyncio.to_thread(_film_in, arrived)
            await self._put(media_id, arrived.file)
        return Picture(
            media_id=media_id,
            number=number,
            item_id=item.id,
            content_type="video/quicktime" if film.quicktime else "video/mp4",
            width=film.width,
            height=film.height,
            size=arrived.size,
            sha256=arrived.digest.hexdigest(),
            seconds=film.seconds,
            vid=item.vid,
        )

    async def _put(self, media_id: str, body: bytes | BinaryIO) -> None:
        try:
            await self._store.put(media_id, body)
        except StorageUnavailable as error:
            if not self._held_up:
                log.warning("result_not_kept_yet", reason=error.message)
        else:
            return
        self._held_up += 1
        try:
            await self._put_at_last(media_id, body)
        finally:
            self._held_up -= 1

    async def _put_at_last(self, media_id: str, body: bytes | BinaryIO) -> None:
        wait = 1.0
        while True:
            await self._clock.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
            try:
                await self._store.put(media_id, body)
            except StorageUnavailable:
                continue
            return

    async def _fetched(self, item: Item, site: Site) -> Drawing:
        return drawing_of(await self._fetcher.fetch(item.url, site=site))

    async def _whole(self, once: Callable[[], Awaitable[T]]) -> T:
        """What comes of it, tried a few times for as long as what arrives is broken."""
        trouble: ResultCorrupt | None = None
        for attempt in range(_TRIES):
            if attempt:
                await self._clock.sleep(self._clock.uniform(0.5, 1.0) * 2**attempt)
            try:
                return await once()
            except ResultCorrupt as error:
                trouble = error
        raise ResultCorrupt(
            f"The result did not arrive whole in {_TRIES} tries: {trouble}"
        ) from trouble


def _film_in(arrived: Arrived) -> Film:
    try:
        return film_of(arrived.file, arrived.size)
    except NotTaken as error:
        raise ResultCorrupt(f"The upstream's result {error}.") from error
