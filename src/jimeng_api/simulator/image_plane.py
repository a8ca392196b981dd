"""The calls below `/mweb/`: submitting jobs, looking at them, and the lists around them."""

from collections.abc import Callable
from typing import Any

import msgspec

from jimeng_api.simulator.accounts import Account
from jimeng_api.simulator.call import Call
from jimeng_api.simulator.codes import Refusal, fail_fields
from jimeng_api.simulator.drafts import read_submission
from jimeng_api.simulator.envelope import encoded, version_of
from jimeng_api.simulator.fault_queue import Queued
from jimeng_api.simulator.film_config import FILM_SCENES, film_config
from jimeng_api.simulator.image_config import image_config
from jimeng_api.simulator.records import Records, Shown, queue_info, renditions_of
from jimeng_api.simulator.sites import CN, site_of
from jimeng_api.simulator.tasks import Task
from jimeng_api.simulator.timeline import SUCCESS

USUAL_LIST = 20
LONGEST_LIST = 100

Answer = bytes
"""The `data` of an answer, as JSON."""


class TooFast(Exception):
    """The burst limiter speaks with an HTTP status instead of a code."""


class PollOrder(msgspec.Struct):
    submit_ids: list[str | int] = []
    history_ids: list[str | int] = []
    image_info: Any = None


class ImagePlane:
    def __init__(self, records: Records) -> None:
        self._records = records
        self.operations: dict[str, Callable[[Call], Answer]] = {
            "generate": self.generate,
            "poll": self.poll,
            "queue_info": self.queue_info,
            "history": self.history,
            "common_config": self.common_config,
            "user_info": self.user_info,
            "image_by_uri": self.image_by_uri,
            "local_items": self.local_items,
            "video_config": self.video_config,
        }

    # ----------------------------------------------------------- submitting

    def generate(self, call: Call) -> Answer:
        world = call.world
        session = call.signed_in()
        account = session.account
        site = call.site_for(account)
        _check_version(call)
        _check_standing(call, account)
        asked = read_submission(call.body)
        if asked.aid is not None and asked.aid != site.aid:
            raise Refusal("1001", data=fail_fields("1001", "aid is not this site's"))
        task, view = world.accept(asked, session, site, call.logid)
        record = self._records.record(task, view, self._records.shown(call.origin, call.now))
        return (
            b'{"aigc_data":%b,"fail_code":"","fail_starling_key":"","fail_starling_message":""}'
            % record
        )

    # -------------------------------------------------------------- looking

    def poll(self, call: Call) -> Answer:
        account = call.signed_in().account
        call.site_for(account)
        try:
            order = msgspec.json.decode(call.body, type=PollOrder)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refusal("1000", data={}) from error
        ids = [str(each) for each in (*order.submit_ids, *order.history_ids)]
        world = call.world
        most = world.switches["max_ids"]
        if not ids:
            raise Refusal("1000", data={})
        if most and len(ids) > most:
            raise Refusal("1001", data={})
        world.settle(call.now)
        world.ledger.looked(account.uid, len(ids))
        shown = self._shown(call, renditions_of(order.image_info))
        fault = world.faults.take("record", "poll", *call.names)
        pairs: list[tuple[str, bytes]] = []
        looked: dict[str, bytes | None] = {}
        for asked_id in ids:
            task = world.task_for(account, asked_id)
            if task is None:
                continue
            if task.history_id not in looked:
                looked[task.history_id] = self._look(call, task, shown, fault)
            record = looked[task.history_id]
            if record is not None:
                pairs.append((asked_id, record))
        if fault is not None:
            pairs = self._spoilt(pairs, fault, shown, call)
        return b"{%b}" % b",".join(encoded(name) + b":" + record for name, record in pairs)

    def _look(self, call: Call, task: Task, shown: Shown, fault: Queued | None) -> bytes | None:
        view = call.world.look(task, call.now)
        if view is None:
            return None
        if fault is not None and fault.fault.name == "status_backwards":
            status = int(fault["status"])
            view = view._replace(status=status, shown=0, finish_time=0, ended=False)
        return self._records.record(task, view, shown)

    def _spoilt(
        self, pairs: list[tuple[str, bytes]], fault: Queued, shown: Shown, call: Call
    ) -> list[tuple[str, bytes]]:
        name = fault.fault.name
        if name == "missing_record":
            return []
        if name == "twice_in_answer":
            return [pair for pair in pairs for _ in range(2)]
        if name == "swapped_records" and pairs:
            records = [record for _, record in pairs]
            turned = records[1:] + records[:1]
            return [(key, record) for (key, _), record in zip(pairs, turned, strict=True)]
        if name in ("foreign_record", "only_foreign_records"):
            strangers = [("99999999999999", _stranger(call))]
            return strangers if name == "only_foreign_records" else pairs + strangers
        return pairs

    def queue_info(self, call: Call) -> Answer:
        account = call.signed_in().account
        call.site_for(account)
        order = call.json()
        found: dict[str, Any] = {}
        for asked_id in _ids(order.get("history_ids")) + _ids(order.get("submit_ids")):
            task = call.world.task_for(account, asked_id)
            if task is None:
                continue
            view = call.world.view(task, call.now)
            status = 0 if task.plan.queue_status_zero or view.final else view.status
            found[asked_id] = {
                "status": status,
                "queue_info": {
                    **queue_info(view, film=task.film is not None),
                    "priority_queue_display_threshold": {
                        "vip_queuing_time_threshold": 300,
                        "waiting_time_threshold": 60,
                    },
                    "debug_info": "{}",
                },
                "forecast_cost_time": {
                    "forecast_generate_cost": task.forecast,
                    "forecast_queue_cost": view.queue_seconds,
                },
            }
        return encoded(found)

    # ---------------------------------------------------------------- lists

    def history(self, call: Call) -> Answer:
        account = call.signed_in().account
        call.site_for(account)
        order = call.json()
        if not order:
            raise Refusal("2008", data={})
        count = min(_number(order.get("count"), USUAL_LIST), LONGEST_LIST)
        start = _number(order.get("offset", order.get("next_offset")), 0)
        world = call.world
        world.settle(call.now)
        newest = account.jobs[::-1]
        shown = self._shown(call, renditions_of(order.get("image_info")))
        records = []
        for history_id in newest[start : start + count]:
            task = world.tasks[history_id]
            view = world.view(task, call.now)
            records.append(msgspec.Raw(self._records.record(task, view, shown)))
        end = start + len(records)
        return encoded(
            {
                "has_more": end < len(newest),
                "next_offset": end,
                "records_list": records,
                "agent_conversation_session_map": {},
            }
        )

    def local_items(self, call: Call) -> Answer:
        account = call.signed_in().account
        call.site_for(account)
        shown = self._shown(call)
        items = []
        for item_id in _ids(call.json().get("item_id_list")):
            film = call.world.film_items.get(item_id)
            if film is not None and film.task.account is account:
                if call.world.view(film.task, call.now).shown:
                    items.append(self._records.film_item(film, shown, full=True))
                continue
            picture = call.world.items.get(item_id)
            if picture is None or picture.task.account is not account:
                continue
            view = call.world.view(picture.task, call.now)
            if picture.order.number < view.shown:
                items.append(self._records.item(picture, shown))
        return encoded({"item_list": items})

    def image_by_uri(self, call: Call) -> Answer:
        account = call.signed_in().account
        call.site_for(account)
        uris = call.json().get("uris")
        if not isinstance(uris, list):
            raise Refusal("1000", data={})
        shown = self._shown(call)
        found = {}
        for uri in _ids(uris):
            picture = call.world.pictures.get(uri)
            if picture is not None and picture.task.account is account:
                found[uri] = {
                    "image_uri": uri,
                    "image_url": self._records.link(picture, shown),
                    "width": picture.order.width,
                    "height": picture.order.height,
                    "format": "png",
                }
        return encoded({"uri2image": found})

    # ---------------------------------------------------------------- about

    def user_info(self, call: Call) -> Answer:
        account = call.signed_in().account
        call.site_for(account)
        return encoded({"uid": account.uid, "name": f"user{account.uid[-6:]}", "avatar_url": ""})

    def common_config(self, call: Call) -> Answer:
        account = call.signed_in().account
        return encoded(image_config(call.world.menu, call.site_for(account)))

    def video_config(self, call: Call) -> Answer:
        session = call.session
        if session is not None and not session.dead:
            site = call.site_for(session.account)
        else:  # it is read without a session as well
            site = site_of(call.query.get("region", CN.region)) or CN
        if call.json().get("scene") not in FILM_SCENES:
            raise Refusal("1000", data={})
        return encoded(film_config(call.world.menu, site, call.world.switches["config_price"]))

    def _shown(self, call: Call, renditions: Any = ()) -> Shown:
        fault = call.world.faults.take("links", call.operation.name, *call.names)
        origin, ends = call.origin, None
        if fault is not None and fault.fault.name == "expired_links":
            ends = int(call.now + fault["seconds"])
        elif fault is not None:
            origin = str(fault["origin"])
        return self._records.shown(origin, call.now, renditions, ends=ends)


