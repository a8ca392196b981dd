"""The signature that the upload's control plane wants: AWS's Signature Version 4, as this upstream reads it.

The host is not signed, and the hash of the body is a header only where there is a body. Pure.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from jimeng_api.domain.secret import Secret

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a token of the upstream gives for a while."""

    access_key: Secret
    secret_key: Secret
    session_token: Secret


def signed(
    method: str,
    query: Mapping[str, str],
    body: bytes | None,
    *,
    credentials: Credentials,
    region: str,
    service: str = "imagex",
    now: float,
) -> dict[str, str]:
    """The headers that sign one call of path `/`; `query` as it stands in the URL, `now` in Unix seconds."""
    moment = datetime.fromtimestamp(now, tz=UTC)
    headers = {
        "x-amz-date": f"{moment:%Y%m%dT%H%M%SZ}",
        "x-amz-security-token": credentials.session_token.reveal(),
    }
    if body is not None:
        headers["x-amz-content-sha256"] = sha256(body).hexdigest()
    names = ";".join(sorted(headers))
    scope = (f"{moment:%Y%m%d}", region, service, "aws4_request")
    request = canonical(method, query, headers, body)
    to_sign = (_ALGORITHM, headers["x-amz-date"], "/".join(scope), _hash(request))
    key = f"AWS4{credentials.secret_key.reveal()}".encode()
    for part in (*scope, "\n".join(to_sign)):
        key = hmac.digest(key, part.encode(), "sha256")
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key.reveal()}/{'/'.join(scope)}, "
        f"SignedHeaders={names}, Signature={key.hex()}"
    )
    return headers


def canonical(
    method: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes | None
) -> bytes:
    """What both sides hash: the request in one form, whatever form it was sent in."""
    lines = [
        method,
        "/",
        "&".join(f"{name}={value}" for name, value in sorted(query.items())),
        *(f"{name}:{value}" for name, value in sorted(headers.items())),
        "",
        ";".join(sorted(headers)),
        _hash(body or b""),
    ]
    return "\n".join(lines).encode()


def _hash(data: bytes) -> str:
    return sha256(data).hexdigest()
