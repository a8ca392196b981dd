"""How each error looks to a caller, one row each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from jimeng_api.domain import errors
from jimeng_api.domain.errors import Charge, GatewayError
from jimeng_api.jobs.job import Job, State
from jimeng_api.web.parts import note_answered
from jimeng_api.web.refusals import refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`resend` says whether a client may send the same request again by itself, without asking its user.

    Where it may not, the answer carries `x-should-retry: false`, which OpenAI's own clients obey.
    `retry_after` (seconds) is told where the error itself knows no better.
    """

    status: int
    type: str
    resend: bool = False
    retry_after: float | None = None


_INVALID = "invalid_request_error"
_AUTHENTICATION = "authentication_error"
_PERMISSION = "permission_error"
_RATE = "rate_limit_error"
_QUOTA = "insufficient_quota"
_UPSTREAM = "upstream_error"
_TIMEOUT = "timeout_error"
_SERVER = "server_error"

LOOKS: Mapping[type[GatewayError], Look] = {
    GatewayError: Look(status=500, type=_SERVER),
    # The caller can change the request: the same one again would be refused again.
    errors.InvalidRequest: Look(status=400, type=_INVALID),
    errors.MissingParameter: Look(status=400, type=_INVALID),
    errors.InvalidValue: Look(status=400, type=_INVALID),
    errors.UnsupportedParameter: Look(status=400, type=_INVALID),
    errors.UnsupportedValue: Look(status=400, type=_INVALID),
    errors.MalformedBody: Look(status=400, type=_INVALID),
    errors.BodyTooLarge: Look(status=413, type=_INVALID),
    errors.HeadersTooLarge: Look(status=431, type=_INVALID),
    errors.ModelNotFound: Look(status=404, type=_INVALID),
    errors.ModelNotAvailable: Look(status=400, type=_INVALID),
    errors.ContentRefused: Look(status=400, type="image_generation_user_error"),
    errors.NotFound: Look(status=404, type=_INVALID),
    errors.VideoNotReady: Look(status=404, type=_INVALID),
    errors.MethodNotAllowed: Look(status=405, type=_INVALID),
    errors.KeyReused: Look(status=422, type=_INVALID),
    errors.JobEnded: Look(status=400, type=_INVALID),
    # The caller can send another key.
    errors.InvalidKey: Look(status=401, type=_INVALID),
    # Whoever issued the key has set these bounds.
    errors.KeyRestricted: Look(status=403, type=_PERMISSION),
    errors.KeyNotPermitted: Look(status=403, type=_PERMISSION),
    errors.KeyLimitReached: Look(status=429, type=_RATE, resend=True, retry_after=10),
    # The account cannot serve this: only its owner, or time, changes that.
    errors.AccountUnusable: Look(status=403, type=_PERMISSION),
    errors.SessionExpired: Look(status=401, type=_AUTHENTICATION),
    errors.OutOfCredits: Look(status=429, type=_QUOTA),
    errors.DailyLimitReached: Look(status=429, type=_QUOTA),
    errors.AccountBusy: Look(status=429, type=_RATE, resend=True, retry_after=60),
    errors.RateLimited: Look(status=429, type=_RATE, resend=True, retry_after=30),
    errors.ModelNotPermitted: Look(status=403, type=_PERMISSION),
    errors.RegionRefused: Look(status=403, type=_PERMISSION),
    errors.ConsentRequired: Look(status=403, type=_PERMISSION),
    errors.RiskControl: Look(status=403, type=_PERMISSION),
    # Nothing was taken, and the next try may find the way.
    errors.UpstreamTrouble: Look(status=502, type=_UPSTREAM, resend=True),
    errors.UpstreamUnreachable: Look(status=502, type=_UPSTREAM, resend=True),
    errors.UpstreamMaintenance: Look(status=503, type=_UPSTREAM, resend=True, retry_after=60),
    errors.ProxyRefused: Look(status=502, type=_UPSTREAM, resend=True),
    errors.UploadFailed: Look(status=502, type=_UPSTREAM, resend=True),
    # A developer must look: until then the next try ends the same way.
    errors.UpstreamChanged: Look(status=502, type=_UPSTREAM),
    errors.UnknownUpstreamCode: Look(status=502, type=_UPSTREAM),
    errors.ProtocolChanged: Look(status=503, type=_UPSTREAM),
    # Paid for, or perhaps paid for.
    errors.SubmissionUncertain: Look(status=502, type=_UPSTREAM),
    errors.SubmissionUnconfirmed: Look(status=502, type=_UPSTREAM),
    errors.GenerationFailed: Look(status=500, type=_SERVER),
    errors.GenerationTimedOut: Look(status=504, type=_TIMEOUT),
    errors.JobLost: Look(status=502, type=_UPSTREAM),
    errors.ResultCorrupt: Look(status=502, type=_UPSTREAM),
    errors.ResultRejected: Look(status=502, type=_UPSTREAM),
    errors.JobCancelled: Look(status=400, type=_INVALID),
    # Ours, and over in a moment.
    errors.GatewayBusy: Look(status=503, type=_SERVER, resend=True, retry_after=5),
    errors.Overloaded: Look(status=503, type=_SERVER, resend=True, retry_after=5),
    errors.QueueFull: Look(status=429, type=_RATE, resend=True, retry_after=30),
    errors.StorageUnavailable: Look(status=503, type=_SERVER, resend=True, retry_after=10),
    errors.ShuttingDown: Look(status=503, type=_SERVER, resend=True, retry_after=5),
    errors.JobStillRunning: Look(status=504, type=_TIMEOUT),
    # Whoever was too slow would be too slow again, and send everything again.
    errors.RequestTimedOut: Look(status=408, type=_INVALID),
    errors.InternalError: Look(status=500, type=_SERVER),
}

