from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jimeng_api.catalog.sizes import video_seconds
from jimeng_api.catalog.video_asks import FUNCTIONS, check_video, video_duration, video_mode
from jimeng_api.catalog.video_models import VIDEO_MODELS
from jimeng_api.domain.errors import InvalidValue
from jimeng_api.domain.inputs import Input, Material, Origin
from jimeng_api.domain.requests import Frame, VideoMode, VideoRequest

PRO = VIDEO_MODELS["jimeng-video-3.0-pro"]  # a first picture, no last one
THREE = VIDEO_MODELS["jimeng-video-3.0"]
DEFAULT = VIDEO_MODELS["jimeng-video-3.5-pro"]
OMNI = VIDEO_MODELS["jimeng-video-seedance-2.0"]
NEWEST = VIDEO_MODELS["jimeng-video-seedance-2.5"]
LITE = VIDEO_MODELS["seedance-2.0-lite"]  # words only
MODELS = st.sampled_from(list(VIDEO_MODELS.values()))
KINDS: list[Material] = ["image", "video", "audio"]


def kept(content_type: str, **more: Any) -> Input:
    return Input(media_id="m", content_type=content_type, sha256="0" * 64, **{"size": 9, **more})


PICTURE = kept("image/png", width=1280, height=720)
FILM = kept("video/mp4", width=1280, height=720, seconds=4.2, fps=24.0)
SOUND = kept("audio/mpeg", width=0, height=0, seconds=5.0)
ORIGIN = Origin(item_id="7", history_id="3", account="a", vid="v0")


def asked(mode: VideoMode = "omni", *inputs: Input, **more: Any) -> VideoRequest:
    return VideoRequest(
        **{
            "model": "m",
            "prompt": "p",
            "mode": mode,
            "ratio": "16:9",
            "resolution": "720p",
            "seconds": 5,
            "seed": 1,
            "inputs": inputs,
            **more,
        }
    )


@pytest.mark.parametrize(
    ("model", "files", "mode"),
    [
        (DEFAULT, [], "t2v"),
        (DEFAULT, ["image"], "first_frame"),
        (DEFAULT, ["image", "image"], "first_last"),
        (OMNI, ["image", "image"], "first_last"),
        (OMNI, ["image"] * 3, "omni"),
        (OMNI, ["video"], "omni"),
        (OMNI, ["image", "audio"], "omni"),
        (VIDEO_MODELS["happyhorse-1.1"], ["image", "image"], "omni"),  # it knows no last picture
        (LITE, [], "t2v"),
    ],
)
def test_files_say_how_they_are_meant(model: Any, files: list[Material], mode: str) -> None:
    assert video_mode(model, files) == mode


@pytest.mark.parametrize(
    ("model", "files", "function", "param", "text"),
    [
        (DEFAULT, ["image"] * 3, None, "file_paths", "at most 2 pictures"),
        (DEFAULT, ["video"], None, "file_paths", "films and sounds"),
        (PRO, ["image"] * 2, None, "file_paths", "at most 1 picture"),
        (LITE, ["image"], None, "file_paths", "no picture"),
        (OMNI, ["image"] * 3, "first_last_frames", "file_paths", "at most 2 pictures"),
        (OMNI, ["video"], "first_last_frames", "file_paths", "films and sounds"),
        (DEFAULT, ["image"], "omni_reference", "functionMode", "from a first picture"),
        (DEFAULT, ["image"], "nonsense", "functionMode", "omni_reference"),
        (THREE, [], "multi_frame", "file_paths", "only when files come"),
        (NEWEST, [], "video_edit", "file_paths", "only when files come"),
    ],
)
def test_what_the_model_does_not_do_is_refused_with_what_it_does(
    model: Any, files: list[Material], function: str | None, param: str, text: str
) -> None:
    with pytest.raises(InvalidValue, match=text) as caught:
        video_mode(model, files, function)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("model", "files", "function", "mode"),
    [
        (OMNI, ["image"], "omni_reference", "omni"),
        (OMNI, [], "omni_reference", "t2v"),
        (OMNI, ["image"], "First_Last_Frames", "first_frame"),
        (THREE, ["image", "image"], "multi_frame", "multi_frame"),
        (THREE, ["image"], "main_reference", "subject_ref"),
        (NEWEST, ["video"], "video_edit", "edit"),
    ],
)
def test_a_function_says_more_than_the_files(
    model: Any, files: list[Material], function: str, mode: str
) -> None:
    assert video_mode(model, files, function) == mode


