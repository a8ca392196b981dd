"""The wrapping of every answer, and what an answer means that refuses or has none. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from jimeng_api.domain.errors import (
    GatewayError,
    GenerationFailed,
    ProtocolChanged,
    RateLimited,
    SessionExpired,
    UpstreamCode,
    UpstreamMaintenance,
    UpstreamTrouble,
    UpstreamUnreachable,
)
from jimeng_api.upstream import error_codes
from jimeng_api.upstream.envelope import Plane
from jimeng_api.upstream.replies.reasons import ReasonWire, error_of, reason_of, sentence
from jimeng_api.upstream.replies.shapes import Shape, decoded, nothing
from jimeng_api.upstream.replies.words import moment, number, plain, word

_Kind = TypeVar("_Kind", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as it came. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The inside of an answer that says "done": JSON still to be read."""

    data: bytes
    log_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """An answer that speaks the upstream's language, with its verdict in `ret` ("0" is "done")."""

    ret: str
    text: str
    reply: Reply


class _WrappingWire(msgspec.Struct):
    ret: Any = None
    errmsg: Any = None
    logid: Any = None
    log_id: Any = None
    data: msgspec.Raw = msgspec.Raw()
    response: Any = None


class _TimeWire(msgspec.Struct):
    ret: Any = None
    systime: Any = None
    svr_time: Any = None


def unwrap(answer: Answer, plane: Plane = Plane.MWEB) -> Reply:
    """The data of an answer that says "done"; otherwise the error that the answer means."""
    wrapped = wrapped_of(answer)
    error = refusal(wrapped, plane)
    if isinstance(error, GenerationFailed):  # said of a question, it tells nothing of a job
        raise UpstreamTrouble(_NO_ANSWER, upstream=error.upstream) from error
    if error is not None:
        raise error
    return wrapped.reply


def wrapped_of(answer: Answer) -> Wrapped:
    wire = decoded(_WRAPPING, answer.body)
    ret = "" if wire is None else word(wire.ret)
    if wire is None or not ret or (ret == "0" and answer.status >= 300):
        raise _strange(answer)
    data = bytes(wire.data)
    if nothing(data) and isinstance(wire.response, str):
        # The commerce endpoints say everything twice, and sometimes once.
        data = wire.response.encode()
    log_id = word(wire.logid) or word(wire.log_id) or answer.headers.get("x-tt-logid", "")
    return Wrapped(
        ret=plain(ret, 64),
        text=plain(word(wire.errmsg)),
        reply=Reply(data=data, log_id=plain(log_id, 64)),
    )


def refusal(wrapped: Wrapped, plane: Plane) -> GatewayError | None:
    """The error that the verdict means; None where it says "done"."""
    if wrapped.ret == "0":
        return None
    reason = reason_of(_REASON.read(wrapped.reply.data) or ReasonWire())
    meaning = error_codes.ret_meaning(wrapped.ret, plane) or reason.meaning or error_codes.UNKNOWN
    text = wrapped.text or reason.text
    upstream = UpstreamCode(code=wrapped.ret, text=text, log_id=wrapped.reply.log_id)
    return error_of(meaning, upstream)


def asked(reply: Reply, ids: Collection[str], shape: Shape[_Kind]) -> dict[str, _Kind | None]:
    """The entries of a map by id that were asked for, in its order; None for what is unreadable."""
    if nothing(reply.data):
        return {}
    entries = shape.read_map(reply.data)
    if entries is None:
        raise ProtocolChanged("The upstream's answer is not a map of ids.")
    return {id_: entry for id_, entry in entries.items() if id_ in ids}


def signature_clock(answer: Answer) -> float | None:
    """The upstream's clock (Unix seconds), where it refuses a signature, perhaps because ours is wrong."""
    wire = decoded(_TIME, answer.body) if len(answer.body) <= 4096 else None
    if wire is None or word(wire.ret) != error_codes.SIGNATURE_RET:
        return None
    return moment(wire.systime) or moment(wire.svr_time) or None


def _strange(answer: Answer) -> GatewayError:
    """What an answer means that does not speak the upstream's language."""
    status, log_id = answer.status, plain(answer.headers.get("x-tt-logid", ""), 64)
    upstream = UpstreamCode(code=f"HTTP {status}", log_id=log_id)
    after = _retry_after(answer.headers)
    page = answer.body[:65536].lower() if _is_html(answer) else b""
    if status == 429:
        seconds = after or error_codes.RATE.retry_after
        return RateLimited(sentence(error_codes.RATE), upstream=upstream, retry_after=seconds)
    if 300 <= status < 400:
        if _any_in(_LOGIN, answer.headers.get("location", "").lower().encode("utf-8", "replace")):
            return SessionExpired(sentence(error_codes.SESSION), upstream=upstream)
        return UpstreamUnreachable(
            "The upstream sent us to another address, where we do not follow.", upstream=upstream
        )
    if status == 503 or (status < 500 and _any_in(_MAINTENANCE, page)):
        return UpstreamMaintenance(
            "The upstream is down for maintenance.", upstream=upstream, retry_after=after
        )
    if status == 401 or (status in (200, 403) and _any_in(_LOGIN, page)):
        return SessionExpired(sentence(error_codes.SESSION), upstream=upstream)
    if status in (404, 410):
        return ProtocolChanged("The upstream no longer has this endpoint.", upstream=upstream)
    return UpstreamUnreachable(
        f"The upstream answered with HTTP {status} and nothing that can be read.",
        upstream=upstream,
        retry_after=after,
    )


def _is_html(answer: Answer) -> bool:
    return "html" in answer.headers.get("content-type", "") or answer.body.lstrip()[:1] == b"<"


def _any_in(words: tuple[bytes, ...], text: bytes) -> bool:
    return any(word in text for word in words)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    seconds = number(headers.get("retry-after"))
    return None if seconds is None else min(max(seconds, 0.0), 86400.0)


_NO_ANSWER: Final = "The upstream could not answer. Try again in a moment."
_LOGIN: Final = (b"passport", b"login", "登录".encode())
_MAINTENANCE: Final = (b"maintenance", "维护".encode())

_WRAPPING: Final = msgspec.json.Decoder(_WrappingWire)
_TIME: Final = msgspec.json.Decoder(_TimeWire)
_REASON: Final = Shape(ReasonWire)
