"""On which terms a job is taken on: model, size, number and price."""

import re
from dataclasses import dataclass, replace

from jimeng_api.simulator import sizes
from jimeng_api.simulator.accounts import Account
from jimeng_api.simulator.asked import SEED_END, Asked, AskedFilm
from jimeng_api.simulator.clock import Chance
from jimeng_api.simulator.codes import Refusal, fail_fields
from jimeng_api.simulator.film_models import WORK, FilmModel
from jimeng_api.simulator.film_terms import FilmTerms, film_terms
from jimeng_api.simulator.menu import Menu
from jimeng_api.simulator.models import ImageModel
from jimeng_api.simulator.pictures import PLAIN, Shows
from jimeng_api.simulator.sites import Site
from jimeng_api.simulator.sources import Source, shows_of, worked_size
from jimeng_api.simulator.switches import Switches

MOST_IN_A_SERIES = 15
USUAL_MODEL = "high_aes_general_v40"
"""Pays for work on a picture where no model is named."""

_PICTURES_WANTED = re.compile(r"(\d+)\s*张")
_SERIES_WORDS = ("连续", "绘本", "故事")


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a job is taken on."""

    asked: Asked
    model: ImageModel | FilmModel
    width: int
    height: int
    ratio_code: int
    resolution: str
    price: int
    seed: int | None
    count: int = 1
    series: bool = False
    shows: Shows = PLAIN
    origin_history_id: str | None = None
    film: FilmTerms | None = None


def check_model(asked: Asked, site: Site, sources: list[Source], menu: Menu) -> None:
    if len(asked.inputs) > _model(asked, site, sources, menu).inputs:
        raise Refusal("1000", data=fail_fields("1000", "there are too many input pictures"))


def _model(asked: Asked, site: Site, sources: list[Source], menu: Menu) -> ImageModel:
    """What draws; work on a picture needs not name it."""
    model = menu.image(asked.model_key, site)
    if model is None and asked.finishing is not None:
        task = sources[0].task
        named = menu.image(asked.root_model or "", site)
        made_with = task.model if task is not None else None
        if not isinstance(made_with, ImageModel):
            made_with = menu.image(USUAL_MODEL, site)
        model = named or made_with
    if model is None:
        raise Refusal("1000", data=fail_fields("1000", f"no model {asked.model_key!r} here"))
    return model


def _origin(asked: Asked, sources: list[Source]) -> str | None:
    if asked.finishing is None or sources[0].task is None:
        return None
    return sources[0].task.history_id


def image_terms(
    asked: Asked,
    sources: list[Source],
    account: Account,
    site: Site,
    menu: Menu,
    switches: Switches,
    chance: Chance,
) -> Terms:
    """On which terms pictures are made; raises `Refusal` where the upstream would."""
    model = _model(asked, site, sources, menu)
    finishing = asked.finishing
    if finishing is None:
        resolution = asked.resolution or model.usual_resolution
        ratio_code, (width, height) = _size(asked, model, resolution, switches, chance)
    else:
        asked = replace(asked, prompt=sources[0].prompt)
        resolution, ratio_code, (width, height) = worked_size(finishing, sources[0], model)
    count, series = _count(asked, model)
    return Terms(
        asked=asked,
        model=model,
        width=width,
        height=height,
        ratio_code=ratio_code,
        resolution=resolution,
        price=price_of(account, model, resolution, count),
        seed=asked.seed,
        count=count,
        series=series,
        shows=shows_of(finishing, sources),
        origin_history_id=_origin(asked, sources),
    )


def terms_of_film(
    asked: Asked,
    wish: AskedFilm,
    sources: list[Source],
    account: Account,
    site: Site,
    menu: Menu,
    switches: Switches,
    chance: Chance,
) -> Terms:
    """The same for a film."""
    if not asked.prompt and wish.mode in WORK:
        asked = replace(asked, prompt=sources[0].prompt)
    seed = asked.seed
    if seed is None:
        seed = chance.whole("seeds", SEED_END)
    film = film_terms(asked, wish, sources, site, menu, switches, seed)
    if film.model.members_only and switches["members_only"] and not account.rules.member:
        raise Refusal("4013", data=fail_fields("4013"))
    fixed = account.rules.price
    return Terms(
        asked=asked,
        model=film.model,
        width=film.order.width,
        height=film.order.height,
        ratio_code=0,
        resolution=film.resolution,
        price=film.price if fixed is None else fixed,
        seed=seed,
        origin_history_id=film.origin_history_id,
        film=film,
    )


def price_of(account: Account, model: ImageModel, resolution: str, count: int) -> int:
    fixed = account.rules.price
    if fixed is not None:
        return fixed * count
    return model.price(resolution, count, member=bool(account.rules.member))


def _size(
    asked: Asked, model: ImageModel, resolution: str, switches: Switches, chance: Chance
) -> tuple[int, sizes.Size]:
    table = model.pixels.get(resolution) if resolution in model.prices else None
    if table is None:
        raise Refusal("1001", data=fail_fields("1001", f"no resolution {resolution!r} here"))
    width, height, code = asked.width, asked.height, asked.ratio_code
    if asked.smart_ratio and code is None:
        code = model.ratios[chance.whole("ratios", len(model.ratios))]
        return code, table[code]
    if switches["wrong_size"] == "refuse" and (
        code not in model.ratios or (width, height) != table[code]
    ):
        raise Refusal("1001", data=fail_fields("1001", "the size is not in the table"))
    if width is not None and height is not None:
        code = sizes.nearest_ratio(width, height, model.ratios)
    elif code not in model.ratios:
        code = model.ratios[0]
    return code, table[code]


def _count(asked: Asked, model: ImageModel) -> tuple[int, bool]:
    """How many pictures will be made, and whether as a series."""
    if asked.finishing is not None:
        return asked.finishing.tool.count, False
    if asked.count is not None:
        return model.count_for(asked.count), False
    if model.series:
        wanted = _PICTURES_WANTED.search(asked.prompt)
        if wanted is not None:
            return max(1, min(int(wanted[1]), MOST_IN_A_SERIES)), True
        if any(word in asked.prompt for word in _SERIES_WORDS):
            return 4, True
    return model.usual_count, False
