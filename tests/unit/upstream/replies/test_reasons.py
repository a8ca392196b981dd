from __future__ import annotations

from typing import Any

import pytest

from jimeng_api.domain.errors import (
    ContentRefused,
    GenerationFailed,
    JobLost,
    RiskControl,
)
from tests.unit.upstream.replies.samples import (
    failed,
)


def test_a_failed_job_keeps_the_upstreams_words() -> None:
    error = failed(
        status=30,
        item_list=[],
        fail_code="100402",
        fail_starling_key="web_generation_failed",
        fail_starling_message="生成失败,请稍后重试",
    )
    assert type(error) is GenerationFailed
    assert error.upstream is not None
    assert error.upstream.code == "100402"
    assert "生成失败" in error.upstream.text
    assert "100402" in error.message


@pytest.mark.parametrize(
    "fields",
    [
        {
            "status": 30,
            "fail_code": "2038",
            "fail_starling_key": "web_text_violates_community_guidelines_toast",
        },
        {"status": 30, "fail_code": "", "fail_starling_key": "web_fail2generate_copyright_block"},
        {"status": 30, "fail_code": 2039},
        {"status": 10, "item_list": []},
        {"status": 40, "item_list": None, "fail_code": "0"},
    ],
)
def test_refused_content_is_told_from_a_failure(fields: dict[str, Any]) -> None:
    assert type(failed(**fields)) is ContentRefused


@pytest.mark.parametrize("status", [60, 70, 80])
def test_a_doubtful_status_is_a_failure_where_a_reason_stands_beside_it(status: int) -> None:
    assert type(failed(status=status, fail_code="100402")) is GenerationFailed


def test_a_job_deleted_on_the_site_is_lost() -> None:
    assert type(failed(status=100)) is JobLost


def test_an_unknown_fail_code_is_a_failed_generation_with_its_code() -> None:
    error = failed(status=30, fail_code=987654)
    assert type(error) is GenerationFailed
    assert error.upstream is not None
    assert error.upstream.code == "987654"


def test_the_key_speaks_before_the_code() -> None:
    assert (
        type(failed(status=30, fail_code="2038", fail_starling_key="x_risk_control_y"))
        is RiskControl
    )


@pytest.mark.parametrize("code", ["", "0", 0, None])
def test_no_fail_code_has_four_spellings(code: Any) -> None:
    error = failed(status=30, fail_code=code)
    assert error.upstream is not None
    assert error.upstream.code == "status 30"
