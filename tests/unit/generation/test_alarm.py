"""One task that wakes others at their moments."""

from __future__ import annotations

import asyncio

from jimeng_api.generation.alarm import Alarm
from tests.virtual_time import VirtualClock, run_virtually


def rung(*moments: tuple[float, str], again: float | None = None) -> list[tuple[float, str]]:
    """What rings when, after these were set; each sets itself `again` once."""

    async def ring_all() -> list[tuple[float, str]]:
        heard: list[tuple[float, str]] = []
        clock = VirtualClock()

        def ring(what: str) -> None:
            heard.append((clock.monotonic(), what))
            if again is not None and not what.endswith("!"):
                alarm.at(clock.monotonic() + again, f"{what}!")

        alarm: Alarm[str] = Alarm(clock, ring)
        for moment, what in moments:
            alarm.at(moment, what)
        await asyncio.sleep(1000)
        alarm.clear()
        return heard

    return run_virtually(ring_all())


def test_it_rings_in_the_order_of_the_moments() -> None:
    assert rung((30, "c"), (10, "a"), (20, "b")) == [(10, "a"), (20, "b"), (30, "c")]


def test_a_thing_rings_once_at_its_earliest_moment() -> None:
    assert rung((30, "a"), (10, "a"), (20, "a")) == [(10, "a")]


def test_who_is_woken_may_set_it_again() -> None:
    assert rung((10, "a"), (20, "b"), again=5) == [(10, "a"), (15, "a!"), (20, "b"), (25, "b!")]
    assert rung((10, "a"), again=0) == [(10, "a"), (10, "a!")]


def test_what_is_off_or_cleared_does_not_ring() -> None:
    async def scene() -> list[str]:
        heard: list[str] = []
        alarm: Alarm[str] = Alarm(VirtualClock(), heard.append)
        alarm.at(10, "a")
        alarm.at(11, "b")
        alarm.off("a")
        await asyncio.sleep(20)
        alarm.at(30, "c")
        alarm.clear()
        await asyncio.sleep(20)
        alarm.at(50, "d")
        await asyncio.sleep(20)
        return heard

    assert run_virtually(scene()) == ["b", "d"]
