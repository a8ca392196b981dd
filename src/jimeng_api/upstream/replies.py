"""What the upstream answers, decoded. Pure: bytes in, domain values or errors out.

The upstream is read tolerantly: a number may come as text, a list as null, an object may hold more than we
know. What cannot be read at all becomes an error of ours, whatever the bytes were.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import msgspec

from jimeng_api.domain.errors import (
    Charge,
    GatewayError,
    GenerationFailed,
    ProtocolChanged,
    RateLimited,
    SessionExpired,
    SubmissionUncertain,
    UpstreamCode,
    UpstreamMaintenance,
    UpstreamTrouble,
    UpstreamUnreachable,
)
from jimeng_api.domain.failure import Failure
from jimeng_api.domain.progress import Item, Progress, Queue, Stage
from jimeng_api.upstream import error_codes
from jimeng_api.upstream.envelope import Plane
from jimeng_api.upstream.error_codes import Meaning

MOST_TEXT: Final = 300  # characters of the upstream's own words that we pass on


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
class Expiring:
    """Credits that lapse at a moment (Unix seconds)."""

    amount: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Credits:
    """What an account may spend: of its membership, given to it, bought by it; `expiring` soonest first."""

    vip: int = 0
    gift: int = 0
    purchased: int = 0
    expiring: tuple[Expiring, ...] = ()

    @property
    def total(self) -> int:
        return max(self.vip + self.gift + self.purchased, sum(e.amount for e in self.expiring))


# ------------------------------------------------------------- the wrapping of every answer ----


def unwrap(answer: Answer, plane: Plane = Plane.MWEB) -> Reply:
    """The data of an answer that says "done"; otherwise the error that the answer means."""
    envelope = _envelope_of(answer)
    refusal = _refusal(envelope, plane)
    if isinstance(refusal, GenerationFailed):  # said of a question, it tells nothing of a job
        raise UpstreamTrouble(_NO_ANSWER, upstream=refusal.upstream) from refusal
    if refusal is not None:
        raise refusal
    return envelope.reply


def submitted(answer: Answer) -> Progress:
    """The verdict on a submission. Whatever is neither a record nor a refusal leaves it uncertain."""
    try:
        envelope = _envelope_of(answer)
    except RateLimited:
        raise  # said before anything was looked at
    except GatewayError as error:
        raise SubmissionUncertain(_UNCERTAIN) from error
    refusal = _refusal(envelope, Plane.MWEB)
    try:
        progress = _submitted_record(envelope.reply)
    except ProtocolChanged as error:
        if refusal is not None:
            raise refusal from None
        raise SubmissionUncertain(_UNCERTAIN) from error
    if refusal is not None:  # refused, and yet there is a job
        raise SubmissionUncertain(_UNCERTAIN) from refusal
    return progress


def uncertain() -> SubmissionUncertain:
    """The error of a submission on which no verdict came."""
    return SubmissionUncertain(_UNCERTAIN)


_NO_ANSWER: Final = "The upstream could not answer. Try again in a moment."
_UNCERTAIN: Final = (
    "The generation was sent, and no verdict came back: the upstream may have taken and charged it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Envelope:
    ret: str
    text: str
    reply: Reply


class _EnvelopeWire(msgspec.Struct):
    ret: Any = None
    errmsg: Any = None
    logid: Any = None
    log_id: Any = None
    data: msgspec.Raw = msgspec.Raw()
    response: Any = None


def _envelope_of(answer: Answer) -> _Envelope:
    try:
        wire = _ENVELOPE.decode(answer.body)
    except _UNREADABLE:
        raise _no_envelope(answer) from None
    ret = _word(wire.ret)
    if not ret or (ret == "0" and answer.status >= 300):
        raise _no_envelope(answer)
    data = bytes(wire.data)
    if data in _NOTHING and isinstance(wire.response, str):
        data = (
            wire.response.encode()
        )  # the commerce endpoints say everything twice, and sometimes once
    log_id = _word(wire.logid) or _word(wire.log_id) or answer.headers.get("x-tt-logid", "")
    return _Envelope(
        ret=plain(ret, 64),
        text=plain(_word(wire.errmsg)),
        reply=Reply(data=data, log_id=plain(log_id, 64)),
    )


class _TimeWire(msgspec.Struct):
    ret: Any = None
    systime: Any = None
    svr_time: Any = None


def signature_clock(answer: Answer) -> float | None:
    """The upstream's clock (Unix seconds), where it refuses a signature, perhaps because ours is wrong."""
    wire = _decoded(_TIME, answer.body) if len(answer.body) <= 4096 else None
    if wire is None or _word(wire.ret) != error_codes.SIGNATURE_RET:
        return None
    return _seconds(wire.systime) or _seconds(wire.svr_time) or None


