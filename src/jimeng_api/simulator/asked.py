"""What a submission asks for, and the readers' common tools."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from jimeng_api.simulator.codes import Refusal, fail_fields
from jimeng_api.simulator.finishing import Finishing

SEED_END = 2**32

Node = dict[str, Any]


class Clip(NamedTuple):
    """One thing that goes into a film, or one part of it."""

    kind: str
    """`picture`, `film` or `sound`."""
    name: str
    """The address of a picture, the id of a film or sound."""
    role: str
    """`first`, `last`, `frame`, `subject`, `reference` or `source`."""
    seconds: float = 0.0
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class AskedFilm:
    """What a submission asks for when it asks for a film."""

    mode: str
    clips: tuple[Clip, ...]
    seconds: float | None
    """None where the source says how long."""
    fps: int | None
    ratio: str
    resolution: str
    benefit_type: str
    amount: float | None
    item_id: str | None = None
    """Of the film that is worked on, if it was made here."""
    history_id: str | None = None
    size: tuple[int, int] | None = None
    """What it is to be enlarged to."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One submission as it was meant, before the server makes up its mind."""

    kind: str
    submit_id: str
    model_key: str
    root_model: str | None
    prompt: str
    aid: int | None
    tree: Node
    metrics: str
    remarks: tuple[str, ...]
    seed: int | None = None
    ratio_code: int | None = None
    width: int | None = None
    height: int | None = None
    resolution: str | None = None
    smart_ratio: bool = False
    count: int | None = None
    count_node: Node | None = None
    """The part of the tree where the count stands, to be normalised."""
    inputs: tuple[str, ...] = ()
    """What goes in, in order: addresses of pictures, ids of films and sounds."""
    finishing: Finishing | None = None
    film: AskedFilm | None = None


def refuse(ret: str, why: str) -> Refusal:
    return Refusal(ret, data=fail_fields(ret, why))


def child(node: Node, name: str) -> Node:
    child = node.get(name)
    if not isinstance(child, dict):
        raise refuse("1000", f"{name} is missing")
    return child


def whole(value: Any, name: str) -> int | None:
    if value is None:
        return None
    fits = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not fits:
        raise refuse("1001", f"{name} is not a whole number")
    return int(value)


def share(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise refuse("1001", f"{name} is out of range")
    return float(value)


def root_model_in(order: Node) -> str | None:
    extend = order.get("extend")
    model = extend.get("root_model") if isinstance(extend, dict) else None
    return model if isinstance(model, str) else None


def metrics_in(order: Node) -> str:
    metrics = order.get("metrics_extra")
    return metrics if isinstance(metrics, str) else ""


def aid_in(order: Node) -> int | None:
    common = order.get("http_common_info")
    return whole(common.get("aid"), "aid") if isinstance(common, dict) else None


def id_in(value: Any) -> str | None:
    """A number that names something; clients whose numbers are too small send it as text."""
    if value is None or value in ("", 0):
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise refuse("1000", "an id is no number")
    return str(value)


def uri_in(image: Any) -> Any:
    return (image.get("image_uri") or image.get("uri")) if isinstance(image, dict) else None
