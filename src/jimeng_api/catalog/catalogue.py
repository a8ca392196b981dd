"""All models and prices as they are known now: the shipped rows, and over them what the sites tell. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from jimeng_api.catalog.image_models import IMAGE_MODELS, ImageModel
from jimeng_api.catalog.live import LiveImageModel, LiveSite, LiveVideoModel
from jimeng_api.catalog.lookup import (
    DEFAULT_IMAGE_MODEL,
    DEFAULT_VIDEO_MODEL,
    MODELS,
    Model,
    find_image_model,
    find_model,
    find_video_model,
    model_of,
)
from jimeng_api.catalog.merging import (
    for_all,
    image_drift,
    merged_image,
    merged_video,
    new_image,
    new_video,
    video_drift,
)
from jimeng_api.catalog.prices import NO_RATES, SECOND, Rate, Rates, price_of
from jimeng_api.catalog.sites import Site
from jimeng_api.catalog.video_models import VIDEO_MODELS, VideoModel
from jimeng_api.domain.requests import GenerationRequest

M = TypeVar("M", bound=ImageModel | VideoModel)
L = TypeVar("L", bound=LiveImageModel | LiveVideoModel)


class Catalogue:
    """Never changes: a site that tells something new makes a new one (`with_site`).

    `images` and `videos` hold the rows by name, a new model's under its key in small letters. A row's
    `upstream` names all sites that have the model; the rest of it differs between sites, so `row` is to be
    asked for those where a request may go.
    """

    def __init__(self, told: Mapping[str, LiveSite] = MappingProxyType({})) -> None:
        self._told = told
        self._of_site: dict[tuple[str, str], Model] = {}
        images = {site: live.images or () for site, live in told.items()}
        videos = {site: live.videos or () for site, live in told.items()}
        self.images: Mapping[str, ImageModel] = _placed(IMAGE_MODELS, images, new_image)
        self.videos: Mapping[str, VideoModel] = _placed(VIDEO_MODELS, videos, new_video)
        for site, image, picture in _paired(self.images, images):
            self._of_site[site, image.name] = merged_image(image, picture)
        for site, video, film in _paired(self.videos, videos):
            self._of_site[site, video.name] = merged_video(video, film)

    def with_site(self, site: str, live: LiveSite) -> Catalogue:
        """What a site tells, in place of what it told before; the parts it did not tell now stay."""
        old = self._told.get(site, LiveSite())
        new = LiveSite(
            images=old.images if live.images is None else live.images,
            videos=old.videos if live.videos is None else live.videos,
            rates=live.rates or old.rates,
        )
        return Catalogue({**self._told, site: new})

    def row(self, name: str, sites: Iterable[str] = ()) -> Model | None:
        """The row of this name as these sites have it: what every one of them takes, if there are several."""
        shipped: Model | None = self.images.get(name) or self.videos.get(name)
        if shipped is None:
            return None
        having = [site for site in sites if site in shipped.upstream]
        rows = dict.fromkeys(self._of_site.get((site, name), shipped) for site in having)
        return for_all(list(rows)) if rows else shipped

    def rows(self) -> Iterator[tuple[str, Model]]:
        """All models by name."""
        yield from self.images.items()
        yield from self.videos.items()

    def image(
        self, name: str, *, default: str = DEFAULT_IMAGE_MODEL, sites: Iterable[str] = ()
    ) -> ImageModel:
        """The image model that a caller's name means, as his sites have it. Raises as `find_image_model`."""
        new = self.images.get(name.strip().lower())
        row = self.row((new or find_image_model(name, default=default)).name, sites)
        assert isinstance(row, ImageModel)  # noqa: S101 - for the type checker
        return row

    def video(
        self, name: str, *, default: str = DEFAULT_VIDEO_MODEL, sites: Iterable[str] = ()
    ) -> VideoModel:
        """The same of films."""
        new = self.videos.get(name.strip().lower())
        row = self.row((new or find_video_model(name, default=default)).name, sites)
        assert isinstance(row, VideoModel)  # noqa: S101 - for the type checker
        return row

    def model(
        self,
        name: str,
        *,
        default_image: str = DEFAULT_IMAGE_MODEL,
        default_video: str = DEFAULT_VIDEO_MODEL,
        sites: Iterable[str] = (),
    ) -> Model:
        """The model of either kind that a name means."""
        plain = name.strip().lower()
        new: Model | None = self.images.get(plain) or self.videos.get(plain)
        own = (
            new or find_model(name, default_image=default_image, default_video=default_video)
        ).name
        return self.row(own, sites) or MODELS[own]

    def is_live(self, name: str, site: str) -> bool:
        """Whether the row is as the site itself tells it."""
        return (site, name) in self._of_site

    def is_told(self, site: str) -> bool:
        """Whether the site has told its models."""
        told = self._told.get(site)
        return told is not None and (told.images is not None or told.videos is not None)

    def rates(self, site: str) -> Rates:
        """The site's prices; where its list lacks what pays for a film, the film's own price counts."""
        told = self._told.get(site)
        if told is None:
            return NO_RATES
        of_films = {
            live.benefit_types[resolution]: (Rate(credits=credits_, unit=SECOND),)
            for live in told.videos or ()
            for resolution, credits_ in live.credits_per_second.items()
            if resolution in live.benefit_types
        }
        return {**of_films, **told.rates}

    def price_of(
        self,
        request: GenerationRequest,
        site: Site,
        *,
        count: int | None = None,
        membership: str = "",
    ) -> int | None:
        """What one task of a request costs an account on this site, None where that is not known.

        `count` and `membership` are as for `prices.price_of`.
        """
        row = self.row(request.model, (site.name,))
        if row is None or site.name not in row.upstream:
            return None
        rates = self.rates(site.name)
        return price_of(request, row, site=site, count=count, membership=membership, rates=rates)

    def drift(self, site: str) -> tuple[str, ...]:
        """In what a site is other than the shipped rows say, a line for each model."""
        told = self._told.get(site, LiveSite())
        return (
            *_drift(IMAGE_MODELS, told.images, site, image_drift, new_image),
            *_drift(VIDEO_MODELS, told.videos, site, video_drift, new_video),
        )


