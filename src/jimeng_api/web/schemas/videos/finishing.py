"""What is to be done to a finished film."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jimeng_api.catalog.catalogue import SHIPPED, Catalogue
from jimeng_api.catalog.pixels import VIDEO_TIERS
from jimeng_api.catalog.video_asks import check_video
from jimeng_api.domain.errors import InvalidValue
from jimeng_api.domain.inputs import Input, Origin
from jimeng_api.domain.requests import VideoMode, VideoRequest
from jimeng_api.domain.results import Picture
from jimeng_api.jobs.job import Job
from jimeng_api.web.schemas.videos.bodies import InterpolateBody, VideoUpscaleBody

LARGER = ("1080p", "2k", "4k")


def finishing_request(
    mode: VideoMode,
    fields: Mapping[str, Any],
    job: Job,
    film: Picture,
    catalogue: Catalogue = SHIPPED,
) -> Callable[[Origin | None, tuple[Input, ...]], VideoRequest]:
    """Understand a body that asks this of a job's film. What it gives is told where the film is."""
    old = job.request
    if not isinstance(old, VideoRequest):
        raise TypeError(old)
    fps, resolution = 60, old.resolution
    if mode == "interpolate":
        fps = InterpolateBody.of(fields).target_fps
    else:
        resolution = _larger(VideoUpscaleBody.of(fields).resolution, film)

    def request(origin: Origin | None, inputs: tuple[Input, ...]) -> VideoRequest:
        wish = VideoRequest(
            model=old.model,
            prompt=old.prompt,
            mode=mode,
            ratio=old.ratio,
            resolution=resolution,
            seconds=film.seconds or old.seconds,
            seed=0,
            inputs=inputs,
            origin=origin,
            target_fps=fps,
        )
        check_video(catalogue.video(old.model), wish, files_param="video_id")
        return wish

    return request


def _larger(asked: str | None, film: Picture) -> str:
    short = min(film.width, film.height)
    possible = [name for name in LARGER if VIDEO_TIERS[name] > short]
    if not possible:
        raise InvalidValue(
            f"The film has {film.width}x{film.height} pixels; no larger resolution can be made.",
            param="video_id",
        )
    if not asked:
        return possible[0]
    if asked not in possible:
        raise InvalidValue(
            f"resolution must be one of {', '.join(possible)} for a film of {film.width}x{film.height} "
            f"pixels, not {asked[:40]!r}.",
            param="resolution",
        )
    return asked
