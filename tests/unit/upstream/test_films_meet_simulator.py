"""Drafts of films and their uploads against the simulator. Neither was written from the other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from itertools import count
from typing import Any
from uuid import uuid4
from zlib import crc32

import pytest
from typing_extensions import override

from jimeng_api.catalog.sites import CN, SITES, Site
from jimeng_api.catalog.video_asks import check_video
from jimeng_api.catalog.video_models import VIDEO_MODELS, VideoModel
from jimeng_api.clock import SystemClock
from jimeng_api.domain.inputs import Input, Origin
from jimeng_api.domain.progress import Progress, Stage
from jimeng_api.domain.requests import Frame, Piece, VideoMode, VideoRequest
from jimeng_api.domain.secret import Secret
from jimeng_api.simulator.serve import build_app, running
from jimeng_api.transport import HttpTransport, Request
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.payloads.video import video_payload
from jimeng_api.upstream.replies.uploads import StoredFilm
from jimeng_api.upstream.uploads import Uploader
from jimeng_api.upstream.uploads.films import WHOLE
from tests.simulator.films import a_film, a_sound, seen
from tests.unit.media.pictures import picture

_numbers = count(1)


def kept(content_type: str, **more: Any) -> Input:
    return Input(media_id="m", content_type=content_type, sha256="0" * 64, size=9, **more)


PICTURE = kept("image/png", width=640, height=480)
FILM = kept("video/mp4", width=1280, height=720, seconds=4.0, fps=24.0)
SOUND = kept("audio/wav", width=0, height=0, seconds=3.0)


class HastyClock(SystemClock):
    @override
    async def sleep(self, seconds: float) -> None:
        await super().sleep(min(seconds, 0.01))


class World:
    """The uploader and the client, and the simulator they talk to."""

    def __init__(self, door: HttpTransport, origin: str) -> None:
        self.door = door
        self.origin = origin
        clock = HastyClock()
        self.client = UpstreamClient(door, clock, Constants(), origin)
        self.uploader = Uploader(self.client, door, clock, Constants(), origin)
        self._names: dict[tuple[str, Secret, str], str] = {}

    async def tell(self, path: str, order: dict[str, Any]) -> None:
        body = json.dumps(order).encode()
        answer = await self.door.send(Request(method="POST", url=self.origin + path, body=body))
        assert answer.status < 300, answer.body

    async def told(self, path: str) -> Any:
        answer = await self.door.send(Request(method="GET", url=self.origin + path))
        return json.loads(answer.body)

    async def upload(self, site: Site, session: Secret, film: bytes) -> StoredFilm:
        async def read(start: int, length: int) -> bytes:
            return film[start : start + length]

        return await self.uploader.upload_film(site, session, size=len(film), read=read)

    async def names(self, site: Site, session: Secret, inputs: Sequence[Input]) -> list[str]:
        """The uploads of such inputs; each kind is uploaded once."""
        for one in set(inputs):
            key = (site.name, session, one.content_type)
            if key in self._names:
                continue
            if one.kind == "image":
                body = picture(size=(one.width, one.height))
                self._names[key] = await self.uploader.upload(site, session, body)
            else:
                body = a_film(size=(1280, 720), seconds=4) if one.kind == "video" else a_sound(3)
                self._names[key] = (await self.upload(site, session, body)).vid
        return [self._names[site.name, session, one.content_type] for one in inputs]

    async def filmed(self, request: VideoRequest, site: Site, session: Secret) -> Progress:
        """A job for this film, at its end."""
        model = VIDEO_MODELS[request.model]
        check_video(model, request)
        submit_id = str(uuid4())
        payload = video_payload(
            request,
            model,
            site,
            submit_id=submit_id,
            ids=iter(lambda: str(uuid4()), ""),
            created_ms=1790000000000,
            constants=Constants(),
            uploads=await self.names(site, session, request.inputs),
        )
        await self.client.submit(site, session, payload)
        for _ in range(2000):
            looks = await self.client.look(site, session, submit_ids=[submit_id])
            progress = looks.get(submit_id)
            if progress is not None and progress.stage in (Stage.DONE, Stage.FAILED):
                return progress
            await asyncio.sleep(0.02)
        raise AssertionError("not finished")

    async def fetched(self, url: str) -> bytes:
        answer = await self.door.send(Request(method="GET", url=url))
        assert answer.status == 200
        return answer.body


@pytest.fixture
async def world() -> AsyncIterator[World]:
    door = HttpTransport()
    async with running(build_app(speed=3000)) as origin:
        stage = World(door, origin)
        await stage.tell(
            "/_sim/switches",
            {
                "strict": True,
                "strict_draft": True,
                "strict_inputs": True,
                "wrong_film": "refuse",
            },
        )
        yield stage
        await door.close()


def session() -> Secret:
    return Secret(f"{next(_numbers):032x}")


def asked(model: VideoModel, mode: VideoMode, *inputs: Input, **more: Any) -> VideoRequest:
    return VideoRequest(
        **{
            "model": model.name,
            "prompt": "a paper boat",
            "mode": mode,
            "ratio": model.default_ratio,
            "resolution": model.default_resolution,
            "seconds": model.default_duration,
            "seed": 7,
            "inputs": inputs,
            **more,
        }
    )


def request_for(model: VideoModel, mode: VideoMode) -> VideoRequest:
    match mode:
        case "first_frame":
            return asked(model, mode, PICTURE)
        case "first_last":
            return asked(model, mode, PICTURE, PICTURE)
        case "multi_frame":
            frames = (Frame(seconds=2, prompt="it sets off"), Frame(seconds=3))
            return asked(model, mode, PICTURE, PICTURE, frames=frames, resolution="720p")
        case "subject_ref":
            pieces = (Piece(input=1), Piece(text=" meets "), Piece(input=0))
            return asked(model, mode, PICTURE, PICTURE, pieces=pieces)
        case "omni":
            pieces = (Piece(input=0), Piece(text=" moves like "), Piece(input=1))
            return asked(model, mode, PICTURE, FILM, SOUND, pieces=pieces)
        case "edit":
            return asked(model, mode, FILM, PICTURE, edit_from=0.5, edit_to=3.5)
        case _:
            return asked(model, mode)


WAYS = [
    (model, mode)
    for model in VIDEO_MODELS.values()
    for mode in model.input_modes
    if mode not in ("extend", "long_video")
]


@pytest.mark.parametrize(
    ("model", "mode"), WAYS, ids=[f"{model.name}-{mode}" for model, mode in WAYS]
)
async def test_every_model_makes_films_in_each_of_its_ways(
    world: World, model: VideoModel, mode: VideoMode
) -> None:
    request = request_for(model, mode)
    site = SITES[next(iter(model.upstream))]
    progress = await world.filmed(request, site, session())
    assert progress.stage is Stage.DONE, progress
    (item,) = progress.items
    assert item.kind == "film"
    assert item.vid.startswith("v0")


async def test_the_download_is_the_same_film_in_better_quality(world: World) -> None:
    owner = session()
    model = VIDEO_MODELS["jimeng-video-seedance-2.0-mini"]
    (item,) = (await world.filmed(asked(model, "t2v"), CN, owner)).items
    film = seen(await world.fetched(item.url))
    assert (film.width, film.height) == (item.width, item.height) == (1280, 720)
    assert abs(item.seconds - film.seconds) < 0.2
    (best,) = (await world.client.download_links(CN, owner, [item.id, "7"])).values()
    assert (best.id, best.vid, best.kind) == (item.id, item.vid, "film")
    assert best.url != item.url
    better = seen(await world.fetched(best.url))
    assert (better.width, better.height) == (best.width, best.height) == (1280, 720)
    assert await world.client.download_links(CN, session(), [item.id]) == {}
    assert await world.client.download_links(CN, owner, []) == {}


async def test_a_finished_film_gets_more_pictures_a_second_and_more_pixels(world: World) -> None:
    owner = session()
    model = VIDEO_MODELS["jimeng-video-seedance-2.0-mini"]
    progress = await world.filmed(asked(model, "t2v"), CN, owner)
    (item,) = progress.items
    origin = Origin(
        item_id=item.id,
        history_id=progress.history_id,
        account="a",
        vid=item.vid,
        width=item.width,
        height=item.height,
        seconds=item.seconds,
    )
    faster = await world.filmed(asked(model, "interpolate", origin=origin), CN, owner)
    assert seen(await world.fetched(faster.items[0].url)).fps == 60
    larger = await world.filmed(
        asked(model, "upscale", origin=origin, resolution="1080p"), CN, owner
    )
    film = seen(await world.fetched(larger.items[0].url))
    assert (film.width, film.height) == (1920, 1080)
    uploaded = await world.filmed(asked(model, "interpolate", FILM), CN, owner)
    assert seen(await world.fetched(uploaded.items[0].url)).fps == 60


@pytest.mark.parametrize("site", SITES.values(), ids=SITES)
async def test_a_film_is_uploaded_wherever_the_site_is(world: World, site: Site) -> None:
    film = await world.upload(site, session(), a_film(size=(320, 240), seconds=2))
    assert film.vid.startswith("v0")
    assert (film.width, film.height, film.seconds) == (320, 240, 2.0)
    (row,) = (await world.told("/_sim/ledger"))["uploads"]
    assert (row["kind"], row["vid"]) == ("film", film.vid)


async def test_a_large_film_arrives_in_parts_as_it_was(world: World) -> None:
    film = a_film(size=(320, 240), seconds=2)
    body = film + bytes(WHOLE)
    await world.upload(CN, session(), body)
    (row,) = (await world.told("/_sim/ledger"))["uploads"]
    assert row["crc32"] == f"{crc32(body):08x}"


async def test_a_sound_is_uploaded_as_films_are(world: World) -> None:
    sound = await world.upload(CN, session(), a_sound(3))
    assert abs(sound.seconds - 3) < 0.1
    assert (sound.width, sound.height) == (0, 0)
