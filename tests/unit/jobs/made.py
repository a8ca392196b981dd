"""Jobs for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jimeng_api.domain.errors import ContentRefused, GenerationTimedOut
from jimeng_api.domain.failure import Failure
from jimeng_api.domain.inputs import Finishing, Input, Origin
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.domain.results import Picture
from jimeng_api.jobs.job import Job, State, Submission

INPUT = Input(
    media_id="in-1",
    content_type="image/png",
    width=640,
    height=480,
    size=4711,
    sha256="cd" * 32,
)
FINISHING = Finishing(
    tool="outpaint",
    origin=Origin(item_id="7600000000000000001", history_id="13500000000001", account="a" * 32),
    left=0.5,
)
REQUEST = ImageRequest(
    model="jimeng-4.5",
    prompt='一只猫 🐈, "quoted"\n\'; DROP TABLE jobs; --',
    ratio="1:1",
    resolution="2k",
    width=2048,
    height=2048,
    seed=2**32 - 1,
    count=2,
    output_format="webp",
    output_compression=0,
)


def a_job(name: str = "job_1", *, owner: str = "owner", parts: int = 1, **values: Any) -> Job:
    return Job(
        **{
            "id": name,
            "owner": owner,
            "asked_model": "dall-e-3",
            "request": REQUEST,
            "created_at": 1_767_225_600.25,
            "deadline": 1_767_226_800.25,
            "sessions": b"\x00sealed\xff",
            "submissions": tuple(a_part(name, number) for number in range(parts)),
            **values,
        }
    )


def a_part(job_id: str = "job_1", number: int = 0, **values: Any) -> Submission:
    return Submission(
        **{
            "submit_id": f"{job_id}-{number}",
            "job_id": job_id,
            "number": number,
            "gen_count": 2,
            "seed": 2**32 - 1,
            "site": "cn",
            "account": "a" * 32,
            **values,
        }
    )


def a_picture(number: int = 0, *, job: str = "job_1") -> Picture:
    return Picture(
        media_id=f"{job}-media-{number}",
        number=number,
        item_id=f"item-{number}",
        content_type="image/webp",
        width=2048,
        height=1024,
        size=4711,
        sha256="ab" * 32,
    )


FAILURE = Failure.of(ContentRefused("no"))
TIMED_OUT = Failure.of(GenerationTimedOut("late"))

Move = Callable[[Submission], Submission]
MOVE: dict[State, Move] = {
    State.ACCEPTED: lambda part: part.refused(
        submit_id="another", site="us", account="b" * 32, refused_by=("a" * 32,)
    ),
    State.SUBMITTING: lambda part: part.submitting(digest="d", at=1.0),
    State.RECONCILING: lambda part: part.reconciling(),
    State.RUNNING: lambda part: part.listed("h"),
    State.COMPLETED: lambda part: part.collected(),
    State.FAILED: lambda part: part.failed(FAILURE),
}


def in_state(state: State, **values: Any) -> Submission:
    path = {
        State.ACCEPTED: (),
        State.SUBMITTING: (State.SUBMITTING,),
        State.RECONCILING: (State.SUBMITTING, State.RECONCILING),
        State.RUNNING: (State.SUBMITTING, State.RUNNING),
        State.COMPLETED: (State.SUBMITTING, State.RUNNING, State.COMPLETED),
        State.FAILED: (State.FAILED,),
    }[state]
    part = a_part(**values)
    for step in path:
        part = MOVE[step](part)
    return part


def given_up(state: State = State.RUNNING, *, until: float = 100.0, **values: Any) -> Submission:
    """One that failed while the upstream may have had it: its result may still come."""
    return in_state(state, **values).failed(TIMED_OUT, watched_until=until)
