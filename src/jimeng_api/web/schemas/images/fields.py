"""The parameters that requests for pictures have in common, each with what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from jimeng_api.domain.errors import MissingParameter, UnsupportedParameter
from jimeng_api.web.parts import ResponseFormat
from jimeng_api.web.refusals import refusal

MAX_PROMPT = 32_000
MAX_PICTURES = 10
MAX_EARLY = 3
SEEDS: Final = 2**32

_ANIMATION = ("frame_count", "frame_duration_ms", "svg")
# Left out silently, it would cost credits for a picture that is changed where it should not be.
_MASKS = ("mask", "markup")


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a number is expected, not true or false")  # noqa: TRY004
    return value


def word(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def own_choice(value: object) -> object:
    """Clients that know other servers send -1 and mean "any"."""
    return None if str(value).strip() == "-1" else _no_boolean(value)


Number = BeforeValidator(_no_boolean)
Share = Annotated[float, Number, Field(ge=0, le=1, allow_inf_nan=False)]
Word = BeforeValidator(word)


class Body(BaseModel):
    """Unknown fields are ignored, null means absent."""

    # Each is built when it is first asked for, and not at every start.
    model_config = ConfigDict(
        extra="ignore", frozen=True, regex_engine="python-re", defer_build=True
    )

    needs: ClassVar[Mapping[str, str]] = {}
    """The fields without which there is no request, each with what it says."""

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Check an object without nulls."""
        for name, says in cls.needs.items():
            if name not in found:
                raise MissingParameter(f"{name} is missing: it says {says}.", param=name)
        for name in _MASKS:
            if found.get(name):
                raise UnsupportedParameter(
                    f"{name} cannot be used: the upstream changes pictures only as a whole.",
                    param=name,
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


class Asked(Body):
    """What is to be drawn."""

    needs: ClassVar[Mapping[str, str]] = {"prompt": "what to draw"}

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
    n: Annotated[int | None, Number] = Field(
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
    sample_strength: Share = Field(0.5, description="A number from 0 to 1.")
    seed: Annotated[int | None, BeforeValidator(own_choice)] = Field(
        None,
        ge=0,
        lt=SEEDS,
        description=f"A whole number from 0 to {SEEDS - 1}. Absent, or -1: drawn at random.",
    )
    intelligent_ratio: bool = Field(
        default=False,
        description="`true` lets the model choose the shape from the prompt, where it can.",
    )


class Answering(Body):
    """How the pictures are to be answered."""

    response_format: Annotated[ResponseFormat | None, Word] = Field(
        None,
        description="`url` or `b64_json`. Absent: `b64_json` for OpenAI's GPT image models and for requests "
        "with parameters that only those have, otherwise `url`.",
    )
    output_format: Annotated[str | None, Word] = Field(
        None, description="The file type of the pictures: `png`, `jpeg` or `webp`. Absent: `png`."
    )
    output_compression: Annotated[int | None, Number] = Field(
        None,
        ge=0,
        le=100,
        description="A whole number from 0 to 100, for `jpeg` and `webp`.",
    )
    background: Annotated[str | None, Word] = Field(
        None, description="`opaque` or `auto`. No model makes transparent pictures."
    )
    stream: bool = Field(
        default=False,
        description="`true` answers with server-sent events, one per finished picture; otherwise `false`.",
    )
    partial_images: Annotated[int | None, Number] = Field(
        None,
        ge=0,
        le=MAX_EARLY,
        description=f"With `stream`: how many pictures, 0 to {MAX_EARLY}, to show at most as soon as each is "
        "finished while others are not. Absent: 0. None come where the upstream shows none before the end.",
    )