@given(
    model=MODELS,
    files=st.lists(st.sampled_from(KINDS), max_size=6),
    function=st.sampled_from([None, "", *FUNCTIONS]),
)
def test_a_mode_is_always_one_of_the_models_own(
    model: Any, files: list[Material], function: str | None
) -> None:
    with contextlib.suppress(InvalidValue):
        assert video_mode(model, files, function) in model.input_modes


@pytest.mark.parametrize("said", [None, "", "5", 5, 5.0, " 5 "])
def test_a_length_that_the_model_has(said: Any) -> None:
    assert video_duration(DEFAULT, said) == 5


@pytest.mark.parametrize(
    ("model", "said", "text"),
    [
        (DEFAULT, 7, "5, 10 or 12 seconds"),
        (OMNI, 16, "a whole number of 4 to 15 seconds"),
        (OMNI, 4.5, "a whole number"),
        (THREE, "long", "5 or 10"),
        (VIDEO_MODELS["jimeng-video-veo3"], 5, "8 seconds"),
        (OMNI, "nan", "whole"),
        (OMNI, "inf", "whole"),
    ],
)
def test_a_length_that_it_has_not_is_refused_with_those_it_has(
    model: Any, said: Any, text: str
) -> None:
    with pytest.raises(InvalidValue, match=text) as caught:
        video_duration(model, said, param="duration")
    assert caught.value.param == "duration"


@given(model=MODELS, seconds=st.floats(0.1, 40))
def test_the_nearest_length_is_one_that_may_be_asked_for(model: Any, seconds: float) -> None:
    nearest = video_seconds(model, seconds)
    assert video_duration(model, nearest) == nearest
    best = min(abs(length - seconds) for length in model.durations)
    assert abs(nearest - seconds) == best
    assert not any(length > nearest and abs(length - seconds) == best for length in model.durations)


@pytest.mark.parametrize(
    ("model", "request_"),
    [
        (DEFAULT, asked("t2v")),
        (DEFAULT, asked("first_frame", PICTURE)),
        (DEFAULT, asked("first_last", PICTURE, PICTURE)),
        (OMNI, asked("omni", *[PICTURE] * 9, *[FILM] * 3)),
        (OMNI, asked("omni", PICTURE, SOUND, SOUND)),
        (NEWEST, asked("omni", *[PICTURE] * 30, *[FILM] * 7, *[SOUND] * 6)),
        (NEWEST, asked("edit", FILM, PICTURE, edit_from=1.0, edit_to=4.0)),
        (
            THREE,
            asked("multi_frame", PICTURE, PICTURE, frames=(Frame(seconds=1), Frame(seconds=6))),
        ),
        (THREE, asked("subject_ref", PICTURE)),
        (DEFAULT, asked("interpolate", origin=ORIGIN)),
        (DEFAULT, asked("upscale", FILM)),
        (OMNI, asked("omni", replace(FILM, fps=23.976))),
    ],
)
def test_what_may_be_asked(model: Any, request_: VideoRequest) -> None:
    check_video(model, request_)


FRAMES = (Frame(seconds=2), Frame(seconds=2))


