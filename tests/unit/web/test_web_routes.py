"""Models, jobs, media, health and the API page; who may come in, and by which paths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from jimeng_api.domain.errors import GenerationFailed, StorageUnavailable
from jimeng_api.domain.progress import Progress, Queue, Stage
from jimeng_api.domain.secret import Secret
from jimeng_api.jobs.job import State
from jimeng_api.web.app import create_routes
from jimeng_api.web.links import Links
from jimeng_api.web.paths import plain
from tests.unit.web.web_edge import CAT, KEY, PICTURE, Edge

OTHER_KEY = "f" * 32

PUBLIC = {"/", "/docs", "/openapi.json", "/ping", "/healthz", "/readyz", "/media/{media_id}"}


def every_route(edge: Edge) -> Iterator[tuple[str, str]]:
    """The route table as the framework has it: all methods and paths."""
    app = create_routes(edge.parts, links=Links(public_url=None, trusted_proxies=()))
    groups: list[Any] = list(app.routes)
    while groups:
        group = groups.pop()
        if isinstance(group, APIRoute):
            yield from ((method, group.path) for method in group.methods or ())
        else:
            groups += list(getattr(group, "original_router", group).routes)


# ---------------------------------------------------------------- doors ----


async def test_every_route_that_is_not_public_needs_a_key() -> None:
    edge = Edge(admin_key=Secret("the-admin-key-of-this-gateway"))
    routes = set(every_route(edge))
    assert {path for _, path in routes} > PUBLIC
    for method, path in routes:
        filled = re.sub(r"\{[^}]*\}", "x", path)
        answer = await edge.call(method, filled, key=None)
        if path in PUBLIC:
            assert answer.status != 401, path
        else:
            assert answer.status == 401, path
            assert answer.error["code"] == "invalid_api_key"
            assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (None, "no Authorization header"),
        ("", "not of the form"),
        ("Bearer", "not of the form"),
        ("Bearer  ", "not of the form"),
        (f"Basic {KEY}", "not of the form"),
        (KEY, "not of the form"),
        ("Bearer wrong", "not a session id"),
        ("Bearer jm-0123456789", "not issued"),
        ("Bearer sk-" + "x" * 40, "OpenAI key"),
        ("Bearer http://proxy@" + KEY, "proxy"),
        ("Bearer \xff\xfe\xfd\xfc\xfb\xfa", "not a session id"),
        ("Bearer " + "," * 40, "No key"),
        ("Bearer " + "x" * 600, "not a session id"),
    ],
)
async def test_a_key_that_is_none_is_refused_with_what_would_be_one(
    header: str | None, says: str
) -> None:
    headers = {} if header is None else {"authorization": header}
    answer = await Edge().call("GET", "/v1/models", key=None, headers=headers)
    assert answer.status == 401
    assert says in answer.error["message"]
    assert (answer.error["type"], answer.error["param"]) == ("invalid_request_error", None)


async def test_the_scheme_may_be_written_in_any_case() -> None:
    answer = await Edge().get("/models", key=None, headers={"authorization": f"bearer {KEY}"})
    assert answer.status == 200


@pytest.mark.parametrize(
    "path", ["/v1/models", "/v1/models/", "/models", "/models/", "//v1//models", "/v1/models///"]
)
async def test_every_spelling_of_a_path_answers_without_a_redirect(path: str) -> None:
    answer = await Edge().get(path)
    assert answer.status == 200
    assert "location" not in answer.headers


async def test_every_route_answers_in_every_spelling() -> None:
    edge = Edge()
    for method, path in every_route(edge):
        filled = re.sub(r"\{[^}]*\}", "x", path)
        spellings = {filled, f"{filled}/", f"/v1{filled}", f"/v1{filled}/"}
        answers = [await edge.call(method, spelling, json_body=CAT) for spelling in spellings]
        assert len({(a.status, a.headers.get("content-type")) for a in answers}) == 1, path
        assert not any(300 <= answer.status < 400 for answer in answers)


@given(st.text(alphabet="/v1models.%é", max_size=30).map("/".__add__))
def test_a_plain_path_stays_as_it_is(path: str) -> None:
    once = plain(path)
    assert once.startswith("/")
    assert "//" not in once
    assert once == "/" or not once.endswith("/")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("POST", "/v1/embeddings", 404, "not_found"),
        ("GET", "/v1/responses/resp_none", 404, "not_found"),
        ("POST", "/v1/responses/banana/cancel", 404, "not_found"),
        ("GET", "/v1/images/generations", 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
        ("GET", "/v1/models/no-such-model", 404, "model_not_found"),
        ("GET", "/v1/jobs/job_none", 404, "not_found"),
        ("GET", "/v1/jobs/..%00", 404, "not_found"),
        ("GET", "/media/none", 404, "not_found"),
        ("GET", "/media/..", 404, "not_found"),
        ("GET", "/v1/jobs?limit=0", 400, "invalid_value"),
        ("GET", "/v1/jobs?limit=101", 400, "invalid_value"),
        ("GET", "/v1/jobs?limit=ten", 400, "invalid_value"),
        ("GET", "/v1/jobs?order=random", 400, "invalid_value"),
        ("GET", "/v1/jobs?after=%00", 400, "invalid_value"),
    ],
)
async def test_what_is_not_there_says_so_in_the_usual_shape(
    method: str, path: str, status: int, code: str
) -> None:
    answer = await Edge().call(method, path)
    assert (answer.status, answer.error["code"]) == (status, code)
    assert set(answer.error) >= {"message", "type", "param", "code"}
    assert answer.headers["x-request-id"].startswith("req_")
    if status == 405:
        assert answer.headers["allow"]


async def test_a_wrong_query_names_its_parameter() -> None:
    answer = await Edge().get("/v1/jobs?limit=0")
    assert answer.error["param"] == "limit"


# --------------------------------------------------------------- models ----


async def test_the_models_of_the_callers_sites_are_listed_with_what_they_can_do() -> None:
    answer = await Edge().get("/v1/models")
    assert answer.json["object"] == "list"
    by_id = {model["id"]: model for model in answer.json["data"]}
    model = by_id["jimeng-4.5"]
    assert (model["object"], model["created"], model["owned_by"]) == ("model", 0, "jimeng")
    assert model["kind"] == "image"
    assert model["sites"] == ["cn", "us", "hk", "jp", "sg"]
    assert model["ratios"][0] == "1:1"
    assert model["resolutions"] == ["2k", "4k"]
    assert model["counts"] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert model["credits"] == {"2k": 4}
    assert model["deprecated"] is False
    assert model["supported_endpoint_types"] == ["image-generation", "openai", "openai-response"]
    assert by_id["jimeng-video-3.0"]["durations"] == [5, 10]
    assert "nanobanana" not in by_id
    assert "dall-e-3" not in by_id


async def test_another_site_has_other_models() -> None:
    answer = await Edge().get("/v1/models", key=f"us-{KEY}")
    ids = [model["id"] for model in answer.json["data"]]
    assert "nanobanana" in ids
    assert "jimeng-4.7" not in ids


async def test_openais_names_are_listed_where_a_setting_says_so() -> None:
    answer = await Edge(list_openai_aliases=True).get("/v1/models")
    by_id = {model["id"]: model for model in answer.json["data"]}
    assert by_id["gpt-image-1"]["alias_of"] == "jimeng-4.5"
    assert by_id["sora-2"]["kind"] == "video"


@pytest.mark.parametrize(
    ("asked", "alias_of"),
    [("jimeng-4.5", None), ("4.5", "jimeng-4.5"), ("dall-e-3", "jimeng-4.5"), ("nanobanana", None)],
)
async def test_one_model_answers_to_all_its_names(asked: str, alias_of: str | None) -> None:
    answer = await Edge().get(f"/v1/models/{asked}")
    assert (answer.json["id"], answer.json.get("alias_of")) == (asked, alias_of)


async def test_a_model_id_with_a_slash_is_one_id() -> None:
    answer = await Edge().get("/v1/models/openai/jimeng")  # as the server has decoded %2F
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    assert "openai/jimeng" in answer.error["message"]


# ----------------------------------------------------------------- jobs ----


async def test_a_job_shows_what_was_asked_for_and_what_came_of_it() -> None:
    edge = Edge()
    await edge.generate(n=2, seed=7, model="dall-e-3")
    answer = await edge.get("/v1/jobs/job_0")
    job = answer.json
    assert (job["id"], job["object"], job["kind"]) == ("job_0", "job", "image")
    assert (job["status"], job["state"], job["progress"]) == ("completed", "completed", 100)
    assert (job["model"], job["request"]["model"]) == ("dall-e-3", "jimeng-4.5")
    assert (job["request"]["prompt"], job["request"]["seed"], job["request"]["n"]) == (
        "a cat",
        7,
        2,
    )
    assert (job["created_at"], job["finished_at"]) == (1763800000, 1763800009)
    assert [result["shown"] for result in job["results"]] == [True, True]
    first = job["results"][0]
    assert first["url"] == "http://gateway.test:5100/media/media-job_0-0"
    assert (first["width"], first["bytes"], first["content_type"]) == (
        2048,
        len(PICTURE),
        "image/png",
    )
    assert job["error"] is None
    assert job["submissions"][0]["history_id"] == "4711"
    assert job["partial"] is False
    assert KEY.encode() not in answer.body


async def test_a_failed_job_shows_its_failure() -> None:
    edge = Edge()
    edge.desk.fails = GenerationFailed("No.")
    await edge.generate()
    job = (await edge.get("/v1/jobs/job_0")).json
    assert (job["status"], job["error"]["code"], job["error"]["charge"]) == (
        "failed",
        "generation_failed",
        "unknown",
    )


@pytest.mark.parametrize(
    ("finished", "total", "percent"), [(0, 4, 0), (1, 4, 25), (4, 4, 99), (0, 0, 0), (9, 4, 99)]
)
async def test_progress_is_the_share_of_finished_pictures(
    finished: int, total: int, percent: int
) -> None:
    edge = Edge()
    await edge.generate()
    job = edge.desk.last
    part = replace(job.submissions[0], state=State.RUNNING)
    edge.desk.jobs["job_0"] = replace(job, state=State.RUNNING, submissions=(part,), pictures=())
    edge.desk.looks["job_0"] = (
        Progress(
            submit_id="submit-0",
            history_id="4711",
            stage=Stage.RUNNING,
            status=20,
            total=total,
            finished=finished,
            queue=Queue(position=3, length=40, wait_seconds=12.5),
        ),
    )
    found = (await edge.get("/v1/jobs/job_0")).json
    assert (found["status"], found["state"], found["progress"]) == (
        "in_progress",
        "running",
        percent,
    )
    assert found["queue"] == {
        "line": "upstream",
        "position": 3,
        "length": 40,
        "wait_seconds": 12.5,
        "run_seconds": None,
    }


async def test_a_job_that_waits_for_an_account_is_told_its_place() -> None:
    edge = Edge()
    await edge.generate()
    part = replace(edge.desk.last.submissions[0], state=State.ACCEPTED)
    edge.desk.jobs["job_0"] = replace(
        edge.desk.last, state=State.ACCEPTED, submissions=(part,), pictures=()
    )
    edge.desk.lines["job_0"] = Queue(position=2, length=9, waiting=True, wait_seconds=31.5)
    found = (await edge.get("/v1/jobs/job_0")).json
    assert (found["status"], found["progress"]) == ("queued", 0)
    assert found["queue"] == {
        "line": "gateway",
        "position": 2,
        "length": 9,
        "wait_seconds": 31.5,
        "run_seconds": None,
    }


async def test_a_job_that_nobody_has_looked_at_yet_is_at_nought() -> None:
    edge = Edge()
    await edge.generate()
    part = replace(edge.desk.last.submissions[0], state=State.ACCEPTED)
    edge.desk.jobs["job_0"] = replace(
        edge.desk.last, state=State.ACCEPTED, submissions=(part,), pictures=()
    )
    found = (await edge.get("/v1/jobs/job_0")).json
    assert (found["status"], found["progress"], found["queue"]) == ("queued", 0, None)


async def test_jobs_are_listed_page_by_page() -> None:
    edge = Edge()
    for _ in range(3):
        await edge.generate()
    page = (await edge.get("/v1/jobs?limit=2")).json
    assert [job["id"] for job in page["data"]] == ["job_2", "job_1"]
    assert (page["object"], page["first_id"], page["last_id"]) == ("list", "job_2", "job_1")
    assert page["has_more"] is True
    page = (await edge.get("/v1/jobs?limit=2&after=job_1")).json
    assert ([job["id"] for job in page["data"]], page["has_more"]) == (["job_0"], False)
    page = (await edge.get("/v1/jobs?order=asc&limit=1")).json
    assert [job["id"] for job in page["data"]] == ["job_0"]


async def test_another_caller_sees_no_jobs() -> None:
    edge = Edge()
    await edge.generate()
    assert (await edge.get("/v1/jobs/job_0", key=OTHER_KEY)).status == 404
    page = (await edge.get("/v1/jobs", key=OTHER_KEY)).json
    assert page == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


# ---------------------------------------------------------------- media ----


async def _edge_with_picture(content_type: str = "image/png") -> Edge:
    edge = Edge()
    edge.desk.content_type = content_type
    await edge.generate(n=1)
    return edge


MEDIA = "/media/media-job_0-0"


async def test_a_result_is_fetched_without_a_key() -> None:
    answer = await (await _edge_with_picture()).get(MEDIA, key=None)
    assert (answer.status, answer.body) == (200, PICTURE)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == str(len(PICTURE))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["content-disposition"] == 'inline; filename="media-job_0-0.png"'
    assert answer.headers["accept-ranges"] == "bytes"
    assert "max-age" in answer.headers["cache-control"]
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("content_type", ["image/svg+xml", "text/html", "video/quicktime"])
async def test_what_is_no_picture_is_saved_and_not_shown(content_type: str) -> None:
    answer = await (await _edge_with_picture(content_type)).get(MEDIA, key=None)
    assert answer.headers["content-disposition"].startswith("attachment; ")


async def test_the_head_of_a_result_has_no_body() -> None:
    answer = await (await _edge_with_picture()).call("HEAD", MEDIA, key=None)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == str(len(PICTURE))


SIZE = len(PICTURE)


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-0", 206, (0, 1)),
        ("bytes=0-99", 206, (0, 100)),
        ("bytes=5000-", 206, (5000, SIZE)),
        ("bytes=-7", 206, (SIZE - 7, SIZE)),
        (f"bytes=-{SIZE * 9}", 206, (0, SIZE)),
        (f"bytes=1-{SIZE * 9}", 206, (1, SIZE)),
        (f"bytes={SIZE}-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=9-3", 200, (0, SIZE)),
        ("bytes=0-1,5-6", 200, (0, SIZE)),
        ("bytes=0-1" + ",0-1" * 2000, 200, (0, SIZE)),
        ("bytes=a-b", 200, (0, SIZE)),
        ("items=0-1", 200, (0, SIZE)),
        ("", 200, (0, SIZE)),
        ("bytes=" + "9" * 5000 + "-", 200, (0, SIZE)),
    ],
)
async def test_at_most_one_range_is_served(
    asked: str, status: int, part: tuple[int, int] | None
) -> None:
    edge = await _edge_with_picture()
    answer = await edge.get(MEDIA, key=None, headers={"range": asked})
    assert answer.status == status
    if part is None:
        assert answer.headers["content-range"] == f"bytes */{SIZE}"
    else:
        assert answer.body == PICTURE[slice(*part)]
        assert answer.headers["content-length"] == str(len(answer.body))
    if status == 206 and part:
        assert answer.headers["content-range"] == f"bytes {part[0]}-{part[1] - 1}/{SIZE}"


async def test_a_result_that_the_caller_has_is_not_sent_again() -> None:
    edge = await _edge_with_picture()
    tag = (await edge.get(MEDIA)).headers["etag"]
    for sent in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = await edge.get(MEDIA, headers={"if-none-match": sent})
        assert (answer.status, answer.body) == (304, b"")
    assert (await edge.get(MEDIA, headers={"if-none-match": '"x"'})).status == 200


async def test_a_range_of_another_file_gives_the_whole_one() -> None:
    edge = await _edge_with_picture()
    tag = (await edge.get(MEDIA)).headers["etag"]
    for sent, status in ((tag, 206), ('"x"', 200)):
        headers = {"range": "bytes=0-1", "if-range": sent}
        assert (await edge.get(MEDIA, headers=headers)).status == status


async def test_a_file_that_cannot_be_read_says_so_before_it_begins() -> None:
    edge = await _edge_with_picture()
    edge.media.fails = StorageUnavailable("Not now.")
    answer = await edge.get(MEDIA)
    assert (answer.status, answer.error["code"]) == (503, "storage_unavailable")


@pytest.mark.parametrize(
    "media_id", ["../../etc/passwd", "..%2f", "a\0b", "x" * 200, "a b", "a/b", "é", "."]
)
async def test_no_id_leads_anywhere_but_to_a_row(media_id: str) -> None:
    edge = Edge()

    async def never(media_id: str) -> Any:
        raise AssertionError("the desk was asked")

    edge.desk.picture = never  # type: ignore[method-assign]
    assert (await edge.get(f"/media/{media_id}")).status == 404


# --------------------------------------------------------------- health ----


async def test_ping_says_pong() -> None:
    answer = await Edge().get("/ping", key=None)
    assert (answer.status, answer.body) == (200, b"pong")
    assert answer.headers["content-type"].startswith("text/plain")


async def test_a_process_that_answers_is_well() -> None:
    assert (await Edge().get("/healthz", key=None)).json == {"status": "ok"}


async def _ready() -> bool:
    return True


async def _half() -> dict[str, bool]:
    return {"storage": True, "database": False}


async def _broken() -> bool:
    raise OSError("secret insides")


@pytest.mark.parametrize(
    ("ready", "status", "says"),
    [
        (_ready, 200, {"status": "ready", "checks": {}}),
        (_half, 503, {"status": "not_ready", "checks": {"storage": True, "database": False}}),
        (_broken, 503, {"status": "not_ready", "checks": {}}),
    ],
)
async def test_readiness_is_what_the_parts_say(ready: Any, status: int, says: Any) -> None:
    answer = await Edge(ready=ready).get("/readyz", key=None)
    assert (answer.status, answer.json) == (status, says)


# ------------------------------------------------------------- api page ----


class _Loads(HTMLParser):
    """What a browser would fetch, and what it would run."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids.add(found.get("id") or "")
        if tag in ("script", "img", "iframe", "link", "object", "embed", "form"):
            self.fetched.append(tag)
        if tag == "a":
            self.links.append(found["href"] or "")
        assert not any(name.startswith("on") or name == "style" for name in found)