def _no_envelope(answer: Answer) -> GatewayError:
    """What an answer means that does not speak the upstream's language."""
    status, log_id = answer.status, plain(answer.headers.get("x-tt-logid", ""), 64)
    upstream = UpstreamCode(code=f"HTTP {status}", log_id=log_id)
    after = _retry_after(answer.headers)
    page = answer.body[:65536].lower() if _is_html(answer) else b""
    if status == 429:
        seconds = after or error_codes.RATE.retry_after
        return RateLimited(_sentence(error_codes.RATE), upstream=upstream, retry_after=seconds)
    if 300 <= status < 400:
        if _any_in(_LOGIN, answer.headers.get("location", "").lower().encode("utf-8", "replace")):
            return SessionExpired(_sentence(error_codes.SESSION), upstream=upstream)
        return UpstreamUnreachable(
            "The upstream sent us to another address, where we do not follow.", upstream=upstream
        )
    if status == 503 or (status < 500 and _any_in(_MAINTENANCE, page)):
        return UpstreamMaintenance(
            "The upstream is down for maintenance.", upstream=upstream, retry_after=after
        )
    if status == 401 or (status in (200, 403) and _any_in(_LOGIN, page)):
        return SessionExpired(_sentence(error_codes.SESSION), upstream=upstream)
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
    seconds = _number(headers.get("retry-after"))
    return None if seconds is None else min(max(seconds, 0.0), 86400.0)


def _refusal(envelope: _Envelope, plane: Plane) -> GatewayError | None:
    if envelope.ret == "0":
        return None
    reason = _reason(_FAILURE, envelope.reply.data)
    meaning = error_codes.ret_meaning(envelope.ret, plane) or _meaning_of(reason)
    text = envelope.text or reason.text
    upstream = UpstreamCode(code=envelope.ret, text=text, log_id=envelope.reply.log_id)
    return _error(meaning or error_codes.UNKNOWN, upstream)


def _error(meaning: Meaning, upstream: UpstreamCode) -> GatewayError:
    said = ": ".join(part for part in (upstream.code, upstream.text) if part)
    message = f"{_sentence(meaning)} (upstream: {said})" if said else _sentence(meaning)
    return meaning.error(
        message, param=meaning.param, upstream=upstream, retry_after=meaning.retry_after
    )


def _sentence(meaning: Meaning) -> str:
    return f"{meaning.says} {meaning.advice}"


# --------------------------------------------------------------------- one job, one look ----


class _FailureWire(msgspec.Struct):
    """Why a job, or a refused submission, failed: the same words in both places."""

    fail_code: Any = None
    fail_msg: Any = None
    fail_starling_key: Any = None
    fail_starling_message: Any = None


class _RecordWire(_FailureWire):
    history_record_id: Any = None
    submit_id: Any = None
    status: Any = None
    task: msgspec.Raw = msgspec.Raw()
    item_list: msgspec.Raw = msgspec.Raw()
    finish_time: Any = None
    total_image_count: Any = None
    finished_image_count: Any = None
    queue_info: msgspec.Raw = msgspec.Raw()
    forecast_generate_cost: Any = None
    forecast_queue_cost: Any = None


class _TaskWire(msgspec.Struct):
    task_id: Any = None
    submit_id: Any = None
    history_id: Any = None
    status: Any = None
    finish_time: Any = None


class _SubmittedWire(msgspec.Struct):
    aigc_data: msgspec.Raw = msgspec.Raw()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reason:
    code: str
    key: str
    text: str


