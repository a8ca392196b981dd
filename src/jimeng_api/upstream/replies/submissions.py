"""The verdict on a submission: taken, refused, or uncertain. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from jimeng_api.domain.errors import (
    GatewayError,
    ProtocolChanged,
    RateLimited,
    SubmissionUncertain,
)
from jimeng_api.domain.progress import Progress
from jimeng_api.upstream.envelope import Plane
from jimeng_api.upstream.replies.answers import Answer, Reply, refusal, wrapped_of
from jimeng_api.upstream.replies.records import progress_of
from jimeng_api.upstream.replies.shapes import decoded, nothing


class _SubmittedWire(msgspec.Struct):
    aigc_data: msgspec.Raw = msgspec.Raw()


def submitted(answer: Answer) -> Progress:
    """The verdict on a submission. Whatever is neither a record nor a refusal leaves it uncertain."""
    try:
        wrapped = wrapped_of(answer)
    except RateLimited:
        raise  # said before anything was looked at
    except GatewayError as error:
        raise uncertain() from error
    refused = refusal(wrapped, Plane.MWEB)
    try:
        progress = _record(wrapped.reply)
    except ProtocolChanged as error:
        if refused is not None:
            raise refused from None
        raise uncertain() from error
    if refused is not None:  # refused, and yet there is a job
        raise uncertain() from refused
    return progress


def uncertain() -> SubmissionUncertain:
    """The error of a submission on which no verdict came."""
    return SubmissionUncertain(
        "The generation was sent, and no verdict came back: the upstream may have taken and charged it."
    )


def _record(reply: Reply) -> Progress:
    wire = decoded(_SUBMITTED, reply.data)
    inner = b"" if wire is None else bytes(wire.aigc_data)
    # Some answers leave out the wrapping.
    progress = progress_of(reply.data if nothing(inner) else inner, log_id=reply.log_id)
    if not progress.history_id:
        raise ProtocolChanged("The upstream's answer names no job.")
    return progress


_SUBMITTED: Final = msgspec.json.Decoder(_SubmittedWire)
