"""The upstream's refusals: each code with the text that comes with it."""

from typing import Any, Literal

ERRMSG = {
    "0": "success",
    "1": "rate limit",
    "-4": "shark check reject",
    "1000": "invalid parameter",
    "1001": "invalid params",
    "1002": "common error",
    "1006": "积分不足",
    "1010": "concurrency limit",
    "1014": "system busy",
    "1015": "login error",
    "1018": "account punish limit ai generate",
    "1019": "shark not pass",
    "1021": "commercial shark block",
    "1057": "rate limit",
    "1063": "text audit not pass",
    "1159": "copyright",
    "1161": "mixed languages",
    "1162": "unsupported language",
    "1189": "invalid parameter",
    "1190": "invalid parameter",
    "1310": "ExceedConcurrencyLimit",
    "2002": "generate error",
    "2003": "risk not pass",
    "2004": "post image risk",
    "2005": "pre text risk",
    "2008": "invalid parameter",
    "2014": "access limit",
    "2020": "rate limit",
    "2035": "security not pass",
    "2038": "text security block",
    "2039": "image security block",
    "2041": "image security block",
    "2042": "video security block",
    "2043": "security not retry",
    "2048": "image copyright block",
    "2050": "text copyright block",
    "2061": "model not available",
    "2203": "invalid parameter",
    "2204": "invalid parameter",
    "3000": "region not allow",
    "3018": "permission denied",
    "3021": "unsupported by beta",
    "4001": "no credits",
    "4002": "invalid parameter",
    "4003": "no permission",
    "4010": "compliance confirmation required",
    "4011": "RejectFace",
    "4013": "生成失败，检测到异常行为，请稍后重试",
    "5000": "积分不足",
    "5001": "credit prededuct failed",
    "5002": "generate failed",
    "10020": "rate limit non commercial region",
    "121101": "reached daily generation limit",
    "34010105": "login error",
}

_NO_CREDITS_KEY = "web_dre_m10n_generate_popup_credit_ininsufficient_title"
_RISK_KEY = "web_risk_control_message_reject_generation"

_WITHOUT_DATA = frozenset({"1015", "1018"})
"""Refusals of a generation that carry a plain null instead of empty fail fields."""

Shape = Literal["plain", "generate"]


class Refusal(Exception):
    """An answer with HTTP status 200 whose `ret` is not zero."""

    def __init__(self, ret: str, errmsg: str | None = None, *, data: Any = None) -> None:
        super().__init__(ret)
        self.ret = ret
        self.errmsg = ERRMSG.get(ret, "unknown error") if errmsg is None else errmsg
        self.data = data


def fail_fields(ret: str, message: str = "") -> Any:
    """The `data` that a refused generation comes with."""
    if ret in _WITHOUT_DATA:
        return None
    code, key = "", ""
    if ret in ("1006", "5000"):
        code, key, message = ret, _NO_CREDITS_KEY, message or ERRMSG[ret]
    elif ret == "4013":
        code, key, message = ret, _RISK_KEY, message or ERRMSG[ret]
    return {
        "aigc_data": None,
        "fail_code": code,
        "fail_starling_key": key,
        "fail_starling_message": message,
    }
