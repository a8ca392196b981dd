"""Records of jobs and their items, as JSON: built once for each thing to be seen."""

from collections import OrderedDict
from typing import Any, NamedTuple

import msgspec

from jimeng_api.simulator.film_records import FilmItems, record_number
from jimeng_api.simulator.finishing import RECORD_NUMBERS
from jimeng_api.simulator.links import COVER_SECONDS, FILM_SECONDS, Seal, link, usual_end
from jimeng_api.simulator.sizes import RATIO_VALUES
from jimeng_api.simulator.tasks import Film, Picture, Task
from jimeng_api.simulator.timeline import View
from jimeng_api.simulator.world import World

KEPT_BYTES = 32 * 2**20
POLLING = {"interval_seconds": 30, "timeout_seconds": 86_400}
_CANVAS = "aigc_resize"

_encode = msgspec.json.encode


class Rendition(NamedTuple):
    """One extra form of each picture that a poll asks for."""

    key: str
    operation: str
    width: int
    height: int
    form: str


class Shown(NamedTuple):
    """How records are to look in one answer."""

    origin: str
    """Goes before each link."""
    renditions: tuple[Rendition, ...]
    ends: int
    """When the links end."""
    cover_ends: int
    """When the links to covers end, which live shorter."""
    film_ends: int
    """When the links to films end: reckoned from this moment, so each look brings fresh ones."""


def renditions_of(image_info: Any) -> tuple[Rendition, ...]:
    """What the `image_info` of a poll asks for; entries that make no sense are passed over."""
    if not isinstance(image_info, dict):
        return ()
    scenes = image_info.get("image_scene_list")
    found = []
    for scene in scenes if isinstance(scenes, list) else ():
        if not isinstance(scene, dict):
            continue
        width, height, key = scene.get("width"), scene.get("height"), scene.get("uniq_key")
        if isinstance(width, int) and isinstance(height, int) and isinstance(key, str):
            crop = scene.get("scene") == "smart_crop"
            form = "png" if scene.get("format") == "png" else "webp"
            operation = "aigc_smart_crop" if crop else _CANVAS
            found.append(Rendition(key, operation, width, height, form))
    return tuple(found)


