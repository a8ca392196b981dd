from __future__ import annotations

import json

import pytest

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
from jimeng_api.upstream.error_codes import (
    FAIL_CODES,
    KEYS,
    RETS,
    STATUSES,
    every_meaning,
    fail_meaning,
    ret_meaning,
)
from jimeng_api.upstream.replies.answers import Answer, unwrap
from jimeng_api.upstream.replies.submissions import submitted

EVERY_RET: dict[str, type[GatewayError]] = {
    **dict.fromkeys(["1", "1057", "2014", "2020", "10020"], RateLimited),
    **dict.fromkeys(["1010", "1310", "5001"], AccountBusy),
    **dict.fromkeys(["1006", "4001", "5000"], OutOfCredits),
    **dict.fromkeys(["-4", "1018", "1019", "1021", "2035", "4013"], RiskControl),
    **dict.fromkeys(["1015", "34010105"], SessionExpired),
    **dict.fromkeys(["1000", "1001", "1002", "1161", "1162", "1189", "1190"], InvalidValue),
    **dict.fromkeys(["2008", "2203", "2204", "3021", "4002"], InvalidValue),
    **dict.fromkeys(["1063", "1159", "2003", "2004", "2005", "2038", "2039"], ContentRefused),
    **dict.fromkeys(["2041", "2042", "2043", "2048", "2050", "4011"], ContentRefused),
    **dict.fromkeys(["2061", "3018", "4003"], ModelNotPermitted),
    **dict.fromkeys(["2002", "5002"], GenerationFailed),
    "1014": ProtocolChanged,
    "3000": RegionRefused,
    "4010": ConsentRequired,
    "121101": DailyLimitReached,
}

EVERY_FAIL_CODE: dict[str, type[GatewayError]] = {
    "1006": OutOfCredits,
    "2038": ContentRefused,
    "2039": ContentRefused,
    "2040": ContentRefused,
    "2047": ContentRefused,
    "100402": GenerationFailed,
    "130006": ContentRefused,
    "140001": DailyLimitReached,
}

EVERY_KEY: dict[str, type[GatewayError]] = {
    "web_fail2generate_copyright_block": ContentRefused,
    "web_image_violates_community_guidelines_toast": ContentRefused,
    "web_text_violates_community_guidelines_toast": ContentRefused,
    "inputimagerisk": ContentRefused,
    "InputTextRisk": ContentRefused,
    "OutputImageRisk": ContentRefused,
    "ErrMessage_APP_OutputVideoRisk": ContentRefused,
    "OutputVideoRisk": ContentRefused,
    "RejectFace": ContentRefused,
    "web_prompt_violate_guidelines_tip": ContentRefused,
    "character_toast_sensitive_text": ContentRefused,
    "web_fail2generate_input_retry": ContentRefused,
    "web_account_block_tip": RiskControl,
    "web_risk_notification_tip": RiskControl,
    "web_risk_control_message_reject_generation": RiskControl,
    "web_daily_usage_limit_tip": DailyLimitReached,
    "web_dre_m10n_generate_popup_credit_ininsufficient_title": OutOfCredits,
}


def refused(ret: str, plane: Plane = Plane.MWEB, **more: object) -> GatewayError:
    body = json.dumps({"ret": ret, "errmsg": "words", "logid": "L1", "data": None, **more}).encode()
    with pytest.raises(GatewayError) as caught:
        unwrap(Answer(200, {}, body), plane)
    return caught.value


def test_every_row_is_listed_here() -> None:
    assert {row.code for row in RETS} == set(EVERY_RET)
    assert {row.code for row in FAIL_CODES} == set(EVERY_FAIL_CODE)
    assert all(any(row.part in key.lower() for key in EVERY_KEY) for row in KEYS)


def test_no_row_is_there_twice() -> None:
    rets = [(row.plane, row.code) for row in RETS]
    assert len(set(rets)) == len(rets)
    assert len({row.code for row in FAIL_CODES}) == len(FAIL_CODES)
    names = [meaning.name for meaning in every_meaning()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("ret", "kind"), EVERY_RET.items())
