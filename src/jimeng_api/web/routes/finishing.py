"""Tools that work on a finished picture: `POST /v1/images/upscale`, `/outpaint`, `/repair`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from jimeng_api.accounts.session import Caller
from jimeng_api.catalog.finishing import FINISHING_TOOLS
from jimeng_api.domain.errors import InvalidValue, MissingParameter
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.generation.finishing import Finished
from jimeng_api.jobs.job import Job
from jimeng_api.media.intake import Kept
from jimeng_api.web.answering import Manner, answered, ordered
from jimeng_api.web.auth import KnownCaller
from jimeng_api.web.incoming import body_fields
from jimeng_api.web.parts import parts_of
from jimeng_api.web.picture_routes import picture_route
from jimeng_api.web.schemas.images.bodies import PICTURES
from jimeng_api.web.schemas.images.finishing import (
    EXAMPLES,
    FinishingOrder,
    Made,
    OutpaintBody,
    RepairBody,
    UpscaleBody,
    Upstream,
    finishing_order,
)
from jimeng_api.web.schemas.images.order import Answer
from jimeng_api.web.sources import Given, Taking, sources_of, taking

router = APIRouter(tags=["images"])

_MANNER = Manner(event="image_edit.completed")
_WHICH = (
    "The picture is sent or linked (`image`), or it is one that is there already: `job_id` and `index` of a "
    "job of this key, or `item_id` and `history_id` of the site. What the upstream has is not uploaded."
)


@router.post(
    "/images/upscale",
    **picture_route(
        summary="Make a picture larger",
        description=_WHICH,
        body=UpscaleBody,
        example=EXAMPLES["upscale"],
        files={"image": "cat.png"},
        event=_MANNER.event,
    ),
)
async def upscale_image(request: Request, caller: KnownCaller) -> Response:
    return await _finished(request, caller, "images/upscale", UpscaleBody)


@router.post(
    "/images/outpaint",
    **picture_route(
        summary="Draw on beyond a picture's edges",
        description=_WHICH,
        body=OutpaintBody,
        example=EXAMPLES["outpaint"],
        files={"image": "cat.png"},
        event=_MANNER.event,
    ),
)
async def outpaint_image(request: Request, caller: KnownCaller) -> Response:
    return await _finished(request, caller, "images/outpaint", OutpaintBody)


@router.post(
    "/images/repair",
    **picture_route(
        summary="Repair the details of a picture",
        description="The upstream repairs only pictures that it made itself: `job_id` and `index` of a job "
        "of this key, a link of this gateway to such a result, or `item_id` and `history_id` of the site.",
        body=RepairBody,
        example=EXAMPLES["repair"],
        event=_MANNER.event,
    ),
)
async def repair_image(request: Request, caller: KnownCaller) -> Response:
    return await _finished(request, caller, "images/repair", RepairBody)


async def _finished(
    request: Request,
    caller: Caller,
    name: str,
    body: type[UpscaleBody | OutpaintBody | RepairBody],
) -> Response:
    answer, job = await _ordered(request, caller, name, body)
    return await answered(request, caller, answer, job, _MANNER)


async def _ordered(
    request: Request,
    caller: Caller,
    name: str,
    body: type[UpscaleBody | OutpaintBody | RepairBody],
) -> tuple[Answer, Job]:
    """What came with the request is let go of here: the wait for the job may be long."""
    parts = parts_of(request)
    async with body_fields(request) as fields:
        sources = sources_of(request, fields, PICTURES)
        order = finishing_order(
            body.of(fields),
            fields,
            sent=bool(sources),
            sites=caller.sites,
            options=parts.options,
            catalogue=parts.catalogue.now,
        )
        if len(sources) > 1:
            raise InvalidValue(
                f"{sources[1].param}: {len(sources)} pictures; one is worked on at a time.",
                param=sources[1].param,
            )
        source = sources[0] if sources else None
        if source and not isinstance(source, Kept):
            _check_taken(order, source.param)

        async with taking(request) as take:

            async def prepared() -> ImageRequest:
                return await _request(request, caller, order, source, take)

            job = await ordered(
                request,
                caller,
                prepared,
                asked_model=order.answer.asked_model,
                name=name,
                fields=fields,
            )
    return order.answer, job


async def _request(
    request: Request, caller: Caller, order: FinishingOrder, source: Given | None, take: Taking
) -> ImageRequest:
    """The picture where the upstream has it; where it has not, its bytes."""
    found = await _there(request, caller, order, source)
    if found is not None and found.origin is not None:
        return order.request(
            origin=found.origin,
            inputs=(),
            width=found.width,
            height=found.height,
            made_by=found.model,
        )
    if found is not None:
        param = source.param if source else "job_id"
        _check_taken(order, param)
        source = Kept(media_id=found.media_id or "", param=param)
    if source is None:
        raise MissingParameter("image is missing.", param="image")
    inputs = await take([source])
    return order.request(
        origin=None,
        inputs=inputs,
        width=inputs[0].width,
        height=inputs[0].height,
        made_by=None,
    )


async def _there(
    request: Request, caller: Caller, order: FinishingOrder, source: Given | None
) -> Finished | None:
    """What is known of a picture that was made already; None where a new one is sent."""
    finished = parts_of(request).finished
    match order.meant:
        case Made(job_id=job_id, index=index):
            return await finished.of_job(caller, job_id, index)
        case Upstream(item_id=item_id, history_id=history_id):
            return await finished.of_item(caller, item_id, history_id)
        case None if isinstance(source, Kept):
            return await finished.of_result(caller, source.media_id, param=source.param)
        case None:
            return None


def _check_taken(order: FinishingOrder, param: str) -> None:
    if not FINISHING_TOOLS[order.finishing.tool].takes_uploads:
        raise InvalidValue(
            f"{param}: the upstream does this only to pictures that it made itself for one of the accounts "
            "of this key. Name one by job_id and index, by its link, or by item_id and history_id.",
            param=param,
        )
