"""What lets an account upload for a while, kept for the uploads that follow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from jimeng_api.catalog.sites import Site
from jimeng_api.clock import Clock
from jimeng_api.domain.secret import Secret
from jimeng_api.upstream.client import UploadScene, UpstreamClient
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.replies.uploads import UploadToken

TOKEN_MARGIN = 60.0  # seconds that a token must still have before it
LONGEST_TOKEN = 24 * 3600.0

_Key = tuple[str, Secret, UploadScene]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    token: UploadToken
    until: float


class Tokens:
    """One token for each session and kind of file; uploads at the same time ask for it together."""

    def __init__(self, client: UpstreamClient, clock: Clock, constants: Constants) -> None:
        self._client = client
        self._clock = clock
        self._constants = constants
        self._held: dict[_Key, _Held] = {}
        self._asked: dict[_Key, asyncio.Task[UploadToken]] = {}

    async def get(self, site: Site, session: Secret, scene: UploadScene) -> UploadToken:
        key = (site.name, session, scene)
        held = self._held.get(key)
        if held is not None and self._clock.monotonic() < held.until:
            return held.token
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.create_task(self._ask(site, session, scene))
            task.add_done_callback(lambda done: self._asked_for(key, done))
        return await asyncio.shield(task)  # who leaves does not take it from the others

    def forget(self, token: UploadToken) -> None:
        """Unless another upload has got a new one since."""
        self._held = {key: held for key, held in self._held.items() if held.token is not token}

    async def _ask(self, site: Site, session: Secret, scene: UploadScene) -> UploadToken:
        token = await self._client.upload_token(site, session, scene)
        now = self._clock.monotonic()
        life = token.lifetime
        if life is None:
            life = self._constants.upload_token_seconds
        self._held = {key: held for key, held in self._held.items() if now < held.until}
        self._held[site.name, session, scene] = _Held(
            token=token, until=now + min(life, LONGEST_TOKEN) - TOKEN_MARGIN
        )
        return token

    def _asked_for(self, key: _Key, done: asyncio.Task[UploadToken]) -> None:
        del self._asked[key]
        if not done.cancelled():
            done.exception()  # looked at, even where everybody who waited has left