CLIENT_CLOSED_REQUEST = 499  # nobody reads it; the log does

_JSON = "application/json"


def error_answer(error: GatewayError, *, job: Job | None = None) -> Response:
    """The answer to a request that ended with this error, after this job was promised, if one was."""
    look = LOOKS[type(error)]
    headers: dict[str, str] = {}
    if not (look.resend and (job is None or job.untouched)):
        headers["x-should-retry"] = "false"
    retry_after = error.retry_after if error.retry_after is not None else look.retry_after
    if retry_after is not None and math.isfinite(retry_after):
        headers["retry-after"] = str(max(1, math.ceil(retry_after)))
    if look.status == 401:
        headers["www-authenticate"] = "Bearer"
    body = msgspec.json.encode({"error": error_object(error, job=job)})
    return Response(body, status_code=look.status, headers=headers, media_type=_JSON)


def error_object(error: GatewayError, *, job: Job | None = None) -> dict[str, Any]:
    """What stands under `error` in a body: OpenAI's four keys, and more where there is more to say."""
    found: dict[str, Any] = {
        "message": error.message,
        "type": LOOKS[type(error)].type,
        "param": error.param,
        "code": error.code,
    }
    if error.upstream is not None:
        found["upstream"] = {
            "code": error.upstream.code,
            "text": error.upstream.text,
            "log_id": error.upstream.log_id,
        }
    if isinstance(error, errors.OutOfCredits) and (short := error.shortage) is not None:
        found["credits"] = {
            "needed": short.needed,
            "available": short.available,
            "missing": short.missing,
            "choices": [asdict(one) for one in short.choices],
        }
    if job is not None:
        found["charge"] = _charge(job)
        found["job_id"] = job.id
    return found


def _charge(job: Job) -> str:
    """What is known of the credits of the job as a whole: the worst that is known of a part of it."""
    if job.state is not State.FAILED:
        return str((Charge.CHARGED if job.state is State.COMPLETED else Charge.UNKNOWN).value)
    parts = {
        part.failure.charge if part.failure else Charge.CHARGED.value for part in job.submissions
    }
    found = [kind.value for kind in (Charge.CHARGED, Charge.UNKNOWN) if kind.value in parts]
    return str(found[0] if found else Charge.NONE.value)


def every_look() -> Iterable[tuple[type[GatewayError], Look]]:
    """The classes in the order of the tree, with their rows."""
    return ((kind, LOOKS[kind]) for kind in errors.every_error())


def answer_errors(app: FastAPI) -> None:
    """Give every error of the application, and of the framework below it, the same shape."""
    app.add_exception_handler(GatewayError, _gateway_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _defect)


async def _gateway_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, GatewayError):
        raise error
    answer = error_answer(error, job=getattr(request.state, "job", None))
    answer.background = BackgroundTask(_note_answered, request)
    return answer


async def _note_answered(request: Request) -> None:
    note_answered(request)


async def _validation_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return error_answer(refusal(error.errors()))


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    answer = error_answer(_named(error, request))
    answer.headers.update(error.headers or {})
    return answer


def _named(error: HTTPException, request: Request) -> GatewayError:
    """The framework's own errors in our words."""
    match error.status_code:
        case 404:
            return errors.NotFound(
                f"There is no route {request.method} {_asked_path(request)}. /docs lists those there are."
            )
        case 405:
            allowed = (error.headers or {}).get("Allow", "another method")
            return errors.MethodNotAllowed(
                f"{request.method} is not possible here; {allowed} is. /docs tells more."
            )
        case 413:
            return errors.BodyTooLarge("The request's body is too large.")
        case status if status < 500:
            return errors.InvalidRequest(str(error.detail))
        case _:
            return errors.InternalError(_OURS)


def _asked_path(request: Request) -> str:
    """The path as the caller wrote it."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw[:200].decode("ascii", "replace")


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)


async def _defect(request: Request, error: Exception) -> Response:
    return error_answer(errors.InternalError(_OURS), job=getattr(request.state, "job", None))


_OURS = (
    "The gateway met an error of its own. Its log has more under the x-request-id of this answer."
)
