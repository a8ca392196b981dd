"""How films and sounds are uploaded: a place is asked for, the bytes go there, a commit gives the name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import msgspec
import structlog

from jimeng_api.catalog.sites import Site, is_below
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import InternalError, UnsupportedValue, UploadFailed
from jimeng_api.transport import Parts
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.replies.uploads import (
    Address,
    StoredFilm,
    UploadToken,
    applied,
    committed_film,
    finished,
    part_id,
)
from jimeng_api.upstream.uploads.storage import Storage, is_name

log = structlog.get_logger()

PART = 5 * 1024 * 1024
WHOLE = 8 * 1024 * 1024  # up to which a file goes in one request
PAUSES = (0.5, 2.0)  # seconds before the second and the third try of a part
_VERSION = "2020-11-19"
_SPACE = "dreamina"

# The bytes from a place on, so many of them; asked again, the same bytes.
Read = Callable[[int, int], Awaitable[bytes]]


class FilmUploads:
    """Uploads films and sounds. At most `WHOLE` of one is in memory at a time."""

    def __init__(self, storage: Storage, clock: Clock, constants: Constants) -> None:
        self._storage = storage
        self._clock = clock
        self._constants = constants

    async def upload(
        self, site: Site, token: UploadToken, size: int, read: Read, turn: int
    ) -> StoredFilm:
        """The upload, once; only single parts of it are repeated."""
        host = self._control_host(site, token)
        common = {"Version": _VERSION, "SpaceName": token.space_name or _SPACE}
        apply = {
            "Action": "ApplyUploadInner",
            **common,
            "FileType": "video",  # of sounds too
            "IsInner": "1",
            "FileSize": str(size),
            "s": self._clock.token(6)[:11],
        }
        address = applied(await self._storage.control(site, token, "vod", host, apply))
        if size <= WHOLE:
            await self._storage.put(site, address, await _exactly(read, 0, size), turn=turn)
        else:
            await self._put_in_parts(site, address, size, read, turn)
        key = {"SessionKey": address.session_key.reveal(), "Functions": []}
        commit = {"Action": "CommitUploadInner", **common}
        answer = await self._storage.control(
            site, token, "vod", host, commit, msgspec.json.encode(key)
        )
        return committed_film(answer, address)

    async def _put_in_parts(
        self, site: Site, address: Address, size: int, read: Read, turn: int
    ) -> None:
        answer = await self._storage.tell(
            site, address, {}, None, turn=turn, query="?uploadmode=part&phase=init"
        )
        upload = part_id(answer)
        if not upload:
            body = Parts(size, partial(_chunks, read, size))
            await self._storage.put(site, address, body, turn=turn)
            return
        sums: list[str] = []
        async for part in _chunks(read, size):
            query = f"?uploadid={upload}&part_number={len(sums) + 1}&phase=transfer"
            sums.append(await self._put_part(site, address, part, turn, query))
        listed = ",".join(f"{number}:{checksum}" for number, checksum in enumerate(sums, start=1))
        answer = await self._storage.tell(
            site,
            address,
            {"content-type": "text/plain;charset=UTF-8"},
            listed.encode(),
            turn=turn,
            query=f"?uploadmode=part&phase=finish&uploadid={upload}",
        )
        finished(answer)

    async def _put_part(
        self, site: Site, address: Address, body: bytes, turn: int, query: str
    ) -> str:
        for pause in PAUSES:
            try:
                return await self._storage.put(site, address, body, turn=turn, query=query)
            except UploadFailed as error:
                code = error.upstream.code if error.upstream else error.code
                log.info("part_repeated", site=site.name, code=code)
            await self._clock.sleep(pause * self._clock.uniform(1.0, 1.5))
        return await self._storage.put(site, address, body, turn=turn, query=query)

    def _control_host(self, site: Site, token: UploadToken) -> str:
        """Where places are given: as the setting says, or the token, or the site's row."""
        if self._storage.origin is not None:
            return self._storage.origin
        if own := self._constants.vod_url.get(site.name):
            return own
        named = token.upload_domain
        if named and is_name(named) and is_below(named, site.vod_hosts):
            return f"https://{named}"
        if site.vod_url is not None:
            return site.vod_url
        said = (
            f"; the site names {named[:100]!r}, which is not known to be its own" if named else ""
        )
        raise UnsupportedValue(
            f"Films and sounds cannot be uploaded to {site.name}: nobody has seen where it takes them{said}. "
            "Where you know better, the setting `upstream.vod_url` says it."
        )


async def _chunks(read: Read, size: int) -> AsyncIterator[bytes]:
    for start in range(0, size, PART):
        yield await _exactly(read, start, min(PART, size - start))


async def _exactly(read: Read, start: int, length: int) -> bytes:
    body = await read(start, length)
    if len(body) != length:
        raise InternalError("A file that is to be uploaded has changed.")
    return body
