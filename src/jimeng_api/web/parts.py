"""What the edge is given: the parts it calls, and plain values that an operator may choose."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from starlette.requests import Request

from jimeng_api.catalog.lookup import DEFAULT_IMAGE_MODEL, DEFAULT_VIDEO_MODEL
from jimeng_api.clock import Clock

if TYPE_CHECKING:  # these bring much with them that the edge itself does not use
    from jimeng_api.accounts.keys import Keys
    from jimeng_api.accounts.store import AccountStore
    from jimeng_api.accounts.tokens import Tokens
    from jimeng_api.domain.secret import Secret
    from jimeng_api.generation.deleting import Deleting
    from jimeng_api.generation.desk import Desk
    from jimeng_api.generation.finishing import FinishedPictures
    from jimeng_api.generation.live_catalogue import LiveCatalogue
    from jimeng_api.generation.tending import Tending
    from jimeng_api.jobs.files import Files
    from jimeng_api.jobs.job import Job
    from jimeng_api.media.film_stills import FilmStills
    from jimeng_api.media.intake import Intake
    from jimeng_api.media.store import MediaStore

ResponseFormat = Literal["url", "b64_json"]

Ready = Callable[[], Awaitable[bool | Mapping[str, bool]]]


async def _always_ready() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """Times are seconds, sizes bytes.

    `public_url` is where callers reach the gateway, None to go by each request's own Host. `default_n` and
    `response_format` replace the rules for requests that name neither. `cors_origins` is "*" or the origins
    that browsers may call from, nothing for none. `trusted_proxies` are addresses or networks whose
    X-Forwarded headers are believed. `receive_timeout` is for a whole request body, `wait_seconds` how long
    a call waits for its generation, `heartbeat_seconds` the pause between signs of life on a stream.
    `admin_key` opens the admin routes, which are closed without one. `keep_inputs_seconds` is how long
    callers' files are kept.
    `chat_progress` is whether a chat's stream tells how far its job is.
    """

    public_url: str | None = None
    default_image_model: str = DEFAULT_IMAGE_MODEL
    default_video_model: str = DEFAULT_VIDEO_MODEL
    default_n: Literal["one", "all"] | None = None
    response_format: ResponseFormat | None = None
    list_openai_aliases: bool = False
    chat_progress: bool = False
    cors_origins: tuple[str, ...] = ("*",)
    max_body_bytes: int = 1024 * 1024
    max_header_bytes: int = 32 * 1024
    max_headers: int = 100
    receive_timeout: float = 30.0
    wait_seconds: float = 20 * 60.0
    heartbeat_seconds: float = 15.0
    keep_inputs_seconds: float = 24 * 3600.0
    trusted_proxies: tuple[str, ...] = ()
    admin_key: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts behind the edge. `ready` says whether each thing that the gateway needs is there."""

    desk: Desk
    media: MediaStore
    intake: Intake
    files: Files
    stills: FilmStills
    deleting: Deleting
    finished: FinishedPictures
    keys: Keys
    tokens: Tokens
    accounts: AccountStore
    tending: Tending
    clock: Clock
    catalogue: LiveCatalogue
    options: WebOptions = WebOptions()
    ready: Ready = _always_ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Administration:
    """What the admin routes call. They need no running gateway: the command line calls them by itself."""

    keys: Keys
    accounts: AccountStore
    tending: Tending
    clock: Clock
    admin_key: Secret | None


def administration_of(request: Request) -> Administration:
    found: Administration = request.app.state.administration
    return found


def parts_of(request: Request) -> Parts:
    """The parts of the application that serves this request."""
    parts: Parts = request.app.state.parts
    return parts


def hold(request: Request, job: Job) -> None:
    """Make it the request's job, which somebody waits for until the request is over.

    To be called as soon as the desk has given the job: between that and this nobody else may have a turn.
    """
    request.state.job = job
    request.state.held.enter_context(parts_of(request).desk.awaiting(job.id))


def note_answered(request: Request) -> None:
    """Tell the desk that the end of this request's job was told to the caller, whole."""
    job = getattr(request.state, "job", None)
    if job is not None and job.state.ended:
        parts_of(request).desk.answered(job.id)
