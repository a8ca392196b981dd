"""The draft of pictures from pictures. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from jimeng_api.catalog.sites import Site
from jimeng_api.catalog.sizes import SizeChoice
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.upstream.payloads.draft import Tree, Writer

_ABILITY: Final = "byte_edit"
_STRENGTH: Final = 0.5  # of each input; that of the whole is `sample_strength`


def blend_draft(
    write: Writer, request: ImageRequest, key: str, size: SizeChoice, uris: Sequence[str]
) -> Tree:
    min_version = write.constants.blend_min_version
    draft, blend = write.draft("blend", min_version=min_version)
    if len(uris) > 1:  # with one input, it works for clients that say it and for those that do not
        blend["min_version"] = min_version
    prompt = write.constants.blend_mark * len(uris) + request.prompt
    blend |= {
        "min_features": [],
        # A shape that the upstream chooses has not been seen here.
        "core_param": write.core_param(request, key, size, prompt),
        "ability_list": [
            {
                **write.node(),
                "name": _ABILITY,
                "image_uri_list": [uri],
                "image_list": [write.uploaded(uri)],
                "strength": _STRENGTH,
            }
            for uri in uris
        ],
        "prompt_placeholder_info_list": [
            {**write.node(), "ability_index": index} for index in range(len(uris))
        ],
        "postedit_param": {**write.node(), "generate_type": 0},
    }
    write.set_count(draft, request)
    return draft


def reported_inputs(uris: Sequence[str], site: Site, ids: Iterator[str]) -> list[Tree]:
    """What the page reports of the inputs: it knows them by addresses inside the browser."""
    return [
        {
            "abilityName": _ABILITY,
            "strength": _STRENGTH,
            "source": {"imageUrl": f"blob:{site.page_origin}/{next(ids)}"},
        }
        for _ in uris
    ]
