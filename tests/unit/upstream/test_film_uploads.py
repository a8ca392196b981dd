"""Uploads of films and sounds against a door that answers as it is told."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zlib import crc32

import pytest
from typing_extensions import override

from jimeng_api.catalog.sites import CN, HK, SG, SITES, Site
from jimeng_api.domain.errors import InternalError, UnsupportedValue, UploadFailed
from jimeng_api.domain.secret import Secret
from jimeng_api.transport import Request, Response, Stream
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.replies.uploads import StoredFilm
from jimeng_api.upstream.uploads import Uploader
from jimeng_api.upstream.uploads.films import PART, WHOLE
from tests.virtual_time import VirtualClock, run_virtually

SESSION = Secret("fedcba9876543210fedcba9876543210")
VID = "v02870g10004synthetic0009"
URI = "tos-cn-v-148450/oSynthetic"
HOST = "tos-hl-x.snssdk.com"


def plain(body: Any, status: int = 200) -> Response:
    return Response(status=status, headers={}, body=json.dumps(body).encode())


class Vod:
    """The store for films; each step answers well until it is told otherwise."""

    def __init__(self, **token: Any) -> None:
        self.asked: list[tuple[str, Request]] = []
        self.token = token
        self.troubles: dict[str, list[Response]] = {}
        self.meta: dict[str, Any] | None = {"Width": 1280, "Height": 720, "Duration": 4.2}
        self.bodies: list[bytes] = []
        self.largest = 0

    @property
    def steps(self) -> list[str]:
        return [step for step, _ in self.asked]

    async def send(self, request: Request) -> Response:
        step = self._step(request)
        self.asked.append((step, replace(request, body=b"") if step == "transfer" else request))
        body = request.body or b""
        if request.parts is not None:
            chunks = [chunk async for chunk in request.parts.chunks()]
            self.largest = max(map(len, chunks))
            body = b"".join(chunks)
        else:
            self.largest = max(self.largest, len(body))
        if waiting := self.troubles.get(step):
            return waiting.pop(0)
        if step in ("whole", "transfer"):
            self.bodies.append(body)
        return self._well(step, body)

    def stream(self, request: Request) -> AbstractAsyncContextManager[Stream]:
        raise NotImplementedError

    def _step(self, request: Request) -> str:
        parts = urlsplit(request.url)
        query = parse_qs(parts.query)
        if parts.path == "/":
            return query["Action"][0].removesuffix("UploadInner").lower()
        if parts.path.startswith("/upload/v1/"):
            return query.get("phase", ["whole"])[0]
        return "token"

    def _well(self, step: str, body: bytes) -> Response:
        match step:
            case "token":
                keys = dict.fromkeys(
                    ("access_key_id", "secret_access_key", "session_token"), "hidden"
                )
                return plain({"ret": "0", "data": {**keys, "space_name": "dreamina", **self.token}})
            case "apply":
                store = {"StoreUri": URI, "Auth": "SpaceKey/hidden", "UploadID": "u-1"}
                node = {"Vid": VID, "UploadHost": HOST, "SessionKey": "key", "StoreInfos": [store]}
                inner = {"UploadNodes": [node]}
                return plain({"Result": {"UploadAddress": None, "InnerUploadAddress": inner}})
            case "init":
                return plain({"code": 2000, "data": {"uploadid": "part-1"}})
            case "finish":
                return plain({"code": 2000, "data": {}})
            case "commit":
                return plain({"Result": {"Results": [{"Vid": VID, "VideoMeta": self.meta}]}})
            case _:
                return plain({"code": 2000, "data": {"crc32": f"{crc32(body):08x}"}})


def uploader(vod: Vod, **constants: Any) -> Uploader:
    clock, known = VirtualClock(), replace(Constants(), **constants)
    return Uploader(UpstreamClient(vod, clock, known), vod, clock, known)


def uploaded(vod: Vod, film: bytes, site: Site = CN, **constants: Any) -> StoredFilm:
    async def read(start: int, length: int) -> bytes:
        return film[start : start + length]

    work = uploader(vod, **constants).upload_film(site, SESSION, size=len(film), read=read)
    return run_virtually(work)


def queried(request: Request) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(request.url).query).items()}


def test_a_small_film_takes_four_steps() -> None:
    vod = Vod()
    film = uploaded(vod, b"33")
    assert film == StoredFilm(vid=VID, width=1280, height=720, seconds=4.2)
    assert vod.steps == ["token", "apply", "whole", "commit"]
    token, apply, whole, commit = (request for _, request in vod.asked)
    assert token.body == b'{"scene":1}'
    assert apply.method == "GET"
    assert apply.url.startswith("https://vod.bytedanceapi.com/?")
    query = queried(apply)
    assert len(query.pop("s")) == 11
    assert query == {
        "Action": "ApplyUploadInner",
        "Version": "2020-11-19",
        "SpaceName": "dreamina",
        "FileType": "video",
        "IsInner": "1",
        "FileSize": "2",
    }
    assert "/cn-north-1/vod/aws4_request" in apply.headers["authorization"]
    assert "x-amz-content-sha256" not in apply.headers
    assert whole.url == f"https://{HOST}/upload/v1/{URI}"
    assert whole.headers["content-crc32"] == "0a6216d9"
    assert whole.headers["authorization"] == "SpaceKey/hidden"
    assert whole.only_public
    assert commit.body == b'{"SessionKey":"key","Functions":[]}'
    assert queried(commit) == {
        "Action": "CommitUploadInner",
        "Version": "2020-11-19",
        "SpaceName": "dreamina",
    }
    assert "x-amz-content-sha256" in commit.headers
    for _, request in vod.asked[1:]:
        assert "cookie" not in request.headers


def test_a_large_film_goes_in_parts_and_none_is_larger_than_five_megabytes() -> None:
    vod = Vod()
    film = bytes(range(256)) * (WHOLE // 256) + b"and a little more"
    uploaded(vod, film)
    assert vod.steps == ["token", "apply", "init", "transfer", "transfer", "finish", "commit"]
    assert b"".join(vod.bodies) == film
    assert vod.largest == PART
    init, first, second, finish = (request for _, request in vod.asked[2:6])
    assert urlsplit(init.url).query == "uploadmode=part&phase=init"
    assert [queried(request) for request in (first, second)] == [
        {"uploadid": "part-1", "part_number": number, "phase": "transfer"} for number in "12"
    ]
    sums = [f"{crc32(body):08x}" for body in vod.bodies]
    assert [request.headers["content-crc32"] for request in (first, second)] == sums
    assert urlsplit(finish.url).query == "uploadmode=part&phase=finish&uploadid=part-1"
    assert finish.body == f"1:{sums[0]},2:{sums[1]}".encode()
    assert finish.headers["content-type"] == "text/plain;charset=UTF-8"


def test_where_parts_are_not_taken_a_large_film_goes_whole_and_is_still_not_held() -> None:
    vod = Vod()
    vod.troubles["init"] = [Response(status=204, headers={}, body=b"")]
    film = b"film" * (WHOLE // 2)
    uploaded(vod, film)
    assert vod.steps == ["token", "apply", "init", "whole", "commit"]
    assert vod.bodies == [film]
    assert vod.largest == PART
    whole = vod.asked[3][1]
    assert whole.headers["content-crc32"] == f"{crc32(film):08x}"
    assert whole.parts is not None
    assert whole.parts.size == len(film)


def test_a_film_of_two_hundred_megabytes_is_never_held() -> None:
    class Sink(Vod):
        @override
        async def send(self, request: Request) -> Response:
            answer = await super().send(request)
            self.bodies.clear()
            return answer

    async def read(start: int, length: int) -> bytes:
        return bytes(length)

    vod = Sink()
    tracemalloc.start()
    try:
        work = uploader(vod).upload_film(CN, SESSION, size=200 * 1024**2, read=read)
        run_virtually(work)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert vod.steps.count("transfer") == 40
    assert peak < 4 * PART


def test_a_part_that_fails_is_sent_again_alone() -> None:
    vod = Vod()
    vod.troubles["transfer"] = [plain({"code": 5000}, 500), plain({"code": 2000}, 204)]
    uploaded(vod, b"x" * (WHOLE + 1))
    assert vod.steps.count("transfer") == 4
    assert vod.steps.count("apply") == 1


def test_a_film_that_cannot_be_uploaded_is_tried_three_times() -> None:
    vod = Vod()
    vod.troubles["whole"] = [plain({"code": 4000}, 403)] * 3
    with pytest.raises(UploadFailed, match="4000"):
        uploaded(vod, b"33")
    assert vod.steps.count("apply") == 3
    assert vod.steps.count("token") == 1


def test_a_token_that_is_not_taken_is_replaced() -> None:
    vod = Vod()
    error = {"CodeN": 100024, "Code": "InvalidAuthorization", "Message": "m"}
    vod.troubles["apply"] = [plain({"ResponseMetadata": {"Error": error}}, 403)]
    uploaded(vod, b"33")
    assert vod.steps.count("token") == 2


def test_tokens_for_pictures_are_not_used_for_films() -> None:
    vod = Vod()

    async def read(start: int, length: int) -> bytes:
        return b"33"

    async def both() -> None:
        own = uploader(vod)
        await own.upload_film(CN, SESSION, size=2, read=read)
        await own.upload_film(CN, SESSION, size=2, read=read)
        vod.troubles["applyimageupload"] = [plain({}, 500)] * 3  # it has no place for pictures
        with pytest.raises(UploadFailed):
            await own.upload(CN, SESSION, b"33")

    run_virtually(both())
    scenes = [
        json.loads(request.body or b"")["scene"] for step, request in vod.asked if step == "token"
    ]
    assert scenes == [1, 2]


def test_the_name_that_came_with_the_place_will_do() -> None:
    vod = Vod()
    vod.troubles["commit"] = [plain({"Result": {"Results": [{"VideoMeta": None}]}})]
    assert uploaded(vod, b"33") == StoredFilm(vid=VID)


@pytest.mark.parametrize("result", [{"Results": []}, {"Results": None}, {}, None])
def test_a_commit_that_names_no_film_has_kept_none_and_is_tried_again(result: Any) -> None:
    vod = Vod()
    vod.troubles["commit"] = [plain({"Result": result})]
    assert uploaded(vod, b"33").vid == VID
    assert [step for step, _ in vod.asked].count("commit") == 2


@pytest.mark.parametrize(
    ("site", "token", "constants", "host"),
    [
        (CN, {}, {}, "https://vod.bytedanceapi.com"),
        (CN, {"upload_domain": "vod2.bytedanceapi.com"}, {}, "https://vod2.bytedanceapi.com"),
        (CN, {"upload_domain": "vod.evil.example"}, {}, "https://vod.bytedanceapi.com"),
        (
            CN,
            {"upload_domain": "bytedanceapi.com@evil.example"},
            {},
            "https://vod.bytedanceapi.com",
        ),
        (
            SG,
            {"upload_domain": "vod-ap-singapore-1.bytevcloudapi.com"},
            {},
            "https://vod-ap-singapore-1.bytevcloudapi.com",
        ),
        (HK, {}, {"vod_url": {"hk": "https://vod.example"}}, "https://vod.example"),
        (
            CN,
            {"upload_domain": "vod2.bytedanceapi.com"},
            {"vod_url": {"cn": "https://vod.example"}},
            "https://vod.example",
        ),
    ],
)
def test_who_gives_places(
    site: Site, token: dict[str, Any], constants: dict[str, Any], host: str
) -> None:
    vod = Vod(**token)
    uploaded(vod, b"33", site, **constants)
    apply, commit = vod.asked[1][1], vod.asked[3][1]
    assert apply.url.startswith(f"{host}/?")
    assert commit.url.startswith(f"{host}/?")
    assert f"/{site.aws_region}/vod/" in apply.headers["authorization"]


@pytest.mark.parametrize(
    "site", [s for s in SITES.values() if s.vod_url is None], ids=lambda s: s.name
)
@pytest.mark.parametrize("domain", ["", "vod.evil.example"])
def test_a_site_whose_store_nobody_knows_takes_no_films(site: Site, domain: str) -> None:
    vod = Vod(upload_domain=domain)
    with pytest.raises(UnsupportedValue, match=f"to {site.name}.*vod_url"):
        uploaded(vod, b"33", site)
    assert vod.steps == ["token"]


def test_a_file_that_became_shorter_is_no_upload() -> None:
    async def read(start: int, length: int) -> bytes:
        return b"3"

    with pytest.raises(InternalError):
        run_virtually(uploader(Vod()).upload_film(CN, SESSION, size=2, read=read))


def test_a_host_that_is_not_the_upstreams_gets_nothing() -> None:
    vod = Vod()
    store = {"StoreUri": URI, "Auth": "a"}
    node = {"Vid": VID, "UploadHost": "evil.example", "SessionKey": "k", "StoreInfos": [store]}
    vod.troubles["apply"] = [
        plain({"Result": {"InnerUploadAddress": {"UploadNodes": [node]}}}) for _ in range(3)
    ]
    with pytest.raises(UploadFailed, match="upload_hosts"):
        uploaded(vod, b"33")
    assert "whole" not in vod.steps
