"""On which terms a film is made: model, length, size, price, and what it shows."""

import math
from typing import NamedTuple

from jimeng_api.simulator.asked import Asked, AskedFilm, refuse
from jimeng_api.simulator.codes import Refusal
from jimeng_api.simulator.film_models import (
    WORK,
    FilmModel,
    film_size,
    nearest_film_ratio,
    ratio_value,
)
from jimeng_api.simulator.films import FPS, FilmOrder, Scene
from jimeng_api.simulator.menu import Menu
from jimeng_api.simulator.pictures import Order, Shows
from jimeng_api.simulator.sites import Site
from jimeng_api.simulator.sources import Source, tiles_of
from jimeng_api.simulator.switches import Switches

USUAL_RATIO = "16:9"
LONGEST, WIDEST = 60, 4096
"""Seconds of a scene, and pixels on a side, of what is made from an uploaded film."""
_FRAMES = ("first_frame", "first_last", "last_frame", "multi_frame")
"""Modes in which the picture that is given decides the ratio."""
_FRAME_LENGTHS = tuple(range(1, 7))


class FilmTerms(NamedTuple):
    model: FilmModel
    resolution: str
    ratio: str
    price: int
    order: FilmOrder
    origin_history_id: str | None


def film_terms(
    asked: Asked,
    film: AskedFilm,
    sources: list[Source],
    site: Site,
    menu: Menu,
    switches: Switches,
    seed: int,
) -> FilmTerms:
    """What the film will be like; raises `Refusal` where the upstream would."""
    if film.mode in WORK:
        return _work(film, sources[0], switches)
    model = _model(asked, site, menu, switches)
    refusing = switches["wrong_film"] == "refuse"
    _check_counts(model, sources)
    if switches["strict_inputs"]:
        _check_inputs(asked, film, model, sources)
    if refusing and film.mode not in model.modes:
        raise refuse("1001", f"this model knows no {film.mode}")
    resolution = film.resolution or model.usual_resolution
    if resolution not in model.prices:
        if refusing:
            raise refuse("1001", f"no resolution {resolution!r} here")
        resolution = model.usual_resolution
    _check_benefit(film, model, resolution, sources, switches)
    ratio = _ratio(film, model, sources, switches)
    seconds = _seconds(film, model, sources, refusing=refusing)
    billed = seconds
    if film.mode != "edit":
        billed += sum(source.seconds for source in sources if source.kind == "film")
    width, height = film_size(resolution, ratio)
    shows = Shows(inputs=() if film.mode in _FRAMES else tiles_of(sources))
    drawing = Order("png", asked.prompt, seed, 0, width, height, shows)
    sound = model.sound or any(source.kind == "sound" for source in sources)
    frames = round(seconds * FPS) + 1
    order = FilmOrder(_scenes(film, drawing, sources, frames), width, height, FPS, sound)
    return FilmTerms(model, resolution, ratio, model.price(resolution, billed), order, None)


def _model(asked: Asked, site: Site, menu: Menu, switches: Switches) -> FilmModel:
    model = menu.films.get(asked.model_key)
    if model is None:
        raise refuse("1000", f"no model {asked.model_key!r} here")
    gone = model.gone and site.is_cn and switches["old_film_models"] == "gone"
    if gone or site.name not in model.sites:
        raise refuse("2061", "the model is no longer available")
    return model


def _check_counts(model: FilmModel, sources: list[Source]) -> None:
    counts = {
        kind: sum(source.kind == kind for source in sources)
        for kind in ("picture", "film", "sound")
    }
    most = model.inputs
    limits = {"picture": most.pictures, "film": most.films, "sound": most.sounds}
    if len(sources) > most.total or any(counts[kind] > limits[kind] for kind in limits):
        raise refuse("1000", "too much goes in")


def _check_inputs(asked: Asked, film: AskedFilm, model: FilmModel, sources: list[Source]) -> None:
    """The rules for what goes in, which the page of the site checks itself."""
    if len(asked.prompt) > model.longest_prompt:
        raise refuse("1001", "prompt is too long")
    if sources and all(source.kind == "sound" for source in sources):
        raise refuse("1000", "sounds need a picture or a film beside them")
    shortest = 4.0 if film.mode == "edit" else 1.8
    for source in sources:
        sides = (source.width, source.height)
        seen = source.kind in ("picture", "film")
        if seen and not (min(sides) >= 300 and max(sides) <= 6000):
            raise refuse("1001", "an input has sides outside of 300 to 6000 pixels")
        if seen and not 0.4 <= source.width / source.height <= 2.5:
            raise refuse("1001", "the ratio of an input is outside of 0.4 to 2.5")
        if source.kind in ("film", "sound") and not shortest <= source.seconds <= 30.2:
            raise refuse("1001", "the length of an input is out of range")
        if source.bytes > _LARGEST.get(source.kind, math.inf):
            raise refuse("1001", "an input is too large")
    for kind, most in (("film", model.inputs.film_seconds), ("sound", model.inputs.sound_seconds)):
        if sum(source.seconds for source in sources if source.kind == kind) > most:
            raise refuse("1001", "the inputs are too long together")


