"""Films, from the caller's request to what the upstream has in its ledger, and back as files."""

from __future__ import annotations

import base64
import io
from typing import Any

import av
import pytest
from PIL import Image

from jimeng_api.catalog.sites import SITES
from tests.answer import Answer
from tests.forms import Parts, multipart, picture
from tests.simulated.asgi import Talk
from tests.simulated.house import KEY, House, submits_sent, until
from tests.simulator.films import a_film, a_sound

VIDEOS = "/v1/videos"
GENERATIONS = "/v1/videos/generations"
WIDE, TALL = picture(640, 360), picture(360, 640, "maroon")
WAVES: dict[str, Any] = {"model": "jimeng-video-3.0", "prompt": "waves", "duration": 5}
OMNI = "jimeng-video-seedance-2.0-fast"


def key_of(site: str) -> str:
    return KEY if site == "cn" else f"{site}-{KEY}"


def uri(body: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(body).decode()}"


async def send(
    house: House, path: str, parts: Parts, *, key: str = KEY, headers: dict[str, str] | None = None
) -> Answer:
    body, kind = multipart(parts)
    return await house.call(
        "POST", path, key=key, talk=Talk(body=body), headers={**kind, **(headers or {})}
    )


async def finished(house: House, answer: Answer, key: str = KEY) -> dict[str, Any]:
    """The video of this answer once it has ended."""
    assert answer.status == 200, answer.body
    video_id = answer.json["id"]
    await house.ended(video_id.replace("video_", "job_"), key)
    found: dict[str, Any] = (await house.call("GET", f"{VIDEOS}/{video_id}", key=key)).json
    return found


async def film_row(house: House, key: str = KEY) -> dict[str, Any]:
    """What the upstream was last asked for."""
    row: dict[str, Any] = (await house.upstream.submits(key.rpartition("-")[2]))[-1]
    assert row["remarks"] == []
    film: dict[str, Any] = row["film"]
    return film


async def content(house: House, video_id: str, query: str = "", **headers: str) -> Answer:
    return await house.call("GET", f"{VIDEOS}/{video_id}/content{query}", headers=headers)


def files(house: House, name: str = "*") -> list[str]:
    return sorted(path.name for path in (house.folder / "media").rglob(name) if path.is_file())


# ------------------------------------------------------------------- every way ----


@pytest.mark.parametrize("site", SITES)
async def test_words_and_a_first_picture_become_films_on_every_site(
    gateway: House, site: str
) -> None:
    key = key_of(site)
    made = await send(gateway, VIDEOS, [("prompt", "waves"), ("seconds", "4")], key=key)
    video = await finished(gateway, made, key)
    assert (video["status"], video["progress"], video["seconds"]) == ("completed", 100, "5")
    assert video["size"] == "1280x720"
    assert video["error"] is None
    assert (await film_row(gateway, key))["mode"] == "t2v"
    parts: Parts = [("input_reference", TALL), ("prompt", "waves"), ("model", "sora-2")]
    video = await finished(gateway, await send(gateway, VIDEOS, parts, key=key), key)
    assert (video["model"], video["size"]) == ("sora-2", "720x1280")
    film = await film_row(gateway, key)
    assert (film["mode"], len(film["inputs"])) == ("first_frame", 1)


@pytest.mark.parametrize(
    ("body", "mode", "inputs"),
    [
        ({"image": [uri(WIDE), uri(WIDE)]}, "first_last", 2),
        ({"file_paths": [uri(WIDE), uri(WIDE)]}, "first_last", 2),
        ({"image": uri(WIDE), "end": "x"}, "first_frame", 1),
        ({"input_reference": {"image_url": uri(WIDE)}}, "first_frame", 1),
        (
            {"functionMode": "multi_frame", "images": [uri(WIDE)] * 3, "duration": 9},
            "multi_frame",
            3,
        ),
        ({"function_mode": "main_reference", "images": [uri(WIDE), uri(TALL)]}, "subject_ref", 2),
        ({"functionMode": "omni_reference", "model": OMNI, "images": [uri(WIDE)] * 3}, "omni", 3),
        ({"model": OMNI, "images": [uri(WIDE)] * 3}, "omni", 3),
    ],
)
async def test_the_files_say_how_they_are_meant(
    gateway: House, body: dict[str, Any], mode: str, inputs: int
) -> None:
    answer = await gateway.call("POST", GENERATIONS, {**WAVES, **body})
    assert answer.status == 200, answer.body
    (found,) = answer.json["data"]
    assert found["url"].startswith("http://gateway.test:5100/media/")
    assert found["revised_prompt"] == "waves"
    film = await film_row(gateway)
    assert (film["mode"], len(film["inputs"])) == (mode, inputs)
    assert (await gateway.fetch(found["url"])).headers["content-type"] == "video/mp4"


