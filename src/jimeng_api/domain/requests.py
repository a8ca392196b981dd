"""What a caller wants, once the edge has understood it: complete, checked, frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jimeng_api.domain.inputs import Finishing, Input, Origin

PictureFormat = Literal["png", "webp", "jpeg"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """Pictures from a prompt, or from other pictures.

    `model` is a name of the catalogue, `ratio` such as "16:9", `resolution` a tier such as "2k", `width` and
    `height` the pixels of that cell. `count` is how many pictures the caller asked for, None for all that the
    upstream makes; `series` is how many the prompt itself asks for, where the model draws series.
    `sample_strength` lies in 0…1, `seed` in 0…2³²-1, `output_compression` in 0…100 (None: the encoder's own).
    `cut_to` are the pixels that each picture is cut and scaled down to, where it has as many.
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
    cut_to: tuple[int, int] | None = None
    inputs: tuple[Input, ...] = ()
    finishing: Finishing | None = None

    @property
    def origin(self) -> Origin | None:
        """What of one account's it works on: no other account can."""
        return self.finishing.origin if self.finishing else None


VideoMode = Literal[
    "t2v",
    "first_frame",
    "first_last",
    "multi_frame",
    "subject_ref",
    "omni",
    "edit",
    "interpolate",
    "upscale",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of a prompt: words, or the request's input of this index (from 0)."""

    text: str = ""
    input: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """How the film gets from one picture of `multi_frame` to the next: in so many seconds, and with what."""

    seconds: float
    prompt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRequest:
    """A film from words, pictures, films and sounds, or from a film that is finished.

    `model`, `ratio`, `resolution` and `seed` are as for pictures. `seconds` is the length that is asked for.
    `inputs` stand in the caller's order; `pieces` are the prompt cut where it names one of them (`omni`,
    `subject_ref`, `edit`), `frames` belong to the inputs one by one (`multi_frame`). `origin` is the film
    that `interpolate` and `upscale` work on, or None where that is the one input; `target_fps` is what
    `interpolate` leads to. `edit_from` and `edit_to` are seconds of the first input. `remix_of` is the job
    whose request this is with other words.
    """

    model: str
    prompt: str
    mode: VideoMode
    ratio: str
    resolution: str
    seconds: float
    seed: int
    inputs: tuple[Input, ...] = ()
    pieces: tuple[Piece, ...] = ()
    frames: tuple[Frame, ...] = ()
    origin: Origin | None = None
    target_fps: int = 60
    edit_from: float = 0.0
    edit_to: float = 0.0
    remix_of: str = ""

    @property
    def count(self) -> int:
        """One task makes one film."""
        return 1

    @property
    def film_seconds(self) -> float:
        """How long the film becomes."""
        match self.mode:
            case "edit":
                return (self.edit_to or self.inputs[0].seconds) - self.edit_from
            case "multi_frame":
                return sum(frame.seconds for frame in self.frames)
            case _:
                return self.seconds

    @property
    def billed_seconds(self) -> float:
        """What the page names when it says what is to be charged: films that go in count as well."""
        if self.mode in ("interpolate", "upscale"):
            return 0.0  # seen of interpolation; of the other, nobody has written it down [C]
        if self.mode == "edit":
            return self.film_seconds
        return self.film_seconds + sum(one.seconds for one in self.inputs if one.kind == "video")

    @property
    def starts_from_films(self) -> bool:
        return any(one.kind == "video" for one in self.inputs)


GenerationRequest = ImageRequest | VideoRequest
