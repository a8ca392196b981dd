"""Films as they stand in records: renditions with links, the cover, and what was asked for."""

import base64
from typing import Any

import msgspec

from jimeng_api.simulator.film_models import SHORT_SIDES
from jimeng_api.simulator.films import FilmOrder
from jimeng_api.simulator.links import FilmFile, Links, film_link, link
from jimeng_api.simulator.tasks import Film

RENDITIONS = ("360p", "480p", "720p", "1080p")
ORIGIN = "origin"
SILENT, HEARD = 10, 32
"""`generate_type` of a record."""
EFFECT_TYPE = 53

_SIDES = {"360p": 360, **SHORT_SIDES}
_COVER_SIDES = (360, 480, 720, 1080, 2400, 4096)


def record_number(film: Film) -> int:
    return HEARD if film.order.sound else SILENT


def rendition_order(order: FilmOrder, definition: str) -> FilmOrder | None:
    """The film at another size; None where there is no such rendition."""
    if definition == ORIGIN:
        return order
    side = _SIDES.get(definition) if definition in RENDITIONS else None
    shortest = min(order.width, order.height)
    if side is None or side > shortest:
        return None
    width, height = (
        max(2, round(each * side / shortest / 2) * 2) for each in (order.width, order.height)
    )
    return order._replace(width=width, height=height)


class FilmItems:
    """Builds the items of films, with links that begin with an origin and end at a time."""

    def __init__(self, links: Links, origin: str, ends: int, cover_ends: int) -> None:
        self._links = links
        self._origin = origin
        self._ends = ends
        self._cover_ends = cover_ends

    def item(self, film: Film, *, full: bool) -> dict[str, Any]:
        """`full` brings all renditions, by links made for keeping the film."""
        task, order = film.task, film.order
        plan, cover = task.plan, film.cover
        made_at = int(task.ended_at or task.accepted_at)
        names: tuple[str, ...] = (ORIGIN, *RENDITIONS) if full else (ORIGIN,)
        if plan.cover_only:
            names = ()
        elif plan.origin_missing and not full:
            names = ("360p", "720p")
        door = "dreamnia" if full else "artist"
        renditions = {
            name: self._rendition(film, door, name, shape)
            for name in names
            if (shape := rendition_order(order, name)) is not None
        }
        cover_url = self._cover(film, 200, 200, "jpeg", self._cover_ends)
        seconds = round(order.seconds, 3)
        return {
            "common_attr": {
                "id": film.item_id,
                "effect_id": film.item_id,
                "local_item_id": film.item_id,
                "effect_type": EFFECT_TYPE,
                "title": "",
                "description": task.asked.prompt,
                "cover_url": cover_url,
                "cover_url_map": {
                    str(side): self._cover(film, side, side, "webp", self._ends)
                    for side in _COVER_SIDES
                },
                "item_urls": [""],
                "md5": "",
                "create_time": made_at,
                "update_time": made_at,
                "status": 144,
                "review_info": {"review_status": 1, "review_code_list": []},
                "aspect_ratio": round(order.width / order.height, 4),
                "publish_source": "",
                "collection_ids": [],
                "extra": "",
                "has_published": False,
                "cover_uri": cover.uri,
                "cover_width": order.width,
                "cover_height": order.height,
                "smart_crop_loc": None,
            },
            "author": None,
            "video": {
                "video_id": film.vid,
                "duration": -(-order.frames // order.fps),
                "duration_ms": round(order.seconds * 1000),
                "origin_video": None,
                "transcoded_video": renditions,
                "cover_uri": cover.uri,
                "cover_url": cover_url,
                "thumb": None,
                "video_size_type": 1,
                "transcode_status": 1,
                "vda_status": 10,
                "watermark_type": 0,
                "duration_info": msgspec.json.encode(
                    {
                        "play_info_duration": seconds,
                        "v_duration": seconds,
                        "a_duration": seconds if order.sound else 0,
                    }
                ).decode(),
                "video_model": msgspec.json.encode(_video_model(film, renditions)).decode(),
                "has_audio": order.sound,
                "is_mute": False,
            },
            "aigc_image_params": {
                "generate_type": record_number(film),
                "first_generate_type": record_number(film),
                "text2video_params": self._asked(film),
            },
            "gen_result_data": {"result_code": 0, "result_msg": "Success"},
            "extra": {"template_type": "video"},
        }

    def _rendition(self, film: Film, door: str, name: str, shape: FilmOrder) -> dict[str, Any]:
        file = FilmFile(door, film.vid, name)
        url = self._origin + film_link(file, self._links.seal(film.vid, self._ends))
        if film.task.plan.escaped_links:
            url = url.replace("&", "\\u0026")
        return {
            "vid": "",
            "fps": shape.fps,
            "width": shape.width,
            "height": shape.height,
            "duration": 0,
            "video_url": url,
            "cover_url": "",
            "format": "mp4",
            "definition": name,
            "logo_type": "",
            "encryption_key": "",
            "md5": "",
            "size": 0,
            "video_id": "",
        }

    def _cover(self, film: Film, width: int, height: int, form: str, ends: int) -> str:
        space, uri = film.task.site.space, film.cover.uri
        seal = self._links.seal(uri, ends)
        return self._origin + link(uri, space, "aigc_resize", width, height, form, seal)

    def _asked(self, film: Film) -> dict[str, Any]:
        """The request once more, in other spellings."""
        task = film.task
        wish = task.asked.film
        node: dict[str, Any] = {
            "prompt": task.asked.prompt,
            "lens_motion_type": "",
            "motion_speed": "",
            "vid": "",
            "ending_control": "",
            "pre_task_id": "0",
            "audio_vid": "",
            "video_mode": 1 if wish is not None and wish.mode == "multi_frame" else 2,
            "fps": film.order.fps,
            "duration_ms": (film.order.frames - 1) * 1000 // film.order.fps,
            "template_id": "0",
        }
        for clip in wish.clips if wish is not None else ():
            if clip.role in ("first", "last"):
                name = "first_frame_image" if clip.role == "first" else "end_frame_image"
                node[name] = {"image_uri": clip.name, "image_url": "", "format": ""}
        return {
            "video_gen_inputs": [node],
            "video_aspect_ratio": film.ratio,
            "seed": task.seed,
            "model_req_key": task.model.key,
            "priority": 0,
        }


def _video_model(film: Film, renditions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The renditions as a player is told about them: the addresses are in base64."""
    listed = {}
    for number, row in enumerate(reversed(renditions.values()), start=1):
        url = base64.b64encode(row["video_url"].encode()).decode()
        listed[f"video_{number}"] = {
            "definition": row["definition"],
            "vtype": "mp4",
            "vwidth": row["width"],
            "vheight": row["height"],
            "bitrate": 6_300_000 if row["definition"] == ORIGIN else 1_150_000,
            "size": row["size"],
            "codec_type": "h264",
            "fps": row["fps"],
            "main_url": url,
            "backup_url_1": url,
        }
    return {
        "status": 10,
        "video_id": film.vid,
        "video_duration": round(film.order.seconds, 3),
        "video_list": listed,
    }
