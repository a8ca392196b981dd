"""What can go wrong between the gateway and the upstream, a row each, and what must come of it.

A row's number says which kind of trouble it belongs to, 0 none at all; `what` tells the case. `status`,
`type` and `code` are what a waiting caller gets. `accepted` is how many submissions the upstream takes, and
so charges, for one job; `sent` how often the paid request goes out (None where it does not matter). `resend`
says that a client may send its request again by itself. `charge` is what the caller is told of the credits.
`uploads` is how many pictures the upstream comes to keep for one job (None where it does not matter).

Not here, because nothing of it exists yet: 41 the balance and 42 the daily credits. What only sockets show
is tested with sockets (`tests/unit/test_transport*.py`, `test_sent_or_not.py`): 44, a kept connection that
closes while it is written to, 43, networks that swallow packets, and of 1 to 4 how names, connections,
proxies and the waiting for a free connection fail. What trouble of many at once leads to is in
`test_outages.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from typing_extensions import override

from tests.forms import data_uri, picture
from tests.simulated.door import BLOB, GENERATE, PICTURE, POLL, ClosedBy

FOR_EVER = -1
QUICK = 200.0


AGELESS = {"job_seconds": 86_400.0, "wait_seconds": 86_400.0}
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
    pictures: int = 1
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

_UPSTREAM = "upstream_error"
_PERMISSION = "permission_error"

UNREACHABLE: dict[str, Any] = {
    "status": 502,
    "type": _UPSTREAM,
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
    "type": _UPSTREAM,
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
    "type": _UPSTREAM,
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
LOST: dict[str, Any] = TAKEN | {"status": 502, "type": _UPSTREAM, "code": "job_lost_upstream"}
CORRUPT: dict[str, Any] = TAKEN | {
    "status": 502,
    "type": _UPSTREAM,
    "code": "result_corrupt",
    "charge": "charged",
}
REJECTED: dict[str, Any] = CORRUPT | {"code": "result_rejected"}

UPLOAD_FAILED: dict[str, Any] = UNREACHABLE | {"code": "upload_failed"}

# An edit that starts from two pictures, and one of which nothing comes before the paid request.
EDIT: dict[str, Any] = {
    "route": "edits",
    "body": {"image": [data_uri(picture(320, 240, colour)) for colour in ("red", "blue")]},
    "uploads": 2,
}
UNSENT: dict[str, Any] = {"sent": 0, "uploads": 0}

THREE_LOOKS = fault("takes", seconds=0.0, looks=3)
SHORT = {"job_seconds": 60.0}
FOUR = {"n": 4}

# Ways in which an upload fails: what, the simulator's name for it, on which request, and how.
UPLOADING: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("keys not accepted", "imagex_authorization", "apply_upload", {}),
    ("signature not accepted", "imagex_signature", "apply_upload", {}),
    ("upload forbidden", "imagex_forbidden", "apply_upload", {}),
    ("keys that have ended", "short_token", "upload_token", {}),
    ("no address, 502", "html_502", "apply_upload", {}),
    ("no address, reset", "reset", "apply_upload", {}),
    ("a foreign host", "foreign_upload_host", "apply_upload", {}),
    ("an address inside", "private_upload_host", "apply_upload", {}),
    ("a name inside", "private_upload_host", "apply_upload", {"host": "localhost:5100"}),
    ("403 of the host", "blob_refused", "blob", {}),
    ("204 of the edge", "blob_no_content", "blob", {}),
    ("502 of the edge", "html_502", "blob", {}),
    ("redirect of the host", "redirect", "blob", {}),
    ("hang of the host", "timeout", "blob", {}),
    ("endless answer of the host", "huge_body", "blob", {}),
    ("reset amid the bytes", "reset_amid_upload", "blob", {}),
    ("CRC refused", "crc_mismatch", "blob", {}),
    ("another CRC answered", "crc_differs", "blob", {}),
    ("session key not known", "session_key_unknown", "commit_upload", {}),
    ("commit failed", "commit_failed", "commit_upload", {}),
    ("commit without a result", "results_empty", "commit_upload", {}),
    ("commit, 502", "html_502", "commit_upload", {}),
)

ROWS: tuple[Row, ...] = (
    # -------------------------------------------- nothing was sent
    Row(number=1, what="no connection can be made", closed=FOR_EVER, sent=0, **UNREACHABLE),
    Row(number=2, what="no connection at first", closed=2),
    Row(number=2, what="no connection for looks at first", closed=3, closed_on=POLL),
    Row(number=2, what="no connection for pictures at first", closed=2, closed_on=PICTURE),
    Row(number=3, what="the proxy refuses", closed=FOR_EVER, closed_by="proxy", sent=0, **PROXY_REFUSED),
    Row(number=3, what="the proxy refuses at first", closed=2, closed_by="proxy"),
    Row(number=3, what="the proxy refuses looks at first", closed=3, closed_by="proxy", closed_on=POLL),
    Row(number=3, what="the proxy refuses pictures at first", closed=2, closed_by="proxy",
        closed_on=PICTURE),
    Row(number=4, what="no connection is free", closed=FOR_EVER, closed_by="pool", sent=0,
        **OVERLOADED),
    Row(number=4, what="no connection is free at first", closed=2, closed_by="pool"),
    Row(number=4, what="no connection is free for looks at first", closed=3, closed_by="pool",
        closed_on=POLL),
    # -------------------------------------------- sent, and no verdict: asked about, never sent again
    Row(number=5, what="reset while sending", faults=submit("reset"), **UNCONFIRMED),
    Row(number=6, what="accepted, no answer", faults=submit("accepted_then_timeout")),
    Row(number=7, what="accepted, reset", faults=submit("accepted_then_reset")),
    Row(number=7, what="accepted, answer cut", faults=submit("cut_answer")),
    Row(number=7, what="accepted, reset, never listed",
        faults=(fault("accepted_then_reset", "generate"), fault("never_listed")),
        **UNCONFIRMED | {"accepted": 1, "known": False}),
    Row(number=7, what="accepted, reset, listed late",
        faults=(fault("accepted_then_reset", "generate"), fault("listed_late", looks=1))),
    Row(number=8, what="accepted, 502", faults=submit("html_502", accepted=True)),
    Row(number=8, what="accepted, 503", faults=submit("http_error", status=503, accepted=True)),
    Row(number=8, what="accepted, 504", faults=submit("html_504", accepted=True)),
    Row(number=8, what="502", faults=submit("html_502"), **UNCONFIRMED),
    Row(number=10, what="accepted, JSON cut", faults=submit("truncated_json")),
    Row(number=11, what="accepted, empty answer", faults=submit("empty_body")),
    Row(number=11, what="accepted, data null", faults=submit("null_data")),
    Row(number=31, what="accepted, redirect elsewhere", faults=submit("redirect", accepted=True)),
    Row(number=31, what="redirect elsewhere", faults=submit("redirect"), **UNCONFIRMED),
    Row(number=33, what="accepted, answer drips", faults=submit("drip")),
    Row(number=34, what="accepted, endless answer", faults=submit("huge_body")),
    Row(number=34, what="accepted, gzip bomb", faults=submit("gzip_bomb", megabytes=48)),
    Row(number=35, what="accepted, JSON too deep", faults=submit("deep_json")),
    Row(number=35, what="accepted, not UTF-8", faults=submit("non_utf8")),
    Row(number=35, what="accepted, keys twice", faults=submit("duplicate_keys")),
    Row(number=35, what="refused with half a character", faults=submit("lone_surrogate"),
        **UNCONFIRMED),
    Row(number=43, what="hang", faults=submit("timeout"), **UNCONFIRMED),
    Row(number=45, what="accepted, answer after 60 s", faults=submit("delay")),
    Row(number=45, what="answer after 40 s", faults=submit("delay", seconds=40.0)),
    # -------------------------------------------- refused, for certain
    Row(number=9, what="500 that says no credits", faults=submit("json_500", ret="1006"),
        **NO_CREDITS),
    Row(number=9, what="500 that says generate error", faults=submit("json_500"),
        **FAILED | {"accepted": 0}),
    Row(number=13, what="1015", faults=submit("login_error"), **EXPIRED),
    Row(number=13, what="1015 of another site", faults=submit("check_login_error"), **EXPIRED),
    Row(number=14, what="1006", faults=submit("no_credits"), **NO_CREDITS),
    Row(number=14, what="5000", faults=submit("no_credits_old"), **NO_CREDITS),
    Row(number=14, what="4001", faults=submit("no_credits_enum"), **NO_CREDITS),
    Row(number=15, what="5001 for ever", faults=always("prededuct_failed"), **BUSY),
    Row(number=15, what="5001 once", faults=submit("prededuct_failed"), sent=2),
    Row(number=16, what="1310 for ever", faults=always("too_many_running"), **BUSY),
    Row(number=16, what="1310 once", faults=submit("too_many_running"), sent=2),
    Row(number=16, what="1010 for ever", faults=always("too_many_running_enum"), **BUSY),
    Row(number=16, what="1010 twice", faults=submit("too_many_running_enum", times=2), sent=3),
    Row(number=16, what="1057 for ever", faults=always("rate_limited"), **RATE_LIMITED),
    Row(number=16, what="1057 once", faults=submit("rate_limited"), sent=2),
    Row(number=16, what="1 for ever", faults=always("rate_limited_enum"), **RATE_LIMITED),
    Row(number=16, what="2014 for ever", faults=always("rate_limited_access"), **RATE_LIMITED),
    Row(number=16, what="10020 for ever", faults=always("rate_limited_region"), **RATE_LIMITED),
    Row(number=16, what="429 for ever", faults=always("too_many_requests"), **RATE_LIMITED),
    Row(number=16, what="429 once", faults=submit("too_many_requests"), sent=2),
    Row(number=17, what="1019", faults=submit("shark"), **RISK),
    Row(number=17, what="-4", faults=submit("shark_check"), **RISK),
    Row(number=17, what="1021", faults=submit("shark_commercial"), **RISK),
    Row(number=17, what="2035", faults=submit("security_not_pass"), **RISK),
    Row(number=17, what="4013", faults=submit("abnormal_behaviour"), **RISK),
    Row(number=17, what="1018", faults=submit("punished"), **RISK),
    Row(number=18, what="3018", faults=submit("permission_denied"), **NOT_PERMITTED),
    Row(number=18, what="4003", faults=submit("no_permission"), **NOT_PERMITTED),
    Row(number=18, what="3000", faults=submit("region_not_allowed"),
        **RISK | {"code": "upstream_region_refused"}),
    Row(number=18, what="4010", faults=submit("consent_needed"),
        **RISK | {"code": "upstream_consent_required"}),
    Row(number=19, what="1063", faults=submit("text_refused"), **MODERATED),
    Row(number=19, what="2003", faults=submit("image_risk"), **MODERATED),
    Row(number=19, what="2005", faults=submit("text_risk"), **MODERATED),
    Row(number=19, what="2038", faults=submit("text_blocked"), **MODERATED),
    Row(number=19, what="2050", faults=submit("copyright_text"), **MODERATED),
    Row(number=21, what="1000", faults=submit("invalid_parameter"), **INVALID),
    Row(number=21, what="1002", faults=submit("common_error"), **INVALID),
    Row(number=21, what="4002", faults=submit("bad_parameter"), **INVALID),
    Row(number=21, what="1161", faults=submit("mixed_language"), **INVALID),
    Row(number=21, what="121101", faults=submit("daily_limit"), **DAILY_LIMIT),
    Row(number=22, what="2002", faults=submit("generate_error"), **FAILED | {"accepted": 0}),
    Row(number=23, what="a code that nobody knows", faults=submit("unknown_ret"),
        status=502, type=_UPSTREAM, code="upstream_unknown_code", charge="unknown", accepted=0),
    Row(number=23, what="any other refusal", faults=submit("refuse", ret="2043"), **MODERATED),
    Row(number=36, what="script in the message", faults=submit("hostile_text"), **INVALID),
    Row(number=38, what="1014, sign error", faults=always("sign_error"), **PROTOCOL),
    Row(number=38, what="1014, busy", faults=always("busy"), **PROTOCOL),
    # -------------------------------------------- failed upstream, after it was taken
    Row(number=20, what="30 with 2038", faults=submit("text_block"), **MODERATED | TAKEN),
    Row(number=20, what="30 with the number 2038", faults=submit("number_as_fail_code"),
        **MODERATED | TAKEN),
    Row(number=20, what="30 with 2039", faults=submit("image_block"), **MODERATED | TAKEN),
    Row(number=20, what="30 with 2043", faults=submit("fails", code="2043", key="", message=""),
        **MODERATED | TAKEN),
    Row(number=20, what="copyright", faults=submit("copyright_block"), **MODERATED | TAKEN),
    Row(number=20, what="status 10", faults=submit("pre_check_reject"), **MODERATED | TAKEN),
    Row(number=20, what="status 40", faults=submit("post_check_reject"), **MODERATED | TAKEN),
    Row(number=17, what="account blocked during the run", faults=submit("account_block"),
        **RISK | TAKEN),
    Row(number=21, what="daily limit during the run", faults=submit("daily_usage_limit"),
        **DAILY_LIMIT | TAKEN | {"retry_after": False}),
    Row(number=16, what="peak time during the run", faults=submit("peak_time"),
        **RATE_LIMITED | TAKEN),
    Row(number=22, what="30 with 100402", faults=submit("fails"), **FAILED),
    Row(number=25, what="deleted on the site", faults=submit("deleted"), **LOST),
    # -------------------------------------------- looking
    Row(number=24, what="502 on looks", faults=poll("html_502", times=3)),
    Row(number=24, what="504 on looks", faults=poll("html_504", times=2)),
    Row(number=24, what="500 on looks", faults=poll("json_500", times=2)),
    Row(number=24, what="reset on looks", faults=poll("reset", times=2)),
    Row(number=24, what="hang on a look", faults=poll("timeout")),
    Row(number=24, what="JSON cut on looks", faults=poll("truncated_json", times=2)),
    Row(number=24, what="empty looks", faults=poll("empty_body", times=2)),
    Row(number=24, what="data null on looks", faults=poll("null_data", times=2)),
    Row(number=24, what="429 on a look", faults=poll("too_many_requests")),
    Row(number=24, what="1057 on a look", faults=poll("rate_limited")),
    Row(number=24, what="unknown code on a look", faults=poll("unknown_ret")),
    Row(number=25, what="not listed for a while", faults=poll("missing_record", times=2)),
    Row(number=25, what="not listed any more", faults=submit("never_listed"), **LOST),
    Row(number=26, what="stuck at 20", faults=submit("stuck"), settings=SHORT, **TIMED_OUT),
    Row(number=26, what="stuck at 42", faults=submit("stuck", status=42), settings=SHORT,
        **TIMED_OUT),
    Row(number=26, what="stuck at 45", faults=submit("stuck", status=45), settings=SHORT,
        **TIMED_OUT),
    Row(number=26, what="stuck with some pictures", faults=submit("stuck", status=45, items=2),
        settings=SHORT, body=FOUR, pictures=2, partial=True),
    Row(number=23, what="a status that nobody knows", faults=submit("unknown_status"),
        settings=SHORT, **TIMED_OUT),
    Row(number=27, what="status goes backwards", faults=poll("status_backwards", times=2)),
    Row(number=27, what="finished, pictures later", faults=submit("late_items")),
    Row(number=27, what="finished without pictures", faults=submit("late_items", looks=FOR_EVER),
        **FAILED),
    Row(number=28, what="failed with some pictures", faults=submit("partial_failure", items=3),
        body=FOUR, pictures=3, partial=True),
    Row(number=28, what="fewer pictures", faults=submit("fewer_items"), body=FOUR, pictures=3,
        partial=True),
    Row(number=31, what="redirect of looks", faults=poll("redirect", times=2)),
    Row(number=33, what="a look drips", faults=poll("drip")),
    Row(number=34, what="an endless look", faults=poll("huge_body")),
    Row(number=34, what="a gzip bomb of a look", faults=poll("gzip_bomb", megabytes=48)),
    Row(number=35, what="JSON too deep on a look", faults=poll("deep_json")),
    Row(number=35, what="not UTF-8 on a look", faults=poll("non_utf8")),
    Row(number=37, what="the upstream's clock is a day ahead",
        faults=always("clock_skew", "any")),
    Row(number=37, what="the upstream's clock is a day behind",
        faults=always("clock_skew", "any", seconds=-86400.0)),
    Row(number=45, what="looks take 19 s", faults=(*poll("delay", times=2, seconds=19.0), THREE_LOOKS)),
    Row(number=46, what="records twice", faults=(*poll("twice_in_answer", times=2), THREE_LOOKS)),
    Row(number=46, what="a foreign record beside", faults=(*poll("foreign_record", times=2), THREE_LOOKS)),
    Row(number=46, what="only a foreign record", faults=poll("only_foreign_records", times=2)),
    Row(number=46, what="records swapped", faults=(*poll("swapped_records", times=2), THREE_LOOKS)),
    Row(number=47, what="maintenance while it runs", faults=poll("maintenance", retry_after=60)),
    Row(number=48, what="signed out for a while", faults=poll("login_error", times=3)),
    Row(number=48, what="a login page for a while", faults=poll("login_page", times=3)),
    Row(number=48, what="sent to the login for a while", faults=poll("login_redirect", times=3)),
    Row(number=48, what="401 for a while", faults=poll("unauthorized", times=3)),
    Row(number=48, what="the session dies under the job", faults=submit("session_dies"),
        **EXPIRED | TAKEN),
    # -------------------------------------------- the shape of what is seen
    Row(number=0, what="a job of three looks", faults=(THREE_LOOKS,)),
    Row(number=0, what="begins at 42", faults=submit("starts_thinking")),
    Row(number=0, what="a long queue", faults=submit("slow_queue")),
    Row(number=0, what="a queue of status 0", faults=submit("queue_says_zero")),
    Row(number=0, what="pictures before the end", faults=submit("items_before_end"), body=FOUR,
        pictures=4),
    Row(number=0, what="ends at 45", faults=submit("stays_at_45")),
    Row(number=0, what="only covers", faults=submit("cover_only")),
    Row(number=0, what="links with escaped ampersands", faults=submit("escaped_links")),
    Row(number=0, what="more pictures than asked", faults=submit("other_count", count=4)),
    Row(number=0, what="fail code 0", faults=submit("zero_fail_code")),
    Row(number=0, what="ret as a number", faults=always("number_as_ret", "any")),
    Row(number=0, what="gzip unasked", faults=always("unasked_encoding", "any")),
    Row(number=0, what="kept connections close", faults=always("close_after_answer", "any")),
    # -------------------------------------------- fetching
    Row(number=29, what="links expired", faults=poll("expired_links", after=0, times=2)),
    Row(number=29, what="links refused", faults=(fault("link_refused", times=2),)),
    Row(number=29, what="links refused for ever", faults=always("link_refused", "picture"),
        **CORRUPT),
    *(
        Row(number=30, what=f"{name} once", faults=(
            fault(name, "poll", times=1, after=0), fault("takes", seconds=0.0, looks=1)))
        for name in ("foreign_links", "private_links", "plain_http_links", "odd_scheme_links")
    ),
    *(
        Row(number=30, what=f"{name} for ever", faults=always(name, "poll"), **REJECTED)
        for name in ("foreign_links", "private_links", "plain_http_links", "odd_scheme_links")
    ),
    *(
        Row(number=32, what=f"{name} twice", faults=(fault(name, times=2),))
        for name in ("html_picture", "empty_picture", "wrong_magic", "wrong_length", "cut_picture",
                     "short_picture")
    ),
    *(
        Row(number=32, what=f"{name} for ever", faults=always(name, "picture"), **CORRUPT)
        for name in ("html_picture", "empty_picture", "wrong_magic", "short_picture")
    ),
    Row(number=33, what="a slow picture", faults=(fault("slow_picture"),)),
    Row(number=34, what="an endless picture", faults=(fault("endless_picture", megabytes=80),)),
    Row(number=0, what="a picture that is called something else", faults=(fault("odd_type"),)),
    Row(number=0, what="WebP under a PNG's name", faults=(fault("webp_as_png"),),
        body={"model": "jimeng-3.0"}),
    # -------------------------------------------- uploading, which costs nothing and is repeated
    Row(number=0, what="an edit", **EDIT),
    *(
        Row(number=39, what=f"{what} twice", faults=(fault(name, on, times=2, **settings),), **EDIT)
        for what, name, on, settings in UPLOADING
    ),
    *(
        Row(number=39, what=f"{what} for ever", faults=always(name, on, **settings),
            **EDIT | UPLOAD_FAILED | UNSENT)
        for what, name, on, settings in UPLOADING
    ),
    Row(number=39, what="the keys end amid the upload",
        faults=(fault("imagex_authorization", "commit_upload"),), **EDIT),
    Row(number=39, what="one picture of two fails for ever",
        faults=(fault("blob_refused", after=1, times=FOR_EVER),),
        **EDIT | UPLOAD_FAILED | {"sent": 0, "uploads": 1}),
    Row(number=39, what="no connection for uploads", closed=FOR_EVER, closed_on=BLOB,
        **EDIT | UPLOAD_FAILED | UNSENT),
    Row(number=39, what="the proxy refuses uploads", closed=FOR_EVER, closed_on=BLOB,
        closed_by="proxy", **EDIT | PROXY_REFUSED | UNSENT),
    Row(number=40, what="stored, answer lost", faults=(fault("accepted_then_reset", "blob"),), **EDIT),
    *(
        Row(number=40, what=f"committed, {what}", faults=(fault(name, "commit_upload"),),
            **EDIT | {"uploads": 3})
        for what, name in (
            ("reset", "accepted_then_reset"), ("no answer", "accepted_then_timeout"),
            ("answer cut", "truncated_json"), ("empty answer", "empty_body"))
    ),
    Row(number=40, what="committed, reset, for ever",
        faults=always("accepted_then_reset", "commit_upload"),
        **EDIT | UPLOAD_FAILED | {"sent": 0, "uploads": None}),
    # -------------------------------------------- what the account may not, as it is told at the upload
    Row(number=13, what="1015 at the upload", faults=always("login_error", "upload_token"),
        **EDIT | EXPIRED | UNSENT),
    Row(number=12, what="login page at the upload", faults=always("login_page", "upload_token"),
        **EDIT | EXPIRED | UNSENT),
    Row(number=12, what="401 at the upload", faults=always("unauthorized", "upload_token"),
        **EDIT | EXPIRED | UNSENT),
    Row(number=17, what="1019 at the upload", faults=(fault("shark", "upload_token"),),
        **EDIT | RISK | UNSENT),
    Row(number=17, what="2035 at the upload", faults=(fault("security_not_pass", "upload_token"),),
        **EDIT | RISK | UNSENT),
    Row(number=18, what="3000 at the upload", faults=(fault("region_not_allowed", "upload_token"),),
        **EDIT | RISK | UNSENT | {"code": "upstream_region_refused"}),
    Row(number=16, what="1057 at the upload", faults=(fault("rate_limited", "upload_token"),), **EDIT),
    Row(number=38, what="1014 at the upload", faults=always("sign_error", "upload_token"),
        **EDIT | PROTOCOL | UNSENT),
    Row(number=47, what="maintenance at the upload", faults=always("maintenance", "upload_token"),
        **EDIT | MAINTENANCE | UNSENT),
    # -------------------------------------------- the content of what was uploaded
    Row(number=19, what="2003 at the content check", faults=always("content_risk", "algo_proxy"),
        **EDIT | MODERATED | {"sent": 0, "uploads": None}),
    Row(number=19, what="one picture of two is a risk", faults=(fault("content_risk", after=1),),
        **EDIT | MODERATED | {"sent": 0, "uploads": None}),
    *(
        Row(number=19, what=f"content check: {name}", faults=always(name, "algo_proxy"), **EDIT)
        for name in ("html_502", "json_500", "reset", "timeout", "login_error", "shark",
                     "rate_limited", "null_data", "unknown_ret", "huge_body", "redirect")
    ),
    Row(number=19, what="2003 of an edit", faults=submit("image_risk"), **EDIT | MODERATED),
    Row(number=20, what="30 with 2039 of an edit", faults=submit("image_block"),
        **EDIT | MODERATED | TAKEN),
    Row(number=21, what="1000, a picture not known", faults=submit("unknown_image"),
        **EDIT | INVALID),
    # -------------------------------------------- pages in answer to the paid request
    # A login page, a 401 or a maintenance page says nothing about whether something behind it took the
    # request. It is asked about like any other; where nothing is listed, the caller hears the page's own
    # reason, and that nobody knows of the credits.
    Row(number=12, what="accepted, login page", faults=submit("login_page", accepted=True)),
    Row(number=12, what="login page", faults=submit("login_page"), **EXPIRED | DOUBTED),
    Row(number=12, what="sent to the login", faults=submit("login_redirect"), **EXPIRED | DOUBTED),
    Row(number=12, what="401", faults=submit("unauthorized"), **EXPIRED | DOUBTED),
    Row(number=47, what="maintenance", faults=submit("maintenance"), **MAINTENANCE | DOUBTED),
)  # fmt: skip

LEFT_OUT = {
    "commerce_login_error": "no call below /commerce is made for a picture",
    "response_only": "no call below /commerce is made for a picture",
    "late_charge_row": "the history of credits is not read",
    **dict.fromkeys(
        (
            "video_blocked",
            "model_gone",
            "face_refused",
            "video_block",
            "not_retryable",
            "face_rejected",
            "model_withdrawn",
            "origin_missing",
            "no_duration",
            "chunk_lost",
        ),
        "the table is about pictures, and this is met by films",
    ),
}
