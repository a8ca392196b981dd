"""When to look: bounds that hold for jobs of 5 to 25 seconds, measured in virtual time."""

from __future__ import annotations

import asyncio
import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.virtual_time import VirtualClock, run_virtually

from jimeng_api.domain.progress import Item, Progress, Queue, Stage
from jimeng_api.polling.durations import Durations, Kind
from jimeng_api.polling.pace import Expectation, Pace, next_look, next_round
from jimeng_api.polling.poller import Poller, Watch

PACE = Pace()
KIND = Kind("cn", "jimeng-4.5", "2k", "text")
GUESS = Expectation(low=2.5, high=30)
FILM_GUESS = Expectation(low=45, high=240)


@dataclass
class Upstream:
    """An account whose jobs end when their time has come."""

    clock: VirtualClock
    ends: dict[str, float] = field(default_factory=dict)
    looks: list[tuple[float, int]] = field(default_factory=list)

    async def look(
        self, *, submit_ids: Sequence[str], history_ids: Sequence[str]
    ) -> Mapping[str, Progress]:
        now = self.clock.monotonic()
        self.looks.append((now, len(submit_ids)))
        return {name: self._seen(name, now) for name in submit_ids}

    def _seen(self, name: str, now: float) -> Progress:
        done = now >= self.ends[name]
        return Progress(
            submit_id=name,
            history_id=name,
            stage=Stage.DONE if done else Stage.RUNNING,
            status=50 if done else 42,
            items=(Item(id=name, url="u"),) if done else (),
            total=1,
            finished=int(done),
            finished_at=now if done else 0,
        )


@dataclass
class Measured:
    late: list[float]
    requests_per_job: float
    looks: list[float]
    seconds: float


def measure(
    in_flight: int,
    jobs: int,
    seed: int = 3,
    *,
    lasting: tuple[float, float] = (5, 25),
    guess: Expectation = GUESS,
    between: float = 0.0,
) -> Measured:
    """Keep `in_flight` jobs that last so many seconds going on one account until `jobs` have ended."""

    async def work() -> Measured:
        clock = VirtualClock(seed)
        chance = random.Random(seed)
        poller = Poller(clock)
        upstream = Upstream(clock)
        late: list[float] = []
        left = iter(range(jobs))

        async def one_after_another() -> None:
            for number in left:
                name = f"job{number}"
                sent = clock.monotonic()
                upstream.ends[name] = sent + chance.uniform(*lasting)
                watch = Watch(
                    account="a", submit_id=name, history_id=name, kind=KIND, first_guess=guess,
                    age=0, budget=1200, look=upstream.look, between=between,
                )  # fmt: skip
                async for _ in poller.follow(watch):
                    pass
                late.append(clock.monotonic() - upstream.ends[name])

        await asyncio.gather(*(one_after_another() for _ in range(in_flight)))
        looks = [at for at, _ in upstream.looks]
        return Measured(late, len(looks) / jobs + 1, looks, clock.monotonic())

    return run_virtually(work())


@pytest.mark.parametrize(("in_flight", "most"), [(1, 10), (20, 2), (100, 1.4)])
def test_a_finished_picture_is_seen_soon_with_few_requests(in_flight: int, most: float) -> None:
    measured = measure(in_flight, jobs=1000)
    tenths = statistics.quantiles(measured.late, n=10)
    assert statistics.median(measured.late) <= 0.6
    assert tenths[8] <= 1.2
    assert measured.requests_per_job <= most


def test_an_account_is_never_looked_at_more_than_once_a_second() -> None:
    looks = sorted(set(measure(100, jobs=600).looks))  # one look may be several calls
    pauses = [after - before for before, after in pairwise(looks)]
    assert min(pauses) >= 0.999


@pytest.mark.parametrize("in_flight", [1, 10, 40])
def test_films_are_looked_at_so_seldom_that_an_account_sends_a_request_in_five_seconds(
    in_flight: int,
) -> None:
    measured = measure(
        in_flight, jobs=20 * in_flight, lasting=(90, 180), guess=FILM_GUESS, between=6.0
    )
    pauses = [after - before for before, after in pairwise(sorted(set(measured.looks)))]
    assert min(pauses) >= 5.999
    assert len(measured.looks) / measured.seconds <= 1 / 6
    assert statistics.median(measured.late) <= 4
    assert max(measured.late) <= 7


