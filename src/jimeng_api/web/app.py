"""The web application: its routes, its error pages, and the layers that every request passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any

from fastapi import Depends, FastAPI
from starlette.types import ASGIApp

from jimeng_api.web.access import Access
from jimeng_api.web.auth import anybody, known_admin, known_caller, token_sender
from jimeng_api.web.cors import Cors
from jimeng_api.web.errors import answer_errors
from jimeng_api.web.limits import Limits
from jimeng_api.web.links import Links
from jimeng_api.web.outgoing import Encoder
from jimeng_api.web.parts import Administration, Parts
from jimeng_api.web.paths import PlainPaths
from jimeng_api.web.rates import Rates
from jimeng_api.web.routes import (
    accounts,
    chat,
    files,
    film_making,
    finishing,
    health,
    images,
    jobs,
    keys,
    media,
    models,
    page,
    responses,
    tokens,
    videos,
)

_DESCRIPTION = """
Jimeng and Dreamina in the shape of the OpenAI API. Every route answers with and without `/v1` before it and
with and without a slash behind it.

Errors have OpenAI's form: `{"error": {"message", "type", "param", "code"}}`. Beside it stand, where there is
such a thing, what the upstream said, the job, and what is known of the credits. Every answer has an
`x-request-id`, and an `x-job-id` once there is a job. `x-should-retry: false` says that sending the request
again is no use, or would cost again.
"""


# Who may use which routes. Films in other ways come first: `/videos/generations` is no video of that id.
GROUPS: Mapping[Callable[..., Any], tuple[ModuleType, ...]] = {
    known_caller: (images, finishing, film_making, videos, chat, responses, files, models, jobs),
    known_admin: (keys, accounts),
    token_sender: (tokens,),
    anybody: (media, health, page),
}


def create_app(parts: Parts) -> ASGIApp:
    """The whole edge. Its layers, from the outside: access, cors, limits, paths, routes."""
    options = parts.options
    links = Links(public_url=options.public_url, trusted_proxies=options.trusted_proxies)
    app: ASGIApp = PlainPaths(create_routes(parts, links=links))
    app = Limits(
        app,
        clock=parts.clock,
        max_body_bytes=options.max_body_bytes,
        max_header_bytes=options.max_header_bytes,
        max_headers=options.max_headers,
        receive_timeout=options.receive_timeout,
    )
    app = Cors(app, origins=options.cors_origins)
    return Access(app, clock=parts.clock, links=links)


def create_routes(parts: Parts, *, links: Links) -> FastAPI:
    """The routes, each behind the guard of its group."""
    options = parts.options
    administration = Administration(
        keys=parts.keys,
        accounts=parts.accounts,
        tending=parts.tending,
        clock=parts.clock,
        admin_key=options.admin_key,
    )
    app = _routes(administration, *GROUPS)
    app.state.parts = parts
    app.state.links = links
    app.state.encoder = Encoder(parts.clock)
    app.state.rates = Rates(parts.clock)
    return app


def create_admin_app(administration: Administration) -> ASGIApp:
    """The admin routes alone."""
    return PlainPaths(_routes(administration, known_admin))


def _routes(administration: Administration, *guards: Callable[..., Any]) -> FastAPI:
    app = FastAPI(
        title="jimeng-api",
        version=_version(),
        description=_DESCRIPTION.strip(),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.administration = administration
    answer_errors(app)
    for guard in guards:
        for group in GROUPS[guard]:
            app.include_router(group.router, dependencies=[Depends(guard)])
    return app


def _version() -> str:
    try:
        return version("jimeng-api")
    except PackageNotFoundError:
        return "0"
