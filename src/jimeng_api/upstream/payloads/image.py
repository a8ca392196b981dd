"""The body that asks for pictures: `POST /mweb/v1/aigc_draft/generate`. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from jimeng_api.catalog.image_models import ImageModel
from jimeng_api.catalog.lookup import unavailable
from jimeng_api.catalog.pixels import IMAGE_RATIO_CODES
from jimeng_api.catalog.sites import Site
from jimeng_api.catalog.sizes import SizeChoice, image_cell
from jimeng_api.domain.errors import InvalidValue
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.upstream.constants import Constants

Tree = dict[str, Any]


def image_payload(
    request: ImageRequest,
    model: ImageModel,
    site: Site,
    *,
    submit_id: str,
    ids: Iterator[str],
    created_ms: int,
    constants: Constants,
) -> bytes:
    """The whole body, ready to send; the same arguments give the same bytes.

    `request.count` is the number for this one task, one that the model offers (see `catalog.counts.batches`);
    None leaves it to the model, as a series does: how long it becomes, the upstream reads out of the prompt.
    `ids` are fresh UUIDs, at least eight; `created_ms` is Unix time in milliseconds.
    """
    key = model.upstream.get(site.name)
    if key is None:
        raise unavailable(model, [site])
    size = _size(request, model, site)
    body = {
        "extend": {"root_model": key},
        "submit_id": submit_id,
        "metrics_extra": _text(_metrics(request, model, key, size, submit_id)),
        "draft_content": _text(_draft(request, model, key, size, ids, created_ms, constants)),
        "http_common_info": {"aid": constants.app_id.get(site.name, site.app_id)},
    }
    return _json(body)


def _draft(
    request: ImageRequest,
    model: ImageModel,
    key: str,
    size: SizeChoice,
    ids: Iterator[str],
    created_ms: int,
    constants: Constants,
) -> Tree:
    draft_id, component_id = next(ids), next(ids)
    return {
        "type": "draft",
        "id": draft_id,
        "min_version": constants.draft_min_version or model.min_version,
        "min_features": [],
        "is_from_tsn": True,
        "version": constants.draft_version or model.draft_version or constants.da_version,
        "main_component_id": component_id,
        "component_list": [
            {
                "type": "image_base_component",
                "id": component_id,
                "min_version": constants.component_min_version,
                "aigc_mode": "workbench",
                "metadata": {
                    "type": "",
                    "id": next(ids),
                    "created_platform": 3,
                    "created_platform_version": "",
                    "created_time_in_ms": str(created_ms),
                    "created_did": "",
                },
                "generate_type": "generate",
                "abilities": {
                    "type": "",
                    "id": next(ids),
                    "generate": {
                        "type": "",
                        "id": next(ids),
                        "core_param": _core_param(request, key, size, ids),
                    },
                    # Beside `generate`, as the page has it: inside it, it has been answered 3018.
                    "gen_option": _gen_option(request, ids),
                },
            }
        ],
    }


def _core_param(request: ImageRequest, key: str, size: SizeChoice, ids: Iterator[str]) -> Tree:
    core: Tree = {
        "type": "",
        "id": next(ids),
        "model": key,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "seed": request.seed,
        "sample_strength": request.sample_strength,
        "image_ratio": size.ratio_code,
        "large_image_info": {
            "type": "",
            "id": next(ids),
            "height": size.height,
            "width": size.width,
            "resolution_type": size.resolution,
        },
        "intelligent_ratio": request.intelligent_ratio,
        "generate_type": 0,
    }
    if request.intelligent_ratio:
        del core["image_ratio"]  # the upstream chooses
    return core


def _gen_option(request: ImageRequest, ids: Iterator[str]) -> Tree:
    option: Tree = {"type": "", "id": next(ids), "generate_all": False}
    if request.count is not None:
        option["gen_count"] = request.count
    return option


def _metrics(
    request: ImageRequest, model: ImageModel, key: str, size: SizeChoice, submit_id: str
) -> Tree:
    """What the page reports of itself. A series differs from other pictures only here."""
    scene: Tree = {
        "type": "image",
        "scene": "ImageBasicGenerate",
        "modelReqKey": key,
        "resolutionType": size.resolution,
        "abilityList": [],
        "benefitCount": request.count or model.count_default,
        "reportParams": {
            "enterSource": "generate",
            "vipSource": "generate",
            "extraVipFunctionKey": f"{key}-{size.resolution}",
            "useVipFunctionDetailsReporterHoc": True,
        },
    }
    metrics: Tree = {
        "promptSource": "custom",
        "generateCount": 1,
        "enterFrom": "click",
        "position": "page_bottom_box",
        "isBoxSelect": False,
        "isCutout": False,
        "generateId": submit_id,
        "isRegenerate": False,
    }
    if request.series is not None:
        scene["scene"] = "ImageMultiGenerate"
        del scene["benefitCount"]
        metrics |= {
            "templateId": "",
            "templateSource": "",
            "lastRequestId": "",
            "originRequestId": "",
        }
    metrics["sceneOptions"] = _text([scene])
    return metrics


def _size(request: ImageRequest, model: ImageModel, site: Site) -> SizeChoice:
    """What was asked for, unless the site has rules of its own for the model."""
    if site.name in model.site_rules:
        return image_cell(model, site, ratio=request.ratio, resolution=request.resolution)
    return SizeChoice(
        ratio=request.ratio,
        ratio_code=IMAGE_RATIO_CODES[request.ratio],
        resolution=request.resolution,
        width=request.width,
        height=request.height,
    )


def _text(value: Any) -> str:
    return _json(value).decode()


def _json(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError as error:
        raise InvalidValue(
            "The prompt holds half of a character that takes two (a lone surrogate).",
            param="prompt",
        ) from error
