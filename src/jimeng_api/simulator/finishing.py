"""The tools that work on a finished picture, one row each, and how large they leave it."""

from dataclasses import dataclass
from typing import NamedTuple

from jimeng_api.simulator import sizes

LONGEST = 16_000
"""Pixels on the longer side of anything; no more fits into a WebP file."""
USUAL_RESOLUTION = "2k"


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    number: int
    """`generate_type` of its records."""
    count: int = 1
    enlarges: int = 1
    sized: bool = False
    """Whether the draft names a resolution for the result."""
    widens: bool = False
    items_only: bool = False
    """Takes only what the upstream made itself, by item and job."""


TOOLS = {
    row.name: row
    for row in (
        Tool("normal_hd", 13, enlarges=2),
        Tool("pro_hd", 35, sized=True),
        Tool("painting", 8, count=4, widens=True),
        Tool("super_resolution", 2, items_only=True),
    )
}

RECORD_NUMBERS = {"image": 1, "blend": 12} | {row.name: row.number for row in TOOLS.values()}
"""`generate_type` of a record, by kind of draft."""


class Margins(NamedTuple):
    """What is added on each side, as a share of the source's own side."""

    top: float = 0.0
    bottom: float = 0.0
    left: float = 0.0
    right: float = 0.0


@dataclass(frozen=True, slots=True)
class Finishing:
    """What a draft asks of a tool."""

    tool: Tool
    item_id: str | None
    history_id: str | None
    uri: str | None
    """Of a picture that was uploaded, or made here."""
    resolution: str
    margins: Margins
    longest: int


def size_after(finishing: Finishing, source: sizes.Size) -> sizes.Size:
    """How large the tool leaves a picture of this size."""
    tool, (width, height) = finishing.tool, source
    if tool.sized:
        table = sizes.STANDARD[finishing.resolution]
        return table[sizes.nearest_ratio(width, height)]
    if tool.widens:
        margins = finishing.margins
        wide = width * (1 + margins.left + margins.right)
        high = height * (1 + margins.top + margins.bottom)
        shrink = min(1.0, finishing.longest / max(wide, high))
        return max(1, round(wide * shrink)), max(1, round(high * shrink))
    shrink = min(1.0, LONGEST / (tool.enlarges * max(width, height)))
    return round(width * tool.enlarges * shrink), round(height * tool.enlarges * shrink)
