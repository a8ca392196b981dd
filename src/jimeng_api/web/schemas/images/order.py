"""From a checked body to what is to be ordered, and how to answer it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jimeng_api.catalog.catalogue import SHIPPED, Catalogue
from jimeng_api.catalog.image_models import ImageModel
from jimeng_api.catalog.lookup import (
    is_gpt_image_alias,
    is_openai_alias,
    split_size,
    unavailable,
)
from jimeng_api.catalog.pixels import Pixels
from jimeng_api.catalog.series import series_target
from jimeng_api.catalog.sites import SITES, Site
from jimeng_api.catalog.sizes import SizeChoice, asked_pixels, fits, image_size
from jimeng_api.domain.errors import InvalidValue, MissingParameter, UnsupportedValue
from jimeng_api.domain.inputs import Input
from jimeng_api.domain.requests import ImageRequest, PictureFormat
from jimeng_api.web.parts import ResponseFormat, WebOptions
from jimeng_api.web.schemas.images.bodies import CompositionBody, ImageEditBody, ImageGenerationBody
from jimeng_api.web.schemas.images.fields import MAX_PROMPT, Answering, word

DrawingBody = ImageGenerationBody | ImageEditBody | CompositionBody

# What OpenAI's older clients never send: whoever sends one of these reads base64 and nothing else.
_GPT_IMAGE_KEYS = (
    "background",
    "output_format",
    "output_compression",
    "moderation",
    "input_fidelity",
    "partial_images",
)
_GPT_IMAGE_QUALITIES = ("auto", "low", "medium", "high", "xhigh", "max")
_ECHOED_QUALITIES = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a request is to be answered. `early` is how many pictures a stream may show before the end."""

    asked_model: str
    response_format: ResponseFormat
    streamed_as: ResponseFormat
    stream: bool
    early: int = 0
    output_format: PictureFormat
    quality: str | None = None
    size_adjusted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOrder:
    """A request to draw, understood. `request` makes what to generate of the pictures to start from."""

    answer: Answer
    model: ImageModel
    request: Callable[[tuple[Input, ...]], ImageRequest]


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """The model that a name means, and the size that stands in the name, for accounts on some sites.

    `site` is the only one of them that has the model; None where there are more.
    """

    name: str
    model: ImageModel
    size: str | None
    site: Site | None


def chosen_model(
    name: str | None,
    *,
    sites: tuple[str, ...],
    options: WebOptions,
    catalogue: Catalogue = SHIPPED,
) -> ChosenModel:
    """Raises ModelNotFound, and ModelNotAvailable where none of the sites has it."""
    asked, sized = split_size((name or "").strip() or options.default_image_model)
    model = catalogue.image(asked, default=options.default_image_model, sites=sites)
    having = [site for site in sites if site in model.upstream]
    if not having:
        raise unavailable(model, [SITES[site] for site in sites])
    return ChosenModel(asked, model, sized, SITES[having[0]] if len(having) == 1 else None)


def image_order(
    body: DrawingBody,
    found: Mapping[str, Any],
    *,
    sites: tuple[str, ...],
    options: WebOptions,
    seed: int,
    catalogue: Catalogue = SHIPPED,
) -> ImageOrder:
    """Understand a body, for a caller with accounts on these sites. Refuses what can be refused here.

    `found` is what the body was made of. `seed` is taken where the caller names none.
    """
    chosen = chosen_model(body.model, sites=sites, options=options, catalogue=catalogue)
    model = chosen.model
    count = _count(body, chosen.name, options)
    quality = word(body.quality)

    cut_to = _cut_to(body, chosen)

    def size(first_input: Pixels | None = None) -> SizeChoice:
        choice = image_size(
            model,
            site=chosen.site,
            size=body.size or chosen.size,
            ratio=body.ratio,
            resolution=body.resolution,
            quality=quality if isinstance(quality, str) else None,
            first_input=first_input,
            exact=body.exact_size,
        )
        if cut_to is not None and not fits(cut_to, (choice.width, choice.height)):
            most = f"{choice.width}x{choice.height}"
            raise InvalidValue(
                f"exact_size only cuts and scales down; {model.name} draws {most} in this shape.",
                param="exact_size",
            )
        return choice

    adjusted = (
        cut_to is None and size().adjusted
    )  # which a picture to start from changes nothing about
    prompt = _prompt(body.prompt)
    answer = answer_of(
        body,
        found,
        asked_model=chosen.name,
        options=options,
        quality=quality if isinstance(quality, str) else None,
        size_adjusted=adjusted,
    )

    def request(inputs: tuple[Input, ...]) -> ImageRequest:
        drawn = size((inputs[0].width, inputs[0].height) if inputs else None)
        return ImageRequest(
            model=model.name,
            prompt=prompt,
            ratio=drawn.ratio,
            resolution=drawn.resolution,
            width=drawn.width,
            height=drawn.height,
            seed=seed if body.seed is None else body.seed,
            count=count,
            # A caller who says how many gets, and pays for, that many, whatever the prompt says.
            series=series_target(model, body.prompt) if count is None and not inputs else None,
            negative_prompt=body.negative_prompt,
            sample_strength=body.sample_strength,
            intelligent_ratio=body.intelligent_ratio and model.supports_intelligent_ratio,
            output_format=answer.output_format,
            output_compression=body.output_compression,
            cut_to=cut_to,
            inputs=inputs,
        )

    return ImageOrder(answer=answer, model=model, request=request)


