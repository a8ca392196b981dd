"""What a gateway makes anew at every start, made once for all that are forked from this process.

Only things that hold nothing of a life: compiled statements, and the routes of the web application.
"""

from __future__ import annotations

import sys
from typing import Any
from unittest import mock

import sqlalchemy
from fastapi import FastAPI

from jimeng_api.web import app as web


def keep_engines() -> None:
    """One engine for each URL. It has no connection left once a gateway has closed it, but its statements."""
    engines: dict[str, sqlalchemy.Engine] = {}

    def create_engine(url: str, **options: Any) -> sqlalchemy.Engine:
        if url not in engines:
            engines[url] = sqlalchemy.create_engine(url, **options)
        return engines[url]

    for name, module in list(sys.modules.items()):
        if name.startswith("jimeng_api.") and hasattr(module, "create_engine"):
            mock.patch.object(module, "create_engine", create_engine).start()


def keep_routes() -> None:
    """One web application, given the parts of the gateway that starts."""
    really_create = web.create_routes
    kept: list[FastAPI] = []

    def create_routes(parts: Any, **others: Any) -> FastAPI:
        if not kept:
            kept.append(really_create(parts, **others))
        kept[0].state.parts = parts
        return kept[0]

    mock.patch.object(web, "create_routes", create_routes).start()
