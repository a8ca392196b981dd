"""The place of a job in the upstream's line, and how long it expects to take. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import msgspec

from jimeng_api.domain.progress import Queue
from jimeng_api.upstream.replies.answers import Reply, asked
from jimeng_api.upstream.replies.shapes import Shape
from jimeng_api.upstream.replies.words import count, duration


class PollingWire(msgspec.Struct):
    interval_seconds: Any = None


class QueueWire(msgspec.Struct):
    queue_idx: Any = None
    queue_length: Any = None
    queue_status: Any = None
    polling_config: PollingWire | None = None


class _ForecastWire(msgspec.Struct):
    forecast_generate_cost: Any = None
    forecast_queue_cost: Any = None


class _EntryWire(_ForecastWire):
    queue_info: QueueWire | None = None
    forecast_cost_time: _ForecastWire | None = None


def queues(reply: Reply, *, history_ids: Collection[str]) -> dict[str, Queue]:
    """The places in line that were asked for; those that are not there are left out."""
    found = {}
    for id_, entry in asked(reply, history_ids, _ENTRY).items():
        if entry is not None:
            forecast = entry.forecast_cost_time or entry
            found[id_] = queue_of(
                entry.queue_info,
                wait=forecast.forecast_queue_cost,
                run=forecast.forecast_generate_cost,
            )
    return found


def queue_of(wire: QueueWire | None, *, wait: Any, run: Any) -> Queue:
    wire = wire or _NO_QUEUE
    polling = wire.polling_config or _NO_POLLING
    return Queue(
        position=count(wire.queue_idx),
        length=count(wire.queue_length),
        waiting=count(wire.queue_status) == _IN_LINE,
        wait_seconds=duration(wait),
        run_seconds=duration(run),
        interval_seconds=duration(polling.interval_seconds),
    )


_IN_LINE: Final = 1
_NO_QUEUE: Final = QueueWire()
_NO_POLLING: Final = PollingWire()
_ENTRY: Final = Shape(_EntryWire)
