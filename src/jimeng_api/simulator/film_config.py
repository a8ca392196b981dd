"""What the site tells about its film models: what each takes, makes and costs."""

from itertools import pairwise
from typing import Any

from jimeng_api.simulator.film_drafts import MODES
from jimeng_api.simulator.film_models import FilmModel
from jimeng_api.simulator.films import FPS
from jimeng_api.simulator.menu import Menu
from jimeng_api.simulator.sites import Site

FILM_SCENES = ("generate_video", "video_generate")


def film_config(menu: Menu, site: Site, price_form: str) -> dict[str, Any]:
    """`price_form` is how a price is said: as the `item` that pays, or as a `number` of credits."""
    return {
        "model_list": [
            _model(row, menu.status(row.key), price_form) for row in menu.listed_films(site)
        ],
        "default_model_idx": 0,
        "video_duration_display_range": {"min_duration_ms": 4000, "max_duration_ms": 15_000},
    }


def _model(row: FilmModel, status: int, price_form: str) -> dict[str, Any]:
    media = list(dict.fromkeys(MODES[mode].option for mode in row.modes))
    frames = [FPS * seconds for seconds in row.lengths]
    steps = {after - before for before, after in pairwise(frames)}
    if len(steps) <= 1:
        lengths = _slide(
            frames[0], frames[-1], steps.pop() if steps else FPS, FPS * row.usual_length
        )
    else:
        lengths = _enum("int", frames, frames.index(FPS * row.usual_length))
    options = [
        _option("input_media_type", "enum", _enum("string", media)),
        _option("resolution", "enum", _enum("string", list(row.prices))),
        _option("frames", "slide_bar" if "slide_bar_val" in lengths else "enum", lengths),
        _option("fps", "enum", _enum("int", [FPS])),
        _option(
            "video_aspect_ratio",
            "enum",
            _enum("string", list(row.ratios), row.ratios.index("16:9")),
        ),
    ]
    if "multi_frame" in row.modes:
        options += [
            _option("multi_frame_media_type", "enum", _enum("string", ["image"])),
            _option("multi_frame_media_count", "slide_bar", _slide(2, 10, 1, 2)),
            _option("multi_frame_duration", "slide_bar", _slide(1, 6, 1, 5)),
        ]
    if "subject_ref" in row.modes:
        options.append(_option("idip_frame", "slide_bar", _slide(1, 4, 1, 1)))
    if row.sample:
        block = {"resolution": {"string_value": ["720p", "1080p"], "disabled_string_value": []}}
        options.append(
            _option(
                "generate_from_draft_config",
                "generate_from_draft_config",
                {"generate_from_draft_config_val": block},
            )
        )
    return {
        "model_req_key": row.key,
        "model_name": row.title,
        "model_tip": "",
        "model_status": status,
        "icon": {},
        "options": options,
        "commercial_config": {
            "default": row.benefits[row.usual_resolution][0],
            "format": "{resolution}",
            "format_conf": {name: items[0] for name, items in row.benefits.items()},
            "additional_conf": [],
            "resolution_price_configs": [
                {"resolution": name, "price": _price(row, name, price_form)} for name in row.prices
            ],
        },
        "mutex_conf": [],
        "extra": {
            "is_draft_mode": row.sample,
            "model_source": "",
            "aigc_compliance_confirmation_required": False,
        },
    }


def _price(row: FilmModel, resolution: str, form: str) -> Any:
    if form == "number":
        return row.prices[resolution]
    return {
        "benefit_type": row.benefits[resolution][0],
        "resource_id": "generate_video",
        "resource_id_type": "str",
        "resource_sub_type": "aigc",
    }


def _option(key: str, kind: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"key": key, "value_type": kind, "forbidden_display": False, **value}


def _enum(kind: str, values: list[Any], usual: int = 0) -> dict[str, Any]:
    return {"enum_val": {"enum_type": kind, f"{kind}_value": values, "default_val_idx": usual}}


def _slide(low: int, high: int, step: int, usual: int) -> dict[str, Any]:
    return {"slide_bar_val": {"min": low, "max": high, "step": step, "default": usual}}
