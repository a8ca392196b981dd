"""The route table of an application as the framework has it: every route, and who may use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from jimeng_api.web.auth import anybody, known_admin, known_caller, token_sender

WHO: dict[Callable[..., Any], str] = {
    known_caller: "caller",
    known_admin: "admin",
    token_sender: "tokens",
    anybody: "anybody",
}


class Undeclared(Exception):
    """A route of which nobody has said who may use it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    method: str
    path: str
    who: str


def declared(app: Any) -> list[Declared]:
    """Raises Undeclared where a route has no guard, or more than one, or is of a kind without guards."""
    while not isinstance(app, FastAPI):
        app = app._app
    return list(_below(app.routes, ()))


def _below(routes: list[BaseRoute], outer: tuple[Any, ...]) -> Iterator[Declared]:
    for route in routes:
        if isinstance(route, APIRoute):
            guards = [WHO[one] for one in (*outer, *_calls(route)) if one in WHO]
            if len(guards) != 1:
                raise Undeclared(f"{route.path}: {guards or 'nobody'}")
            for method in route.methods or ():
                yield Declared(method=method, path=route.path, who=guards[0])
            continue
        inner: Any = getattr(route, "original_router", None)
        if inner is None:
            raise Undeclared(f"{route!r} is no route of the API")
        context: Any = route.include_context  # type: ignore[attr-defined]
        yield from _below(inner.routes, (*outer, *_calls(context)))


def _calls(declaring: Any) -> list[Any]:
    return [one.dependency for one in declaring.dependencies or ()]
