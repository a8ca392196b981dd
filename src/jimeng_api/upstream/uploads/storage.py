"""Calls to the hosts of the upstream's storage: those that give places, and those that take bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import urlsplit
from zlib import crc32

from jimeng_api.catalog.sites import Site, is_below
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import UploadFailed
from jimeng_api.domain.secret import Secret
from jimeng_api.transport import (
    Broken,
    NoConnectionFree,
    NotSent,
    Parts,
    ProxyFailed,
    Request,
    Transport,
)
from jimeng_api.upstream.client import unsent
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.replies.answers import Answer
from jimeng_api.upstream.replies.uploads import Address, UploadToken, stored
from jimeng_api.upstream.signing import signed

MAX_BYTES = 1024 * 1024  # of an answer

_PORTION = 20 * 1024 * 1024


class Storage:
    """The storage of all sites. Calls to it carry no cookies: the session is no business of these hosts."""

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        constants: Constants,
        origin: str | None,
        *,
        proxies: Mapping[str, Secret],
        control_timeout: float,
        blob_timeout: float,
    ) -> None:
        """`origin` stands in for every host of every site; `proxies` are by the names of sites."""
        self._transport = transport
        self._clock = clock
        self._constants = constants
        self.origin = origin.rstrip("/") if origin else None
        self._proxies = proxies
        self._control_timeout = control_timeout
        self._blob_timeout = blob_timeout

    async def control(
        self,
        site: Site,
        token: UploadToken,
        service: Literal["imagex", "vod"],
        host: str,
        query: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """One signed call; without a body it only asks."""
        method = "GET" if body is None else "POST"
        signature = signed(
            method,
            query,
            body,
            credentials=token.credentials,
            region=site.aws_region,
            service=service,
            now=self._clock.now(),
        )
        headers = self._headers(site) | signature
        if body is not None:
            headers["content-type"] = "application/json"
        words = "&".join(f"{name}={value}" for name, value in query.items())  # just as it is signed
        return await self._send(
            Request(
                method=method,
                url=f"{(self.origin or host).rstrip('/')}/?{words}",
                headers=headers,
                body=body,
                timeout=self._control_timeout,
                max_bytes=MAX_BYTES,
                proxy=site.proxy or self._proxies.get(site.name),
            )
        )

    async def put(
        self, site: Site, address: Address, body: bytes | Parts, *, turn: int, query: str = ""
    ) -> str:
        """Store bytes, all of an upload or a part of it; their checksum.

        `turn` chooses among the hosts that are offered. What comes in parts is read twice.
        """
        checksum = f"{await _checksum(body):08x}"
        headers = {
            "content-crc32": checksum,
            "content-disposition": 'attachment; filename="undefined"',
            "content-type": "application/octet-stream",
        }
        stored(await self.tell(site, address, headers, body, turn=turn, query=query), checksum)
        return checksum

    async def tell(
        self,
        site: Site,
        address: Address,
        headers: Mapping[str, str],
        body: bytes | Parts | None,
        *,
        turn: int,
        query: str = "",
    ) -> Answer:
        """One of the calls that go to hosts of which only the upstream's answer knows."""
        host = self._host(site, address, turn)
        return await self._send(
            Request(
                method="POST",
                url=f"{self.origin or f'https://{host}'}/upload/v1/{address.uri}{query}",
                headers=self._headers(site) | {"authorization": address.auth.reveal(), **headers},
                body=None if isinstance(body, Parts) else body,
                parts=body if isinstance(body, Parts) else None,
                timeout=self._blob_timeout * _portions(body),
                max_bytes=MAX_BYTES,
                only_public=self.origin is None,
                proxy=site.proxy or self._proxies.get(site.name),
            )
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
        if self.origin and host == urlsplit(self.origin).netloc:
            return True
        own = self._constants.upload_hosts.get(site.name)
        known = site.serves_uploads_to(host) if own is None else is_below(host, own)
        return known and is_name(host)

    def _headers(self, site: Site) -> dict[str, str]:
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


async def _checksum(body: bytes | Parts) -> int:
    if isinstance(body, bytes):
        return crc32(body)
    found = 0
    async for chunk in body.chunks():
        found = crc32(chunk, found)
    return found


def _portions(body: bytes | Parts | None) -> int:
    """How many times as long as a picture this may take."""
    return -(-body.size // _PORTION) if isinstance(body, Parts) else 1


def is_name(host: str) -> bool:
    """Whether this is a host's name: no address, and nothing around it, no port, no user, no path."""
    return _HOST.fullmatch(host) is not None


_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*", re.IGNORECASE)
