from __future__ import annotations

import json
from typing import Any

import pytest

from jimeng_api.domain.errors import ProtocolChanged, UploadFailed
from jimeng_api.domain.secret import Secret
from jimeng_api.upstream.replies.answers import Answer, unwrap
from jimeng_api.upstream.replies.uploads import (
    UploadToken,
    applied,
    committed,
    is_stale,
    stored,
    upload_token,
)
from tests.unit.upstream.replies.samples import ok

NOW = 1767225600.0
TOKEN = {
    "access_key_id": "AKTP1",
    "secret_access_key": "secret1",
    "session_token": "STS2one",
    "service_id": "tb4s082cfz",
    "space_name": "dreamina",
    "upload_domain": "imagex.bytedanceapi.com",
}
STORE = {"StoreUri": "tos-cn-i-tb4s082cfz/0123", "Auth": "SpaceKey/x/1/:version:v2:jwt"}
NODE = {"StoreInfos": [STORE], "UploadHosts": ["a.bytedancevod.com"], "SessionKey": "key1"}
URI = "tos-cn-i-tb4s082cfz/0123456789abcdef0123456789abcdef"


def token(**fields: Any) -> UploadToken:
    return upload_token(unwrap(ok(TOKEN | fields)), NOW)


def control(result: Any = None, *, status: int = 200, **metadata: Any) -> Answer:
    body = {
        "ResponseMetadata": {
            "RequestId": "R1",
            "Action": "A",
            "Version": "2018-08-01",
            "Service": "imagex",
            "Region": "cn-north-1",
            **metadata,
        },
        "Result": result,
    }
    return Answer(status, {}, json.dumps(body).encode())


def test_a_token_holds_the_keys_and_the_names_of_the_service() -> None:
    found = token()
    assert found.credentials.access_key == Secret("AKTP1")
    assert found.credentials.secret_key == Secret("secret1")
    assert found.credentials.session_token == Secret("STS2one")
    assert (found.service_id, found.space_name) == ("tb4s082cfz", "dreamina")
    assert found.lifetime is None
    assert "secret1" not in repr(found)


@pytest.mark.parametrize("name", ["access_key_id", "secret_access_key", "session_token"])
@pytest.mark.parametrize("value", [None, "", {}, "line\nbreak", "é"])
def test_a_token_that_cannot_sign_is_none(name: str, value: Any) -> None:
    with pytest.raises(ProtocolChanged):
        token(**{name: value})


def test_an_answer_without_a_token_is_a_changed_protocol() -> None:
    nothing: list[Any] = [None, {}, [], "x", 7]
    for data in nothing:
        with pytest.raises(ProtocolChanged):
            upload_token(unwrap(ok(data)), NOW)


@pytest.mark.parametrize(
    ("fields", "lifetime"),
    [
        ({}, None),
        ({"expired_time": NOW + 3600}, 3600),
        ({"expired_time": str(int(NOW) + 3600)}, 3600),
        ({"expired_time": (NOW + 3600) * 1000}, 3600),
        ({"expired_time": NOW + 90, "current_time": NOW + 30}, 60),
        ({"expired_time": "2026-01-01T01:00:00Z"}, 3600),
        ({"expired_time": "2026-01-01T09:00:00+08:00"}, 3600),
        (
            {"expired_time": "2026-01-01T09:00:00", "current_time": "2026-01-01T08:30:00"},
            1800,
        ),
        ({"expired_time": NOW - 5}, None),
        ({"expired_time": "soon"}, None),
        ({"expired_time": {}}, None),
        ({"current_time": NOW}, None),
    ],
)
def test_a_token_lives_as_long_as_it_says(fields: dict[str, Any], lifetime: float | None) -> None:
    assert token(**fields).lifetime == lifetime


@pytest.mark.parametrize("value", [None, "a b", "a&Action=Other", "é", {}])
def test_a_service_that_would_change_the_query_is_not_believed(value: Any) -> None:
    assert token(service_id=value).service_id == ""


@pytest.mark.parametrize(
    "result",
    [
        {"UploadAddress": NODE},
        {"UploadAddress": NODE | {"UploadHosts": None, "UploadHost": "a.bytedancevod.com"}},
        {"UploadAddress": None, "InnerUploadAddress": {"UploadNodes": [NODE]}},
        {
            "UploadAddress": None,
            "InnerUploadAddress": {
                "UploadNodes": [
                    {"Type": "Edge"},
                    NODE | {"UploadHosts": [], "UploadHost": "a.bytedancevod.com"},
                ]
            },
        },
    ],
)
def test_a_place_is_found_in_every_form(result: Any) -> None:
    address = applied(control(result))
    assert address.hosts == ("a.bytedancevod.com",)
    assert address.uri == "tos-cn-i-tb4s082cfz/0123"
    assert address.auth == Secret("SpaceKey/x/1/:version:v2:jwt")
    assert address.session_key == Secret("key1")
    assert "jwt" not in repr(address)
    assert "key1" not in repr(address)


