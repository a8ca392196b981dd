"""What may be asked of a model for films, and what it says to the rest. Pure.

Checked before anything is uploaded or paid. What is not known of a model is let through: the upstream judges.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from jimeng_api.catalog.video_models import VideoModel
from jimeng_api.catalog.video_modes import WAYS_TO_FILM
from jimeng_api.domain.errors import InvalidValue
from jimeng_api.domain.inputs import Input, Material
from jimeng_api.domain.requests import VideoMode, VideoRequest

# As Jimeng's callers say how the files are meant.
FUNCTIONS: Final[Mapping[str, VideoMode]] = MappingProxyType(
    {
        "first_last_frames": "first_last",
        "omni_reference": "omni",
        "multi_frame": "multi_frame",
        "main_reference": "subject_ref",
        "video_edit": "edit",
    }
)
TARGET_FPS: Final = (30, 60)
_FINISHING: Final = ("interpolate", "upscale")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """What the site takes of one kind of file; 0 where there is no limit."""

    noun: str
    most_megabytes: int
    shortest: float = 0.0
    longest: float = 0.0
    least_side: int = 0
    most_side: int = 0
    slowest_fps: int = 0
    fastest_fps: int = 0
    least_area: int = 0
    most_area: int = 0


_MATERIALS: Final[Mapping[Material, _Limits]] = MappingProxyType(
    {
        "image": _Limits(noun="picture", most_megabytes=30, least_side=300, most_side=6000),
        "video": _Limits(
            noun="film",
            most_megabytes=200,
            shortest=1.8,
            longest=30.2,
            slowest_fps=24,
            fastest_fps=60,
        ),
        "audio": _Limits(noun="sound", most_megabytes=15, shortest=1.8, longest=30.2),
    }
)
_EDITED: Final = _Limits(
    noun="film",
    most_megabytes=200,
    shortest=4,
    longest=30,
    least_side=300,
    most_side=6000,
    slowest_fps=24,
    fastest_fps=60,
    least_area=409_600,
    most_area=8_295_044,
)
_SLIMMEST, _WIDEST = 0.4, 2.5  # width over height
_EDIT_PROMPT: Final = 2000
_SLACK: Final = 0.05  # of a second, and of a picture a second: 23.976 is meant by 24


def video_duration(model: VideoModel, asked: str | float | None, *, param: str = "duration") -> int:
    """The length that is asked for, which must be one that the model has."""
    if asked is None or (isinstance(asked, str) and not asked.strip()):
        return model.default_duration
    try:
        seconds = float(asked)
    except ValueError:
        seconds = math.nan
    if seconds in model.durations:
        return int(seconds)
    raise InvalidValue(
        f"{param} must be {_lengths(model.durations)} seconds for {model.name}, not {str(asked)[:40]!r}",
        param=param,
    )


def video_mode(
    model: VideoModel,
    files: Sequence[Material],
    function: str | None = None,
    *,
    param: str = "functionMode",
    files_param: str = "file_paths",
) -> VideoMode:
    """How the files are meant: as `function` says, or else by their kinds and their number."""
    word = (function or "").strip().lower()
    if not word:
        return _mode_by_files(model, files, files_param)
    if word not in FUNCTIONS:
        raise InvalidValue(
            f"{param} must be one of {', '.join(FUNCTIONS)}, not {word[:40]!r}", param=param
        )
    mode = FUNCTIONS[word]
    if mode == "first_last":
        return _mode_of_frames(model, files, files_param)
    if mode not in model.input_modes:
        raise InvalidValue(
            f"{model.name} has no {word}; it can make films {_ways(model)}", param=param
        )
    return mode if files else "t2v" if mode == "omni" else _missing(model, mode, files_param)


def check_video(
    model: VideoModel, request: VideoRequest, *, files_param: str = "file_paths"
) -> None:
    """Raises InvalidValue, with the caller's parameter, for what is known not to be taken."""
    _check_words(model, request)
    if request.mode in _FINISHING:
        _check_finishing(request, files_param)
        return
    if request.mode not in model.input_modes:
        raise InvalidValue(f"{model.name} can make films only {_ways(model)}", param="model")
    _check_number(model, request, files_param)
    if request.mode in ("multi_frame", "subject_ref") and request.resolution == "1080p":
        raise InvalidValue(
            f"{model.name} makes films {WAYS_TO_FILM[request.mode].title} in 720p only",
            param="resolution",
        )
    match request.mode:
        case "multi_frame":
            _check_frames(request, files_param)
        case "omni":
            for one in request.inputs:
                _check_file(one, _MATERIALS[one.kind], files_param)
            _check_total(model, request.inputs, files_param)
        case "edit":
            _check_edit(request, files_param)
        case _:
            pass


