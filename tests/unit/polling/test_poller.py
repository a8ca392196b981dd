"""The waiting loop, against an upstream that does what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import pairwise

import pytest
from tests.virtual_time import VirtualClock, run_virtually

from jimeng_api.domain.errors import (
    GatewayError,
    GenerationTimedOut,
    SessionExpired,
    SubmissionUnconfirmed,
    UpstreamUnreachable,
)
from jimeng_api.domain.progress import Item, Progress, Stage
from jimeng_api.polling.durations import Kind
from jimeng_api.polling.pace import Expectation, Pace
from jimeng_api.polling.poller import Look, Poller, Watch

Answer = Callable[[Sequence[str], Sequence[str]], Mapping[str, Progress]]


def seen(name: str, stage: Stage = Stage.RUNNING, items: int = 0) -> Progress:
    return Progress(
        submit_id=name,
        history_id=f"h-{name}",
        stage=stage,
        status=0,
        items=tuple(Item(id=f"{name}-{number}", url="u") for number in range(items)),
        total=items,
        finished=items,
    )


def looking(answer: Answer) -> Look:
    async def look(
        *, submit_ids: Sequence[str], history_ids: Sequence[str]
    ) -> Mapping[str, Progress]:
        return answer(submit_ids, history_ids)

    return look


def watch(
    name: str,
    look: Look,
    *,
    account: str = "a",
    confirmed: bool = True,
    age: float = 0,
    budget: float = 1200,
    given_up: bool = False,
) -> Watch:
    return Watch(
        account=account,
        submit_id=name,
        history_id=f"h-{name}" if confirmed else None,
        kind=Kind("cn", "m", "2k", "text"),
        first_guess=Expectation(low=2, high=20),
        age=age,
        budget=budget,
        look=look,
        given_up=given_up,
    )


async def last_of(poller: Poller, watched: Watch) -> Progress | None:
    seen_last = None
    async for sight in poller.follow(watched):
        seen_last = sight.progress
    return seen_last


def run(work: Callable[[VirtualClock, Poller], Awaitable[None]], **poller: object) -> None:
    async def with_clock() -> None:
        clock = VirtualClock()
        await work(clock, Poller(clock, **poller))  # type: ignore[arg-type]

    run_virtually(with_clock())


def test_all_due_jobs_of_an_account_are_asked_about_in_one_call() -> None:
    calls: list[int] = []

    def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
        calls.append(len(submit_ids))
        return {name: seen(name, Stage.DONE, 1) for name in submit_ids}

    async def work(clock: VirtualClock, poller: Poller) -> None:
        await asyncio.gather(*(last_of(poller, watch(f"j{n}", looking(answer))) for n in range(30)))

    run(work)
    assert calls == [30]


def test_more_jobs_than_one_call_may_name_are_asked_about_in_several() -> None:
    calls: list[int] = []

    def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
        calls.append(len(submit_ids))
        return {name: seen(name, Stage.DONE, 1) for name in submit_ids}

    async def work(clock: VirtualClock, poller: Poller) -> None:
        await asyncio.gather(*(last_of(poller, watch(f"j{n}", looking(answer))) for n in range(30)))

    run(work, pace=Pace(most_ids=12))
    assert calls == [12, 12, 6]


def test_looks_that_fail_are_repeated_ever_less_often_and_the_job_is_not_lost() -> None:
    moments: list[float] = []

    async def work(clock: VirtualClock, poller: Poller) -> None:
        def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
            moments.append(clock.monotonic())
            if len(moments) < 8:
                raise UpstreamUnreachable("down")
            return {name: seen(name, Stage.DONE, 1) for name in submit_ids}

        assert await last_of(poller, watch("j", looking(answer))) is not None

    run(work)
    pauses = [after - before for before, after in pairwise(moments)]
    assert pauses[0] < pauses[-1] <= 36


def test_a_defect_in_a_look_does_not_end_the_waiting() -> None:
    calls = 0

    def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ZeroDivisionError
        return {name: seen(name, Stage.DONE, 1) for name in submit_ids}

    async def work(clock: VirtualClock, poller: Poller) -> None:
        assert await last_of(poller, watch("j", looking(answer))) is not None

    run(work)


def test_a_session_that_dies_under_a_job_has_a_quarter_of_an_hour_to_come_back() -> None:
    async def work(clock: VirtualClock, poller: Poller) -> None:
        def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
            raise SessionExpired("dead")

        with pytest.raises(SessionExpired):
            await last_of(poller, watch("j", looking(answer)))
        assert 900 <= clock.monotonic() <= 960

    run(work)


def test_a_session_that_comes_back_in_time_brings_its_jobs_back() -> None:
    async def work(clock: VirtualClock, poller: Poller) -> None:
        def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
            if clock.monotonic() < 600:
                raise SessionExpired("dead")
            return {name: seen(name, Stage.DONE, 1) for name in submit_ids}

        assert await last_of(poller, watch("j", looking(answer))) is not None

    run(work)


def test_a_session_that_is_dead_is_not_asked_again_for_what_was_given_up() -> None:
    asked: list[float] = []

    async def work(clock: VirtualClock, poller: Poller) -> None:
        def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
            asked.append(clock.monotonic())
            raise SessionExpired("dead")

        with pytest.raises(SessionExpired):
            await last_of(poller, watch("j", looking(answer), age=1300, budget=9000, given_up=True))

    run(work)
    assert len(asked) == 1


def test_an_upstream_that_says_when_to_come_back_is_not_asked_before() -> None:
    asked: list[float] = []

    async def work(clock: VirtualClock, poller: Poller) -> None:
        def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
            asked.append(clock.monotonic())
            raise UpstreamUnreachable("in a minute", retry_after=60)

        with pytest.raises(GenerationTimedOut):
            await last_of(poller, watch("j", looking(answer)))

    run(work)
    assert len(asked) > 10
    assert all(60 <= later - earlier <= 73 for earlier, later in pairwise(asked))


def test_an_account_may_have_been_looked_at_the_moment_before_it_came_here() -> None:
    asked: list[float] = []

    async def work(clock: VirtualClock, poller: Poller) -> None:
        def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
            asked.append(clock.monotonic())
            return {name: seen(name, Stage.DONE, 1) for name in submit_ids}

        await last_of(poller, watch("j", looking(answer), age=60))

    run(work)
    assert asked == [1.0]


def test_a_job_that_ended_while_nobody_looked_says_nothing_of_how_long_such_jobs_take() -> None:
    asked: list[float] = []

    async def work(clock: VirtualClock, poller: Poller) -> None:
        def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
            asked.append(clock.monotonic())
            return {name: seen(name, Stage.DONE, 1) for name in submit_ids}

        old = (watch(f"old {n}", looking(answer), age=900) for n in range(30))
        await asyncio.gather(*(last_of(poller, one) for one in old))
        await clock.sleep(10)
        began = clock.monotonic()
        await last_of(poller, watch("new", looking(answer)))
        assert asked[-1] - began < 3

    run(work)


def test_a_job_that_its_submit_id_does_not_find_is_asked_for_by_its_history_id() -> None:
    def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
        return {name: seen("j", Stage.DONE, 1) for name in history_ids}

    async def work(clock: VirtualClock, poller: Poller) -> None:
        progress = await last_of(poller, watch("j", looking(answer)))
        assert progress is not None
        assert progress.items

    run(work)


def test_a_submission_in_doubt_that_never_appears_ends_unconfirmed_after_few_questions() -> None:
    asked: list[float] = []

    async def work(clock: VirtualClock, poller: Poller) -> None:
        def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
            asked.append(clock.monotonic())
            return {}

        with pytest.raises(SubmissionUnconfirmed):
            await last_of(poller, watch("j", looking(answer), confirmed=False))

    run(work)
    assert 180 <= asked[-1] <= 215
    assert len(asked) <= 11


def test_an_account_at_rest_is_forgotten_and_one_that_comes_back_is_served() -> None:
    def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
        return {name: seen(name, Stage.DONE, 1) for name in submit_ids}

    async def work(clock: VirtualClock, poller: Poller) -> None:
        for name in ("first", "second"):
            await last_of(poller, watch(name, looking(answer)))
            await clock.sleep(5)
            assert poller.following("a") == 0
            assert not poller._accounts

    run(work)


def test_a_look_begins_a_second_after_the_end_of_the_one_before_however_slow_that_was() -> None:
    looks: list[tuple[float, float]] = []

    async def work(clock: VirtualClock, poller: Poller) -> None:
        async def look(
            *, submit_ids: Sequence[str], history_ids: Sequence[str]
        ) -> Mapping[str, Progress]:
            began = clock.monotonic()
            await clock.sleep(0.7 if len(looks) % 2 else 0.1)  # held up here, or on its way
            looks.append((began, clock.monotonic()))
            stage = Stage.DONE if began > 20 else Stage.RUNNING
            return {name: seen(name, stage, 1) for name in submit_ids}

        async def follow(number: int) -> None:
            await clock.sleep(number * 0.7)
            await last_of(poller, watch(f"j{number}", look))

        await asyncio.gather(*map(follow, range(10)))

    run(work)
    assert len(looks) > 10
    assert all(began - ended >= 1 - 1e-9 for (_, ended), (began, _) in pairwise(looks))


def test_what_somebody_else_may_have_looked_at_just_now_is_looked_at_in_a_second() -> None:
    moments: list[float] = []

    async def work(clock: VirtualClock, poller: Poller) -> None:
        def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
            moments.append(clock.monotonic())
            return {name: seen(name, Stage.DONE, 1) for name in submit_ids}

        await last_of(poller, watch("j", looking(answer), age=30))

    run(work)
    assert moments == [1.0]


def test_a_waiter_that_leaves_stops_the_looks() -> None:
    calls = 0

    def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
        nonlocal calls
        calls += 1
        return {name: seen(name) for name in submit_ids}

    async def work(clock: VirtualClock, poller: Poller) -> None:
        waiting = asyncio.create_task(last_of(poller, watch("j", looking(answer))))
        await clock.sleep(10)
        waiting.cancel()
        await clock.sleep(1)
        before = calls
        await clock.sleep(100)
        assert calls == before

    run(work)


def test_every_kind_of_error_of_a_look_is_survived() -> None:
    left = [UpstreamUnreachable, SessionExpired, GatewayError]

    def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
        if left:
            raise left.pop()("trouble")
        return {name: seen(name, Stage.DONE, 1) for name in submit_ids}

    async def work(clock: VirtualClock, poller: Poller) -> None:
        assert await last_of(poller, watch("j", looking(answer))) is not None

    run(work)


def test_a_job_is_given_up_at_its_time_and_not_a_look_later() -> None:
    async def work(clock: VirtualClock, poller: Poller) -> None:
        def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
            return {name: seen(name) for name in submit_ids}

        with pytest.raises(GenerationTimedOut):
            await last_of(poller, watch("j", looking(answer)))
        assert 1200 <= clock.monotonic() <= 1201.1

    run(work)


@pytest.mark.parametrize("trouble", ["fails", "hangs", "says to come back tomorrow"])
def test_looks_that_bring_nothing_hold_nobody_beyond_the_time_of_the_job(trouble: str) -> None:
    async def work(clock: VirtualClock, poller: Poller) -> None:
        async def look(
            *, submit_ids: Sequence[str], history_ids: Sequence[str]
        ) -> Mapping[str, Progress]:
            if trouble == "hangs":
                await clock.sleep(50_000)
            tomorrow = 86_400 if trouble == "says to come back tomorrow" else None
            raise UpstreamUnreachable("down", retry_after=tomorrow)

        with pytest.raises(GenerationTimedOut):
            await last_of(poller, watch("j", look))
        assert 1200 <= clock.monotonic() <= 1202

    run(work)


def test_what_was_given_up_is_collected_hours_later() -> None:
    calls: list[float] = []

    async def work(clock: VirtualClock, poller: Poller) -> None:
        def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
            calls.append(clock.monotonic())
            there = clock.monotonic() > 8 * 3600
            return {name: seen("j", Stage.DONE, 1) for name in submit_ids} if there else {}

        late = watch("j", looking(answer), age=1200, budget=87_600, given_up=True)
        progress = await last_of(poller, late)
        assert progress is not None
        assert progress.items
        assert clock.monotonic() < 8 * 3600 + 660

    run(work)
    assert len(calls) < 120


def test_what_was_given_up_and_never_comes_is_let_go_after_its_day() -> None:
    async def work(clock: VirtualClock, poller: Poller) -> None:
        def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
            return {}

        late = watch("j", looking(answer), age=1200, budget=87_600, given_up=True)
        with pytest.raises(GenerationTimedOut):
            await last_of(poller, late)
        assert 86_400 <= clock.monotonic() <= 86_402

    run(work)


def test_two_who_follow_the_same_submission_are_both_told_and_leave_by_themselves() -> None:
    looks: list[list[str]] = []

    async def work(clock: VirtualClock, poller: Poller) -> None:
        def answer(submit_ids: Sequence[str], history_ids: Sequence[str]) -> Mapping[str, Progress]:
            looks.append(list(submit_ids))
            done = clock.monotonic() > 60
            return {
                name: seen(name, Stage.DONE if done else Stage.RUNNING, 1) for name in submit_ids
            }

        followers = [
            asyncio.create_task(last_of(poller, watch("j", looking(answer)))) for _ in range(3)
        ]
        await clock.sleep(30)
        followers[0].cancel()
        found = await asyncio.gather(*followers[1:])
        assert [one.stage for one in found if one] == [Stage.DONE] * 2
        assert poller.following("a") == 0

    run(work)
    assert set(map(tuple, looks)) <= {("j",) * 3, ("j",) * 2}