@pytest.mark.parametrize(
    "node",
    [
        {},
        NODE | {"StoreInfos": []},
        NODE | {"StoreInfos": [None]},
        NODE | {"UploadHosts": []},
        NODE | {"UploadHosts": "a.bytedancevod.com"},
        NODE | {"SessionKey": ""},
        NODE | {"StoreInfos": [STORE | {"Auth": "a\r\nb: c"}]},
        *(
            NODE | {"StoreInfos": [STORE | {"StoreUri": path}]}
            for path in ("", "/a", "a//b", "../x", "a/../../b", "a?b", "a#b", "a b", "a%2e", "a\nb")
        ),
    ],
)
def test_a_place_that_lacks_something_or_leads_elsewhere_is_none(node: Any) -> None:
    with pytest.raises(UploadFailed):
        applied(control({"UploadAddress": node}))


@pytest.mark.parametrize(
    "body",
    [
        b'{"code":2000,"message":"Success","data":{"crc32":"0a6216d9"}}',
        b'{"code":2000,"message":"Success","data":{"crc32":"A6216D9"}}',
        b'{"code":"2000","data":{"crc32":"not known"}}',
        b'{"code":"2000","data":null}',
        b"",
    ],
)
def test_bytes_that_were_taken_are_left_there(body: bytes) -> None:
    stored(Answer(200, {}, body), "0a6216d9")


def test_bytes_that_changed_on_the_way_are_not_taken_for_the_picture() -> None:
    with pytest.raises(UploadFailed):
        stored(Answer(200, {}, b'{"code":2000,"data":{"crc32":"0a6216d8"}}'), "0a6216d9")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(204, {}, b""), "HTTP 204"),
        (Answer(204, {}, b'{"code":2000}'), "HTTP 204"),
        (Answer(200, {}, b'{"code":4008,"message":"crc"}'), "4008"),
        (Answer(403, {}, b"<html>no</html>"), "HTTP 403"),
        (Answer(403, {}, b'{"code":4003}'), "4003"),
        (Answer(502, {}, b'{"code":2000}'), "HTTP 502"),
        (Answer(302, {"location": "https://x"}, b""), "HTTP 302"),
    ],
)
def test_bytes_that_were_refused_are_known_as_such(answer: Answer, code: str) -> None:
    with pytest.raises(UploadFailed) as caught:
        stored(answer, "0a6216d9")
    assert caught.value.upstream is not None
    assert caught.value.upstream.code == code
    assert not is_stale(caught.value)


@pytest.mark.parametrize(
    "result",
    [
        {"Results": [{"Uri": URI, "UriStatus": 2000}]},
        {"Results": [{"Uri": URI, "UriStatus": "2000"}], "PluginResult": [{"ImageUri": "other"}]},
        {"Results": [{"Uri": URI}]},
        {"Results": [{"UriStatus": 2000}], "PluginResult": [{"ImageUri": URI}]},
        {"Results": None, "PluginResult": [{"ImageUri": URI}]},
    ],
)
def test_a_committed_picture_has_a_name(result: Any) -> None:
    assert committed(control(result)) == URI


@pytest.mark.parametrize(
    "result",
    [
        None,
        {},
        {"Results": []},
        {"Results": [None]},
        {"Results": [{"UriStatus": 2000}]},
        {"Results": [{"Uri": URI, "UriStatus": 2001}]},
        {"Results": [{"Uri": URI, "UriStatus": 2001}], "PluginResult": [{"ImageUri": URI}]},
        {"Results": [{"Uri": "a b", "UriStatus": 2000}]},
    ],
)
def test_a_picture_that_was_not_kept_has_none(result: Any) -> None:
    with pytest.raises(UploadFailed):
        committed(control(result))


@pytest.mark.parametrize(
    ("answer", "code", "stale"),
    [
        (control(Error={"CodeN": 100024, "Code": "InvalidAuthorization"}), None, True),
        (control(Error={"Code": "SignatureDoesNotMatch"}, status=403), None, True),
        (control(Error={"CodeN": 100024}), "100024", True),
        (control(Error={"CodeN": 30406, "Code": "InvalidSessionKey"}), None, False),
        (control(Error={"CodeN": 30406}), "30406", False),
        (Answer(403, {}, b"no"), "HTTP 403", False),
        (Answer(500, {}, b""), "HTTP 500", False),
    ],
)
def test_a_refusal_says_whether_the_token_is_to_blame(
    answer: Answer, code: str | None, stale: bool
) -> None:
    for read in (applied, committed):
        with pytest.raises(UploadFailed) as caught:
            read(answer)
        said = caught.value.upstream
        assert said is not None
        assert is_stale(caught.value) is stale
        assert said.code == (code or json.loads(answer.body)["ResponseMetadata"]["Error"]["Code"])


def test_what_was_signed_is_not_repeated() -> None:
    error = {
        "Code": "SignatureDoesNotMatch",
        "Message": "AKTP1 signed x-amz-security-token:STS2one",
    }
    with pytest.raises(UploadFailed) as caught:
        applied(control(Error=error))
    assert "STS2" not in caught.value.message
    assert caught.value.upstream is not None
    assert (caught.value.upstream.text, caught.value.upstream.log_id) == ("", "R1")
