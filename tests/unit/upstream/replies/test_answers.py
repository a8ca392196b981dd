from __future__ import annotations

import json
from typing import Any

import pytest

from jimeng_api.domain.errors import (
    GatewayError,
    OutOfCredits,
    RateLimited,
)
from jimeng_api.upstream.replies.answers import Answer, signature_clock, unwrap
from jimeng_api.upstream.replies.submissions import submitted
from tests.unit.upstream.replies.samples import (
    HTML,
    OTHER_ANSWERS,
    body,
    ok,
)


@pytest.mark.parametrize("ret", ["0", 0, 0.0, " 0 "])
def test_success_may_be_a_text_or_a_number(ret: Any) -> None:
    assert json.loads(unwrap(ok({"a": 1}, ret=ret)).data) == {"a": 1}


@pytest.mark.parametrize("ret", ["1006", 1006, 1006.0])
def test_a_refusal_may_be_a_text_or_a_number(ret: Any) -> None:
    with pytest.raises(OutOfCredits):
        unwrap(ok(None, ret=ret))


def test_the_upstreams_words_are_made_harmless() -> None:
    nasty = "\x1b[31mred\x1b[0m\x07 <b>\u202e" + "x" * 1000
    with pytest.raises(GatewayError) as caught:
        unwrap(ok(None, ret="1006", errmsg=nasty, logid="a\nb"))
    upstream = caught.value.upstream
    assert upstream is not None
    assert upstream.text.startswith("red <b>xxx")
    assert len(upstream.text) == 300
    assert upstream.log_id == "a b"
    assert upstream.text in caught.value.message


@pytest.mark.parametrize(
    "fields", [{"systime": "1767225601"}, {"systime": "1767225601000"}, {"svr_time": 1767225601}]
)
def test_a_refused_signature_shows_the_upstreams_clock(fields: dict[str, Any]) -> None:
    def refused(ret: Any) -> Answer:
        return Answer(200, {}, json.dumps({"ret": ret, **fields}).encode())

    assert signature_clock(refused("1014")) == 1767225601
    assert signature_clock(refused(1014)) == 1767225601
    assert signature_clock(refused("0")) is None


@pytest.mark.parametrize(("answer", "kind"), OTHER_ANSWERS)
def test_an_answer_without_a_code_is_told_by_its_kind(
    answer: Answer, kind: type[GatewayError]
) -> None:
    with pytest.raises(GatewayError) as caught:
        unwrap(answer)
    assert type(caught.value) is kind


def test_too_many_requests_is_a_verdict_with_a_time() -> None:
    answer = Answer(429, {"retry-after": "17", **HTML}, b"<html>slow down</html>")
    for read in (unwrap, submitted):
        with pytest.raises(RateLimited) as caught:
            read(answer)
        assert caught.value.retry_after == 17
    with pytest.raises(RateLimited) as caught:
        unwrap(Answer(429, {"retry-after": "soon"}, b""))
    assert (caught.value.retry_after or 0) > 0


def test_an_http_error_that_speaks_is_judged_by_its_words() -> None:
    answer = Answer(500, {}, body(None, ret="1006"))
    for read in (unwrap, submitted):
        with pytest.raises(OutOfCredits):
            read(answer)


def test_the_log_id_is_found_in_the_header_too() -> None:
    with pytest.raises(GatewayError) as caught:
        unwrap(Answer(200, {"x-tt-logid": "H1"}, b'{"ret":"1006"}'))
    assert caught.value.upstream is not None
    assert caught.value.upstream.log_id == "H1"