def answer_of(
    body: Answering,
    found: Mapping[str, Any],
    *,
    asked_model: str,
    options: WebOptions,
    quality: str | None = None,
    size_adjusted: bool = False,
) -> Answer:
    """How to answer a request that came with these parameters."""
    output_format = _output_format(body)
    _check_background(body)
    return Answer(
        asked_model=asked_model,
        response_format=_response_format(body, found, quality, asked_model, options),
        streamed_as=body.response_format or "b64_json",
        stream=body.stream,
        early=body.partial_images or 0,
        output_format=output_format,
        quality=quality if quality in _ECHOED_QUALITIES else None,
        size_adjusted=size_adjusted,
    )


def _prompt(text: str) -> str:
    if not text.strip():
        raise MissingParameter("prompt is empty: it says what to draw.", param="prompt")
    if len(text) > MAX_PROMPT:
        raise InvalidValue(
            f"prompt has {len(text)} characters; at most {MAX_PROMPT} are possible.", param="prompt"
        )
    return text


def _cut_to(body: DrawingBody, chosen: ChosenModel) -> Pixels | None:
    """The pixels that the pictures are to have exactly."""
    if not body.exact_size:
        return None
    asked = asked_pixels(body.size or chosen.size)
    if asked is None:
        raise InvalidValue("exact_size needs a size such as 1024x1024.", param="exact_size")
    return asked


def _count(body: DrawingBody, asked_model: str, options: WebOptions) -> int | None:
    if body.n is not None:
        return body.n
    if options.default_n is not None:
        return 1 if options.default_n == "one" else None
    return 1 if is_openai_alias(asked_model) else None


def _response_format(
    body: Answering,
    found: Mapping[str, Any],
    quality: str | None,
    asked_model: str,
    options: WebOptions,
) -> ResponseFormat:
    if body.response_format is not None:
        return body.response_format
    if options.response_format is not None:
        return options.response_format
    speaks_gpt_image = (
        any(key in found for key in _GPT_IMAGE_KEYS)
        or quality in _GPT_IMAGE_QUALITIES
        or word(found.get("size")) == "auto"
    )
    return "b64_json" if speaks_gpt_image or is_gpt_image_alias(asked_model) else "url"


def _output_format(body: Answering) -> PictureFormat:
    match body.output_format:
        case None | "" | "png":
            return "png"
        case "jpeg" | "jpg":
            return "jpeg"
        case "webp":
            return "webp"
        case "gif" | "svg" as other:
            raise UnsupportedValue(
                f"No model makes {other}; output_format takes png, jpeg or webp.",
                param="output_format",
            )
        case other:
            raise InvalidValue(
                f"output_format must be png, jpeg or webp, not {other[:40]!r}.",
                param="output_format",
            )


def _check_background(body: Answering) -> None:
    if body.background == "transparent":
        raise UnsupportedValue(
            "No model makes transparent pictures; background takes opaque or auto.",
            param="background",
        )
    if body.background not in (None, "", "auto", "opaque"):
        raise InvalidValue(
            f"background must be opaque or auto, not {body.background[:40]!r}.", param="background"
        )
