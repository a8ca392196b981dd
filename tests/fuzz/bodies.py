"""Malformed bodies at every route of the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fuzz.world import World, bearer, error_shape
from tests.malformed import Malformed, malformed

_IDS = {"video_id": "video_", "response_id": "resp_", "file_id": "file-", "job_id": "job_"}
_LARGE = 64 * 1024


@dataclass(frozen=True)
class Route:
    """`example` is a good body for it; one that `reads` none gets a few bodies all the same.

    `needs` is whether it is of no use without one.
    """

    method: str
    path: str
    example: Mapping[str, Any]
    reads: bool
    needs: bool


@dataclass
class Tried:
    requests: int = 0
    routes: int = 0
    bodies: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


def routes(world: World) -> Iterator[Route]:
    document = world.call("GET", "/openapi.json").json
    for path, methods in document["paths"].items():
        filled = re.sub(r"\{(\w+)\}", lambda name: _IDS.get(name[1], "") + "0" * 32, path)
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            example = content.get("application/json", {}).get("example", {})
            needs = operation.get("requestBody", {}).get("required", False)
            yield Route(method.upper(), filled, example, reads=bool(content), needs=needs)


def try_bodies(world: World, *, share: int = 1) -> Tried:
    """Every body at every route that reads one; with a `share` of n, each at about every nth.

    Bodies of many bytes are the same to all routes, and go to a fifth of them.
    """
    tried = Tried()
    for place, route in enumerate(routes(world)):
        tried.routes += 1
        for number, one in enumerate(malformed(route.example)):
            step = share * (5 if len(one.body) > _LARGE else 1) * (1 if route.reads else 10)
            if (place + number) % step:
                continue
            tried.requests += 1
            tried.bodies.add(one.name)
            says = _wrong(world, route, one)
            if says is not None:
                tried.wrong.append(f"{route.method} {route.path}, {one.name}: {says}")
    return tried


def _wrong(world: World, route: Route, one: Malformed) -> str | None:
    """What is wrong with the answer to this body."""
    headers = {**bearer(route.path), **dict(one.headers)}
    if one.content_type is not None:
        headers["content-type"] = one.content_type
    before = world.accepted()
    answer = world.call(route.method, route.path, headers, one.body)
    submitted = world.accepted() - before
    told = f"{answer.status} {answer.body[:200]!r}"
    surely = one.surely and route.reads and (route.needs or bool(one.body.strip()))
    if answer.status >= 500 or (answer.status < 400 and surely):
        return told
    if answer.status < 400:
        return None
    return f"{submitted} submitted, {told}" if submitted else error_shape(answer)
