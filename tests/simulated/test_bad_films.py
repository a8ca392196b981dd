"""What cannot be filmed is refused by name, before anything is uploaded, submitted or charged."""

from __future__ import annotations

from typing import Any

import pytest

from tests.forms import Parts, picture
from tests.simulated.house import House, submits_sent
from tests.simulated.test_films import (
    GENERATIONS,
    OMNI,
    VIDEOS,
    WAVES,
    WIDE,
    files,
    key_of,
    send,
    uri,
)
from tests.simulator.films import a_film, a_sound

GOOD = picture(640, 480)


@pytest.mark.parametrize(
    ("body", "param", "told"),
    [
        ({"prompt": None}, "prompt", "what the film shows"),
        ({"prompt": "  "}, "prompt", "empty"),
        ({"duration": 4}, "duration", "5 or 10"),
        ({"duration": "long"}, "duration", "5 or 10"),
        ({"duration": True}, "duration", "number"),
        ({"duration": None, "seconds": 7}, "seconds", "5 or 10"),
        ({"model": OMNI, "duration": 16}, "duration", "4 to 15"),
        ({"ratio": "7:5"}, "ratio", "21:9, 16:9"),
        ({"resolution": "4k"}, "resolution", "720p, 1080p"),
        ({"size": "banana"}, "size", "WIDTHxHEIGHT"),
        ({"seed": -5}, "seed", "whole number"),
        ({"model": "jimeng-4.5"}, "model", "makes images"),
        ({"functionMode": "loop"}, "functionMode", "omni_reference"),
        ({"function_mode": "loop"}, "function_mode", "omni_reference"),
        ({"functionMode": "omni_reference", "image": uri(GOOD)}, "functionMode", "has no"),
        ({"functionMode": "main_reference"}, "image", "only when files"),
        ({"functionMode": "multi_frame", "images": [uri(GOOD)]}, "images", "2 pictures"),
        (
            {"functionMode": "multi_frame", "images": [uri(GOOD)] * 2, "duration": 20},
            "duration",
            "1 to 6",
        ),
        (
            {"functionMode": "multi_frame", "images": [uri(GOOD)] * 2, "frames": [{}] * 3},
            "images",
            "length of its own",
        ),
        (
            {"functionMode": "multi_frame", "images": [uri(GOOD)] * 2, "frames": [{"duration": 9}]},
            "frames",
            "less than or equal to 6",
        ),
        (
            {
                "functionMode": "multi_frame",
                "images": [uri(GOOD)] * 2,
                "duration": None,
                "resolution": "1080p",
            },
            "resolution",
            "720p only",
        ),
        ({"images": [uri(GOOD)] * 3}, "images", "at most 2"),
        ({"images": [uri(GOOD)] * 11}, "images", "takes at most"),
        ({"model": OMNI, "images": [uri(GOOD)] * 10}, "images", "at most 9 pictures"),
        ({"model": OMNI, "images": [uri(picture(200, 200))] * 3}, "images", "300 to 6000 pixels"),
        ({"image": "ftp://nobody.test/cat.png"}, "image", "http(s) URL"),
        ({"image": uri(b"GIF89a" + bytes(50))}, "image", "neither a PNG"),
        ({"image": 7}, "image", "must be a file"),
        ({"image": {"file_id": "0" * 32}}, "image", "no result"),
        ({"image_file_1": uri(GOOD), "image_file_3": uri(GOOD)}, "image_file_2", "missing"),
        ({"video_file_1": uri(GOOD), "model": OMNI}, "video_file_1", "must be a film"),
        ({"video_file_1": uri(a_film(), "video/mp4")}, "video_file_1", "cannot be the first"),
        (
            {"model": OMNI, "audio_file_1": uri(a_sound(), "audio/wav")},
            "audio_file_1",
            "beside the",
        ),
        (
            {"model": OMNI, "video_file_1": uri(a_film(seconds=1), "video/mp4")},
            "video_file_1",
            "1.8 to 30.2",
        ),
        (
            {"model": OMNI, "video_file_1": uri(a_film(seconds=3, fps=10), "video/mp4")},
            "video_file_1",
            "24 to 60",
        ),
        (
            {"model": OMNI, "file_paths": [uri(a_film(seconds=6), "video/mp4")] * 3},
            "file_paths",
            "at most 15 seconds",
        ),
        (
            {"model": OMNI, "images": [uri(GOOD)] * 3, "prompt": "@image_file_4 dances"},
            "prompt",
            "there are 3",
        ),
        ({"response_format": "mp4"}, "response_format", "b64_json"),
    ],
)
async def test_each_has_a_name_and_what_is_possible(
    gateway: House, body: dict[str, Any], param: str, told: str
) -> None:
    order = {name: value for name, value in {**WAVES, **body}.items() if value is not None}
    answer = await gateway.call("POST", GENERATIONS, order)
    assert (answer.status, answer.error["param"]) == (400, param), answer.body
    assert told in answer.error["message"]
    await _nothing_happened(gateway)