def test_a_submission_refused_with_the_code_is_this_error(
    ret: str, kind: type[GatewayError]
) -> None:
    body = {"ret": ret, "errmsg": "words", "logid": "L1", "data": None}
    with pytest.raises(GatewayError) as caught:
        submitted(Answer(200, {}, json.dumps(body).encode()))
    error = caught.value
    assert type(error) is kind
    assert error.upstream is not None
    assert (error.upstream.code, error.upstream.text, error.upstream.log_id) == (ret, "words", "L1")
    assert ret in error.message


@pytest.mark.parametrize(("code", "kind"), EVERY_FAIL_CODE.items())
def test_a_job_that_failed_with_the_code_is_this_error(code: str, kind: type[GatewayError]) -> None:
    meaning = fail_meaning(code)
    assert meaning is not None
    assert meaning.error is kind


@pytest.mark.parametrize(("key", "kind"), EVERY_KEY.items())
def test_a_key_tells_more_than_a_code(key: str, kind: type[GatewayError]) -> None:
    for code in ("", "100402", "999999"):
        meaning = fail_meaning(code, key=key)
        assert meaning is not None
        assert meaning.error is kind


def test_a_fail_code_of_its_own_comes_before_the_same_ret() -> None:
    assert fail_meaning("1310") is ret_meaning("1310")
    assert fail_meaning("999999") is None
    assert fail_meaning("") is None


def test_a_text_counts_where_key_and_code_are_silent() -> None:
    peak = fail_meaning("", text="因目前处于使用高峰期,请稍后再试")
    assert peak is not None
    assert peak.error is RateLimited
    risk = fail_meaning("", text="InputTextRisk")
    assert risk is not None
    assert risk.error is ContentRefused


def test_busy_credits_are_no_matter_of_the_signature() -> None:
    error = refused("1014", Plane.COMMERCE)
    assert type(error) is UpstreamTrouble
    assert type(refused("1014", Plane.MWEB)) is ProtocolChanged
    assert type(refused("1015", Plane.COMMERCE)) is SessionExpired


@pytest.mark.parametrize("ret", ["2002", "5002"])
def test_a_question_that_failed_is_no_failed_generation(ret: str) -> None:
    assert type(refused(ret)) is UpstreamTrouble


def test_an_unknown_code_is_kept_as_it_came() -> None:
    error = refused("777123")
    assert type(error) is UnknownUpstreamCode
    assert error.upstream is not None
    assert error.upstream.code == "777123"
    assert "777123" in error.message


def test_an_unknown_code_with_a_known_key_is_understood() -> None:
    error = refused("777123", data={"fail_starling_key": "web_risk_control_message"})
    assert type(error) is RiskControl


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (10, ContentRefused),
        (30, GenerationFailed),
        (40, ContentRefused),
        (60, GenerationFailed),
        (70, GenerationFailed),
        (80, GenerationFailed),
        (100, JobLost),
    ],
)
def test_a_failed_state_has_a_meaning_of_its_own(status: int, kind: type[GatewayError]) -> None:
    assert STATUSES[status].error is kind


def test_those_who_may_wait_are_told_how_long() -> None:
    for ret in ("1310", "5001", "1057", "1019"):
        assert (refused(ret).retry_after or 0) > 0
    assert refused("1006").retry_after is None


def test_a_missing_permission_says_what_may_be_missing() -> None:
    message = refused("3018").message
    assert "membership" in message
    assert "appvr" in message


def test_only_what_may_have_run_is_uncertain() -> None:
    uncertain = {row.code for row in RETS if not row.meaning.certain}
    assert uncertain == {"2002", "2004", "5002"}


def test_every_group_says_what_a_person_can_do() -> None:
    for meaning in every_meaning():
        assert meaning.says.endswith(".")
        assert meaning.advice.endswith(".")
