"""What is to be done to a finished film. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jimeng_api.catalog.pixels import VIDEO_TIERS
from jimeng_api.domain.errors import InvalidValue
from jimeng_api.domain.requests import VideoRequest
from jimeng_api.upstream.payloads.draft import Tree, Writer, numbered

_OWN_FPS = 24  # of the films that the upstream makes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Film:
    """The film that is meant: one that the upstream made, or one that was uploaded."""

    vid: str
    seconds: float
    width: int
    height: int
    fps: int


def finished_film(write: Writer, request: VideoRequest, uploads: Sequence[str]) -> Tree:
    film = _film(request, uploads)
    milliseconds = round(film.seconds * 1000)
    if request.mode == "interpolate":
        name = "insert_frame"
        wish = {
            **write.node(),
            "enable": True,
            "target_fps": request.target_fps,
            "origin_fps": film.fps,
            "duration_ms": milliseconds,
        }
    else:
        name = "super_resolution"
        width, height = _enlarged(film, request.resolution)
        wish = {
            "enable": True,
            "target_width": width,
            "target_height": height,
            "origin_width": film.width,
            "origin_height": film.height,
        }
    tree = {
        **write.node(),
        "min_version": "3.0.5",
        "vid": film.vid,
        "lens_motion_type": "",
        "motion_speed": "",
        "template_id": 0,
        "video_mode": 2,
        "fps": film.fps,
        "duration_ms": milliseconds,
        "v2v_opt": {**write.node(), "min_version": "3.1.0", name: wish},
    }
    if request.origin is not None:
        tree["origin_history_id"] = request.origin.history_id
    return tree


def origin_of(write: Writer, request: VideoRequest) -> Tree:
    """Where the upstream finds the film among those it made; an uploaded one needs no such thing."""
    if request.origin is None:
        return {}
    return {
        "video_ref_params": {
            **write.node(),
            "generate_type": 0,
            "item_id": numbered(request.origin.item_id, param="video"),
            "origin_history_id": numbered(request.origin.history_id, param="video"),
        }
    }


def _film(request: VideoRequest, uploads: Sequence[str]) -> _Film:
    origin = request.origin
    if origin is None:
        (one,), (vid,) = request.inputs, uploads
        return _Film(
            vid=vid,
            seconds=one.seconds,
            width=one.width,
            height=one.height,
            fps=round(one.fps) or _OWN_FPS,
        )
    if not origin.vid:
        raise InvalidValue(
            "The upstream did not say under which id it keeps this film.", param="video"
        )
    return _Film(
        vid=origin.vid,
        seconds=origin.seconds or request.seconds,
        width=origin.width,
        height=origin.height,
        fps=_OWN_FPS,
    )


def _enlarged(film: _Film, resolution: str) -> tuple[int, int]:
    """The film's shape with the resolution's short side; a side has an even number of pixels."""
    short = min(film.width, film.height)
    if not short:
        raise InvalidValue("The size of this film is not known.", param="video")
    factor = VIDEO_TIERS[resolution] / short
    if factor <= 1:
        raise InvalidValue(
            f"The film has {film.width}x{film.height} pixels already, which is no less than {resolution}.",
            param="resolution",
        )
    return _even(film.width * factor), _even(film.height * factor)


def _even(pixels: float) -> int:
    return 2 * round(pixels / 2)
