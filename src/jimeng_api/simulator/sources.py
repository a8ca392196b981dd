"""Pictures that a job starts from, and how they show in what it makes."""

from typing import NamedTuple

from jimeng_api.simulator import sizes
from jimeng_api.simulator.finishing import Finishing, size_after
from jimeng_api.simulator.models import ImageModel
from jimeng_api.simulator.pictures import Order, Shows, small_copy
from jimeng_api.simulator.tasks import Picture, Task
from jimeng_api.simulator.tiles import Tile
from jimeng_api.simulator.uploads import Upload


class Source(NamedTuple):
    """One picture that goes in."""

    width: int
    height: int
    look: Order | Tile
    prompt: str
    task: Task | None
    """The job that made it; None when it was uploaded."""


def source_of_upload(upload: Upload) -> Source:
    photo = upload.photo
    return Source(max(1, photo.width), max(1, photo.height), photo.tile, "", None)


def source_of_picture(picture: Picture) -> Source:
    order = picture.order
    return Source(order.width, order.height, order, order.prompt, picture.task)


def worked_size(
    finishing: Finishing, source: Source, model: ImageModel
) -> tuple[str, int, sizes.Size]:
    """Resolution that is paid for, ratio code and size of what a tool makes."""
    made_at = source.task.resolution if source.task is not None else ""
    resolution = made_at if made_at in model.prices else model.usual_resolution
    size = size_after(finishing, (source.width, source.height))
    return resolution, sizes.nearest_ratio(*size), size


def shows_of(finishing: Finishing | None, sources: list[Source]) -> Shows:
    """How the pictures that went in are seen in those that come out."""
    if finishing is None:
        looks = [source.look for source in sources]
        return Shows(
            inputs=tuple(small_copy(look) if isinstance(look, Order) else look for look in looks)
        )
    top, bottom, left, right = finishing.margins
    high, wide = 1 + top + bottom, 1 + left + right
    return Shows(
        source=sources[0].look,
        edges=(top / high, bottom / high, left / wide, right / wide),
        mark=finishing.tool.name.upper(),
    )
