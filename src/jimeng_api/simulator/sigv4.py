"""Checks the AWS4 signature that calls of the upload control host carry. Pure."""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote

ALGORITHM = "AWS4-HMAC-SHA256"

_AUTHORIZATION = re.compile(
    ALGORITHM + r"\s+Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,"
    r"\s*Signature=([0-9a-fA-F]{64})\s*"
)
_UNRESERVED = "-_.~"


class Authorization(NamedTuple):
    """What the `authorization` header says."""

    access_key_id: str
    day: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/aws4_request"


def read_authorization(text: str) -> Authorization | None:
    match = _AUTHORIZATION.fullmatch(text.strip())
    if match is None:
        return None
    credential, signed, signature = match.groups()
    access_key_id, _, scope = credential.partition("/")
    day, _, rest = scope.partition("/")
    region, _, rest = rest.partition("/")
    service, _, end = rest.partition("/")
    if end != "aws4_request":
        return None
    names = tuple(name.lower() for name in signed.split(";"))
    return Authorization(access_key_id, day, region, service, names, signature.lower())


class Signed(NamedTuple):
    """The parts of a request that a signature covers."""

    method: str
    path: str
    query: str
    """As it came, still encoded."""
    headers: Mapping[str, str]
    body: bytes


def is_signed_with(secret: str, authorization: Authorization, request: Signed) -> bool:
    """Whether this secret made the signature over exactly these parts."""
    stamp = request.headers.get("x-amz-date", "")
    if stamp[:8] != authorization.day or len(stamp) != 16:
        return False
    payload = hashlib.sha256(request.body).hexdigest()
    if request.headers.get("x-amz-content-sha256", payload).lower() != payload:
        return False
    key = signing_key(secret, authorization)
    return any(
        hmac.compare_digest(
            signature_of(key, authorization, stamp, canonical), authorization.signature
        )
        for canonical in canonical_requests(authorization.signed_headers, request, payload)
    )


def canonical_requests(
    signed_headers: tuple[str, ...], request: Signed, payload: str
) -> Iterator[str]:
    """The texts that may have been signed: clients differ in how they encode the query."""
    headers = "".join(
        f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in signed_headers
    )
    for query in dict.fromkeys(_canonical_queries(request.query)):
        yield "\n".join(
            (request.method, request.path, query, headers, ";".join(signed_headers), payload)
        )


def _canonical_queries(query: str) -> Iterator[str]:
    split = [pair.partition("=")[::2] for pair in query.split("&") if pair]
    plain = [(unquote(name), unquote(value)) for name, value in split]
    yield _joined(split)
    yield _joined(plain)
    yield _joined(
        [(quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in plain]
    )


def _joined(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def signing_key(secret: str, authorization: Authorization) -> bytes:
    key = b"AWS4" + secret.encode()
    for part in (authorization.day, authorization.region, authorization.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signature_of(key: bytes, authorization: Authorization, stamp: str, canonical: str) -> str:
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    text = "\n".join((ALGORITHM, stamp, authorization.scope, digest))
    return hmac.digest(key, text.encode(), "sha256").hex()
