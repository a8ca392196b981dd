"""The bodies of the tools that work on a finished picture, and what they order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field

from jimeng_api.catalog.catalogue import SHIPPED, Catalogue
from jimeng_api.catalog.finishing import FINISHING_TOOLS
from jimeng_api.catalog.sizes import image_size
from jimeng_api.domain.errors import InvalidValue, MissingParameter
from jimeng_api.domain.inputs import Finishing, FinishingTool, Input, Origin
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.web.parts import WebOptions
from jimeng_api.web.schemas.images.bodies import pictures
from jimeng_api.web.schemas.images.fields import Answering, Number, Share, Word
from jimeng_api.web.schemas.images.order import Answer, answer_of, chosen_model


def _digits(value: object) -> object:
    """An id of the upstream is a number to some."""
    return str(value) if type(value) is int else value


_UpstreamId = Annotated[str | None, BeforeValidator(_digits)]


class FinishingBody(Answering):
    """Which finished picture: one that is sent, one of a job, or one that the upstream has."""

    model: str | None = Field(
        None,
        description="A name from `GET /v1/models`; the sites that have it are where the work may be done. "
        "Absent: the model that made the picture, or the default model.",
    )
    image: Any = pictures(
        "The picture: a file of a form, an http(s) URL, a data URI, or a link of this gateway. Also read as "
        "`images` and `image_url`."
    )
    job_id: str | None = Field(
        None, max_length=128, description="In place of `image`: a finished job of this key."
    )
    index: Annotated[int, Number] = Field(
        0, ge=0, le=10_000, description="Which of the job's results; the first is 0."
    )
    item_id: _UpstreamId = Field(
        None,
        pattern=r"^[0-9]{1,25}$",
        description="In place of `image`: the id that the site knows the picture by, with its `history_id`.",
    )
    history_id: _UpstreamId = Field(
        None, pattern=r"^[0-9]{1,25}$", description="The id of the task that made `item_id`."
    )


class UpscaleBody(FinishingBody):
    """What `POST /v1/images/upscale` takes, as a form or as JSON."""

    mode: Annotated[Literal["hd", "smart"], Word] = Field(
        "hd",
        description="`hd` doubles the sides, `smart` also draws details anew. Absent: `hd`.",
    )
    original_strength: Share = Field(
        0.65,
        validation_alias=AliasChoices("original_strength", "original_image_strength"),
        description="For `smart`, how near to the original: a number from 0 to 1.",
    )
    detail_strength: Share = Field(
        0.65,
        description="For `smart`, how much detail: a number from 0 to 1.",
    )


class OutpaintBody(FinishingBody):
    """What `POST /v1/images/outpaint` takes, as a form or as JSON."""

    top: Share = Field(
        0.0,
        description="How much is added above: a share of the picture's height, from 0 to 1.",
    )
    bottom: Share = Field(0.0, description="How much is added below, likewise.")
    left: Share = Field(
        0.0,
        description="How much is added on the left: a share of the picture's width, from 0 to 1.",
    )
    right: Share = Field(
        0.0,
        description="How much is added on the right, likewise.",
    )
    n: Annotated[int | None, Number] = Field(
        None,
        ge=1,
        le=FINISHING_TOOLS["outpaint"].pictures,
        description="How many of the pictures to answer with: 1 to 4. Absent: all; it costs the same.",
    )


class RepairBody(FinishingBody):
    """What `POST /v1/images/repair` takes, as a form or as JSON."""

    image: Any = pictures(
        "A link of this gateway to a result of this key. The upstream repairs only what it made itself, so "
        "nothing can be sent to it."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A picture of a job, by its place among the results."""

    job_id: str
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A picture that the upstream has, by its own ids."""

    item_id: str
    history_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishingOrder:
    """A request for a tool, understood. `meant` is None where the picture itself is sent or linked."""

    answer: Answer
    finishing: Finishing
    meant: Made | Upstream | None
    count: int | None
    compression: int | None
    model: str
    asked: bool
    catalogue: Catalogue

    def request(
        self,
        *,
        origin: Origin | None,
        inputs: tuple[Input, ...],
        width: int,
        height: int,
        made_by: str | None,
    ) -> ImageRequest:
        """What is to be done to this picture, of these pixels (0 where nobody knows them)."""
        name = self.model if self.asked or made_by is None else made_by
        size = image_size(self.catalogue.image(name), first_input=(width, height))
        return ImageRequest(
            model=name,
            prompt="",
            ratio=size.ratio,
            resolution=size.resolution,
            width=width or size.width,
            height=height or size.height,
            seed=0,
            count=self.count,
            output_format=self.answer.output_format,
            output_compression=self.compression,
            inputs=inputs,
            finishing=replace(self.finishing, origin=origin),
        )


def finishing_order(
    body: UpscaleBody | OutpaintBody | RepairBody,
    found: Mapping[str, Any],
    *,
    sent: bool,
    sites: tuple[str, ...],
    options: WebOptions,
    catalogue: Catalogue = SHIPPED,
) -> FinishingOrder:
    """Understand a body, for a caller with accounts on these sites. `sent` says that it brings a picture."""
    chosen = chosen_model(body.model, sites=sites, options=options, catalogue=catalogue)
    return FinishingOrder(
        answer=answer_of(body, found, asked_model=chosen.name, options=options),
        finishing=_finishing(body),
        meant=_meant(body, sent=sent),
        count=body.n if isinstance(body, OutpaintBody) else None,
        compression=body.output_compression,
        model=chosen.model.name,
        asked=bool((body.model or "").strip()),
        catalogue=catalogue,
    )


def _finishing(body: UpscaleBody | OutpaintBody | RepairBody) -> Finishing:
    match body:
        case UpscaleBody():
            tool: FinishingTool = "smart_hd" if body.mode == "smart" else "hd"
            return Finishing(
                tool=tool,
                original_strength=body.original_strength,
                detail_strength=body.detail_strength,
            )
        case OutpaintBody():
            margins = {name: getattr(body, name) for name in ("top", "bottom", "left", "right")}
            if not any(margins.values()):
                raise MissingParameter(
                    "top, bottom, left and right are missing or 0: at least one says where the picture is to "
                    "become larger.",
                    param="top",
                )
            return Finishing(tool="outpaint", **margins)
        case RepairBody():
            return Finishing(tool="repair")


def _meant(body: FinishingBody, *, sent: bool) -> Made | Upstream | None:
    ways = {
        "image": sent,
        "job_id": bool(body.job_id),
        "item_id": bool(body.item_id or body.history_id),
    }
    given = [name for name, is_given in ways.items() if is_given]
    if not given:
        raise MissingParameter(
            "image is missing: the picture, or in its place job_id, or item_id with history_id.",
            param="image",
        )
    if len(given) > 1:
        raise InvalidValue(
            f"{given[1]}: one picture is enough; {given[0]} is there.", param=given[1]
        )
    if body.job_id:
        return Made(job_id=body.job_id, index=body.index)
    if sent:
        return None
    if body.item_id is None or body.history_id is None:
        missing = "item_id" if body.item_id is None else "history_id"
        raise MissingParameter(
            f"{missing} is missing: item_id and history_id name a picture together.", param=missing
        )
    return Upstream(item_id=body.item_id, history_id=body.history_id)


EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "upscale": {"job_id": "job_6f1c8a52e4d04b7f9a3c", "index": 0, "mode": "hd"},
    "outpaint": {"job_id": "job_6f1c8a52e4d04b7f9a3c", "left": 0.5, "right": 0.5},
    "repair": {"job_id": "job_6f1c8a52e4d04b7f9a3c", "index": 0},
}
