"""Signatures of the upload control host, by the worked values of the protocol."""

import hashlib

import pytest

from jimeng_api.simulator.sigv4 import (
    Authorization,
    Signed,
    canonical_requests,
    is_signed_with,
    read_authorization,
)
from tests.simulator.sender import signed

EXAMPLE_KEYS = {
    "access_key_id": "AKTPEXAMPLE0001",
    "secret_access_key": "exampleSecretKey0001",
    "session_token": "STS2exampleSessionToken0001",
}
APPLY = "Action=ApplyImageUpload&Version=2018-08-01&ServiceId={}&FileSize=11&s=abcdefghij"
COMMIT = "Action=CommitImageUpload&Version=2018-08-01&ServiceId=tb4s082cfz"
COMMIT_BODY = b'{"SessionKey":"c2Vzc2lvbg=="}'
WORKED = {
    "apply on the Chinese site": (
        "GET", APPLY.format("tb4s082cfz"), b"", "cn-north-1",
        "4c1de87b4d195fa915109bcb078b2311a3c64c402ba9840b4685f174744efe7b",
        "b5d76f02b07b7062c807b46bd5f0809e34f31524c94d12ac89d64cc045179702",
    ),
    "apply in Hong Kong": (
        "GET", APPLY.format("wopfjsm1ax") + "&device_platform=web", b"", "ap-southeast-1",
        "267d1ab903a78ffeca6d997ef6f1bf7aeaf419fae0fecf86a2564b6f2e5bc0d9",
        "4618eba16a358322c835733f11df8ac860d605a2e392a666d19e450440d9940b",
    ),
    "commit on the Chinese site": (
        "POST", COMMIT, COMMIT_BODY, "cn-north-1",
        "759bc8aa09e8b8290e483a753413415cc33890332a121a33bcb52312ff11d713",
        "935b0dc3bab87a5243a0ea404d2c3e0de778792881154998c32cc536bb7589ef",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WORKED)
def test_the_worked_values_of_the_protocol_are_accepted_and_nothing_near_them(case: str) -> None:
    method, query, body, region, request_hash, signature = WORKED[case]
    payload = hashlib.sha256(body).hexdigest()
    headers = {
        "x-amz-date": "20260101T000000Z",
        "x-amz-security-token": EXAMPLE_KEYS["session_token"],
        **({"x-amz-content-sha256": payload} if method == "POST" else {}),
    }
    authorization = read_authorization(
        f"AWS4-HMAC-SHA256 Credential=AKTPEXAMPLE0001/20260101/{region}/imagex/aws4_request, "
        f"SignedHeaders={';'.join(sorted(headers))}, Signature={signature}"
    )
    assert isinstance(authorization, Authorization)
    request = Signed(method, "/", query, headers, body)
    canonical = next(canonical_requests(authorization.signed_headers, request, payload))
    assert hashlib.sha256(canonical.encode()).hexdigest() == request_hash
    secret = EXAMPLE_KEYS["secret_access_key"]
    assert is_signed_with(secret, authorization, request)
    assert not is_signed_with(secret + "x", authorization, request)
    assert not is_signed_with(secret, authorization._replace(service="vod"), request)
    assert not is_signed_with(secret, authorization._replace(region="us-east-1"), request)
    assert not is_signed_with(secret, authorization, request._replace(body=b"{}"))
    assert not is_signed_with(secret, authorization, request._replace(query=query + "&x=1"))
    later = headers | {"x-amz-date": "20260101T000001Z"}
    assert not is_signed_with(secret, authorization, request._replace(headers=later))


@pytest.mark.parametrize("text", ["", "Bearer x", "AWS4-HMAC-SHA256 Credential=a, Signature=b"])
def test_what_is_no_authorization_is_not_read_as_one(text: str) -> None:
    assert read_authorization(text) is None


def test_the_callers_own_signature_is_the_worked_one() -> None:
    query = dict(pair.split("=") for pair in APPLY.format("tb4s082cfz").split("&"))
    headers = signed("GET", query, EXAMPLE_KEYS, "cn-north-1")
    assert headers["authorization"].endswith(WORKED["apply on the Chinese site"][5])
