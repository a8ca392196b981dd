"""From a checked body to the film that is to be ordered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jimeng_api.catalog.catalogue import SHIPPED, Catalogue
from jimeng_api.catalog.lookup import unavailable
from jimeng_api.catalog.pixels import Pixels
from jimeng_api.catalog.sites import SITES
from jimeng_api.catalog.sizes import VideoSizeChoice, video_seconds, video_size
from jimeng_api.catalog.video_asks import FUNCTIONS, check_video, video_duration, video_mode
from jimeng_api.catalog.video_models import VideoModel
from jimeng_api.domain.errors import InvalidValue, MissingParameter
from jimeng_api.domain.inputs import Input
from jimeng_api.domain.references import Named, pieces_of
from jimeng_api.domain.requests import Frame, Piece, VideoMode, VideoRequest
from jimeng_api.media.intake import Sent
from jimeng_api.web.parts import WebOptions
from jimeng_api.web.schemas.images.fields import MAX_PROMPT
from jimeng_api.web.schemas.videos.bodies import FilmBody, VideoBody, VideoEditBody
from jimeng_api.web.sources import Given

_SECONDS = ("seconds", "duration")
_PICTURE_SECONDS = 5
_LONGEST = 1000
_NAMING: tuple[VideoMode, ...] = ("omni", "subject_ref", "edit")
_SLOT = re.compile(r"(image|video|audio)_file(?:_[0-9]+)?")
_NOUNS = {"image": "picture", "video": "film", "audio": "sound"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmOrder:
    """A request for a film, understood. `request` makes what to generate of the files that came with it."""

    asked_model: str
    model: VideoModel
    size_adjusted: bool
    request: Callable[[tuple[Input, ...]], VideoRequest]


def chosen_video_model(
    name: str | None,
    *,
    sites: tuple[str, ...],
    options: WebOptions,
    catalogue: Catalogue = SHIPPED,
) -> tuple[str, VideoModel]:
    """The model and the name that was asked for. Raises ModelNotFound, ModelNotAvailable."""
    asked = (name or "").strip() or options.default_video_model
    model = catalogue.video(asked, default=options.default_video_model, sites=sites)
    if not any(site in model.upstream for site in sites):
        raise unavailable(model, [SITES[site] for site in sites])
    return asked, model


def film_order(
    body: FilmBody,
    found: Mapping[str, Any],
    *,
    sources: Sequence[Given],
    sites: tuple[str, ...],
    options: WebOptions,
    seed: int,
    function: str | None = None,
    catalogue: Catalogue = SHIPPED,
) -> FilmOrder:
    """Understand a body, for a caller with accounts on these sites. Refuses what can be refused here.

    `found` is what the body was made of, `sources` the files that came with it. `seed` is taken where the
    caller names none, `function` in place of what the body says.
    """
    asked, model = chosen_video_model(body.model, sites=sites, options=options, catalogue=catalogue)
    function = function or body.function_mode
    function_param = "function_mode" if "function_mode" in found else "functionMode"
    files_param = sources[0].param if sources else "image"
    _check_number(model, sources)
    prompt = _prompt(body.prompt)
    length = _length(body, found, model, function)

    def size(first_input: Pixels | None = None) -> VideoSizeChoice:
        return video_size(
            model,
            size=body.size,
            ratio=body.ratio,
            resolution=body.resolution,
            first_input=first_input,
        )

    adjusted = size().adjusted
    if not sources:  # known before anything is fetched
        video_mode(model, (), function, param=function_param, files_param=files_param)

    def request(inputs: tuple[Input, ...]) -> VideoRequest:
        _check_slots(inputs, sources)
        mode = video_mode(
            model,
            [one.kind for one in inputs],
            function,
            param=function_param,
            files_param=files_param,
        )
        first = next((one for one in inputs if one.width), None)
        chosen = size((first.width, first.height) if first else None)
        frames = _frames(body, prompt, len(inputs), length) if mode == "multi_frame" else ()
        edit_from, edit_to = _edited(body, inputs) if mode == "edit" else (0.0, 0.0)
        seconds = sum(one.seconds for one in frames) or edit_to - edit_from
        wanted = VideoRequest(
            model=model.name,
            prompt=prompt,
            mode=mode,
            ratio=chosen.ratio,
            resolution=chosen.resolution or model.default_resolution,
            seconds=seconds or length or model.default_duration,
            seed=seed if body.seed is None else body.seed,
            inputs=inputs,
            pieces=_pieces(mode, prompt, _named(inputs, sources)),
            frames=frames,
            edit_from=edit_from,
            edit_to=edit_to,
        )
        check_video(model, wanted, files_param=files_param)
        return wanted

    return FilmOrder(asked_model=asked, model=model, size_adjusted=adjusted, request=request)


def with_other_words(
    request: VideoRequest,
    prompt: str,
    *,
    inputs: tuple[Input, ...],
    of_job: str,
    seed: int,
    catalogue: Catalogue = SHIPPED,
) -> VideoRequest:
    """The same film once more, of the same files, as this prompt describes it."""
    prompt = _prompt(prompt)
    frames = tuple(
        replace(one, prompt=prompt if one.prompt == request.prompt else one.prompt)
        for one in request.frames
    )
    again = replace(
        request,
        prompt=prompt,
        seed=seed,
        inputs=inputs,
        pieces=_pieces(request.mode, prompt, [Named(one.kind) for one in inputs]),
        frames=frames,
        remix_of=of_job,
    )
    check_video(catalogue.video(request.model), again)
    return again


def _prompt(text: str) -> str:
    if not text.strip():
        raise MissingParameter("prompt is empty: it says what the film shows.", param="prompt")
    if len(text) > MAX_PROMPT:
        raise InvalidValue(
            f"prompt has {len(text)} characters; at most {MAX_PROMPT} are possible.", param="prompt"
        )
    return text


def _length(
    body: FilmBody, found: Mapping[str, Any], model: VideoModel, function: str | None
) -> int | None:
    """The length that is asked for; None where the ways to make the film leave it to something else."""
    names = _SECONDS if isinstance(body, VideoBody) else _SECONDS[::-1]
    param = next((name for name in names if found.get(name) not in (None, "")), names[0])
    asked = found.get(param)
    if isinstance(asked, bool) or not isinstance(asked, (str, int, float, type(None))):
        raise InvalidValue(f"{param} must be a number of seconds.", param=param)
    mode = FUNCTIONS.get((function or "").strip().lower())
    if mode == "edit" or (mode == "multi_frame" and asked is None):
        return None
    if mode == "multi_frame":
        return _whole(asked, param)
    if isinstance(body, VideoBody):
        return video_seconds(model, asked, param=param)
    return video_duration(model, asked, param=param)


def _whole(asked: str | float | None, param: str) -> int:
    try:
        seconds = float(asked or 0)
    except ValueError:
        seconds = 0
    if not (0 < seconds < _LONGEST and seconds == int(seconds)):
        raise InvalidValue(
            f"{param} must be a whole number of seconds here, not {str(asked)[:40]!r}.", param=param
        )
    return int(seconds)


def _check_number(model: VideoModel, sources: Sequence[Given]) -> None:
    """Before any of them is fetched; of which kinds they are is seen afterwards."""
    most = model.max_inputs_total or max(
        model.max_input_images or 2, model.max_multi_frames or 0, model.max_subject_refs or 0
    )
    if len(sources) > most:
        raise InvalidValue(
            f"{sources[0].param}: {len(sources)} files; {model.name} takes at most {most}.",
            param=sources[0].param,
        )


def _check_slots(inputs: Sequence[Input], sources: Sequence[Given]) -> None:
    """A field that is named for one kind of file holds one of that kind."""
    for one, source in zip(inputs, sources, strict=True):
        slot = _SLOT.fullmatch(source.param)
        if slot and slot[1] != one.kind:
            raise InvalidValue(
                f"{source.param} must be a {_NOUNS[slot[1]]}, not a {_NOUNS[one.kind]}.",
                param=source.param,
            )


def _frames(body: FilmBody, prompt: str, count: int, length: int | None) -> tuple[Frame, ...]:
    if body.frames is not None:
        return tuple(
            Frame(seconds=one.duration, prompt=one.prompt or prompt) for one in body.frames
        )
    if length is None or not count:
        return (Frame(seconds=_PICTURE_SECONDS, prompt=prompt),) * count
    each, more = divmod(length, count)
    return tuple(Frame(seconds=each + (at < more), prompt=prompt) for at in range(count))


def _edited(body: FilmBody, inputs: Sequence[Input]) -> tuple[float, float]:
    """From which second to which: as far as the film goes where nothing else is said."""
    start, end = (body.edit_from, body.edit_to) if isinstance(body, VideoEditBody) else (0.0, 0.0)
    return start, end or (inputs[0].seconds if inputs else 0.0)


def _named(inputs: Sequence[Input], sources: Sequence[Given]) -> list[Named]:
    return [
        Named(one.kind, source.name if isinstance(source, Sent) else "")
        for one, source in zip(inputs, sources, strict=True)
    ]


def _pieces(mode: VideoMode, prompt: str, files: Sequence[Named]) -> tuple[Piece, ...]:
    return pieces_of(prompt, files) if mode in _NAMING else ()
