"""Brings a caller's picture to the upstream's own storage, where a draft can name it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from zlib import crc32

import msgspec
import structlog

from jimeng_api.catalog.sites import Site, is_below
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import GatewayError, UploadFailed, UpstreamUnreachable
from jimeng_api.domain.secret import Secret
from jimeng_api.transport import Broken, NoConnectionFree, NotSent, ProxyFailed, Request, Transport
from jimeng_api.upstream import error_codes
from jimeng_api.upstream.client import NO_PROXIES, UpstreamClient, unsent
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.replies.answers import Answer
from jimeng_api.upstream.replies.reasons import error_of
from jimeng_api.upstream.replies.uploads import (
    Address,
    UploadToken,
    applied,
    committed,
    is_stale,
    stored,
)
from jimeng_api.upstream.signing import signed

log = structlog.get_logger()

MAX_BYTES = 1024 * 1024  # of an answer
PAUSES = (0.5, 2.0)  # seconds before the second and the third try
TOKEN_MARGIN = 60.0  # seconds that a token must still have before it
LONGEST_TOKEN = 24 * 3600.0
_VERSION = "2018-08-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    token: UploadToken
    until: float


class Uploader:
    """Uploads pictures. It costs nothing and may be repeated: twice the same bytes are two pictures there.

    A token is kept for the uploads of the same session that follow; uploads at the same time ask for one
    together.
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
        self._transport = transport
        self._clock = clock
        self._constants = constants
        self._origin = origin.rstrip("/") if origin else None
        self._proxies = proxies
        self._control_timeout = control_timeout
        self._blob_timeout = blob_timeout
        self._held: dict[tuple[str, Secret], _Held] = {}
        self._asked: dict[tuple[str, Secret], asyncio.Task[UploadToken]] = {}

    async def upload(self, site: Site, session: Secret, body: bytes) -> str:
        """The name that a draft may use for these bytes.

        `UploadFailed` after three tries of the whole; trouble with the account is raised as it is, at once.
        """
        tries, renewed = 0, False
        while True:
            token = None
            try:
                token = await self._token(site, session)
                return await self._upload(site, token, body, tries)
            except (UploadFailed, UpstreamUnreachable) as error:
                if tries == len(PAUSES):
                    raise
                if token is not None and not renewed and is_stale(error):
                    self._forget(site, session, token)
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
        address = applied(await self._send(self._control(site, token, "GET", apply)))
        checksum = f"{crc32(body):08x}"
        stored(await self._send(self._blob(site, address, body, checksum, turn)), checksum)
        key = msgspec.json.encode({"SessionKey": address.session_key.reveal()})
        commit = {"Action": "CommitImageUpload", **common}
        return committed(await self._send(self._control(site, token, "POST", commit, key)))

    def _control(
        self,
        site: Site,
        token: UploadToken,
        method: str,
        query: Mapping[str, str],
        body: bytes | None = None,
    ) -> Request:
        host = self._origin or self._constants.imagex_url.get(site.name, site.imagex_url)
        signature = signed(
            method,
            query,
            body,
            credentials=token.credentials,
            region=site.aws_region,
            now=self._clock.now(),
        )
        headers = self._headers(site) | signature
        if body is not None:
            headers["content-type"] = "application/json"
        words = "&".join(f"{name}={value}" for name, value in query.items())  # just as it is signed
        return Request(
            method=method,
            url=f"{host.rstrip('/')}/?{words}",
            headers=headers,
            body=body,
            timeout=self._control_timeout,
            max_bytes=MAX_BYTES,
            proxy=self._proxies.get(site.name),
        )

    def _blob(self, site: Site, address: Address, body: bytes, checksum: str, turn: int) -> Request:
        """The one request that goes to a host of which only the upstream's answer knows."""
        host = self._host(site, address, turn)
        headers = self._headers(site) | {
            "authorization": address.auth.reveal(),
            "content-crc32": checksum,
            "content-disposition": 'attachment; filename="undefined"',
            "content-type": "application/octet-stream",
        }
        return Request(
            method="POST",
            url=f"{self._origin or f'https://{host}'}/upload/v1/{address.uri}",
            headers=headers,
            body=body,
            timeout=self._blob_timeout,
            max_bytes=MAX_BYTES,
            only_public=self._origin is None,
            proxy=self._proxies.get(site.name),
        )

    def _host(self, site: Site, address: Address, turn: int) -> str:
        hosts = [host for host in address.hosts if self._serves(site, host)]
        if not hosts:
            named = ", ".join(address.hosts)[:200]
            raise UploadFailed(
                f"The upstream wants the upload sent to a host that is not known to be its own: {named!r}. "
                "If it is, add it to the setting `upload_hosts`."
            )
        return hosts[turn % len(hosts)]

    def _serves(self, site: Site, host: str) -> bool:
        if self._origin and host == urlsplit(self._origin).netloc:
            return True
        own = self._constants.upload_hosts.get(site.name)
        known = site.serves_uploads_to(host) if own is None else is_below(host, own)
        return known and _HOST.fullmatch(host) is not None

    def _headers(self, site: Site) -> dict[str, str]:
        """Without cookies: the session is no business of these hosts."""
        return {
            "accept": "*/*",
            "accept-language": self._constants.accept_language,
            "origin": site.page_origin,
            "referer": f"{site.page_origin}/ai-tool/generate",
            "user-agent": self._constants.user_agent,
        }

    async def _send(self, request: Request) -> Answer:
        try:
            response = await self._transport.send(request)
        except (NoConnectionFree, ProxyFailed) as error:
            raise unsent(error) from error
        except NotSent as error:
            raise UploadFailed("The upstream's storage cannot be reached.") from error
        except Broken as error:
            raise UploadFailed("The upstream's storage gave no whole answer.") from error
        return Answer(response.status, response.headers, response.body)

    async def _token(self, site: Site, session: Secret) -> UploadToken:
        key = (site.name, session)
        held = self._held.get(key)
        if held is not None and self._clock.monotonic() < held.until:
            return held.token
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.create_task(self._ask(site, session))
            task.add_done_callback(lambda done: self._asked_for(key, done))
        return await asyncio.shield(task)  # who leaves does not take it from the others

    async def _ask(self, site: Site, session: Secret) -> UploadToken:
        token = await self._client.upload_token(site, session)
        now = self._clock.monotonic()
        life = token.lifetime
        if life is None:
            life = self._constants.upload_token_seconds
        self._held = {key: held for key, held in self._held.items() if now < held.until}
        self._held[site.name, session] = _Held(
            token=token, until=now + min(life, LONGEST_TOKEN) - TOKEN_MARGIN
        )
        return token

    def _asked_for(self, key: tuple[str, Secret], done: asyncio.Task[UploadToken]) -> None:
        del self._asked[key]
        if not done.cancelled():
            done.exception()  # looked at, even where everybody who waited has left

    def _forget(self, site: Site, session: Secret, token: UploadToken) -> None:
        """Unless another upload has got a new one since."""
        held = self._held.get((site.name, session))
        if held is not None and held.token is token:
            del self._held[site.name, session]


def _is_risky(code: str, text: str) -> bool:
    said = text.lower()
    return code == error_codes.RISKY_RET or any(part in said for part in error_codes.RISKY_TEXTS)


# A name, never an address, and nothing around it: no port, no user, no path.
_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*", re.IGNORECASE)
