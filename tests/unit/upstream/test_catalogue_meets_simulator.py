"""What the client understands of the simulated models and prices. Neither was written from the other."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from jimeng_api.catalog.catalogue import SHIPPED, Catalogue
from jimeng_api.catalog.image_models import ImageModel
from jimeng_api.catalog.live import LiveSite
from jimeng_api.catalog.lookup import MODELS
from jimeng_api.catalog.sites import CN, SITES, Site
from jimeng_api.catalog.sizes import image_size
from jimeng_api.catalog.video_models import VideoModel
from jimeng_api.domain.errors import SessionExpired
from jimeng_api.domain.requests import ImageRequest, VideoRequest
from jimeng_api.domain.secret import Secret
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.payloads.image import image_payload
from jimeng_api.upstream.payloads.video import video_payload
from tests.unit.upstream.stage import World, session


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World.strict() as world:
        yield world


async def told(world: World, site: Site) -> Catalogue:
    own = session()
    live = LiveSite(
        images=await world.client.image_models(site, own),
        videos=await world.client.video_models(site, own),
        rates=await world.client.prices(site, own),
    )
    return SHIPPED.with_site(site.name, live)


def cheapest(row: ImageModel | VideoModel, resolution: str) -> ImageRequest | VideoRequest:
    if isinstance(row, VideoModel):
        return VideoRequest(
            model=row.name, prompt="two horses", mode="t2v", ratio=row.default_ratio,
            resolution=resolution, seconds=row.durations[-1], seed=7,
        )  # fmt: skip
    size = image_size(row, resolution=resolution)
    return ImageRequest(
        model=row.name, prompt="two horses", ratio=size.ratio, resolution=size.resolution,
        width=size.width, height=size.height, seed=7, count=(row.count_options or (None,))[0],
    )  # fmt: skip


async def paid(world: World, site: Site, row: ImageModel | VideoModel, resolution: str) -> int:
    """What the site takes for it."""
    own = session()
    before = (await world.client.credits(site, own)).total
    request = cheapest(row, resolution)
    ids, submit_id = (f"11111111-2222-4333-8444-{n:012d}" for n in range(10_000)), next(_SUBMITS)
    if isinstance(request, VideoRequest):
        assert isinstance(row, VideoModel)
        payload = video_payload(
            request, row, site, submit_id=submit_id, ids=ids, created_ms=1, constants=Constants()
        )
    else:
        assert isinstance(row, ImageModel)
        payload = image_payload(
            request, row, site, submit_id=submit_id, ids=ids, created_ms=1, constants=Constants()
        )
    await world.client.submit(site, own, payload)
    return before - (await world.client.credits(site, own)).total


_SUBMITS = (f"99999999-2222-4333-8444-{n:012d}" for n in range(10_000))


@pytest.mark.parametrize("site", SITES.values(), ids=SITES)
async def test_every_model_of_a_site_is_charged_as_its_own_list_foretells(
    world: World, site: Site
) -> None:
    known = await told(world, site)
    foretold = 0
    for name, listed in known.rows():
        row = known.row(name, (site.name,))
        if row is None or site.name not in listed.upstream:
            continue
        for resolution in row.resolutions or (row.default_resolution,):
            request = cheapest(row, resolution)
            price = known.price_of(request, site, count=request.count)
            if price is None:
                continue
            foretold += 1
            assert await paid(world, site, row, resolution) == price, (name, resolution)
    assert foretold > 20


async def test_the_current_models_were_shipped_as_the_chinese_site_tells_them(world: World) -> None:
    """The pages were read twice, once for the gateway and once for the simulator."""
    current = {name for name, row in MODELS.items() if row.status == "current"}
    drifted = {line.partition(":")[0] for line in (await told(world, CN)).drift("cn")}
    assert not current & drifted
    assert drifted  # old models have more than clients offer of them


async def test_a_dead_session_is_told_nothing(world: World) -> None:
    for ask in (world.client.image_models, world.client.prices):
        with pytest.raises(SessionExpired):
            await ask(CN, Secret("dead" + "0" * 28))
