"""Builds the running gateway out of its parts: the only file that knows them all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from starlette.types import ASGIApp

from jimeng_api.accounts.vault import Vault
from jimeng_api.clock import Clock, SystemClock
from jimeng_api.generation.desk import Desk
from jimeng_api.generation.refusals import Persistence
from jimeng_api.generation.run import Generation
from jimeng_api.jobs.store import JobStore
from jimeng_api.media.fetch import Fetcher
from jimeng_api.media.keeper import Keeper
from jimeng_api.media.store import MediaStore
from jimeng_api.polling.pace import Pace
from jimeng_api.polling.poller import Poller
from jimeng_api.polling.rules import Patience
from jimeng_api.settings import Settings
from jimeng_api.transport import HttpTransport, Transport
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.web.app import create_app
from jimeng_api.web.parts import Parts, WebOptions

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A running gateway: the application to serve, and the desk to tell when serving ends."""

    app: ASGIApp
    desk: Desk


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    clock: Clock | None = None,
    transport: Transport | None = None,
    threads: Executor | None = None,
) -> AsyncIterator[Gateway]:
    """The gateway, with the jobs of its last life resumed. On leaving, it comes to rest.

    `clock`, `transport` and `threads` (for database and media) stand in for the real ones.
    """
    clock = clock or SystemClock()
    vault = await asyncio.to_thread(_vault, settings)
    store = JobStore(settings.database, clock, thread=threads)
    await store.open()
    door = transport or HttpTransport()
    try:
        media = await asyncio.to_thread(MediaStore, settings.media, threads=threads)
        desk = _desk(settings, clock, door, store, media, vault)
        resumed = await desk.resume()
        if resumed:
            log.info("jobs_resumed", count=resumed)

        async def ready() -> Mapping[str, bool]:
            return {"database": await store.alive()}

        parts = Parts(
            desk=desk,
            media=media,
            vault=vault,
            clock=clock,
            options=_web_options(settings),
            ready=ready,
        )
        try:
            yield Gateway(app=create_app(parts), desk=desk)
        finally:
            await desk.close()
    finally:
        if isinstance(door, HttpTransport) and transport is None:
            await door.close()
        await store.close()


def _vault(settings: Settings) -> Vault:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return Vault.at(settings.key_file)


def _desk(
    settings: Settings,
    clock: Clock,
    door: Transport,
    store: JobStore,
    media: MediaStore,
    vault: Vault,
) -> Desk:
    constants = settings.upstream
    fetcher = Fetcher(door, origin=settings.upstream_url, user_agent=constants.user_agent)
    generation = Generation(
        upstream=UpstreamClient(door, clock, constants, settings.upstream_url),
        poller=Poller(
            clock,
            pace=Pace(most_ids=settings.poll_ids),
            patience=Patience(confirmation=settings.confirmation_seconds),
        ),
        keeper=Keeper(fetcher, media, clock),
        clock=clock,
        constants=constants,
        persistence=Persistence(busy=settings.busy_seconds),
    )
    return Desk(
        generation=generation,
        store=store,
        vault=vault,
        clock=clock,
        job_seconds=settings.job_seconds,
    )


def _web_options(settings: Settings) -> WebOptions:
    return WebOptions(
        public_url=settings.public_url,
        default_image_model=settings.default_image_model,
        default_n=settings.default_n,
        response_format=settings.response_format,
        list_openai_aliases=settings.list_openai_aliases,
        cors_origins=tuple(settings.cors_origins),
        trusted_proxies=tuple(settings.trusted_proxies),
        max_body_bytes=settings.max_body_bytes,
        receive_timeout=settings.receive_seconds,
        wait_seconds=settings.wait_seconds,
        heartbeat_seconds=settings.heartbeat_seconds,
    )
