"""What the sites have to offer: the models, as a test may alter them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from jimeng_api.simulator import sizes
from jimeng_api.simulator.film_models import FILM_MODELS, SHORT_SIDES, FilmModel
from jimeng_api.simulator.models import IMAGE_MODELS, ImageModel
from jimeng_api.simulator.sites import SITES, Site


class BadModel(ValueError):
    """An order about a model that cannot be meant; the message says why."""


class ModelOrder(msgspec.Struct, forbid_unknown_fields=True):
    """What a control request may say about a model."""

    model: str
    like: str | None = None
    remove: bool = False
    listed: bool | None = None
    status: int | None = None
    title: str | msgspec.UnsetType = msgspec.UNSET
    sites: frozenset[str] | msgspec.UnsetType = msgspec.UNSET
    prices: dict[str, float] | msgspec.UnsetType = msgspec.UNSET
    member_prices: dict[str, int] | msgspec.UnsetType = msgspec.UNSET
    benefits: dict[str, str | tuple[str, ...]] | msgspec.UnsetType = msgspec.UNSET
    counts: tuple[int, ...] | msgspec.UnsetType = msgspec.UNSET
    usual_count: int | msgspec.UnsetType = msgspec.UNSET
    usual_resolution: str | msgspec.UnsetType = msgspec.UNSET
    inputs: int | msgspec.UnsetType = msgspec.UNSET
    pixels: dict[str, dict[str, tuple[int, int]]] | msgspec.UnsetType = msgspec.UNSET
    lengths: tuple[int, ...] | msgspec.UnsetType = msgspec.UNSET
    usual_length: int | msgspec.UnsetType = msgspec.UNSET
    members_only: bool | msgspec.UnsetType = msgspec.UNSET


MODEL_FIELDS = ModelOrder.__struct_fields__
_NOT_OF_THE_ROW = ("model", "like", "remove", "listed", "status")


class Menu:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.images: dict[str, ImageModel] = dict(IMAGE_MODELS)
        self.films: dict[str, FilmModel] = dict(FILM_MODELS)
        self._unlisted: set[str] = set()
        self._status: dict[str, int] = {}

    def image(self, key: str, site: Site) -> ImageModel | None:
        """The model of this key, if the site has it."""
        row = self.images.get(key)
        return row if row is not None and site.name in row.sites else None

    def listed_images(self, site: Site) -> list[ImageModel]:
        return [row for row in self.images.values() if self._is_listed(row, site)]

    def listed_films(self, site: Site) -> list[FilmModel]:
        return [row for row in self.films.values() if self._is_listed(row, site)]

    def status(self, key: str) -> int:
        """0 where the page of the site lets it be chosen."""
        return self._status.get(key, 0)

    def _is_listed(self, row: ImageModel | FilmModel, site: Site) -> bool:
        return site.name in row.sites and row.key not in self._unlisted

    def change(self, order: ModelOrder) -> dict[str, Any]:
        """Add, alter or remove a model, and tell what it is like then."""
        key = order.model
        like = self.images.get(order.like or key) or self.films.get(order.like or key)
        if like is None:
            raise BadModel(
                f"no model has the key {order.like or key!r}; name one that it is `like`"
            )
        if order.remove:
            self.images.pop(key, None)
            self.films.pop(key, None)
            return {"model": key, "removed": True}
        if isinstance(like, ImageModel):
            self.images[key] = self._image(like, order)
        else:
            self.films[key] = self._film(like, order)
        if order.listed is not None:
            (self._unlisted.discard if order.listed else self._unlisted.add)(key)
        if order.status is not None:
            self._status[key] = order.status
        return self.as_dict(key)

    def as_dict(self, key: str) -> dict[str, Any]:
        row: ImageModel | FilmModel = self.images.get(key) or self.films[key]
        return {
            "model": key,
            "kind": "image" if isinstance(row, ImageModel) else "film",
            "title": row.title,
            "sites": sorted(row.sites),
            "prices": row.prices,
            "benefits": row.benefits,
            "listed": key not in self._unlisted,
            "status": self.status(key),
        }

    def _image(self, like: ImageModel, order: ModelOrder) -> ImageModel:
        values = _values(order, ImageModel)
        if "pixels" in values:
            values["pixels"] = {**like.pixels, **_tables(values["pixels"])}
        row = replace(like, key=order.model, **values)
        for resolution in row.prices:
            if resolution not in row.pixels:
                raise BadModel(f"`pixels` must say which sizes {resolution!r} has")
        if row.usual_resolution not in row.prices:
            row = replace(row, usual_resolution=next(iter(row.prices)))
        return row

    def _film(self, like: FilmModel, order: ModelOrder) -> FilmModel:
        values = _values(order, FilmModel)
        if "benefits" in values:
            values["benefits"] = {
                name: (items,) if isinstance(items, str) else items
                for name, items in values["benefits"].items()
            }
        row = replace(like, key=order.model, **values)
        for resolution in row.prices:
            if resolution not in SHORT_SIDES or resolution not in row.benefits:
                raise BadModel(
                    f"films have no resolution {resolution!r}, or no benefit pays for it"
                )
        if row.usual_length not in row.lengths:
            row = replace(row, usual_length=row.lengths[0])
        return row


def _values(order: ModelOrder, kind: type[ImageModel | FilmModel]) -> dict[str, Any]:
    """What an order says of the row itself."""
    given = {
        name: getattr(order, name)
        for name in MODEL_FIELDS
        if name not in _NOT_OF_THE_ROW and getattr(order, name) is not msgspec.UNSET
    }
    for name in given:
        if name not in kind.__slots__ or (name == "inputs" and kind is FilmModel):
            raise BadModel(f"{name!r} cannot be said of a model of this kind")
    if not given.get("sites", frozenset()) <= set(SITES):
        raise BadModel(f"sites are {', '.join(SITES)}")
    if not given.get("prices", {"": 0}):
        raise BadModel("a model needs a price")
    return given


def _tables(given: Mapping[str, Mapping[str, tuple[int, int]]]) -> dict[str, sizes.Table]:
    """Sizes by resolution and the upstream's number of the ratio."""
    codes = {name: code for code, name in sizes.RATIO_NAMES.items()}
    try:
        return {
            resolution: {codes[name]: size for name, size in table.items()}
            for resolution, table in given.items()
        }
    except KeyError as error:
        raise BadModel(f"ratios are {', '.join(codes)}") from error
