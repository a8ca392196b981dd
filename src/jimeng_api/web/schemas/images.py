"""Requests for pictures and the answers to them: OpenAI's form, with Jimeng's own parameters beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from jimeng_api.catalog.lookup import (
    find_image_model,
    is_gpt_image_alias,
    is_openai_alias,
    split_size,
    unavailable,
)
from jimeng_api.catalog.series import series_target
from jimeng_api.catalog.sites import SITES
from jimeng_api.catalog.sizes import image_size
from jimeng_api.domain.errors import (
    InvalidValue,
    MissingParameter,
    UnsupportedParameter,
    UnsupportedValue,
)
from jimeng_api.domain.requests import ImageRequest, PictureFormat
from jimeng_api.jobs.job import Job
from jimeng_api.web.parts import ResponseFormat, WebOptions
from jimeng_api.web.refusals import refusal
from jimeng_api.web.schemas.shown import Shown

MAX_PROMPT = 32_000
MAX_PICTURES = 10
SEEDS: Final = 2**32

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

# Left out silently, these would cost credits for another picture than the one that was meant.
_INPUTS = ("image", "images", "image_url", "mask", "markup")
_ANIMATION = ("frame_count", "frame_duration_ms", "svg")


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a number is expected, not true or false")  # noqa: TRY004
    return value


def _word(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _own_choice(value: object) -> object:
    """Clients that know other servers send -1 and mean "any"."""
    return None if str(value).strip() == "-1" else _no_boolean(value)


_Number = BeforeValidator(_no_boolean)
_Word = BeforeValidator(_word)


class ImageGenerationBody(BaseModel):
    """What `POST /v1/images/generations` takes. Unknown fields are ignored, null means absent."""

    model_config = ConfigDict(extra="ignore", frozen=True, regex_engine="python-re")

    prompt: str = Field(
        description=f"What to draw: text of 1 to {MAX_PROMPT} characters.",
        examples=["a lighthouse at dawn, watercolour"],
    )
    model: str | None = Field(
        None,
        description="A name from `GET /v1/models`, or one of OpenAI's image models, which stands for the "
        "default model.",
        examples=["jimeng-4.5"],
    )
    n: Annotated[int | None, _Number] = Field(
        None,
        ge=1,
        le=MAX_PICTURES,
        description=f"How many pictures: a whole number from 1 to {MAX_PICTURES}. Absent: one for OpenAI's "
        "model names, all that the upstream makes for the others.",
        examples=[1],
    )
    size: str | None = Field(
        None,
        description="`auto`, `WIDTHxHEIGHT`, a ratio such as `16:9` or a resolution such as `2k`. The "
        "model's nearest shape is taken, and the smallest resolution with as many pixels.",
        examples=["1024x1024"],
    )
    ratio: str | None = Field(
        None,
        validation_alias=AliasChoices("ratio", "aspect_ratio", "aspectRatio"),
        description="The shape, one of the model's `ratios`. Wins over `size`. Also read as `aspect_ratio` "
        "and `aspectRatio`.",
        examples=["16:9"],
    )
    resolution: str | None = Field(
        None,
        description="The resolution, one of the model's `resolutions`. Wins over `size`.",
        examples=["2k"],
    )
    quality: Any = Field(
        None,
        description="`low`, `medium`, `high`, `xhigh`, `max`, `standard`, `hd` or `auto`. Chooses the "
        "resolution where neither `size` nor `resolution` does.",
        json_schema_extra={"type": "string"},
    )
    negative_prompt: str = Field(
        "",
        max_length=MAX_PROMPT,
        description=f"What to keep out of the picture: text of at most {MAX_PROMPT} characters.",
    )
    sample_strength: Annotated[float, _Number] = Field(
        0.5, ge=0, le=1, allow_inf_nan=False, description="A number from 0 to 1."
    )
    seed: Annotated[int | None, BeforeValidator(_own_choice)] = Field(
        None,
        ge=0,
        lt=SEEDS,
        description=f"A whole number from 0 to {SEEDS - 1}. Absent, or -1: drawn at random.",
    )
    intelligent_ratio: bool = Field(
        default=False,
        description="`true` lets the model choose the shape from the prompt, where it can.",
    )
    response_format: Annotated[ResponseFormat | None, _Word] = Field(
        None,
        description="`url` or `b64_json`. Absent: `b64_json` for OpenAI's GPT image models and for requests "
        "with parameters that only those have, otherwise `url`.",
    )
    output_format: Annotated[str | None, _Word] = Field(
        None, description="The file type of the pictures: `png`, `jpeg` or `webp`. Absent: `png`."
    )
    output_compression: Annotated[int | None, _Number] = Field(
        None,
        ge=0,
        le=100,
        description="A whole number from 0 to 100, for `jpeg` and `webp`.",
    )
    background: Annotated[str | None, _Word] = Field(
        None, description="`opaque` or `auto`. No model makes transparent pictures."
    )
    stream: bool = Field(
        default=False,
        description="`true` answers with server-sent events, one per finished picture; otherwise `false`.",
    )

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Check a JSON object without nulls."""
        if "prompt" not in found:
            raise MissingParameter("prompt is missing: it says what to draw.", param="prompt")
        for name in _INPUTS:
            if found.get(name):
                raise UnsupportedParameter(
                    f"{name} cannot be used here: this route draws from text alone.", param=name
                )
        for name in _ANIMATION:
            if name in found:
                raise UnsupportedParameter(
                    f"{name} belongs to animations and drawings, which no model makes.", param=name
                )
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            raise refusal(error.errors(include_url=False), model=cls) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOrder:
    """A request, understood: what to generate, and how to answer."""

    request: ImageRequest
    asked_model: str
    response_format: ResponseFormat
    streamed_as: ResponseFormat
    stream: bool
    quality: str | None
    size_adjusted: bool


