"""What every answer is wrapped in, and the values that a request is wrapped in."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from jimeng_api.simulator.sites import ZONE_SECONDS, Site

_encode = msgspec.json.encode


class LogIds:
    """Names each answer: fourteen digits of local time, then twenty that never repeat."""

    def __init__(self, seed: int) -> None:
        self._seed = seed & 0xFFFF
        self._count = 0
        self._second = -1
        self._prefix = ""

    def next(self, now: float) -> str:
        if int(now) != self._second:
            self._second = int(now)
            local = datetime.fromtimestamp(self._second, UTC) + timedelta(seconds=ZONE_SECONDS)
            self._prefix = local.strftime("%Y%m%d%H%M%S")
        self._count += 1
        mixed = (self._count * 0x9E3779B97F4A7C15) & 0xFFFF_FFFF_FFFF_FFFF
        return f"{self._prefix}{self._seed:04X}{mixed:016X}"


def _ret(ret: str, *, numeric: bool) -> bytes:
    return ret.encode() if numeric else b'"' + ret.encode() + b'"'


def mweb(
    ret: str, errmsg: str, data: bytes, *, now: float, logid: str, numeric: bool = False
) -> bytes:
    """An answer below `/mweb/`; `data` is JSON already."""
    return b'{"ret":%b,"errmsg":%b,"systime":"%d","logid":"%b","data":%b}' % (
        _ret(ret, numeric=numeric),
        b'"success"' if errmsg == "success" else _encode(errmsg),
        int(now),
        logid.encode(),
        data,
    )


def commerce(
    ret: str,
    errmsg: str,
    data: bytes,
    *,
    now: float,
    logid: str,
    site: Site,
    numeric: bool = False,
    response_only: bool = False,
) -> bytes:
    """An answer below `/commerce/`: the payload comes twice, once as a string."""
    clock = b'"svr_time":%d' % int(now) if site.is_cn else b'"systime":"%d"' % int(now * 1000)
    signature = hashlib.blake2b(data, digest_size=24).hexdigest().encode()
    again = b"" if response_only else b',"data":' + data
    return b'{"ret":%b,"errmsg":%b,%b,"log_id":"%b","response":%b,"sign":"%b"%b}' % (
        _ret(ret, numeric=numeric),
        _encode(errmsg),
        clock,
        logid.encode(),
        _encode(data.decode()),
        signature,
        again,
    )


SIGN_HEAD = "9e2c"
SIGN_TAIL = "11ac"
STALE_AFTER = 900.0


def expected_sign(path: str, headers: Mapping[str, str]) -> str:
    """The signature that belongs to a request with these headers."""
    parts = (
        SIGN_HEAD,
        path[-7:],
        headers.get("pf", ""),
        headers.get("appvr", ""),
        headers.get("device-time", ""),
        headers.get("tdid", ""),
        SIGN_TAIL,
    )
    return hashlib.md5("|".join(parts).encode(), usedforsecurity=False).hexdigest()


def sign_is_good(path: str, headers: Mapping[str, str], now: float) -> bool:
    stamp = headers.get("device-time", "")
    if not stamp.isdigit() or abs(int(stamp) - now) > STALE_AFTER:
        return False
    return headers.get("sign", "").lower() == expected_sign(path, headers)


def version_of(text: str) -> tuple[int, ...]:
    """A dotted version as numbers that compare rightly; anything else is the oldest."""
    parts = text.split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()


def encoded(value: Any) -> bytes:
    return _encode(value)
