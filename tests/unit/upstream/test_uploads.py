"""The uploader against a door that answers as it is told; against the simulator: `..._meet_simulator`."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from jimeng_api.catalog.sites import CN, HK, SITES, US, Site
from jimeng_api.domain.errors import (
    ContentRefused,
    GatewayError,
    Overloaded,
    ProtocolChanged,
    ProxyRefused,
    RiskControl,
    SessionExpired,
    UploadFailed,
    UpstreamMaintenance,
    UpstreamUnreachable,
)
from jimeng_api.domain.secret import Secret
from jimeng_api.transport import (
    Broken,
    NoConnectionFree,
    NotSent,
    ProxyFailed,
    Request,
    Response,
    Stream,
    TooLarge,
)
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.uploads import Uploader
from tests.virtual_time import VirtualClock, run_virtually

SID = "fedcba9876543210fedcba9876543210"
SESSION = Secret(SID)
OTHER = Secret("f" * 32)
BODY = b"33"  # its checksum begins with a zero
URI = "tos-cn-i-tb4s082cfz/0123456789abcdef0123456789abcdef"
HOST = "tos-d-x-lq.bytedancevod.com"

Outcome = Response | Exception
Step = Callable[[Request], Outcome]


def said(data: Any = None, ret: str = "0", errmsg: str = "success") -> Response:
    wrapped = {"ret": ret, "errmsg": errmsg, "systime": "1767225600", "logid": "L", "data": data}
    return plain(wrapped)


def plain(body: Any, status: int = 200) -> Response:
    return Response(status=status, headers={}, body=json.dumps(body).encode())


def refused(code: str, status: int = 403) -> Response:
    error = {"CodeN": 1, "Code": code, "Message": "m"}
    return plain({"ResponseMetadata": {"RequestId": "R", "Error": error}}, status)


class Upstream:
    """The four steps of an upload, and the check; each answers well until it is told otherwise."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Request]] = []
        self.troubles: dict[str, list[Outcome]] = {}
        self.token: dict[str, Any] = {}
        self.hosts: list[str] = [HOST]
        self.tokens = 0

    def fails(self, step: str, *outcomes: Outcome) -> None:
        self.troubles[step] = list(outcomes)

    def times(self, step: str) -> int:
        return sum(1 for name, _ in self.asked if name == step)

    def first(self, step: str) -> Request:
        return next(request for name, request in self.asked if name == step)

    async def send(self, request: Request) -> Response:
        step = self._step(request)
        self.asked.append((step, request))
        await asyncio.sleep(0.01)
        waiting = self.troubles.get(step)
        outcome = waiting.pop(0) if waiting else self._well(step)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def stream(self, request: Request) -> AbstractAsyncContextManager[Stream]:
        raise NotImplementedError

    def _step(self, request: Request) -> str:
        parts = urlsplit(request.url)
        if parts.path == "/":
            return parse_qs(parts.query)["Action"][0].removesuffix("ImageUpload").lower()
        return {"/mweb/v1/get_upload_token": "token", "/mweb/v1/algo_proxy": "check"}.get(
            parts.path, "blob"
        )

    def _well(self, step: str) -> Response:
        if step == "token":
            self.tokens += 1
            keys = {
                "access_key_id": f"AKTP-{self.tokens}",
                "secret_access_key": "hidden-secret-key",
                "session_token": f"STS2-hidden-{self.tokens}",
            }
            return said(keys | self.token)
        if step == "apply":
            store = {"StoreUri": URI, "Auth": "SpaceKey/hidden-auth"}
            node = {"StoreInfos": [store], "UploadHosts": self.hosts, "SessionKey": "hidden-key"}
            return plain({"ResponseMetadata": {}, "Result": {"UploadAddress": node}})
        if step == "blob":
            return plain({"code": 2000, "message": "Success", "data": {"crc32": "a6216d9"}})
        if step == "commit":
            return plain({"Result": {"Results": [{"Uri": URI, "UriStatus": 2000}]}})
        return said({})


