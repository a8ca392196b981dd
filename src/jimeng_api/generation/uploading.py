"""What a caller gave, from the media store to the account that is to work on it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from jimeng_api.catalog.sites import Site
from jimeng_api.domain.errors import InternalError, NotFound
from jimeng_api.domain.inputs import Input
from jimeng_api.domain.secret import Secret
from jimeng_api.media.store import MediaStore
from jimeng_api.upstream.uploads import Uploader


class Uploading:
    """Uploads side by side; at most `at_once` pictures, or pieces of films, are in memory at a time."""

    def __init__(self, uploader: Uploader, media: MediaStore, *, at_once: int = 12) -> None:
        self._uploader = uploader
        self._media = media
        self._places = asyncio.Semaphore(at_once)
        # While it is read, a picture is in memory twice.
        self._reading = asyncio.Semaphore(2)

    async def uris(self, inputs: Sequence[Input], site: Site, session: Secret) -> tuple[str, ...]:
        """What the upstream calls each of them, in their order: URIs of pictures, vids of films and sounds.

        The first that fails ends them all. Raises UploadFailed, ContentRefused, and what a call with this
        session raises. Nothing is charged.
        """
        tasks = [asyncio.create_task(self._uploaded(one, site, session)) for one in inputs]
        try:
            return tuple(await asyncio.gather(*tasks))
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def drop(self, inputs: Sequence[Input]) -> None:
        """Let go of pictures that nobody needs any more."""
        await self._media.drop([one.media_id for one in inputs])

    async def _uploaded(self, one: Input, site: Site, session: Secret) -> str:
        async with self._places:
            if one.kind != "image":
                return await self._film(one, site, session)
            uri = await self._uploader.upload(site, session, await self._body(one))
        await self._uploader.check(site, session, uri)
        return uri

    async def _film(self, one: Input, site: Site, session: Secret) -> str:
        stored = await self._uploader.upload_film(
            site, session, size=one.size, read=partial(self._part, one)
        )
        return stored.vid

    async def _body(self, one: Input) -> bytes:
        try:
            async with self._reading:
                return await self._media.read(one.media_id)
        except NotFound as error:
            raise InternalError(_GONE) from error

    async def _part(self, one: Input, start: int, count: int) -> bytes:
        part = self._media.stream(one.media_id, start=start, end=start + count)
        try:
            return b"".join([chunk async for chunk in part])
        except NotFound as error:
            raise InternalError(_GONE) from error


_GONE = "What this job starts from is not kept any more."