_LARGEST = {"picture": 30 * 2**20, "film": 200 * 2**20, "sound": 15 * 2**20}


def _check_benefit(
    film: AskedFilm,
    model: FilmModel,
    resolution: str,
    sources: list[Source],
    switches: Switches,
) -> None:
    if switches["wrong_benefit"] == "ignore":
        return
    fits = film.benefit_type in model.benefits.get(resolution, ())
    films = any(source.kind == "film" for source in sources)
    if not fits or ("no_input_video" in film.benefit_type and films):
        raise Refusal(
            "5001",
            data={
                "aigc_data": None,
                "fail_code": "5001",
                "fail_starling_key": "",
                "fail_starling_message": f"credit prededuct failed: {film.benefit_type}",
            },
        )


def _ratio(film: AskedFilm, model: FilmModel, sources: list[Source], switches: Switches) -> str:
    adaptive = film.ratio == "adaptive"
    by_frame = film.mode in _FRAMES and switches["frame_ratio"] == "picture"
    seen = [source for source in sources if source.kind in ("picture", "film")]
    if (by_frame or adaptive) and seen:
        return nearest_film_ratio(seen[0].width / seen[0].height, model.ratios)
    if adaptive:
        return USUAL_RATIO
    if film.ratio in model.ratios:
        return film.ratio
    value = ratio_value(film.ratio)
    if value is None or switches["wrong_film"] == "refuse":
        raise refuse("1001", f"no ratio {film.ratio!r} here")
    return nearest_film_ratio(value, model.ratios)


def _seconds(film: AskedFilm, model: FilmModel, sources: list[Source], *, refusing: bool) -> float:
    if film.mode == "edit":
        index = next(at for at, clip in enumerate(film.clips) if clip.role == "source")
        whole = sources[index].seconds
        return min(whole if film.seconds is None else film.seconds, whole, model.lengths[-1])
    wanted = model.usual_length if film.seconds is None else film.seconds
    if film.mode == "multi_frame":
        if refusing and any(clip.seconds not in _FRAME_LENGTHS for clip in film.clips):
            raise refuse("1001", "a frame lasts 1 to 6 whole seconds")
        return sum(_frame_seconds(film))
    if wanted in model.lengths:
        return wanted
    if refusing:
        raise refuse("1001", "the model makes no film of this length")
    return min(model.lengths, key=lambda length: (abs(length - wanted), length))


def _frame_seconds(film: AskedFilm) -> list[float]:
    """How long each picture of many stays."""
    return [min(max(clip.seconds, 0.5), 8.0) for clip in film.clips]


def _scenes(
    film: AskedFilm, drawing: Order, sources: list[Source], frames: int
) -> tuple[Scene, ...]:
    if film.mode == "multi_frame":
        lengths = [round(seconds * FPS) for seconds in _frame_seconds(film)]
        lengths[-1] += 1
        return tuple(
            Scene(source.look, length) for source, length in zip(sources, lengths, strict=True)
        )
    first, last = (
        [
            Scene(source.look, FPS)
            for source, clip in zip(sources, film.clips, strict=True)
            if clip.role == role
        ]
        for role in ("first", "last")
    )
    return (*first, Scene(drawing, frames - FPS * (len(first) + len(last))), *last)


def _work(film: AskedFilm, source: Source, switches: Switches) -> FilmTerms:
    """Work on a finished film."""
    model, order, task = WORK[film.mode], source.film, source.task
    if order is None or source.kind != "film":
        raise refuse("1000", "there is no film to work on")
    resolution = model.usual_resolution
    if film.mode == "promote":
        resolution = film.resolution or resolution
        made_with = task.model if task is not None else None
        if not isinstance(made_with, FilmModel) or not made_with.sample:
            raise refuse("1000", "only a sample can become a film")
        if resolution not in ("720p", "1080p"):
            raise refuse("1001", f"no resolution {resolution!r} here")
    _check_benefit(film, model, resolution, [], switches)
    ratio = task.film.ratio if task is not None and task.film is not None else ""
    ratio = ratio or nearest_film_ratio(source.width / source.height, model.ratios)
    if film.mode == "promote":
        width, height = film_size(resolution, ratio)
    else:
        width, height = film.size or (min(order.width, WIDEST), min(order.height, WIDEST))
    fps = film.fps or order.fps
    scenes = tuple(
        scene._replace(frames=min(max(2, round(scene.frames * fps / order.fps)), fps * LONGEST))
        for scene in order.scenes
    )
    worked = FilmOrder(scenes, width, height, fps, order.sound)
    price = model.price(resolution, math.floor(order.seconds))
    origin = task.history_id if task is not None else None
    return FilmTerms(model, resolution, ratio, price, worked, origin)