def uploader(
    upstream: Upstream,
    origin: str | None = None,
    proxies: dict[str, Secret] | None = None,
    **constants: Any,
) -> Uploader:
    clock, known = VirtualClock(), replace(Constants(), **constants)
    client = UpstreamClient(upstream, clock, known, origin, proxies=proxies or {})
    return Uploader(client, upstream, clock, known, origin, proxies=proxies or {})


def failing(work: Coroutine[Any, Any, Any], kind: type[GatewayError]) -> GatewayError:
    with pytest.raises(kind) as caught:
        run_virtually(work)
    assert type(caught.value) is kind
    return caught.value


@pytest.mark.parametrize("site", SITES.values(), ids=SITES)
def test_a_picture_takes_four_steps(site: Site) -> None:
    upstream = Upstream()
    assert run_virtually(uploader(upstream).upload(site, SESSION, BODY)) == URI
    assert [step for step, _ in upstream.asked] == ["token", "apply", "blob", "commit"]
    token, apply, blob, commit = (request for _, request in upstream.asked)

    assert token.url.startswith(f"{site.mweb_url}/mweb/v1/get_upload_token?")
    assert token.body == b'{"scene":2}'

    assert apply.method == "GET"
    assert apply.body is None
    assert apply.url.startswith(f"{site.imagex_url}/?")
    query = {name: value for name, (value,) in parse_qs(urlsplit(apply.url).query).items()}
    assert len(query.pop("s")) == 11
    expected = {
        "Action": "ApplyImageUpload",
        "Version": "2018-08-01",
        "ServiceId": site.imagex_service_id,
        "FileSize": "2",
    }
    if site is not CN:
        expected["device_platform"] = "web"
    assert query == expected
    assert f"/{site.aws_region}/imagex/aws4_request" in apply.headers["authorization"]
    assert apply.headers["x-amz-security-token"] == "STS2-hidden-1"

    assert blob.method == "POST"
    assert blob.url == f"https://{HOST}/upload/v1/{URI}"
    assert blob.body == BODY
    assert blob.headers["authorization"] == "SpaceKey/hidden-auth"
    assert blob.headers["content-crc32"] == "0a6216d9"
    assert blob.headers["content-type"] == "application/octet-stream"
    assert blob.headers["content-disposition"] == 'attachment; filename="undefined"'

    assert commit.method == "POST"
    assert commit.body == b'{"SessionKey":"hidden-key"}'
    assert commit.headers["content-type"] == "application/json"
    assert len(commit.headers["x-amz-content-sha256"]) == 64
    for request in (apply, blob, commit):
        assert request.headers["origin"] == site.page_origin
        assert request.headers["referer"] == f"{site.page_origin}/ai-tool/generate"
        assert "cookie" not in request.headers
        assert SID not in request.url + str(request.headers)


@pytest.mark.parametrize(
    ("site", "token", "service"),
    [
        (CN, {}, "tb4s082cfz"),
        (CN, {"service_id": "own", "space_name": "dreamina"}, "own"),
        (CN, {"space_name": "dreamina"}, "tb4s082cfz"),
        (HK, {}, "wopfjsm1ax"),
        (HK, {"service_id": "own", "space_name": "live"}, "live"),
        (US, {"service_id": "own"}, "wopfjsm1ax"),
    ],
)
def test_the_service_is_the_one_that_the_token_names(
    site: Site, token: dict[str, str], service: str
) -> None:
    upstream = Upstream()
    upstream.token = token
    run_virtually(uploader(upstream).upload(site, SESSION, BODY))
    for step in ("apply", "commit"):
        assert f"ServiceId={service}" in upstream.first(step).url


