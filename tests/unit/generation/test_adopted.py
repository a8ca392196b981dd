"""The job that becomes of a record of the upstream."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from jimeng_api.accounts.session import Session
from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.catalog.video_models import VIDEO_MODELS
from jimeng_api.domain.progress import Item, Progress, Stage
from jimeng_api.domain.requests import GenerationRequest, ImageRequest, VideoRequest
from jimeng_api.domain.secret import Secret
from jimeng_api.generation.adopting import Otherwise, Sighting, adopted, request_of
from jimeng_api.jobs.job import Job, State
from jimeng_api.upstream.replies.film_origins import FilmOrigin
from jimeng_api.upstream.replies.origins import Found, Origin

OTHERWISE = Otherwise(
    picture=IMAGE_MODELS["jimeng-4.5"], film=VIDEO_MODELS["jimeng-video-seedance-2.0"]
)
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


FILM = FilmOrigin(
    model_key="dreamina_ic_generate_video_model_vgfm_3.5_pro",
    prompt="waves",
    mode="first_frame",
    seconds=10.0,
    ratio="9:16",
    resolution="1080p",
    seed=7,
    sent_at=900.0,
)


def seconds(request: GenerationRequest) -> float:
    return 1200.0 if isinstance(request, ImageRequest) else 10_800.0


def job(origin: Origin | FilmOrigin = ORIGIN, progress: Progress = PROGRESS) -> Job:
    session = Session(site="cn", secret=Secret("s" * 32), account="account")
    return adopted(
        Sighting(session, Found(progress, origin)),
        job_id="job_1",
        owner="owner",
        now=1000.0,
        seconds=seconds,
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


def test_a_film_becomes_the_job_of_a_film() -> None:
    made = job(FILM)
    assert made.request == VideoRequest(
        model="jimeng-video-3.5-pro",
        prompt="waves",
        mode="first_frame",
        ratio="9:16",
        resolution="1080p",
        seconds=10.0,
        seed=7,
    )
    (part,) = made.submissions
    assert (made.kind, made.deadline, part.gen_count) == ("video", 11_800.0, None)
    assert (part.seed, part.sent_at) == (7, 900.0)


BARE = FilmOrigin(model_key="something_of_tomorrow")


@pytest.mark.parametrize(
    ("origin", "size", "expected"),
    [
        (BARE, None, ("jimeng-video-seedance-2.0", "16:9", "720p", 5)),
        (BARE, (720, 1280), ("jimeng-video-seedance-2.0", "9:16", "720p", 4.1)),
        (BARE, (1000, 1000), ("jimeng-video-seedance-2.0", "1:1", "720p", 4.1)),
        (replace(FILM, ratio="427:240"), None, ("jimeng-video-3.5-pro", "16:9", "1080p", 10)),
        (replace(FILM, ratio="adaptive"), (960, 720), ("jimeng-video-3.5-pro", "4:3", "1080p", 10)),
        (replace(FILM, ratio="0:0"), None, ("jimeng-video-3.5-pro", "16:9", "1080p", 10)),
        (
            replace(FILM, resolution="9k"),
            (1920, 1080),
            ("jimeng-video-3.5-pro", "9:16", "1080p", 10),
        ),
    ],
)
def test_a_film_is_what_the_record_says_and_else_what_was_filmed(
    origin: FilmOrigin, size: tuple[int, int] | None, expected: tuple[str, str, str, float]
) -> None:
    width, height = size or (0, 0)
    items = (Item(id="1", url="u", kind="film", width=width, height=height, seconds=4.1),)
    seen = replace(PROGRESS, items=items if size else ())
    found = request_of(origin, seen, "cn", otherwise=OTHERWISE)
    assert isinstance(found, VideoRequest)
    assert (found.model, found.ratio, found.resolution, found.seconds) == expected


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
    assert isinstance(found, ImageRequest)
    assert (found.ratio, found.resolution, found.width, found.height) == expected


def test_a_record_that_names_no_submit_id_is_asked_for_by_its_history_id() -> None:
    (part,) = job(progress=replace(PROGRESS, submit_id="")).submissions
    assert (part.submit_id, part.history_id) == ("4711", "4711")
    (part,) = job(progress=replace(PROGRESS, history_id="")).submissions
    assert (part.submit_id, part.history_id) == ("submit", None)