_STAGES: Final[Mapping[int, Stage]] = {
    0: Stage.WAITING,  # taken, not yet handed on
    20: Stage.WAITING,
    42: Stage.RUNNING,
    45: Stage.PARTIAL,  # seen before, with and after the last picture: the counts decide
    50: Stage.DONE,
    10: Stage.FAILED,  # review before the run
    30: Stage.FAILED,
    40: Stage.FAILED,  # review after the run
    100: Stage.FAILED,  # deleted on the site
}
_FAILED_IF_EXPLAINED: Final = frozenset({60, 70, 80})  # one observer counts them as failures
_PRE_CHECK: Final = 10
_UNKNOWN_STATUS: Final = -1


def progress_of(
    record: bytes | msgspec.Raw, *, submit_id: str = "", history_id: str = "", log_id: str = ""
) -> Progress:
    """One record as a look at one submission; the ids stand in where the record names none."""
    return _progress(_record(record), submit_id, history_id, log_id)


def _record(raw: bytes | msgspec.Raw) -> _RecordWire:
    try:
        return _RECORD.decode(raw)
    except _UNREADABLE:
        raise ProtocolChanged("The upstream's record of a job cannot be read.") from None


def _progress(wire: _RecordWire, submit_id: str, history_id: str, log_id: str) -> Progress:
    task = _decoded(_TASK, wire.task) or _TaskWire()
    status = _status(wire.status, _status(task.status, _UNKNOWN_STATUS))
    items = _items(wire.item_list)
    reason = _reason_of(wire)
    stage = _stage(status, items, reason)
    return Progress(
        submit_id=_id(wire.submit_id) or _id(task.submit_id) or submit_id,
        history_id=_id(wire.history_record_id)
        or _id(task.history_id)
        or _id(task.task_id)
        or history_id,
        stage=stage,
        status=status,
        items=items,
        total=_count(wire.total_image_count),
        finished=_count(wire.finished_image_count),
        finished_at=_seconds(wire.finish_time) or _seconds(task.finish_time),
        queue=_queue(wire.queue_info, wire.forecast_queue_cost, wire.forecast_generate_cost),
        failure=_failure(status, reason, log_id) if stage is Stage.FAILED else None,
    )


def records(
    reply: Reply, *, submit_ids: Collection[str] = (), history_ids: Collection[str] = ()
) -> dict[str, Progress]:
    """The jobs that were asked for, by the id they were asked with; those that are not there are left out.

    A record that names another id than it stands under belongs to another job, and is left out too.
    """
    found: dict[str, Progress] = {}
    unreadable: list[str] = []
    for asked, record in _asked(reply, {*submit_ids, *history_ids}).items():
        submit_id, history_id = (asked, "") if asked in submit_ids else ("", asked)
        try:
            wire = _record(record)
            named = _id(wire.submit_id if submit_id else wire.history_record_id)
            if named in ("", asked):
                found[asked] = _progress(wire, submit_id, history_id, reply.log_id)
        except ProtocolChanged:
            unreadable.append(asked)
            # The job is there, though we cannot see what of it; the other jobs must not suffer for it.
            found[asked] = Progress(
                submit_id=submit_id,
                history_id=history_id,
                stage=Stage.RUNNING,
                status=_UNKNOWN_STATUS,
            )
    if unreadable and len(unreadable) == len(found):
        raise ProtocolChanged("None of the upstream's records of jobs can be read.")
    return found


def _submitted_record(reply: Reply) -> Progress:
    wire = _decoded(_SUBMITTED, reply.data)
    inner = bytes(wire.aigc_data) if wire is not None else b""
    progress = progress_of(reply.data if inner in _NOTHING else inner, log_id=reply.log_id)
    if not progress.history_id:
        raise ProtocolChanged("The upstream's answer names no job.")
    return progress


def _stage(status: int, items: tuple[Item, ...], reason: _Reason) -> Stage:
    if status == _PRE_CHECK and items:
        return Stage.PARTIAL  # no rejection leaves pictures behind
    if status in _FAILED_IF_EXPLAINED:
        return Stage.FAILED if reason.code or reason.key else Stage.RUNNING
    return _STAGES.get(status, Stage.RUNNING)