def test_one_token_is_enough_for_uploads_at_the_same_time_and_after() -> None:
    upstream = Upstream()

    async def several() -> None:
        uploads = uploader(upstream)
        await asyncio.gather(*(uploads.upload(CN, SESSION, BODY) for _ in range(10)))
        await uploads.upload(CN, SESSION, BODY)
        assert (upstream.times("token"), upstream.times("commit")) == (1, 11)
        await uploads.upload(CN, OTHER, BODY)
        await uploads.upload(HK, SESSION, BODY)
        assert upstream.times("token") == 3

    run_virtually(several())


def test_whoever_leaves_does_not_take_the_token_from_the_others() -> None:
    upstream = Upstream()

    async def one_leaves() -> None:
        uploads = uploader(upstream)
        first = asyncio.create_task(uploads.upload(CN, SESSION, BODY))
        second = asyncio.create_task(uploads.upload(CN, SESSION, BODY))
        await asyncio.sleep(0.005)
        first.cancel()
        assert await second == URI
        assert upstream.times("token") == 1

    run_virtually(one_leaves())


@pytest.mark.parametrize(
    ("token", "life"),
    [
        ({}, 900),
        ({"expired_time": 1767229200, "current_time": 1767225600}, 3600),
        ({"expired_time": "2026-01-01T00:05:00Z", "current_time": "2026-01-01T00:00:00Z"}, 300),
        ({"expired_time": 2767225600, "current_time": 1767225600}, 86400),
    ],
)
def test_a_token_is_used_until_a_minute_before_its_end(token: dict[str, Any], life: float) -> None:
    upstream = Upstream()
    upstream.token = token

    async def later() -> None:
        uploads = uploader(upstream)
        await uploads.upload(CN, SESSION, BODY)
        await asyncio.sleep(life - 62)
        await uploads.upload(CN, SESSION, BODY)
        assert upstream.times("token") == 1
        await asyncio.sleep(3)
        await uploads.upload(CN, SESSION, BODY)
        assert upstream.times("token") == 2

    run_virtually(later())


@pytest.mark.parametrize("code", ["InvalidAuthorization", "SignatureDoesNotMatch", "ExpiredToken"])
@pytest.mark.parametrize("step", ["apply", "commit"])
def test_a_token_that_is_no_longer_taken_is_replaced(step: str, code: str) -> None:
    upstream = Upstream()
    upstream.fails(step, refused(code))
    assert run_virtually(uploader(upstream).upload(CN, SESSION, BODY)) == URI
    assert upstream.times("token") == 2
    assert "AKTP-2" in upstream.asked[-1][1].headers["authorization"]


def test_a_token_is_replaced_only_once() -> None:
    upstream = Upstream()
    upstream.fails("apply", *[refused("InvalidAuthorization")] * 3)
    failing(uploader(upstream).upload(CN, SESSION, BODY), UploadFailed)
    assert (upstream.times("token"), upstream.times("apply")) == (2, 3)


def test_uploads_that_meet_the_same_stale_token_replace_it_together() -> None:
    upstream = Upstream()

    async def several() -> None:
        uploads = uploader(upstream)
        await uploads.upload(CN, SESSION, BODY)
        upstream.fails("apply", *[refused("ExpiredToken")] * 5)
        await asyncio.gather(*(uploads.upload(CN, SESSION, BODY) for _ in range(5)))
        assert upstream.times("token") == 2

    run_virtually(several())


