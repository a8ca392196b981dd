"""What every body of `POST /mweb/v1/aigc_draft/generate` has around that which it asks for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import msgspec

from jimeng_api.catalog.image_models import ImageModel
from jimeng_api.catalog.sites import Site
from jimeng_api.catalog.sizes import SizeChoice
from jimeng_api.catalog.video_models import VideoModel
from jimeng_api.domain.errors import InvalidValue
from jimeng_api.domain.inputs import Input
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.upstream.constants import Constants

Tree = dict[str, Any]
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def body(
    key: str,
    draft: Tree,
    metrics: str,
    *,
    site: Site,
    submit_id: str,
    constants: Constants,
    extend: Mapping[str, Any] = _NOTHING,
) -> bytes:
    """The whole body, ready to send; `key` is the upstream's name of the model."""
    return _json(
        {
            "extend": {"root_model": key, **extend},
            "submit_id": submit_id,
            "metrics_extra": metrics,
            "draft_content": text(draft),
            "http_common_info": {"aid": constants.app_id.get(site.name, site.app_id)},
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes drafts. `ids` are fresh UUIDs; `created_ms` is Unix time in milliseconds."""

    model: ImageModel | VideoModel
    ids: Iterator[str]
    created_ms: int
    constants: Constants

    def draft(
        self,
        generate_type: str,
        *,
        min_version: str = "",
        min_features: Sequence[str] = (),
        version: str = "",
        marks: Mapping[str, Any] = _NOTHING,
    ) -> tuple[Tree, Tree]:
        """A draft of one component, and the ability of that name in it, which is still to be filled in.

        `min_version`, `min_features` and `version` are what that ability asks for, the model's own where they
        are empty; `marks` are the numbers by which the page tells such components apart.
        """
        model, constants = self.model, self.constants
        draft_id, component_id = next(self.ids), next(self.ids)
        component: Tree = {
            "type": f"{model.kind}_base_component",
            "id": component_id,
            "min_version": (
                constants.component_min_version
                if model.kind == "image"
                else constants.video_component_min_version
            ),
            "aigc_mode": "workbench",
            "metadata": {
                **self.node(),
                "created_platform": 3,
                "created_platform_version": "",
                "created_time_in_ms": str(self.created_ms),
                "created_did": "",
            },
            "generate_type": generate_type,
            **marks,
        }
        abilities = component["abilities"] = self.node()
        ability = abilities[generate_type] = self.node()
        draft: Tree = {
            "type": "draft",
            "id": draft_id,
            "min_version": constants.draft_min_version or min_version or model.min_version,
            "min_features": list(min_features),
            "is_from_tsn": True,
            "version": constants.draft_version
            or version
            or model.draft_version
            or constants.da_version,
            "main_component_id": component_id,
            "component_list": [component],
        }
        return draft, ability

    def node(self, kind: str = "") -> Tree:
        """How each node of a draft begins."""
        return {"type": kind, "id": next(self.ids)}

    def core_param(self, request: ImageRequest, key: str, size: SizeChoice, prompt: str) -> Tree:
        """The picture that is to be drawn."""
        return {
            **self.node(),
            "model": key,
            "prompt": prompt,
            "negative_prompt": request.negative_prompt,
            "seed": request.seed,
            "sample_strength": request.sample_strength,
            "image_ratio": size.ratio_code,
            "large_image_info": {
                **self.node(),
                "height": size.height,
                "width": size.width,
                "resolution_type": size.resolution,
            },
            "intelligent_ratio": False,
        }

    def set_count(self, draft: Tree, request: ImageRequest) -> None:
        """Beside the ability, as the page has it: inside it, it has been answered 3018."""
        option = draft["component_list"][0]["abilities"]["gen_option"] = {
            **self.node(),
            "generate_all": False,
        }
        if request.count is not None:
            option["gen_count"] = request.count

    def uploaded(self, uri: str, of: Input | None = None) -> Tree:
        """A picture that was uploaded. What is not said of it is left for the upstream to find."""
        return {
            **self.node("image"),
            "source_from": "upload",
            "platform_type": 1,
            "name": "",
            "image_uri": uri,
            "width": of.width if of else 0,
            "height": of.height if of else 0,
            "format": "",
            "uri": uri,
        }


def numbered(id_: str, *, param: str) -> int:
    """Where a draft names what the upstream made, ids are numbers; everywhere else they are texts."""
    if not (id_.isascii() and id_.isdigit()):
        raise InvalidValue("The upstream does not know this by a number.", param=param)
    return int(id_)


def text(value: Any) -> str:
    return _json(value).decode()


def _json(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError as error:
        raise InvalidValue(
            "The prompt holds half of a character that takes two (a lone surrogate).",
            param="prompt",
        ) from error
