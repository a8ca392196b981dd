"""Pictures from pictures, from the caller's bytes to what the upstream has in its ledger."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from jimeng_api.catalog.sites import SITES
from tests.answer import Answer
from tests.forms import Parts, data_uri, multipart, picture
from tests.simulated.asgi import Talk
from tests.simulated.house import KEY, House, submits_sent

EDITS = "/v1/images/edits"
WIDE, TALL = picture(640, 360), picture(360, 640, "maroon")
BLUE = {"model": "jimeng-4.5", "prompt": "make it blue", "n": 1}
OTHER = "f" * 32


def key_of(site: str) -> str:
    return KEY if site == "cn" else f"{site}-{KEY}"


async def send(
    house: House,
    path: str,
    parts: Parts,
    *,
    boundary: str = "one",
    key: str = KEY,
    headers: dict[str, str] | None = None,
) -> Answer:
    body, kind = multipart(parts, boundary)
    talk = Talk(body=body)
    return await house.call("POST", path, key=key, talk=talk, headers={**kind, **(headers or {})})


async def submitted(house: House, key: str = KEY) -> list[dict[str, Any]]:
    return await house.upstream.submits(key.rpartition("-")[2])


async def tool(house: House, name: str, key: str = KEY, /, **body: Any) -> Answer:
    return await house.call("POST", f"/v1/images/{name}", body, key=key)


# ----------------------------------------------------------------- drawing ----


@pytest.mark.parametrize("site", SITES)
async def test_pictures_become_pictures_on_every_site(gateway: House, site: str) -> None:
    parts: Parts = [("image[]", WIDE), ("image[]", TALL), ("prompt", "both"), ("n", "2")]
    answer = await send(gateway, EDITS, [*parts, ("model", "jimeng-4.5")], key=key_of(site))
    assert answer.status == 200, answer.body
    assert [(one["width"], one["height"]) for one in answer.json["data"]] == 2 * [(2560, 1440)]
    (row,) = await submitted(gateway)
    assert (row["site"], row["kind"], len(row["inputs"]), row["gen_count"]) == (site, "blend", 2, 2)
    assert row["remarks"] == []
    assert await gateway.upstream.requests("blob") == 2
    job = await gateway.job(answer.headers["x-job-id"], key_of(site))
    assert [(one["width"], one["height"]) for one in job["request"]["inputs"]] == [
        (640, 360),
        (360, 640),
    ]
    assert job["request"]["finishing"] is None


@pytest.mark.parametrize(
    ("path", "body", "count"),
    [
        ("edits", {"images": [{"image_url": data_uri(WIDE)}]}, 1),
        ("edits", {"image": [data_uri(WIDE), data_uri(TALL)]}, 2),
        ("variations", {"image": data_uri(WIDE)}, 1),
        ("compositions", {"images": [data_uri(WIDE), {"url": data_uri(TALL)}, data_uri(WIDE)]}, 3),
        ("generations", {"image": data_uri(WIDE)}, 1),
    ],
)
async def test_every_route_and_form_leads_to_one_blend(
    gateway: House, path: str, body: dict[str, Any], count: int
) -> None:
    answer = await gateway.call("POST", f"/v1/images/{path}", {**BLUE, **body})
    assert answer.status == 200, answer.body
    (row,) = await submitted(gateway)
    assert (row["kind"], len(row["inputs"]), row["remarks"]) == ("blend", count, [])
    if path == "compositions":
        assert answer.json["input_images"] == count


async def test_an_edit_streams(gateway: House) -> None:
    parts: Parts = [("image", WIDE), ("prompt", "x"), ("stream", "true"), ("n", "2")]
    answer = await send(gateway, EDITS, parts)
    assert [event["type"] for event in answer.events] == 2 * ["image_edit.completed"]
    assert base64.b64decode(answer.events[0]["b64_json"])


async def test_a_result_is_edited_further_by_its_link(gateway: House) -> None:
    made = await send(gateway, EDITS, [("image", WIDE), ("prompt", "x"), ("n", "1")])
    link = made.json["data"][0]["url"]
    for named in ({"image_url": link}, {"file_id": link.rpartition("/")[2]}):
        answer = await gateway.call("POST", EDITS, {**BLUE, "images": [named]})
        assert answer.status == 200, answer.body
        assert answer.json["size"] == "2560x1440"


# -------------------------------------------------------------- repeating ----


async def test_a_form_that_is_sent_again_is_the_same_job_and_is_not_uploaded_again(
    gateway: House,
) -> None:
    parts: Parts = [("image", WIDE), ("prompt", "x"), ("n", "1"), ("model", "jimeng-4.5")]
    first = await gateway.leave_form(EDITS, *multipart(parts, "one"))
    again = await send(
        gateway, EDITS, parts, boundary="another", headers={"x-stainless-retry-count": "1"}
    )
    assert again.status == 200
    assert again.headers["x-job-id"] == first
    assert submits_sent(gateway) == 1
    assert await gateway.upstream.requests("blob") == 1


async def test_one_key_is_one_job_for_many_callers_with_files(gateway: House) -> None:
    parts: Parts = [("image", WIDE), ("image", TALL), ("prompt", "x"), ("n", "1")]
    answers = await asyncio.gather(
        *(
            send(gateway, EDITS, parts, boundary=f"b{n}", headers={"idempotency-key": "k"})
            for n in range(20)
        )
    )
    assert {answer.body for answer in answers} == {answers[0].body}
    assert answers[0].status == 200
    assert submits_sent(gateway) == 1
    assert await gateway.upstream.requests("blob") == 2
    other = await send(gateway, EDITS, [*parts, ("user", "u")], headers={"idempotency-key": "k"})
    assert (other.status, other.error["code"]) == (422, "idempotency_key_reused")


# ------------------------------------------------------------------ tools ----


@pytest.mark.parametrize("site", SITES)
async def test_what_the_upstream_made_is_worked_on_where_it_is(gateway: House, site: str) -> None:
    key = key_of(site)
    made = await gateway.generate(key, n=2, ratio="16:9")
    job_id, link = made.headers["x-job-id"], made.json["data"][1]["url"]
    item = (await submitted(gateway))[0]["history_id"]
    asked: list[tuple[str, dict[str, Any], str, int]] = [
        ("upscale", {"job_id": job_id}, "normal_hd", 1),
        ("upscale", {"job_id": job_id, "index": 1, "mode": "smart"}, "pro_hd", 1),
        ("upscale", {"image": link}, "normal_hd", 1),
        ("outpaint", {"job_id": job_id, "left": 0.5, "right": 0.5}, "painting", 4),
        ("outpaint", {"image": link, "top": "0.25", "n": 2}, "painting", 2),
        ("repair", {"job_id": job_id, "index": 1}, "super_resolution", 1),
        ("repair", {"image_url": link}, "super_resolution", 1),
    ]
    for number, (name, body, kind, count) in enumerate(asked, 1):
        answer = await tool(gateway, name, key, **body)
        assert answer.status == 200, (name, body, answer.body)
        assert len(answer.json["data"]) == count
        row = (await submitted(gateway))[number]
        assert (row["site"], row["kind"], row["remarks"]) == (site, kind, [])
        assert row["source"]["origin_history_id"] == item
        job = await gateway.job(answer.headers["x-job-id"], key)
        assert job["request"]["finishing"]["history_id"] == item
    assert await gateway.upstream.requests("blob") == 0


async def test_a_picture_is_named_by_the_upstreams_own_ids(gateway: House) -> None:
    await gateway.generate(n=1)
    (row,) = await submitted(gateway)
    kept = gateway.kept()[0]
    both = {"item_id": kept["item_id"], "history_id": row["history_id"]}
    assert (await tool(gateway, "repair", **both)).status == 200
    for wrong, param in (
        ({**both, "item_id": "7"}, "item_id"),
        ({**both, "history_id": "7"}, "history_id"),
    ):
        answer = await tool(gateway, "upscale", **wrong)
        assert (answer.status, answer.error["param"]) == (400, param)
    answer = await tool(gateway, "upscale", OTHER, **both)
    assert (answer.status, answer.error["param"]) == (400, "history_id")
    assert submits_sent(gateway) == 2


async def test_another_key_may_enlarge_what_a_link_shows_but_uploads_it(gateway: House) -> None:
    made = await gateway.generate(n=1)
    link, job_id = made.json["data"][0]["url"], made.headers["x-job-id"]
    answer = await tool(gateway, "upscale", OTHER, image=link)
    assert answer.status == 200, answer.body
    (row,) = await submitted(gateway, OTHER)
    assert row["source"]["uri"]
    assert await gateway.upstream.requests("blob") == 1
    answer = await tool(gateway, "repair", OTHER, image=link)
    assert (answer.status, answer.error["param"]) == (400, "image")
    answer = await tool(gateway, "upscale", OTHER, job_id=job_id)
    assert (answer.status, answer.error["param"]) == (400, "job_id")
    assert submits_sent(gateway) == 2


@pytest.mark.parametrize(
    ("name", "parts", "size"),
    [
        ("upscale", [], "1280x720"),
        ("upscale", [("mode", "smart")], None),
        ("outpaint", [("left", "0.5"), ("right", "0.5")], "1280x360"),
    ],
)
async def test_a_tool_works_on_a_file(
    gateway: House, name: str, parts: Parts, size: str | None
) -> None:
    answer = await send(gateway, f"/v1/images/{name}", [("image", WIDE), *parts])
    assert answer.status == 200, answer.body
    (row,) = await submitted(gateway)
    assert row["source"]["uri"]
    assert row["remarks"] == []
    assert size in (None, answer.json["size"])


async def test_a_tool_is_not_paid_twice(gateway: House) -> None:
    made = await gateway.generate(n=1)
    body = {"job_id": made.headers["x-job-id"]}
    first, again = [
        await gateway.call("POST", "/v1/images/upscale", body, headers={"idempotency-key": "k"})
        for _ in range(2)
    ]
    assert first.body == again.body
    assert submits_sent(gateway) == 2


# -------------------------------------------------------------- bad input ----

BAD: list[tuple[str, dict[str, Any], str]] = [
    ("edits", {}, "image"),
    ("edits", {"image": [data_uri(WIDE)] * 11}, "image"),
    ("edits", {"image": data_uri(b"no picture")}, "image"),
    ("edits", {"image": data_uri(WIDE[:-20])}, "image"),
    ("edits", {"image": data_uri(picture(9000, 9000))}, "image"),
    ("edits", {"image": data_uri(bytes(21 * 1024 * 1024))}, "image"),
    ("edits", {"image": [data_uri(WIDE), "http://upstream.test/nothing.png"]}, "image"),
    ("edits", {"image_url": "http://127.0.0.1:5199/x.png"}, "image_url"),
    ("edits", {"image": data_uri(WIDE), "mask": data_uri(WIDE)}, "mask"),
    ("edits", {"image": data_uri(WIDE), "background": "transparent"}, "background"),
    ("edits", {"image": data_uri(WIDE), "n": 0}, "n"),
    ("edits", {"image": data_uri(WIDE), "size": "0x0"}, "size"),
    ("edits", {"images": [{"file_id": "file-1"}]}, "images"),
    ("variations", {}, "image"),
    ("compositions", {"images": []}, "images"),
    ("generations", {"image": data_uri(b"no picture")}, "image"),
    ("upscale", {}, "image"),
    ("upscale", {"job_id": "job_none"}, "job_id"),
    ("outpaint", {"image": data_uri(WIDE)}, "top"),
    ("repair", {"image": data_uri(WIDE)}, "image"),
]


@pytest.mark.parametrize(("path", "body", "param"), BAD)
async def test_what_is_wrong_with_a_picture_is_told_before_anything_leaves(
    gateway: House, path: str, body: dict[str, Any], param: str
) -> None:
    answer = await gateway.call("POST", f"/v1/images/{path}", {**BLUE, **body})
    assert (answer.status, answer.error["param"]) == (400, param), answer.body
    assert answer.headers["x-should-retry"] == "false"
    assert await submitted(gateway) == []
    assert await gateway.upstream.requests("upload_token") == 0
    assert await gateway.upstream.requests("generate") == 0
    assert gateway.written() == []
    assert [path for path in (gateway.folder / "media").rglob("*") if path.is_file()] == []


async def test_a_picture_beyond_the_jobs_last_is_not_there(gateway: House) -> None:
    made = await gateway.generate(n=1)
    answer = await tool(gateway, "upscale", job_id=made.headers["x-job-id"], index=4)
    assert (answer.status, answer.error["param"]) == (400, "index")