def test_a_film_does_not_keep_pictures_of_its_account_waiting() -> None:
    """A picture is seen at its own pace while a film is followed beside it."""

    async def work() -> list[float]:
        clock = VirtualClock(1)
        poller = Poller(clock)
        upstream = Upstream(clock)
        late: list[float] = []

        async def one(name: str, seconds: float, guess: Expectation, between: float) -> None:
            upstream.ends[name] = clock.monotonic() + seconds
            watch = Watch(
                account="a", submit_id=name, history_id=name, kind=KIND._replace(mode=str(between)),
                first_guess=guess, age=0, budget=1200, look=upstream.look, between=between,
            )  # fmt: skip
            async for _ in poller.follow(watch):
                pass
            if not between:
                late.append(clock.monotonic() - upstream.ends[name])

        async def pictures() -> None:
            for number in range(20):
                await one(f"picture{number}", 5 + number, GUESS, 0.0)

        await asyncio.gather(pictures(), one("film", 300, FILM_GUESS, 6.0))
        return late

    assert statistics.median(run_virtually(work())) <= 0.7


@given(
    age=st.floats(0, 5000),
    low=st.floats(0.1, 600),
    spread=st.floats(0, 600),
    confirmed=st.booleans(),
    looked=st.booleans(),
    wait=st.none() | st.floats(0, 90_000),
    given_up=st.booleans(),
)
def test_the_next_look_is_never_in_the_past_and_never_further_than_the_slowest_wait(
    age: float,
    low: float,
    spread: float,
    confirmed: bool,
    looked: bool,
    wait: float | None,
    given_up: bool,
) -> None:
    expected = Expectation(low=low, high=low + spread)
    queue = Queue(waiting=wait is not None, wait_seconds=wait)
    due = next_look(
        PACE,
        expected,
        age=age,
        confirmed=confirmed,
        looked=looked,
        queue=queue,
        given_up=given_up,
    )
    slowest = PACE.slow_watch if given_up else PACE.slowest
    assert due >= age
    assert due - age <= max(slowest, low + PACE.step) + 1e-6


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_day_of_watching_what_was_given_up_takes_few_looks(confirmed: bool) -> None:
    ages = [1200.0]
    while ages[-1] < 1200 + 86_400:
        ages.append(
            next_look(
                PACE, GUESS, age=ages[-1], confirmed=confirmed, looked=len(ages) > 1, given_up=True
            )
        )
    assert len(ages) < 200
    assert ages[2] - ages[1] < 150  # what comes at all comes soon


def test_a_submission_in_doubt_is_asked_about_soon_and_then_less_often() -> None:
    ages = [0.0]
    while ages[-1] < 180:
        ages.append(next_look(PACE, GUESS, age=ages[-1], confirmed=False, looked=True))
    assert ages[1:6] == [2.0, 5.0, 10.0, 20.0, 40.0]


def test_a_job_far_back_in_line_is_looked_at_seldom() -> None:
    queue = Queue(position=5000, waiting=True, wait_seconds=3600)
    assert (
        next_look(PACE, GUESS, age=10, confirmed=True, looked=True, queue=queue)
        == 10 + PACE.slowest
    )


def test_a_round_waits_for_the_earliest_job_and_for_the_pause_since_the_last_round() -> None:
    assert next_round(PACE, [5.0, 3.0], last=0.0) == 3.0
    assert next_round(PACE, [5.0, 3.0], last=2.9) == 3.9
    assert next_round(PACE, [], last=2.9) is None


def test_what_jobs_took_lately_replaces_the_first_guess() -> None:
    durations = Durations()
    for seconds in range(20, 30):
        durations.add(KIND, seconds)
    assert durations.expected(KIND, GUESS) == Expectation(low=20, high=29)
    assert durations.expected(KIND._replace(site="us"), GUESS) == GUESS
