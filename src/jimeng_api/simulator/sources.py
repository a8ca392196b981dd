"""Pictures, films and sounds that a job starts from, and how they show in what it makes."""

from typing import NamedTuple

from jimeng_api.simulator import sizes
from jimeng_api.simulator.films import FPS, FilmOrder, Scene
from jimeng_api.simulator.finishing import Finishing, size_after
from jimeng_api.simulator.models import ImageModel
from jimeng_api.simulator.pictures import Order, Shows, small_copy
from jimeng_api.simulator.reels import Reel
from jimeng_api.simulator.tasks import Film, Picture, Task
from jimeng_api.simulator.tiles import SOUND, UNKNOWN, Tile
from jimeng_api.simulator.uploads import Upload


class Source(NamedTuple):
    """One picture, film or sound that goes in."""

    width: int
    height: int
    look: Order | Tile
    prompt: str
    task: Task | None
    """The job that made it; None when it was uploaded."""
    kind: str = "picture"
    film: FilmOrder | None = None
    """The film, or one that looks like the one that was uploaded."""
    bytes: int = 0

    @property
    def seconds(self) -> float:
        return self.film.seconds if self.film is not None else 0.0


def source_of_upload(upload: Upload) -> Source:
    photo = upload.photo
    return Source(max(1, photo.width), max(1, photo.height), photo.tile, "", None, bytes=photo.size)


def source_of_picture(picture: Picture) -> Source:
    order = picture.order
    return Source(order.width, order.height, order, order.prompt, picture.task)


def source_of_reel(reel: Reel) -> Source:
    fps = max(1, round(reel.fps)) if reel.kind == "film" else FPS
    scene = Scene(reel.tile, max(1, round(reel.seconds * fps)))
    width, height = max(2, reel.width // 2 * 2), max(2, reel.height // 2 * 2)
    order = FilmOrder((scene,), width, height, fps, reel.heard)
    return Source(width, height, reel.tile, "", None, reel.kind, order, reel.size)


def source_of_film(film: Film) -> Source:
    order = film.order
    look = order.scenes[0].look
    return Source(order.width, order.height, look, film.task.asked.prompt, film.task, "film", order)


def source_of_sound(upload: Upload) -> Source:
    """A sound that came the way pictures go, where nobody listens to it."""
    return Source(1, 1, SOUND, "", None, "sound", bytes=upload.photo.size)


def source_of_subject() -> Source:
    """A saved subject, which nobody here has ever seen."""
    return Source(1, 1, UNKNOWN, "", None, "subject")


def tiles_of(sources: list[Source]) -> tuple[Tile, ...]:
    """What went in, as it is seen inside what comes out."""
    looks = [source.look for source in sources]
    return tuple(small_copy(look) if isinstance(look, Order) else look for look in looks)


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
        return Shows(inputs=tiles_of(sources))
    top, bottom, left, right = finishing.margins
    high, wide = 1 + top + bottom, 1 + left + right
    return Shows(
        source=sources[0].look,
        edges=(top / high, bottom / high, left / wide, right / wide),
        mark=finishing.tool.name.upper(),
    )
