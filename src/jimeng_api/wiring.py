"""Builds the running gateway out of its parts: the only file that knows them all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from starlette.types import ASGIApp

from jimeng_api.accounts import key_file
from jimeng_api.accounts.health import Health
from jimeng_api.accounts.keys import Accounts, Keys
from jimeng_api.accounts.pool import Pool
from jimeng_api.accounts.store import AccountStore
from jimeng_api.accounts.tokens import Tokens
from jimeng_api.accounts.vault import Vault
from jimeng_api.clock import Clock, SystemClock
from jimeng_api.database.database import Database
from jimeng_api.database.schema import OtherKeyFile
from jimeng_api.domain.addresses import is_loopback
from jimeng_api.domain.secret import Secret
from jimeng_api.generation.adopting import Adopting
from jimeng_api.generation.collecting import Collecting
from jimeng_api.generation.daily_gifts import DailyGifts
from jimeng_api.generation.deleting import Deleting
from jimeng_api.generation.desk import Desk
from jimeng_api.generation.finishing import FinishedPictures
from jimeng_api.generation.housekeeping import Housekeeping, Kept
from jimeng_api.generation.live_catalogue import LiveCatalogue
from jimeng_api.generation.placing import Bounds, Placing
from jimeng_api.generation.purses import Purses
from jimeng_api.generation.refusals import Persistence
from jimeng_api.generation.run import Generation
from jimeng_api.generation.sending import Sending
from jimeng_api.generation.settling import Settling
from jimeng_api.generation.tending import Tending
from jimeng_api.generation.uploading import Uploading
from jimeng_api.generation.workshop import Workshop
from jimeng_api.jobs.store import JobStore
from jimeng_api.media.callers_urls import CallersUrls
from jimeng_api.media.download import Downloads
from jimeng_api.media.fetch import Fetcher
from jimeng_api.media.film_stills import FilmStills
from jimeng_api.media.intake import Intake
from jimeng_api.media.keeper import Keeper
from jimeng_api.media.store import MediaStore
from jimeng_api.polling.pace import Pace
from jimeng_api.polling.poller import Poller
from jimeng_api.polling.rules import Patience
from jimeng_api.settings import Settings
from jimeng_api.transport import HttpTransport, Transport
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.uploads import Uploader
from jimeng_api.web.app import create_admin_app, create_app
from jimeng_api.web.parts import Administration, Parts, WebOptions

log = structlog.get_logger()

_HOUR, _DAY = 3600.0, 86_400.0


class OpenToOthers(Exception):
    """Stored accounts would be within reach of strangers; the message tells the operator what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A running gateway: the application to serve, and the desk to tell when serving ends."""

    app: ASGIApp
    desk: Desk
    workshop: Workshop


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
    database = Database.at(settings.database, clock, thread=threads)
    store = JobStore(database, clock)
    door = transport or HttpTransport()
    try:
        vault = await opened(database, settings)
        accounts = AccountStore(database, vault, clock)
        keys = Keys(database, vault, clock, accounts)
        await _refuse_to_be_open(settings, keys, accounts)
        await accounts.all()  # what they rest for, and their limits
        pool = Pool(accounts, clock)
        store.listen()
        media = await asyncio.to_thread(MediaStore, settings.media, threads=threads)
        fetcher = _fetcher(settings, door)
        keeper = Keeper(fetcher, Downloads(fetcher, settings.data_dir, clock), media, clock)
        upstream = upstream_of(settings, clock, door)
        hours = settings.catalogue_hours
        catalogue = LiveCatalogue(upstream, clock, every=None if hours is None else hours * _HOUR)
        desk, workshop, finished, settling, purses = _desk(
            settings, clock, door, upstream, store, media, keeper, vault, catalogue, pool
        )
        tokens = Tokens(
            database,
            keys,
            vault,
            clock,
            seconds=settings.access_token_hours * _HOUR,
            refresh_seconds=settings.refresh_token_days * _DAY,
        )
        tending = Tending(upstream, accounts, clock, name_user=vault.digest)
        resumed = await workshop.open()
        if resumed:
            log.info("submissions_resumed", count=resumed)

        async def ready() -> Mapping[str, bool]:
            return {"database": await database.alive(), "media": not keeper.held_up}

        parts = Parts(
            desk=desk,
            media=media,
            intake=Intake(
                CallersUrls(door, allowed=settings.fetch_allow),
                media,
                clock,
                folder=settings.data_dir,
            ),
            files=store.files,
            stills=FilmStills(media, folder=settings.data_dir),
            deleting=Deleting(desk=desk, workshop=workshop, store=store, media=media),
            finished=finished,
            keys=keys,
            tokens=tokens,
            accounts=accounts,
            tending=tending,
            clock=clock,
            options=_web_options(settings),
            ready=ready,
            catalogue=catalogue,
        )
        housekeeping = Housekeeping(
            retention=store.retention,
            media=media,
            clock=clock,
            kept=_kept(settings),
            chores=(settling.settle, tokens.forget),
        )
        housekeeping.open()
        gifts = DailyGifts(tending, accounts, clock) if settings.receive_daily_credits else None
        if gifts is not None:
            gifts.open()
        try:
            yield Gateway(app=create_app(parts), desk=desk, workshop=workshop)
        finally:
            if gifts is not None:
                await gifts.close()
            await housekeeping.close()
            await catalogue.close()
            await desk.close()
            await purses.close()
            await pool.close()
    finally:
        if isinstance(door, HttpTransport) and transport is None:
            await door.close()
        await store.close()
        await database.close()


async def opened(database: Database, settings: Settings) -> Vault:
    """Open the database; the vault that its rows were sealed with.

    A replacement of the key file that was cut short is brought to its end: the rows tell which one counts.
    """
    vault = await asyncio.to_thread(vault_of, settings)
    waiting = key_file.next_to(settings.key_file)
    try:
        await database.open(key_digest=vault.key_digest)
    except OtherKeyFile:
        if settings.secret_key is not None or not await asyncio.to_thread(waiting.exists):
            raise
        vault = await asyncio.to_thread(Vault.at, waiting)
        await database.check_key(vault.key_digest)
        await asyncio.to_thread(key_file.take_next, settings.key_file)
    return vault


@asynccontextmanager
async def administered(settings: Settings, admin_key: Secret) -> AsyncIterator[ASGIApp]:
    """The admin routes for whoever has this key, on a database that no gateway need work on."""
    clock = SystemClock()
    database = Database.at(settings.database, clock)
    door = HttpTransport()
    try:
        vault = await opened(database, settings)
        accounts = AccountStore(database, vault, clock)
        upstream = upstream_of(settings, clock, door)
        administration = Administration(
            keys=Keys(database, vault, clock, accounts),
            accounts=accounts,
            tending=Tending(upstream, accounts, clock, name_user=vault.digest),
            clock=clock,
            admin_key=admin_key,
        )
        yield create_admin_app(administration)
    finally:
        await door.close()
        await database.close()


async def _refuse_to_be_open(settings: Settings, keys: Keys, accounts: Accounts) -> None:
    """Raises OpenToOthers."""
    if settings.admin_key or is_loopback(settings.host) or not await accounts.any():
        return
    if not await keys.any():
        raise OpenToOthers(
            f"Accounts are stored here, the gateway is to listen on {settings.host}, where others can reach "
            "it, and no key was issued that says who may use them. Issue one (jimeng-api keys create), or "
            "set JIMENG_API_ADMIN_KEY, or listen on 127.0.0.1."
        )


def _admin_key(settings: Settings) -> Secret | None:
    key = settings.admin_key
    return None if key is None else Secret(key.get_secret_value())


def vault_of(settings: Settings) -> Vault:
    """The vault of the key that is set, or of the key file, which is made if it is missing."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if settings.secret_key is not None:
        return Vault(key_file.checked(settings.secret_key.get_secret_value()))
    return Vault.at(settings.key_file)


