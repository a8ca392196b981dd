"""The same request sent again: how it is known, and which job it belongs to. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from jimeng_api.jobs.job import Job

KEPT_SECONDS = 900.0
"""How long after its end a job is still what a client means that sends its request again by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """What a request says of being a repetition.

    `fingerprint` is the digest of what it asks for, `key` the caller's Idempotency-Key. `again` says that the
    client sends it anew by itself, because it did not see the answer to the first one.
    """

    fingerprint: str
    key: str | None = None
    again: bool = False


def fingerprint(route: str, fields: Mapping[str, Any], files: Iterable[bytes] = ()) -> str:
    """The digest of a request: its fields as they were understood, in any order, and its files' SHA-256.

    The body itself would not do: a form that is sent again has another boundary.
    """
    digest = hashlib.sha256(route.encode())
    digest.update(b"\0" + msgspec.json.encode(fields, order="deterministic"))
    for file in files:
        digest.update(b"\0" + file)
    return digest.hexdigest()


def meant(
    jobs: Iterable[Job], *, awaited: Callable[[str], bool], answered: Callable[[str], bool]
) -> Job | None:
    """Which of its jobs a request that is sent again means; none where nothing of them was ever taken.

    The same order may have been placed twice, and both be sent again: so first one that nobody waits for and
    whose answer has not gone out, the newest of these.
    """
    taken = [job for job in jobs if not job.untouched]
    return min(
        taken,
        key=lambda job: (awaited(job.id), answered(job.id), -job.created_at, job.id),
        default=None,
    )