def _failure(status: int, reason: _Reason, log_id: str) -> Failure:
    meaning = _meaning_of(reason) or error_codes.STATUSES[status]
    code = reason.code or f"status {status}"
    text = " ".join(part for part in (reason.key, reason.text) if part)
    error = _error(meaning, UpstreamCode(code=code, text=plain(text), log_id=log_id))
    # Failed jobs have been seen charged and not charged: only the balance can tell.
    return replace(Failure.of(error), charge=Charge.UNKNOWN.value)


def _meaning_of(reason: _Reason) -> Meaning | None:
    return error_codes.fail_meaning(reason.code, key=reason.key, text=reason.text)


def _reason(decoder: msgspec.json.Decoder[_FailureWire], data: bytes) -> _Reason:
    return _reason_of(_decoded(decoder, data) or _FailureWire())


def _reason_of(wire: _FailureWire) -> _Reason:
    code = plain(_word(wire.fail_code), 64)
    return _Reason(
        code="" if code == "0" else code,
        key=plain(_word(wire.fail_starling_key)),
        text=plain(_word(wire.fail_starling_message) or _word(wire.fail_msg)),
    )


# ------------------------------------------------------------------------------- pictures ----


class _ItemWire(msgspec.Struct):
    common_attr: msgspec.Raw = msgspec.Raw()
    image: msgspec.Raw = msgspec.Raw()


class _CommonWire(msgspec.Struct):
    id: Any = None
    effect_id: Any = None
    local_item_id: Any = None
    cover_url: Any = None
    cover_uri: Any = None


class _ImageWire(msgspec.Struct):
    format: Any = None
    image_url: Any = None
    image_uri: Any = None
    large_images: msgspec.Raw = msgspec.Raw()


class _LargeWire(msgspec.Struct):
    image_url: Any = None
    image_uri: Any = None
    width: Any = None
    height: Any = None
    format: Any = None


def _items(raw: bytes | msgspec.Raw) -> tuple[Item, ...]:
    """The pictures that can be fetched, each once; what has no link is left out."""
    items = (_item(one) for one in _decoded(_LIST, raw) or [])
    return tuple({item.id: item for item in items if item is not None}.values())


def _item(raw: msgspec.Raw) -> Item | None:
    wire = _decoded(_ITEM, raw) or _ItemWire()
    common = _decoded(_COMMON, wire.common_attr) or _CommonWire()
    image = _decoded(_IMAGE, wire.image) or _ImageWire()
    large = _large(image)
    preview = not _url(large.image_url)
    url = _url(large.image_url) or _url(common.cover_url)
    if not url:
        return None
    id_ = (
        _id(common.id)
        or _id(common.local_item_id)
        or _id(common.effect_id)
        or _id(large.image_uri)
        or _id(common.cover_uri)
        or url.partition("?")[0]
    )
    if preview:
        return Item(id=id_, url=url, preview=True)
    return Item(
        id=id_,
        url=url,
        width=_count(large.width),
        height=_count(large.height),
        format=plain(_word(large.format) or _word(image.format), 16).lower(),
    )


def _large(image: _ImageWire) -> _LargeWire:
    """The first full picture that has a link."""
    for raw in _decoded(_LIST, image.large_images) or []:
        large = _decoded(_LARGE, raw)
        if large is not None and _url(large.image_url):
            return large
    return _LargeWire(image_url=image.image_url, image_uri=image.image_uri, format=image.format)


def _url(value: Any) -> str:
    """A link; some come with their ampersands written as JSON escapes a second time."""
    return value.strip().replace("\\u0026", "&") if isinstance(value, str) else ""


# ---------------------------------------------------------------------------------- queue ----


class _QueueWire(msgspec.Struct):
    queue_idx: Any = None
    queue_length: Any = None
    queue_status: Any = None
    polling_config: msgspec.Raw = msgspec.Raw()


class _PollingWire(msgspec.Struct):
    interval_seconds: Any = None


class _ForecastWire(msgspec.Struct):
    forecast_generate_cost: Any = None
    forecast_queue_cost: Any = None


