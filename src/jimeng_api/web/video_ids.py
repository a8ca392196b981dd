"""Videos and their jobs: each id follows from the other. Pure."""

from __future__ import annotations

import re

from jimeng_api.domain.errors import NotFound

_VIDEO = re.compile(r"video_([A-Za-z0-9.-]{1,120})")
_JOB = "job_"


def video_id_of(job_id: str) -> str:
    return f"video_{job_id.removeprefix(_JOB)}"


def job_id_of(video_id: str, *, param: str = "video_id") -> str:
    """Raises NotFound for what is no id of a video."""
    found = _VIDEO.fullmatch(video_id)
    if found is None:
        raise NotFound("There is no such video.", param=param)
    return f"{_JOB}{found[1]}"
