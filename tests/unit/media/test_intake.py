"""What a caller gives becomes pictures that are kept: in order, all or none, a few at a time."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from typing_extensions import override

from jimeng_api.clock import SystemClock
from jimeng_api.domain.errors import InvalidValue, NotFound, StorageUnavailable
from jimeng_api.media.anatomy import MOST_BYTES
from jimeng_api.media.callers_urls import CallersUrls
from jimeng_api.media.intake import Intake, Kept, Sent, Source, Written
from jimeng_api.media.store import MediaStore
from jimeng_api.transport import NotSent, Request, Response, Stream
from tests.forms import data_uri
from tests.simulated.house import until
from tests.simulator.films import a_film, a_sound
from tests.unit.media.pictures import picture

URL = "https://a.test/a.jpg"


class Web:
    """A transport that answers every URL with the same bytes, when it may."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.may = asyncio.Event()
        self.may.set()
        self.asked = 0

    async def send(self, request: Request) -> Response:
        raise NotSent("not used")

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        self.asked += 1
        await self.may.wait()

        async def chunks() -> AsyncIterator[bytes]:
            yield self.body

        yield Stream(status=200, headers={}, chunks=chunks())


class Spooled:
    """A file of a form, and how many of them are in memory at once."""

    reading = 0
    most = 0

    def __init__(self, body: bytes, size: int | None = None) -> None:
        self._body = body
        self.size = size
        self.was_read = False

    @property
    def lent(self) -> BinaryIO:
        self.was_read = True
        return io.BytesIO(self._body)

    async def read(self) -> bytes:
        self.was_read = True
        Spooled.reading += 1
        Spooled.most = max(Spooled.most, Spooled.reading)
        await asyncio.sleep(0.01)
        Spooled.reading -= 1
        return self._body


@pytest.fixture
def web() -> Web:
    return Web(picture("jpeg", (50, 20)))


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


@pytest.fixture
def intake(web: Web, store: MediaStore) -> Intake:
    return Intake(CallersUrls(web), store, SystemClock())


def files(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "media").rglob("*") if path.is_file())


async def test_every_source_becomes_a_kept_picture_in_the_order_given(
    intake: Intake, store: MediaStore, web: Web
) -> None:
    large = picture("png", (700, 500), mode="RGBA") + bytes(400_000)
    await store.put("ab" * 16, picture("webp", (33, 44)))
    bodies = [picture("png"), web.body, large, picture("webp", (33, 44)), large]
    sources: list[Source] = [
        Written(text=data_uri(bodies[0]), param="image"),
        Written(text=URL, param="image"),
        Sent(file=Spooled(large), param="image"),
        Kept(media_id="ab" * 16, param="image"),
        Written(text=data_uri(large), param="mask"),
    ]
    taken = await intake.take(sources)
    assert [(one.content_type, one.width, one.height) for one in taken] == [
        ("image/png", 40, 30),
        ("image/jpeg", 50, 20),
        ("image/png", 700, 500),
        ("image/webp", 33, 44),
        ("image/png", 700, 500),
    ]
    for one, body in zip(taken, bodies, strict=True):
        assert await store.read(one.media_id) == body
        assert (one.size, one.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert len({one.media_id for one in taken}) == 5


async def test_nothing_given_is_nothing_taken(intake: Intake) -> None:
    assert await intake.take([]) == ()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (Written(text="/etc/passwd", param="p"), "p must be an http(s) URL or a data URI"),
        (
            Written(text="data:image/png;base64,AAAA", param="p"),
            "p is not a PNG, JPEG or WebP picture",
        ),
        (Written(text="data:image/png;base64,A", param="p"), "p is a data URI that is not base64"),
        (Written(text="data:,x", param="p"), "p is a data URI without base64: "),
        (Sent(file=Spooled(picture("gif")), param="p"), "p is not a PNG, JPEG or WebP picture"),
        (Sent(file=Spooled(picture("png")[:-9]), param="p"), "p is a picture that ends early"),
        (Sent(file=Spooled(bytes(MOST_BYTES + 1)), param="p"), "p is larger than 20 MiB"),
        (Kept(media_id="cd" * 16, param="p"), "p is a link to a result that is not here"),
    ],
)
async def test_one_that_is_not_taken_is_named_and_nothing_is_kept(
    intake: Intake, tmp_path: Path, source: Source, said: str
) -> None:
    good = Written(text=data_uri(picture("png")), param="other")
    for sources in ([good, source], [source, good], [good, source, good]):
        with pytest.raises(InvalidValue) as caught:
            await intake.take(sources)
        assert caught.value.param == "p"
        assert caught.value.message.startswith(said)
        assert files(tmp_path) == []


async def test_a_file_that_says_that_it_is_too_large_is_not_even_read(intake: Intake) -> None:
    file = Spooled(b"", size=MOST_BYTES + 1)
    with pytest.raises(InvalidValue, match="larger than 20 MiB"):
        await intake.take([Sent(file=file, param="image")])
    assert not file.was_read


async def test_few_are_in_memory_at_once(web: Web, store: MediaStore) -> None:
    intake = Intake(CallersUrls(web), store, SystemClock(), at_once=2)
    Spooled.most = 0
    sources = [Sent(file=Spooled(picture("png")), param="image") for _ in range(12)]
    halves = await asyncio.gather(intake.take(sources[:6]), intake.take(sources[6:]))
    assert [len(half) for half in halves] == [6, 6]
    assert Spooled.most == 2


