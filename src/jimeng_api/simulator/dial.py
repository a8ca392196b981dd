"""How long jobs take that are accepted from now on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Dial:
    """How long jobs take that are accepted from now on."""

    mode: str = "typical"
    speed: float = 1.0
    """Divides the typical time of a model; the other modes mean what they say."""
    low: float = 0.0
    high: float = 0.0
    looks: int = 0

    def as_dict(self) -> dict[str, Any]:
        if self.mode == "seconds":
            same = self.low == self.high
            return {"seconds": self.low if same else [self.low, self.high], "speed": self.speed}
        if self.mode == "looks":
            return {"looks": self.looks, "speed": self.speed}
        if self.mode == "at_once":
            return {"at_once": True, "speed": self.speed}
        return {"typical": True, "speed": self.speed}


def dial_from(order: Mapping[str, Any], now: Dial) -> Dial:
    """Read a new setting of the dial; raise `ValueError` if it cannot be meant."""
    known = {"seconds", "looks", "at_once", "speed", "typical"}
    unknown = order.keys() - known
    if unknown or not order:
        raise ValueError(f"takes one of {', '.join(sorted(known))}, not {sorted(unknown)}")
    speed = float(order.get("speed", now.speed))
    if not speed > 0:
        raise ValueError("speed must be above 0")
    if "seconds" in order:
        value = order["seconds"]
        low, high = value if isinstance(value, list) and len(value) == 2 else (value, value)
        low, high = float(low), float(high)
        if not 0 <= low <= high:
            raise ValueError("seconds takes a number, or [low, high]")
        return Dial("seconds", speed, low, high)
    if "looks" in order:
        looks = int(order["looks"])
        if looks < 1:
            raise ValueError("looks must be 1 or more")
        return Dial("looks", speed, looks=looks)
    if order.get("at_once"):
        return Dial("at_once", speed)
    return Dial("typical", speed)