class _QueueEntryWire(_ForecastWire):
    queue_info: msgspec.Raw = msgspec.Raw()
    forecast_cost_time: msgspec.Raw = msgspec.Raw()


_IN_LINE: Final = 1


def queues(reply: Reply, *, history_ids: Collection[str]) -> dict[str, Queue]:
    """The places in line that were asked for; those that are not there are left out."""
    found = {}
    for asked, raw in _asked(reply, history_ids).items():
        entry = _decoded(_QUEUE_ENTRY, raw)
        if entry is None:
            continue
        forecast = _decoded(_FORECAST, entry.forecast_cost_time) or entry
        found[asked] = _queue(
            entry.queue_info, forecast.forecast_queue_cost, forecast.forecast_generate_cost
        )
    return found


def _queue(raw: msgspec.Raw, wait: Any, run: Any) -> Queue:
    wire = _decoded(_QUEUE, raw) or _QueueWire()
    polling = _decoded(_POLLING, wire.polling_config) or _PollingWire()
    return Queue(
        position=_count(wire.queue_idx),
        length=_count(wire.queue_length),
        waiting=_count(wire.queue_status) == _IN_LINE,
        wait_seconds=_duration(wait),
        run_seconds=_duration(run),
        interval_seconds=_duration(polling.interval_seconds),
    )


# -------------------------------------------------------------------------------- account ----


class _CreditWire(msgspec.Struct):
    vip_credit: Any = None
    gift_credit: Any = None
    purchase_credit: Any = None


class _ExpiringWire(msgspec.Struct):
    credit_amount: Any = None
    expire_time: Any = None


class _DetailWire(msgspec.Struct):
    gift_credits: msgspec.Raw = msgspec.Raw()
    vip_credits: msgspec.Raw = msgspec.Raw()


class _ResidualWire(msgspec.Struct):
    residual_credits: Any = None


class _CreditsWire(msgspec.Struct):
    credit: msgspec.Raw = msgspec.Raw()
    expiring_credits: msgspec.Raw = msgspec.Raw()
    credits_detail: msgspec.Raw = msgspec.Raw()


class _UserWire(msgspec.Struct):
    uid: Any = None
    user_id: Any = None


class _GrantWire(msgspec.Struct):
    receive_quota: Any = None


def credits_of(reply: Reply) -> Credits:
    """The balance. The sums lag behind the details after a grant, so the larger of both counts."""
    wire = _decoded(_CREDITS, reply.data)
    credit = _decoded(_CREDIT, wire.credit) if wire is not None else None
    if wire is None or credit is None:
        raise ProtocolChanged("The upstream's account of the credits cannot be read.")
    detail = _decoded(_DETAIL, wire.credits_detail) or _DetailWire()
    expiring = (_decoded(_EXPIRING, raw) for raw in _decoded(_LIST, wire.expiring_credits) or [])
    lapses = [
        Expiring(amount=_count(one.credit_amount), at=_seconds(one.expire_time))
        for one in expiring
        if one is not None and _count(one.credit_amount)
    ]
    return Credits(
        vip=max(_count(credit.vip_credit), _residual(detail.vip_credits)),
        gift=max(_count(credit.gift_credit), _residual(detail.gift_credits)),
        purchased=_count(credit.purchase_credit),
        expiring=tuple(sorted(lapses, key=lambda one: one.at)),
    )


def granted(reply: Reply) -> int:
    """How many credits the daily grant gave; 0 where it was received before."""
    wire = _decoded(_GRANT, reply.data)
    return 0 if wire is None else _count(wire.receive_quota)


def signed_in(reply: Reply) -> bool:
    """Whether the answer names a user."""
    wire = _decoded(_USER, reply.data)
    if wire is None or (wire.uid is None and wire.user_id is None):
        raise ProtocolChanged("The upstream's answer about the user names none.")
    return bool(_id(wire.uid) or _id(wire.user_id))


def _residual(raw: msgspec.Raw) -> int:
    entries = (_decoded(_RESIDUAL, entry) for entry in _decoded(_LIST, raw) or [])
    return sum(_count(entry.residual_credits) for entry in entries if entry is not None)


# ---------------------------------------------------------------------- words and numbers ----