def upstream_of(settings: Settings, clock: Clock, door: Transport) -> UpstreamClient:
    return UpstreamClient(
        door, clock, settings.upstream, settings.upstream_url, proxies=settings.proxies
    )


def _desk(
    settings: Settings,
    clock: Clock,
    door: Transport,
    upstream: UpstreamClient,
    store: JobStore,
    media: MediaStore,
    keeper: Keeper,
    vault: Vault,
    catalogue: LiveCatalogue,
    pool: Pool,
) -> tuple[Desk, Workshop, FinishedPictures, Settling, Purses]:
    constants = settings.upstream
    health = Health(
        clock,
        most={"image": settings.images_at_once, "video": settings.films_at_once},
        busy=settings.busy_seconds,
        pool=pool,
    )
    purses = Purses(health, clock, upstream=upstream, pool=pool)
    placing = Placing(
        store.claims,
        health,
        clock,
        bounds=Bounds(of_owner=settings.waiting_per_key, of_all=settings.waiting),
        price=catalogue.price,
        purses=purses,
    )
    uploader = Uploader(
        upstream, door, clock, constants, settings.upstream_url, proxies=settings.proxies
    )
    settling = Settling(upstream=upstream, charges=store.charges, clock=clock)
    generation = Generation(
        sending=Sending(
            upstream=upstream,
            uploading=Uploading(uploader, media),
            placing=placing,
            clock=clock,
            constants=constants,
            price=catalogue.price,
            settling=settling,
            persistence=Persistence(busy=settings.busy_seconds),
            catalogue=catalogue,
        ),
        collecting=Collecting(
            upstream=upstream,
            poller=Poller(
                clock,
                pace=Pace(most_ids=settings.poll_ids),
                patience=Patience(confirmation=settings.confirmation_seconds),
            ),
            keeper=keeper,
            placing=placing,
            clock=clock,
            name_media=vault.digest,
            watch_seconds=settings.collect_late_hours * _HOUR,
        ),
        placing=placing,
        clock=clock,
    )
    workshop = Workshop(
        generation=generation, placing=placing, store=store, vault=vault, clock=clock
    )
    adopting = Adopting(upstream)
    desk = Desk(
        workshop=workshop,
        placing=placing,
        adopting=adopting,
        store=store,
        vault=vault,
        clock=clock,
        job_seconds=settings.job_seconds,
        film_seconds=settings.film_seconds,
        key_seconds=settings.keep_keys_hours * _HOUR,
        catalogue=catalogue,
    )
    return desk, workshop, FinishedPictures(store, adopting), settling, purses