async def test_frames_have_lengths_and_words_of_their_own(gateway: House) -> None:
    frames = [{"duration": 2, "prompt": "a calm sea"}, {"duration": 4, "prompt": "a storm"}]
    order = {**WAVES, "functionMode": "multi_frame", "frames": frames, "images": [uri(WIDE)] * 2}
    assert (await gateway.call("POST", GENERATIONS, order)).status == 200
    film = await film_row(gateway)
    assert [(one["seconds"], one["prompt"]) for one in film["inputs"]] == [
        (2, "a calm sea"),
        (4, "a storm"),
    ]


async def test_films_and_sounds_are_references_that_the_prompt_names(gateway: House) -> None:
    parts: Parts = [
        ("image_file_1", picture(640, 480)),
        ("video_file_1", a_film(size=(640, 480))),
        ("audio_file_1", a_sound()),
        ("prompt", "@image_file_1 dances like @video_file_1 to @audio_file_1"),
        ("model", OMNI),
        ("duration", "4"),
        ("functionMode", "omni_reference"),
    ]
    answer = await send(gateway, GENERATIONS, parts)
    assert answer.status == 200, answer.body
    film = await film_row(gateway)
    assert [one["kind"] for one in film["inputs"]] == ["picture", "film", "sound"]
    job = await gateway.job(answer.headers["x-job-id"])
    kinds = [one["content_type"] for one in job["request"]["inputs"]]
    assert kinds == ["image/png", "video/mp4", "audio/wav"]
    assert job["kind"] == "video"


async def test_a_film_is_edited_by_its_id_or_as_a_file(gateway: House) -> None:
    first = await finished(gateway, await gateway.call("POST", VIDEOS, WAVES))
    for body in (
        {"prompt": "make it snow", "video": {"id": first["id"]}},
        {"prompt": "make it snow", "video": first["url"]},
        {"prompt": "make it snow", "video": uri(a_film(size=(960, 540), seconds=5), "video/mp4")},
    ):
        video = await finished(gateway, await gateway.call("POST", f"{VIDEOS}/edits", body))
        assert video["status"] == "completed", video
        assert video["model"] == "jimeng-video-seedance-2.5"
        assert (await film_row(gateway))["mode"] == "edit"


async def test_no_site_without_such_a_model_edits(gateway: House) -> None:
    body = {"prompt": "snow", "video": "https://a.test/a.mp4"}
    answer = await gateway.call("POST", f"{VIDEOS}/edits", body, key=key_of("us"))
    assert (answer.status, answer.error["code"]) == (400, "unsupported_value")
    for path in ("extensions", "characters"):
        answer = await gateway.call("POST", f"{VIDEOS}/{path}", {"prompt": "x"})
        assert (answer.status, answer.error["code"]) == (400, "unsupported_value")
    answer = await gateway.call("GET", f"{VIDEOS}/characters/char_1")
    assert (answer.status, answer.error["code"]) == (404, "not_found")
    assert submits_sent(gateway) == 0


@pytest.mark.parametrize(("tool", "mode"), [("interpolate", "insert_frame"), ("upscale", None)])
async def test_a_finished_film_becomes_better_where_the_upstream_has_it(
    gateway: House, tool: str, mode: str | None
) -> None:
    first = await finished(gateway, await gateway.call("POST", VIDEOS, WAVES))
    uploads = await gateway.upstream.requests("blob")
    answer = await gateway.call("POST", f"{VIDEOS}/{first['id']}/{tool}")
    video = await finished(gateway, answer)
    assert video["status"] == "completed", video
    assert (await film_row(gateway))["mode"] == (mode or "super_resolution")
    assert await gateway.upstream.requests("blob") == uploads
    assert video["size"] == ("1280x720" if mode else "1920x1080")


async def test_a_film_whose_account_is_not_of_the_key_is_not_the_keys(gateway: House) -> None:
    first = await finished(gateway, await gateway.call("POST", VIDEOS, WAVES))
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/upscale"), ("GET", "/content")):
        answer = await gateway.call(
            method, f"{VIDEOS}/{first['id']}{path}", {} if method == "POST" else None, key="f" * 32
        )
        assert (answer.status, answer.error["code"]) == (404, "not_found")


# -------------------------------------------------------------------- its files ----