def plain(text: str, most: int = MOST_TEXT) -> str:
    """The upstream's words on one line, without control characters, at most so long."""
    text = text[:4096]
    if not text.isprintable():
        kept = (c for c in _TERMINAL.sub("", text) if c in "\t\n" or _seen(c))
        text = "".join(kept)
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _seen(character: str) -> bool:
    return unicodedata.category(character) not in _UNSEEN


def _word(value: Any) -> str:
    """A code, an id or a text, which may come as a number."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    try:
        return str(int(value)) if value == int(value) else str(value)
    except (OverflowError, ValueError):
        return ""


def _id(value: Any) -> str:
    word = plain(_word(value), 256)
    return "" if word == "0" else word


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _count(value: Any) -> int:
    return min(int(max(_number(value) or 0, 0)), 2**53)


def _status(value: Any, otherwise: int) -> int:
    number = _number(value)
    return otherwise if number is None or abs(number) > 2**31 else int(number)


def _duration(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= _CENTURY else None


def _seconds(value: Any) -> float:
    """A moment in Unix seconds, 0 where there is none; some endpoints count milliseconds."""
    number = _number(value) or 0.0
    seconds = number / 1000 if number > _MILLISECONDS else number
    return seconds if 0 < seconds <= _MILLISECONDS else 0.0


_T = TypeVar("_T")


def _decoded(decoder: msgspec.json.Decoder[_T], raw: bytes | msgspec.Raw) -> _T | None:
    try:
        return decoder.decode(raw)
    except _UNREADABLE:
        return None


def _asked(reply: Reply, ids: Collection[str]) -> dict[str, msgspec.Raw]:
    """The entries of a map by id that were asked for, in the order of the answer."""
    if reply.data in _NOTHING:
        return {}
    entries = _decoded(_MAP, reply.data)
    if entries is None:
        raise ProtocolChanged("The upstream's answer is not a map of ids.")
    return {id_: raw for id_, raw in entries.items() if id_ in ids and bytes(raw) not in _NOTHING}


_UNREADABLE: Final = (ValueError, RecursionError)  # msgspec's and Unicode's errors are ValueErrors
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co"})
_NOTHING: Final = (b"", b"null", b"[]", b'""')
_LOGIN: Final = (b"passport", b"login", "登录".encode())
_MAINTENANCE: Final = (b"maintenance", "维护".encode())
_TERMINAL: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
_CENTURY: Final = 100 * 366 * 86400.0
_MILLISECONDS: Final = 1e11

_ENVELOPE: Final = msgspec.json.Decoder(_EnvelopeWire)
_TIME: Final = msgspec.json.Decoder(_TimeWire)
_SUBMITTED: Final = msgspec.json.Decoder(_SubmittedWire)
_FAILURE: Final = msgspec.json.Decoder(_FailureWire)
_RECORD: Final = msgspec.json.Decoder(_RecordWire)
_TASK: Final = msgspec.json.Decoder(_TaskWire)
_ITEM: Final = msgspec.json.Decoder(_ItemWire)
_COMMON: Final = msgspec.json.Decoder(_CommonWire)
_IMAGE: Final = msgspec.json.Decoder(_ImageWire)
_LARGE: Final = msgspec.json.Decoder(_LargeWire)
_QUEUE: Final = msgspec.json.Decoder(_QueueWire)
_QUEUE_ENTRY: Final = msgspec.json.Decoder(_QueueEntryWire)
_POLLING: Final = msgspec.json.Decoder(_PollingWire)
_FORECAST: Final = msgspec.json.Decoder(_ForecastWire)
_CREDITS: Final = msgspec.json.Decoder(_CreditsWire)
_CREDIT: Final = msgspec.json.Decoder(_CreditWire)
_EXPIRING: Final = msgspec.json.Decoder(_ExpiringWire)
_DETAIL: Final = msgspec.json.Decoder(_DetailWire)
_RESIDUAL: Final = msgspec.json.Decoder(_ResidualWire)
_USER: Final = msgspec.json.Decoder(_UserWire)
_GRANT: Final = msgspec.json.Decoder(_GrantWire)
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_MAP: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
