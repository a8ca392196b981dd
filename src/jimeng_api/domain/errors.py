"""Everything that can go wrong, grouped by who can act.

GatewayError
    InvalidRequest               the caller can change the request
        MissingParameter
        InvalidValue
        UnsupportedParameter
        UnsupportedValue
        MalformedBody
        BodyTooLarge
        HeadersTooLarge
        ModelNotFound
        ModelNotAvailable        the site or the account does not offer the model
        ContentRefused           the upstream refuses the prompt, an input or the result
        NotFound
        VideoNotReady            the film is asked for before it is there
        MethodNotAllowed
        KeyReused                an idempotency key came again with another request
        JobEnded                 there is nothing left to cancel
    InvalidKey                   the caller can send another key
    KeyRestricted                whoever issued the key can change what it may do
        KeyNotPermitted
        KeyLimitReached          time changes it as well
    AccountUnusable              another account may do better
        SessionExpired
        OutOfCredits
        DailyLimitReached
        AccountBusy
        RateLimited
        ModelNotPermitted
        RegionRefused
        ConsentRequired
        RiskControl              reported, never worked around
    UpstreamTrouble              the same request may work later
        UpstreamUnreachable
        UpstreamMaintenance
        ProxyRefused
        UploadFailed
    UpstreamChanged              we no longer understand the upstream; a developer must look
        UnknownUpstreamCode
        ProtocolChanged
    SubmissionUncertain          sent, no verdict came: it may have been accepted and charged
    SubmissionUnconfirmed        the upstream never said that it has the submission
    GenerationFailed             the upstream took the job and did not deliver
        GenerationTimedOut
        JobLost
        ResultCorrupt
        ResultRejected
    GatewayBusy                  ours: try again in a moment
        Overloaded
        QueueFull                as many wait already as may
        StorageUnavailable
        ShuttingDown
    JobCancelled                 the caller took the order back
    JobStillRunning              ours: the wait ended, the job did not
    RequestTimedOut              the caller did not send the request in time
    InternalError                ours: a defect

Each class has a stable `code`. How a class looks over HTTP is decided at the edge (`web/errors.py`),
never here. What a class says about money is `charge`, which the fault table of the documentation lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from jimeng_api.domain.shortage import Shortage


class Charge(Enum):
    """What is known of the caller's credits when a generation ends this way."""

    NONE = "none"
    CHARGED = "charged"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class UpstreamCode:
    """What the upstream itself said: its code (`ret` or `fail_code`), its key or text, its log id."""

    code: str = ""
    text: str = ""
    log_id: str = ""


class GatewayError(Exception):
    """The root. `param` names the caller's parameter, `retry_after` is in seconds."""

    code: ClassVar[str] = "internal_error"
    charge: ClassVar[Charge] = Charge.NONE

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        upstream: UpstreamCode | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.upstream = upstream
        self.retry_after = retry_after


class InvalidRequest(GatewayError):
    code = "invalid_request"


class MissingParameter(InvalidRequest):
    code = "missing_required_parameter"


class InvalidValue(InvalidRequest):
    code = "invalid_value"


class UnsupportedParameter(InvalidRequest):
    code = "unsupported_parameter"


class UnsupportedValue(InvalidRequest):
    code = "unsupported_value"


class MalformedBody(InvalidRequest):
    code = "malformed_body"


class BodyTooLarge(InvalidRequest):
    code = "request_too_large"


class HeadersTooLarge(InvalidRequest):
    code = "headers_too_large"


class ModelNotFound(InvalidRequest):
    code = "model_not_found"

    def __init__(self, message: str, *, param: str | None = "model") -> None:
        super().__init__(message, param=param)


class ModelNotAvailable(InvalidRequest):
    code = "model_not_on_site"

    def __init__(self, message: str, *, param: str | None = "model") -> None:
        super().__init__(message, param=param)


class ContentRefused(InvalidRequest):
    code = "moderation_blocked"


class NotFound(InvalidRequest):
    code = "not_found"


