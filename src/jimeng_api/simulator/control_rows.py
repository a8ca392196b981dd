"""Queued faults and accepted submissions, as the control surface shows them."""

from typing import Any

from jimeng_api.simulator.accounts import masked, uid_of
from jimeng_api.simulator.fault_queue import Queued
from jimeng_api.simulator.tasks import Task
from jimeng_api.simulator.timeline import FOR_EVER


def queued_row(queued: Queued) -> dict[str, Any]:
    account = queued.account
    if account is not None and not (account.isdigit() and len(account) == len(uid_of(""))):
        account = masked(account)
    return {
        "number": queued.number,
        "on": queued.on,
        "fault": queued.fault.name,
        "times": queued.times,
        "after": queued.after,
        "account": account,
        "probability": queued.probability,
        **queued.settings,
        "seen": queued.seen,
        "met": queued.met,
        "left": None if queued.left == FOR_EVER else queued.left,
    }


def _source(task: Task) -> dict[str, Any] | None:
    """What a tool worked on."""
    finishing = task.asked.finishing
    if finishing is None:
        return None
    return {
        "item_id": finishing.item_id,
        "origin_history_id": task.origin_history_id,
        "uri": finishing.uri,
    }


def _film(task: Task) -> dict[str, Any] | None:
    """What a film was asked for, and what it is like."""
    wish, film = task.asked.film, task.film
    if wish is None or film is None:
        return None
    return {
        "mode": wish.mode,
        "inputs": [clip._asdict() for clip in wish.clips],
        "item_id": wish.item_id,
        "origin_history_id": task.origin_history_id,
        "asked": {
            "seconds": wish.seconds,
            "fps": wish.fps,
            "ratio": wish.ratio,
            "resolution": wish.resolution,
            "benefit_type": wish.benefit_type,
            "amount": wish.amount,
        },
        "vid": film.vid,
        "made_item_id": film.item_id,
        "seconds": round(film.order.seconds, 3),
        "fps": film.order.fps,
        "ratio": film.ratio,
        "sound": film.order.sound,
    }


def submit_row(task: Task, *, brief: bool) -> dict[str, Any]:
    asked = task.asked
    row: dict[str, Any] = {
        "account": task.account.uid,
        "session": masked(task.session),
        "site": task.site.name,
        "region": task.site.region,
        "aid": task.site.aid,
        "submit_id": asked.submit_id,
        "history_id": task.history_id,
        "model_req_key": task.model.key,
        "kind": asked.kind,
        "inputs": list(asked.inputs),
        "source": _source(task),
        "film": _film(task),
        "prompt": asked.prompt,
        "gen_count": task.plan.count,
        "asked": {
            "gen_count": asked.count,
            "width": asked.width,
            "height": asked.height,
            "image_ratio": asked.ratio_code,
            "resolution_type": asked.resolution,
            "intelligent_ratio": asked.smart_ratio,
            "seed": asked.seed,
            "root_model": asked.root_model,
        },
        "width": task.width,
        "height": task.height,
        "resolution_type": task.resolution,
        "image_ratio": task.ratio_code,
        "seed": task.seed,
        "price": task.price,
        "double": task.double,
        "at": task.accepted_at,
        "ready_at": task.ready_at,
        "seen_at": task.seen_at,
        "looks": task.looks,
        "pictures": task.plan.made if task.film is None else 0,
        "films": task.plan.made if task.film is not None else 0,
        "ending": task.plan.ending.status if task.ended_at is not None else None,
        "remarks": list(task.remarks),
    }
    if not brief:
        row["draft"] = task.draft
        row["metrics_extra"] = asked.metrics
    return row