def _mode_by_files(model: VideoModel, files: Sequence[Material], param: str) -> VideoMode:
    kinds = set(files)
    frames = kinds <= {"image"} and len(files) <= 2
    by_number: VideoMode = ("t2v", "first_frame", "first_last")[len(files)] if frames else "omni"
    if by_number in model.input_modes:
        return by_number
    if files and "omni" in model.input_modes:
        return "omni"
    return _mode_of_frames(model, files, param)


def _mode_of_frames(model: VideoModel, files: Sequence[Material], param: str) -> VideoMode:
    """From a first picture, or a first and a last one, or none."""
    if any(kind != "image" for kind in files):
        raise InvalidValue(
            f"films and sounds cannot be the first or last picture; {model.name} can make films "
            f"{_ways(model)}",
            param=param,
        )
    modes: tuple[VideoMode, ...] = ("t2v", "first_frame", "first_last")
    possible = [number for number, mode in enumerate(modes) if mode in model.input_modes]
    if len(files) in possible:
        return modes[len(files)]
    taken = f"at most {_number(max(possible), 'picture')}" if any(possible) else "no picture"
    raise InvalidValue(f"{model.name} takes {taken} here, not {len(files)}", param=param)


def _missing(model: VideoModel, mode: VideoMode, param: str) -> VideoMode:
    raise InvalidValue(
        f"{model.name} makes films {WAYS_TO_FILM[mode].title} only when files come with the request",
        param=param,
    )


def _check_words(model: VideoModel, request: VideoRequest) -> None:
    most = model.prompt_max_chars
    if request.mode == "edit":
        most = min(most or _EDIT_PROMPT, _EDIT_PROMPT)
    for words in (request.prompt, *(frame.prompt for frame in request.frames)):
        if most is not None and len(words) > most:
            raise InvalidValue(
                f"{model.name} takes prompts of at most {most} characters here, not {len(words)}",
                param="prompt",
            )


def _check_number(model: VideoModel, request: VideoRequest, param: str) -> None:
    """How many files there may be, of each kind and in all."""
    counts = {
        kind: sum(one.kind == kind for one in request.inputs)
        for kind in ("image", "video", "audio")
    }
    least, most = _numbers(model, request.mode)
    title = WAYS_TO_FILM[request.mode].title
    for kind, limits in _MATERIALS.items():
        limit = most[kind]
        if limit is not None and counts[kind] > limit:
            taken = f"at most {_number(limit, limits.noun)}" if limit else f"no {limits.noun}"
            raise InvalidValue(
                f"{model.name} takes {taken} for a film {title}, not {counts[kind]}", param=param
            )
    if counts["image"] < least:
        raise InvalidValue(
            f"A film {title} needs {_number(least, 'picture')}, not {counts['image']}",
            param=param,
        )
    if model.max_inputs_total is not None and len(request.inputs) > model.max_inputs_total:
        raise InvalidValue(
            f"{model.name} takes at most {model.max_inputs_total} files, not {len(request.inputs)}",
            param=param,
        )
    if request.mode == "omni" and not counts["image"] + counts["video"]:
        raise InvalidValue("A film needs a picture or a film beside the sounds", param=param)


def _numbers(model: VideoModel, mode: VideoMode) -> tuple[int, Mapping[Material, int | None]]:
    """How few pictures there may be, and how many files of each kind; None where that is not known."""
    least, pictures = 0, model.max_input_images
    match mode:
        case "first_frame":
            least, pictures = 1, 1
        case "first_last":
            least, pictures = 2, 2
        case "multi_frame":
            least, pictures = 2, model.max_multi_frames
        case "subject_ref":
            least, pictures = 1, model.max_subject_refs
        case "edit":
            return 0, {"image": pictures, "video": 1, "audio": 0}
        case "omni":
            films, sounds = model.max_input_videos, model.max_input_audios
            return 0, {"image": pictures, "video": films, "audio": sounds}
        case _:
            pictures = 0
    return least, {"image": pictures, "video": 0, "audio": 0}


