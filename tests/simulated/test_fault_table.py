"""Every kind of trouble upstream, met by callers who wait, who ask in another way, and who hung up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from jimeng_api.simulator.faults import FAULTS
from tests.answer import Answer
from tests.simulated.asgi import Talk
from tests.simulated.door import BEST_FILM, BLOB, FILM, GENERATE, PICTURE
from tests.simulated.faults import FILMS, LEFT_OUT, PICTURES, QUICK, Row
from tests.simulated.house import House

WAITS, OTHERWISE, LEAVES = (letter * 32 for letter in "abc")
WAVES: dict[str, Any] = {
    "model": "jimeng-video-seedance-2.5", "prompt": "waves", "resolution": "480p", "seconds": 4,
}  # fmt: skip


@dataclass(frozen=True)
class Heard:
    """What the three callers heard: `waited` and `left` of every job alike, `other` in another form."""

    waited: Answer
    other: Any
    left: dict[str, Any]


class Pictures:
    """The other caller has them streamed."""

    async def heard(self, house: House, row: Row) -> Heard:
        order = {"response_format": "url", **row.body}
        return Heard(
            *await asyncio.gather(
                house.ask(row.route, WAITS, **order),
                house.ask(row.route, OTHERWISE, stream=True, **order),
                self._left(house, row),
            )
        )

    async def _left(self, house: House, row: Row) -> dict[str, Any]:
        return await house.ended(await house.leave(LEAVES, route=row.route, **row.body), LEAVES)

    def check(self, row: Row, heard: Heard) -> None:
        kind = "image_edit" if row.route == "edits" else "image_generation"
        found = [event["type"] for event in heard.other.events]
        assert found == [f"{kind}.completed"] * row.results

    def told(self, heard: Heard) -> dict[str, Any]:
        (told,) = heard.other.events
        error: dict[str, Any] = told["error"]
        return error


class Films:
    """The other caller orders as OpenAI's clients do, and looks until it is there."""

    async def heard(self, house: House, row: Row) -> Heard:
        order = {**WAVES, **row.body}
        return Heard(
            *await asyncio.gather(
                house.call("POST", "/v1/videos/generations", order, key=WAITS),
                self._created(house, order),
                self._left(house, order),
            )
        )

    async def _created(self, house: House, order: dict[str, Any]) -> dict[str, Any]:
        made = await house.call("POST", "/v1/videos", order, key=OTHERWISE)
        assert (made.status, made.json["status"]) == (200, "queued")
        await house.ended(made.json["id"].replace("video_", "job_"), OTHERWISE)
        found = await house.call("GET", f"/v1/videos/{made.json['id']}", key=OTHERWISE)
        video: dict[str, Any] = found.json
        return video

    async def _left(self, house: House, order: dict[str, Any]) -> dict[str, Any]:
        talk = Talk()
        talk.gone.set()
        answer = await house.call("POST", "/v1/videos/generations", order, key=LEAVES, talk=talk)
        assert answer.status == 499
        return await house.ended(answer.headers["x-job-id"], LEAVES)

    def check(self, row: Row, heard: Heard) -> None:
        assert (heard.other["status"], heard.other["error"]) == ("completed", None)
        assert heard.other["url"]

    def told(self, heard: Heard) -> dict[str, Any]:
        assert heard.other["status"] == "failed"
        error: dict[str, Any] = heard.other["error"]
        return error


@pytest.mark.speed(QUICK)
@pytest.mark.parametrize("row", PICTURES, ids=str)
async def test_trouble_with_pictures_ends_as_the_table_says(house: House, row: Row) -> None:
    await ends_as_told(house, row, Pictures())


@pytest.mark.speed(QUICK)
@pytest.mark.parametrize("row", FILMS, ids=str)
async def test_trouble_with_films_ends_as_the_table_says(house: House, row: Row) -> None:
    await ends_as_told(house, row, Films())


async def ends_as_told(house: House, row: Row, kind: Pictures | Films) -> None:
    upstream = house.upstream
    await house.start(confirmation_seconds=30.0, **row.settings)
    await upstream.time(seconds=row.seconds)
    keys = (WAITS, OTHERWISE, LEAVES)
    for key in keys:
        for order in row.faults:
            await upstream.control("POST", "/faults", {**order, "account": key})
        if row.closed:
            # Results are fetched and files are uploaded without a session.
            session = "" if row.closed_on in (PICTURE, FILM, BEST_FILM, BLOB) else key
            house.door.close(row.closed_on, session=session, times=row.closed, by=row.closed_by)
    if not row.known:
        house.unknown = row.accepted * len(keys)

    heard = await kind.heard(house, row)

    for key in keys:
        accepted = await upstream.submits(key)
        assert len(accepted) == row.accepted
        assert await upstream.charged(key) == row.accepted
        if row.uploads is not None:
            assert len(await upstream.uploads(key)) == row.uploads
        if row.sent is not None:
            assert times_sent(house, key) == row.sent
    if row.status == 200:
        check_results(row, heard)
        kind.check(row, heard)
    else:
        check_error(row, heard, kind.told(heard))
    assert await upstream.unspent() == 0, "some faults were not met"


def times_sent(house: House, key: str) -> int:
    return sum(
        GENERATE in request.url and f"sessionid={key}" in request.headers["cookie"]
        for request in house.door.asked
    )


def check_results(row: Row, heard: Heard) -> None:
    waited, left = heard.waited, heard.left
    assert waited.status == 200, waited.body
    assert len(waited.json["data"]) == row.results
    assert waited.headers.get("x-partial") == ("true" if row.partial else None)
    assert left["status"] == "completed"
    assert left["error"] is None
    assert left["partial"] is row.partial
    assert sum(result["shown"] for result in left["results"]) == row.results


def check_error(row: Row, heard: Heard, told: dict[str, Any]) -> None:
    waited, left = heard.waited, heard.left
    assert (waited.status, waited.error["type"], waited.error["code"]) == (
        row.status,
        row.type,
        row.code,
    )
    assert waited.headers.get("x-should-retry") == (None if row.resend else "false")
    assert ("retry-after" in waited.headers) >= row.retry_after
    assert left["status"] == "failed"
    for error in (waited.error, told, left["error"]):
        assert (error["type"], error["code"], error["charge"]) == (row.type, row.code, row.charge)
        assert error["message"].isprintable()
        assert len(error["message"]) < 800


def test_every_fault_of_the_simulator_is_in_a_table() -> None:
    used = {order["fault"] for row in (*PICTURES, *FILMS) for order in row.faults}
    assert used | LEFT_OUT.keys() == FAULTS.keys()
    assert not used & LEFT_OUT.keys()
