"""What a job starts from reaches the account that is to work on it: once, and before anything is paid for."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from PIL import Image

from jimeng_api.domain.inputs import Input
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.generation.new_jobs import ready
from jimeng_api.media.callers_urls import CallersUrls
from jimeng_api.media.intake import Intake, Sent
from jimeng_api.media.store import MediaStore
from tests.simulated.door import GENERATE
from tests.simulated.house import KEY, House, until

OTHER = "fedcba9876543210fedcba9876543210"
COLOURS = ("red", "lime", "blue")


class Photo:
    """A file of one colour."""

    def __init__(self, colour: str, size: tuple[int, int] = (320, 240)) -> None:
        body = io.BytesIO()
        Image.new("RGB", size, colour).save(body, "PNG")
        self._body = body.getvalue()

    @property
    def size(self) -> int:
        return len(self._body)

    @property
    def lent(self) -> BinaryIO:
        return io.BytesIO(self._body)

    async def read(self) -> bytes:
        return self._body


async def taken(house: House, *colours: str) -> tuple[Input, ...]:
    store = MediaStore(house.folder / "media")
    intake = Intake(CallersUrls(house.door), store, house.clock)
    return await intake.take([Sent(file=Photo(colour), param="image") for colour in colours])


async def ordered(house: House, *colours: str, key: str = KEY, **values: Any) -> str:
    """The id of a job that starts from pictures of these colours."""
    request = ImageRequest(
        model="jimeng-4.5", prompt="side by side", ratio="1:1", resolution="2k",
        width=2048, height=2048, seed=1, count=1, inputs=await taken(house, *colours), **values,
    )  # fmt: skip
    desk = house.gateway.desk
    job = await desk.order(house._caller(key), ready(request), asked_model="jimeng-4.5")
    return job.id


def kept_inputs(house: House) -> list[Path]:
    return [path for path in (house.folder / "media").rglob("in-*") if path.is_file()]


@pytest.fixture(autouse=True)
async def _quick(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)


@pytest.mark.parametrize("site", ["", "us-", "hk-", "jp-", "sg-"])
async def test_pictures_are_uploaded_to_every_site_and_used_in_the_callers_order(
    gateway: House, site: str
) -> None:
    job = await gateway.ended(await ordered(gateway, *COLOURS, key=site + KEY), site + KEY)
    assert job["status"] == "completed"
    (submit,) = (await gateway.upstream.ledger(""))["submits"]
    by_uri = {row["uri"]: row["crc32"] for row in await gateway.upstream.uploads()}
    assert len(by_uri) == len(COLOURS)
    (written,) = gateway.written()
    assert submit["inputs"] == written["uploads"].split("\n")
    result = Image.open(io.BytesIO((await gateway.fetch(job["results"][0]["url"])).body))
    drawn = {colour for _, colour in result.convert("RGB").getcolors(2**24) or ()}
    assert {(255, 0, 0), (0, 255, 0), (0, 0, 255)} <= drawn


async def test_a_restart_does_not_upload_again_what_the_account_has(gateway: House) -> None:
    hold = gateway.door.hold_before(GENERATE)
    job_id = await ordered(gateway, "red", "blue")
    await hold.reached.wait()
    await gateway.crash()
    await gateway.start()
    # In doubt whether it left: it is looked for, and never sent again.
    job = await gateway.ended(job_id)
    assert job["error"]["code"] == "submission_unconfirmed"
    assert len(await gateway.upstream.uploads()) == 2


async def test_an_account_that_is_busy_is_not_sent_its_pictures_again(gateway: House) -> None:
    await gateway.upstream.fault("too_many_running", times=2)
    job = await gateway.ended(await ordered(gateway, "red", "blue"))
    assert job["status"] == "completed"
    assert len(await gateway.upstream.uploads()) == 2


async def test_another_account_gets_pictures_of_its_own(gateway: House) -> None:
    await gateway.upstream.fault("no_credits", "generate", account=KEY)
    job = await gateway.ended(await ordered(gateway, "red", key=f"{KEY},{OTHER}"), f"{KEY},{OTHER}")
    assert job["status"] == "completed"
    first, second = await gateway.upstream.uploads()
    assert first["account"] != second["account"]
    (submit,) = await gateway.upstream.submits(OTHER)
    assert submit["inputs"] == [second["uri"]]


async def test_a_session_that_is_dead_at_the_upload_is_passed_over(gateway: House) -> None:
    await gateway.upstream.account(KEY, dead=True)
    job = await gateway.ended(await ordered(gateway, "red", key=f"{KEY},{OTHER}"), f"{KEY},{OTHER}")
    assert job["status"] == "completed"
    assert len(await gateway.upstream.submits(OTHER)) == 1


@pytest.mark.parametrize(
    "fault", ["blob_refused", "crc_mismatch", "session_key_unknown", "commit_failed"]
)
async def test_an_upload_that_fails_now_and_then_is_not_seen_by_the_caller(
    gateway: House, fault: str
) -> None:
    await gateway.upstream.fault(fault, times=2)
    job = await gateway.ended(await ordered(gateway, "red", "blue"))
    assert job["status"] == "completed"
    assert await gateway.upstream.unspent() == 0


@pytest.mark.parametrize("fault", ["blob_refused", "commit_failed"])
async def test_an_upload_that_fails_for_good_costs_nothing(gateway: House, fault: str) -> None:
    await gateway.upstream.fault(fault, times=-1)
    job = await gateway.ended(await ordered(gateway, "red"))
    assert (job["error"]["code"], job["error"]["charge"]) == ("upload_failed", "none")
    assert await gateway.upstream.submits(KEY) == []


async def test_a_picture_that_the_content_check_refuses_is_never_submitted(gateway: House) -> None:
    await gateway.upstream.fault("content_risk", times=-1)
    job = await gateway.ended(await ordered(gateway, "red"))
    assert (job["error"]["code"], job["error"]["charge"]) == ("moderation_blocked", "none")
    assert await gateway.upstream.submits(KEY) == []


async def test_a_job_that_is_taken_back_while_it_uploads_is_never_submitted(gateway: House) -> None:
    hold = gateway.door.hold_before("/upload/")
    job_id = await ordered(gateway, "red")
    await hold.reached.wait()
    cancelled = await gateway.call("POST", f"/v1/jobs/{job_id}/cancel")
    assert cancelled.status == 200
    hold.go.set()
    job = await gateway.settled(job_id)
    assert (job["error"]["code"], job["error"]["charge"]) == ("job_cancelled", "none")
    assert await gateway.upstream.submits(KEY) == []


# ------------------------------------------------------------- what is kept ----


async def test_a_job_that_nothing_came_of_leaves_no_picture_of_the_callers_behind(
    gateway: House,
) -> None:
    await gateway.upstream.account(KEY, dead=True)
    await gateway.settled(await ordered(gateway, "red", "blue"))
    await until(lambda: kept_inputs(gateway) == [])


async def test_what_a_finished_job_started_from_is_kept_for_a_while(gateway: House) -> None:
    await gateway.settled(await ordered(gateway, "red", "blue"))
    assert len(kept_inputs(gateway)) == 2
