from __future__ import annotations

from typing import Any

import pytest

from jimeng_api.domain.errors import (
    GatewayError,
    GenerationFailed,
    OutOfCredits,
    ProtocolChanged,
    SubmissionUncertain,
)
from jimeng_api.domain.progress import Progress, Queue, Stage
from jimeng_api.upstream.replies.answers import Answer
from jimeng_api.upstream.replies.submissions import submitted
from tests.unit.upstream.replies.samples import (
    HISTORY_ID,
    OTHER_ANSWERS,
    POLLING,
    SUBMIT_ID,
    ok,
    record,
)


def test_an_accepted_submission_is_read_completely() -> None:
    data = {
        "aigc_data": record(
            item_list=[],
            origin_item_list=[],
            task={
                "task_id": HISTORY_ID,
                "submit_id": SUBMIT_ID,
                "status": 20,
                "finish_time": 0,
                "history_id": HISTORY_ID,
                "task_payload": None,
            },
            status=20,
            forecast_generate_cost=23,
            forecast_queue_cost=0,
            queue_info={
                "queue_idx": 0,
                "priority": 3,
                "queue_status": 2,
                "queue_length": 0,
                "polling_config": POLLING,
            },
            total_image_count=0,
            finished_image_count=0,
        ),
        "fail_code": "",
        "fail_starling_key": "",
    }
    expected = Progress(
        submit_id=SUBMIT_ID,
        history_id=HISTORY_ID,
        stage=Stage.WAITING,
        status=20,
        queue=Queue(wait_seconds=0, run_seconds=23, interval_seconds=30),
    )
    assert submitted(ok(data)) == expected
    assert submitted(ok(data["aigc_data"])) == expected  # some answers leave out the wrapping


@pytest.mark.parametrize(("answer", "kind"), OTHER_ANSWERS)
def test_no_such_answer_decides_a_submission(answer: Answer, kind: type[GatewayError]) -> None:
    with pytest.raises(SubmissionUncertain) as caught:
        submitted(answer)
    assert type(caught.value.__cause__) is kind


def test_a_refused_submission_is_its_error() -> None:
    answer = ok(
        {
            "aigc_data": None,
            "fail_code": "1006",
            "fail_starling_key": "web_dre_m10n_generate_popup_credit_ininsufficient_title",
            "fail_starling_message": "积分不足",
        },
        ret="1006",
        errmsg="积分不足",
    )
    with pytest.raises(OutOfCredits) as caught:
        submitted(answer)
    assert caught.value.__cause__ is None
    assert "积分不足" in caught.value.message


@pytest.mark.parametrize(
    "data",
    [None, {}, {"aigc_data": None}, {"aigc_data": {}}, {"aigc_data": {"status": 20}}, [], "x", 1]
    + [{"aigc_data": {"submit_id": SUBMIT_ID, "history_record_id": id_}} for id_ in ("", "0", 0)],
)
def test_a_success_that_names_no_job_is_uncertain(data: Any) -> None:
    with pytest.raises(SubmissionUncertain) as caught:
        submitted(ok(data))
    assert type(caught.value.__cause__) is ProtocolChanged


def test_a_refusal_that_names_a_job_is_uncertain() -> None:
    with pytest.raises(SubmissionUncertain) as caught:
        submitted(ok({"aigc_data": record(status=20)}, ret="2002"))
    assert type(caught.value.__cause__) is GenerationFailed


def test_a_job_that_failed_at_once_was_taken_all_the_same() -> None:
    progress = submitted(ok({"aigc_data": record(status=10, item_list=[])}))
    assert progress.history_id == HISTORY_ID
    assert progress.stage is Stage.FAILED
