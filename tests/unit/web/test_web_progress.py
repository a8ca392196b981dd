"""How far a film has come, as a number that only grows, and ids that lead to each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jimeng_api.domain.errors import GenerationFailed, NotFound
from jimeng_api.domain.failure import Failure
from jimeng_api.domain.progress import Progress, Queue, Stage
from jimeng_api.domain.requests import VideoRequest
from jimeng_api.domain.results import Picture
from jimeng_api.jobs.job import Job, State, Submission
from jimeng_api.web.schemas.progress import elapsed_share, percent
from jimeng_api.web.video_ids import job_id_of, video_id_of

SECONDS = st.floats(0, 20_000)
SENT = 1000.0


def job(state: State = State.RUNNING, sent_at: float | None = SENT, **more: object) -> Job:
    request = VideoRequest(
        model="jimeng-video-3.0", prompt="waves", mode="t2v", ratio="16:9", resolution="720p",
        seconds=5, seed=1,
    )  # fmt: skip
    part = Submission(
        submit_id="s", job_id="job_1", number=0, gen_count=None, seed=1, site="cn", account="a",
        state=state, sent_at=sent_at,
    )  # fmt: skip
    made = Job(
        id="job_1", owner="o", asked_model="m", request=request, created_at=900, deadline=9000,
        state=state, submissions=(part,),
    )  # fmt: skip
    return made if not more else Job(**{**_fields(made), **more})  # type: ignore[arg-type]


def _fields(made: Job) -> dict[str, object]:
    return {name: getattr(made, name) for name in Job.__slots__}


def looks(queue: Queue) -> dict[str, Progress]:
    look = Progress(submit_id="s", history_id="h", stage=Stage.RUNNING, status=20, queue=queue)
    return {"s": look}


def line(*, wait: float | None, run: float | None, place: int = 0) -> Queue:
    return Queue(position=place, wait_seconds=wait, run_seconds=run)


@pytest.mark.parametrize(
    ("queue", "after", "told"),
    [
        (line(wait=0, run=100), 25, 25),
        (line(wait=100, run=100), 50, 25),
        (line(wait=100, run=100, place=9), 100, 50),
        (line(wait=100, run=100, place=2), 300, 75),  # the line is longer than was said
        (line(wait=0, run=100), 500, 99),
        (line(wait=None, run=None), 500, 1),
        (line(wait=60, run=None), 500, 1),
        (line(wait=0, run=100), -5, 1),
    ],
)
def test_the_share_of_the_time_is_told(queue: Queue, after: float, told: int) -> None:
    assert percent(job(), looks(queue), now=SENT + after) == told


def test_ends_and_beginnings_are_certain() -> None:
    assert percent(job(State.ACCEPTED, sent_at=None), {}, now=5000) == 0
    assert percent(job(), {}, now=5000) == 1
    film = Picture(
        media_id="m", number=0, item_id="i", content_type="video/mp4", width=1, height=1, size=1,
        sha256="", seconds=5,
    )  # fmt: skip
    assert percent(job(State.COMPLETED, pictures=(film,)), {}, now=5000) == 100
    failure = Failure.of(GenerationFailed("It failed."))
    assert percent(job(State.FAILED, failure=failure), {}, now=5000) == 0


@given(
    elapsed=SECONDS, later=SECONDS, wait=SECONDS, less=SECONDS, run=SECONDS,
    place=st.integers(0, 500), passed=st.integers(0, 500),
)  # fmt: skip
def test_it_never_falls_while_no_more_is_said_to_be_left(
    *,
    elapsed: float,
    later: float,
    wait: float,
    less: float,
    run: float,
    place: int,
    passed: int,
) -> None:
    before = elapsed_share(line(wait=wait, run=run, place=place), elapsed)
    after = elapsed_share(
        line(wait=max(0.0, wait - less), run=run, place=max(0, place - passed)), elapsed + later
    )
    assert 0 <= before <= after + 1e-9
    assert after <= 1


@given(st.from_regex(r"job_[0-9a-f]{1,64}", fullmatch=True))
def test_ids_lead_to_each_other(job_id: str) -> None:
    assert job_id_of(video_id_of(job_id)) == job_id


@pytest.mark.parametrize(
    "text", ["", "video_", "job_1", "video_a/b", "video_é", "video_" + "a" * 200]
)
def test_what_is_no_id_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        job_id_of(text)