def image_order(
    found: Mapping[str, Any], *, sites: tuple[str, ...], options: WebOptions, seed: int
) -> ImageOrder:
    """Understand a JSON object, for a caller with accounts on these sites. Refuses what can be refused here.

    `seed` is taken where the caller names none.
    """
    body = ImageGenerationBody.of(found)
    asked_model, sized = split_size((body.model or "").strip() or options.default_image_model)
    model = find_image_model(asked_model, default=options.default_image_model)
    having = [site for site in sites if site in model.upstream]
    if not having:
        raise unavailable(model, [SITES[site] for site in sites])
    count = _count(body, asked_model, options)
    quality = _word(body.quality)
    size = image_size(
        model,
        site=SITES[having[0]] if len(having) == 1 else None,
        size=body.size or sized,
        ratio=body.ratio,
        resolution=body.resolution,
        quality=quality if isinstance(quality, str) else None,
    )
    request = ImageRequest(
        model=model.name,
        prompt=_prompt(body.prompt),
        ratio=size.ratio,
        resolution=size.resolution,
        width=size.width,
        height=size.height,
        seed=seed if body.seed is None else body.seed,
        count=count,
        # A caller who says how many gets, and pays for, that many, whatever the prompt says.
        series=series_target(model, body.prompt) if count is None else None,
        negative_prompt=body.negative_prompt,
        sample_strength=body.sample_strength,
        intelligent_ratio=body.intelligent_ratio and model.supports_intelligent_ratio,
        output_format=_output_format(body),
        output_compression=body.output_compression,
    )
    _check_background(body)
    return ImageOrder(
        request=request,
        asked_model=asked_model,
        response_format=_response_format(body, found, asked_model, options),
        streamed_as=body.response_format or "b64_json",
        stream=body.stream,
        quality=quality if quality in _ECHOED_QUALITIES else None,
        size_adjusted=size.adjusted,
    )


def _prompt(text: str) -> str:
    if not text.strip():
        raise MissingParameter("prompt is empty: it says what to draw.", param="prompt")
    if len(text) > MAX_PROMPT:
        raise InvalidValue(
            f"prompt has {len(text)} characters; at most {MAX_PROMPT} are possible.", param="prompt"
        )
    return text


