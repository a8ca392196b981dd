"""Pictures from pictures over HTTP: what is understood of every dialect, and what is refused."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from jimeng_api.domain.errors import StorageUnavailable
from jimeng_api.domain.requests import ImageRequest
from tests.answer import Answer
from tests.forms import Parts, data_uri, multipart, picture
from tests.unit.web.web_edge import KEY, Edge

EDITS = "/v1/images/edits"
VARIATIONS = "/v1/images/variations"
COMPOSITIONS = "/v1/images/compositions"
GENERATIONS = "/v1/images/generations"

WIDE, TALL = picture(64, 36), picture(36, 64, "maroon")
BLUE = {"model": "jimeng-4.5", "prompt": "make it blue", "n": 1}


async def sent(edge: Edge, path: str, parts: Parts, boundary: str = "b", **more: Any) -> Answer:
    body, headers = multipart(parts, boundary)
    headers |= more.pop("headers", {})
    return await edge.call("POST", path, body=body, headers=headers, **more)


def started_from(request: ImageRequest) -> list[str]:
    return [one.sha256 for one in request.inputs]


def sums(*bodies: bytes) -> list[str]:
    return [hashlib.sha256(body).hexdigest() for body in bodies]


@pytest.mark.parametrize("name", ["image", "image[]", "images", "images[]"])
async def test_files_of_a_form_are_the_pictures_in_their_order(name: str) -> None:
    edge = Edge()
    answer = await sent(edge, EDITS, [("prompt", "blue"), (name, WIDE), ("n", "2"), (name, TALL)])
    assert answer.status == 200, answer.body
    assert len(answer.json["data"]) == 2
    assert started_from(edge.desk.request) == sums(WIDE, TALL)
    assert edge.desk.request.prompt == "blue"
    assert list(edge.media.inputs.values()) == [WIDE, TALL]


@pytest.mark.parametrize(
    "fields",
    [
        {"image": "https://example.org/wide.png"},
        {"image": ["https://example.org/wide.png"]},
        {"image_url": "https://example.org/wide.png"},
        {"images": [{"image_url": "https://example.org/wide.png"}]},
        {"images": [{"image_url": {"url": "https://example.org/wide.png"}}]},
        {"images": [{"url": " https://example.org/wide.png "}]},
        {"image": {"image_url": data_uri(WIDE)}},
        {"image": data_uri(WIDE, "text/html")},
        {"images": [data_uri(WIDE)], "image": None, "image_url": ""},
    ],
)
@pytest.mark.parametrize("path", [EDITS, COMPOSITIONS, GENERATIONS, VARIATIONS])
async def test_json_names_pictures_in_every_dialect(path: str, fields: dict[str, Any]) -> None:
    edge = Edge()
    edge.internet.files["https://example.org/wide.png"] = WIDE
    answer = await edge.call("POST", path, json_body={**BLUE, **fields})
    assert answer.status == 200, answer.body
    assert started_from(edge.desk.request) == sums(WIDE)


async def test_pictures_of_several_fields_are_all_taken() -> None:
    edge = Edge()
    parts: Parts = [
        ("prompt", "x"),
        ("image_url", data_uri(WIDE)),
        ("images", TALL),
        ("image", WIDE),
    ]
    assert (await sent(edge, EDITS, parts)).status == 200
    assert started_from(edge.desk.request) == sums(WIDE, TALL, WIDE)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("16:9", "2k", 2560, 1440)),
        ({"size": "auto"}, ("16:9", "2k", 2560, 1440)),
        ({"size": "1024x1024"}, ("1:1", "2k", 2048, 2048)),
        ({"ratio": "3:2"}, ("3:2", "2k", 2496, 1664)),
        ({"resolution": "4k"}, ("16:9", "4k", 5404, 3040)),
        ({"quality": "max"}, ("16:9", "4k", 5404, 3040)),
    ],
)
async def test_the_shape_is_the_asked_one_or_that_of_the_first_picture(
    fields: dict[str, Any], expected: object
) -> None:
    edge = Edge()
    answer = await edge.call(
        "POST", EDITS, json_body={**BLUE, "image": [data_uri(WIDE), data_uri(TALL)], **fields}
    )
    assert answer.status == 200
    request = edge.desk.request
    assert (request.ratio, request.resolution, request.width, request.height) == expected
    assert "x-jimeng-size-adjusted" not in answer.headers


async def test_a_variation_needs_no_prompt() -> None:
    edge = Edge()
    assert (await sent(edge, VARIATIONS, [("image", WIDE), ("n", "1")])).status == 200
    assert "variation" in edge.desk.request.prompt
    assert (await sent(edge, VARIATIONS, [("image", WIDE), ("prompt", "red")])).status == 200
    assert edge.desk.request.prompt == "red"


async def test_a_composition_says_of_how_many_pictures_it_is() -> None:
    edge = Edge()
    answer = await sent(edge, COMPOSITIONS, [("prompt", "both"), *2 * [("images", WIDE)]])
    assert answer.json["input_images"] == 2
    assert answer.json["composition_type"] == "multi_image_synthesis"
    assert answer.json["data"][0]["url"]


async def test_an_edit_streams_its_own_events() -> None:
    edge = Edge()
    answer = await sent(
        edge, EDITS, [("prompt", "x"), ("image", WIDE), ("stream", "true"), ("n", "2")]
    )
    assert [event["type"] for event in answer.events] == 2 * ["image_edit.completed"]
    assert all(event["b64_json"] and event["usage"] for event in answer.events)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"prompt": "x", "image": "%s"}'),
        ("application/json; charset=utf-8", b'{"prompt": "x", "image": "%s"}'),
        ("", b'{"prompt": "x", "image": "%s"}'),
        ("text/plain", b'{"prompt": "x", "image": "%s"}'),
        ("application/x-www-form-urlencoded", b' {"prompt": "x", "image": "%s"}'),
        ("application/x-www-form-urlencoded", b"prompt=x&image=%s"),
    ],
)
async def test_a_body_is_read_as_what_it_is(content_type: str, body: bytes) -> None:
    edge = Edge()
    text = data_uri(WIDE).encode()
    if b"=" in body:
        text = text.replace(b"+", b"%2B")
    headers = {"content-type": content_type} if content_type else {}
    answer = await edge.call("POST", EDITS, body=body.replace(b"%s", text), headers=headers)
    assert answer.status == 200, answer.body
    assert started_from(edge.desk.request) == sums(WIDE)


async def test_a_result_of_ours_is_read_from_the_store_and_not_over_http() -> None:
    edge = Edge()
    edge.media.file = WIDE
    made = await edge.generate(n=1)
    (item,) = made.json["data"]
    media_id = item["url"].rpartition("/")[2]
    for named in (
        item["url"],
        f"https://GATEWAY.test:5100/v1/media/{media_id}/",
        f"/media/{media_id}",
        f"http://127.0.0.1:5100/media/{media_id}",
        {"file_id": media_id},
        {"image_url": item["url"]},
    ):
        answer = await edge.call("POST", EDITS, json_body={**BLUE, "images": [named]})
        assert answer.status == 200, (named, answer.body)
        assert started_from(edge.desk.request) == sums(WIDE)
    assert edge.internet.asked == []
    await edge.call(
        "POST", EDITS, json_body={**BLUE, "image": f"http://other.example/media/{media_id}"}
    )
    assert edge.internet.asked == [f"http://other.example/media/{media_id}"]


async def test_what_a_caller_sent_cannot_be_named_as_a_result() -> None:
    edge = Edge()
    await sent(edge, EDITS, [("prompt", "x"), ("image", WIDE)])
    (input_id,) = edge.media.inputs
    answer = await edge.call("POST", EDITS, json_body={**BLUE, "images": [{"file_id": input_id}]})
    assert (answer.status, answer.error["param"]) == (400, "images")


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({}, "image", "missing_required_parameter"),
    ({"image": []}, "image", "missing_required_parameter"),
    ({"image": data_uri(WIDE), "prompt": ""}, "prompt", "missing_required_parameter"),
    ({"image": data_uri(WIDE), "prompt": None}, "prompt", "missing_required_parameter"),
    ({"image": [data_uri(WIDE)] * 11}, "image", "invalid_value"),
    ({"image": [data_uri(WIDE)] * 2, "model": "jimeng-2.1"}, "image", "invalid_value"),
    ({"image": 4}, "image", "invalid_value"),
    ({"image": [["x"]]}, "image", "invalid_value"),
    ({"image": {}}, "image", "missing_required_parameter"),
    ({"image": {"file_id": "file-abc"}}, "image", "invalid_value"),
    ({"image": {"file_id": "../../etc/passwd"}}, "image", "invalid_value"),
    ({"image": {"file_id": "a", "image_url": "b"}}, "image", "invalid_value"),
    ({"images": ["not a url"]}, "images", "invalid_value"),
    ({"image_url": "ftp://example.org/cat.png"}, "image_url", "invalid_value"),
    ({"image": "https://example.org/gone.png"}, "image", "invalid_value"),
    ({"image": "/media/none"}, "image", "invalid_value"),
    ({"image": data_uri(b"not a picture")}, "image", "invalid_value"),
    ({"image": data_uri(picture(3000, 3000)[:-40])}, "image", "invalid_value"),
    ({"image": data_uri(picture(9000, 9000))}, "image", "invalid_value"),
    ({"image": "data:image/png;base64,%%%"}, "image", "invalid_value"),
    ({"image": data_uri(bytes(21 * 1024 * 1024))}, "image", "invalid_value"),
    ({"image": data_uri(WIDE), "mask": data_uri(WIDE)}, "mask", "unsupported_parameter"),
    ({"image": data_uri(WIDE), "markup": {"image_url": "x"}}, "markup", "unsupported_parameter"),
    ({"image": data_uri(WIDE), "background": "transparent"}, "background", "unsupported_value"),
    ({"image": data_uri(WIDE), "n": 11}, "n", "invalid_value"),
    ({"image": data_uri(WIDE), "size": "banana"}, "size", "invalid_value"),
    ({"image": data_uri(WIDE), "output_format": "gif"}, "output_format", "unsupported_value"),
]


@pytest.mark.parametrize(("fields", "param", "code"), BAD)
async def test_what_is_wrong_is_named_and_nothing_is_ordered(
    fields: dict[str, Any], param: str, code: str
) -> None:
    edge = Edge()
    answer = await edge.call("POST", EDITS, json_body={**BLUE, **fields})
    assert (answer.status, answer.error["code"]) == (400, code), answer.body
    assert answer.error["param"] == param
    assert not edge.desk.jobs
    assert edge.media.inputs == {}


@pytest.mark.parametrize(
    "body", [b"", b"not a picture", WIDE[:-30], picture(kind="GIF"), b"<svg/>"]
)
async def test_a_file_that_is_no_picture_is_refused(body: bytes) -> None:
    edge = Edge()
    answer = await sent(edge, EDITS, [("prompt", "x"), ("image", WIDE), ("image", body)])
    assert (answer.status, answer.error["param"]) == (400, "image"), answer.body
    assert not edge.desk.jobs
    assert edge.media.inputs == {}  # the good one is let go of


@pytest.mark.parametrize("path", [EDITS, VARIATIONS, COMPOSITIONS, GENERATIONS])
async def test_a_broken_form_is_a_malformed_body(path: str) -> None:
    for body in (b"", b"--b\r\nnothing", multipart([("a\0", "b")], "b")[0]):
        answer = await Edge().call(
            "POST", path, body=body, headers={"content-type": "multipart/form-data; boundary=b"}
        )
        assert answer.status == 400
        assert answer.error["code"] in ("malformed_body", "missing_required_parameter")


async def test_the_same_form_with_another_boundary_is_the_same_request() -> None:
    edge = Edge()
    parts: list[tuple[str, str | bytes]] = [("prompt", "x"), ("image", WIDE), ("image", TALL)]
    await sent(edge, EDITS, parts, "one")
    await sent(edge, EDITS, parts, "another")
    await sent(edge, EDITS, [*parts, ("stream", "true")], "another")
    first, *others = [repeat.fingerprint for repeat in edge.desk.repeats if repeat]
    assert others == [first, first]
    others_asked: list[Parts] = [
        [("prompt", "x"), ("image", TALL), ("image", WIDE)],
        [("prompt", "y"), ("image", WIDE), ("image", TALL)],
        [("prompt", "x"), ("image", WIDE)],
        [("prompt", "x"), ("image", WIDE), ("image", TALL), ("user", "u")],
    ]
    for changed in others_asked:
        await sent(edge, EDITS, changed)
        last = edge.desk.repeats[-1]
        assert last
        assert last.fingerprint != first


async def test_a_link_counts_by_its_text() -> None:
    edge = Edge()
    for name in ("a", "b"):
        edge.internet.files[f"https://example.org/{name}.png"] = WIDE
        await edge.call(
            "POST", EDITS, json_body={**BLUE, "image": f"https://example.org/{name}.png"}
        )
    one, other = edge.desk.repeats
    assert one
    assert other
    assert one.fingerprint != other.fingerprint


TOOLS: list[tuple[str, dict[str, Any], str, str]] = [
    ("upscale", {}, "image", "missing_required_parameter"),
    ("upscale", {"image": [data_uri(WIDE), data_uri(WIDE)]}, "image", "invalid_value"),
    ("upscale", {"image": data_uri(WIDE), "job_id": "job_0"}, "job_id", "invalid_value"),
    ("upscale", {"image": data_uri(WIDE), "mode": "better"}, "mode", "invalid_value"),
    (
        "upscale",
        {"image": data_uri(WIDE), "detail_strength": 2},
        "detail_strength",
        "invalid_value",
    ),
    ("upscale", {"item_id": "12"}, "history_id", "missing_required_parameter"),
    ("upscale", {"history_id": "12"}, "item_id", "missing_required_parameter"),
    ("upscale", {"item_id": "x", "history_id": "12"}, "item_id", "invalid_value"),
    ("upscale", {"job_id": "job_0", "index": -1}, "index", "invalid_value"),
    ("upscale", {"image": "/media/none"}, "image", "invalid_value"),
    ("outpaint", {"image": data_uri(WIDE)}, "top", "missing_required_parameter"),
    ("outpaint", {"image": data_uri(WIDE), "left": 1.5}, "left", "invalid_value"),
    ("outpaint", {"image": data_uri(WIDE), "left": 0.5, "n": 5}, "n", "invalid_value"),
    ("repair", {"image": data_uri(WIDE)}, "image", "invalid_value"),
    ("repair", {"image": data_uri(WIDE), "mask": "x"}, "mask", "unsupported_parameter"),
]


@pytest.mark.parametrize(("tool", "fields", "param", "code"), TOOLS)
async def test_what_a_tool_cannot_do_is_refused(
    tool: str, fields: dict[str, Any], param: str, code: str
) -> None:
    edge = Edge()
    answer = await edge.call("POST", f"/v1/images/{tool}", json_body=fields)
    assert (answer.status, answer.error["code"]) == (400, code), answer.body
    assert answer.error["param"] == param
    assert not edge.desk.jobs


async def test_a_repair_of_what_was_sent_names_what_can_be_done() -> None:
    answer = await sent(Edge(), "/v1/images/repair", [("image", WIDE)], key=KEY)
    assert answer.status == 400
    for word in ("job_id", "link", "item_id", "history_id"):
        assert word in answer.error["message"]


async def test_a_tool_takes_a_file_and_the_job_tells_of_it() -> None:
    edge = Edge()
    answer = await sent(edge, "/v1/images/outpaint", [("image", WIDE), ("left", "0.5")])
    assert answer.status == 200, answer.body
    finishing = edge.desk.request.finishing
    assert finishing
    assert (finishing.tool, finishing.left, finishing.top) == ("outpaint", 0.5, 0)
    job = (await edge.get(f"/v1/jobs/{answer.headers['x-job-id']}")).json
    assert job["request"]["finishing"] == {
        "tool": "outpaint",
        "item_id": None,
        "history_id": None,
    }
    (shown,) = job["request"]["inputs"]
    assert (shown["width"], shown["height"], shown["content_type"]) == (64, 36, "image/png")


async def test_pictures_of_an_order_that_is_not_taken_after_all_are_let_go_of() -> None:
    edge = Edge()
    edge.desk.unwritten = StorageUnavailable("The database is away.")
    answer = await sent(edge, EDITS, [("prompt", "blue"), ("image", WIDE), ("image", TALL)])
    assert answer.status == 503
    assert edge.media.inputs == {}
