"""What callers of the OpenAI API rely on, one row each.

Tables of what SDKs and clients were seen to send and to read, and of what they get here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from jimeng_api.domain.errors import GatewayError, every_error
from jimeng_api.domain.requests import VideoRequest
from jimeng_api.web.errors import LOOKS, error_answer
from tests.answer import Answer
from tests.forms import Parts, data_uri, multipart, picture
from tests.unit.web.web_edge import CAT, GENERATIONS, KEY, PICTURE, Edge

CHINA, AMERICA = KEY, f"us-{KEY}"
CELLS = "nanobananapro"  # the one model with all three tiers
PNG = picture(640, 360)
EDITS, VIDEOS = "/v1/images/edits", "/v1/videos"


async def send_form(edge: Edge, path: str, parts: Parts) -> Answer:
    body, headers = multipart(parts)
    return await edge.call("POST", path, body=body, headers=headers)


def film(edge: Edge) -> VideoRequest:
    assert isinstance(edge.desk.last.request, VideoRequest)
    return edge.desk.last.request


# ------------------------------------------------------------- the way in ----

ROUTES = (
    ("POST", "/images/generations"),
    ("POST", "/images/edits"),
    ("POST", "/images/variations"),
    ("POST", "/videos"),
    ("GET", "/videos"),
    ("GET", "/videos/video_1"),
    ("DELETE", "/videos/video_1"),
    ("GET", "/videos/video_1/content"),
    ("POST", "/videos/video_1/remix"),
    ("POST", "/videos/edits"),
    ("POST", "/videos/extensions"),
    ("POST", "/videos/characters"),
    ("GET", "/videos/characters/char_1"),
    ("GET", "/models"),
    ("GET", "/models/jimeng-4.5"),
    ("POST", "/files"),
    ("GET", "/files/file-1"),
    ("GET", "/files/file-1/content"),
    ("DELETE", "/files/file-1"),
)


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "spelling", ["/v1{}", "{}", "/v1{}/", "{}/", "//v1{}", "/v1{}?api-version=2025-04-01"]
)
async def test_every_method_of_the_sdks_has_its_route_in_every_spelling(
    method: str, path: str, spelling: str
) -> None:
    answer = await Edge().call(method, spelling.format(path))
    assert answer.status in (200, 400, 404)  # never a redirect: it would make a GET of a POST
    if answer.status != 200:
        assert "There is no route" not in answer.error["message"]
        assert set(answer.error) >= {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("model", "status"),
    [
        ("jimeng-4.5", 200),
        ("jimeng", 200),
        ("dall-e-3", 200),
        ("sora-2-pro", 200),
        ("vendor/model", 404),  # `%2F` on the wire
        ("vendor/model/again", 404),
    ],
)
async def test_a_model_is_looked_at_by_any_name(model: str, status: int) -> None:
    answer = await Edge().get(f"/v1/models/{model}")
    assert answer.status == status
    if status == 200:
        assert (answer.json["id"], answer.json["object"]) == (model, "model")
    else:
        assert answer.error["code"] == "model_not_found"


# ------------------------------------------------------------------ models ----

IMAGE_NAMES = (
    "dall-e-2",
    "dall-e-3",
    "gpt-image-1",
    "gpt-image-1-mini",
    "gpt-image-1.5",
    "gpt-image-2",
    "gpt-image-2.5-flare",
    "gpt-image-2.5-sunburst",
    "gpt-image-2-2026-04-01",
    "chatgpt-image-latest",
)


@pytest.mark.parametrize("name", [*IMAGE_NAMES, "DALL-E-3", " gpt-image-1 "])
async def test_a_name_that_clients_have_built_in_is_the_default_model(name: str) -> None:
    edge = Edge(default_image_model="jimeng-3.0")
    answer = await edge.generate(model=name)
    assert (answer.status, answer.json["model"]) == (200, name.strip())
    assert (edge.desk.request.model, len(answer.json["data"])) == ("jimeng-3.0", 1)


@pytest.mark.parametrize("name", ["sora-2", "sora-2-pro", "sora-2-2025-12-08", "jimeng", None, ""])
async def test_a_films_name_is_the_default_film_model(name: str | None) -> None:
    edge = Edge(default_video_model="jimeng-video-3.0")
    answer = await edge.call("POST", VIDEOS, json_body={"prompt": "waves", "model": name})
    assert answer.json["model"] == (name or "jimeng-video-3.0")
    assert film(edge).model == "jimeng-video-3.0"


@pytest.mark.parametrize("name", ["jimeng", None, ""])
async def test_no_name_and_our_own_are_the_default_model_as_it_is(name: str | None) -> None:
    edge = Edge(default_image_model="jimeng-3.0")
    answer = await edge.generate(model=name)
    assert (edge.desk.request.model, edge.desk.request.count) == ("jimeng-3.0", None)
    assert "url" in answer.json["data"][0]


async def test_the_list_has_what_clients_choose_by() -> None:
    listed = (await Edge(list_openai_aliases=True).get("/v1/models")).json
    found = {one["id"]: one for one in listed["data"]}
    assert listed["object"] == "list"
    for one in found.values():
        assert (one["object"], type(one["created"]), one["owned_by"]) == ("model", int, "jimeng")
        first, *others = one["supported_endpoint_types"]
        assert first == {"image": "image-generation", "video": "openai-video"}[one["kind"]]
        assert "openai" in others
    for word in ("dall-e", "gpt-image", "sora"):  # by which n8n fills its lists
        assert [name for name in found if word in name]
    plain = (await Edge().get("/v1/models")).json
    assert not [one["id"] for one in plain["data"] if one["id"].startswith(("dall", "gpt", "sora"))]


# ------------------------------------------------------------------ clients ----

# What each sends by default, and what it reads of every picture.
CLIENTS: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "Open WebUI": (
        {"model": "jimeng-4.5", "n": 1, "size": "512x512", "response_format": "b64_json"},
        "b64_json",
    ),
    "Open WebUI, gpt-image": ({"model": "gpt-image-1", "n": 1, "size": "auto"}, "b64_json"),
    "LobeHub": ({"model": "jimeng-4.5", "n": 1, "size": "1024x1024"}, "url"),
    "LobeHub, gpt-image": (
        {"model": "gpt-image-1", "n": 1, "input_fidelity": "high"},
        "b64_json",
    ),
    "Cherry Studio": ({"model": "jimeng-4.5", "n": 1, "size": "1024x1024"}, "url"),
    "LibreChat": (
        {
            "model": "jimeng-4.5",
            "n": 1,
            "background": "auto",
            "output_format": "png",
            "quality": "auto",
            "size": "auto",
        },
        "b64_json",
    ),
    "NextChat": (
        {
            "model": "dall-e-3",
            "response_format": "b64_json",
            "n": 1,
            "size": "1024x1024",
            "quality": "standard",
            "style": "vivid",
        },
        "b64_json",
    ),
    "n8n": ({"model": "dall-e-2", "response_format": "b64_json"}, "b64_json"),
    "n8n, gpt-image": ({"model": "gpt-image-1-mini"}, "b64_json"),
    "Dify": ({"model": "gpt-image-2", "n": 1}, "b64_json"),
    "SillyTavern": (
        {
            "model": "gpt-image-1",
            "size": "1024x1024",
            "n": 1,
            "quality": "auto",
            "moderation": "low",
        },
        "b64_json",
    ),
    "LiteLLM": ({"model": "jimeng-4.5", "n": 2, "size": "2560x1440", "ratio": "16:9"}, "url"),
    "new-api": ({"model": "gpt-image-1", "n": 1, "quality": "auto"}, "b64_json"),
    "Vercel AI SDK 7": ({"model": "jimeng-4.5", "n": 2, "size": "2048x2048"}, "url"),
    "Vercel AI SDK 6": ({"model": "jimeng-4.5", "n": 1, "response_format": "b64_json"}, "b64_json"),
    "LangChain": ({"model": "dall-e-2", "n": 1, "size": "1024x1024"}, "url"),
    "llm-openai-images": (
        {"model": "jimeng-4.5", "size": "1024x1024", "quality": "medium", "moderation": "low"},
        "b64_json",
    ),
}


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_client_reads_what_it_gets(client: str) -> None:
    body, form = CLIENTS[client]
    edge = Edge()
    answer = await edge.generate(**{**body, "prompt": "a cat"})
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/json"
    for one in answer.json["data"]:
        assert ("url" in one, "b64_json" in one) == (form == "url", form == "b64_json")
    if "n" in body:
        assert len(answer.json["data"]) == body["n"]
    first = answer.json["data"][0]
    if form == "b64_json":
        assert base64.b64decode(first["b64_json"], validate=True) == PICTURE
        return
    origin, _, path = first["url"].partition("/media/")
    assert origin == "http://gateway.test:5100"  # that of the request, for clients that check it
    for method in ("GET", "HEAD"):
        file = await edge.call(method, f"/media/{path}", key=None)
        assert (file.status, file.headers["content-type"]) == (200, "image/png")
        assert file.body == (PICTURE if method == "GET" else b"")


@pytest.mark.parametrize(
    ("options", "body", "form"),
    [
        ({"response_format": "b64_json"}, {"model": "dall-e-2"}, "b64_json"),
        ({"response_format": "url"}, {"model": "gpt-image-1"}, "url"),
        ({"response_format": "url"}, {"response_format": "b64_json"}, "b64_json"),
        ({}, {"model": "gpt-image-1", "response_format": "url"}, "url"),
    ],
)
async def test_a_setting_wins_over_the_dialect_and_the_caller_over_the_setting(
    options: Any, body: Any, form: str
) -> None:
    answer = await Edge(**options).generate(**body)
    assert form in answer.json["data"][0]


# --------------------------------------------------------------- parameters ----


@pytest.mark.parametrize(
    "body",
    [
        {"style": "vivid"},
        {"moderation": "low"},
        {"user": "u"},
        {"safety_identifier": "s"},
        {"complexity": "high"},
        {"input_fidelity": "high"},
        {"background": "opaque"},
        {"background": "auto"},
        {"output_format": "png"},
        {"output_compression": 80},
        {"quality": "of my own"},
        {"mask": None},
        {"mask": ""},
        {"whatever": [1, {"a": None}]},
        {"size": "", "quality": "", "response_format": "", "ratio": "", "n": "", "seed": ""},
        {"stream": "false", "n": "2", "seed": "7", "intelligent_ratio": "true"},
        {"partial_images": 2},
    ],
    ids=str,
)
async def test_what_cannot_harm_is_taken(body: Any) -> None:
    assert (await Edge().generate(**body)).status == 200


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"mask": "data:image/png;base64,AAAA"}, "mask", "unsupported_parameter"),
        ({"markup": {"image_url": "https://x"}}, "markup", "unsupported_parameter"),
        ({"background": "transparent"}, "background", "unsupported_value"),
        ({"output_format": "gif"}, "output_format", "unsupported_value"),
        ({"output_format": "svg"}, "output_format", "unsupported_value"),
        ({"frame_count": 2}, "frame_count", "unsupported_parameter"),
        ({"n": 0}, "n", "invalid_value"),
        ({"n": 11}, "n", "invalid_value"),
        ({"n": 1.5}, "n", "invalid_value"),
        ({"response_format": "hex"}, "response_format", "invalid_value"),
        ({"size": "large"}, "size", "invalid_value"),
        ({"partial_images": 4}, "partial_images", "invalid_value"),
        ({"prompt": ""}, "prompt", "missing_required_parameter"),
        ({"prompt": None}, "prompt", "missing_required_parameter"),
        ({"prompt": "x" * 32_001}, "prompt", "invalid_value"),
    ],
)
async def test_what_would_be_silently_wrong_is_refused(body: Any, param: str, code: str) -> None:
    answer = await Edge().generate(**body)
    assert (answer.status, answer.error["param"], answer.error["code"]) == (400, param, code)


# --------------------------------------------------------------------- size ----


@pytest.mark.parametrize(
    ("body", "ratio", "resolution", "adjusted"),
    [
        ({"size": "256x256"}, "1:1", "1k", False),
        ({"size": "512x512"}, "1:1", "1k", False),
        ({"size": "1024x1024"}, "1:1", "1k", False),
        ({"size": "1536x1024"}, "3:2", "1k", False),
        ({"size": "1024x1536"}, "2:3", "1k", False),
        ({"size": "1280x720"}, "16:9", "1k", False),
        ({"size": "720x1280"}, "9:16", "1k", False),
        ({"size": "1536x864"}, "16:9", "1k", False),
        ({"size": "2048x2048"}, "1:1", "2k", False),
        ({"size": "2560x1440"}, "16:9", "2k", False),
        ({"size": "2304x1728"}, "4:3", "2k", False),
        ({"size": "3024x1296"}, "21:9", "2k", False),
        ({"size": "2496x1664"}, "3:2", "2k", False),
        ({"size": "1080x1350"}, "3:4", "1k", False),
        ({"size": "1792x1024"}, "16:9", "2k", False),
        ({"size": "1920x1080"}, "16:9", "2k", False),
        ({"size": "3840x2160"}, "16:9", "4k", False),
        ({"size": "1600x1200"}, "4:3", "2k", False),
        ({"size": "3072x1024"}, "21:9", "2k", True),
        ({"size": "1000x3000"}, "9:16", "2k", True),
        # What is written out wins.
        ({"size": "1024x1024", "ratio": "16:9"}, "16:9", "1k", False),
        ({"size": "1024x1024", "aspect_ratio": "16:9"}, "16:9", "1k", False),
        ({"size": "1024x1024", "aspectRatio": "16:9"}, "16:9", "1k", False),
        ({"size": "1024x1024", "resolution": "4k"}, "1:1", "4k", False),
        ({"size": "16:9"}, "16:9", "2k", False),
        ({"size": "4K"}, "1:1", "4k", False),
        ({"size": "auto"}, "1:1", "2k", False),
        ({"size": None}, "1:1", "2k", False),
        # Quality counts only where nothing else says how many pixels.
        ({"quality": "low"}, "1:1", "1k", False),
        ({"quality": "medium"}, "1:1", "2k", False),
        ({"quality": "standard"}, "1:1", "2k", False),
        ({"quality": "auto"}, "1:1", "2k", False),
        ({"quality": "high"}, "1:1", "2k", False),
        ({"quality": "hd"}, "1:1", "2k", False),
        ({"quality": "xhigh"}, "1:1", "4k", False),
        ({"quality": "max"}, "1:1", "4k", False),
        ({"quality": "unheard of"}, "1:1", "2k", False),
        ({"quality": "max", "size": "16:9"}, "16:9", "4k", False),
        ({"quality": "max", "size": "1024x1024"}, "1:1", "1k", False),
        ({"quality": "low", "resolution": "4k"}, "1:1", "4k", False),
    ],
    ids=str,
)
async def test_a_size_becomes_a_shape_and_a_tier(
    body: Any, ratio: str, resolution: str, adjusted: bool
) -> None:
    edge = Edge()
    answer = await edge.generate(AMERICA, model=CELLS, **body)
    assert answer.status == 200, answer.body
    assert (edge.desk.request.ratio, edge.desk.request.resolution) == (ratio, resolution)
    assert ("x-jimeng-size-adjusted" in answer.headers) == adjusted
    shown = answer.json["data"][0]
    assert answer.json["size"] == f"{shown['width']}x{shown['height']}"  # the true one


@pytest.mark.parametrize(
    ("quality", "echoed"),
    [
        ("low", "low"),
        ("medium", "medium"),
        ("high", "high"),
        ("xhigh", "xhigh"),
        ("max", "max"),
        ("auto", None),
        ("hd", None),
        ("standard", None),
        ("other", None),
    ],
)
async def test_only_qualities_of_the_answers_type_are_echoed(
    quality: str, echoed: str | None
) -> None:
    assert (await Edge().generate(quality=quality)).json.get("quality") == echoed


# ------------------------------------------------------------------- number ----


@pytest.mark.parametrize(
    ("options", "body", "count"),
    [
        ({}, {}, None),
        ({}, {"model": "jimeng"}, None),
        ({}, {"n": None}, None),
        ({}, {"model": "dall-e-3"}, 1),
        ({}, {"model": "gpt-image-1.5"}, 1),
        ({}, {"n": 3}, 3),
        ({}, {"n": "3"}, 3),
        ({}, {"n": 3.0}, 3),
        ({}, {"model": "dall-e-3", "n": 10}, 10),
        ({"default_n": "one"}, {}, 1),
        ({"default_n": "all"}, {"model": "dall-e-3"}, None),
    ],
)
async def test_n_is_exact_and_its_absence_goes_by_the_dialect(
    options: Any, body: Any, count: int | None
) -> None:
    edge = Edge(**options)
    answer = await edge.generate(**body)
    assert edge.desk.request.count == count
    assert len(answer.json["data"]) <= (count or 4)


# -------------------------------------------------------------------- forms ----


@pytest.mark.parametrize(
    "files",
    [
        [("image", PNG)],  # one
        [("image[]", PNG)],
        [("image[]", PNG), ("image[]", PNG)],  # a list
        [("image", PNG), ("image", PNG)],  # Cherry Studio
        [("image[0]", PNG), ("image[1]", PNG)],
        [("images", PNG), ("images", PNG)],
        [("image", data_uri(PNG))],
        [("image[image_url]", data_uri(PNG))],
        [("images[][image_url]", data_uri(PNG)), ("images[][image_url]", data_uri(PNG))],
    ],
)
async def test_pictures_arrive_in_every_spelling(files: Parts) -> None:
    edge = Edge()
    fields = {"prompt": "x", "n": "1", "stream": "false", "sample_strength": "0.4", "seed": "7"}
    answer = await send_form(edge, EDITS, [*files, *fields.items()])
    assert answer.status == 200, answer.body
    request = edge.desk.request
    assert len(request.inputs) == len(files)
    assert {one.content_type for one in request.inputs} == {"image/png"}  # whatever they are called
    assert (request.count, request.sample_strength, request.seed) == (1, 0.4, 7)


@pytest.mark.parametrize("field", ["images", "image"])
async def test_edits_come_as_json_as_well(field: str) -> None:
    edge = Edge()
    body = {"prompt": "x", field: [{"image_url": data_uri(PNG)}, {"image_url": data_uri(PNG)}]}
    answer = await edge.call("POST", EDITS, json_body=body)
    assert (answer.status, len(edge.desk.request.inputs)) == (200, 2)


async def test_an_id_of_a_file_is_taken_and_an_unknown_one_refused() -> None:
    edge = Edge()
    made = await send_form(edge, "/v1/files", [("file", PNG), ("purpose", "vision")])
    edge.media.file = PNG  # what is read back
    for status, id_ in ((200, made.json["id"]), (400, "file-unknown")):
        for form in ({"image": {"file_id": id_}}, {"images": [{"file_id": id_}]}):
            answer = await edge.call("POST", EDITS, json_body={"prompt": "x", **form})
            assert answer.status == status
            assert status == 200 or answer.error["param"] == next(iter(form))


# ------------------------------------------------------------------- videos ----


@pytest.mark.parametrize(
    ("body", "ratio", "resolution", "seconds"),
    [
        ({"size": "720x1280"}, "9:16", "720p", 5),
        ({"size": "1280x720"}, "16:9", "720p", 5),
        ({"size": "1024x1792"}, "9:16", "1080p", 5),
        ({"size": "1792x1024"}, "16:9", "1080p", 5),
        ({"size": "1920x1080"}, "16:9", "1080p", 5),
        ({"seconds": "4"}, "16:9", "720p", 5),
        ({"seconds": 4}, "16:9", "720p", 5),
        ({"seconds": "8"}, "16:9", "720p", 10),
        ({"seconds": "12"}, "16:9", "720p", 10),
        ({"duration": 10}, "16:9", "720p", 10),
        ({"seconds": "7.5"}, "16:9", "720p", 10),  # the longer of two
        ({"seconds": None, "size": "", "quality": "high"}, "16:9", "720p", 5),
    ],
    ids=str,
)
@pytest.mark.parametrize("form", [False, True], ids=["json", "form"])
async def test_a_films_size_and_length_are_the_models_nearest(
    body: Any, ratio: str, resolution: str, seconds: float, *, form: bool
) -> None:
    edge = Edge()
    asked = {"model": "jimeng-video-3.0", "prompt": "waves", **body}
    if form:
        parts = [(name, str(value)) for name, value in asked.items() if value is not None]
        answer = await send_form(edge, VIDEOS, parts)
    else:
        answer = await edge.call("POST", VIDEOS, json_body=asked)
    assert answer.status == 200, answer.body
    request = film(edge)
    assert (request.ratio, request.resolution, request.seconds) == (ratio, resolution, seconds)
    assert answer.json["seconds"] == str(int(seconds))
    assert answer.json["object"] == "video"
    assert answer.json["status"] in ("queued", "in_progress")
    assert int(answer.headers["openai-poll-after-ms"]) >= 1000


@pytest.mark.parametrize("seconds", ["0", "-4", "soon", "nan"])
async def test_a_length_that_is_none_is_refused(seconds: str) -> None:
    answer = await Edge().call("POST", VIDEOS, json_body={"prompt": "x", "seconds": seconds})
    assert (answer.status, answer.error["param"]) == (400, "seconds")


@pytest.mark.parametrize(
    "parts",
    [
        [("input_reference", PNG)],
        [("input_reference", data_uri(PNG))],
        [("input_reference[image_url]", data_uri(PNG))],
        [("image", PNG)],
        [("images[]", PNG)],
        [("image_url", data_uri(PNG))],
        [("file_paths", data_uri(PNG))],
        [("filePaths", data_uri(PNG))],
        [("anything", PNG)],
    ],
)
async def test_a_films_first_picture_arrives_in_every_spelling(parts: Parts) -> None:
    edge = Edge()
    answer = await send_form(edge, VIDEOS, [("prompt", "waves"), *parts])
    assert answer.status == 200, answer.body
    assert film(edge).mode == "first_frame"


async def test_a_second_picture_is_where_the_film_ends() -> None:
    edge = Edge()
    files: Parts = [("input_reference", PNG), ("input_reference", PNG)]
    answer = await send_form(edge, VIDEOS, [("prompt", "waves"), *files])
    assert (answer.status, film(edge).mode) == (200, "first_last")


# ------------------------------------------------------------------- errors ----

RAISED = {400, 401, 403, 404, 422, 429}  # what the SDKs have classes of their own for, below 500
WITHOUT_CLASS = {405, 408, 413, 431}
LONGEST_WAIT = 120  # seconds after which the Python client gives up by itself


def sent_again(status: int, headers: Mapping[str, str]) -> bool:
    """What both SDKs do with an answer, twice by default."""
    if "x-should-retry" in headers:
        return headers["x-should-retry"] == "true"
    return status in (408, 409, 429) or status >= 500


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_the_sdks_do_with_an_error_what_is_right(kind: type[GatewayError]) -> None:
    answer = error_answer(kind("What happened."))
    look = LOOKS[kind]
    assert sent_again(answer.status_code, answer.headers) is look.resend
    assert answer.status_code in RAISED | WITHOUT_CLASS or answer.status_code >= 500
    assert int(answer.headers.get("retry-after", 0)) <= LONGEST_WAIT
    assert (answer.headers.get("www-authenticate") == "Bearer") is (answer.status_code == 401)


@pytest.mark.parametrize(
    ("code", "status", "again"),
    [
        ("moderation_blocked", 400, False),
        ("invalid_value", 400, False),
        ("invalid_api_key", 401, False),
        ("upstream_session_expired", 401, False),
        ("model_not_found", 404, False),
        ("not_found", 404, False),
        ("video_not_ready", 404, False),  # 409 would be sent again
        ("request_too_large", 413, False),
        ("insufficient_quota", 429, False),
        ("account_busy", 429, True),
        ("upstream_rate_limited", 429, True),
        ("internal_error", 500, False),
        ("upstream_unreachable", 502, True),
        ("submission_unconfirmed", 502, False),  # perhaps paid for
        ("overloaded", 503, True),
        ("generation_timeout", 504, False),
    ],
)
def test_an_error_is_of_the_class_that_callers_expect(code: str, status: int, again: bool) -> None:
    kinds = [kind for kind in every_error() if kind.code == code]
    assert kinds
    for kind in kinds:
        assert (LOOKS[kind].status, LOOKS[kind].resend) == (status, again)


# ----------------------------------------------------------------- browsers ----


@pytest.mark.parametrize("path", [GENERATIONS, "/v1/models", "/v1/files", "/media/x", "/nothing"])
async def test_options_is_answered_without_a_key(path: str) -> None:
    """SillyTavern asks so whether anybody is there, a browser whether it may come."""
    asked = "authorization,content-type,x-stainless-os,x-stainless-retry-count,idempotency-key"
    plain = await Edge().call("OPTIONS", path, key=None)
    headers = {"origin": "https://chat.example", "access-control-request-headers": asked}
    preflight = await Edge().call("OPTIONS", path, key=None, headers=headers)
    assert (plain.status, preflight.status) == (204, 204)
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert preflight.headers["access-control-allow-headers"] == asked
    methods = preflight.headers["access-control-allow-methods"].split(", ")
    assert {"GET", "POST", "DELETE", "OPTIONS"} <= set(methods)


@pytest.mark.parametrize(
    ("key", "path", "body", "status"),
    [
        (KEY, GENERATIONS, CAT, 200),
        (None, GENERATIONS, CAT, 401),
        (KEY, GENERATIONS, {}, 400),
        (KEY, "/v1/nothing", None, 404),
        (KEY, "/v1/models/none", None, 404),
        (KEY, GENERATIONS, {**CAT, "prompt": "x" * (70 * 1024 * 1024)}, 413),
        (KEY, GENERATIONS, {**CAT, "user": "broken"}, 500),
        (KEY, "/media/none", None, 404),
    ],
)
async def test_a_page_may_read_every_answer(
    key: str | None, path: str, body: Any, status: int
) -> None:
    edge = Edge()
    edge.desk.breaks = RuntimeError("broken") if status == 500 else None
    headers = {"origin": "https://chat.example"}
    method = "GET" if body is None else "POST"
    answer = await edge.call(method, path, key=key, json_body=body, headers=headers)
    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"x-request-id", "retry-after", "retry-after-ms", "openai-poll-after-ms"} <= {*exposed}
    assert answer.headers["x-request-id"]
