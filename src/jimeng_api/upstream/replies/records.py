"""The upstream's record of a job: one look at one submission. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from jimeng_api.domain.errors import ProtocolChanged
from jimeng_api.domain.progress import Item, Progress, Stage
from jimeng_api.upstream.replies.answers import Reply, asked
from jimeng_api.upstream.replies.items import ItemWire, items_of
from jimeng_api.upstream.replies.queues import QueueWire, queue_of
from jimeng_api.upstream.replies.reasons import ReasonWire, failure_of, reason_of
from jimeng_api.upstream.replies.shapes import Shape
from jimeng_api.upstream.replies.words import count, identity, moment, status


class _TaskWire(msgspec.Struct):
    task_id: Any = None
    submit_id: Any = None
    history_id: Any = None
    status: Any = None
    finish_time: Any = None


class _RecordWire(ReasonWire):
    history_record_id: Any = None
    submit_id: Any = None
    status: Any = None
    task: _TaskWire | None = None
    item_list: list[ItemWire | None] | None = None
    finish_time: Any = None
    total_image_count: Any = None
    finished_image_count: Any = None
    queue_info: QueueWire | None = None
    forecast_generate_cost: Any = None
    forecast_queue_cost: Any = None


_STAGES: Final[Mapping[int, Stage]] = {
    0: Stage.WAITING,  # taken, not yet handed on
    20: Stage.WAITING,
    42: Stage.RUNNING,
    45: Stage.PARTIAL,  # seen before, with and after the last picture: the counts decide
    50: Stage.DONE,
    10: Stage.FAILED,  # review before the run
    30: Stage.FAILED,
    40: Stage.FAILED,  # review after the run
    100: Stage.FAILED,  # deleted on the site
}
_FAILED_IF_EXPLAINED: Final = frozenset({60, 70, 80})  # one observer counts them as failures
_PRE_CHECK: Final = 10
_UNKNOWN_STATUS: Final = -1


def records(
    reply: Reply, *, submit_ids: Collection[str] = (), history_ids: Collection[str] = ()
) -> dict[str, Progress]:
    """The jobs that were asked for, by the id they were asked with; those that are not there are left out.

    A record that names another id than it stands under belongs to another job, and is left out too.
    """
    found: dict[str, Progress] = {}
    unreadable = 0
    for id_, wire in asked(reply, {*submit_ids, *history_ids}, _RECORD).items():
        submit_id, history_id = (id_, "") if id_ in submit_ids else ("", id_)
        if wire is None:
            unreadable += 1
            # The job is there, though we cannot see what of it; the other jobs must not suffer for it.
            found[id_] = Progress(
                submit_id=submit_id,
                history_id=history_id,
                stage=Stage.RUNNING,
                status=_UNKNOWN_STATUS,
            )
        elif identity(wire.submit_id if submit_id else wire.history_record_id) in ("", id_):
            found[id_] = _progress(wire, submit_id, history_id, reply.log_id)
    if unreadable and unreadable == len(found):
        raise ProtocolChanged("None of the upstream's records of jobs can be read.")
    return found


def progress_of(
    record: bytes | msgspec.Raw, *, submit_id: str = "", history_id: str = "", log_id: str = ""
) -> Progress:
    """One record as a look at one submission; the ids stand in where the record names none."""
    wire = _RECORD.read(record)
    if wire is None:
        raise ProtocolChanged("The upstream's record of a job cannot be read.")
    return _progress(wire, submit_id, history_id, log_id)


def _progress(wire: _RecordWire, submit_id: str, history_id: str, log_id: str) -> Progress:
    task = wire.task or _NO_TASK
    state = _status(wire, task)
    items = items_of(wire.item_list or [])
    stage = _stage(state, items, wire)
    return Progress(
        submit_id=identity(wire.submit_id) or identity(task.submit_id) or submit_id,
        history_id=identity(wire.history_record_id)
        or identity(task.history_id)
        or identity(task.task_id)
        or history_id,
        stage=stage,
        status=state,
        items=items,
        total=count(wire.total_image_count),
        finished=count(wire.finished_image_count),
        finished_at=moment(wire.finish_time) or moment(task.finish_time),
        queue=queue_of(
            wire.queue_info, wait=wire.forecast_queue_cost, run=wire.forecast_generate_cost
        ),
        failure=failure_of(state, reason_of(wire), log_id) if stage is Stage.FAILED else None,
    )


def _status(wire: _RecordWire, task: _TaskWire) -> int:
    for said in (wire.status, task.status):
        state = status(said)
        if state is not None:
            return state
    return _UNKNOWN_STATUS


def _stage(state: int, items: tuple[Item, ...], wire: _RecordWire) -> Stage:
    if state == _PRE_CHECK and items:
        return Stage.PARTIAL  # no rejection leaves results behind
    if state in _FAILED_IF_EXPLAINED:
        reason = reason_of(wire)
        return Stage.FAILED if reason.code or reason.key else Stage.RUNNING
    return _STAGES.get(state, Stage.RUNNING)


_NO_TASK: Final = _TaskWire()
_RECORD: Final = Shape(_RecordWire)
