from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jimeng_api.upstream.replies.words import plain
from tests.unit.upstream.replies.samples import (
    look,
)


@pytest.mark.parametrize("value", [1767225613, 1767225613.0, "1767225613", 1767225613000])
def test_a_moment_may_be_written_in_many_ways(value: Any) -> None:
    assert look(status=50, finish_time=value).finished_at == 1767225613


@pytest.mark.parametrize("value", ["1e999", "nan", "-5", "9" * 5000])
def test_a_number_that_is_none_is_nothing(value: str) -> None:
    progress = look(
        status=20, total_image_count=value, finish_time=value, forecast_queue_cost=value
    )
    assert progress.total == 0
    assert progress.finished_at == 0
    assert progress.queue.wait_seconds is None


@given(st.text())
def test_no_control_character_survives(text: str) -> None:
    cleaned = plain(text)
    assert len(cleaned) <= 300
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202e\u2028\u2029" for c in cleaned)
