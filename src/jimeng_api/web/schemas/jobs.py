"""A generation as its owner sees it: every state, every submission, no secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from jimeng_api.domain.failure import Failure
from jimeng_api.domain.inputs import Finishing, Input
from jimeng_api.domain.progress import Progress, Queue
from jimeng_api.domain.requests import GenerationRequest, VideoRequest
from jimeng_api.domain.results import Picture
from jimeng_api.jobs.job import Job, Submission
from jimeng_api.web.errors import error_object
from jimeng_api.web.schemas.progress import percent
from jimeng_api.web.schemas.shown import Shown


class QueueReply(Shown):
    """The place in a line: of the gateway, where it waits for an account with room, or of the upstream."""

    line: Literal["gateway", "upstream"]
    position: int
    length: int
    wait_seconds: float | None = Field(
        description="How long the wait will be, as the upstream says, or as things went here lately."
    )
    run_seconds: float | None = Field(
        description="How long the upstream says the work itself will take."
    )


class InputReply(Shown):
    """A file that the request started from. The file itself is not served."""

    content_type: str
    width: int = Field(description="0 for a sound.")
    height: int = Field(description="0 for a sound.")
    seconds: float | None = Field(None, description="Of a film or a sound.")
    bytes: int
    sha256: str


class FinishingReply(Shown):
    """What was to be done to a finished picture."""

    tool: Literal["hd", "smart_hd", "outpaint", "repair"]
    item_id: str | None = Field(
        description="The upstream's id of the picture; null where the picture was sent."
    )
    history_id: str | None


class RequestReply(Shown):
    """What was understood of the request."""

    model: str
    prompt: str
    negative_prompt: str
    ratio: str
    resolution: str
    width: int
    height: int
    n: int | None
    seed: int
    sample_strength: float
    intelligent_ratio: bool
    output_format: str
    inputs: list[InputReply]
    finishing: FinishingReply | None


class FilmRequestReply(Shown):
    """What was understood of a request for a film."""

    model: str
    prompt: str
    mode: Literal[
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
    ratio: str
    resolution: str
    seconds: float
    seed: int
    remix_of: str | None = Field(description="The job whose request this is with other words.")
    inputs: list[InputReply]


class ResultReply(Shown):
    id: str
    url: str
    content_type: str
    width: int
    height: int
    seconds: float | None = Field(None, description="Of a film.")
    bytes: int
    sha256: str
    shown: bool = Field(
        description="Whether it answers the request; the upstream may have made more than were asked for."
    )


class JobErrorReply(Shown):
    message: str
    type: str
    param: str | None
    code: str
    charge: str


class CreditsReply(Shown):
    """Credits; null is what nobody knows, or not yet."""

    expected: int | None = Field(description="What it was thought to cost.")
    charged: int | None = Field(
        description="What the upstream's own book says, read within the hour after the end."
    )


class SubmissionReply(Shown):
    """One paid request to the upstream."""

    number: int
    state: str
    submit_id: str
    history_id: str | None
    site: str | None
    account: str | None = Field(description="A name for the account that says nothing about it.")
    attempt: int
    n: int | None
    sent_at: int | None
    credits: CreditsReply
    error: JobErrorReply | None


class JobReply(Shown):
    id: str
    object: Literal["job"]
    kind: Literal["image", "video"]
    status: Literal["queued", "in_progress", "completed", "failed"]
    state: Literal["accepted", "submitting", "reconciling", "running", "completed", "failed"]
    model: str = Field(description="The name as it was asked for.")
    progress: int = Field(
        description="Percent: of the pictures, those that the upstream has finished; of a film, the time "
        "that is over of what the upstream says it takes. 100 once all is kept here."
    )
    created_at: int
    finished_at: int | None
    expires_at: int = Field(description="When the job is given up, if it has not ended.")
    queue: QueueReply | None
    partial: bool = Field(description="Completed with fewer pictures than were asked for.")
    late: bool = Field(
        description="Failed for being too late, and then its pictures came after all."
    )
    request: RequestReply | FilmRequestReply
    results: list[ResultReply]
    error: JobErrorReply | None
    credits: CreditsReply
    submissions: list[SubmissionReply]


class JobList(Shown):
    object: Literal["list"]
    data: list[JobReply]
    first_id: str | None
    last_id: str | None
    has_more: bool


def job_object(
    job: Job,
    live: Iterable[Progress],
    *,
    link: Callable[[str], str],
    now: float,
    line: Queue | None = None,
) -> dict[str, Any]:
    """The job, with what the last looks at it showed. `link` makes a link of a media id.

    `line` is its place among those that wait here.
    """
    looks = {look.submit_id: look for look in live}
    shown = {picture.media_id for picture in job.shown}
    return {
        "id": job.id,
        "object": "job",
        "kind": job.kind,
        "status": job.status,
        "state": job.state.value,
        "model": job.asked_model,
        "progress": percent(job, looks, now=now),
        "created_at": int(job.created_at),
        "finished_at": _seconds(job.finished_at),
        "expires_at": int(job.deadline),
        "queue": None if job.state.ended else _queue(looks.values(), line),
        "partial": job.partial,
        "late": job.late,
        "request": _request(job.request),
        "results": [
            {**_result(picture), "url": link(picture.media_id), "shown": picture.media_id in shown}
            for picture in job.pictures
        ],
        "error": _error(job.failure, job),
        "credits": {"expected": job.price, "charged": job.charged},
        "submissions": [_submission(part) for part in job.submissions],
    }


def _queue(looks: Iterable[Progress], line: Queue | None) -> dict[str, Any] | None:
    """The worst place of all the submissions: the job is not done before that one is."""
    if line is not None:
        return _place(line, "gateway")
    waiting = [look.queue for look in looks if look.queue != Queue()]
    if not waiting:
        return None
    last = max(waiting, key=lambda queue: (queue.position, queue.wait_seconds or 0))
    return _place(last, "upstream")


def _place(queue: Queue, line: str) -> dict[str, Any]:
    return {
        "line": line,
        "position": queue.position,
        "length": queue.length,
        "wait_seconds": queue.wait_seconds,
        "run_seconds": queue.run_seconds,
    }


def _request(request: GenerationRequest) -> dict[str, Any]:
    if isinstance(request, VideoRequest):
        return _film_request(request)
    return {
        "model": request.model,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "ratio": request.ratio,
        "resolution": request.resolution,
        "width": request.width,
        "height": request.height,
        "n": request.count,
        "seed": request.seed,
        "sample_strength": request.sample_strength,
        "intelligent_ratio": request.intelligent_ratio,
        "output_format": request.output_format,
        "inputs": [_input(one) for one in request.inputs],
        "finishing": _finishing(request.finishing),
    }


def _film_request(request: VideoRequest) -> dict[str, Any]:
    return {
        "model": request.model,
        "prompt": request.prompt,
        "mode": request.mode,
        "ratio": request.ratio,
        "resolution": request.resolution,
        "seconds": request.seconds,
        "seed": request.seed,
        "remix_of": request.remix_of or None,
        "inputs": [_input(one) for one in request.inputs],
    }


def _input(one: Input) -> dict[str, Any]:
    return {
        "content_type": one.content_type,
        "width": one.width,
        "height": one.height,
        **({"seconds": one.seconds} if one.seconds else {}),
        "bytes": one.size,
        "sha256": one.sha256,
    }


def _finishing(finishing: Finishing | None) -> dict[str, Any] | None:
    if finishing is None:
        return None
    origin = finishing.origin
    return {
        "tool": finishing.tool,
        "item_id": origin.item_id if origin else None,
        "history_id": origin.history_id if origin else None,
    }


def _result(picture: Picture) -> dict[str, Any]:
    return {
        "id": picture.media_id,
        "content_type": picture.content_type,
        "width": picture.width,
        "height": picture.height,
        **({"seconds": picture.seconds} if picture.is_film else {}),
        "bytes": picture.size,
        "sha256": picture.sha256,
    }


def _error(failure: Failure | None, job: Job | None = None) -> dict[str, Any] | None:
    if failure is None:
        return None
    return {**error_object(failure.error(), job=job), "charge": failure.charge}


def _submission(part: Submission) -> dict[str, Any]:
    return {
        "number": part.number,
        "state": part.state.value,
        "submit_id": part.submit_id,
        "history_id": part.history_id,
        "site": part.site,
        "account": part.account,
        "attempt": part.attempt,
        "n": part.gen_count,
        "sent_at": _seconds(part.sent_at),
        "credits": {"expected": part.price, "charged": part.charged},
        "error": _error(part.failure),
    }


def _seconds(moment: float | None) -> int | None:
    return None if moment is None else int(moment)


EXAMPLE_JOB: Mapping[str, Any] = {
    "id": "job_6f1c8a52e4d04b7f9a3c",
    "object": "job",
    "kind": "image",
    "status": "in_progress",
    "state": "running",
    "model": "jimeng-4.5",
    "progress": 25,
    "created_at": 1763800000,
    "finished_at": None,
    "expires_at": 1763801200,
    "queue": {
        "line": "upstream",
        "position": 12,
        "length": 430,
        "wait_seconds": 20.0,
        "run_seconds": 15.0,
    },
    "partial": False,
    "late": False,
    "request": {
        "model": "jimeng-4.5",
        "prompt": "a lighthouse at dawn, watercolour",
        "negative_prompt": "",
        "ratio": "1:1",
        "resolution": "2k",
        "width": 2048,
        "height": 2048,
        "n": 4,
        "seed": 2718281828,
        "sample_strength": 0.5,
        "intelligent_ratio": False,
        "output_format": "png",
        "inputs": [],
        "finishing": None,
    },
    "results": [],
    "error": None,
    "credits": {"expected": 16, "charged": None},
    "submissions": [
        {
            "number": 0,
            "state": "running",
            "submit_id": "0b5c1c9e-7a7e-4d0e-a3b8-2f1f0a6f9d10",
            "history_id": "4712345678901",
            "site": "cn",
            "account": "3f9a1c…",
            "attempt": 0,
            "n": 4,
            "sent_at": 1763800001,
            "credits": {"expected": 16, "charged": None},
            "error": None,
        }
    ],
}

EXAMPLE_EVENTS = (
    ": ping\n\n"
    'data: {"id":"job_6f1c8a52e4d04b7f9a3c","object":"job","status":"in_progress","progress":25,"results":[]}'
    "\n\n: ping\n\n"
    'data: {"id":"job_6f1c8a52e4d04b7f9a3c","object":"job","status":"completed","progress":100,"results":'
    '[{"url":"http://127.0.0.1:5100/media/5f0c2a9be1d84c7ab6e3f1d2c4b5a697"}]}\n\n'
)
