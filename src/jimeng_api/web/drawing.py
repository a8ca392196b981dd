"""From an understood request for pictures to its job: what all routes that draw share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from jimeng_api.accounts.session import Caller
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.jobs.job import Job
from jimeng_api.media.intake import Source
from jimeng_api.web.answering import ordered
from jimeng_api.web.schemas.images.order import ImageOrder
from jimeng_api.web.sources import taking


async def order_pictures(
    request: Request,
    caller: Caller,
    order: ImageOrder,
    sources: tuple[Source, ...],
    *,
    name: str,
    fields: Mapping[str, Any],
    remarks: bytes = b"",
) -> Job:
    async with taking(request) as take:

        async def prepared() -> ImageRequest:
            return order.request(await take(sources))

        return await ordered(
            request,
            caller,
            prepared,
            asked_model=order.answer.asked_model,
            name=name,
            fields=fields,
            remarks=remarks,
        )
