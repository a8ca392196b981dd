from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

import pytest

from jimeng_api.domain.secret import Secret
from jimeng_api.upstream.signing import Credentials, canonical, signed

CREDENTIALS = Credentials(
    access_key=Secret("AKTPEXAMPLE0001"),
    secret_key=Secret("exampleSecretKey0001"),
    session_token=Secret("STS2exampleSessionToken0001"),
)
NOW = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
APPLY = {
    "Action": "ApplyImageUpload",
    "Version": "2018-08-01",
    "ServiceId": "tb4s082cfz",
    "FileSize": "11",
    "s": "abcdefghij",
}
COMMIT = {"Action": "CommitImageUpload", "Version": "2018-08-01", "ServiceId": "tb4s082cfz"}
BODY = b'{"SessionKey":"c2Vzc2lvbg=="}'

# (method, query, body, region, hash of the canonical request, signature): worked out elsewhere
WORKED = {
    "apply on cn": (
        "GET",
        APPLY,
        None,
        "cn-north-1",
        "4c1de87b4d195fa915109bcb078b2311a3c64c402ba9840b4685f174744efe7b",
        "b5d76f02b07b7062c807b46bd5f0809e34f31524c94d12ac89d64cc045179702",
    ),
    "apply on hk": (
        "GET",
        APPLY | {"ServiceId": "wopfjsm1ax", "device_platform": "web"},
        None,
        "ap-southeast-1",
        "267d1ab903a78ffeca6d997ef6f1bf7aeaf419fae0fecf86a2564b6f2e5bc0d9",
        "4618eba16a358322c835733f11df8ac860d605a2e392a666d19e450440d9940b",
    ),
    "commit on cn": (
        "POST",
        COMMIT,
        BODY,
        "cn-north-1",
        "759bc8aa09e8b8290e483a753413415cc33890332a121a33bcb52312ff11d713",
        "935b0dc3bab87a5243a0ea404d2c3e0de778792881154998c32cc536bb7589ef",
    ),
}


@pytest.mark.parametrize("case", WORKED)
def test_the_worked_values_come_out(case: str) -> None:
    method, query, body, region, hashed, signature = WORKED[case]
    headers = signed(method, query, body, credentials=CREDENTIALS, region=region, now=NOW)
    authorization = headers.pop("authorization")
    assert sha256(canonical(method, query, headers, body)).hexdigest() == hashed
    names = "x-amz-date;x-amz-security-token"
    if body is not None:
        names = f"x-amz-content-sha256;{names}"
    assert authorization == (
        f"AWS4-HMAC-SHA256 Credential=AKTPEXAMPLE0001/20260101/{region}/imagex/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}"
    )


def test_the_moment_and_the_token_are_told_beside_the_signature() -> None:
    headers = signed("GET", APPLY, None, credentials=CREDENTIALS, region="cn-north-1", now=NOW)
    assert headers["x-amz-date"] == "20260101T000000Z"
    assert headers["x-amz-security-token"] == "STS2exampleSessionToken0001"
    assert set(headers) == {"x-amz-date", "x-amz-security-token", "authorization"}


def test_a_body_is_told_by_its_hash() -> None:
    headers = signed("POST", COMMIT, BODY, credentials=CREDENTIALS, region="cn-north-1", now=NOW)
    hashed = "c1876d4f432469f608ed9883dc0dde3947cb0bec664e9e17996e24c4e2cb3d86"
    assert headers["x-amz-content-sha256"] == hashed


@pytest.mark.parametrize("field", ["Action", "FileSize", "ServiceId", "Version", "s"])
def test_every_word_of_the_query_counts(field: str) -> None:
    def signature(query: dict[str, str]) -> str:
        headers = signed("GET", query, None, credentials=CREDENTIALS, region="r", now=NOW)
        return headers["authorization"].rpartition("=")[2]

    assert signature(APPLY | {field: "other"}) != signature(APPLY)
    assert signature(dict(reversed(APPLY.items()))) == signature(APPLY)


def test_the_keys_are_not_shown() -> None:
    assert "example" not in repr(CREDENTIALS).lower()
