"""The machine's clock is set while jobs run: nobody gets less time for it, nor more."""

from __future__ import annotations

import asyncio

import pytest
from typing_extensions import override

from tests.simulated.clock import FastClock
from tests.simulated.house import House, submits_sent

DAY = 86_400.0


class SetClock(FastClock):
    """A clock whose time of day can be set; the upstream has its own."""

    def __init__(self, clock: FastClock) -> None:
        super().__init__(clock.speed)
        self._began = clock._began
        self.ahead = 0.0

    @override
    def now(self) -> float:
        return super().now() + self.ahead


async def set_by(house: House, seconds: float) -> None:
    """The clock is set once something was sent and the upstream works on it."""
    assert isinstance(house.clock, SetClock)
    while not submits_sent(house):
        await house.clock.sleep(0.2)
    await house.clock.sleep(8)
    house.clock.ahead = seconds


@pytest.mark.parametrize("seconds", [DAY, -DAY])
@pytest.mark.parametrize("fault", [None, "accepted_then_reset", "html_502", "link_refused"])
async def test_a_job_under_way_is_collected_as_if_nothing_had_happened(
    house: House, seconds: float, fault: str | None
) -> None:
    house.clock = SetClock(house.clock)
    await house.start()
    await house.upstream.time(seconds=20)
    if fault == "html_502":
        await house.upstream.fault(fault, "poll", times=2)
    elif fault == "link_refused":
        await house.upstream.fault(fault, times=1)
    elif fault is not None:
        await house.upstream.fault(fault, "generate")
    answer, _ = await asyncio.gather(house.generate(), set_by(house, seconds))
    assert answer.status == 200, answer.body
    assert submits_sent(house) == 1


@pytest.mark.parametrize("seconds", [DAY, -DAY])
async def test_a_job_that_never_ends_is_given_up_when_its_time_is_over(
    house: House, seconds: float
) -> None:
    house.clock = SetClock(house.clock)
    await house.start(job_seconds=60.0)
    await house.upstream.fault("stuck", "generate")
    began = house.clock.monotonic()
    answer, _ = await asyncio.gather(house.generate(), set_by(house, seconds))
    assert (answer.status, answer.error["code"]) == (504, "generation_timeout")
    assert 55 <= house.clock.monotonic() - began <= 100