TROUBLES: dict[str, tuple[str, Outcome]] = {
    "no place": ("apply", plain({"Result": {}})),
    "apply cannot be reached": ("apply", NotSent("ClientConnectorError")),
    "apply broke off": ("apply", Broken("ServerDisconnectedError")),
    "apply is down": ("apply", plain({}, 502)),
    "denied": ("apply", refused("AccessDenied")),
    "an edge refuses": ("blob", Response(status=204, headers={}, body=b"")),
    "the storage refuses": ("blob", plain({"code": 4003}, 403)),
    "the storage is down": ("blob", Response(status=502, headers={}, body=b"<html>")),
    "the checksum differs": ("blob", plain({"code": 4008})),
    "other bytes are there": ("blob", plain({"code": 2000, "data": {"crc32": "1"}})),
    "the storage cannot be reached": ("blob", NotSent("ClientConnectorError")),
    "the storage broke off": ("blob", Broken("ServerDisconnectedError after 2 bytes")),
    "the commit is lost": ("commit", Broken("TimeoutError")),
    "the commit is too long": ("commit", TooLarge("more")),
    "the commit is not known": ("commit", refused("30406")),
    "the commit failed": ("commit", plain({"Result": {"Results": [{"UriStatus": 2001}]}})),
    "the commit is empty": ("commit", plain({"Result": {"Results": []}})),
    "the commit is half": ("commit", Response(status=200, headers={}, body=b'{"Result":{"Re')),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_fails_twice_is_done_again_as_a_whole(trouble: str) -> None:
    step, outcome = TROUBLES[trouble]
    upstream = Upstream()
    upstream.fails(step, outcome, outcome)
    assert run_virtually(uploader(upstream).upload(CN, SESSION, BODY)) == URI
    assert upstream.times("apply") == 3
    assert upstream.times("token") == 1


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_fails_three_times_has_failed(trouble: str) -> None:
    step, outcome = TROUBLES[trouble]
    upstream = Upstream()
    upstream.fails(step, *[outcome] * 9)

    async def timed() -> float:
        uploads, loop = uploader(upstream), asyncio.get_running_loop()
        with pytest.raises(UploadFailed):
            await uploads.upload(CN, SESSION, BODY)
        return loop.time()

    assert 2.5 <= run_virtually(timed()) <= 4.0, "it waits between the tries"
    assert upstream.times(step) == 3


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (said(ret="1015", errmsg="login error"), SessionExpired),
        (said(ret="1019", errmsg="shark not pass"), RiskControl),
        (said({}), ProtocolChanged),
        (Response(status=503, headers={}, body=b""), UpstreamMaintenance),
        (ProxyFailed("it answers HTTP 407"), ProxyRefused),
        (NoConnectionFree("all connections are in use"), Overloaded),
    ],
)
def test_trouble_with_the_token_is_told_at_once_as_it_is(
    answer: Outcome, error: type[GatewayError]
) -> None:
    upstream = Upstream()
    upstream.fails("token", answer)
    failing(uploader(upstream).upload(CN, SESSION, BODY), error)
    assert len(upstream.asked) == 1


def test_a_dead_session_is_asked_about_once_for_all_its_pictures() -> None:
    upstream = Upstream()
    upstream.fails("token", said(ret="1015", errmsg="login error"))

    async def several() -> list[Any]:
        uploads = uploader(upstream)
        return await asyncio.gather(
            *(uploads.upload(CN, SESSION, BODY) for _ in range(10)), return_exceptions=True
        )

    assert [type(one) for one in run_virtually(several())] == [SessionExpired] * 10
    assert upstream.times("token") == 1


def test_a_token_that_cannot_be_fetched_is_asked_for_again() -> None:
    upstream = Upstream()
    upstream.fails("token", Broken("TimeoutError"), NotSent("ClientConnectorError"))
    assert run_virtually(uploader(upstream).upload(CN, SESSION, BODY)) == URI
    upstream = Upstream()
    upstream.fails("token", *[Broken("TimeoutError")] * 3)
    failing(uploader(upstream).upload(CN, SESSION, BODY), UpstreamUnreachable)


@pytest.mark.parametrize("step", ["apply", "blob", "commit"])
@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (ProxyFailed("it cannot be reached"), ProxyRefused),
        (NoConnectionFree("all connections are in use"), Overloaded),
    ],
)
def test_trouble_on_this_side_is_told_at_once(
    step: str, outcome: Exception, error: type[GatewayError]
) -> None:
    upstream = Upstream()
    upstream.fails(step, outcome)
    failing(uploader(upstream).upload(CN, SESSION, BODY), error)
    assert upstream.times(step) == 1


