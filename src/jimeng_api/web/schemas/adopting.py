"""The order to take over what the upstream has already."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from jimeng_api.catalog.image_models import ImageModel
from jimeng_api.catalog.lookup import (
    find_image_model,
    find_model,
    find_video_model,
)
from jimeng_api.catalog.video_models import VideoModel
from jimeng_api.domain.errors import InvalidValue, MissingParameter
from jimeng_api.web.parts import WebOptions
from jimeng_api.web.refusals import refusal

_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_NAMES = ("id", "history_id", "submit_id")


def _digits(value: object) -> object:
    """A history id is a number to some."""
    return str(value) if type(value) is int else value


_Id = Annotated[str | None, BeforeValidator(_digits)]


class AdoptBody(BaseModel):
    """What `POST /v1/jobs/adopt` takes. Unknown fields are ignored, null means absent."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: _Id = Field(
        None,
        description="The id that the upstream knows the task by: all digits are read as a history id, all "
        "else as a submit id.",
        examples=["13500000000001"],
    )
    history_id: _Id = Field(None, description="The id, as a history id. In place of `id`.")
    submit_id: _Id = Field(None, description="The id, as a submit id. In place of `id`.")
    site: str | None = Field(
        None,
        description="Ask only this site: `cn`, `us`, `hk`, `jp` or `sg`. Absent: every account of the key is "
        "asked until one has it.",
    )
    model: str | None = Field(
        None,
        description="A name from `GET /v1/models` to go by where the upstream names a model that the gateway "
        "does not know; for a task of the other kind than the model's, and where absent: the default model.",
    )

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Check a JSON object without nulls."""
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            raise refusal(error.errors(include_url=False), model=cls) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """An order, understood: one of the two ids is there. The models stand in for one that is not known."""

    submit_id: str | None
    history_id: str | None
    site: str | None
    image_model: ImageModel
    video_model: VideoModel


def adoption(found: Mapping[str, Any], *, sites: tuple[str, ...], options: WebOptions) -> Adoption:
    """Understand a JSON object, for a caller with accounts on these sites."""
    body = AdoptBody.of(found)
    given = [name for name in _NAMES if name in found]
    if not given:
        raise MissingParameter(
            "id is missing: the history id or the submit id of the task.", param="id"
        )
    if len(given) > 1:
        raise InvalidValue(f"{given[1]}: one id is enough; {given[0]} is there.", param=given[1])
    name = given[0]
    value: str = getattr(body, name).strip()
    if not _ID.fullmatch(value):
        raise InvalidValue(
            f"{name} must be an id of the upstream, such as 13500000000001 or a UUID.", param=name
        )
    if body.site is not None and body.site not in sites:
        raise InvalidValue(
            f"site must be one that this key has an account on: {', '.join(sites)}.", param="site"
        )
    as_history = name == "history_id" or (name == "id" and value.isdigit())
    image, video = options.default_image_model, options.default_video_model
    named = find_model(body.model, default_image=image, default_video=video) if body.model else None
    return Adoption(
        history_id=value if as_history else None,
        submit_id=None if as_history else value,
        site=body.site,
        image_model=named if isinstance(named, ImageModel) else find_image_model(image),
        video_model=named if isinstance(named, VideoModel) else find_video_model(video),
    )


EXAMPLE_ADOPTION: Mapping[str, Any] = {"id": "13500000000001"}