async def test_a_film_is_fetched_whole_in_part_and_as_pictures(gateway: House) -> None:
    video = await finished(gateway, await gateway.call("POST", VIDEOS, WAVES))
    whole = await content(gateway, video["id"])
    assert (whole.status, whole.headers["content-type"]) == (200, "video/mp4")
    assert whole.headers["content-disposition"].startswith("inline")
    with av.open(io.BytesIO(whole.body)) as container:
        assert container.streams.video[0].width == 1280
    part = await content(gateway, video["id"], range="bytes=4-7")
    assert (part.status, part.body) == (206, b"ftyp")
    assert part.headers["content-range"] == f"bytes 4-7/{len(whole.body)}"
    assert (await content(gateway, video["id"], range="bytes=99999999-")).status == 416
    for variant, kind in (("thumbnail", "WEBP"), ("spritesheet", "JPEG")):
        still = await content(gateway, video["id"], f"?variant={variant}")
        assert still.headers["content-type"] == f"image/{kind.lower()}"
        assert Image.open(io.BytesIO(still.body)).format == kind
        again = await content(gateway, video["id"], f"?variant={variant}", range="bytes=0-3")
        assert (again.status, again.body) == (206, still.body[:4])
    assert (await content(gateway, video["id"], "?variant=poster")).status == 400
    assert len(files(gateway, "*-thumbnail")) == len(files(gateway, "*-spritesheet")) == 1
    media = await gateway.fetch(video["url"])
    assert (media.body, media.headers["content-type"]) == (whole.body, "video/mp4")


async def test_base64_is_the_file(gateway: House) -> None:
    answer = await gateway.call("POST", GENERATIONS, {**WAVES, "response_format": "b64_json"})
    (found,) = answer.json["data"]
    assert "url" not in found
    job = await gateway.job(answer.headers["x-job-id"])
    whole = await gateway.fetch(job["results"][0]["url"])
    assert base64.b64decode(found["b64_json"]) == whole.body


async def test_what_is_not_there_yet_is_told_so(gateway: House) -> None:
    await gateway.upstream.fault("stuck")
    made = await gateway.call("POST", VIDEOS, WAVES)
    assert made.headers["openai-poll-after-ms"] == "3000"
    answer = await content(gateway, made.json["id"])
    assert (answer.status, answer.error["code"]) == (404, "video_not_ready")
    assert answer.headers["x-should-retry"] == "false"


async def test_a_refused_film_has_failed_and_says_why(gateway: House) -> None:
    await gateway.upstream.fault("video_block")
    video = await finished(gateway, await gateway.call("POST", VIDEOS, WAVES))
    assert video["status"] == "failed"
    assert video["error"]["code"] == "moderation_blocked"
    answer = await content(gateway, video["id"])
    assert (answer.status, answer.error["code"]) == (404, "video_not_ready")


# ------------------------------------------------------------ looking after them ----


async def test_the_list_is_walked_by_its_last_id(gateway: House) -> None:
    made = [(await gateway.call("POST", VIDEOS, WAVES)).json["id"] for _ in range(3)]
    await gateway.generate()  # a picture is no video
    seen: list[str] = []
    query = "limit=2"
    while True:
        page = (await gateway.call("GET", f"{VIDEOS}?{query}")).json
        seen += [one["id"] for one in page["data"]]
        assert page["last_id"] == page["data"][-1]["id"]
        if not page["has_more"]:
            break
        query = f"limit=2&after={page['last_id']}"
    assert seen == made[::-1]
    assert (await gateway.call("GET", f"{VIDEOS}?order=asc&limit=1")).json["first_id"] == made[0]
    answer = await gateway.call("GET", f"{VIDEOS}?after=video_none")
    assert (answer.status, answer.error["param"]) == (400, "after")


async def test_a_picture_is_not_shown_as_a_video(gateway: House) -> None:
    answer = await gateway.generate()
    video_id = answer.headers["x-job-id"].replace("job_", "video_")
    assert (await gateway.call("GET", f"{VIDEOS}/{video_id}")).status == 404


async def test_a_deleted_video_leaves_nothing_behind(gateway: House) -> None:
    order = {**WAVES, "image": uri(WIDE)}
    video = await finished(gateway, await gateway.call("POST", VIDEOS, order))
    for variant in ("thumbnail", "spritesheet"):
        await content(gateway, video["id"], f"?variant={variant}")
    gone = await gateway.call("DELETE", f"{VIDEOS}/{video['id']}")
    assert gone.json == {"id": video["id"], "object": "video.deleted", "deleted": True}
    assert files(gateway) == []
    gateway.unknown += 1  # its rows are gone; the ledger has it
    for path in (f"{VIDEOS}/{video['id']}", f"/v1/jobs/{video['id'].replace('video', 'job')}"):
        assert (await gateway.call("GET", path)).status == 404
    assert (await gateway.call("DELETE", f"{VIDEOS}/{video['id']}")).status == 404
    assert (await gateway.fetch(video["url"])).status == 404


