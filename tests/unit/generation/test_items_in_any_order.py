"""Pictures that appear one by one, in whatever order: each is kept once and none stands in another's way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from typing_extensions import override

from jimeng_api.accounts.session import Session
from jimeng_api.catalog.sites import Site
from jimeng_api.clock import SystemClock
from jimeng_api.domain.errors import InternalError, StorageUnavailable
from jimeng_api.domain.progress import Item, Progress, Stage
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.domain.results import Picture
from jimeng_api.domain.secret import Secret
from jimeng_api.generation.collecting import Collecting
from jimeng_api.generation.open_job import OpenJob
from jimeng_api.generation.placing import Placing
from jimeng_api.generation.run import Generation
from jimeng_api.generation.sending import Sending
from jimeng_api.generation.uploading import Uploading
from jimeng_api.jobs.job import Job, State, Submission
from jimeng_api.media.keeper import Keeper
from jimeng_api.media.store import MediaStore
from jimeng_api.polling.pace import Pace
from jimeng_api.polling.poller import Poller
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.uploads import Uploader
from tests.stores import OwnStore

SESSION = Session(site="cn", secret=Secret("0123456789abcdef"), account="account")
REQUEST = ImageRequest(
    model="jimeng-4.5",
    prompt="a cat",
    ratio="1:1",
    resolution="2k",
    width=2048,
    height=2048,
    seed=1,
)


class HastyClock(SystemClock):
    """Seconds are thousandths."""

    @override
    def now(self) -> float:
        return super().now() * 1000

    @override
    def monotonic(self) -> float:
        return super().monotonic() * 1000

    @override
    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 1000)


class Telling:
    """An upstream that takes a job and then shows these items, look by look."""

    def __init__(self, *looks: str) -> None:
        self.looks = list(looks)
        self.submits = 0
        self.total = 4

    def link(self, letter: str) -> str:
        return letter

    async def submit(self, site: Site, session: Secret, payload: bytes) -> Progress:
        self.submits += 1
        return Progress(submit_id="s", history_id="h", stage=Stage.WAITING, status=20)

    async def look(
        self,
        site: Site,
        session: Secret,
        *,
        submit_ids: Sequence[str],
        history_ids: Sequence[str] = (),
    ) -> dict[str, Progress]:
        shown = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        last = len(self.looks) == 1
        return {
            name: Progress(
                submit_id=name,
                history_id="h",
                stage=Stage.DONE if last else Stage.PARTIAL,
                status=50 if last else 45,
                items=tuple(Item(id=letter, url=self.link(letter)) for letter in shown),
                total=self.total,
                finished=len(shown),
                finished_at=1.0 if last else 0.0,
            )
            for name in submit_ids
        }


class Album:
    """Keeps every item that it is given."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    async def keep(self, item: Item, *, number: int, **_: Any) -> Picture:
        await asyncio.sleep(0)
        self.kept.append(item.id)
        return Picture(
            media_id=f"media-{item.id}-{number}", number=number, item_id=item.id,
            content_type="image/png", width=1, height=1, size=1, sha256="",
        )  # fmt: skip


async def carried(folder: Path, upstream: Telling, album: Album, *, parts: int = 1) -> Job:
    clock = HastyClock()
    store = OwnStore(f"sqlite:///{folder / 'jobs.db'}", clock)
    await store.open()
    now = clock.now()
    job = Job(
        id="job", owner="o", asked_model="m", request=REQUEST, created_at=now, deadline=now + 60_000,
        submissions=tuple(
            Submission(
                submit_id=f"s{number}", job_id="job", number=number, gen_count=4, seed=1,
                site=SESSION.site, account=SESSION.account,
            )
            for number in range(parts)
        ),
    )  # fmt: skip
    await store.accept(job)
    await store.claims.take([SESSION.account])
    opened = OpenJob(job, store, clock)
    placing = Placing(store.claims)
    generation = Generation(
        sending=Sending(
            upstream=cast(UpstreamClient, upstream),
            # Nothing here starts from pictures.
            uploading=Uploading(cast(Uploader, None), MediaStore(folder / "media")),
            placing=placing,
            clock=clock,
            constants=Constants(),
        ),
        collecting=Collecting(
            upstream=cast(UpstreamClient, upstream),
            poller=Poller(clock, pace=replace(Pace(), slowest=1.0)),
            keeper=cast(Keeper, album),
            placing=placing,
            clock=clock,
            name_media=lambda *parts: "-".join(parts),
        ),
        placing=placing,
        clock=clock,
    )
    async with asyncio.timeout(10):
        for part in job.submissions:
            opened.take(part)
        await asyncio.gather(
            *(generation.run(opened, part.number, (SESSION,)) for part in job.submissions)
        )
    found = await store.find("o", "job")
    await store.close()
    assert found == opened.job
    return found


@pytest.mark.parametrize(
    "looks",
    [
        ("abcd",),
        ("a", "ab", "abc", "abcd"),
        ("d", "cd", "bcd", "abcd"),
        ("b", "ab", "dab", "dcab"),
        ("ab", "cd", "abcd"),
        ("abcd", "a", "abcd"),
        ("", "c", "", "dcba"),
    ],
)
async def test_items_in_any_order_are_each_kept_once(
    tmp_path: Path, looks: tuple[str, ...]
) -> None:
    album = Album()
    job = await carried(tmp_path, Telling(*looks), album)
    assert job.state is State.COMPLETED
    assert sorted(album.kept) == list("abcd")
    assert sorted(picture.item_id for picture in job.pictures) == list("abcd")
    assert len({picture.number for picture in job.pictures}) == 4


async def test_the_order_is_the_upstreams_where_it_does_not_change(tmp_path: Path) -> None:
    job = await carried(tmp_path, Telling("a", "ab", "abcd"), Album())
    assert [picture.item_id for picture in job.pictures] == list("abcd")


async def test_links_that_are_signed_anew_for_every_look_are_no_news(tmp_path: Path) -> None:
    class Signing(Telling):
        def __init__(self, *looks: str) -> None:
            super().__init__(*looks)
            self.total = 5  # one more than will ever come
            self.signed = 0

        @override
        def link(self, letter: str) -> str:
            self.signed += 1
            return f"{letter}?signature={self.signed}"

    job = await carried(tmp_path, Signing("abcd"), Album())
    assert job.state is State.COMPLETED
    assert job.finished_at is not None
    assert job.finished_at - job.created_at < 1000  # its own time would be 60,000


async def test_a_defect_while_keeping_ends_the_job_and_says_that_it_may_have_cost(
    tmp_path: Path,
) -> None:
    class Broken(Album):
        @override
        async def keep(self, item: Item, *, number: int, **_: Any) -> Picture:
            raise ZeroDivisionError

    job = await carried(tmp_path, Telling("abcd"), Broken())
    assert job.failure is not None
    assert job.failure.code == InternalError.code
    assert job.failure.charge == "unknown"


async def test_a_store_that_is_away_for_a_while_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, failures = OwnStore.save, iter(range(6))

    async def away(self: OwnStore, *args: Any, **values: Any) -> None:
        if next(failures, None) is not None:
            raise StorageUnavailable("away")
        await save(self, *args, **values)

    monkeypatch.setattr(OwnStore, "save", away)
    upstream = Telling("abcd")
    job = await carried(tmp_path, upstream, Album())
    assert job.state is State.COMPLETED
    assert upstream.submits == 1
