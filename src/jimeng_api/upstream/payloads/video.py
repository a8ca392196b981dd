"""The body that asks for a film, and what it reports of the page. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from jimeng_api.catalog.lookup import unavailable
from jimeng_api.catalog.prices import benefit_type
from jimeng_api.catalog.sites import Site
from jimeng_api.catalog.video_models import VideoModel
from jimeng_api.catalog.video_modes import WAYS_TO_FILM, WayToFilm
from jimeng_api.domain.requests import VideoRequest
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.payloads.draft import Tree, Writer, body, text
from jimeng_api.upstream.payloads.frames import first_and_last, idip_frames, multi_frames
from jimeng_api.upstream.payloads.omni import CODES, unified_edit
from jimeng_api.upstream.payloads.video_finishing import finished_film, origin_of


def video_payload(
    request: VideoRequest,
    model: VideoModel,
    site: Site,
    *,
    submit_id: str,
    ids: Iterator[str],
    created_ms: int,
    constants: Constants,
    uploads: Sequence[str] = (),
) -> bytes:
    """The whole body, ready to send; the same arguments give the same bytes.

    `uploads` are what the upstream calls `request.inputs`, in their order: the URI of a picture, the vid of a
    film or a sound. `ids` are fresh UUIDs, as many as are taken; `created_ms` is Unix time in milliseconds.
    """
    key = model.upstream.get(site.name)
    if key is None:
        raise unavailable(model, [site])
    if len(uploads) != len(request.inputs):
        raise ValueError(f"{len(uploads)} uploads of {len(request.inputs)} inputs")
    way = WAYS_TO_FILM[request.mode]
    write = Writer(model=model, ids=ids, created_ms=created_ms, constants=constants)
    metrics = text(_metrics(request, model, way, key, submit_id))
    min_version, min_features = _needs(model, way)
    draft, film = write.draft(
        "gen_video",
        min_version=min_version,
        min_features=min_features,
        version=way.version,
        marks={"process_type": way.process},
    )
    if way.scene:
        film |= {"scene": way.scene, "text_to_video_params": _finishing(write, request, uploads)}
        film |= origin_of(write, request)
    else:
        film["text_to_video_params"] = {
            **write.node(),
            "video_gen_inputs": [_input(write, request, model, min_version, uploads)],
            "video_aspect_ratio": "adaptive" if request.mode == "edit" else request.ratio,
            "seed": request.seed,
            "model_req_key": key,
            "priority": 0,
        }
    if request.mode == "edit":
        film["text_to_video_params"]["generator_feature"] = way.generator
    film["video_task_extra"] = metrics
    charge = _charge(request, model)
    return body(
        key,
        draft,
        metrics,
        site=site,
        submit_id=submit_id,
        constants=constants,
        extend={
            "m_video_commerce_info": charge,
            "m_video_commerce_info_list": [charge],
        },
    )


def _input(
    write: Writer,
    request: VideoRequest,
    model: VideoModel,
    min_version: str,
    uploads: Sequence[str],
) -> Tree:
    """The film that is to be made."""
    film: Tree = {
        **write.node(),
        "min_version": min_version,
        "prompt": request.prompt,
        "video_mode": 2,
        "fps": model.fps,
        "duration_ms": -1 if request.mode == "edit" else round(request.film_seconds * 1000),
    }
    if _sends_resolution(request, model):
        film["resolution"] = request.resolution
    if model.is_draft_mode:
        film["is_draft_mode"] = True
    match request.mode:
        case "multi_frame":
            return film | {
                "prompt": "",
                "video_mode": 1,
                "multi_frames": multi_frames(write, request, uploads),
            }
        case "subject_ref":
            return film | {"prompt": "", **idip_frames(write, request, uploads)}
        case "omni" | "edit":
            film |= {"prompt": "", "unified_edit_input": unified_edit(write, request, uploads)}
        case _:
            film |= first_and_last(write, request, uploads)
    return film | {"idip_meta_list": []}


def _finishing(write: Writer, request: VideoRequest, uploads: Sequence[str]) -> Tree:
    return {**write.node(), "video_gen_inputs": [finished_film(write, request, uploads)]}


def _needs(model: VideoModel, way: WayToFilm) -> tuple[str, list[str]]:
    """The version and the features that the upstream must have: what the way needs, and the model."""
    versions, features = [way.min_version], [*way.min_features]
    if not way.scene:
        versions.append(model.min_version)
        features += model.min_features
    if way.mode == "omni":
        versions.append(model.min_version_omni or "")
        features += model.min_features_omni
    return max(versions, key=_version), list(dict.fromkeys(features))


def _version(written: str) -> tuple[int, ...]:
    return tuple(int(part) for part in written.split(".") if part)


def _charge(request: VideoRequest, model: VideoModel) -> Tree:
    """What the page says is to be charged. `amount` is in seconds; the price is the upstream's own affair."""
    return {
        "amount": _plain(request.billed_seconds),
        "benefit_type": benefit_type(request, model),
        "resource_id": "generate_video",
        "resource_id_type": "str",
        "resource_sub_type": "aigc",
    }


def _metrics(
    request: VideoRequest, model: VideoModel, way: WayToFilm, key: str, submit_id: str
) -> Tree:
    """What the page reports of itself."""
    metrics: Tree = {
        "promptSource": "custom",
        "isDefaultSeed": 1,
        "originSubmitId": submit_id,
        "isRegenerate": False,
        "enterFrom": "click",
        "position": "page_bottom_box",
        "functionMode": way.function,
    }
    if way.generator:
        metrics["generatorFeature"] = way.generator
    if model.is_draft_mode and not way.scene:
        metrics["videoStage"] = "draft"
    if way.scene:
        metrics["videoProcessType"] = way.process
    if request.origin is not None:
        metrics["originId"] = request.origin.item_id
    scene = _scene(request, model, key)
    scenes = [scene]
    if request.mode == "interpolate":
        scenes.append(scene | {"scene": "VideoFrameInterpolation"})
    metrics["sceneOptions"] = text(scenes)
    return metrics


def _scene(request: VideoRequest, model: VideoModel, key: str) -> Tree:
    scene: Tree = {
        "type": "video",
        "scene": "BasicVideoGenerateButton",
        "modelReqKey": key,
        "videoDuration": _plain(request.film_seconds),
        "materialTypes": [CODES[one.kind] for one in request.inputs],
        "reportParams": {
            "enterSource": "generate",
            "vipSource": "generate",
            "extraVipFunctionKey": key,
            "useVipFunctionDetailsReporterHoc": True,
        },
    }
    if _sends_resolution(request, model):
        scene["resolution"] = request.resolution
        scene["reportParams"]["extraVipFunctionKey"] = f"{key}-{request.resolution}"
    return scene


def _sends_resolution(request: VideoRequest, model: VideoModel) -> bool:
    return model.sends_resolution and request.resolution in model.resolutions


def _plain(seconds: float) -> Any:
    """Whole seconds as the page writes them, without a point."""
    rounded = round(seconds, 3)
    return int(rounded) if rounded == int(rounded) else rounded
