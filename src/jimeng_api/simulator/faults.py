"""Ways the upstream misbehaves: one row each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jimeng_api.simulator.operations import OPERATIONS
from jimeng_api.simulator.timeline import FOR_EVER, Ending, Plan

Kind = Literal[
    "refusal", "wire", "credits", "job", "record", "links", "arrival", "upload", "picture"
]
"""A request meets at most one fault of each kind; a job may suffer several."""

Settings = Mapping[str, Any]
Shape = Callable[[Plan, Settings], None]

API = frozenset(
    row.name for row in OPERATIONS.values() if row.plane in ("mweb", "commerce", "passport")
)
ALL = frozenset(OPERATIONS)
COMMERCE = frozenset(row.name for row in OPERATIONS.values() if row.plane == "commerce")
GENERATE = frozenset({"generate"})
POLL = frozenset({"poll"})
WITH_LINKS = frozenset({"poll", "history", "image_by_uri", "local_items"})
FILES = frozenset({"picture", "film"})
PICTURE = frozenset({"picture"})
JSON = frozenset(OPERATIONS) - FILES
IMAGEX = frozenset(row.name for row in OPERATIONS.values() if row.plane in ("imagex", "vod"))
IMAGEX -= {"proof_upload"}
APPLY = frozenset({"apply_upload", "apply_vod"})
COMMIT = frozenset({"commit_upload", "commit_vod"})
PICTURE_COMMIT = frozenset({"commit_upload"})
VOD_COMMIT = frozenset({"commit_vod"})
BLOB = frozenset({"blob"})


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    kind: Kind
    on: frozenset[str]
    meaning: str
    settings: Settings = field(default_factory=dict)
    """What may be set, with the value that holds when it is not."""
    ret: str = ""
    shape: Shape | None = None


def _refusal(
    name: str, ret: str, meaning: str, on: frozenset[str] = API, errmsg: str | None = None
) -> Fault:
    settings = {} if errmsg is None else {"errmsg": errmsg}
    return Fault(name, "refusal", on, f"{meaning} ({ret})", settings, ret=ret)


def _wire(name: str, meaning: str, on: frozenset[str] = ALL, **settings: Any) -> Fault:
    return Fault(name, "wire", on, meaning, settings)


def _job(name: str, meaning: str, shape: Shape | None = None, **settings: Any) -> Fault:
    return Fault(name, "job", GENERATE, meaning, settings, shape=shape)


_REFUSALS = (
    Fault(
        "refuse",
        "refusal",
        API,
        "is refused with the `ret` that is given; `errmsg` and `data` may be given too",
        {"ret": "1000", "errmsg": None, "data": None},
    ),
    _refusal("busy", "1014", "the system is busy"),
    _refusal("sign_error", "1014", "the signature is not accepted", errmsg="sign error"),
    _refusal("login_error", "1015", "the session is not known"),
    _refusal(
        "check_login_error", "1015", "the session is not of this site", errmsg="check login error"
    ),
    _refusal("commerce_login_error", "34010105", "the session is dead, as commerce says", COMMERCE),
    _refusal("region_not_allowed", "3000", "the caller's region does not fit the session"),
    _refusal("invalid_parameter", "1000", "a parameter is not accepted"),
    _refusal("bad_parameter", "4002", "a parameter is not accepted, in the other number"),
    _refusal("common_error", "1002", "the body has the wrong shape"),
    _refusal("permission_denied", "3018", "the client's version is too old or the draft stale"),
    _refusal("no_permission", "4003", "the account may not do this", GENERATE),
    _refusal("no_credits", "1006", "the credits do not suffice", GENERATE),
    _refusal("no_credits_old", "5000", "the credits do not suffice, in the old number", GENERATE),
    _refusal(
        "no_credits_enum", "4001", "the credits do not suffice, in the third number", GENERATE
    ),
    _refusal("prededuct_failed", "5001", "the credits could not be set aside", GENERATE),
    _refusal("too_many_running", "1310", "as many jobs run as may run", GENERATE),
    _refusal("too_many_running_enum", "1010", "the same in the other number", GENERATE),
    _refusal("rate_limited", "1057", "requests come too fast"),
    _refusal("rate_limited_enum", "1", "requests come too fast, in the oldest number"),
    _refusal("rate_limited_access", "2014", "requests come too fast, as an access limit"),
    _refusal("rate_limited_region", "10020", "requests come too fast for a free region"),
    _refusal("daily_limit", "121101", "the account has had its jobs for today", GENERATE),
    _refusal("punished", "1018", "the account is barred from generating", GENERATE),
    _refusal("shark", "1019", "risk control does not let it pass"),
    _refusal("shark_check", "-4", "risk control does not let it pass, as on the daily gift"),
    _refusal("shark_commercial", "1021", "commercial risk control does not let it pass"),
    _refusal("security_not_pass", "2035", "the account's security check fails"),
    _refusal("abnormal_behaviour", "4013", "abnormal behaviour is suspected", GENERATE),
    _refusal("consent_needed", "4010", "terms must be accepted on the web page first", GENERATE),
    _refusal("text_refused", "1063", "the prompt does not pass the text audit", GENERATE),
    _refusal("text_risk", "2005", "the prompt is a risk", GENERATE),
    _refusal("text_blocked", "2038", "the prompt is blocked at submission", GENERATE),
    _refusal("image_risk", "2003", "the input picture is a risk", GENERATE),
    _refusal("unknown_image", "1000", "an input picture is not known", GENERATE),
    _refusal(
        "content_risk",
        "2003",
        "the picture does not pass the content check",
        frozenset({"algo_proxy"}),
    ),
    _refusal("video_blocked", "2042", "the input film is blocked at submission", GENERATE),
    _refusal("model_gone", "2061", "the model is no longer available", GENERATE),
    _refusal("face_refused", "4011", "a face in the input is not accepted", GENERATE),
    _refusal("copyright_text", "2050", "the prompt names protected work", GENERATE),
    _refusal("mixed_language", "1161", "the prompt mixes languages", GENERATE),
    _refusal("generate_error", "2002", "the generation could not be started", GENERATE),
    _refusal("unknown_ret", "987654", "a code that nobody has seen", errmsg="something new"),
)

_WIRE = (
    _wire("delay", "the answer comes late", seconds=60.0),
    _wire("timeout", "nothing is done and no answer comes; cut at the end", seconds=120.0),
    _wire("accepted_then_timeout", "it is done, but no answer comes", seconds=120.0),
    _wire("reset", "nothing is done and the connection is reset"),
    _wire("accepted_then_reset", "it is done, but the connection is reset before the answer"),
    _wire("cut_answer", "it is done, and the connection ends amid the answer", keep=0.5),
    _wire(
        "http_error",
        "an HTTP status with a page of HTML; `accepted` says whether it was done",
        status=502, accepted=False,
    ),
    _wire("html_502", "502 from an edge, in HTML", accepted=False),
    _wire("html_504", "504 from an edge, in HTML", accepted=False),
    _wire("json_500", "500 with a JSON body that has a `ret`", ret="2002", accepted=False),
    _wire("maintenance", "503 with a maintenance page and Retry-After", retry_after=600),
    _wire("too_many_requests", "429 with Retry-After", retry_after=5),
    _wire("unauthorized", "401 with an empty JSON object", status=401),
    _wire("login_page", "200 with the HTML of a login page", accepted=False),
    _wire("login_redirect", "302 to the passport page", to="/passport/web/login"),
    _wire(
        "redirect",
        "a redirect to a foreign host",
        status=302, to="https://elsewhere.example/landing", accepted=False,
    ),
    _wire("empty_body", "it is done, and answered with 200 and nothing", accepted=True),
    _wire("null_data", "it is done, and answered with ret 0 and data null", API),
    _wire("truncated_json", "it is done, and the JSON ends early", JSON, keep=0.5),
    _wire("non_utf8", "it is done, and the JSON holds bytes that are not UTF-8", JSON),
    _wire("deep_json", "it is done, and the JSON nests too deep", JSON, depth=100_000),
    _wire("duplicate_keys", "it is done, and `ret` and `data` come twice", API),
    _wire("lone_surrogate", "refused, with half a character in errmsg", API, ret="1000"),
    _wire("hostile_text", "refused, with script and terminal codes in errmsg", API, ret="1000"),
    _wire("drip", "the answer comes one byte at a time", seconds_per_byte=1.0),
    _wire("huge_body", "the answer goes on for megabytes", megabytes=64, accepted=True),
    _wire("gzip_bomb", "a small gzip body that unpacks to megabytes", megabytes=128, accepted=True),
    _wire("unasked_encoding", "the answer is encoded though nobody asked", JSON, encoding="gzip"),
    _wire("close_after_answer", "a kept connection is closed right after the answer"),
    _wire("clock_skew", "the answer's own time is off", API, seconds=86_400.0),
    _wire("number_as_ret", "`ret` is a number", API),
)  # fmt: skip

_CREDITS = (
    Fault(
        "response_only",
        "credits",
        COMMERCE,
        "the payload comes only as the string in `response`, without `data`",
    ),
)


def _ends(plan: Plan, status: int, code: Any, key: str, message: str) -> None:
    plan.ending = Ending(status, 0, code, key, message)


def _late_listing(plan: Plan, settings: Settings) -> None:
    plan.hidden_looks = int(settings["looks"])
    plan.hidden_seconds = float(settings["seconds"])


def _never_listed(plan: Plan, _: Settings) -> None:
    plan.hidden_looks = FOR_EVER


def _stuck(plan: Plan, settings: Settings) -> None:
    plan.stuck_at, plan.stuck_items = int(settings["status"]), int(settings["items"])


def _takes(plan: Plan, settings: Settings) -> None:
    plan.looks = int(settings["looks"])
    plan.run_seconds = float(settings["seconds"])


def _starts_thinking(plan: Plan, _: Settings) -> None:
    plan.first_status = 42


def _items_before_end(plan: Plan, settings: Settings) -> None:
    plan.unfinished_looks = int(settings["looks"])
    plan.unfinished_seconds = float(settings["seconds"])


def _items_one_by_one(plan: Plan, _: Settings) -> None:
    plan.one_by_one = True


def _stays_at_45(plan: Plan, _: Settings) -> None:
    plan.stays_partial = True


def _slow_queue(plan: Plan, settings: Settings) -> None:
    plan.queue_seconds = float(settings["seconds"])
    plan.queue_length = int(settings["length"])


def _queue_says_zero(plan: Plan, _: Settings) -> None:
    plan.queue_status_zero = True


def _late_items(plan: Plan, settings: Settings) -> None:
    plan.itemless_looks = int(settings["looks"])


def _cover_only(plan: Plan, _: Settings) -> None:
    plan.cover_only = True


def _escaped_links(plan: Plan, _: Settings) -> None:
    plan.escaped_links = True


def _fewer_items(plan: Plan, settings: Settings) -> None:
    plan.ending.items = int(settings["items"])


def _partial_failure(plan: Plan, settings: Settings) -> None:
    plan.ending = Ending(
        30, int(settings["items"]), "100402", "web_generation_failed", "生成失败，请稍后重试"
    )


def _fails(plan: Plan, settings: Settings) -> None:
    _ends(plan, int(settings["status"]), settings["code"], settings["key"], settings["message"])


def _text_block(plan: Plan, settings: Settings) -> None:
    _ends(
        plan, 30, settings["code"], "web_text_violates_community_guidelines_toast",
        "你输入的文字不符合平台规则，请修改后重试",
    )  # fmt: skip


def _image_block(plan: Plan, _: Settings) -> None:
    _ends(
        plan, 30, "2039", "web_image_violates_community_guidelines_toast",
        "你输入的图片不符合平台规则，请修改后重试",
    )  # fmt: skip


def _video_block(plan: Plan, settings: Settings) -> None:
    _ends(
        plan, 30, settings["code"], "ErrMessage_APP_OutputVideoRisk",
        "生成的视频不符合平台规则，请修改后重试",
    )  # fmt: skip


def _not_retryable(plan: Plan, _: Settings) -> None:
    _ends(plan, 30, "2043", "web_fail2generate_input_retry", "内容不符合平台规则，请勿重试")


def _face_rejected(plan: Plan, _: Settings) -> None:
    _ends(plan, 30, "4011", "RejectFace", "face is not accepted")


def _model_gone(plan: Plan, _: Settings) -> None:
    _ends(plan, 30, "2061", "", "model not available")


def _origin_missing(plan: Plan, _: Settings) -> None:
    plan.origin_missing = True


def _copyright_block(plan: Plan, _: Settings) -> None:
    _ends(plan, 30, "", "web_fail2generate_copyright_block", "生成的图片未通过审核")


def _pre_check_reject(plan: Plan, _: Settings) -> None:
    plan.run_seconds, plan.looks = 0.0, 0
    _ends(plan, 10, "", "InputTextRisk", "")


def _post_check_reject(plan: Plan, _: Settings) -> None:
    _ends(plan, 40, "", "OutputImageRisk", "生成的图片未通过审核")


def _number_as_fail_code(plan: Plan, settings: Settings) -> None:
    code = int(settings["code"])
    _ends(plan, 30, code, "web_generation_failed", "生成失败，请稍后重试")


def _zero_fail_code(plan: Plan, _: Settings) -> None:
    plan.ending.fail_code = "0"


def _account_block(plan: Plan, _: Settings) -> None:
    _ends(plan, 30, "", "web_account_block_risk_notification", "账号存在风险")


def _daily_usage_limit(plan: Plan, _: Settings) -> None:
    _ends(plan, 30, "140001", "web_daily_usage_limit_toast", "今日次数已用完")


def _peak_time(plan: Plan, _: Settings) -> None:
    _ends(plan, 30, "", "", "因目前处于使用高峰期，请稍后重试")


def _deleted(plan: Plan, _: Settings) -> None:
    _ends(plan, 100, "", "", "")


_JOBS = (
    _job("takes", "takes so many seconds, or looks, whatever the dial says", _takes,
         seconds=10.0, looks=0),
    _job("listed_late", "is absent from the first looks, or for some seconds", _late_listing,
         looks=2, seconds=0.0),
    _job("never_listed", "is absent from every look, though it was paid for", _never_listed),
    _job("stuck", "stays at a status for ever: 20, 42, or 45 with some items", _stuck,
         status=20, items=0),
    _job("starts_thinking", "begins at status 42", _starts_thinking),
    _job("slow_queue", "waits in a long queue first", _slow_queue, seconds=95.0, length=5210),
    _job("queue_says_zero", "has status 0 in the queue information", _queue_says_zero),
    _job("items_before_end", "shows all items at 45 with finish_time 0 before it says 50",
         _items_before_end, looks=2, seconds=0.0),
    _job("items_one_by_one", "shows each item at 45 as soon as it is finished, the others later",
         _items_one_by_one),
    _job("stays_at_45", "ends with all items and a finish_time, still saying 45", _stays_at_45),
    _job("late_items", "says 50 with no items for some looks; -1 for ever", _late_items, looks=2),
    _job("cover_only", "has items without large_images, or a film without renditions", _cover_only),
    _job("escaped_links", "has links with a literal \\u0026 for each ampersand", _escaped_links),
    _job("fewer_items", "makes fewer pictures and lowers the total", _fewer_items, items=3),
    _job("other_count", "makes another number of pictures than asked", None, count=4),
    _job("partial_failure", "ends at 30 with some items", _partial_failure, items=2),
    _job("fails", "ends at a status with a fail code, key and message", _fails,
         status=30, code="100402", key="web_generation_failed", message="生成失败，请稍后重试"),
    _job("text_block", "fails with 2038 for its text", _text_block, code="2038"),
    _job("image_block", "fails with 2039 for its picture", _image_block),
    _job("video_block", "fails with 2042 for the film that came out", _video_block, code="2042"),
    _job("not_retryable", "fails with 2043, which must not be tried again", _not_retryable),
    _job("face_rejected", "fails with 4011 for a face", _face_rejected),
    _job("model_withdrawn", "fails with 2061, as its model is gone", _model_gone),
    _job("origin_missing", "has a film with the renditions 360p and 720p only", _origin_missing),
    _job("copyright_block", "fails in review: only the key tells", _copyright_block),
    _job("pre_check_reject", "is at status 10 at once", _pre_check_reject),
    _job("post_check_reject", "is at status 40 after the run", _post_check_reject),
    _job("number_as_fail_code", "fails with a number for fail_code", _number_as_fail_code,
         code=2038),
    _job("zero_fail_code", 'succeeds with fail_code "0"', _zero_fail_code),
    _job("unknown_status", "ends at a status that nobody knows", _fails,
         status=60, code="", key="", message=""),
    _job("account_block", "fails because of the account's risk", _account_block),
    _job("daily_usage_limit", "fails because of the day's usage", _daily_usage_limit),
    _job("peak_time", "fails at peak time, with words only", _peak_time),
    _job("deleted", "is deleted: status 100", _deleted),
    _job("session_dies", "is accepted, then the session is dead; the job goes on"),
    _job("late_charge_row", "shows up late in the credit history", None, seconds=60.0),
)  # fmt: skip

_RECORDS = (
    Fault("missing_record", "record", POLL, "the records asked for are absent from one answer"),
    Fault("status_backwards", "record", POLL, "one answer shows an earlier status, without items",
          {"status": 20}),
    Fault("twice_in_answer", "record", POLL, "each record comes twice in one answer"),
    Fault("foreign_record", "record", POLL, "a record that nobody asked for comes along"),
    Fault("swapped_records", "record", POLL, "records come under each other's ids"),
    Fault("only_foreign_records", "record", POLL, "only records that nobody asked for come"),
)  # fmt: skip

_LINKS = (
    Fault("expired_links", "links", WITH_LINKS, "links that end in so many seconds; past if < 0",
          {"seconds": -3600}),
    Fault("foreign_links", "links", WITH_LINKS, "links to a foreign host",
          {"origin": "https://files.elsewhere.example"}),
    Fault("private_links", "links", WITH_LINKS, "links to an address that is not public",
          {"origin": "https://169.254.169.254"}),
    Fault("plain_http_links", "links", WITH_LINKS, "links with the scheme http",
          {"origin": "http://p26-dreamina-sign.byteimg.com"}),
    Fault("odd_scheme_links", "links", WITH_LINKS, "links that are no web address",
          {"origin": "file://"}),
)  # fmt: skip

_UPLOADS = (
    Fault("short_token", "upload", frozenset({"upload_token"}),
          "keys that live for so many seconds; 0 for keys that have expired", {"seconds": 0}),
    Fault("imagex_authorization", "upload", IMAGEX, "the keys are not accepted",
          {"number": 100024, "code": "InvalidAuthorization", "status": 403}),
    Fault("imagex_signature", "upload", IMAGEX, "the signature is said not to match",
          {"number": 100010, "code": "SignatureDoesNotMatch", "status": 403}),
    Fault("imagex_forbidden", "upload", IMAGEX, "the account may not upload",
          {"number": 100013, "code": "AccessDenied", "status": 403}),
    Fault("foreign_upload_host", "upload", APPLY, "the file is to go to a foreign host",
          {"host": "upload.elsewhere.example"}),
    Fault("private_upload_host", "upload", APPLY, "the file is to go to an address not public",
          {"host": "169.254.169.254"}),
    Fault("blob_no_content", "upload", BLOB, "204 from an edge, and nothing is kept"),
    Fault("blob_refused", "upload", BLOB, "the bytes are refused",
          {"status": 403, "code": 4003}),
    Fault("crc_mismatch", "upload", BLOB, "the checksum is said not to match; nothing is kept"),
    Fault("crc_differs", "upload", BLOB, "the bytes are kept, the answer names another checksum"),
    Fault("reset_amid_upload", "arrival", BLOB, "the connection is reset before all bytes came"),
    Fault("session_key_unknown", "upload", COMMIT, "the SessionKey is not known (30406)"),
    Fault("commit_failed", "upload", PICTURE_COMMIT, "UriStatus says that the upload failed (2001)"),
    Fault("results_empty", "upload", COMMIT, "Results is empty"),
    Fault("no_duration", "upload", VOD_COMMIT,
          "Duration is missing from VideoMeta, or is the value given", {"value": None}),
    Fault("chunk_lost", "upload", BLOB, "a part is said to have come, and is not kept"),
)  # fmt: skip

_PICTURES = (
    Fault("link_refused", "picture", FILES, "403, as for a link that has expired"),
    Fault("html_picture", "picture", FILES, "an HTML page with status 200"),
    Fault("empty_picture", "picture", FILES, "a file of 0 bytes"),
    Fault("wrong_magic", "picture", FILES, "bytes that are no such file, under its type"),
    Fault("wrong_length", "picture", FILES, "a Content-Length that is larger than the file",
          {"more": 1000}),
    Fault("cut_picture", "picture", FILES, "the connection ends amid the file", {"keep": 0.5}),
    Fault("short_picture", "picture", FILES, "the file ends early, and its length agrees",
          {"keep": 0.5}),
    Fault("slow_picture", "picture", FILES, "the file comes in small pieces with pauses",
          {"pieces": 20, "seconds": 0.5}),
    Fault("webp_as_png", "picture", PICTURE, "WebP bytes under a .png name"),
    Fault("odd_type", "picture", FILES, "the file is right, but called something else",
          {"type": "application/octet-stream"}),
    Fault("endless_picture", "picture", FILES, "a body that goes on for megabytes",
          {"megabytes": 256}),
)  # fmt: skip

FAULTS: dict[str, Fault] = {
    row.name: row
    for row in (*_REFUSALS, *_WIRE, *_CREDITS, *_JOBS, *_RECORDS, *_LINKS, *_UPLOADS, *_PICTURES)
}
