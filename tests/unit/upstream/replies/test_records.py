from __future__ import annotations

from typing import Any

import pytest

from jimeng_api.domain.errors import (
    ProtocolChanged,
)
from jimeng_api.domain.progress import Item, Progress, Stage
from jimeng_api.upstream.replies.answers import unwrap
from jimeng_api.upstream.replies.records import progress_of, records
from tests.unit.upstream.replies.samples import (
    HISTORY_ID,
    PICTURE,
    SUBMIT_ID,
    item,
    look,
    ok,
    record,
)


def test_a_finished_job_offers_its_pictures() -> None:
    progress = look(
        status=50,
        finish_time=1767225613,
        task={"status": 50, "finish_time": 1767225613, "history_id": HISTORY_ID},
        total_image_count=4,
        finished_image_count=4,
        image_type=3,
        item_list=[item(n) for n in range(4)],
    )
    assert progress.stage is Stage.DONE
    assert (progress.total, progress.finished, progress.finished_at) == (4, 4, 1767225613)
    assert progress.items[0] == Item(
        id="7600000000000000000", url=PICTURE, width=2048, height=2048, format="png"
    )
    assert len(progress.items) == 4
    assert progress.failure is None


def test_a_job_that_is_partly_done_shows_what_is_there() -> None:
    progress = look(
        status=45,
        item_list=[item(0), item(1)],
        finish_time=0,
        total_image_count=4,
        finished_image_count=2,
    )
    assert progress.stage is Stage.PARTIAL
    assert (len(progress.items), progress.total, progress.finished) == (2, 4, 2)
    assert progress.finished_at == 0


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        (0, Stage.WAITING),
        (20, Stage.WAITING),
        (42, Stage.RUNNING),
        (45, Stage.PARTIAL),
        (50, Stage.DONE),
        (10, Stage.FAILED),
        (30, Stage.FAILED),
        (40, Stage.FAILED),
        (100, Stage.FAILED),
        (60, Stage.RUNNING),
        (70, Stage.RUNNING),
        (80, Stage.RUNNING),
        (-1, Stage.RUNNING),
        (21, Stage.RUNNING),
        (12345, Stage.RUNNING),
        ("50", Stage.DONE),
        (50.0, Stage.DONE),
        (None, Stage.RUNNING),
        ("new", Stage.RUNNING),
    ],
)
def test_a_status_is_a_stage(status: Any, stage: Stage) -> None:
    assert look(status=status).stage is stage


def test_a_status_that_only_the_task_names_counts() -> None:
    progress = look(task={"status": "45", "finish_time": "7.5", "submit_id": None})
    assert (progress.stage, progress.status) == (Stage.PARTIAL, 45)
    assert progress.finished_at == 7.5


def test_pictures_contradict_a_rejection_before_the_run() -> None:
    assert look(status=10, item_list=[item()]).stage is Stage.PARTIAL


def test_a_failure_after_some_pictures_keeps_them() -> None:
    progress = look(status=30, item_list=[item(0), item(1), item(2)], total_image_count=4)
    assert progress.stage is Stage.FAILED
    assert len(progress.items) == 3
    assert progress.failure is not None


def test_ids_may_be_numbers() -> None:
    progress = progress_of(b'{"history_record_id":13500000000001,"submit_id":null,"status":20}')
    assert progress.history_id == HISTORY_ID
    assert progress.submit_id == ""


def test_ids_are_also_found_in_the_task_and_in_the_question() -> None:
    task = b'{"task":{"task_id":"7","submit_id":"s"},"status":20}'
    assert progress_of(task).history_id == "7"
    assert progress_of(task).submit_id == "s"
    named = progress_of(b"{}", submit_id="mine", history_id="9")
    assert (named.submit_id, named.history_id) == ("mine", "9")


@pytest.mark.parametrize("nothing", [None, {}, "", 0, "x"])
def test_parts_that_are_missing_or_odd_leave_the_rest_readable(nothing: Any) -> None:
    progress = look(
        status=42,
        item_list=nothing,
        task=nothing,
        queue_info=nothing,
        finish_time=nothing,
        total_image_count=nothing,
        finished_image_count=nothing,
        forecast_queue_cost=nothing,
        something_new={"x": [1, 2]},
    )
    assert progress.stage is Stage.RUNNING
    assert progress.items == ()
    assert (progress.total, progress.finished_at) == (0, 0)


def found(data: Any, **ids: Any) -> dict[str, Progress]:
    return records(unwrap(ok(data)), **ids)


def test_records_come_by_the_id_they_were_asked_with() -> None:
    data = {
        SUBMIT_ID: record(status=42),
        HISTORY_ID: record(status=50),
        "another": record(status=50),
    }
    looks = found(data, submit_ids=[SUBMIT_ID, "absent"], history_ids=[HISTORY_ID])
    assert {id_: look.stage for id_, look in looks.items()} == {
        SUBMIT_ID: Stage.RUNNING,
        HISTORY_ID: Stage.DONE,
    }


@pytest.mark.parametrize("data", [None, {}, [], ""])
def test_an_answer_without_records_finds_nothing(data: Any) -> None:
    assert found(data, submit_ids=[SUBMIT_ID]) == {}


def test_a_record_that_stands_under_anothers_id_is_left_out() -> None:
    data = {
        "s1": record(submit_id="s2"),
        "s2": record(submit_id="s1"),
        "s3": record(submit_id=None),
        "h1": record(history_record_id="h2"),
        "5": record(history_record_id=5),
    }
    assert set(found(data, submit_ids=["s1", "s2", "s3"], history_ids=["h1", "5"])) == {"s3", "5"}


def test_a_record_that_is_null_is_absent() -> None:
    assert found({SUBMIT_ID: None}, submit_ids=[SUBMIT_ID]) == {}


def test_one_record_that_cannot_be_read_does_not_hide_the_others() -> None:
    looks = found({HISTORY_ID: record(status=50), "b": [1, 2]}, history_ids=[HISTORY_ID, "b"])
    assert looks[HISTORY_ID].stage is Stage.DONE
    assert (looks["b"].stage, looks["b"].status) == (Stage.RUNNING, -1)


@pytest.mark.parametrize("data", [{"a": "x"}, [1], "text", 5])
def test_records_of_which_none_can_be_read_are_a_change_of_protocol(data: Any) -> None:
    with pytest.raises(ProtocolChanged):
        found(data, history_ids=["a"])
