"""Files that are uploaded beforehand, and named by their ids in later requests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.answer import Answer
from tests.forms import Parts, data_uri, multipart, picture
from tests.simulated.asgi import Talk
from tests.simulated.house import KEY, House, until

CAT = picture(640, 360)
EDITS = "/v1/images/edits"
OTHER = "f" * 32
BLUE = {"model": "jimeng-4.5", "prompt": "make it blue", "n": 1}


async def upload(house: House, body: bytes | str = CAT, key: str = KEY, /, **fields: str) -> Answer:
    form: Parts = [("file", body), *{"purpose": "vision", **fields}.items()]
    sent, headers = multipart(form)
    return await house.call("POST", "/v1/files", key=key, talk=Talk(body=sent), headers=headers)


async def file_of(house: House, body: bytes | str = CAT, /) -> str:
    answer = await upload(house, body)
    assert answer.status == 200, answer.body
    id_: str = answer.json["id"]
    return id_


async def test_a_file_is_shown_as_openai_shows_it(gateway: House) -> None:
    made = await upload(gateway)
    assert made.json == {
        "id": made.json["id"],
        "object": "file",
        "bytes": len(CAT),
        "created_at": made.json["created_at"],
        "expires_at": made.json["created_at"] + 86_400,
        "filename": "upload",
        "purpose": "vision",
        "status": "processed",
    }
    assert made.json["id"].startswith("file-")
    found = await gateway.call("GET", f"/v1/files/{made.json['id']}")
    assert found.json == made.json


async def test_the_bytes_come_back_to_whoever_sent_them_and_to_nobody_else(gateway: House) -> None:
    id_ = await file_of(gateway)
    answer = await gateway.call("GET", f"/v1/files/{id_}/content")
    assert (answer.status, answer.body) == (200, CAT)
    assert answer.headers["content-type"] == "image/png"
    for path in (f"/v1/files/{id_}", f"/v1/files/{id_}/content"):
        foreign = await gateway.call("GET", path, key=OTHER)
        assert (foreign.status, foreign.error["code"]) == (404, "not_found")
    assert (await gateway.call("DELETE", f"/v1/files/{id_}", key=OTHER)).status == 404
    assert (await gateway.call("GET", "/v1/files", key=OTHER)).json["data"] == []
    assert (await gateway.call("GET", f"/v1/files/{id_}")).status == 200


async def test_files_are_listed_page_by_page(gateway: House) -> None:
    made = [await file_of(gateway) for _ in range(3)]
    sound = (await upload(gateway, purpose="user_data")).json["id"]
    first = (await gateway.call("GET", "/v1/files?limit=3")).json
    assert ([one["id"] for one in first["data"]], first["has_more"]) == (
        [sound, *made[:0:-1]],
        True,
    )
    rest = (await gateway.call("GET", f"/v1/files?limit=3&after={first['last_id']}")).json
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == (made[:1], False)
    oldest = (await gateway.call("GET", "/v1/files?order=asc&purpose=vision")).json
    assert [one["id"] for one in oldest["data"]] == made
    unknown = await gateway.call("GET", "/v1/files?after=file-0")
    assert (unknown.status, unknown.error["param"]) == (400, "after")


async def test_a_deleted_file_is_gone_with_its_bytes(gateway: House) -> None:
    id_ = await file_of(gateway)
    answer = await gateway.call("DELETE", f"/v1/files/{id_}")
    assert answer.json == {"id": id_, "object": "file", "deleted": True}
    assert (await gateway.call("GET", f"/v1/files/{id_}")).status == 404
    assert not list((gateway.folder / "media").glob("in/*"))
    named = await gateway.call("POST", EDITS, {**BLUE, "images": [{"file_id": id_}]})
    assert (named.status, named.error["param"]) == (400, "images")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("images/edits", {**BLUE, "images": [{"file_id": "FILE"}]}),
        ("images/edits", {**BLUE, "image": {"file_id": "FILE"}}),
        ("images/generations", {**BLUE, "image": {"file_id": "FILE"}}),
        ("images/upscale", {"image": {"file_id": "FILE"}}),
        ("videos/generations", {"prompt": "x", "input_reference": {"file_id": "FILE"}}),
    ],
)
async def test_a_request_starts_from_a_file_by_its_id(
    gateway: House, path: str, body: dict[str, Any]
) -> None:
    await gateway.upstream.time(at_once=True)
    id_ = await file_of(gateway)
    named = json.loads(json.dumps(body).replace("FILE", id_))
    answer = await gateway.call("POST", f"/v1/{path}", named)
    assert answer.status == 200, answer.body
    (row,) = await gateway.upstream.submits(KEY)
    assert len(row["inputs"]) == 1
    job = await gateway.job(answer.headers["x-job-id"])
    assert [one["bytes"] for one in job["request"]["inputs"]] == [len(CAT)]
    # The job has a copy of its own.
    assert (await gateway.call("GET", f"/v1/files/{id_}/content")).body == CAT


async def test_a_form_names_a_file_in_brackets(gateway: House) -> None:
    await gateway.upstream.time(at_once=True)
    id_ = await file_of(gateway)
    body, headers = multipart([("prompt", "x"), ("input_reference[file_id]", id_)])
    talk = Talk(body=body)
    answer = await gateway.call("POST", "/v1/videos", talk=talk, headers=headers)
    assert answer.status == 200, answer.body
    job = await gateway.ended(answer.headers["x-job-id"])
    assert (job["status"], job["request"]["mode"]) == ("completed", "first_frame")


@pytest.mark.parametrize("id_", ["file-unknown", "nothing", "file-", "file-/../x"])
@pytest.mark.parametrize("path", ["/v1/images/edits", "/v1/videos"])
async def test_an_unknown_id_is_refused_before_anything_is_paid_for(
    gateway: House, path: str, id_: str
) -> None:
    answer = await gateway.call("POST", path, {**BLUE, "image": {"file_id": id_}, "model": None})
    assert (answer.status, answer.error["param"]) == (400, "image")
    assert await gateway.upstream.submits(KEY) == []


async def test_another_callers_file_is_unknown(gateway: House) -> None:
    id_ = await file_of(gateway)
    body = {**BLUE, "images": [{"file_id": id_}]}
    answer = await gateway.call("POST", EDITS, body, key=OTHER)
    assert (answer.status, answer.error["code"]) == (400, "invalid_value")


@pytest.mark.parametrize(
    ("body", "fields", "param"),
    [
        (b"no picture at all", {}, "file"),
        (CAT[:100], {}, "file"),
        (b"", {}, "file"),
        (CAT, {"purpose": "fine-tune"}, "purpose"),
        (CAT, {"purpose": ""}, "purpose"),
    ],
)
async def test_what_cannot_be_used_is_refused_and_not_kept(
    gateway: House, body: bytes, fields: dict[str, str], param: str
) -> None:
    answer = await upload(gateway, body, **fields)
    assert (answer.status, answer.error["param"]) == (400, param)
    assert (await gateway.call("GET", "/v1/files")).json["data"] == []
    assert not list((gateway.folder / "media").glob("in/*"))


async def test_a_data_uri_is_a_file_as_well(gateway: House) -> None:
    id_ = await file_of(gateway, data_uri(CAT))
    assert (await gateway.call("GET", f"/v1/files/{id_}/content")).body == CAT


async def test_files_outlive_a_restart_and_then_age_out(house: House) -> None:
    await house.start()
    id_ = await file_of(house)
    await house.stop()
    await house.start()
    assert (await house.call("GET", f"/v1/files/{id_}/content")).body == CAT
    await house.stop()
    house.clock.skip(2 * 86_400)
    await house.start()
    await until(lambda: not house.files())
    assert (await house.call("GET", f"/v1/files/{id_}")).status == 404
    assert not list((house.folder / "media").glob("in/*"))
