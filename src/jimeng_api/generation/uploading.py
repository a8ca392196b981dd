"""What a caller gave, from the media store to the account that is to work on it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from jimeng_api.catalog.sites import Site
from jimeng_api.domain.errors import InternalError, NotFound, StorageUnavailable
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

    async def uris(self, inputs: Sequence[Input], site: Site, session: Secret) -> tuple[str, ...]:
        """What the upstream calls each of them, in their order: URIs of pictures, vids of films and sounds.

        Raises UploadFailed, ContentRefused, and what a call with this session raises. Nothing is charged.
        """
        done = await asyncio.gather(
            *(self._uploaded(one, site, session) for one in inputs), return_exceptions=True
        )
        for result in done:
            if isinstance(result, BaseException):
                raise result
        return tuple(result for result in done if isinstance(result, str))

    async def drop(self, inputs: Sequence[Input]) -> None:
        """Let go of pictures that nobody needs any more. What cannot be deleted now, age takes."""
        for one in inputs:
            with suppress(StorageUnavailable):
                await self._media.delete(one.media_id)

    async def _uploaded(self, one: Input, site: Site, session: Secret) -> str:
        try:
            if not one.content_type.startswith("image/"):
                async with self._places:
                    return await self._film(one, site, session)
            async with self._places:
                body = await self._media.read(one.media_id)
                uri = await self._uploader.upload(site, session, body)
        except NotFound as error:
            raise InternalError("What this job starts from is not kept any more.") from error
        await self._uploader.check(site, session, uri)
        return uri

    async def _film(self, one: Input, site: Site, session: Secret) -> str:
        async def read(start: int, count: int) -> bytes:
            part = self._media.stream(one.media_id, start=start, end=start + count)
            return b"".join([chunk async for chunk in part])

        stored = await self._uploader.upload_film(site, session, size=one.size, read=read)
        return stored.vid