def _fetcher(settings: Settings, door: Transport) -> Fetcher:
    return Fetcher(
        door,
        origin=settings.upstream_url,
        user_agent=settings.upstream.user_agent,
        proxies=settings.proxies,
    )


def _kept(settings: Settings) -> Kept:
    media, jobs = settings.keep_media_days, settings.keep_jobs_days
    return Kept(
        keys=settings.keep_keys_hours * _HOUR,
        media=None if media is None else media * _DAY,
        jobs=None if jobs is None else jobs * _DAY,
        inputs=_input_seconds(settings),
    )


def _input_seconds(settings: Settings) -> float:
    """How long callers' files are kept: any job that starts from them is over by then."""
    return max(_DAY, 2 * settings.job_seconds, 2 * settings.film_seconds)


def _web_options(settings: Settings) -> WebOptions:
    return WebOptions(
        public_url=settings.public_url,
        default_image_model=settings.default_image_model,
        default_video_model=settings.default_video_model,
        default_n=settings.default_n,
        response_format=settings.response_format,
        list_openai_aliases=settings.list_openai_aliases,
        chat_progress=settings.chat_progress,
        cors_origins=tuple(settings.cors_origins),
        trusted_proxies=tuple(settings.trusted_proxies),
        max_body_bytes=settings.max_body_bytes,
        receive_timeout=settings.receive_seconds,
        wait_seconds=settings.wait_seconds,
        heartbeat_seconds=settings.heartbeat_seconds,
        admin_key=_admin_key(settings),
        keep_inputs_seconds=_input_seconds(settings),
    )