BAD_HOSTS = [
    "upload.elsewhere.example",
    "bytedancevod.com.elsewhere.example",
    "notbytedancevod.com",
    "169.254.169.254",
    "[::1]",
    "localhost",
    "tos.bytedancevod.com:8080",
    "user@tos.bytedancevod.com",
    "elsewhere.example/.bytedancevod.com",
    "elsewhere.example#.bytedancevod.com",
    "https://tos.bytedancevod.com",
    "tos..bytedancevod.com",
    " ",
]


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_nothing_is_sent_to_a_host_that_is_not_the_sites(host: str) -> None:
    upstream = Upstream()
    upstream.hosts = [host]
    error = failing(uploader(upstream).upload(CN, SESSION, BODY), UploadFailed)
    assert upstream.times("blob") == 0
    assert (host.strip() == "") or host in error.message


def test_a_host_of_the_sites_among_strange_ones_is_taken() -> None:
    upstream = Upstream()
    upstream.hosts = ["upload.elsewhere.example", HOST]
    run_virtually(uploader(upstream).upload(CN, SESSION, BODY))
    assert urlsplit(upstream.first("blob").url).hostname == HOST


def test_each_try_goes_to_the_next_of_the_hosts() -> None:
    upstream = Upstream()
    upstream.hosts = ["a.snssdk.com", "b.snssdk.com"]
    upstream.fails("blob", *[Broken("TimeoutError")] * 2)
    run_virtually(uploader(upstream).upload(CN, SESSION, BODY))
    hosts = [urlsplit(request.url).hostname for step, request in upstream.asked if step == "blob"]
    assert hosts == ["a.snssdk.com", "b.snssdk.com", "a.snssdk.com"]


def test_the_hosts_of_a_site_are_a_setting() -> None:
    upstream = Upstream()
    upstream.hosts = ["tos.elsewhere.example"]
    known = {"cn": ("elsewhere.example",)}
    run_virtually(uploader(upstream, upload_hosts=known).upload(CN, SESSION, BODY))
    failing(uploader(upstream, upload_hosts=known).upload(HK, SESSION, BODY), UploadFailed)


def test_one_origin_stands_in_for_every_host() -> None:
    upstream = Upstream()
    run_virtually(uploader(upstream, "http://127.0.0.1:5199/").upload(CN, SESSION, BODY))
    for _, request in upstream.asked:
        assert request.url.startswith("http://127.0.0.1:5199/")
        assert not request.url.startswith("http://127.0.0.1:5199//")


@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("127.0.0.1:5199", True),
        (HOST, True),
        ("127.0.0.1:5198", False),
        ("127.0.0.1", False),
        ("upload.elsewhere.example", False),
    ],
)
def test_an_origin_that_stands_in_may_name_itself_and_nothing_strange(
    host: str, good: bool
) -> None:
    upstream = Upstream()
    upstream.hosts = [host]
    work = uploader(upstream, "http://127.0.0.1:5199").upload(CN, SESSION, BODY)
    if good:
        assert run_virtually(work) == URI
        assert upstream.first("blob").url.startswith("http://127.0.0.1:5199/upload/v1/")
    else:
        failing(work, UploadFailed)
        assert upstream.times("blob") == 0


def test_a_sites_own_address_of_the_control_plane_is_a_setting() -> None:
    upstream = Upstream()
    own = {"cn": "https://imagex.example/"}
    run_virtually(uploader(upstream, imagex_url=own).upload(CN, SESSION, BODY))
    assert upstream.first("apply").url.startswith("https://imagex.example/?Action=")


def test_every_step_goes_through_the_sites_proxy() -> None:
    upstream, proxy = Upstream(), Secret("http://proxy:3128")
    run_virtually(uploader(upstream, proxies={"cn": proxy}).upload(CN, SESSION, BODY))
    assert [request.proxy for _, request in upstream.asked] == [proxy] * 4
    upstream = Upstream()
    run_virtually(uploader(upstream, proxies={"cn": proxy}).upload(HK, SESSION, BODY))
    assert [request.proxy for _, request in upstream.asked] == [None] * 4