async def test_slow_servers_keep_nobody_waiting_who_names_none(web: Web, store: MediaStore) -> None:
    intake = Intake(CallersUrls(web), store, SystemClock(), fetching=2)
    web.may.clear()
    slow = asyncio.create_task(intake.take([Written(text=URL, param="image")] * 5))
    try:
        assert await intake.take([Written(text=data_uri(picture("png")), param="image")])
        assert web.asked == 2
    finally:
        web.may.set()
    assert len(await slow) == 5


async def test_a_caller_who_leaves_takes_everything_with_him(
    intake: Intake, web: Web, tmp_path: Path
) -> None:
    web.may.clear()
    sources = [Written(text=data_uri(picture("png")), param="a"), Written(text=URL, param="b")]
    taking = asyncio.create_task(intake.take(sources))
    await until(lambda: files(tmp_path))
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert files(tmp_path) == []


async def test_a_caller_who_leaves_while_a_picture_is_written_takes_it_with_him(
    web: Web, tmp_path: Path
) -> None:
    class Slow(MediaStore):
        @override
        async def put(self, media_id: str, body: bytes | BinaryIO) -> None:
            await super().put(media_id, body)
            await asyncio.sleep(0.1)

    web.may.clear()
    intake = Intake(CallersUrls(web), Slow(tmp_path / "media"), SystemClock())
    sources = [Written(text=URL, param="a"), Written(text=data_uri(picture("png")), param="b")]
    taking = asyncio.create_task(intake.take(sources))
    await until(lambda: any("#" not in name for name in files(tmp_path)))
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert files(tmp_path) == []


async def test_a_store_that_is_away_says_so(web: Web, tmp_path: Path) -> None:
    class Away(MediaStore):
        @override
        async def put(self, media_id: str, body: bytes | BinaryIO) -> None:
            raise StorageUnavailable("away")

    intake = Intake(CallersUrls(web), Away(tmp_path / "media"), SystemClock())
    with pytest.raises(StorageUnavailable):
        await intake.take([Written(text=data_uri(picture("png")), param="image")])


async def test_what_is_dropped_is_gone(intake: Intake, tmp_path: Path) -> None:
    taken = await intake.take([Written(text=data_uri(picture("png")), param="image")] * 2)
    assert len(files(tmp_path)) == 2
    await intake.drop(taken)
    assert files(tmp_path) == []


# ------------------------------------------------------------------ films, sounds ----


async def test_films_and_sounds_are_measured_and_kept_where_they_may_come(
    store: MediaStore, web: Web, tmp_path: Path
) -> None:
    film, sound = a_film(size=(320, 240)), a_sound()
    web.body = film
    await store.put("result", film)
    intake = Intake(CallersUrls(web), store, SystemClock(), folder=tmp_path)
    sources: list[Source] = [
        Sent(file=Spooled(film), param="video"),
        Sent(file=Spooled(sound), param="audio"),
        Sent(file=Spooled(picture("png")), param="image"),
        Written(text=data_uri(sound), param="audio"),
        Written(text=URL, param="video"),
        Kept(media_id="result", param="video"),
    ]
    taken = await intake.take(sources, films=True)
    assert [one.kind for one in taken] == ["video", "audio", "image", "audio", "video", "video"]
    for one, body in zip(taken, (film, sound, picture("png"), sound, film, film), strict=True):
        assert (one.size, one.sha256) == (len(body), hashlib.sha256(body).hexdigest())
        assert await store.read(one.media_id) == body
        assert (one.width > 0) is (one.kind != "audio")
    assert (taken[0].fps, round(taken[0].seconds)) == (24, 2)
    again = await intake.take_again(taken[:2])
    assert await store.read(again[0].media_id) == film
    assert {one.media_id for one in again}.isdisjoint(one.media_id for one in taken)
    assert await asyncio.to_thread(os.listdir, tmp_path) == ["media"]


async def test_where_pictures_are_meant_a_film_is_none(intake: Intake) -> None:
    with pytest.raises(InvalidValue, match="is not a PNG, JPEG or WebP picture"):
        await intake.take([Sent(file=Spooled(a_film()), param="image")])


async def test_what_is_gone_is_not_taken_again_and_leaves_nothing(
    intake: Intake, tmp_path: Path
) -> None:
    one, other = await intake.take([Sent(file=Spooled(picture("png")), param="p")] * 2)
    await intake.drop([other])
    before = files(tmp_path)
    with pytest.raises(NotFound):
        await intake.take_again([one, other])
    assert files(tmp_path) == before


async def test_a_large_film_is_never_in_memory_as_a_whole(
    store: MediaStore, web: Web, tmp_path: Path
) -> None:
    size = 96 * 1024 * 1024
    small = a_film()
    box = (size - len(small)).to_bytes(4, "big") + b"free"  # as cameras leave room

    with (tmp_path / "large").open("w+b") as large:
        large.write(small + box)
        large.truncate(size)

        class Large(Spooled):
            @property
            @override
            def lent(self) -> BinaryIO:
                return large

        intake = Intake(CallersUrls(web), store, SystemClock(), folder=tmp_path)
        tracemalloc.start()
        try:
            (one,) = await intake.take(
                [Sent(file=Large(b"", size=size), param="video")], films=True
            )
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert one.size == size
    assert most < 24 * 1024 * 1024
