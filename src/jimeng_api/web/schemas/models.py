"""A model as OpenAI lists it, with what it can do beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from jimeng_api.catalog.catalogue import Catalogue
from jimeng_api.catalog.image_models import ImageModel
from jimeng_api.catalog.lookup import Model
from jimeng_api.catalog.prices import picture_credits, video_price
from jimeng_api.catalog.sites import CN, SITES, Site
from jimeng_api.catalog.video_modes import WAYS_TO_FILM
from jimeng_api.web.schemas.shown import Shown

# The words of a wide-spread gateway, which some clients choose models by; the first is the usual way.
_ENDPOINTS = {
    "image": ["image-generation", "openai", "openai-response"],
    "video": ["openai-video", "openai"],
}


class ModelReply(Shown):
    id: str
    object: Literal["model"]
    created: int = Field(description="Always 0: the upstream does not say.")
    owned_by: str
    title: str = Field(description="The name on the upstream's own pages.")
    kind: Literal["image", "video"]
    alias_of: str | None = Field(None, description="The model that this name stands for.")
    sites: list[str]
    ratios: list[str]
    resolutions: list[str]
    default_resolution: str
    counts: list[int] | None = Field(
        None, description="The numbers of pictures that one task of the model can make."
    )
    durations: list[int] | None = Field(None, description="The lengths of a film in seconds.")
    inputs: list[str] = Field(
        description="What may be sent beside the prompt; of a film model, the ways to make films."
    )
    max_input_images: int | None = Field(
        None, description="The most pictures that one request may start from."
    )
    max_input_videos: int | None = Field(None, description="The same of films.")
    max_input_audios: int | None = Field(None, description="The same of sounds.")
    credits: dict[str, float] = Field(
        description="What one picture costs, by resolution, or a film, by resolution and length "
        "(`720p-5s`), on the first of this key's sites that has the model; what is not known is left out."
    )
    source: Literal["live", "shipped"] = Field(
        description="Whether that site has told all this itself lately, or it came with the gateway."
    )
    deprecated: bool
    supported_endpoint_types: list[str] = Field(
        description="Where it can be used: `image-generation`, `openai-video`, `openai` (chat), "
        "`openai-response`."
    )


class ModelList(Shown):
    object: Literal["list"]
    data: list[ModelReply]


def model_object(
    model: Model, catalogue: Catalogue, sites: Iterable[str], *, asked: str | None = None
) -> dict[str, Any]:
    """The model for a caller with accounts on these sites, under the name that was asked for."""
    having = (*(site for site in sites if site in model.upstream), *model.upstream, CN.name)
    found: dict[str, Any] = {
        "id": asked or model.name,
        "object": "model",
        "created": 0,
        "owned_by": "jimeng",
        "title": model.title,
        "kind": model.kind,
    }
    if asked and asked != model.name:
        found["alias_of"] = model.name
    return found | {
        "sites": model.sites,
        "ratios": model.ratios,
        "resolutions": model.resolutions,
        "default_resolution": model.default_resolution,
        **_own(model),
        "credits": _credits(model, SITES[having[0]], catalogue),
        "source": "live" if catalogue.is_live(model.name, having[0]) else "shipped",
        "deprecated": model.deprecated,
        "supported_endpoint_types": _ENDPOINTS[model.kind],
    }


def _credits(model: Model, site: Site, catalogue: Catalogue) -> dict[str, float]:
    rates, found = catalogue.rates(site.name), dict[str, float | None]()
    for resolution in model.resolutions or (model.default_resolution,):
        if isinstance(model, ImageModel):
            found[resolution] = picture_credits(
                model, site=site, resolution=resolution, rates=rates
            )
            continue
        seconds = model.default_duration
        found[f"{resolution}-{seconds}s"] = video_price(
            model, site=site, resolution=resolution, seconds=seconds, rates=rates
        )
    return {name: credits_ for name, credits_ in found.items() if credits_ is not None}


def _own(model: Model) -> Mapping[str, Any]:
    """What only models of its kind have."""
    if isinstance(model, ImageModel):
        return {
            "counts": model.count_options or (model.count_default,),
            "inputs": ("image",) if model.max_input_images else (),
            "max_input_images": model.max_input_images,
        }
    return {
        "durations": model.durations,
        "inputs": [mode for mode in model.input_modes if mode in WAYS_TO_FILM],
        "max_input_images": model.max_input_images,
        "max_input_videos": model.max_input_videos,
        "max_input_audios": model.max_input_audios,
    }


EXAMPLE_MODEL: Mapping[str, Any] = {
    "id": "jimeng-4.5",
    "object": "model",
    "created": 0,
    "owned_by": "jimeng",
    "title": "Seedream 4.5",
    "kind": "image",
    "sites": ["cn", "us", "hk", "jp", "sg"],
    "ratios": ["1:1", "3:4", "16:9", "4:3", "9:16", "2:3", "3:2", "21:9"],
    "resolutions": ["2k", "4k"],
    "default_resolution": "2k",
    "counts": [1, 2, 3, 4, 5, 6, 7, 8],
    "inputs": ["image"],
    "max_input_images": 10,
    "credits": {"2k": 4},
    "source": "shipped",
    "deprecated": False,
    "supported_endpoint_types": _ENDPOINTS["image"],
}
