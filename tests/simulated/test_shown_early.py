"""Streams that show pictures before the last one is finished."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.forms import multipart, picture
from tests.simulated.asgi import Talk
from tests.simulated.house import CAT, KEY, House, until

PARTIAL = "image_generation.partial_image"
COMPLETED = "image_generation.completed"
OTHER = "f" * 32

Events = list[dict[str, Any]]


async def streamed(house: House, key: str = KEY, /, **body: Any) -> tuple[Events, Events]:
    """What was shown early, and the rest."""
    answer = await house.generate(key, stream=True, **body)
    assert answer.status == 200, answer.body
    return parted(answer.events)


def parted(events: Events) -> tuple[Events, Events]:
    early = [event for event in events if event.get("type", "").endswith(".partial_image")]
    assert events[: len(early)] == early
    return early, events[len(early) :]


def types(events: Events) -> list[str]:
    return [event["type"] for event in events]


@pytest.fixture
async def slow(gateway: House) -> House:
    """Pictures appear one after the other, some looks apart."""
    await gateway.upstream.time(looks=24)
    await gateway.upstream.fault("items_one_by_one", times=-1)
    return gateway


async def test_pictures_are_shown_as_they_are_finished_and_again_at_the_end(slow: House) -> None:
    early, rest = await streamed(slow, n=4, partial_images=3)
    assert types(rest) == [COMPLETED] * 4
    assert 1 <= len(early) <= 3
    assert types(early) == [PARTIAL] * len(early)
    assert [event["partial_image_index"] for event in early] == list(range(len(early)))
    whole = [event["b64_json"] for event in rest]
    assert [event["b64_json"] for event in early] == whole[: len(early)]
    assert len(set(whole)) == 4


async def test_an_early_picture_is_told_of_as_the_last_ones_are(slow: House) -> None:
    early, rest = await streamed(slow, n=2, partial_images=1)
    first, again = early[0], rest[0]
    assert base64.b64decode(first["b64_json"])[:4] == b"\x89PNG"
    said = {name: first[name] for name in ("created_at", "size", "background", "output_format")}
    assert said == {name: again[name] for name in said}
    assert "usage" not in first
    assert "partial_image_index" not in again


async def test_showing_them_asks_nothing_more_of_the_upstream(gateway: House) -> None:
    """What the upstream shows is given to both in the same way, and they are asked for it as often."""
    asked = []
    for key, most in ((KEY, 0), (OTHER, 3)):
        await gateway.upstream.time(looks=24)
        await gateway.upstream.fault("items_one_by_one")
        before = [await gateway.upstream.requests(one) for one in ("poll", "picture")]
        early, _ = await streamed(gateway, key, n=4, partial_images=most)
        assert bool(early) == bool(most)
        after = [await gateway.upstream.requests(one) for one in ("poll", "picture")]
        asked.append([b - a for a, b in zip(before, after, strict=True)])
    assert asked == [[24, 4], [24, 4]]


@pytest.mark.parametrize("more", [{}, {"partial_images": 0}, {"partial_images": None}])
async def test_who_does_not_ask_is_shown_none(slow: House, more: dict[str, Any]) -> None:
    early, rest = await streamed(slow, n=4, **more)
    assert (early, types(rest)) == ([], [COMPLETED] * 4)


async def test_no_more_are_shown_early_than_were_asked_for(house: House) -> None:
    """Two of four are there for a long time, until the job's time is over."""
    await house.start(job_seconds=60.0)
    await house.upstream.fault("stuck", status=45, items=2, times=-1)
    for most in (1, 2, 3):
        early, rest = await streamed(house, n=4, partial_images=most, seed=most)
        assert types(early) == [PARTIAL] * min(most, 2)
        assert types(rest) == [COMPLETED] * 2


async def test_pictures_that_come_all_at_once_are_shown_once(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    early, rest = await streamed(gateway, n=4, partial_images=3)
    assert (early, types(rest)) == ([], [COMPLETED] * 4)


async def test_what_will_not_be_answered_is_not_shown_early(slow: House) -> None:
    """The upstream makes four where one was asked for."""
    await slow.upstream.fault("other_count", "generate", count=4)
    early, rest = await streamed(slow, n=1, partial_images=3)
    assert [event["b64_json"] for event in early] == [event["b64_json"] for event in rest]
    assert len(rest) == 1


async def test_pictures_of_one_task_are_shown_while_another_runs(gateway: House) -> None:
    await gateway.upstream.time(looks=2)
    await gateway.upstream.fault("takes", nth=2, looks=40)
    early, rest = await streamed(gateway, n=10, partial_images=2)
    assert (types(early), types(rest)) == ([PARTIAL] * 2, [COMPLETED] * 10)
    assert {event["b64_json"] for event in early} < {event["b64_json"] for event in rest}


async def test_links_are_shown_to_those_who_ask_for_links(slow: House) -> None:
    early, rest = await streamed(slow, n=2, partial_images=1, response_format="url")
    assert all("url" in event and "b64_json" not in event for event in early + rest)
    assert early[0]["url"] == rest[0]["url"]
    assert (await slow.fetch(early[0]["url"])).status == 200


async def test_edits_call_them_by_their_own_name(slow: House) -> None:
    fields = {"prompt": "x", "n": "2", "stream": "true", "partial_images": "1"}
    body, headers = multipart([("image", picture(640, 360)), *fields.items()])
    answer = await slow.call("POST", "/v1/images/edits", talk=Talk(body=body), headers=headers)
    assert types(answer.events) == ["image_edit.partial_image"] + ["image_edit.completed"] * 2


async def test_a_job_that_fails_after_all_says_so_behind_what_it_had_shown(gateway: House) -> None:
    await gateway.upstream.time(looks=2)
    await gateway.upstream.fault("takes", nth=2, looks=40)
    await gateway.upstream.fault("text_block", nth=2)
    early, rest = await streamed(gateway, n=10, partial_images=1)
    assert types(early) == [PARTIAL]
    assert [event["error"]["code"] for event in rest] == ["moderation_blocked"]


async def test_a_caller_who_comes_back_is_shown_what_there_is(house: House) -> None:
    await house.start(job_seconds=60.0)
    await house.upstream.fault("stuck", status=45, items=2)
    job = await house.leave(n=4)
    await until(lambda: len(house.kept()) == 2)
    body = {**CAT, "n": 4, "stream": True, "partial_images": 3}
    again = {"x-stainless-retry-count": "1"}
    answer = await house.call("POST", "/v1/images/generations", body, headers=again)
    early, rest = parted(answer.events)
    assert answer.headers["x-job-id"] == job
    assert (types(early), types(rest)) == ([PARTIAL] * 2, [COMPLETED] * 2)
    assert await house.upstream.charged(KEY) == 1


@pytest.mark.parametrize("wrong", [-1, 4, 1.5, True, "some"])
async def test_other_numbers_are_refused(gateway: House, wrong: object) -> None:
    answer = await gateway.generate(stream=True, partial_images=wrong)
    assert (answer.status, answer.error["param"]) == (400, "partial_images")
    assert await gateway.upstream.submits(KEY) == []