@pytest.mark.parametrize("path", ["/docs", "/"])
async def test_the_pages_load_nothing_and_run_nothing(path: str) -> None:
    answer = await Edge().get(path, key=None)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    page = _Loads()
    page.feed(answer.body.decode())
    assert not page.fetched
    for link in page.links:
        assert link.startswith("/") or link.removeprefix("#") in page.ids


async def test_the_api_page_tells_of_every_route() -> None:
    edge = Edge()
    page = (await edge.get("/docs", key=None)).body.decode()
    for _, path in every_route(edge):
        if path not in ("/", "/docs", "/openapi.json"):
            assert path.replace(":path", "") in page
    assert "-F &#x27;image=@cat.png&#x27;" in page
    for word in ("negative_prompt", "x-should-retry", "moderation_blocked", "needs a key"):
        assert word in page


async def test_the_openapi_document_is_whole() -> None:
    answer = await Edge().get("/openapi.json", key=None)
    found = answer.json
    assert set(found["paths"]) == {
        "/v1/chat/completions",
        "/v1/images/generations",
        "/v1/images/edits",
        "/v1/images/variations",
        "/v1/images/compositions",
        "/v1/images/upscale",
        "/v1/images/outpaint",
        "/v1/images/repair",
        "/v1/videos",
        "/v1/videos/characters",
        "/v1/videos/characters/{character_id}",
        "/v1/videos/edits",
        "/v1/videos/extensions",
        "/v1/videos/generations",
        "/v1/videos/{video_id}",
        "/v1/videos/{video_id}/content",
        "/v1/videos/{video_id}/interpolate",
        "/v1/videos/{video_id}/remix",
        "/v1/videos/{video_id}/upscale",
        "/v1/files",
        "/v1/files/{file_id}",
        "/v1/files/{file_id}/content",
        "/v1/responses",
        "/v1/responses/{response_id}",
        "/v1/responses/{response_id}/cancel",
        "/v1/responses/{response_id}/input_items",
        "/v1/models",
        "/v1/models/{model_id}",
        "/token",
        "/token/check",
        "/token/points",
        "/token/receive",
        "/token/refresh",
        "/token/revoke",
        "/v1/admin/accounts",
        "/v1/admin/accounts/check",
        "/v1/admin/accounts/{account}",
        "/v1/admin/accounts/{account}/check",
        "/v1/admin/keys",
        "/v1/admin/keys/{key_id}",
        "/v1/jobs",
        "/v1/jobs/adopt",
        "/v1/jobs/{job_id}",
        "/v1/jobs/{job_id}/cancel",
        "/v1/jobs/{job_id}/events",
        "/media/{media_id}",
        "/ping",
        "/healthz",
        "/readyz",
    }
    schemas = found["components"]["schemas"]
    for name in re.findall(rb'"#/components/schemas/([^"]+)"', answer.body):
        assert name.decode() in schemas
    post = found["paths"]["/v1/images/generations"]["post"]
    assert post["security"] == [{"key": []}]
    assert post["responses"]["429"]["content"]["application/json"]["example"]["error"]["code"]
    assert "prompt" in schemas["ImageGenerationBody"]["required"]
    edit = found["paths"]["/v1/images/edits"]["post"]["requestBody"]["content"]
    assert set(edit) == {"application/json", "multipart/form-data"}
    assert "prompt" not in schemas["ImageVariationBody"].get("required", ())
    for path in found["paths"].values():
        for operation in path.values():
            assert operation["summary"]
            assert "HTTPValidationError" not in str(operation)
    assert "`idempotency_key_reused`" in post["responses"]["422"]["description"]


@pytest.mark.parametrize(
    ("reply", "path"),
    [("ModelReply", "/v1/models/jimeng-4.5"), ("JobReply", "/v1/jobs/job_0")],
)
async def test_the_document_describes_what_is_really_answered(reply: str, path: str) -> None:
    edge = Edge()
    await edge.generate()
    schemas = (await edge.get("/openapi.json")).json["components"]["schemas"]
    answer = (await edge.get(path)).json
    assert set(answer) <= set(schemas[reply]["properties"])
    assert set(answer) >= set(schemas[reply]["required"])


async def test_the_document_describes_the_answer_with_pictures() -> None:
    edge = Edge()
    schemas = (await edge.get("/openapi.json")).json["components"]["schemas"]
    answer = (await edge.generate(quality="high", response_format="url")).json
    assert set(answer) == set(schemas["ImagesReply"]["properties"])
    assert set(answer["data"][0]) | {"b64_json"} == set(schemas["PictureReply"]["properties"])