def _check_frames(request: VideoRequest, param: str) -> None:
    if len(request.frames) != len(request.inputs):
        raise InvalidValue(
            f"Each of the {len(request.inputs)} pictures needs a length of its own, "
            f"not {len(request.frames)} in all",
            param=param,
        )
    for frame in request.frames:
        if frame.seconds not in range(1, 7):
            raise InvalidValue(
                f"Each picture stands for 1 to 6 whole seconds, not {frame.seconds:g}",
                param="duration",
            )


def _check_edit(request: VideoRequest, param: str) -> None:
    first = request.inputs[0] if request.inputs else None
    if first is None or first.kind != "video":
        raise InvalidValue("The first file must be the film that is to be edited", param=param)
    _check_file(first, _EDITED, param)
    for one in request.inputs[1:]:
        _check_file(one, _MATERIALS[one.kind], param)
    end = request.edit_to or first.seconds
    if not 0 <= request.edit_from < end <= first.seconds + _SLACK:
        raise InvalidValue(
            f"The edit must lie within the film's {first.seconds:g} seconds, "
            f"not from {request.edit_from:g} to {end:g}",
            param="edit_from",
        )


def _check_finishing(request: VideoRequest, param: str) -> None:
    films = [one for one in request.inputs if one.kind == "video"]
    if len(request.inputs) != len(films) or len(films) + (request.origin is not None) != 1:
        raise InvalidValue("This works on exactly one film", param=param)
    if request.mode == "interpolate" and request.target_fps not in TARGET_FPS:
        raise InvalidValue(
            f"target_fps must be {' or '.join(map(str, TARGET_FPS))}, not {request.target_fps}",
            param="target_fps",
        )


def _check_file(one: Input, limits: _Limits, param: str) -> None:
    if one.size > limits.most_megabytes * 1024**2:
        raise InvalidValue(
            f"A {limits.noun} may have at most {limits.most_megabytes} MiB", param=param
        )
    if limits.longest and not (limits.shortest - _SLACK <= one.seconds <= limits.longest + _SLACK):
        raise InvalidValue(
            f"A {limits.noun} must last {limits.shortest:g} to {limits.longest:g} seconds, "
            f"not {one.seconds:.3g}",
            param=param,
        )
    if limits.fastest_fps and not (
        limits.slowest_fps - _SLACK <= one.fps <= limits.fastest_fps + _SLACK
    ):
        raise InvalidValue(
            f"A {limits.noun} must have {limits.slowest_fps} to {limits.fastest_fps} pictures a second, "
            f"not {one.fps:.4g}",
            param=param,
        )
    if limits.most_side:
        _check_pixels(one, limits, param)


def _check_pixels(one: Input, limits: _Limits, param: str) -> None:
    size = f"{one.width}x{one.height}"
    sides = (one.width, one.height)
    if min(sides) < limits.least_side or max(sides) > limits.most_side:
        raise InvalidValue(
            f"The sides of a {limits.noun} must have {limits.least_side} to {limits.most_side} pixels, "
            f"not {size}",
            param=param,
        )
    if not _SLIMMEST <= one.width / one.height <= _WIDEST:
        raise InvalidValue(
            f"A {limits.noun} may be {_WIDEST:g} times as long as wide, not {size}", param=param
        )
    if limits.most_area and not limits.least_area <= one.width * one.height <= limits.most_area:
        raise InvalidValue(
            f"A {limits.noun} must have {limits.least_area} to {limits.most_area} pixels in all, "
            f"not {size}",
            param=param,
        )


def _check_total(model: VideoModel, inputs: Sequence[Input], param: str) -> None:
    for kind, noun, most in (
        ("video", "films", model.max_total_input_video_seconds),
        ("audio", "sounds", model.max_total_input_audio_seconds),
    ):
        total = sum(one.seconds for one in inputs if one.kind == kind)
        if most is not None and total > most + _SLACK:
            raise InvalidValue(
                f"{model.name} takes {noun} of at most {most:g} seconds together, not {total:.4g}",
                param=param,
            )


def _ways(model: VideoModel) -> str:
    return ", ".join(way.title for mode, way in WAYS_TO_FILM.items() if mode in model.input_modes)


def _lengths(lengths: Sequence[int]) -> str:
    if len(lengths) > 2 and lengths == tuple(range(lengths[0], lengths[-1] + 1)):
        return f"a whole number of {lengths[0]} to {lengths[-1]}"
    *others, last = map(str, lengths)
    return f"{', '.join(others)} or {last}" if others else last


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
