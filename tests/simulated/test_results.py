"""What callers are handed: true types, true sizes, in the asked form, kept with us."""

from __future__ import annotations

import base64
import hashlib
import io

import pytest
from PIL import Image

from tests.simulated.door import PICTURE
from tests.simulated.house import KEY, House

SMALL = {"model": "jimeng-3.0", "resolution": "1k"}


def opened(body: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(body))
    image.load()
    return image


async def test_a_link_gives_the_picture_that_the_answer_describes(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    answer = await gateway.generate(size="1024x1024", response_format="url")
    (one,) = answer.json["data"]
    file = await gateway.fetch(one["url"])
    image = opened(file.body)
    assert image.format == "PNG"
    assert image.size == (one["width"], one["height"])
    assert len(file.body) == one["bytes"]
    assert file.headers["etag"] == f'"{hashlib.sha256(file.body).hexdigest()}"'
    assert image.width * image.height >= 1024 * 1024


async def test_base64_holds_the_same_picture(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    answer = await gateway.generate(response_format="b64_json")
    body = base64.b64decode(answer.json["data"][0]["b64_json"], validate=True)
    (kept,) = (await gateway.job(answer.headers["x-job-id"]))["results"]
    assert (await gateway.fetch(kept["url"])).body == body


async def test_pictures_of_a_request_come_in_the_upstreams_order(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.fault("cut_picture", times=1)  # so that the first comes last
    answer = await gateway.generate(n=4, response_format="url")
    (row,) = await gateway.upstream.submits(KEY)
    kept = gateway.kept()
    assert [picture["item_id"] for picture in kept] == sorted(p["item_id"] for p in kept)
    shown = [one["url"].rpartition("/")[2] for one in answer.json["data"]]
    assert shown == [picture["media_id"] for picture in kept]
    assert row["pictures"]


@pytest.mark.parametrize("form", ["png", "webp", "jpeg"])
async def test_pictures_come_in_the_form_that_was_asked_for(gateway: House, form: str) -> None:
    await gateway.upstream.time(seconds=5)
    answer = await gateway.generate(**SMALL, output_format=form, response_format="url")
    file = await gateway.fetch(answer.json["data"][0]["url"])
    assert answer.json["output_format"] == form
    assert file.headers["content-type"] == f"image/{form}"
    assert opened(file.body).format == form.upper()


async def test_compression_makes_a_smaller_file(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    sizes = []
    for quality in (5, 95):
        answer = await gateway.generate(
            **SMALL, seed=1, output_format="jpeg", output_compression=quality, response_format="url"
        )
        sizes.append(answer.json["data"][0]["bytes"])
    assert sizes[0] < sizes[1]


async def test_webp_under_a_pngs_name_becomes_a_png(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.fault("webp_as_png")
    answer = await gateway.generate(**SMALL, response_format="url")
    file = await gateway.fetch(answer.json["data"][0]["url"])
    assert opened(file.body).format == "PNG"


async def test_webp_that_was_asked_for_stays_as_it_came(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.fault("webp_as_png")
    answer = await gateway.generate(**SMALL, output_format="webp", response_format="url")
    file = await gateway.fetch(answer.json["data"][0]["url"])
    assert opened(file.body).format == "WEBP"


async def test_a_link_that_has_expired_is_asked_for_anew(gateway: House) -> None:
    await gateway.upstream.time(at_once=True)
    await gateway.upstream.fault("expired_links", "poll")
    answer = await gateway.generate()
    assert answer.status == 200
    assert await gateway.upstream.requests("poll") == 2
    assert await gateway.upstream.requests("picture") == 2


async def test_fresh_links_come_with_the_next_round_over_the_account(gateway: House) -> None:
    await gateway.upstream.time(at_once=True)
    await gateway.upstream.fault("expired_links", "poll")
    answer = await gateway.generate(n=4)
    assert len(answer.json["data"]) == 4
    seen = (await gateway.upstream.control("GET", "/requests?times=1"))["times"]
    first, second = (one["at"] for one in seen if one["operation"] == "poll")
    assert second - first >= 0.9


@pytest.mark.speed(400)
@pytest.mark.parametrize(
    "trouble",
    ["html_502", "too_many_requests", "invalid_parameter", "unauthorized", "missing_record"],
)
async def test_a_fresh_link_is_asked_for_until_it_comes(gateway: House, trouble: str) -> None:
    await gateway.upstream.time(at_once=True)
    await gateway.upstream.fault("expired_links", "poll")
    await gateway.upstream.fault(trouble, "poll", after=1)
    answer = await gateway.generate()
    assert (answer.status, len(answer.json["data"])) == (200, 1)
    assert await gateway.upstream.requests("poll") == 3


@pytest.mark.parametrize("trouble", ["html_picture", "empty_picture", "wrong_magic"])
async def test_a_corrupt_result_is_fetched_three_times(gateway: House, trouble: str) -> None:
    await gateway.upstream.time(at_once=True)
    await gateway.upstream.fault(trouble, times=-1)
    answer = await gateway.generate()
    assert (answer.status, answer.error["code"]) == (502, "result_corrupt")
    assert answer.error["charge"] == "charged"
    assert await gateway.upstream.requests("picture") == 3


@pytest.mark.speed(400)
@pytest.mark.parametrize("trouble", ["reset", "timeout", "html_502", "maintenance"])
async def test_files_that_cannot_be_reached_are_waited_for(gateway: House, trouble: str) -> None:
    await gateway.upstream.time(at_once=True)
    await gateway.upstream.fault(trouble, "picture", times=6)
    assert (await gateway.generate()).status == 200
    assert await gateway.upstream.requests("picture") == 7


async def test_files_that_stay_out_of_reach_fail_the_job_only_when_its_time_is_over(
    house: House,
) -> None:
    await house.start(job_seconds=90.0)
    await house.upstream.time(at_once=True)
    house.door.close(PICTURE, times=-1)
    began = house.clock.monotonic()
    answer = await house.generate()
    assert (answer.status, answer.error["code"]) == (502, "result_corrupt")
    assert answer.headers["x-should-retry"] == "false"
    assert house.clock.monotonic() - began > 30


async def test_one_bad_picture_does_not_take_the_others_along(gateway: House) -> None:
    await gateway.upstream.time(at_once=True)
    await gateway.upstream.fault("wrong_magic", times=3)
    answer = await gateway.generate(n=4)
    assert answer.status == 200
    assert len(answer.json["data"]) in (3, 4)


async def test_nothing_is_fetched_from_where_results_do_not_come_from(gateway: House) -> None:
    await gateway.upstream.time(at_once=True)
    await gateway.upstream.fault("private_links", "poll", times=-1)
    answer = await gateway.generate()
    assert answer.error["code"] == "result_rejected"
    assert await gateway.upstream.requests("picture") == 0
    assert gateway.strayed == []


async def test_a_picture_is_fetched_once_however_often_it_is_seen(gateway: House) -> None:
    await gateway.upstream.time(seconds=3)
    await gateway.upstream.fault("items_before_end", "generate", looks=4)
    assert (await gateway.generate(n=4)).status == 200
    assert await gateway.upstream.requests("picture") == 4


@pytest.mark.parametrize(
    ("size", "tier"),
    [("1024x1024", "1k"), ("1328x1328", "1k"), ("1340x1340", "2k"), ("1920x1080", "2k")],
)
async def test_a_picture_has_exactly_the_size_that_was_asked_for(
    gateway: House, size: str, tier: str
) -> None:
    await gateway.upstream.time(at_once=True)
    body = {"model": "jimeng-3.0", "size": size, "response_format": "url"}
    answer = await gateway.generate(**body, exact_size=True)
    assert answer.status == 200, answer.body
    file = await gateway.fetch(answer.json["data"][0]["url"])
    width, height = map(int, size.split("x"))
    assert opened(file.body).size == (width, height)
    assert answer.json["size"] == size
    assert "x-jimeng-size-adjusted" not in answer.headers
    job = await gateway.job(answer.headers["x-job-id"])
    assert job["request"]["resolution"] == tier


@pytest.mark.parametrize("size", ["8000x8000", "9000x100", "auto", "16:9", None])
async def test_an_exact_size_that_cannot_be_is_refused(gateway: House, size: str | None) -> None:
    answer = await gateway.generate(size=size, exact_size=True)
    assert (answer.status, answer.error["param"]) == (400, "exact_size")
    assert await gateway.upstream.submits(KEY) == []


async def test_a_picture_that_was_cut_is_worked_on_as_it_was_answered(gateway: House) -> None:
    """The upstream has another one, which nobody was shown."""
    await gateway.upstream.time(at_once=True)
    made = await gateway.generate(**SMALL, size="800x600", exact_size=True)
    body = {"job_id": made.headers["x-job-id"], "index": 0}
    answer = await gateway.call("POST", "/v1/images/upscale", body)
    assert answer.json["size"] == "1600x1200"