class VideoNotReady(InvalidRequest):
    code = "video_not_ready"


class MethodNotAllowed(InvalidRequest):
    code = "method_not_allowed"


class KeyReused(InvalidRequest):
    code = "idempotency_key_reused"


class JobEnded(InvalidRequest):
    code = "job_already_ended"


class InvalidKey(GatewayError):
    code = "invalid_api_key"


class KeyRestricted(GatewayError):
    code = "key_restricted"


class KeyNotPermitted(KeyRestricted):
    code = "key_not_permitted"


class KeyLimitReached(KeyRestricted):
    code = "rate_limit_exceeded"


class AccountUnusable(GatewayError):
    code = "account_unusable"


class SessionExpired(AccountUnusable):
    code = "upstream_session_expired"


class OutOfCredits(AccountUnusable):
    """`shortage` is known where it was refused here, before anything was sent."""

    code = "insufficient_quota"
    shortage: Shortage | None = None


class DailyLimitReached(AccountUnusable):
    code = "upstream_daily_limit"


class AccountBusy(AccountUnusable):
    code = "account_busy"


class RateLimited(AccountUnusable):
    code = "upstream_rate_limited"


class ModelNotPermitted(AccountUnusable):
    code = "model_not_available"


class RegionRefused(AccountUnusable):
    code = "upstream_region_refused"


class ConsentRequired(AccountUnusable):
    code = "upstream_consent_required"


class RiskControl(AccountUnusable):
    code = "upstream_risk_control"


class UpstreamTrouble(GatewayError):
    code = "upstream_error"


class UpstreamUnreachable(UpstreamTrouble):
    code = "upstream_unreachable"


class UpstreamMaintenance(UpstreamTrouble):
    code = "upstream_maintenance"


class ProxyRefused(UpstreamTrouble):
    code = "proxy_error"


class UploadFailed(UpstreamTrouble):
    code = "upload_failed"


class UpstreamChanged(GatewayError):
    code = "upstream_changed"
    charge = Charge.UNKNOWN


class UnknownUpstreamCode(UpstreamChanged):
    code = "upstream_unknown_code"


class ProtocolChanged(UpstreamChanged):
    code = "upstream_protocol_changed"
    charge = Charge.NONE


class SubmissionUncertain(GatewayError):
    code = "submission_uncertain"
    charge = Charge.UNKNOWN


class SubmissionUnconfirmed(GatewayError):
    code = "submission_unconfirmed"
    charge = Charge.UNKNOWN


class GenerationFailed(GatewayError):
    code = "generation_failed"
    charge = Charge.UNKNOWN


class GenerationTimedOut(GenerationFailed):
    code = "generation_timeout"
    charge = Charge.CHARGED


class JobLost(GenerationFailed):
    code = "job_lost_upstream"


class ResultCorrupt(GenerationFailed):
    code = "result_corrupt"
    charge = Charge.CHARGED


class ResultRejected(GenerationFailed):
    code = "result_rejected"
    charge = Charge.CHARGED


class GatewayBusy(GatewayError):
    code = "gateway_busy"


class Overloaded(GatewayBusy):
    code = "overloaded"


class QueueFull(GatewayBusy):
    code = "queue_full"


class StorageUnavailable(GatewayBusy):
    code = "storage_unavailable"


class ShuttingDown(GatewayBusy):
    code = "shutting_down"


class JobCancelled(GatewayError):
    code = "job_cancelled"


class JobStillRunning(GatewayError):
    code = "job_still_running"
    charge = Charge.UNKNOWN


class RequestTimedOut(GatewayError):
    code = "request_timeout"


class InternalError(GatewayError):
    code = "internal_error"


def every_error() -> tuple[type[GatewayError], ...]:
    """All classes of the tree, each once, parents first."""

    def below(kind: type[GatewayError]) -> list[type[GatewayError]]:
        found = [kind]
        for child in kind.__subclasses__():
            found += below(child)
        return found

    return tuple(dict.fromkeys(below(GatewayError)))
