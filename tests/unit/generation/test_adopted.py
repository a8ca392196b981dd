"""The job that becomes of a record of the upstream."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from jimeng_api.accounts.session import Session
from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.domain.errors import UnsupportedValue
from jimeng_api.domain.progress import Item, Progress, Stage
from jimeng_api.domain.secret import Secret
from jimeng_api.generation.adopting import Sighting, adopted, request_of
from jimeng_api.jobs.job import Job, State
from jimeng_api.upstream.replies.origins import Found, Origin

OTHERWISE = IMAGE_MODELS["jimeng-4.5"]
PROGRESS = Progress(submit_id="submit", history_id="4711", stage=Stage.RUNNING, status=42)
ORIGIN = Origin(
    model_key="high_aes_general_v41",
    prompt="a cat",
    seed=7,
    ratio_code=3,
    resolution="2k",
    width=2560,
    height=1440,
    count=4,
    sent_at=900.0,
)


def job(origin: Origin = ORIGIN, progress: Progress = PROGRESS) -> Job:
    session = Session(site="cn", secret=Secret("s" * 32), account="account")
    return adopted(
        Sighting(session, Found(progress, origin)),
        job_id="job_1",
        owner="owner",
        now=1000.0,
        deadline=2200.0,
        sessions=b"sealed",
        otherwise=OTHERWISE,
    )


def test_it_is_a_running_job_that_was_sent_by_somebody_else() -> None:
    made = job()
    (part,) = made.submissions
    assert (made.state, part.state, made.status) == (State.RUNNING, State.RUNNING, "in_progress")
    assert (part.submit_id, part.history_id, part.sent_at) == ("submit", "4711", 900.0)
    assert (part.site, part.account, part.digest) == ("cn", "account", None)
    assert (made.created_at, made.deadline, made.sessions) == (1000.0, 2200.0, b"sealed")
    assert made.fingerprint == ""  # nobody ordered it here, so nobody can order it again


def test_all_its_pictures_are_the_result() -> None:
    assert job().request.count is None
    assert job().submissions[0].gen_count == 4


@pytest.mark.parametrize(
    ("key", "site", "model"),
    [
        ("high_aes_general_v41", "cn", "jimeng-4.1"),
        ("high_aes_general_v43", "us", "jimeng-4.7"),  # known, though not on that site
        ("gemini_3_image_pro", "us", "nanobananapro"),
        ("something_of_tomorrow", "cn", "jimeng-4.5"),
        ("", "cn", "jimeng-4.5"),
    ],
)
def test_the_model_is_known_by_the_upstreams_name_for_it(key: str, site: str, model: str) -> None:
    origin = replace(ORIGIN, model_key=key)
    assert request_of(origin, PROGRESS, site, otherwise=OTHERWISE).model == model


def test_a_film_is_refused() -> None:
    with pytest.raises(UnsupportedValue, match="film"):
        job(replace(ORIGIN, film=True))
    with pytest.raises(UnsupportedValue, match="film"):
        job(replace(ORIGIN, model_key="dreamina_seedance_40_pro"))


def drawn(width: int, height: int) -> Progress:
    return replace(PROGRESS, items=(Item(id="1", url="u", width=width, height=height),))


@pytest.mark.parametrize(
    ("origin", "progress", "expected"),
    [
        ({}, PROGRESS, ("16:9", "2k", 2560, 1440)),
        ({"intelligent_ratio": True}, drawn(1728, 2304), ("3:4", "2k", 2560, 1440)),
        ({"width": 0, "height": 0}, PROGRESS, ("16:9", "2k", 2560, 1440)),
        ({"width": 0, "height": 0}, drawn(2559, 1439), ("16:9", "2k", 2559, 1439)),
        ({"ratio_code": 0, "resolution": ""}, PROGRESS, ("16:9", "2k", 2560, 1440)),
        ({"ratio_code": 99, "resolution": "9k"}, PROGRESS, ("16:9", "2k", 2560, 1440)),
        (
            {"ratio_code": 0, "resolution": "", "width": 0, "height": 0},
            PROGRESS,
            ("1:1", "2k", 2048, 2048),
        ),
        ({"width": 10**9, "height": 1}, PROGRESS, ("16:9", "2k", 10**9, 1)),
    ],
)
def test_the_size_is_what_the_record_says_and_else_what_was_drawn(
    origin: dict[str, Any], progress: Progress, expected: tuple[str, str, int, int]
) -> None:
    found = request_of(replace(ORIGIN, **origin), progress, "cn", otherwise=OTHERWISE)
    assert (found.ratio, found.resolution, found.width, found.height) == expected


def test_a_record_that_names_no_submit_id_is_asked_for_by_its_history_id() -> None:
    (part,) = job(progress=replace(PROGRESS, submit_id="")).submissions
    assert (part.submit_id, part.history_id) == ("4711", "4711")
    (part,) = job(progress=replace(PROGRESS, history_id="")).submissions
    assert (part.submit_id, part.history_id) == ("submit", None)
