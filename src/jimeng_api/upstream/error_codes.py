"""What the upstream's own codes mean to us, one row each. Pure data and how to find a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from jimeng_api.domain.errors import (
    AccountBusy,
    ConsentRequired,
    ContentRefused,
    DailyLimitReached,
    GatewayError,
    GenerationFailed,
    InvalidValue,
    JobLost,
    ModelNotPermitted,
    OutOfCredits,
    ProtocolChanged,
    RateLimited,
    RegionRefused,
    RiskControl,
    SessionExpired,
    UnknownUpstreamCode,
    UpstreamTrouble,
)
from jimeng_api.upstream.envelope import Plane


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a group of codes means, and what the person who can act may do.

    `certain` says that a submission answered so was not taken and costs nothing; where it is False, the
    upstream may have taken it all the same. `retry_after` is in seconds.
    """

    name: str
    error: type[GatewayError]
    says: str
    advice: str
    certain: bool = True
    param: str | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code. `upstream_name` is the upstream's own word; `plane` limits the row to some endpoints."""

    code: str
    upstream_name: str
    meaning: Meaning
    plane: Plane | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One sign of why a job failed: `part` is contained in the key or text, whatever the case of letters."""

    part: str
    meaning: Meaning


SESSION: Final = Meaning(
    name="session",
    error=SessionExpired,
    says="The upstream does not accept the session: it has ended, or belongs to another site.",
    advice="Sign in on the site again and replace the session; check that its prefix names the right site.",
)
CREDITS: Final = Meaning(
    name="credits",
    error=OutOfCredits,
    says="The account has too few credits for this generation, or its plan does not cover the model.",
    advice="Receive the daily credits, buy some, choose a cheaper model or size, or use another account.",
)
DAILY_LIMIT: Final = Meaning(
    name="daily limit",
    error=DailyLimitReached,
    says="The account has reached its limit of generations for today.",
    advice="Wait until the account's next day begins, or use another account.",
)
BUSY_ACCOUNT: Final = Meaning(
    name="busy account",
    error=AccountBusy,
    says="The account already runs as many generations as it may.",
    advice="Wait until one of them ends, or use another account.",
    retry_after=60,
)
PREDEDUCT: Final = Meaning(
    name="reservation failed",
    error=AccountBusy,
    says="The upstream could not set the credits aside; seen when an account has many jobs waiting.",
    advice="Wait until some of the account's jobs have ended, and check its balance.",
    retry_after=60,
)
RATE: Final = Meaning(
    name="rate limit",
    error=RateLimited,
    says="The upstream takes no more requests of this account for the moment.",
    advice="Wait a while before the next request, or use another account.",
    retry_after=30,
)
CONTENT: Final = Meaning(
    name="content",
    error=ContentRefused,
    says="The upstream refuses this content.",
    advice="Change the prompt or the input; the same request will be refused again.",
)
PROMPT: Final = Meaning(
    name="prompt",
    error=ContentRefused,
    says="The upstream refuses the prompt.",
    advice="Change the prompt; the same words will be refused again.",
    param="prompt",
)
INPUT: Final = Meaning(
    name="input picture",
    error=ContentRefused,
    says="The upstream refuses an input picture.",
    advice="Use another picture; the same one will be refused again.",
    param="image",
)
FACE: Final = Meaning(
    name="face",
    error=ContentRefused,
    says="The upstream does not accept a face in the input.",
    advice="Use an input that shows no real person's face; the same one will be refused again.",
    param="image",
)
RESULT: Final = Meaning(
    name="result",
    error=ContentRefused,
    says="The upstream made a result and withheld it after its own review.",
    advice="Change the prompt or the input; whether it was charged shows in the account's balance.",
    certain=False,
)
RISK: Final = Meaning(
    name="risk control",
    error=RiskControl,
    says="The upstream's risk control stopped the request.",
    advice="Leave the account alone for half an hour or more, then see on the site itself what it asks for.",
    retry_after=1800,
)
PUNISHED: Final = Meaning(
    name="account barred",
    error=RiskControl,
    says="The upstream has barred the account from generating.",
    advice="Only the account's owner can appeal, on the site. Its jobs and credits can still be read.",
)
NOT_PERMITTED: Final = Meaning(
    name="not permitted",
    error=ModelNotPermitted,
    says="The upstream does not permit this to the account: the model may need a membership or another site.",
    advice=(
        "Use a model that the account can use on the site itself. If every account is answered so, the app "
        "versions that the gateway sends are too old: raise `appvr` and `da_version` in the settings."
    ),
)
MODEL_GONE: Final = Meaning(
    name="model withdrawn",
    error=ModelNotPermitted,
    says="The upstream no longer offers this model to the account.",
    advice="Choose another model; GET /v1/models lists those there are.",
)
REGION: Final = Meaning(
    name="region",
    error=RegionRefused,
    says="The upstream does not serve the account from this network address.",
    advice="Run the gateway where the account's site is offered; it sometimes passes by itself.",
)
CONSENT: Final = Meaning(
    name="consent",
    error=ConsentRequired,
    says="The upstream wants its terms confirmed first.",
    advice="Sign in on the site with this account, use the model there once and confirm what it asks.",
)
PARAMETER: Final = Meaning(
    name="parameter",
    error=InvalidValue,
    says="The upstream refuses a parameter of the request.",
    advice="Try other values; please report it, since the gateway should have refused it first.",
)
LANGUAGE: Final = Meaning(
    name="prompt language",
    error=InvalidValue,
    says="The upstream does not take the language of the prompt, or the mix of languages in it.",
    advice="Write the prompt in one language that the site offers.",
    param="prompt",
)
SIGNATURE: Final = Meaning(
    name="signature",
    error=ProtocolChanged,
    says="The upstream does not accept the signature of our requests.",
    advice="Check the machine's clock; then look for a newer version of the gateway.",
)
BUSY_UPSTREAM: Final = Meaning(
    name="upstream busy",
    error=UpstreamTrouble,
    says="The upstream is busy.",
    advice="Try again in a moment.",
    retry_after=5,
)
FAILED: Final = Meaning(
    name="generation failed",
    error=GenerationFailed,
    says="The upstream could not generate this.",
    advice="Look at the account's history on the site before asking again; a second try is a new generation.",
    certain=False,
)
DELETED: Final = Meaning(
    name="deleted",
    error=JobLost,
    says="The job was deleted on the site.",
    advice="Nothing can be collected any more; asking again is a new generation.",
    certain=False,
)
UNKNOWN: Final = Meaning(
    name="unknown",
    error=UnknownUpstreamCode,
    says="The upstream answered with a code that the gateway does not know.",
    advice="Look at the account's history on the site before asking again, and please report the code.",
    certain=False,
)

SIGNATURE_RET: Final = "1014"

# ---------------------------------------------------------- `ret`, the first word of every answer ----

RETS: Final = (
    Code(code="1", upstream_name="rate_limit", meaning=RATE),
    Code(code="-4", upstream_name="shark check reject", meaning=RISK),
    Code(code="1000", upstream_name="invalid parameter", meaning=PARAMETER),
    Code(code="1001", upstream_name="invalid_params", meaning=PARAMETER),
    Code(code="1002", upstream_name="common error", meaning=PARAMETER),
    Code(code="1006", upstream_name="积分不足", meaning=CREDITS),
    Code(code="1010", upstream_name="concurrency_limit", meaning=BUSY_ACCOUNT),
    Code(code="1014", upstream_name="system busy", meaning=BUSY_UPSTREAM, plane=Plane.COMMERCE),
    Code(code=SIGNATURE_RET, upstream_name="sign_error", meaning=SIGNATURE),
    Code(code="1015", upstream_name="login error", meaning=SESSION),
    Code(code="1018", upstream_name="account punish limit ai generate", meaning=PUNISHED),
    Code(code="1019", upstream_name="shark not pass", meaning=RISK),
    Code(code="1021", upstream_name="commercial_shark_block", meaning=RISK),
    Code(code="1057", upstream_name="rate_limit", meaning=RATE),
    Code(code="1063", upstream_name="text_audit_not_pass", meaning=PROMPT),
    Code(code="1159", upstream_name="copyright", meaning=CONTENT),
    Code(code="1161", upstream_name="mix_cn_en", meaning=LANGUAGE),
    Code(code="1162", upstream_name="unsupported_lang", meaning=LANGUAGE),
    Code(code="1189", upstream_name="", meaning=PARAMETER),
    Code(code="1190", upstream_name="", meaning=PARAMETER),
    Code(code="1310", upstream_name="ExceedConcurrencyLimit", meaning=BUSY_ACCOUNT),
    Code(code="2002", upstream_name="generate_error", meaning=FAILED),
    Code(code="2003", upstream_name="pre_img_risk", meaning=INPUT),
    Code(code="2004", upstream_name="post_img_risk", meaning=RESULT),
    Code(code="2005", upstream_name="pre_text_risk", meaning=PROMPT),
    Code(code="2008", upstream_name="", meaning=PARAMETER),
    Code(code="2014", upstream_name="access_limit", meaning=RATE),
    Code(code="2020", upstream_name="rate_limit", meaning=RATE),
    Code(code="2035", upstream_name="security_not_pass", meaning=RISK),
    Code(code="2038", upstream_name="text_security_block", meaning=PROMPT),
    Code(code="2039", upstream_name="image_security_block", meaning=CONTENT),
    Code(code="2041", upstream_name="image_security_block", meaning=CONTENT),
    Code(code="2042", upstream_name="video_security_block", meaning=CONTENT),
    Code(code="2043", upstream_name="security_not_retry", meaning=CONTENT),
    Code(code="2048", upstream_name="image_copyright_block", meaning=CONTENT),
    Code(code="2050", upstream_name="text_copyright_block", meaning=PROMPT),
    Code(code="2061", upstream_name="model not available", meaning=MODEL_GONE),
    Code(code="2203", upstream_name="", meaning=PARAMETER),
    Code(code="2204", upstream_name="", meaning=PARAMETER),
    Code(code="3000", upstream_name="region not allow", meaning=REGION),
    Code(code="3018", upstream_name="permission denied", meaning=NOT_PERMITTED),
    Code(code="3021", upstream_name="unsupported_by_beta", meaning=PARAMETER),
    Code(code="4001", upstream_name="external_no_credits", meaning=CREDITS),
    Code(code="4002", upstream_name="", meaning=PARAMETER),
    Code(code="4003", upstream_name="no_permission", meaning=NOT_PERMITTED),
    Code(code="4010", upstream_name="compliance_confirmation_required", meaning=CONSENT),
    Code(code="4011", upstream_name="RejectFace", meaning=FACE),
    Code(code="4013", upstream_name="", meaning=RISK),
    Code(code="5000", upstream_name="", meaning=CREDITS),
    Code(code="5001", upstream_name="credit prededuct failed", meaning=PREDEDUCT),
    Code(code="5002", upstream_name="", meaning=FAILED),
    Code(code="10020", upstream_name="rate_limit_non_commercial_region", meaning=RATE),
    Code(code="121101", upstream_name="reached_daily_generation_limit", meaning=DAILY_LIMIT),
    Code(code="34010105", upstream_name="login error", meaning=SESSION),
)

# -------------------- `fail_code`, of a job that was taken; a code that is not here is read as a `ret` ----

FAIL_CODES: Final = (
    Code(code="1006", upstream_name="积分不足", meaning=CREDITS),
    Code(code="2038", upstream_name="InputTextRisk", meaning=PROMPT),
    Code(code="2039", upstream_name="image_security_block", meaning=CONTENT),
    Code(code="2040", upstream_name="", meaning=CONTENT),
    Code(code="2047", upstream_name="", meaning=PROMPT),
    Code(code="100402", upstream_name="", meaning=FAILED),
    Code(code="130006", upstream_name="", meaning=CONTENT),
    Code(code="140001", upstream_name="", meaning=DAILY_LIMIT),
)

# ------------------------- `fail_starling_key` and the texts beside it; the first that is found counts ----

KEYS: Final = (
    Key(part="web_fail2generate_copyright_block", meaning=RESULT),
    Key(part="web_text_violates_community_guidelines_toast", meaning=PROMPT),
    Key(part="web_image_violates_community_guidelines_toast", meaning=CONTENT),
    Key(part="inputimagerisk", meaning=INPUT),
    Key(part="inputtextrisk", meaning=PROMPT),
    Key(part="outputimagerisk", meaning=RESULT),
    Key(part="outputvideorisk", meaning=RESULT),
    Key(part="rejectface", meaning=FACE),
    Key(part="web_prompt_violate_guidelines_tip", meaning=PROMPT),
    Key(part="character_toast_sensitive_text", meaning=PROMPT),
    Key(part="web_fail2generate_input_retry", meaning=CONTENT),
    Key(part="credit_ininsufficient", meaning=CREDITS),
    Key(part="account_block", meaning=RISK),
    Key(part="risk_notification", meaning=RISK),
    Key(part="risk_control", meaning=RISK),
    Key(part="daily_usage_limit", meaning=DAILY_LIMIT),
)
TEXTS: Final = (Key(part="使用高峰期", meaning=RATE),)

# ------------------- what a status says where neither a key nor a code does ----

STATUSES: Final[Mapping[int, Meaning]] = MappingProxyType(
    {10: CONTENT, 30: FAILED, 40: RESULT, 60: FAILED, 70: FAILED, 80: FAILED, 100: DELETED}
)

# ------------------- what the control plane of uploads says when it no longer takes a token ----

STALE_TOKENS: Final = frozenset(
    {
        "InvalidAuthorization",  # the first two have been seen, the others are AWS's words for the same
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "InvalidSecurityToken",
        "RequestExpired",
        "100024",
    }
)

# ------------------- with what the check of an uploaded picture refuses it: the code, or the text ----

RISKY_RET: Final = "2003"
RISKY_TEXTS: Final = ("risk not pass", "detected risk")


def every_meaning() -> tuple[Meaning, ...]:
    """Each group once, in the order of this file."""
    rows = (*RETS, *FAIL_CODES, *KEYS, *TEXTS)
    return tuple(dict.fromkeys([row.meaning for row in rows] + [*STATUSES.values(), UNKNOWN]))


def ret_meaning(code: str, plane: Plane = Plane.MWEB) -> Meaning | None:
    """What a `ret` other than 0 means on a family of endpoints; None where nobody knows."""
    return _RETS.get((plane, code)) or _RETS.get((None, code))


def fail_meaning(code: str, *, key: str = "", text: str = "") -> Meaning | None:
    """Why a job failed: the key is surest, then the code, then the text; None where all are silent."""
    known = _contained(KEYS, key)
    if known is None and code:
        known = _FAIL_CODES.get(code) or ret_meaning(code)
    return known or _contained((*KEYS, *TEXTS), text)


def _contained(rows: tuple[Key, ...], text: str) -> Meaning | None:
    lowered = text.lower()
    return next((row.meaning for row in rows if row.part in lowered), None)


_RETS: Final = {(row.plane, row.code): row.meaning for row in RETS}
_FAIL_CODES: Final = {row.code: row.meaning for row in FAIL_CODES}
