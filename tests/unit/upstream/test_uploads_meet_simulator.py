"""Uploads and drafts from pictures against the simulator. Neither was written from the other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4
from zlib import crc32

import pytest

from jimeng_api.catalog.finishing import FINISHING_TOOLS
from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.catalog.sites import CN, HK, SITES, Site
from jimeng_api.catalog.sizes import image_size
from jimeng_api.domain.errors import (
    ContentRefused,
    GatewayError,
    SessionExpired,
    UploadFailed,
)
from jimeng_api.domain.inputs import Finishing, FinishingTool, Input, Origin
from jimeng_api.domain.progress import Progress, Stage
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.domain.secret import Secret
from jimeng_api.transport import HttpTransport, Request
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.payloads.image import image_payload
from jimeng_api.upstream.uploads import Uploader
from tests.hasty import HastyClock
from tests.unit.upstream.stage import World, session

PICTURE = Input(
    media_id="m", content_type="image/png", width=64, height=48, size=9, sha256="0" * 64
)


class Uploads(World):
    """A world with an uploader in it."""

    def __init__(self, door: HttpTransport, origin: str) -> None:
        super().__init__(door, origin)
        self.uploader = Uploader(self.client, door, HastyClock(), Constants(), origin)

    async def told(self, path: str) -> Any:
        answer = await self.door.send(Request(method="GET", url=self.origin + path))
        return json.loads(answer.body)

    async def fault(self, fault: str, on: str, times: int = 1, **details: Any) -> None:
        await self.tell("/_sim/faults", {"fault": fault, "on": on, "times": times, **details})

    async def uploads(self) -> list[dict[str, Any]]:
        found = (await self.told("/_sim/ledger"))["uploads"]
        assert isinstance(found, list)
        return found

    async def asked(self, operation: str) -> int:
        counts = (await self.told("/_sim/requests"))["by_operation"]
        return int(counts.get(operation, 0))

    async def drawn(
        self, site: Site, session: Secret, uris: list[str], finishing: Finishing | None = None
    ) -> Progress:
        """A job from these pictures, at its end."""
        model = IMAGE_MODELS["jimeng-4.5"]
        size = image_size(model, site=site)
        request = ImageRequest(
            model=model.name,
            prompt="two horses",
            ratio=size.ratio,
            resolution=size.resolution,
            width=size.width,
            height=size.height,
            seed=7,
            inputs=(PICTURE,) * len(uris),
            finishing=finishing,
        )
        submit_id = str(uuid4())
        payload = image_payload(
            request,
            model,
            site,
            submit_id=submit_id,
            ids=iter(lambda: str(uuid4()), ""),
            created_ms=1767225600000,
            constants=Constants(),
            uris=uris,
        )
        await self.client.submit(site, session, payload)
        return await self.finished(site, session, submit_id)


@pytest.fixture
async def world() -> AsyncIterator[Uploads]:
    async with Uploads.strict() as world:
        yield world


@pytest.mark.parametrize("hosts", ["list", "single", "inner"])
@pytest.mark.parametrize("site", SITES.values(), ids=SITES)
async def test_every_site_takes_pictures_whole(world: Uploads, site: Site, hosts: str) -> None:
    await world.tell("/_sim/switches", {"upload_hosts": hosts})
    own, body = session(), b"33"  # a checksum that begins with a zero
    uri = await world.uploader.upload(site, own, body)
    (kept,) = await world.uploads()
    assert (kept["uri"], kept["bytes"], int(kept["crc32"], 16)) == (uri, len(body), crc32(body))
    await world.uploader.check(site, own, uri)
    assert await world.asked("algo_proxy") == (1 if site is CN else 0)


@pytest.mark.parametrize("site", SITES.values(), ids=SITES)
async def test_every_site_draws_from_what_was_uploaded(world: Uploads, site: Site) -> None:
    own = session()
    for number in (1, 3):
        uris = [await world.uploader.upload(site, own, bytes([n])) for n in range(number)]
        assert len(set(uris)) == number
        done = await world.drawn(site, own, uris)
        assert done.stage is Stage.DONE, done
        assert len(done.items) == done.total > 0


@pytest.mark.parametrize("tool", FINISHING_TOOLS)
@pytest.mark.parametrize("site", [CN, HK], ids=["cn", "hk"])
async def test_every_tool_works_on_a_finished_picture(
    world: Uploads, site: Site, tool: FinishingTool
) -> None:
    own = session()
    made = await world.drawn(site, own, [])
    origin = Origin(item_id=made.items[0].id, history_id=made.history_id, account="a")
    finishing = Finishing(tool=tool, origin=origin, right=0.5)
    done = await world.drawn(site, own, [], finishing)
    assert done.stage is Stage.DONE, done
    assert len(done.items) == FINISHING_TOOLS[tool].pictures
    factor = FINISHING_TOOLS[tool].factor
    if factor is not None:
        assert done.items[0].width == made.items[0].width * factor


@pytest.mark.parametrize("tool", [n for n, tool in FINISHING_TOOLS.items() if tool.takes_uploads])
async def test_a_tool_works_on_an_uploaded_picture(world: Uploads, tool: FinishingTool) -> None:
    own = session()
    uri = await world.uploader.upload(CN, own, b"picture")
    done = await world.drawn(CN, own, [uri], Finishing(tool=tool, right=0.5))
    assert done.stage is Stage.DONE, done
    assert len(done.items) == FINISHING_TOOLS[tool].pictures


async def test_pictures_at_the_same_time_share_a_token(world: Uploads) -> None:
    own = session()
    uris = await asyncio.gather(*(world.uploader.upload(CN, own, b"x") for _ in range(8)))
    assert len(set(uris)) == 8
    assert await world.asked("upload_token") == 1


FAULTS = [
    ("imagex_authorization", "apply_upload"),
    ("imagex_authorization", "commit_upload"),
    ("imagex_signature", "apply_upload"),
    ("imagex_forbidden", "apply_upload"),
    ("foreign_upload_host", "apply_upload"),
    ("private_upload_host", "apply_upload"),
    ("blob_no_content", "blob"),
    ("blob_refused", "blob"),
    ("crc_mismatch", "blob"),
    ("crc_differs", "blob"),
    ("reset_amid_upload", "blob"),
    ("session_key_unknown", "commit_upload"),
    ("commit_failed", "commit_upload"),
    ("results_empty", "commit_upload"),
]


@pytest.mark.parametrize(("fault", "on"), FAULTS)
@pytest.mark.parametrize("site", [CN, HK], ids=["cn", "hk"])
async def test_what_fails_once_or_twice_is_done_again(
    world: Uploads, site: Site, fault: str, on: str
) -> None:
    await world.fault(fault, on, times=2)
    own = session()
    uri = await world.uploader.upload(site, own, b"picture")
    assert await world.asked("apply_upload") == 3
    assert (await world.drawn(site, own, [uri])).stage is Stage.DONE


@pytest.mark.parametrize(("fault", "on"), FAULTS)
async def test_what_fails_every_time_has_failed_after_three(
    world: Uploads, fault: str, on: str
) -> None:
    await world.fault(fault, on, times=9)
    with pytest.raises(UploadFailed):
        await world.uploader.upload(CN, session(), b"picture")
    assert await world.asked(on) == 3


@pytest.mark.parametrize("status", [403, 400, 200])
async def test_a_refusal_is_understood_whatever_its_status(world: Uploads, status: int) -> None:
    await world.tell("/_sim/switches", {"imagex_error_status": status})
    own = session()
    await world.uploader.upload(CN, own, b"picture")
    await world.fault("imagex_authorization", "apply_upload")
    await world.uploader.upload(CN, own, b"picture")
    assert await world.asked("upload_token") == 2


async def test_a_token_that_has_expired_is_replaced(world: Uploads) -> None:
    await world.fault("short_token", "upload_token", seconds=0)
    await world.uploader.upload(CN, session(), b"picture")
    assert await world.asked("upload_token") == 2


@pytest.mark.parametrize("lost", ["reset", "empty_body", "truncated_json"])
async def test_a_commit_that_is_lost_is_made_up_by_another_upload(
    world: Uploads, lost: str
) -> None:
    await world.fault(lost, "commit_upload")
    own = session()
    uri = await world.uploader.upload(CN, own, b"picture")
    assert uri in [kept["uri"] for kept in await world.uploads()]
    assert (await world.drawn(CN, own, [uri])).stage is Stage.DONE


@pytest.mark.parametrize(
    ("site", "own", "error"),
    [
        (CN, Secret("dead" + "0" * 28), SessionExpired),
        (HK, Secret("dead" + "1" * 28), SessionExpired),
    ],
)
async def test_a_dead_session_is_told_at_once(
    world: Uploads, site: Site, own: Secret, error: type[GatewayError]
) -> None:
    with pytest.raises(error):
        await world.uploader.upload(site, own, b"picture")
    assert await world.asked("upload_token") == 1
    assert await world.asked("apply_upload") == 0


async def test_content_that_the_site_refuses_is_refused(world: Uploads) -> None:
    own = session()
    uri = await world.uploader.upload(CN, own, b"picture")
    await world.fault("content_risk", "algo_proxy")
    with pytest.raises(ContentRefused) as caught:
        await world.uploader.check(CN, own, uri)
    assert caught.value.param == "image"


@pytest.mark.parametrize("fault", ["reset", "empty_body", "truncated_json", "html_502"])
async def test_a_check_that_does_not_answer_is_no_obstacle(world: Uploads, fault: str) -> None:
    own = session()
    uri = await world.uploader.upload(CN, own, b"picture")
    await world.fault(fault, "algo_proxy")
    await world.uploader.check(CN, own, uri)
    assert (await world.drawn(CN, own, [uri])).stage is Stage.DONE