class Records:
    """Builds the JSON of records and keeps what was built last."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kept: OrderedDict[Any, bytes] = OrderedDict()
        self._kept_bytes = 0

    def forget(self) -> None:
        self._kept.clear()
        self._kept_bytes = 0

    def shown(
        self,
        origin: str,
        now: float,
        renditions: tuple[Rendition, ...] = (),
        *,
        ends: int | None = None,
    ) -> Shown:
        film_ends = ends
        if ends is None or film_ends is None:
            seconds = self._world.switches["link_seconds"]
            ends = int(now + seconds) if seconds else usual_end(now)
            film_ends = int(now + (seconds or FILM_SECONDS))
        cover_ends = min(ends, int(now // 600 * 600) + COVER_SECONDS)
        return Shown(origin, renditions, ends, cover_ends, film_ends)

    def record(self, task: Task, view: View, shown: Shown) -> bytes:
        if task.film is not None and view.shown:
            return _encode(self._tree(task, view, shown))  # other links at every look
        key = (task.history_id, view, shown._replace(film_ends=0))
        kept = self._kept.get(key)
        if kept is None:
            kept = _encode(self._tree(task, view, shown))
            self._kept[key] = kept
            self._kept_bytes += len(kept)
            while self._kept_bytes > KEPT_BYTES:
                self._kept_bytes -= len(self._kept.popitem(last=False)[1])
        return kept

    def link(self, picture: Picture, shown: Shown) -> str:
        """A fresh link to the full picture."""
        seal = self._world.links.seal(picture.uri, shown.ends)
        space = picture.task.site.space
        return shown.origin + link(picture.uri, space, _CANVAS, 0, 0, "png", seal)

    def _tree(self, task: Task, view: View, shown: Shown) -> dict[str, Any]:
        asked, plan = task.asked, task.plan
        film = task.film
        if film is None:
            items = [self.item(picture, shown) for picture in task.pictures[: view.shown]]
        else:
            items = [self.film_item(film, shown)] if view.shown else []
        ending = plan.ending
        failed = view.ended and view.finish_time > 0
        return {
            "generate_type": RECORD_NUMBERS[asked.kind] if film is None else record_number(film),
            "history_record_id": task.history_id,
            "origin_history_record_id": task.origin_history_id,
            "created_time": round(task.accepted_at, 3),
            "item_list": items,
            "origin_item_list": [],
            "task": {
                "task_id": task.history_id,
                "submit_id": asked.submit_id,
                "aid": 0,
                "status": view.status,
                "finish_time": view.finish_time,
                "history_id": task.history_id,
                "task_payload": None,
                "original_input": None,
                "req_first_frame_image": None,
            },
            "mode": "workbench",
            "uid": task.account.uid,
            "status": view.status,
            "history_group_key": asked.prompt,
            "draft_content": msgspec.Raw(task.draft_text),
            "submit_id": asked.submit_id,
            "metrics_extra": asked.metrics,
            "generate_id": task.generate_id,
            "finish_time": view.finish_time,
            "model_info": {
                "icon_url": "",
                "model_name_starling_key": "",
                "model_name": task.model.title,
                "model_req_key": task.model.key,
            },
            "forecast_generate_cost": task.forecast,
            "forecast_queue_cost": view.queue_seconds,
            "fail_code": ending.fail_code if failed else "",
            "fail_starling_key": ending.key if failed else "",
            "fail_starling_message": ending.message if failed else "",
            "min_feature": [],
            "queue_info": queue_info(view, film=film is not None),
            "confirm_status": 0,
            **(_NO_IMAGES if film is not None else {"image_type": 3}),
            **_counts("image" if film is None else "video", view),
        }

    def film_item(self, film: Film, shown: Shown, *, full: bool = False) -> dict[str, Any]:
        links = self._world.links
        made = FilmItems(links, shown.origin, shown.film_ends, shown.cover_ends)
        return made.item(film, full=full)

    def item(self, picture: Picture, shown: Shown) -> dict[str, Any]:
        task = picture.task
        space, uri = task.site.space, picture.uri
        seal = self._world.links.seal(uri, shown.ends)
        cover_seal = self._world.links.seal(uri, shown.cover_ends)
        escaped = task.plan.escaped_links

        def address(operation: str, width: int, height: int, form: str, end: Seal) -> str:
            text = shown.origin + link(uri, space, operation, width, height, form, end)
            return text.replace("&", "\\u0026") if escaped else text

        full = address(_CANVAS, 0, 0, "png", seal)
        made_at = int(task.accepted_at + task.plan.run_seconds)
        image: dict[str, Any] = {
            "format": "png",
            "large_images": [
                {
                    "image_uri": uri,
                    "image_url": full,
                    "width": picture.order.width,
                    "height": picture.order.height,
                    "format": "png",
                    "smart_crop_loc": None,
                }
            ],
        }
        cover = address(_CANVAS, 200, 200, "jpeg", cover_seal)
        if task.plan.cover_only:
            image, cover = {"format": "png"}, full
        return {
            "common_attr": {
                "id": picture.item_id,
                "effect_id": picture.item_id,
                "local_item_id": picture.item_id,
                "effect_type": 9,
                "title": "",
                "description": picture.order.prompt,
                "cover_url": cover,
                "item_urls": [""],
                "md5": "",
                "create_time": made_at,
                "status": 144,
                "review_info": {"review_status": 1, "review_code_list": []},
                "aspect_ratio": round(RATIO_VALUES[task.ratio_code], 4),
                "publish_source": "",
                "collection_ids": [],
                "extra": "",
                "has_published": False,
                "cover_url_map": {
                    each.key: address(each.operation, each.width, each.height, each.form, seal)
                    for each in shown.renditions
                },
                "cover_uri": uri,
                "cover_width": picture.order.width,
                "cover_height": picture.order.height,
                "smart_crop_loc": None,
            },
            "author": None,
            "image": image,
            "aigc_image_params": {
                "generate_type": RECORD_NUMBERS[task.asked.kind],
                "text2image_params": {
                    "prompt": picture.order.prompt,
                    "seed": picture.order.seed,
                    "image_ratio": task.ratio_code,
                    "model_config": {"model_req_key": task.model.key},
                    "large_image_info": {
                        "width": picture.order.width,
                        "height": picture.order.height,
                        "resolution_type": task.resolution,
                    },
                },
            },
        }


_NO_IMAGES = {"total_image_count": 0, "finished_image_count": 0}


def _counts(kind: str, view: View) -> dict[str, int]:
    return {f"total_{kind}_count": view.total, f"finished_{kind}_count": view.shown}


def queue_info(view: View, *, film: bool = False) -> dict[str, Any]:
    return {
        "queue_idx": view.queue_idx,
        "priority": 3 if film else 2,
        "queue_status": view.queue_status,
        "queue_length": view.queue_length,
        "polling_config": POLLING,
    }