def _check_version(call: Call) -> None:
    switches = call.world.switches
    if not switches["strict_version"]:
        return
    if version_of(call.headers.get("appvr", "")) < version_of(switches["oldest_appvr"]):
        raise Refusal("3018", data=fail_fields("3018"))


def _check_standing(call: Call, account: Account) -> None:
    """Refuse what this account may not do, whatever it asks for."""
    rules = account.rules
    if rules.region_refused:
        raise Refusal("3000", data=fail_fields("3000"))
    if rules.needs_consent:
        raise Refusal("4010", data=fail_fields("4010"))
    if rules.punished:
        raise Refusal("1018")
    if call.now < rules.risk_until:
        raise Refusal(rules.risk_ret, data=fail_fields(rules.risk_ret))
    if account.too_many_in_a_minute(call.now):
        if rules.per_minute_ret == "429":
            raise TooFast
        raise Refusal(rules.per_minute_ret, data=fail_fields(rules.per_minute_ret))


def _ids(value: Any) -> list[str]:
    if not isinstance(value, list):
        return []
    return [str(each) for each in value if isinstance(each, (str, int))]


def _number(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and value >= 0 else otherwise


def _stranger(call: Call) -> bytes:
    """A record that nobody here has ever asked for."""
    return encoded(
        {
            "generate_type": 1,
            "history_record_id": "99999999999999",
            "submit_id": "00000000-0000-4000-8000-000000000000",
            "status": SUCCESS,
            "finish_time": int(call.now),
            "fail_code": "",
            "item_list": [],
            "task": {"task_id": "99999999999999", "status": SUCCESS},
            "total_image_count": 0,
            "finished_image_count": 0,
        }
    )
