"""Taking over what the upstream has already: found there, followed like any other, and never submitted."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.catalog.sites import SITES
from jimeng_api.catalog.video_models import VIDEO_MODELS
from jimeng_api.domain.requests import GenerationRequest, ImageRequest, VideoRequest
from jimeng_api.domain.secret import Secret
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.payloads.image import image_payload
from jimeng_api.upstream.payloads.video import video_payload
from tests.answer import Answer
from tests.forms import data_uri, picture
from tests.simulated.door import POLL, Door
from tests.simulated.house import KEY, House, submits_sent, until
from tests.simulated.test_films import WAVES

OTHER = "f" * 32
THIRD = "3" * 32
ASKED = ImageRequest(
    model="jimeng-4.5",
    prompt="a lighthouse, as somebody drew it on the site",
    ratio="16:9",
    resolution="2k",
    width=2560,
    height=1440,
    seed=2_718_281_828,
    count=3,
    negative_prompt="people",
    sample_strength=0.7,
)


FILMED = VideoRequest(
    model="jimeng-video-3.0",
    prompt="waves, as somebody filmed them on the site",
    mode="t2v",
    ratio="9:16",
    resolution="1080p",
    seconds=10,
    seed=3_141_592,
)


async def elsewhere(
    house: House, session: str = KEY, *, site: str = "cn", asked: GenerationRequest = ASKED
) -> tuple[str, str]:
    """Somebody submits without us; the submit id and the history id."""
    client = UpstreamClient(
        Door(house.upstream.app), house.clock, Constants(), "http://upstream.test"
    )
    submit_id = str(uuid.uuid4())
    rest: dict[str, Any] = {
        "submit_id": submit_id,
        "ids": iter(lambda: str(uuid.uuid4()), ""),
        "created_ms": int(house.clock.now() * 1000),
        "constants": Constants(),
    }
    if isinstance(asked, VideoRequest):
        payload = video_payload(asked, VIDEO_MODELS[asked.model], SITES[site], **rest)
    else:
        payload = image_payload(asked, IMAGE_MODELS[asked.model], SITES[site], **rest)
    progress = await client.submit(SITES[site], Secret(session), payload)
    return submit_id, progress.history_id


def looks(house: House) -> int:
    """How often this life of the gateway has looked."""
    return sum(POLL in request.url for request in house.door.asked)


async def adopt(house: House, key: str = KEY, /, **body: Any) -> Answer:
    return await house.call("POST", "/v1/jobs/adopt", body, key=key)


@pytest.fixture
async def foreign(gateway: House) -> House:
    """A gateway, and an upstream that has what others submitted: a job takes five seconds."""
    await gateway.upstream.time(seconds=5)
    return gateway


# ------------------------------------------------------------------------- new jobs


@pytest.mark.parametrize("name", ["id", "submit_id", "history_id"])
async def test_what_was_submitted_elsewhere_becomes_a_job_by_either_of_its_ids(
    foreign: House, name: str
) -> None:
    submit_id, history_id = await elsewhere(foreign)
    answer = await adopt(foreign, **{name: history_id if name == "history_id" else submit_id})
    assert answer.status == 200
    assert answer.headers["x-job-id"] == answer.json["id"]
    job = await foreign.ended(answer.json["id"])
    assert job["status"] == "completed"
    assert len(job["results"]) == 3
    for result in job["results"]:
        assert result["shown"]
        assert (await foreign.fetch(result["url"])).status == 200
    (part,) = job["submissions"]
    assert (part["submit_id"], part["history_id"]) == (submit_id, history_id)
    assert submits_sent(foreign) == 0
    assert foreign.sessions_kept() == 0


async def test_the_request_is_told_as_truly_as_the_record_tells_it(foreign: House) -> None:
    _, history_id = await elsewhere(foreign)
    job = (await adopt(foreign, id=history_id)).json
    assert job["request"] == {
        "model": "jimeng-4.5",
        "prompt": ASKED.prompt,
        "negative_prompt": "people",
        "ratio": "16:9",
        "resolution": "2k",
        "width": 2560,
        "height": 1440,
        "n": None,
        "seed": ASKED.seed,
        "sample_strength": 0.7,
        "intelligent_ratio": False,
        "output_format": "png",
        "inputs": [],
        "finishing": None,
    }
    assert (job["model"], job["submissions"][0]["n"]) == ("jimeng-4.5", 3)


async def test_a_film_becomes_the_job_of_a_film_and_a_video(foreign: House) -> None:
    await foreign.upstream.time(seconds=30)
    submit_id, history_id = await elsewhere(foreign, asked=FILMED)
    answer = await adopt(foreign, id=history_id)
    job = answer.json
    assert (answer.status, job["kind"], job["status"]) == (200, "video", "in_progress")
    assert job["request"] == {
        "model": "jimeng-video-3.0",
        "prompt": FILMED.prompt,
        "mode": "t2v",
        "ratio": "9:16",
        "resolution": "1080p",
        "seconds": 10,
        "seed": FILMED.seed,
        "remix_of": None,
        "inputs": [],
    }
    assert job["expires_at"] - job["created_at"] == 10_800
    job = await foreign.ended(job["id"])
    assert job["status"] == "completed"
    (result,) = job["results"]
    assert (result["width"], result["height"]) == (1080, 1920)
    assert (job["submissions"][0]["submit_id"], job["submissions"][0]["n"]) == (submit_id, None)
    video_id = job["id"].replace("job_", "video_")
    video = (await foreign.call("GET", f"/v1/videos/{video_id}")).json
    assert (video["status"], video["size"], video["seconds"]) == ("completed", "1080x1920", "10")
    film = await foreign.call("GET", f"/v1/videos/{video_id}/content")
    assert (film.status, film.body[4:8]) == (200, b"ftyp")
    assert submits_sent(foreign) == 0


async def test_the_files_that_an_adopted_film_started_from_are_not_ours(foreign: House) -> None:
    order = {**WAVES, "image": data_uri(picture(640, 360)), "prompt": "from a picture"}
    first = await foreign.call("POST", "/v1/videos/generations", order)
    (part,) = (await foreign.job(first.headers["x-job-id"]))["submissions"]
    other = f"{KEY},{OTHER}"  # as a stranger would find it
    job = (await adopt(foreign, other, id=part["history_id"])).json
    assert job["request"]["mode"] == "first_frame"
    assert (job["request"]["prompt"], job["request"]["inputs"]) == ("from a picture", [])
    assert (await foreign.ended(job["id"], other))["status"] == "completed"
    video_id = job["id"].replace("job_", "video_")
    answer = await foreign.call(
        "POST", f"/v1/videos/{video_id}/remix", {"prompt": "by night"}, key=other
    )
    assert (answer.status, answer.error["param"]) == (400, "video_id")
    assert "stayed at the upstream" in answer.error["message"]


async def test_a_film_that_runs_for_long_is_followed_through_a_crash(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=3000)
    submit_id, _ = await elsewhere(house, asked=FILMED)
    job_id = (await adopt(house, id=submit_id)).json["id"]
    await house.clock.sleep(1500)
    await house.crash()

    await house.start()
    assert (await house.ended(job_id))["status"] == "completed"
    assert submits_sent(house) == 0


async def test_a_film_that_was_taken_over_is_made_better_where_it_lies(foreign: House) -> None:
    submit_id, _ = await elsewhere(foreign, asked=FILMED)
    job = await foreign.ended((await adopt(foreign, id=submit_id)).json["id"])
    video_id = job["id"].replace("job_", "video_")
    better = await foreign.call("POST", f"/v1/videos/{video_id}/interpolate")
    assert better.status == 200, better.body
    made = await foreign.ended(better.json["id"].replace("video_", "job_"))
    assert made["status"] == "completed"
    # What others made better is recognised as that.
    (part,) = made["submissions"]
    other = f"{KEY},{OTHER}"
    again = (await adopt(foreign, other, id=part["submit_id"])).json
    assert (again["kind"], again["request"]["mode"]) == ("video", "interpolate")
    assert (await foreign.ended(again["id"], other))["status"] == "completed"
    remix = await foreign.call("POST", f"/v1/videos/{video_id}/remix", {"prompt": "by night"})
    assert (await foreign.ended(remix.json["id"].replace("video_", "job_")))[
        "status"
    ] == "completed"


async def test_a_model_that_is_named_stands_in_for_its_own_kind_only(foreign: House) -> None:
    _, history_id = await elsewhere(foreign, asked=FILMED)
    answer = await adopt(foreign, id=history_id, model="jimeng-4.0")
    assert answer.json["model"] == "jimeng-video-3.0"  # the record names it
    await foreign.ended(answer.json["id"])


async def test_a_history_id_may_come_as_a_number(foreign: House) -> None:
    _, history_id = await elsewhere(foreign)
    assert (await adopt(foreign, id=int(history_id))).status == 200


async def test_what_was_done_long_ago_is_collected_at_once(foreign: House) -> None:
    _, history_id = await elsewhere(foreign)
    foreign.clock.skip(86_400 * 3)
    before = await foreign.upstream.requests("poll")
    job = await foreign.ended((await adopt(foreign, id=history_id)).json["id"])
    assert job["status"] == "completed"
    # The one that found it, and the first of its own: nothing was waited for in between.
    assert await foreign.upstream.requests("poll") - before == 2
    assert job["submissions"][0]["sent_at"] < job["created_at"] - 86_400


async def test_what_still_runs_is_followed_to_its_end(foreign: House) -> None:
    await foreign.upstream.time(seconds=60)
    submit_id, _ = await elsewhere(foreign)
    answer = await adopt(foreign, id=submit_id)
    assert (answer.json["status"], answer.json["state"]) == ("in_progress", "running")
    assert (await foreign.ended(answer.json["id"]))["status"] == "completed"


async def test_what_failed_upstream_becomes_a_job_that_failed_so(foreign: House) -> None:
    await foreign.upstream.fault("text_block", "generate")
    submit_id, _ = await elsewhere(foreign)
    await foreign.clock.sleep(10)
    job = await foreign.ended((await adopt(foreign, id=submit_id)).json["id"])
    assert (job["status"], job["error"]["code"]) == ("failed", "moderation_blocked")


@pytest.mark.parametrize("site", ["us", "jp"])
async def test_every_session_of_the_key_is_asked_until_one_has_it(
    foreign: House, site: str
) -> None:
    _, history_id = await elsewhere(foreign, THIRD, site=site)
    answer = await adopt(foreign, f"{KEY},{OTHER},{site}-{THIRD}", id=history_id)
    assert answer.json["submissions"][0]["site"] == site
    job = await foreign.ended(answer.json["id"], f"{KEY},{OTHER},{site}-{THIRD}")
    assert job["status"] == "completed"


async def test_a_site_that_is_named_is_the_only_one_asked(foreign: House) -> None:
    submit_id, _ = await elsewhere(foreign, OTHER, site="us")
    both = f"{KEY},us-{OTHER}"
    answer = await adopt(foreign, both, id=submit_id, site="cn")
    assert (answer.status, answer.error["code"]) == (404, "not_found")
    polls = await foreign.upstream.requests("poll")
    assert (await adopt(foreign, both, id=submit_id, site="us")).status == 200
    assert polls == 1


async def test_what_no_account_of_the_key_has_is_not_found(foreign: House) -> None:
    submit_id, history_id = await elsewhere(foreign)
    foreign.unknown = 1
    for id_ in ("13500000009999", str(uuid.uuid4()), submit_id, history_id):
        answer = await adopt(foreign, OTHER, id=id_)
        assert (answer.status, answer.error["code"]) == (404, "not_found")
    assert foreign.written() == []


async def test_an_account_that_cannot_be_asked_is_named_as_the_trouble(foreign: House) -> None:
    submit_id, _ = await elsewhere(foreign)
    foreign.unknown = 1
    await foreign.upstream.account(KEY, dead=True)
    answer = await adopt(foreign, f"{KEY},{OTHER}", id=submit_id)
    assert (answer.status, answer.error["code"]) == (401, "upstream_session_expired")
    await foreign.upstream.fault("html_502", "poll")
    answer = await adopt(foreign, OTHER, id=submit_id)
    assert (answer.status, answer.error["code"]) == (502, "upstream_unreachable")


async def test_trouble_with_one_account_does_not_hide_what_another_has(foreign: House) -> None:
    submit_id, _ = await elsewhere(foreign, OTHER)
    await foreign.upstream.account(KEY, dead=True)
    assert (await adopt(foreign, f"{KEY},{OTHER}", id=submit_id)).status == 200


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "missing_required_parameter", "id"),
        ({"id": None}, "missing_required_parameter", "id"),
        ({"id": ""}, "invalid_value", "id"),
        ({"id": "a b"}, "invalid_value", "id"),
        ({"id": "x" * 200}, "invalid_value", "id"),
        ({"id": ["1"]}, "invalid_value", "id"),
        ({"id": True}, "invalid_value", "id"),
        ({"id": "1", "submit_id": "2"}, "invalid_value", "submit_id"),
        ({"id": "1", "site": "mars"}, "invalid_value", "site"),
        ({"id": "1", "site": "us"}, "invalid_value", "site"),
        ({"id": "1", "model": "nothing"}, "model_not_found", "model"),
    ],
)
async def test_an_order_that_cannot_be_meant_asks_nobody(
    gateway: House, body: dict[str, Any], code: str, param: str
) -> None:
    answer = await adopt(gateway, **body)
    assert (answer.error["code"], answer.error["param"]) == (code, param)
    assert gateway.door.asked == []


# ------------------------------------------------------------------- again and again


async def test_whoever_asks_for_it_again_gets_the_same_job(foreign: House) -> None:
    await foreign.upstream.time(seconds=30)
    submit_id, history_id = await elsewhere(foreign)
    answers = await asyncio.gather(
        *(adopt(foreign, id=id_) for id_ in (submit_id, history_id) * 10)
    )
    ids = {answer.json["id"] for answer in answers}
    assert len(ids) == 1
    (job_id,) = ids
    assert (await foreign.ended(job_id))["status"] == "completed"
    polls = await foreign.upstream.requests("poll")
    assert (await adopt(foreign, id=history_id)).json == await foreign.job(job_id)
    assert await foreign.upstream.requests("poll") == polls


async def test_a_job_of_the_callers_own_is_that_job(gateway: House) -> None:
    await gateway.upstream.time(seconds=10)
    answer = await gateway.generate()
    (part,) = gateway.written()
    for id_ in (part["submit_id"], part["history_id"]):
        found = await adopt(gateway, id=id_)
        assert found.json["id"] == answer.headers["x-job-id"]
    assert len(gateway.written()) == 1


async def test_two_keys_that_share_an_account_may_both_have_it(foreign: House) -> None:
    await foreign.upstream.time(seconds=30)
    submit_id, _ = await elsewhere(foreign)
    keys = (KEY, f"{KEY},{OTHER}")
    jobs = [(await adopt(foreign, key, id=submit_id)).json["id"] for key in keys]
    assert len(set(jobs)) == 2
    ended = [await foreign.ended(job, key) for job, key in zip(jobs, keys, strict=True)]
    assert [job["status"] for job in ended] == ["completed"] * 2
    media = [{result["id"] for result in job["results"]} for job in ended]
    assert len(media[0]) == len(media[1]) == 3
    assert not media[0] & media[1]


async def test_a_job_that_is_adopted_under_another_key_does_not_disturb_the_first(
    gateway: House,
) -> None:
    await gateway.upstream.time(seconds=30)
    waiting = asyncio.create_task(gateway.generate())
    await until(lambda: gateway.written() and gateway.written()[0]["history_id"])
    other = f"{KEY},{OTHER}"
    taken = await adopt(gateway, other, id=gateway.written()[0]["submit_id"])
    assert (await waiting).status == 200
    assert (await gateway.ended(taken.json["id"], other))["status"] == "completed"
    assert await gateway.upstream.charged(KEY) == 1


async def test_an_adopted_job_survives_a_crash(house: House) -> None:
    await house.start()
    await house.upstream.time(seconds=30)
    submit_id, _ = await elsewhere(house)
    job_id = (await adopt(house, id=submit_id)).json["id"]
    await house.crash()

    await house.start()
    assert (await house.ended(job_id))["status"] == "completed"
    assert submits_sent(house) == 0


async def test_an_adopted_job_can_be_cancelled_and_its_result_is_kept(foreign: House) -> None:
    await foreign.upstream.time(seconds=30)
    submit_id, _ = await elsewhere(foreign)
    job_id = (await adopt(foreign, id=submit_id)).json["id"]
    answer = await foreign.call("POST", f"/v1/jobs/{job_id}/cancel")
    assert answer.json["error"]["code"] == "job_cancelled"
    assert (await foreign.settled(job_id))["late"] is True


async def test_what_others_sent_teaches_the_pace_nothing(foreign: House) -> None:
    ids = [await elsewhere(foreign) for _ in range(10)]
    foreign.clock.skip(86_400)
    for submit_id, _ in ids:
        await foreign.ended((await adopt(foreign, id=submit_id)).json["id"])
    looked = await foreign.upstream.requests("poll")
    assert (await foreign.generate()).status == 200
    assert await foreign.upstream.requests("poll") - looked <= 10


# ----------------------------------------------------------- jobs that had been given up


async def the_watch_is_over(house: House) -> None:
    """The day has passed in which the result would have been collected by itself; the trouble has, too."""
    house.clock.skip(2 * 86_400)
    await until(lambda: house.sessions_kept() == 0)
    await house.upstream.control("DELETE", "/faults")


async def test_a_job_that_ended_without_its_result_is_looked_for_once_more(house: House) -> None:
    await house.start()
    await house.upstream.time(at_once=True)
    await house.upstream.fault("wrong_magic", times=-1)
    answer = await house.generate()
    assert (answer.status, answer.error["code"]) == (502, "result_corrupt")
    job_id = answer.error["job_id"]
    await the_watch_is_over(house)

    found = await adopt(house, id=house.written()[0]["history_id"])
    assert (found.status, found.json["id"], found.json["status"]) == (200, job_id, "failed")
    job = await house.settled(job_id)
    assert (job["late"], len(job["results"])) == (True, 1)
    assert house.sessions_kept() == 0
    assert await house.upstream.charged(KEY) == 1


async def test_a_job_that_is_watched_already_is_looked_at_at_once(house: House) -> None:
    await house.start(job_seconds=120.0)
    await house.upstream.fault("stuck", "generate", status=42)
    answer = await house.generate()
    assert answer.error["code"] == "generation_timeout"
    await house.crash()
    house.clock.skip(5000)  # the looks have become rare by now: one in eight minutes

    await house.start()
    await until(lambda: looks(house) == 1)
    began = house.clock.monotonic()
    (part,) = house.written()
    assert (await adopt(house, id=part["submit_id"])).json["id"] == answer.error["job_id"]
    await until(lambda: looks(house) == 3)  # that of the adoption, and that of the watch
    assert house.clock.monotonic() - began < 300


async def test_a_job_of_which_the_upstream_knows_nothing_stays_as_it_is(house: House) -> None:
    await house.start(confirmation_seconds=30.0)
    await house.upstream.fault("reset", "generate")
    answer = await house.generate()
    assert answer.error["code"] == "submission_unconfirmed"
    found = await adopt(house, id=house.written()[0]["submit_id"])
    assert (found.status, found.json["id"]) == (200, answer.error["job_id"])
    assert found.json["error"]["code"] == "submission_unconfirmed"


async def test_a_job_whose_session_died_is_collected_with_another_of_the_same_account(
    house: House,
) -> None:
    await house.start()
    await house.upstream.time(at_once=True)
    await house.upstream.account(OTHER, same_user_as=KEY)
    await house.upstream.fault("wrong_magic", times=-1)
    key = f"{KEY},{OTHER}"
    answer = await house.generate(key)
    assert answer.error["code"] == "result_corrupt"
    await the_watch_is_over(house)
    (part,) = house.written()
    await house.upstream.account(KEY, dead=True)
    assert (await adopt(house, key, id=part["history_id"])).status == 200
    job = await house.settled(answer.error["job_id"], key)
    assert job["late"] is True
    assert job["submissions"][0]["account"] != part["account"]


async def test_one_part_of_a_job_that_was_given_up_is_looked_for_by_its_own_id(
    house: House,
) -> None:
    await house.start()
    await house.upstream.time(at_once=True)
    await house.upstream.fault("wrong_magic", times=-1)
    answer = await house.generate(n=10)
    assert answer.error["code"] == "result_corrupt"
    await the_watch_is_over(house)
    job_id = answer.error["job_id"]
    first, second = house.written()
    await adopt(house, id=first["history_id"])
    job = await house.settled(job_id)
    assert job["late"] is False
    assert job["results"]
    await adopt(house, id=second["submit_id"])
    job = await house.settled(job_id)
    assert (job["late"], len(job["results"])) == (True, 10)
    assert await house.upstream.charged(KEY) == 2
