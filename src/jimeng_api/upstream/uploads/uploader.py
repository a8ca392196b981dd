"""Uploads: each is tried three times, with a token that is kept for the next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import msgspec
import structlog

from jimeng_api.catalog.sites import Site
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import GatewayError, UploadFailed, UpstreamUnreachable
from jimeng_api.domain.secret import Secret
from jimeng_api.transport import Transport
from jimeng_api.upstream import error_codes
from jimeng_api.upstream.client import NO_PROXIES, UploadScene, UpstreamClient
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.replies.reasons import error_of
from jimeng_api.upstream.replies.uploads import (
    StoredFilm,
    UploadToken,
    applied,
    committed,
    is_stale,
)
from jimeng_api.upstream.uploads.films import FilmUploads, Read
from jimeng_api.upstream.uploads.storage import Storage
from jimeng_api.upstream.uploads.tokens import Tokens

log = structlog.get_logger()

PAUSES = (0.5, 2.0)  # seconds before the second and the third try
_VERSION = "2018-08-01"

T = TypeVar("T")


class Uploader:
    """Uploads pictures, films and sounds.

    It costs nothing and may be repeated: twice the same bytes are two files there. A token is kept for the
    uploads of the same session that follow; uploads at the same time ask for one together.
    """

    def __init__(
        self,
        client: UpstreamClient,
        transport: Transport,
        clock: Clock,
        constants: Constants,
        origin: str | None = None,
        *,
        proxies: Mapping[str, Secret] = NO_PROXIES,
        control_timeout: float = 20.0,
        blob_timeout: float = 120.0,
    ) -> None:
        """`origin` stands in for every host of every site; `proxies` are by the names of sites."""
        self._client = client
        self._clock = clock
        self._constants = constants
        self._tokens = Tokens(client, clock, constants)
        self._storage = Storage(
            transport,
            clock,
            constants,
            origin,
            proxies=proxies,
            control_timeout=control_timeout,
            blob_timeout=blob_timeout,
        )
        self._films = FilmUploads(self._storage, clock, constants)

    async def upload(self, site: Site, session: Secret, body: bytes) -> str:
        """The name that a draft may use for the bytes of a picture.

        `UploadFailed` after three tries of the whole; trouble with the account is raised as it is, at once.
        """

        async def once(token: UploadToken, turn: int) -> str:
            return await self._upload(site, token, body, turn)

        return await self._tried(site, session, UploadScene.PICTURES, once)

    async def upload_film(
        self, site: Site, session: Secret, *, size: int, read: Read
    ) -> StoredFilm:
        """A film or a sound as the upstream then knows it. It is read piece by piece, again where need be.

        Raises as `upload` does, and `UnsupportedValue` where nobody knows how this site takes films.
        """

        async def once(token: UploadToken, turn: int) -> StoredFilm:
            return await self._films.upload(site, token, size, read, turn)

        return await self._tried(site, session, UploadScene.FILMS, once)

    async def _tried(
        self,
        site: Site,
        session: Secret,
        scene: UploadScene,
        once: Callable[[UploadToken, int], Awaitable[T]],
    ) -> T:
        tries, renewed = 0, False
        while True:
            token = None
            try:
                token = await self._tokens.get(site, session, scene)
                return await once(token, tries)
            except (UploadFailed, UpstreamUnreachable) as error:
                if tries == len(PAUSES):
                    raise
                if token is not None and not renewed and is_stale(error):
                    self._tokens.forget(token)
                    renewed = True
                code = error.upstream.code if error.upstream else error.code
                log.info("upload_repeated", site=site.name, code=code)
            await self._clock.sleep(PAUSES[tries] * self._clock.uniform(1.0, 1.5))
            tries += 1

    async def check(self, site: Site, session: Secret, uri: str) -> None:
        """Raises `ContentRefused` where the site says that it will not take the upload's content.

        Where it says anything else or nothing, the submission will tell.
        """
        if not (site.checks_uploads and self._constants.checks_uploads):
            return
        try:
            await self._client.check_upload(site, session, uri)
        except GatewayError as error:
            said = error.upstream
            if said is not None and _is_risky(said.code, said.text):
                raise error_of(error_codes.INPUT, said) from error
            log.info("upload_not_checked", site=site.name, code=said.code if said else error.code)

    async def _upload(self, site: Site, token: UploadToken, body: bytes, turn: int) -> str:
        """The upload, once. Each try takes the next of the hosts that are offered."""
        service = token.service_id if site.service_id_field == "service_id" else token.space_name
        common = {"Version": _VERSION, "ServiceId": service or site.imagex_service_id}
        apply = {
            "Action": "ApplyImageUpload",
            **common,
            "FileSize": str(len(body)),
            "s": self._clock.token(6)[:11],
        }
        if site.product == "Dreamina":
            apply["device_platform"] = self._constants.device_platform
        host = self._constants.imagex_url.get(site.name, site.imagex_url)
        address = applied(await self._storage.control(site, token, "imagex", host, apply))
        await self._storage.put(site, address, body, turn=turn)
        key = msgspec.json.encode({"SessionKey": address.session_key.reveal()})
        commit = {"Action": "CommitImageUpload", **common}
        return committed(await self._storage.control(site, token, "imagex", host, commit, key))


def _is_risky(code: str, text: str) -> bool:
    said = text.lower()
    return code == error_codes.RISKY_RET or any(part in said for part in error_codes.RISKY_TEXTS)
