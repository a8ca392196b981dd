"""Why a job or a submission failed, and the error that this is. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from jimeng_api.domain.errors import Charge, GatewayError, UpstreamCode
from jimeng_api.domain.failure import Failure
from jimeng_api.upstream import error_codes
from jimeng_api.upstream.error_codes import Meaning
from jimeng_api.upstream.replies.words import plain, word


class ReasonWire(msgspec.Struct):
    """Why a job, or a refused submission, failed: the same words in both places."""

    fail_code: Any = None
    fail_msg: Any = None
    fail_starling_key: Any = None
    fail_starling_message: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """The upstream's own words; all are empty where nothing failed."""

    code: str
    key: str
    text: str

    @property
    def meaning(self) -> Meaning | None:
        return error_codes.fail_meaning(self.code, key=self.key, text=self.text)


def reason_of(wire: ReasonWire) -> Reason:
    code = plain(word(wire.fail_code), 64)
    return Reason(
        code="" if code == "0" else code,
        key=plain(word(wire.fail_starling_key)),
        text=plain(word(wire.fail_starling_message) or word(wire.fail_msg)),
    )


def failure_of(status: int, reason: Reason, log_id: str) -> Failure:
    """What a job failed with, whose state means failure."""
    meaning = reason.meaning or error_codes.STATUSES[status]
    code = reason.code or f"status {status}"
    text = " ".join(part for part in (reason.key, reason.text) if part)
    error = error_of(meaning, UpstreamCode(code=code, text=plain(text), log_id=log_id))
    # Failed jobs have been seen charged and not charged: only the balance can tell.
    return replace(Failure.of(error), charge=Charge.UNKNOWN.value)


def error_of(meaning: Meaning, upstream: UpstreamCode) -> GatewayError:
    said = ": ".join(part for part in (upstream.code, upstream.text) if part)
    message = f"{sentence(meaning)} (upstream: {said})" if said else sentence(meaning)
    return meaning.error(
        message, param=meaning.param, upstream=upstream, retry_after=meaning.retry_after
    )


def sentence(meaning: Meaning) -> str:
    return f"{meaning.says} {meaning.advice}"
