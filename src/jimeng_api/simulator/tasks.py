"""One job that was taken on, and the pictures or the film that it makes."""

from dataclasses import dataclass, field

import msgspec

from jimeng_api.simulator.accounts import Account
from jimeng_api.simulator.asked import Asked
from jimeng_api.simulator.film_models import FilmModel
from jimeng_api.simulator.films import FilmOrder
from jimeng_api.simulator.models import ImageModel
from jimeng_api.simulator.pictures import PLAIN, Order, Shows
from jimeng_api.simulator.sites import Site
from jimeng_api.simulator.timeline import Plan


@dataclass(slots=True)
class Picture:
    """One finished picture: enough to draw it again."""

    uri: str
    item_id: str
    order: Order
    task: "Task"


@dataclass(slots=True)
class Film:
    """One finished film: enough to make it again."""

    vid: str
    item_id: str
    order: FilmOrder
    ratio: str
    cover: Picture
    task: "Task"


@dataclass(slots=True)
class Task:
    history_id: str
    account: Account
    session: str
    site: Site
    asked: Asked
    model: ImageModel | FilmModel
    width: int
    height: int
    ratio_code: int
    resolution: str
    seed: int
    price: int
    double: bool
    accepted_at: float
    plan: Plan
    generate_id: str
    draft: msgspec.Raw
    draft_text: bytes
    """The draft as a JSON string, ready to be put into a record."""
    forecast: int
    pictures: list[Picture] = field(default_factory=list)
    looks: int = 0
    late_looks: int = 0
    ended_at: float | None = None
    seen_at: float | None = None
    """When a poll first showed that it was over."""
    remarks: tuple[str, ...] = ()
    shows: Shows = PLAIN
    origin_history_id: str | None = None
    """The job whose picture or film was worked on."""
    film: Film | None = None
    """What comes out where that is no pictures."""

    @property
    def ready_at(self) -> float | None:
        """When it is over by plan; None when looks decide or it never ends."""
        if self.ended_at is not None:
            return self.ended_at
        wait = self.plan.wait_seconds
        return None if wait == float("inf") else self.accepted_at + wait
