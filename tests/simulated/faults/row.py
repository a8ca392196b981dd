"""What the tables of faults are made of: a row, the simulator's orders, and how jobs end.

A row's number says which kind of trouble it belongs to, 0 none at all; `what` tells the case. `status`,
`type` and `code` are what a waiting caller gets. `accepted` is how many submissions the upstream takes, and
so charges, for one job; `sent` how often the paid request goes out (None where it does not matter). `resend`
says that a client may send its request again by itself. `charge` is what the caller is told of the credits.
`uploads` is how many files the upstream comes to keep for one job (None where it does not matter).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from typing_extensions import override

from tests.simulated.door import GENERATE, ClosedBy

FOR_EVER = -1
QUICK = 200.0


AGELESS = {"job_seconds": 86_400.0, "film_seconds": 86_400.0, "wait_seconds": 86_400.0}
"""A job ends of what its row is about, not of its age: however slow the machine is beside this clock."""


@dataclass(frozen=True, kw_only=True)
class Row:
    number: int
    what: str
    faults: tuple[dict[str, Any], ...] = ()
    closed: int = 0  # connections that cannot be made, for the requests of this path
    closed_on: str = GENERATE
    closed_by: ClosedBy = "network"
    route: str = "generations"
    body: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=AGELESS.copy)
    seconds: float = 8.0  # that the job takes upstream

    status: int = 200
    type: str = ""
    code: str = ""
    resend: bool = False
    charge: str = ""
    accepted: int = 1
    sent: int | None = 1
    uploads: int | None = 0
    results: int = 1
    partial: bool = False
    known: bool = True  # whether the gateway comes to know what was accepted
    retry_after: bool = False

    @override
    def __str__(self) -> str:
        return f"{self.number} {self.what}"


def fault(name: str, on: str = "", /, **settings: Any) -> dict[str, Any]:
    return {"fault": name, **({"on": on} if on else {}), **settings}


def submit(name: str, /, **settings: Any) -> tuple[dict[str, Any], ...]:
    return (fault(name, "generate", **settings),)


def poll(name: str, /, **settings: Any) -> tuple[dict[str, Any], ...]:
    return (fault(name, "poll", **settings),)


def always(name: str, on: str = "generate", /, **settings: Any) -> tuple[dict[str, Any], ...]:
    return (fault(name, on, times=FOR_EVER, **settings),)


# -------------------------------------------------------- how jobs end, in the words of a row ----

UPSTREAM_ERROR = "upstream_error"
_PERMISSION = "permission_error"

UNREACHABLE: dict[str, Any] = {
    "status": 502,
    "type": UPSTREAM_ERROR,
    "code": "upstream_unreachable",
    "resend": True,
    "charge": "none",
    "accepted": 0,
}
PROXY_REFUSED: dict[str, Any] = UNREACHABLE | {"code": "proxy_error"}
OVERLOADED: dict[str, Any] = {
    "status": 503,
    "type": "server_error",
    "code": "overloaded",
    "resend": True,
    "charge": "none",
    "accepted": 0,
    "retry_after": True,
}
UNCONFIRMED: dict[str, Any] = {
    "status": 502,
    "type": UPSTREAM_ERROR,
    "code": "submission_unconfirmed",
    "charge": "unknown",
    "accepted": 0,
}
EXPIRED: dict[str, Any] = {
    "status": 401,
    "type": "authentication_error",
    "code": "upstream_session_expired",
    "charge": "none",
    "accepted": 0,
}
MAINTENANCE: dict[str, Any] = UNREACHABLE | {"status": 503, "code": "upstream_maintenance"}
DOUBTED: dict[str, Any] = {"charge": "unknown", "resend": False}
NO_CREDITS: dict[str, Any] = {
    "status": 429,
    "type": "insufficient_quota",
    "code": "insufficient_quota",
    "charge": "none",
    "accepted": 0,
}
DAILY_LIMIT: dict[str, Any] = NO_CREDITS | {"code": "upstream_daily_limit", "retry_after": True}
BUSY: dict[str, Any] = {
    "status": 429, "type": "rate_limit_error", "code": "account_busy", "resend": True, "charge": "none",
    "accepted": 0, "sent": 4, "retry_after": True,
}  # fmt: skip
RATE_LIMITED: dict[str, Any] = BUSY | {"code": "upstream_rate_limited"}
RISK: dict[str, Any] = {
    "status": 403,
    "type": _PERMISSION,
    "code": "upstream_risk_control",
    "charge": "none",
    "accepted": 0,
}
NOT_PERMITTED: dict[str, Any] = RISK | {"code": "model_not_available"}
MODERATED: dict[str, Any] = {
    "status": 400, "type": "image_generation_user_error", "code": "moderation_blocked", "charge": "none",
    "accepted": 0,
}  # fmt: skip
INVALID: dict[str, Any] = {
    "status": 400,
    "type": "invalid_request_error",
    "code": "invalid_value",
    "charge": "none",
    "accepted": 0,
}
PROTOCOL: dict[str, Any] = {
    "status": 503,
    "type": UPSTREAM_ERROR,
    "code": "upstream_protocol_changed",
    "charge": "none",
    "accepted": 0,
}
# The upstream took these jobs: what they cost, only the account's balance can tell.
TAKEN: dict[str, Any] = {
    "accepted": 1,
    "charge": "unknown",
    "resend": False,
    "sent": 1,
}
FAILED: dict[str, Any] = TAKEN | {
    "status": 500,
    "type": "server_error",
    "code": "generation_failed",
}
TIMED_OUT: dict[str, Any] = TAKEN | {
    "status": 504,
    "type": "timeout_error",
    "code": "generation_timeout",
    "charge": "charged",
}
LOST: dict[str, Any] = TAKEN | {"status": 502, "type": UPSTREAM_ERROR, "code": "job_lost_upstream"}
CORRUPT: dict[str, Any] = TAKEN | {
    "status": 502,
    "type": UPSTREAM_ERROR,
    "code": "result_corrupt",
    "charge": "charged",
}
REJECTED: dict[str, Any] = CORRUPT | {"code": "result_rejected"}

UPLOAD_FAILED: dict[str, Any] = UNREACHABLE | {"code": "upload_failed"}

UNSENT: dict[str, Any] = {"sent": 0, "uploads": 0}

SHORT = {"job_seconds": 240.0, "film_seconds": 240.0}  # long enough to be sent on a slow machine
THREE_LOOKS = fault("takes", seconds=0.0, looks=3)