@pytest.mark.parametrize(
    ("parts", "param", "told"),
    [
        ([("video_file_1", a_film()[:-50])], "video_file_1", "ends early"),
        ([("audio_file_1", bytes(3000)), ("image_file_1", GOOD)], "audio_file_1", "neither"),
        ([("video_file_1", b"\0\0\0\x14ftypmp42" + bytes(201 * 2**20))], "video_file_1", "200 MiB"),
        ([("audio_file_1", a_sound()[:44] + bytes(16 * 2**20))], "audio_file_1", "15 MiB"),
        ([("clip", GOOD), ("video_file_1", GOOD)], "video_file_1", "must be a film"),
    ],
)
async def test_files_are_judged_by_their_bytes(
    gateway: House, parts: Parts, param: str, told: str
) -> None:
    answer = await send(gateway, GENERATIONS, [*parts, ("prompt", "waves"), ("model", OMNI)])
    assert (answer.status, answer.error["param"]) == (400, param), answer.body
    assert told in answer.error["message"]
    await _nothing_happened(gateway)


@pytest.mark.parametrize(
    ("seconds", "taken"), [("4", 5), ("8", 10), (7.5, 10), ("12", 10), (1, 5), (None, 5)]
)
async def test_openai_lengths_become_the_nearest(gateway: House, seconds: Any, taken: int) -> None:
    order = {"model": "jimeng-video-3.0", "prompt": "waves", "seconds": seconds}
    answer = await gateway.call("POST", VIDEOS, order)
    assert answer.json["seconds"] == str(taken)


@pytest.mark.parametrize("seconds", ["0", "-4", "soon", "nan", True, [4]])
async def test_what_is_no_length_is_refused(gateway: House, seconds: Any) -> None:
    answer = await gateway.call("POST", VIDEOS, {"prompt": "waves", "seconds": seconds})
    assert (answer.status, answer.error["param"]) == (400, "seconds")
    await _nothing_happened(gateway)


async def test_a_model_of_other_sites_is_refused_with_those_that_are_there(gateway: House) -> None:
    order = {**WAVES, "model": "jimeng-video-seedance-2.5"}
    answer = await gateway.call("POST", GENERATIONS, order, key=key_of("us"))
    assert (answer.status, answer.error["code"]) == (400, "model_not_on_site")
    assert "jimeng-video-3.5-pro" in answer.error["message"]


async def test_a_url_that_leads_nowhere_is_refused(gateway: House) -> None:
    answer = await gateway.call("POST", VIDEOS, {**WAVES, "image": "https://nobody.test/a.mp4"})
    assert (answer.status, answer.error["param"]) == (400, "image")
    assert "could not be fetched" in answer.error["message"]
    gateway.strayed.clear()
    await _nothing_happened(gateway)


async def test_bad_tools_are_refused(gateway: House) -> None:
    video = (await gateway.call("POST", VIDEOS, {**WAVES, "image": uri(WIDE)})).json
    early = await gateway.call("POST", f"{VIDEOS}/{video['id']}/upscale")
    assert (early.status, early.error["code"]) == (404, "video_not_ready")
    await gateway.ended(video["id"].replace("video_", "job_"))
    for tool, body, param in (
        ("upscale", {"resolution": "720p"}, "resolution"),
        ("interpolate", {"target_fps": 25}, "target_fps"),
        ("remix", {}, "prompt"),
        ("remix", {"prompt": " "}, "prompt"),
    ):
        answer = await gateway.call("POST", f"{VIDEOS}/{video['id']}/{tool}", body)
        assert (answer.status, answer.error["param"]) == (400, param), answer.body
    assert submits_sent(gateway) == 1


async def _nothing_happened(house: House) -> None:
    assert submits_sent(house) == 0
    for operation in ("blob", "apply_upload", "apply_vod", "upload_token"):
        assert await house.upstream.requests(operation) == 0
    assert files(house) == []
