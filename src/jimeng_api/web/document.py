"""The OpenAPI document, made when somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from jimeng_api.web.schemas.accounts import (
    AccountBody,
    AccountChange,
    AccountList,
    NewAccountReply,
)
from jimeng_api.web.schemas.adopting import AdoptBody
from jimeng_api.web.schemas.chat.bodies import ChatBody
from jimeng_api.web.schemas.chat.replies import ChatReply
from jimeng_api.web.schemas.errors import ErrorReply
from jimeng_api.web.schemas.files import FileBody, FileDeletedReply, FileList
from jimeng_api.web.schemas.images.bodies import (
    CompositionBody,
    ImageEditBody,
    ImageGenerationBody,
    ImageVariationBody,
)
from jimeng_api.web.schemas.images.finishing import OutpaintBody, RepairBody, UpscaleBody
from jimeng_api.web.schemas.images.replies import CompositionReply, ImagesReply
from jimeng_api.web.schemas.jobs import JobList
from jimeng_api.web.schemas.keys import KeyBody, KeyList, NewKeyReply
from jimeng_api.web.schemas.models import ModelList
from jimeng_api.web.schemas.responses.bodies import ResponseBody
from jimeng_api.web.schemas.responses.replies import InputItems, ResponseDeletedReply, ResponseReply
from jimeng_api.web.schemas.shown import PLACE
from jimeng_api.web.schemas.tokens import (
    CheckReply,
    GrantReply,
    PointsReply,
    ReceivedReply,
    RefreshBody,
    RevokeBody,
    RevokedReply,
    SessionsBody,
    TokensBody,
)
from jimeng_api.web.schemas.videos.bodies import (
    InterpolateBody,
    RemixBody,
    VideoBody,
    VideoEditBody,
    VideoGenerationBody,
    VideoUpscaleBody,
)
from jimeng_api.web.schemas.videos.replies import FilmsReply, VideoDeletedReply, VideoList

# With the models that these consist of.
_MODELS: tuple[type[BaseModel], ...] = (
    AccountBody,
    AccountChange,
    AccountList,
    AdoptBody,
    ChatBody,
    ChatReply,
    CheckReply,
    CompositionBody,
    CompositionReply,
    ErrorReply,
    FileBody,
    FileDeletedReply,
    FileList,
    FilmsReply,
    GrantReply,
    ImageEditBody,
    ImageGenerationBody,
    ImageVariationBody,
    ImagesReply,
    InputItems,
    InterpolateBody,
    JobList,
    KeyBody,
    KeyList,
    ModelList,
    NewAccountReply,
    NewKeyReply,
    OutpaintBody,
    PointsReply,
    ReceivedReply,
    RefreshBody,
    RemixBody,
    RepairBody,
    ResponseBody,
    ResponseDeletedReply,
    ResponseReply,
    RevokeBody,
    RevokedReply,
    SessionsBody,
    TokensBody,
    UpscaleBody,
    VideoBody,
    VideoDeletedReply,
    VideoEditBody,
    VideoGenerationBody,
    VideoList,
    VideoUpscaleBody,
)


def document(app: FastAPI) -> dict[str, Any]:
    """The document of the routes, with `/v1` before those that belong to the API."""
    found = app.openapi()
    for route in _api_routes(app):
        methods = found["paths"][route.path_format]
        for method in (route.methods or set()) & {name.upper() for name in methods}:
            _put_examples_back(methods[method.lower()], route)
    form: Literal["validation"] = "validation"
    _, schemas = models_json_schema(
        [(model, form) for model in _MODELS], ref_template=f"{PLACE}{{model}}"
    )
    paths = {
        _shown(path, methods): {name: _operation(value) for name, value in methods.items()}
        for path, methods in found["paths"].items()
    }
    components = {**found["components"], "schemas": schemas["$defs"]}
    return {**found, "paths": paths, "components": components}


def _api_routes(app: FastAPI) -> Iterator[APIRoute]:
    """The routes that are in the document, those of included routers too."""
    groups: list[Any] = [*app.routes]
    while groups:
        group = groups.pop()
        if not isinstance(group, APIRoute):
            groups += getattr(group, "original_router", group).routes
        elif group.include_in_schema:
            yield group


def _put_examples_back(operation: dict[str, Any], route: APIRoute) -> None:
    """FastAPI leaves out whatever is null, in examples as well, where it is part of what is shown."""
    body = (route.openapi_extra or {}).get("requestBody", {})
    bodies = [(body, operation.get("requestBody", {}))]
    answers = [
        (answer, operation["responses"][str(status)]) for status, answer in route.responses.items()
    ]
    for written, shown in (*bodies, *answers):
        for kind, media in written.get("content", {}).items():
            if "example" in media:
                shown["content"][kind]["example"] = media["example"]


def _shown(path: str, methods: dict[str, Any]) -> str:
    return f"/v1{path}" if any("security" in value for value in methods.values()) else path


def _operation(found: dict[str, Any]) -> dict[str, Any]:
    """Without FastAPI's own form of validation errors, which never leaves here."""
    answers = {
        status: value
        for status, value in found["responses"].items()
        if value["description"] != "Validation Error"
    }
    return {**found, "responses": answers}