def _count(body: ImageGenerationBody, asked_model: str, options: WebOptions) -> int | None:
    if body.n is not None:
        return body.n
    if options.default_n is not None:
        return 1 if options.default_n == "one" else None
    return 1 if is_openai_alias(asked_model) else None


def _response_format(
    body: ImageGenerationBody, found: Mapping[str, Any], asked_model: str, options: WebOptions
) -> ResponseFormat:
    if body.response_format is not None:
        return body.response_format
    if options.response_format is not None:
        return options.response_format
    speaks_gpt_image = (
        any(key in found for key in _GPT_IMAGE_KEYS)
        or _word(body.quality) in _GPT_IMAGE_QUALITIES
        or _word(body.size) == "auto"
    )
    return "b64_json" if speaks_gpt_image or is_gpt_image_alias(asked_model) else "url"


def _output_format(body: ImageGenerationBody) -> PictureFormat:
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


def _check_background(body: ImageGenerationBody) -> None:
    if body.background == "transparent":
        raise UnsupportedValue(
            "No model makes transparent pictures; background takes opaque or auto.",
            param="background",
        )
    if body.background not in (None, "", "auto", "opaque"):
        raise InvalidValue(
            f"background must be opaque or auto, not {body.background[:40]!r}.", param="background"
        )


# ---------------------------------------------------------------- answers ----

_NO_TOKENS = {"image_tokens": 0, "text_tokens": 0}
USAGE: Mapping[str, Any] = {
    "input_tokens": 0,
    "output_tokens": 0,
    "total_tokens": 0,
    "input_tokens_details": _NO_TOKENS,
    "output_tokens_details": _NO_TOKENS,
}


def common_keys(job: Job, order: ImageOrder) -> dict[str, Any]:
    """What an answer says of its pictures as a whole: their true size and type."""
    first = job.shown[0]
    found: dict[str, Any] = {
        "size": f"{first.width}x{first.height}",
        "background": "opaque",
        "output_format": first.content_type.rpartition("/")[2],
    }
    if order.quality is not None:
        found["quality"] = order.quality
    return found


class Tokens(Shown):
    image_tokens: int = 0
    text_tokens: int = 0


class Usage(Shown):
    """Always zero: the upstream counts no tokens."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    input_tokens_details: Tokens
    output_tokens_details: Tokens


class PictureReply(Shown):
    """One picture; it has `url` or `b64_json`, never both."""

    url: str | None = Field(None, description="Where the picture is; no key is needed to fetch it.")
    b64_json: str | None = Field(None, description="The picture itself, in base64.")
    width: int
    height: int
    bytes: int = Field(description="The length of the file.")


class ImagesReply(Shown):
    created: int = Field(description="When the job was accepted, in Unix seconds.")
    data: list[PictureReply]
    model: str = Field(description="The model's name as it was asked for.")
    size: str = Field(description="The true size of the first picture.")
    background: Literal["opaque"]
    output_format: PictureFormat
    quality: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    usage: Usage


EXAMPLE_REQUEST: Mapping[str, Any] = {
    "model": "jimeng-4.5",
    "prompt": "a lighthouse at dawn, watercolour",
    "n": 1,
    "size": "1024x1024",
}
EXAMPLE_REPLY: Mapping[str, Any] = {
    "created": 1763800000,
    "data": [
        {
            "url": "http://127.0.0.1:5100/media/5f0c2a9be1d84c7ab6e3f1d2c4b5a697",
            "width": 2048,
            "height": 2048,
            "bytes": 5718204,
        }
    ],
    "model": "jimeng-4.5",
    "size": "2048x2048",
    "background": "opaque",
    "output_format": "png",
    "usage": USAGE,
}
EXAMPLE_EVENT = (
    ": ping\n\n"
    'data: {"type":"image_generation.completed","created_at":1763800000,"b64_json":"iVBORw0KGgo…","size":'
    '"2048x2048","background":"opaque","output_format":"png"}\n\n'
)
