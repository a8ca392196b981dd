"""Keeps what is made of a film when somebody asks for it: its thumbnail, its sheet of small pictures."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

from jimeng_api.domain.errors import NotFound
from jimeng_api.domain.results import Picture
from jimeng_api.media.stills import spritesheet, thumbnail
from jimeng_api.media.store import MediaStore, still_ids

Variant = Literal["thumbnail", "spritesheet"]

STILL_TYPES: dict[Variant, str] = {"thumbnail": "image/webp", "spritesheet": "image/jpeg"}
_MAKERS: dict[Variant, Callable[[BinaryIO], bytes]] = {
    "thumbnail": thumbnail,
    "spritesheet": spritesheet,
}


class FilmStills:
    """Each is made once, `at_once` at a time; while that lasts, its film lies in `folder`."""

    def __init__(self, store: MediaStore, *, folder: Path | None = None, at_once: int = 1) -> None:
        self._store = store
        self._folder = folder
        self._places = asyncio.Semaphore(at_once)

    async def of(self, film: Picture, variant: Variant) -> tuple[str, bytes]:
        """Its name in the media store, and its bytes. Raises NotFound, StorageUnavailable, ResultCorrupt."""
        names = dict(zip(STILL_TYPES, still_ids(film.media_id), strict=True))
        name = names[variant]
        try:
            return name, await self._store.read(name)
        except NotFound:
            pass
        async with self._places:
            try:  # whoever waited for the same one finds it there
                return name, await self._store.read(name)
            except NotFound:
                body = await self._made(film, variant)
                await self._store.put(name, body)
                return name, body

    async def _made(self, film: Picture, variant: Variant) -> bytes:
        file = await asyncio.to_thread(tempfile.TemporaryFile, dir=self._folder)
        try:
            await self._store.copy(film.media_id, file)
            return await asyncio.to_thread(_MAKERS[variant], file)
        finally:
            await asyncio.to_thread(file.close)