def _placed(
    shipped: Mapping[str, M], told: Mapping[str, Sequence[L]], new: Callable[[L, str], M | None]
) -> Mapping[str, M]:
    """All rows, each with all the sites that have it: those that were shipped, and those that list it."""
    rows = dict(shipped)
    for site, listed in told.items():
        keys = {live.key for live in listed}
        for live in listed:
            row = model_of(rows, live.key, site)
            if row is None:
                row = new(live, site)
                if row is not None and row.name not in rows:
                    rows[row.name] = row
            elif live.usable and row.upstream.get(site) not in keys:
                rows[row.name] = replace(
                    row,
                    upstream=MappingProxyType({**row.upstream, site: live.key}),
                    status="current" if row.status == "announced" else row.status,
                )
    return MappingProxyType(rows)


def _paired(rows: Mapping[str, M], told: Mapping[str, Sequence[L]]) -> Iterator[tuple[str, M, L]]:
    """Each row with what a site tells of it."""
    for site, listed in told.items():
        for live in listed:
            row = model_of(rows, live.key, site)
            if row is not None and row.upstream.get(site) == live.key:
                yield site, row, live


def _drift(
    shipped: Mapping[str, M],
    listed: Sequence[L] | None,
    site: str,
    of: Callable[[M, L], tuple[str, ...]],
    new: Callable[[L, str], M | None],
) -> Iterator[str]:
    if listed is None:
        return
    for live in listed:
        row = model_of(shipped, live.key, site)
        if row is None:
            usable = "new model" if new(live, site) else "new model of which too little is told"
            yield f"{live.key}: {usable}"
            continue
        changes = [*of(row, live)]
        if site not in row.upstream:
            changes.insert(0, "new on this site")
        if changes:
            yield f"{row.name}: {', '.join(changes)}"
    keys = {live.key for live in listed}
    for row in shipped.values():
        if site in row.upstream and row.upstream[site] not in keys:
            yield f"{row.name}: not listed"


SHIPPED = Catalogue()
"""As long as no site has told anything."""
