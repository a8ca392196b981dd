"""The body that asks for pictures, and what it reports of the page. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jimeng_api.catalog.finishing import FINISHING_TOOLS
from jimeng_api.catalog.image_models import ImageModel
from jimeng_api.catalog.lookup import unavailable
from jimeng_api.catalog.pixels import IMAGE_RATIO_CODES
from jimeng_api.catalog.sites import Site
from jimeng_api.catalog.sizes import SizeChoice, image_cell
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.payloads.blend import blend_draft, reported_inputs
from jimeng_api.upstream.payloads.draft import Tree, Writer, body, text
from jimeng_api.upstream.payloads.finishing import finishing_draft
from jimeng_api.upstream.payloads.text import text_draft


def image_payload(
    request: ImageRequest,
    model: ImageModel,
    site: Site,
    *,
    submit_id: str,
    ids: Iterator[str],
    created_ms: int,
    constants: Constants,
    uris: Sequence[str] = (),
) -> bytes:
    """The whole body, ready to send; the same arguments give the same bytes.

    `request.count` is the number for this one task, one that the model offers (see `catalog.counts.batches`);
    None leaves it to the model, as a series does: how long it becomes, the upstream reads out of the prompt.
    `uris` are the uploads of `request.inputs`, in their order. `ids` are fresh UUIDs, as many as are taken;
    `created_ms` is Unix time in milliseconds.
    """
    key = model.upstream.get(site.name)
    if key is None:
        raise unavailable(model, [site])
    if len(uris) != len(request.inputs):
        raise ValueError(f"{len(uris)} uploads of {len(request.inputs)} inputs")
    size = _size(request, model, site)
    write = Writer(model=model, ids=ids, created_ms=created_ms, constants=constants)
    scene = _scene(request, model, key, size)
    if request.finishing is not None:
        tool = FINISHING_TOOLS[request.finishing.tool]
        draft = finishing_draft(write, request.finishing, tool, uris)
        scene |= {"scene": tool.scene, "benefitCount": tool.pictures}
    elif uris:
        draft = blend_draft(write, request, key, size, uris)
        scene["abilityList"] = reported_inputs(uris, site, ids)
    else:
        draft = text_draft(write, request, key, size)
    # A tool names the model of the picture, or the one that was asked for: no page says which [C].
    metrics = _metrics(request, scene, submit_id)
    return body(key, draft, text(metrics), site=site, submit_id=submit_id, constants=constants)


def _scene(request: ImageRequest, model: ImageModel, key: str, size: SizeChoice) -> Tree:
    """A series differs from other pictures only here, and in what stands around it."""
    scene: Tree = {
        "type": "image",
        "scene": "ImageBasicGenerate" if request.series is None else "ImageMultiGenerate",
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
    if request.series is not None:
        del scene["benefitCount"]
    return scene


def _metrics(request: ImageRequest, scene: Tree, submit_id: str) -> Tree:
    """What the page reports of itself."""
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
        metrics |= {
            "templateId": "",
            "templateSource": "",
            "lastRequestId": "",
            "originRequestId": "",
        }
    metrics["sceneOptions"] = text([scene])
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
