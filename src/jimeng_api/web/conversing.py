"""From a turn of a conversation to its job, pictures or a film: what all routes that talk share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import AliasChoices
from starlette.requests import Request

from jimeng_api.accounts.session import Caller
from jimeng_api.catalog.lookup import split_size
from jimeng_api.catalog.video_models import VideoModel
from jimeng_api.jobs.job import Job
from jimeng_api.web.conversation import Said, Turn, said_in
from jimeng_api.web.drawing import order_pictures
from jimeng_api.web.filming import order_film, seed_of
from jimeng_api.web.parts import parts_of
from jimeng_api.web.repeats import is_large
from jimeng_api.web.schemas.images.bodies import PICTURES, ImageGenerationBody
from jimeng_api.web.schemas.images.fields import SEEDS
from jimeng_api.web.schemas.images.order import image_order
from jimeng_api.web.schemas.videos.bodies import VideoBody
from jimeng_api.web.schemas.videos.order import film_order
from jimeng_api.web.sources import check_number, sources_of

# What a conversation itself says, and how it is answered.
_OF_THE_TALK = (
    "prompt",
    "stream",
    "partial_images",
    "response_format",
    "input_reference",
    *PICTURES,
)


def _parameters() -> Iterator[tuple[str, str]]:
    for body in (ImageGenerationBody, VideoBody):
        for name, field in body.model_fields.items():
            written = field.validation_alias
            names = written.choices if isinstance(written, AliasChoices) else [name]
            if name not in _OF_THE_TALK:
                yield from ((str(one), name) for one in names)
    yield "duration", "seconds"


PARAMETERS: Mapping[str, str] = dict(_parameters())
"""The fields of a request that are those of the routes for pictures and films, and what they stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A turn's job. `asked_model` is the model as it was asked for."""

    job: Job
    asked_model: str
    size_adjusted: bool

    @property
    def headers(self) -> Mapping[str, str]:
        return {"x-jimeng-size-adjusted": "1"} if self.size_adjusted else {}


async def heard(request: Request, messages: object, *, param: str) -> tuple[Said, ...]:
    """The messages that came with the request. Raises MissingParameter, InvalidValue."""
    if is_large(request):
        return await asyncio.to_thread(said_in, messages, param=param)
    return said_in(messages, param=param)


def parameters(fields: Mapping[str, Any], turn: Turn) -> dict[str, Any]:
    """What the fields of the request and the words behind the prompt say; the words win."""
    found = {
        name: value
        for name, value in {**_image_config(fields), **fields}.items()
        if name in PARAMETERS and PARAMETERS[name] not in turn.options
    }
    seed = found.get("seed")
    if type(seed) is int and seed >= SEEDS:  # a chat's may have 64 bits
        found["seed"] = seed % SEEDS
    return found | dict(turn.options)


async def order_turn(
    request: Request,
    caller: Caller,
    turn: Turn,
    asked: Mapping[str, Any],
    *,
    name: str,
    param: str,
    fields: Mapping[str, Any],
    remarks: bytes = b"",
) -> Made:
    """The job of a turn that asks for this.

    `asked` are its parameters, as the routes for pictures and films take them. `name`, `param` and `fields`
    are the route's: its name, where its conversation stands, and all that it was sent. `remarks` are kept
    with a new job.
    """
    options = parts_of(request).options
    body = {**asked, "prompt": turn.prompt}
    model, size = split_size(str(asked.get("model") or options.default_image_model))
    known = parts_of(request).catalogue.now
    meant = known.model(
        model,
        default_image=options.default_image_model,
        default_video=options.default_video_model,
        sites=caller.sites,
    )
    takes_pictures = not isinstance(meant, VideoModel) or "first_frame" in meant.input_modes
    files = turn.files_meant(takes_pictures=takes_pictures, param=param)
    sources = sources_of(request, {param: list(files)}, (param,))

    if isinstance(meant, VideoModel):
        sized = {"size": size} if size else {}
        body = {**sized, **body, "model": model}
        film = film_order(
            VideoBody.of(body),
            body,
            sources=sources,
            sites=caller.sites,
            options=options,
            seed=seed_of(request),
            catalogue=known,
        )
        job = await order_film(
            request, caller, film, sources, name=name, fields=fields, remarks=remarks
        )
        return Made(job=job, asked_model=film.asked_model, size_adjusted=film.size_adjusted)

    drawing = image_order(
        ImageGenerationBody.of(body),
        body,
        sites=caller.sites,
        options=options,
        seed=seed_of(request),
        catalogue=known,
    )
    if sources:
        check_number(sources, drawing.model, param=param)
    job = await order_pictures(
        request, caller, drawing, sources, name=name, fields=fields, remarks=remarks
    )
    return Made(
        job=job,
        asked_model=drawing.answer.asked_model,
        size_adjusted=drawing.answer.size_adjusted,
    )


def _image_config(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What callers of OpenRouter write there."""
    found = fields.get("image_config")
    rows = {"aspect_ratio": "ratio", "image_size": "resolution"}
    names = rows if isinstance(found, Mapping) else {}
    return {rows[name]: found[name] for name in names if found and found.get(name)}
