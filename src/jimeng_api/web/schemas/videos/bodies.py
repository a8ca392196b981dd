"""The bodies of the routes that make films."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from jimeng_api.catalog.video_asks import FUNCTIONS, TARGET_FPS
from jimeng_api.web.parts import ResponseFormat
from jimeng_api.web.schemas.images.bodies import pictures
from jimeng_api.web.schemas.images.fields import SEEDS, Body, Number, Word, own_choice

_WAYS = (
    "a file, an http(s) URL, a data URI, a link of this gateway, or an object with `image_url` or "
    "`file_id`"
)


def _written(value: object) -> object:
    """Forms can hold it only as text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("a JSON list is expected") from None


class FrameBody(BaseModel):
    """How long one picture of `multi_frame` stands, and what happens meanwhile."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    duration: Annotated[int, Number] = Field(
        5, ge=1, le=6, validation_alias=AliasChoices("duration", "seconds")
    )
    prompt: str = ""


class FilmBody(Body):
    """What all routes that make films from a prompt take."""

    needs: ClassVar[Mapping[str, str]] = {"prompt": "what the film shows"}

    prompt: str = Field(
        description="What the film shows. With `omni_reference`, `main_reference` and edits it may name the "
        "files: `@1`, `@image_file_2`, `@boat.png`.",
        examples=["waves roll onto a beach at dawn"],
    )
    model: str | None = Field(
        None,
        description="A name from `GET /v1/models`, or `sora-2…`, which stands for the default model.",
        examples=["jimeng-video-3.5-pro"],
    )
    size: str | None = Field(
        None,
        description="`auto`, `WIDTHxHEIGHT`, a ratio such as `16:9` or a resolution such as `720p`. The "
        "model's nearest shape is taken, and the smallest resolution that has the short side.",
        examples=["1280x720"],
    )
    ratio: str | None = Field(
        None,
        validation_alias=AliasChoices("ratio", "aspect_ratio", "aspectRatio"),
        description="The shape, one of the model's `ratios`. Wins over `size`.",
        examples=["16:9"],
    )
    resolution: str | None = Field(
        None, description="One of the model's `resolutions`. Wins over `size`.", examples=["720p"]
    )
    seed: Annotated[int | None, BeforeValidator(own_choice)] = Field(
        None,
        ge=0,
        lt=SEEDS,
        description=f"A whole number from 0 to {SEEDS - 1}. Absent, or -1: drawn at random.",
    )
    function_mode: str | None = Field(
        None,
        validation_alias=AliasChoices("functionMode", "function_mode"),
        serialization_alias="functionMode",
        description="How the files are meant: "
        + ", ".join(f"`{word}`" for word in FUNCTIONS)
        + ". Absent: "
        "one picture is where the film begins, a second where it ends; anything more is a reference. Also "
        "read as `functionMode`.",
    )
    frames: Annotated[list[FrameBody] | None, BeforeValidator(_written)] = Field(
        None,
        max_length=50,
        description="For `multi_frame`: of each picture its `duration` (1 to 6 seconds) and its `prompt`, in "
        "their order; in a form as JSON. Absent: `duration` is shared out evenly, or is 5 seconds each.",
    )
    image: Any = pictures(
        f"The first picture, or the first and the last, or references. Each is {_WAYS}. Also read as "
        "`images`, `image_url`, `input_reference`, `file_paths` and `filePaths`, and in a form under any "
        "other name."
    )


class VideoBody(FilmBody):
    """What `POST /v1/videos` takes, as a form or as JSON."""

    seconds: Any = Field(
        None,
        description="The length, as text or as a number; the model's nearest is taken, the longer of two. "
        "Also read as `duration`.",
        json_schema_extra={"type": "string"},
        examples=["5"],
    )
    input_reference: Any = pictures(f"The picture that the film begins with: {_WAYS}.")


class VideoGenerationBody(FilmBody):
    """What `POST /v1/videos/generations` takes, as a form or as JSON."""

    duration: Any = Field(
        None,
        description="The length in seconds, one of the model's `durations`. Also read as `seconds`.",
        json_schema_extra={"type": "integer"},
        examples=[5],
    )
    file_paths: Any = pictures(f"The files, in their order. Each is {_WAYS}. Also `filePaths`.")
    image_file_1: Any = pictures("A picture; up to `image_file_30`, as many as the model takes.")
    video_file_1: Any = pictures("A film, for `omni_reference`: MP4 or MOV. Up to `video_file_10`.")
    audio_file_1: Any = pictures(
        "A sound, for `omni_reference`: WAV or MP3. Up to `audio_file_10`."
    )
    response_format: Annotated[ResponseFormat | None, Word] = Field(
        None, description="`url` (absent) or `b64_json`."
    )
    at_once: bool = Field(
        default=False,
        alias="async",
        description="`true` answers at once with the job, as `/v1/jobs/{id}` shows it.",
    )


class VideoEditBody(FilmBody):
    """What `POST /v1/videos/edits` takes, as a form or as JSON."""

    video: Any = pictures(
        "The film: a file, an http(s) URL, a link of this gateway, or an object with the `id` of a video."
    )
    edit_from: Annotated[float, Number] = Field(
        0.0, ge=0, allow_inf_nan=False, description="The second where the edit begins."
    )
    edit_to: Annotated[float, Number] = Field(
        0.0, ge=0, allow_inf_nan=False, description="The second where it ends. 0: the film's end."
    )


class RemixBody(Body):
    """What `POST /v1/videos/{id}/remix` takes."""

    needs: ClassVar[Mapping[str, str]] = {"prompt": "what is to be different"}

    prompt: str = Field(description="What the film shows now.", examples=["the same, by night"])


class InterpolateBody(Body):
    """What `POST /v1/videos/{id}/interpolate` takes."""

    target_fps: Annotated[int, Number] = Field(
        60, description=f"Pictures a second: {' or '.join(map(str, TARGET_FPS))}."
    )


class VideoUpscaleBody(Body):
    """What `POST /v1/videos/{id}/upscale` takes."""

    resolution: Annotated[str | None, Word] = Field(
        None,
        description="`1080p`, `2k` or `4k`. Absent: the smallest that is more than the film has.",
    )


EXAMPLE_VIDEO: Mapping[str, Any] = {
    "model": "jimeng-video-3.5-pro",
    "prompt": "waves roll onto a beach at dawn",
    "seconds": "5",
    "size": "1280x720",
}
EXAMPLE_GENERATION: Mapping[str, Any] = {
    "model": "jimeng-video-3.5-pro",
    "prompt": "waves roll onto a beach at dawn",
    "ratio": "16:9",
    "resolution": "720p",
    "duration": 5,
}
EXAMPLE_VIDEO_EDIT: Mapping[str, Any] = {
    "prompt": "make it snow",
    "video": {"id": "video_6f1c8a52e4d04b7f9a3c"},
}
