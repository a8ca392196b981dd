"""The client against the simulator over a socket. Neither was written from the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.catalog.sites import CN, SITES, Site
from jimeng_api.catalog.sizes import image_size
from jimeng_api.clock import SystemClock
from jimeng_api.domain.errors import SessionExpired, SubmissionUncertain
from jimeng_api.domain.progress import Stage
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.domain.secret import Secret
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.payloads.image import image_payload
from tests.unit.loopback import proxying
from tests.unit.upstream.stage import World, session


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World.strict() as world:
        yield world


def two_horses(name: str, site: Site) -> tuple[str, bytes]:
    model = IMAGE_MODELS[name]
    size = image_size(model, site=site)
    submit_id = str(uuid4())
    request = ImageRequest(
        model=name,
        prompt="two horses",
        ratio=size.ratio,
        resolution=size.resolution,
        width=size.width,
        height=size.height,
        seed=7,
    )
    payload = image_payload(
        request,
        model,
        site,
        submit_id=submit_id,
        ids=iter(lambda: str(uuid4()), ""),
        created_ms=1767225600000,
        constants=Constants(),
    )
    return submit_id, payload


@pytest.mark.parametrize("site", SITES.values(), ids=SITES)
async def test_every_model_of_every_site_makes_pictures(world: World, site: Site) -> None:
    for name, model in IMAGE_MODELS.items():
        if site.name not in model.upstream:
            continue
        own = session()
        submit_id, payload = two_horses(name, site)
        accepted = await world.client.submit(site, own, payload)
        assert accepted.submit_id == submit_id
        assert accepted.history_id
        done = await world.finished(site, own, submit_id)
        assert done.stage is Stage.DONE, (name, done)
        assert done.history_id == accepted.history_id
        assert len(done.items) == done.total == done.finished > 0
        assert all(min(item.width, item.height) > 0 for item in done.items)
        by_history = await world.client.look(site, own, history_ids=[done.history_id])
        assert by_history[done.history_id].stage is Stage.DONE


@pytest.mark.parametrize("site", SITES.values(), ids=SITES)
async def test_an_account_is_alive_and_has_credits(world: World, site: Site) -> None:
    own = session()
    assert await world.client.alive(site, own)
    assert (await world.client.credits(site, own)).total > 0


async def test_a_dead_session_is_told_from_a_living_one(world: World) -> None:
    dead = Secret("dead" + "0" * 28)
    assert not await world.client.alive(CN, dead)
    with pytest.raises(SessionExpired):
        await world.client.credits(CN, dead)
    with pytest.raises(SessionExpired):
        await world.client.submit(CN, dead, two_horses("jimeng-4.5", CN)[1])


async def test_daily_credits_are_received_once(world: World) -> None:
    own = session()
    before = await world.client.credits(CN, own)
    received = await world.client.receive(CN, own)
    assert received > 0
    after = await world.client.credits(CN, own)
    assert after.total == before.total + received
    assert sum(lapse.amount for lapse in after.expiring) == received
    assert await world.client.receive(CN, own) == 0


@pytest.mark.parametrize("fault", ["accepted_then_reset", "cut_answer", "empty_body", "null_data"])
async def test_a_job_without_a_verdict_is_found_by_its_own_id(world: World, fault: str) -> None:
    await world.tell("/_sim/faults", {"fault": fault, "on": "generate", "times": 1})
    own = session()
    submit_id, payload = two_horses("jimeng-4.5", CN)
    with pytest.raises(SubmissionUncertain):
        await world.client.submit(CN, own, payload)
    assert (await world.finished(CN, own, submit_id)).stage is Stage.DONE


async def test_a_place_in_line_is_told(world: World) -> None:
    await world.tell("/_sim/faults", {"fault": "slow_queue", "on": "generate", "times": 1})
    own = session()
    accepted = await world.client.submit(CN, own, two_horses("jimeng-4.5", CN)[1])
    places = await world.client.queue(CN, own, [accepted.history_id])
    place = places[accepted.history_id]
    assert place.waiting
    assert 0 < place.position <= place.length


async def test_records_under_anothers_id_are_not_believed(world: World) -> None:
    own = session()
    ids = []
    for _ in range(2):
        submit_id, payload = two_horses("jimeng-4.5", CN)
        await world.client.submit(CN, own, payload)
        await world.finished(CN, own, submit_id)
        ids.append(submit_id)
    await world.tell("/_sim/faults", {"fault": "swapped_records", "on": "poll", "times": 1})
    assert await world.client.look(CN, own, submit_ids=ids) == {}
    assert set(await world.client.look(CN, own, submit_ids=ids)) == set(ids)


async def test_a_site_with_a_proxy_is_reached_through_it_and_the_others_directly(
    world: World,
) -> None:
    async with proxying() as proxy:
        client = UpstreamClient(
            world.door,
            SystemClock(),
            Constants(),
            world.origin,
            proxies={"cn": Secret(proxy.address)},
        )
        own = session()
        submit_id, payload = two_horses("jimeng-4.5", CN)
        accepted = await client.submit(CN, own, payload)
        assert submit_id in await client.look(CN, own, submit_ids=[submit_id])
        assert accepted.history_id
        assert await client.alive(CN, own)
        paths = [asked.split(b" ")[1] for asked in proxy.asked]
        assert [b"/aigc_draft/generate" in path for path in paths].count(True) == 1
        seen = len(proxy.asked)
        assert await client.alive(SITES["us"], session())
        assert len(proxy.asked) == seen
