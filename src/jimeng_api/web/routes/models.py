"""What can be asked for: `GET /v1/models` and `GET /v1/models/{id}`."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from jimeng_api.accounts.session import Caller
from jimeng_api.catalog.lookup import (
    OPENAI_IMAGE_ALIASES,
    OPENAI_VIDEO_ALIASES,
    Model,
    find_model,
    image_models,
    video_models,
)
from jimeng_api.web.auth import KnownCaller
from jimeng_api.web.parts import WebOptions, parts_of
from jimeng_api.web.schemas.errors import error_answers
from jimeng_api.web.schemas.models import EXAMPLE_MODEL, ModelList, ModelReply, model_object
from jimeng_api.web.schemas.shown import named

router = APIRouter(tags=["models"])


@router.get(
    "/models",
    summary="List the models",
    description="The models that this key may use and that its accounts' sites offer, with what each can do.",
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "description": "The models.",
            "content": {
                "application/json": {
                    "schema": named(ModelList),
                    "example": {"object": "list", "data": [EXAMPLE_MODEL]},
                }
            },
        },
        **error_answers(401),
    },
)
async def list_models(request: Request, caller: KnownCaller) -> Response:
    options = parts_of(request).options
    rows: tuple[Model, ...] = (*image_models(), *video_models())
    found = [model_object(row) for row in rows if _usable(row, caller)]
    if options.list_openai_aliases:
        for name in (*OPENAI_IMAGE_ALIASES, *OPENAI_VIDEO_ALIASES):
            model = _model(name, options)
            if _usable(model, caller):
                found.append(model_object(model, asked=name))
    return _json({"object": "list", "data": found})


@router.get(
    "/models/{model_id:path}",
    summary="Look at one model",
    description="One model, also of sites on which this key has no account. Other names that a model goes by "
    "are understood; the answer then names the model itself as `alias_of`.",
    response_model=None,
    response_class=Response,
    responses={
        200: {
            "description": "The model.",
            "content": {
                "application/json": {"schema": named(ModelReply), "example": EXAMPLE_MODEL}
            },
        },
        **error_answers(401, 404),
    },
)
async def look_at_model(request: Request, caller: KnownCaller, model_id: str) -> Response:
    model = _model(model_id, parts_of(request).options)
    return _json(model_object(model, asked=model_id))


def _model(name: str, options: WebOptions) -> Model:
    return find_model(name, default_image=options.default_image_model)


def _usable(model: Model, caller: Caller) -> bool:
    has_it = any(site in model.upstream for site in caller.sites)
    return has_it and caller.terms.allow(model.name)


def _json(found: object) -> Response:
    return Response(msgspec.json.encode(found), media_type="application/json")
