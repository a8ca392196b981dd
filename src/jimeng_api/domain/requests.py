"""What a caller wants, once the edge has understood it: complete, checked, frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jimeng_api.domain.inputs import Finishing, Input

PictureFormat = Literal["png", "webp", "jpeg"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """Pictures from a prompt, or from other pictures.

    `model` is a name of the catalogue, `ratio` such as "16:9", `resolution` a tier such as "2k", `width` and
    `height` the pixels of that cell. `count` is how many pictures the caller asked for, None for all that the
    upstream makes; `series` is how many the prompt itself asks for, where the model draws series.
    `sample_strength` lies in 0…1, `seed` in 0…2³²-1, `output_compression` in 0…100 (None: the encoder's own).
    `inputs` are the pictures to start from, in the caller's order; `finishing` is what is to be done to one
    that is finished, in place of drawing anew.
    """

    model: str
    prompt: str
    ratio: str
    resolution: str
    width: int
    height: int
    seed: int
    count: int | None = None
    series: int | None = None
    negative_prompt: str = ""
    sample_strength: float = 0.5
    intelligent_ratio: bool = False
    output_format: PictureFormat = "png"
    output_compression: int | None = None
    inputs: tuple[Input, ...] = ()
    finishing: Finishing | None = None
