"""Pictures, drawn from a prompt and from other pictures: `POST /v1/images/…`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from jimeng_api.accounts.session import Caller
from jimeng_api.jobs.job import Job
from jimeng_api.web.answering import Manner, answered
from jimeng_api.web.auth import KnownCaller
from jimeng_api.web.drawing import order_pictures
from jimeng_api.web.incoming import body_fields
from jimeng_api.web.parts import parts_of
from jimeng_api.web.picture_routes import REPEATING, picture_route
from jimeng_api.web.schemas.images.bodies import (
    EXAMPLE_COMPOSITION,
    EXAMPLE_EDIT,
    EXAMPLE_REQUEST,
    PICTURES,
    CompositionBody,
    ImageEditBody,
    ImageGenerationBody,
    ImageVariationBody,
)
from jimeng_api.web.schemas.images.fields import SEEDS
from jimeng_api.web.schemas.images.order import Answer, DrawingBody, image_order
from jimeng_api.web.schemas.images.replies import EXAMPLE_COMPOSED, CompositionReply
from jimeng_api.web.sources import check_number, sources_of

router = APIRouter(tags=["images"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A route that draws. `pictures` are the fields that pictures stand in, the usual one first."""

    name: str
    body: type[DrawingBody]
    manner: Manner
    pictures: Sequence[str] = PICTURES
    from_text: bool = False


def _composed(job: Job) -> Mapping[str, Any]:
    return {
        "input_images": len(job.request.inputs),
        "composition_type": "multi_image_synthesis",
    }


_GENERATION = Drawing(
    name="images/generations",
    body=ImageGenerationBody,
    manner=Manner(event="image_generation.completed"),
    from_text=True,
)
_EDIT = Drawing(
    name="images/edits", body=ImageEditBody, manner=Manner(event="image_edit.completed")
)
_VARIATION = Drawing(
    name="images/variations", body=ImageVariationBody, manner=Manner(event="image_edit.completed")
)
_COMPOSITION = Drawing(
    name="images/compositions",
    body=CompositionBody,
    manner=Manner(event="image_edit.completed", own=_composed),
    pictures=("images", "image", "image_url"),
)


@router.post(
    "/images/generations",
    **picture_route(
        summary="Make pictures from a prompt",
        description=REPEATING.replace("EVENT", _GENERATION.manner.event),
        body=ImageGenerationBody,
        example=EXAMPLE_REQUEST,
        event=_GENERATION.manner.event,
    ),
)
async def generate_images(request: Request, caller: KnownCaller) -> Response:
    return await _drawn(request, caller, _GENERATION)


@router.post(
    "/images/edits",
    **picture_route(
        summary="Make pictures from pictures",
        description="Draws anew from a prompt and as many pictures as the model takes, mostly 10. Where "
        "nothing else says so, the shape is the one nearest to the first picture's.\n\n"
        + REPEATING.replace("EVENT", _EDIT.manner.event),
        body=ImageEditBody,
        example=EXAMPLE_EDIT,
        files={"image": "cat.png"},
        event=_EDIT.manner.event,
    ),
)
async def edit_images(request: Request, caller: KnownCaller) -> Response:
    return await _drawn(request, caller, _EDIT)


@router.post(
    "/images/variations",
    **picture_route(
        summary="Make variations of a picture",
        description="As `/v1/images/edits`, with a prompt of its own.",
        body=ImageVariationBody,
        example={"image": EXAMPLE_EDIT["image"]},
        files={"image": "cat.png"},
        event=_VARIATION.manner.event,
    ),
)
async def vary_images(request: Request, caller: KnownCaller) -> Response:
    return await _drawn(request, caller, _VARIATION)


@router.post(
    "/images/compositions",
    **picture_route(
        summary="Compose pictures into one",
        description="As `/v1/images/edits`, in the form that callers of other Jimeng gateways send.",
        body=CompositionBody,
        example=EXAMPLE_COMPOSITION,
        files={"images": "cat.png"},
        event=_COMPOSITION.manner.event,
        reply=CompositionReply,
        example_reply=EXAMPLE_COMPOSED,
    ),
)
async def compose_images(request: Request, caller: KnownCaller) -> Response:
    return await _drawn(request, caller, _COMPOSITION)


async def _drawn(request: Request, caller: Caller, drawing: Drawing) -> Response:
    answer, job = await _ordered(request, caller, drawing)
    return await answered(request, caller, answer, job, drawing.manner)


async def _ordered(request: Request, caller: Caller, drawing: Drawing) -> tuple[Answer, Job]:
    """What came with the request is let go of here: the wait for the job may be long."""
    parts = parts_of(request)
    async with body_fields(request) as fields:
        order = image_order(
            drawing.body.of(fields),
            fields,
            sites=caller.sites,
            options=parts.options,
            seed=parts.clock.number(SEEDS),
            catalogue=parts.catalogue.now,
        )
        sources = sources_of(request, fields, drawing.pictures)
        if sources or not drawing.from_text:
            check_number(sources, order.model, param=drawing.pictures[0])
        job = await order_pictures(
            request, caller, order, sources, name=drawing.name, fields=fields
        )
    return order.answer, job
