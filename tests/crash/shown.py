"""What a gateway's answers say, in the words of a history."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from tests.crash.history import JobRead, MediaRead, ResultSeen, SubmissionSeen


def job_read(job: Any, *, owner: str, reading: int) -> JobRead:
    """A job's object, as its owner was shown it."""
    return JobRead(
        reading=1 if reading == 1 else 2,
        owner=owner,
        job=job["id"],
        prompt=job["request"]["prompt"],
        status=job["status"],
        code=_error_code(job),
        submissions=[
            SubmissionSeen(submit_id=part["submit_id"], state=part["state"], code=_error_code(part))
            for part in job["submissions"]
        ],
        results=[
            ResultSeen(media=one["id"], size=one["bytes"], sha256=one["sha256"])
            for one in job["results"]
        ],
    )


def media_read(job: JobRead, media: str, status: int, body: bytes, etag: str | None) -> MediaRead:
    """A result of the job as it was downloaded."""
    return MediaRead(
        job=job.job,
        media=media,
        status=status,
        size=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        etag=etag,
        of_prompt=job.prompt.encode() in body,  # the simulator writes it into the file
    )


def outcome(body: str, *, streamed: bool) -> tuple[list[str], str | None]:
    """The media ids and the error's code of a whole answer."""
    if not streamed:
        return _media([body]), code_of(body)
    events = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data:")]
    codes = [code for event in events if (code := code_of(event)) is not None]
    return _media(events), codes[0] if codes else None


def _media(objects: list[str]) -> list[str]:
    found = [msgspec.json.decode(text) for text in objects]
    links = [one["url"] for each in found for one in each.get("data", [each]) if "url" in one]
    return [link.rpartition("/")[2] for link in links]


def code_of(body: str) -> str | None:
    """The error's code of an answer or an event."""
    try:
        return _error_code(msgspec.json.decode(body))
    except msgspec.DecodeError:
        return None


def _error_code(found: dict[str, Any]) -> str | None:
    error = found.get("error")
    return str(error["code"]) if error else None
