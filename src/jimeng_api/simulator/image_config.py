"""What the site tells about its image models: sizes, numbers, and what is paid for them."""

from typing import Any

from jimeng_api.simulator.menu import Menu
from jimeng_api.simulator.models import ImageModel
from jimeng_api.simulator.sites import Site
from jimeng_api.simulator.sizes import RATIO_NAMES


def image_config(menu: Menu, site: Site) -> dict[str, Any]:
    return {
        "model_list": [_model(menu, row) for row in menu.listed_images(site)],
        "default_model_index": 0,
    }


def _model(menu: Menu, row: ImageModel) -> dict[str, Any]:
    listed = [name for name in row.prices if name not in row.unlisted]
    return {
        "model_name": row.title,
        "model_req_key": row.key,
        "model_tip": "",
        "model_status": menu.status(row.key),
        "default_resolution_type": row.usual_resolution,
        "resolution_map": {name: _resolution(row, name) for name in listed},
        "generate_count_options": list(row.counts),
        "default_generate_count": row.usual_count,
        "input_image_limit": [{"max_image_num": row.inputs, "ability_name": "byte_edit"}],
        "feats": list(row.feats),
        "commercial_config": {
            "resolution_price_configs": [
                {"resolution": name, "price": _item(row.benefits[name])}
                for name in listed
                if name in row.benefits
            ]
        },
        "extra": {
            "model_source": "",
            "max_batch_gen_count": 4,
            "aigc_compliance_confirmation_required": False,
        },
    }


def _resolution(row: ImageModel, name: str) -> dict[str, Any]:
    return {
        "resolution_name": name,
        "image_ratio_sizes": [
            {
                "ratio_type": code,
                "ratio_name": RATIO_NAMES[code],
                "width": row.pixels[name][code][0],
                "height": row.pixels[name][code][1],
            }
            for code in row.ratios
            if code in row.pixels[name]
        ],
    }


def _item(benefit: str) -> dict[str, Any]:
    return {
        "benefit_type": benefit,
        "resource_id": "generate_img",
        "resource_id_type": "str",
        "resource_sub_type": "aigc",
        "amount": 1,
    }