@pytest.mark.parametrize(
    ("model", "request_", "param", "text"),
    [
        (DEFAULT, asked("omni", PICTURE), "model", "can make films only"),
        (OMNI, asked("t2v", PICTURE), "files", "no picture"),
        (OMNI, asked("first_last", PICTURE), "files", "needs 2 pictures"),
        (OMNI, asked("omni", *[PICTURE] * 10), "files", "at most 9 pictures"),
        (OMNI, asked("omni", *[FILM] * 4), "files", "at most 3 films"),
        (OMNI, asked("omni", PICTURE, *[SOUND] * 4), "files", "at most 3 sounds"),
        (OMNI, asked("omni", *[PICTURE] * 9, *[FILM] * 2, *[SOUND] * 2), "files", "at most 12"),
        (OMNI, asked("omni", SOUND), "files", "beside the sounds"),
        (OMNI, asked("omni"), "files", "needs a picture or a film"),
        (OMNI, asked("omni", *[replace(FILM, seconds=8.0)] * 2), "files", "15 seconds together"),
        (OMNI, asked("omni", replace(FILM, seconds=1.0)), "files", "1.8 to 30.2"),
        (OMNI, asked("omni", replace(FILM, seconds=31.0)), "files", "1.8 to 30.2"),
        (OMNI, asked("omni", replace(FILM, fps=12.0)), "files", "24 to 60"),
        (OMNI, asked("omni", replace(FILM, size=201 * 1024**2)), "files", "200 MiB"),
        (OMNI, asked("omni", PICTURE, replace(SOUND, size=16 * 1024**2)), "files", "15 MiB"),
        (OMNI, asked("omni", replace(PICTURE, height=299)), "files", "300 to 6000"),
        (OMNI, asked("omni", replace(PICTURE, width=6001)), "files", "300 to 6000"),
        (OMNI, asked("omni", replace(PICTURE, width=2000)), "files", "2.5 times"),
        (NEWEST, asked("omni", FILM, *[replace(SOUND, seconds=16.0)] * 2), "files", "together"),
        (NEWEST, asked("edit", PICTURE, FILM), "files", "first file must be the film"),
        (NEWEST, asked("edit", FILM, FILM), "files", "at most 1 film"),
        (NEWEST, asked("edit", replace(FILM, seconds=3.0)), "files", "4 to 30"),
        (NEWEST, asked("edit", replace(FILM, width=500, height=500)), "files", "in all"),
        (NEWEST, asked("edit", FILM, edit_from=3.0, edit_to=2.0), "edit_from", "within"),
        (NEWEST, asked("edit", FILM, edit_to=9.0), "edit_from", "within"),
        (NEWEST, asked("edit", FILM, prompt="x" * 2001), "prompt", "2000"),
        (OMNI, asked("t2v", prompt="x" * 4001), "prompt", "4000"),
        (THREE, asked("multi_frame", PICTURE, frames=FRAMES[:1]), "files", "needs 2 pictures"),
        (THREE, asked("multi_frame", *[PICTURE] * 11, frames=FRAMES), "files", "at most 10"),
        (THREE, asked("multi_frame", *[PICTURE] * 3, frames=FRAMES), "files", "length of its own"),
        (
            THREE,
            asked("multi_frame", PICTURE, PICTURE, frames=(Frame(seconds=2.5), FRAMES[0])),
            "duration",
            "1 to 6 whole seconds",
        ),
        (
            THREE,
            asked("multi_frame", PICTURE, PICTURE, frames=FRAMES, resolution="1080p"),
            "resolution",
            "720p only",
        ),
        (THREE, asked("subject_ref", *[PICTURE] * 5), "files", "at most 4 pictures"),
        (DEFAULT, asked("interpolate"), "files", "exactly one film"),
        (DEFAULT, asked("interpolate", FILM, origin=ORIGIN), "files", "exactly one film"),
        (DEFAULT, asked("upscale", PICTURE), "files", "exactly one film"),
        (DEFAULT, asked("interpolate", FILM, target_fps=50), "target_fps", "30 or 60"),
    ],
)
def test_what_may_not_be_asked_is_refused_by_the_callers_name_for_it(
    model: Any, request_: VideoRequest, param: str, text: str
) -> None:
    with pytest.raises(InvalidValue, match=text) as caught:
        check_video(model, request_, files_param="files")
    assert caught.value.param == param


@given(
    model=MODELS,
    mode=st.sampled_from(
        ["t2v", "first_frame", "first_last", "multi_frame", "subject_ref", "omni", "edit"]
    ),
    inputs=st.lists(st.sampled_from([PICTURE, FILM, SOUND]), max_size=14),
)
def test_nothing_passes_that_is_more_than_the_model_takes(
    model: Any, mode: VideoMode, inputs: list[Input]
) -> None:
    request = asked(mode, *inputs, frames=(Frame(seconds=2),) * len(inputs))
    try:
        check_video(model, request)
    except InvalidValue:
        return
    assert mode in model.input_modes
    most = {
        "video": model.max_input_videos,
        "audio": model.max_input_audios,
    }
    for kind, limit in most.items():
        assert limit is None or sum(one.kind == kind for one in inputs) <= limit
    assert model.max_inputs_total is None or len(inputs) <= model.max_inputs_total
