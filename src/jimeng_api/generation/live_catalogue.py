"""Keeps the catalogue as the sites tell it: asks them now and then, with an account that is in use."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

import structlog

from jimeng_api.accounts.session import Session
from jimeng_api.catalog.catalogue import SHIPPED, Catalogue
from jimeng_api.catalog.live import LiveSite
from jimeng_api.catalog.lookup import Model
from jimeng_api.catalog.prices import NO_RATES
from jimeng_api.catalog.sites import SITES, Site
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import (
    GatewayError,
    ModelNotAvailable,
    SessionExpired,
    UpstreamUnreachable,
)
from jimeng_api.domain.requests import GenerationRequest
from jimeng_api.domain.secret import Secret
from jimeng_api.upstream.client import UpstreamClient

log = structlog.get_logger()
T = TypeVar("T")

AGAIN_SECONDS = 600.0
"""After a site told nothing, so long until it is asked again."""
_MOST_TOLD = 10_000


class LiveCatalogue:
    """`now` is what is known. What a site does not tell, or not understandably, stays as it was.

    A site is asked in the background, three reads once in `every` seconds; nobody waits for it, except a job
    whose model only the site can name. Without an upstream, or with `every` None, what was shipped is all.
    """

    def __init__(
        self,
        upstream: UpstreamClient | None = None,
        clock: Clock | None = None,
        *,
        every: float | None = None,
    ) -> None:
        self.now: Catalogue = SHIPPED
        self.drifted: Counter[str] = Counter()
        """By site, how many differences from the shipped rows were met."""
        self._upstream = upstream
        self._clock = clock
        self._every = every
        self._due: dict[str, float] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._told: set[tuple[str, str]] = set()

    def used(self, session: Session) -> None:
        """An account is used: its site is asked if it is time."""
        self._ask(session)

    def sites_of(self, name: str) -> Collection[str] | None:
        """The sites that have a model; None where only they can tell, which they will when they are used."""
        row = self.now.row(name)
        return None if row is None else row.upstream.keys()

    def price(self, request: GenerationRequest, site: str, count: int | None) -> int | None:
        """What one task of a request, of so many pictures, costs on a site, None where that is not known."""
        return self.now.price_of(request, SITES[site], count=count)

    async def model(self, name: str, session: Session) -> Model:
        """The row of a request's model as the session's site has it.

        A job of an earlier life may have a model that nobody but the site knows; then it is asked now. Raises
        ModelNotAvailable, and UpstreamUnreachable where the site did not tell.
        """
        if self.now.row(name) is None:
            asking = self._asking.get(session.site) or self._ask(session, waiting=True)
            if asking is not None:
                await asyncio.wait([asking])
        row = self.now.row(name, (session.site,))
        if row is not None:
            return row
        if self._every is not None and not self.now.is_told(session.site):
            raise UpstreamUnreachable(f"The site did not tell what {name} is. Nothing was sent.")
        raise ModelNotAvailable(f"The site does not list {name} any more. Nothing was sent.")

    async def close(self) -> None:
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def _ask(self, session: Session, *, waiting: bool = False) -> asyncio.Task[None] | None:
        """Begin to ask the session's site, unless it was asked lately and nobody is `waiting`."""
        name = session.site
        if self._upstream is None or self._clock is None or self._every is None:
            return None
        now = self._clock.monotonic()
        if name in self._asking or (now < self._due.get(name, 0.0) and not waiting):
            return None
        self._due[name] = now + self._every
        task = asyncio.create_task(
            self._refresh(self._upstream, self._clock, session.home, session.secret),
            name=f"catalogue of {name}",
        )
        self._asking[name] = task
        task.add_done_callback(lambda _: self._asking.pop(name, None))
        return task

    async def _refresh(
        self, upstream: UpstreamClient, clock: Clock, site: Site, secret: Secret
    ) -> None:
        try:
            live = LiveSite(
                images=await _or_none(upstream.image_models, site, secret),
                videos=await _or_none(upstream.video_models, site, secret),
                rates=await _or_none(upstream.prices, site, secret) or NO_RATES,
            )
            told = live.images is not None or live.videos is not None
            self.now = self.now.with_site(site.name, live)
        except SessionExpired:
            told = False
        except Exception:
            log.exception("catalogue_broke", site=site.name)
            told = False
        if not told:
            self._due[site.name] = clock.monotonic() + AGAIN_SECONDS
            return
        log.info("catalogue_refreshed", site=site.name)
        self._tell_drift(site.name)

    def _tell_drift(self, site: str) -> None:
        """Say once what is other than it was shipped."""
        for line in self.now.drift(site):
            if (site, line) not in self._told and len(self._told) < _MOST_TOLD:
                self._told.add((site, line))
                self.drifted[site] += 1
                log.info("catalogue_drift", site=site, drift=line)


async def _or_none(
    read: Callable[[Site, Secret], Awaitable[T]], site: Site, secret: Secret
) -> T | None:
    """What a site tells; None where it fails. Raises SessionExpired, which says nothing of the site."""
    try:
        return await read(site, secret)
    except SessionExpired:
        raise
    except GatewayError as error:
        log.info(
            "catalogue_not_told",
            site=site.name,
            part=getattr(read, "__name__", ""),
            code=error.code,
        )
        return None
