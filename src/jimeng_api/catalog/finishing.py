"""What can be done to a finished picture, a row for each tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from jimeng_api.catalog.rows import Confidence
from jimeng_api.domain.inputs import FinishingTool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tool:
    """One tool.

    `key` is its name on the wire, `gen_type` and `postedit_type` its numbers there. `pictures` is how many
    come back, `factor` by how much their sides are longer: None where the request decides it, or nobody has
    said. `takes_uploads` is False where it works only on what the upstream made itself.

    `fields` are sent as they stand, `wishes` are fields by the names that `domain.inputs.Finishing` has for
    them; both lie in the node `group`, where there is one. `scene` is what the page reports.
    """

    name: FinishingTool
    title: str
    key: str
    gen_type: int | None
    postedit_type: int
    pictures: int
    factor: float | None
    confidence: Confidence
    takes_uploads: bool = True
    group: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    wishes: Mapping[str, str] = field(default_factory=dict)
    scene: str = "ImageBasicGenerate"  # what it is for three of the four, nobody has written down
    min_version: str = "3.2.9"


_TOOLS = (
    Tool(
        name="hd",
        title="HD",
        key="normal_hd",
        gen_type=13,
        postedit_type=13,
        pictures=1,
        factor=2,
        confidence="A",
    ),
    Tool(
        name="smart_hd",
        title="Smart HD",
        key="pro_hd",
        gen_type=35,
        postedit_type=35,
        pictures=1,
        factor=None,  # not known
        fields={"hd_scene_type": "auto", "resolution_type": "2k"},
        wishes={
            "original_image_strength": "original_strength",
            "detail_strength": "detail_strength",
        },
        scene="ImageProHD",
        confidence="B",
    ),
    Tool(
        name="outpaint",
        title="Outpaint",
        key="painting",
        gen_type=8,
        postedit_type=8,
        pictures=4,
        factor=None,  # the margins decide
        group="up_scale",
        fields={"max_size": 12960, "image_ratio": 1},
        wishes={"top": "top", "bottom": "bottom", "left": "left", "right": "right"},
        confidence="B",
    ),
    Tool(
        name="repair",
        title="Detail repair",
        key="super_resolution",
        gen_type=None,
        postedit_type=2,
        pictures=1,
        factor=1,
        takes_uploads=False,
        group="core_param",
        fields={"generate_type": 0},
        confidence="B",
    ),
)

FINISHING_TOOLS: Mapping[str, Tool] = MappingProxyType({tool.name: tool for tool in _TOOLS})
