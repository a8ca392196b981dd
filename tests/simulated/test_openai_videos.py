"""OpenAI's own client makes videos of a whole gateway, over real sockets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from jimeng_api.web.server import build_server
from tests.forms import picture
from tests.simulated.house import KEY, House
from tests.unit.web.web_edge import until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

MODEL = "jimeng-video-3.0"
WIDE = picture(640, 360)


@contextlib.asynccontextmanager
async def client(house: House) -> AsyncIterator[openai.AsyncOpenAI]:
    server = build_server(house.app, port=0)
    running = asyncio.create_task(server._serve())
    try:
        await until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY) as made:
            yield made
    finally:
        server.should_exit = True
        async with asyncio.timeout(5):
            await running


async def test_a_video_is_made_polled_downloaded_listed_and_deleted(gateway: House) -> None:
    async with client(gateway) as api:
        made = await api.videos.create_and_poll(
            model=MODEL, prompt="waves", seconds="4", size="1280x720", poll_interval_ms=20
        )
        assert (made.status, made.progress, made.error) == ("completed", 100, None)
        assert (made.seconds, made.size, made.model) == ("5", "1280x720", MODEL)
        film = await api.videos.download_content(made.id)
        assert film.read()[4:8] == b"ftyp"
        still = await api.videos.download_content(made.id, variant="thumbnail")
        assert still.response.headers["content-type"] == "image/webp"
        other = await api.videos.remix(made.id, prompt="by night")
        assert other.remixed_from_video_id == made.id
        await api.videos.poll(other.id, poll_interval_ms=20)
        assert [one.id async for one in api.videos.list(limit=1)] == [other.id, made.id]
        gone = await api.videos.delete(made.id)
        assert (gone.deleted, gone.object, gone.id) == (True, "video.deleted", made.id)
        gateway.unknown += 1  # the ledger still has it
        with pytest.raises(openai.NotFoundError):
            await api.videos.retrieve(made.id)


@pytest.mark.parametrize(
    "sent",
    [
        {"input_reference": ("a.png", WIDE, "image/png")},
        {"input_reference": WIDE},
        {"extra_body": {"input_reference": {"image_url": "URI"}}},
        {"extra_body": {"input_reference": "URI"}},
        {
            "extra_body": {"input_reference": {"image_url": "URI"}},
            "extra_headers": {"Content-Type": "application/json"},
        },
    ],
)
async def test_a_first_picture_comes_in_every_form(gateway: House, sent: dict[str, Any]) -> None:
    uri = f"data:image/png;base64,{base64.b64encode(WIDE).decode()}"
    if extra := sent.get("extra_body"):
        given = extra["input_reference"]
        sent = {
            **sent,
            "extra_body": {"input_reference": uri if given == "URI" else {"image_url": uri}},
        }
    async with client(gateway) as api:
        made = await api.videos.create(model=MODEL, prompt="waves", **sent)
        done = await api.videos.poll(made.id, poll_interval_ms=20)
        assert done.status == "completed"
    (row,) = await gateway.upstream.submits(KEY)
    assert row["film"]["mode"] == "first_frame"


async def test_errors_are_its_own(gateway: House) -> None:
    async with client(gateway) as api:
        with pytest.raises(openai.NotFoundError) as missing:
            await api.videos.retrieve("video_none")
        assert missing.value.code == "not_found"
        with pytest.raises(openai.BadRequestError) as wrong:
            await api.videos.create(model=MODEL, prompt="waves", size="banana")  # type: ignore[arg-type]
        assert wrong.value.param == "size"
        await gateway.upstream.fault("stuck")
        made = await api.videos.create(model=MODEL, prompt="waves")
        with pytest.raises(openai.NotFoundError) as early:
            await api.videos.download_content(made.id)
        assert early.value.code == "video_not_ready"
