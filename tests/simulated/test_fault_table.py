"""Every kind of trouble upstream, met by a caller who waits, one who streams and one who hung up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jimeng_api.simulator.faults import FAULTS
from tests.answer import Answer
from tests.simulated.door import BLOB, GENERATE, PICTURE
from tests.simulated.fault_table import LEFT_OUT, QUICK, ROWS, Row
from tests.simulated.house import House

WAITS, STREAMS, LEAVES = (letter * 32 for letter in "abc")


@pytest.mark.speed(QUICK)
@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_trouble_ends_as_the_table_says(house: House, row: Row) -> None:
    upstream = house.upstream
    await house.start(confirmation_seconds=30.0, **row.settings)
    await upstream.time(seconds=row.seconds)
    keys = (WAITS, STREAMS, LEAVES)
    for key in keys:
        for order in row.faults:
            await upstream.control("POST", "/faults", {**order, "account": key})
        if row.closed:
            # Pictures are fetched and uploaded without a session.
            session = "" if row.closed_on in (PICTURE, BLOB) else key
            house.door.close(row.closed_on, session=session, times=row.closed, by=row.closed_by)
    if not row.known:
        house.unknown = row.accepted * len(keys)

    waited, streamed, left = await asyncio.gather(
        house.ask(row.route, WAITS, response_format="url", **row.body),
        house.ask(row.route, STREAMS, stream=True, response_format="url", **row.body),
        left_behind(house, row),
    )

    for key in keys:
        accepted = await upstream.submits(key)
        assert len(accepted) == row.accepted
        assert await upstream.charged(key) == row.accepted
        if row.uploads is not None:
            assert len(await upstream.uploads(key)) == row.uploads
        if row.sent is not None:
            assert times_sent(house, key) == row.sent
    if row.status == 200:
        check_pictures(row, waited, streamed, left)
    else:
        check_error(row, waited, streamed, left)
    assert await upstream.unspent() == 0, "some faults were not met"


async def left_behind(house: House, row: Row) -> dict[str, Any]:
    return await house.ended(await house.leave(LEAVES, route=row.route, **row.body), LEAVES)


def times_sent(house: House, key: str) -> int:
    return sum(
        GENERATE in request.url and f"sessionid={key}" in request.headers["cookie"]
        for request in house.door.asked
    )


def check_pictures(row: Row, waited: Answer, streamed: Answer, left: dict[str, Any]) -> None:
    assert waited.status == 200, waited.body
    assert len(waited.json["data"]) == row.pictures
    assert waited.headers.get("x-partial") == ("true" if row.partial else None)
    kind = "image_edit" if row.route == "edits" else "image_generation"
    assert [event["type"] for event in streamed.events] == [f"{kind}.completed"] * row.pictures
    assert left["status"] == "completed"
    assert left["error"] is None
    assert left["partial"] is row.partial
    assert sum(result["shown"] for result in left["results"]) == row.pictures


def check_error(row: Row, waited: Answer, streamed: Answer, left: dict[str, Any]) -> None:
    assert (waited.status, waited.error["type"], waited.error["code"]) == (
        row.status,
        row.type,
        row.code,
    )
    assert waited.headers.get("x-should-retry") == (None if row.resend else "false")
    assert ("retry-after" in waited.headers) >= row.retry_after
    (told,) = streamed.events
    assert left["status"] == "failed"
    for error in (waited.error, told["error"], left["error"]):
        assert (error["type"], error["code"], error["charge"]) == (row.type, row.code, row.charge)
        assert error["message"].isprintable()
        assert len(error["message"]) < 800


def test_every_fault_of_the_simulator_is_in_the_table() -> None:
    used = {order["fault"] for row in ROWS for order in row.faults}
    assert used | LEFT_OUT.keys() == FAULTS.keys()
    assert not used & LEFT_OUT.keys()
