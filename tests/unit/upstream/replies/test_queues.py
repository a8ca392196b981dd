from __future__ import annotations

from jimeng_api.domain.progress import Queue, Stage
from jimeng_api.upstream.replies.answers import unwrap
from jimeng_api.upstream.replies.queues import queues
from tests.unit.upstream.replies.samples import (
    HISTORY_ID,
    POLLING,
    look,
    ok,
)


def test_a_queued_job_tells_its_place() -> None:
    progress = look(
        item_list=[],
        task={"task_id": HISTORY_ID, "status": 20, "finish_time": 0},
        status=20,
        finish_time=0,
        fail_code="",
        total_image_count=0,
        finished_image_count=0,
        forecast_generate_cost=23,
        forecast_queue_cost=95,
        queue_info={
            "queue_idx": 37,
            "priority": 2,
            "queue_status": 1,
            "queue_length": 5210,
            "polling_config": POLLING,
        },
    )
    assert progress.stage is Stage.WAITING
    assert progress.queue == Queue(
        position=37,
        length=5210,
        waiting=True,
        wait_seconds=95,
        run_seconds=23,
        interval_seconds=30,
    )


def test_places_in_line_come_with_their_forecast() -> None:
    data = {
        HISTORY_ID: {
            "status": 20,
            "queue_info": {
                "queue_idx": 37,
                "queue_status": 1,
                "queue_length": 303041,
                "polling_config": POLLING,
                "debug_info": "{}",
            },
            "forecast_cost_time": {"forecast_generate_cost": 23, "forecast_queue_cost": 95},
        },
        "done": {"status": 0, "queue_info": {"queue_status": 3}},
        "odd": 7,
        "another": {},
    }
    assert queues(unwrap(ok(data)), history_ids=[HISTORY_ID, "done", "odd", "absent"]) == {
        HISTORY_ID: Queue(
            position=37,
            length=303041,
            waiting=True,
            wait_seconds=95,
            run_seconds=23,
            interval_seconds=30,
        ),
        "done": Queue(),
    }