def test_no_credential_stands_in_an_url_a_log_or_an_error(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    upstream = Upstream()
    upstream.fails("commit", *[refused("AKTP denied")] * 3)
    with caplog.at_level(logging.DEBUG):
        error = failing(uploader(upstream).upload(CN, SESSION, BODY), UploadFailed)
    seen = caplog.text + "".join(capsys.readouterr()) + repr(error) + str(error.upstream)
    seen += "".join(request.url + repr(request) for _, request in upstream.asked)
    for secret in ("hidden", SID, "STS2"):
        assert secret not in seen


def test_the_content_is_checked_where_the_site_does_so() -> None:
    upstream = Upstream()
    run_virtually(uploader(upstream).check(CN, SESSION, URI))
    ((step, request),) = upstream.asked
    assert step == "check"
    assert json.loads(request.body or b"") == {
        "scene": "image_face_ip",
        "options": {"ip_check": True},
        "req_key": "benchmark_test_user_upload_image_input",
        "file_list": [{"file_uri": URI}],
        "req_params": {},
    }
    (babi,) = parse_qs(urlsplit(request.url).query)["babi_param"]
    assert json.loads(babi) == {
        "scenario": "image_video_generation",
        "feature_key": "aigc_to_image",
        "feature_entrance": "to-generate",
        "feature_entrance_detail": "to-generate-algo_proxy",
    }


@pytest.mark.parametrize("site", [site for site in SITES.values() if site is not CN], ids=str)
def test_the_content_is_not_checked_elsewhere(site: Site) -> None:
    upstream = Upstream()
    run_virtually(uploader(upstream).check(site, SESSION, URI))
    run_virtually(uploader(upstream, checks_uploads=False).check(CN, SESSION, URI))
    assert upstream.asked == []


@pytest.mark.parametrize(
    ("ret", "errmsg"), [("2003", ""), ("9999", "Risk not pass"), ("1000", "detected risk: face")]
)
def test_a_picture_that_the_check_refuses_is_refused(ret: str, errmsg: str) -> None:
    upstream = Upstream()
    upstream.fails("check", said(ret=ret, errmsg=errmsg))
    error = failing(uploader(upstream).check(CN, SESSION, URI), ContentRefused)
    assert error.param == "image"
    assert error.upstream is not None
    assert error.upstream.code == ret


@pytest.mark.parametrize(
    "outcome",
    [
        said(ret="1000", errmsg="invalid parameter"),
        said(ret="1015", errmsg="login error"),
        said(ret="1019", errmsg="shark not pass"),
        said(ret="2039", errmsg=""),
        said(ret="77777", errmsg="?"),
        Response(status=502, headers={}, body=b""),
        Response(status=404, headers={}, body=b""),
        Broken("TimeoutError"),
        NotSent("ClientConnectorError"),
        NoConnectionFree("all connections are in use"),
    ],
    ids=str,
)
def test_a_check_that_says_nothing_is_no_obstacle(outcome: Outcome) -> None:
    upstream = Upstream()
    upstream.fails("check", outcome)
    run_virtually(uploader(upstream).check(CN, SESSION, URI))
    assert upstream.times("check") == 1


def test_a_check_that_is_down_keeps_no_upload_back() -> None:
    upstream = Upstream()
    upstream.fails("check", *[Broken("TimeoutError")] * 100)

    async def many() -> None:
        uploads = uploader(upstream)
        for number in range(50):
            await uploads.check(CN, Secret(f"{number:032x}"), URI)
            await asyncio.sleep(2)
        assert upstream.times("check") < 50, "in the end it is left in peace"
        assert await uploads.upload(CN, SESSION, BODY) == URI

    run_virtually(many())