async def test_one_that_runs_is_cancelled_first(gateway: House) -> None:
    await gateway.upstream.fault("stuck")
    made = (await gateway.call("POST", VIDEOS, WAVES)).json
    gone = await gateway.call("DELETE", f"{VIDEOS}/{made['id']}")
    assert gone.status == 200, gone.body
    assert gateway.written() == []
    assert gateway.gateway.workshop.find(made["id"].replace("video_", "job_")) is None
    gateway.unknown += len((await gateway.upstream.ledger())["submits"])


async def test_a_remix_has_other_words_and_the_same_files(gateway: House) -> None:
    order = {**WAVES, "image": uri(TALL), "seconds": 10}
    first = await finished(gateway, await gateway.call("POST", VIDEOS, order))
    answer = await gateway.call("POST", f"{VIDEOS}/{first['id']}/remix", {"prompt": "by night"})
    video = await finished(gateway, answer)
    assert video["remixed_from_video_id"] == first["id"]
    assert (video["prompt"], video["seconds"], video["size"]) == ("by night", "10", "720x1280")
    assert (await film_row(gateway))["mode"] == "first_frame"
    await gateway.call("DELETE", f"{VIDEOS}/{first['id']}")
    gateway.unknown += 1
    again = await gateway.call("POST", f"{VIDEOS}/{video['id']}/remix", {"prompt": "in snow"})
    assert (await finished(gateway, again))["status"] == "completed"


async def test_a_remix_of_files_that_are_gone_is_refused(gateway: House) -> None:
    order = {**WAVES, "image": uri(TALL)}
    first = await finished(gateway, await gateway.call("POST", VIDEOS, order))
    for path in (gateway.folder / "media").rglob("in-*"):
        path.unlink()
    answer = await gateway.call("POST", f"{VIDEOS}/{first['id']}/remix", {"prompt": "by night"})
    assert (answer.status, answer.error["param"]) == (400, "video_id")
    assert submits_sent(gateway) == 1


# ------------------------------------------------------------ again, and restarts ----


async def test_the_same_request_again_is_the_same_video(gateway: House) -> None:
    key = {"idempotency-key": "one"}
    parts: Parts = [("input_reference", WIDE), ("prompt", "waves"), ("seconds", "5")]
    made = [await send(gateway, VIDEOS, parts, headers=key) for _ in range(3)]
    assert len({one.json["id"] for one in made}) == 1
    again = await send(gateway, VIDEOS, parts, headers={"x-stainless-retry-count": "1"})
    assert again.json["id"] == made[0].json["id"]
    other = await send(gateway, VIDEOS, parts)
    assert other.json["id"] != made[0].json["id"]
    changed = await send(gateway, VIDEOS, [*parts, ("size", "720x1280")], headers=key)
    assert (changed.status, changed.error["code"]) == (422, "idempotency_key_reused")
    for one in (made[0], other):
        await finished(gateway, one)
    assert submits_sent(gateway) == 2


async def test_whoever_hangs_up_finds_the_film_later(gateway: House) -> None:
    talk = Talk()
    talk.gone.set()
    answer = await gateway.call("POST", GENERATIONS, WAVES, talk=talk)
    assert answer.status == 499
    job = await gateway.ended(answer.headers["x-job-id"])
    assert job["status"] == "completed"
    again = await gateway.call("POST", GENERATIONS, WAVES, headers={"x-stainless-retry-count": "1"})
    assert again.json["data"][0]["url"] == job["results"][0]["url"]


async def test_async_answers_with_the_job(gateway: House) -> None:
    for order in ({**WAVES, "async": True}, {**WAVES, "async": "true"}):
        answer = await gateway.call("POST", GENERATIONS, order)
        assert (answer.json["object"], answer.json["kind"]) == ("job", "video")
        assert (await gateway.ended(answer.json["id"]))["status"] == "completed"


async def test_a_restart_in_the_middle_loses_nothing(gateway: House) -> None:
    made = await gateway.call("POST", VIDEOS, {**WAVES, "image": uri(WIDE)})
    await gateway.crash()
    await gateway.start()
    video = await finished(gateway, made)
    assert video["status"] == "completed"
    assert (await content(gateway, video["id"])).status == 200


async def test_the_pictures_of_a_film_age_out_with_it(house: House) -> None:
    await house.start(keep_media_days=2, keep_jobs_days=30)
    video = await finished(house, await house.call("POST", VIDEOS, WAVES))
    for variant in ("thumbnail", "spritesheet"):
        assert (await content(house, video["id"], f"?variant={variant}")).status == 200
    assert len(files(house)) == 3
    await house.stop()
    house.clock.skip(3 * 86_400.0)
    await house.start()
    await until(lambda: not house.kept())
    assert files(house) == []
    answer = await content(house, video["id"])
    assert (answer.status, answer.error["code"]) == (404, "not_found")
