"""A film as OpenAI shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from jimeng_api.catalog.pixels import VIDEO_TIERS, video_pixels
from jimeng_api.domain.progress import Progress
from jimeng_api.domain.requests import VideoRequest
from jimeng_api.jobs.job import Job
from jimeng_api.web.errors import error_object
from jimeng_api.web.schemas.progress import percent
from jimeng_api.web.schemas.shown import Shown
from jimeng_api.web.video_ids import video_id_of


class VideoErrorReply(Shown):
    code: str
    message: str
    type: str
    param: str | None


class VideoReply(Shown):
    id: str
    object: Literal["video"]
    model: str = Field(description="The name as it was asked for.")
    status: Literal["queued", "in_progress", "completed", "failed"]
    progress: int = Field(
        description="Percent: how much of the time is over that the upstream says it takes."
    )
    created_at: int
    completed_at: int | None
    expires_at: None = None
    prompt: str
    seconds: str = Field(description="The length; once the film is there, its own.")
    size: str | None = Field(description="The size; once the film is there, its own.")
    remixed_from_video_id: str | None
    error: VideoErrorReply | None
    url: str | None = Field(
        None, description="Once completed: where the film is; no key is needed to fetch it."
    )


class VideoList(Shown):
    object: Literal["list"]
    data: list[VideoReply]
    first_id: str | None
    last_id: str | None
    has_more: bool


class VideoDeletedReply(Shown):
    id: str
    object: Literal["video.deleted"]
    deleted: Literal[True]


class FilmReply(Shown):
    """The film; it has `url` or `b64_json`, never both."""

    url: str | None = Field(None, description="Where the film is; no key is needed to fetch it.")
    b64_json: str | None = Field(None, description="The film itself, in base64.")
    revised_prompt: str = Field(description="The prompt, as it was sent.")
    width: int
    height: int
    seconds: float
    bytes: int = Field(description="The length of the file.")


class FilmsReply(Shown):
    created: int = Field(description="When the job was accepted, in Unix seconds.")
    data: list[FilmReply]
    model: str = Field(description="The model's name as it was asked for.")


def video_object(
    job: Job, live: Iterable[Progress], *, link: Callable[[str], str], now: float
) -> dict[str, Any]:
    """The film of a job. `link` makes a link of a media id."""
    request = job.request
    film = job.shown[0] if job.delivered and job.shown else None
    failed = job.failure is not None and not job.delivered
    found = {
        "id": video_id_of(job.id),
        "object": "video",
        "model": job.asked_model,
        "status": "completed" if job.delivered else job.status,
        "progress": percent(job, {look.submit_id: look for look in live}, now=now),
        "created_at": int(job.created_at),
        "completed_at": int(job.finished_at) if job.finished_at and job.delivered else None,
        "expires_at": None,
        "prompt": request.prompt,
        "seconds": f"{film.seconds if film and film.seconds else _seconds(request):.0f}",
        "size": f"{film.width}x{film.height}" if film else _size(request),
        "remixed_from_video_id": _remixed_from(request),
        "error": _error(job) if failed else None,
    }
    return found | {"url": link(film.media_id)} if film else found


def _seconds(request: object) -> float:
    return request.seconds if isinstance(request, VideoRequest) else 0.0


def _size(request: object) -> str | None:
    """What to expect."""
    if not isinstance(request, VideoRequest) or request.resolution not in VIDEO_TIERS:
        return None
    width, height = video_pixels(request.resolution, request.ratio)
    return f"{width}x{height}"


def _remixed_from(request: object) -> str | None:
    if not isinstance(request, VideoRequest) or not request.remix_of:
        return None
    return video_id_of(request.remix_of)


def _error(job: Job) -> dict[str, Any] | None:
    return error_object(job.failure.error(), job=job) if job.failure else None


EXAMPLE_VIDEO_REPLY: Mapping[str, Any] = {
    "id": "video_6f1c8a52e4d04b7f9a3c",
    "object": "video",
    "model": "jimeng-video-3.5-pro",
    "status": "in_progress",
    "progress": 40,
    "created_at": 1763800000,
    "completed_at": None,
    "expires_at": None,
    "prompt": "waves roll onto a beach at dawn",
    "seconds": "5",
    "size": "1280x720",
    "remixed_from_video_id": None,
    "error": None,
}
EXAMPLE_FILMS_REPLY: Mapping[str, Any] = {
    "created": 1763800000,
    "data": [
        {
            "url": "http://127.0.0.1:5100/media/5f0c2a9be1d84c7ab6e3f1d2c4b5a697",
            "revised_prompt": "waves roll onto a beach at dawn",
            "width": 1280,
            "height": 720,
            "seconds": 5.042,
            "bytes": 4718204,
        }
    ],
    "model": "jimeng-video-3.5-pro",
}
