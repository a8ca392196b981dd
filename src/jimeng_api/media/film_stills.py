"""Keeps what is made of a film when somebody asks for it: its thumbnail, its sheet of small pictures."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Literal

from jimeng_api.domain.errors import NotFound
from jimeng_api.domain.results import Picture
from jimeng_api.media.stills import Stills
from jimeng_api.media.store import MediaStore, still_ids

Variant = Literal["thumbnail", "spritesheet"]

STILL_TYPES: dict[Variant, str] = {"thumbnail": "image/webp", "spritesheet": "image/jpeg"}


class FilmStills:
    """Each is made once, and one at a time; while that lasts, its film lies in `folder`."""

    def __init__(self, store: MediaStore, *, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder
        self._stills = Stills()
        self._turn = asyncio.Lock()

    async def of(self, film: Picture, variant: Variant) -> tuple[str, bytes]:
        """Its name in the media store, and its bytes. Raises NotFound, StorageUnavailable, ResultCorrupt."""
        name = dict(zip(STILL_TYPES, still_ids(film.media_id), strict=True))[variant]
        try:
            return name, await self._store.read(name)
        except NotFound:
            pass
        async with self._turn:
            try:  # whoever waited for the same one finds it there
                return name, await self._store.read(name)
            except NotFound:
                body = await self._made(film, variant)
            await self._store.put(name, body)
        return name, body

    async def _made(self, film: Picture, variant: Variant) -> bytes:
        folder = await asyncio.to_thread(tempfile.TemporaryDirectory, dir=self._folder)
        try:
            path = Path(folder.name) / "film"
            await self._laid_out(film, path)
            if variant == "thumbnail":
                return (await self._stills.thumbnail(path)).body
            return (await self._stills.spritesheet(path)).body
        finally:
            await asyncio.to_thread(folder.cleanup)

    async def _laid_out(self, film: Picture, path: Path) -> None:
        file = await asyncio.to_thread(path.open, "wb")
        try:
            await self._store.copy(film.media_id, file)
        finally:
            await asyncio.to_thread(file.close)
