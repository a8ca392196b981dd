"""A submission of which nothing was left to be done, and which has been seen upstream after all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jimeng_api.database.database import Superseded
from jimeng_api.jobs.job import IllegalMove, State, Submission
from tests.stores import OwnStore
from tests.unit.jobs.made import a_job, a_picture, given_up, in_state

OTHER = "b" * 32


def again(part: Submission) -> Submission:
    return part.watched_again(site="us", account=OTHER, history_id="h2", until=500.0)


def let_go(**values: object) -> Submission:
    return given_up(**values).let_go()  # type: ignore[arg-type]


def test_it_is_open_again_and_failed_as_before() -> None:
    part = again(let_go())
    assert (part.open, part.state, part.watched_until) == (True, State.FAILED, 500.0)
    assert (part.site, part.account, part.history_id) == ("us", OTHER, "h2")
    assert part.failure == let_go().failure
    assert part.collected().open is False


@pytest.mark.parametrize("state", [one for one in State if one is not State.FAILED])
def test_only_what_failed_can_be_watched_again(state: State) -> None:
    with pytest.raises(IllegalMove):
        again(in_state(state))


def test_what_is_watched_already_is_left_to_its_watcher() -> None:
    with pytest.raises(IllegalMove):
        again(given_up())


async def failed(store: OwnStore, part: Submission) -> None:
    start = replace(
        part, state=State.ACCEPTED, attempt=0, watched_until=None, failure=None, history_id=None
    )
    await store.accept(a_job(part.job_id, submissions=(start,)))
    await store.save(part.job_id, (start, part), at=2.0)


async def test_whoever_works_on_its_account_finds_it_with_fresh_sessions(store: OwnStore) -> None:
    part = let_go()
    await failed(store, part)
    assert (await store.find("owner", "job_1")).sessions == b""
    assert await store.work() == {}
    await store.watch("job_1", again(part), sessions=b"fresh")
    job = await store.find("owner", "job_1")
    assert (job.sessions, job.submissions) == (b"fresh", (again(part),))
    assert (job.state, job.finished_at) == (State.FAILED, 2.0)
    assert await store.work() == {OTHER: 1}
    assert [one.id for one in await store.at_work([OTHER])] == ["job_1"]


async def test_its_sessions_are_wiped_when_the_watch_ends(store: OwnStore) -> None:
    part = let_go()
    await failed(store, part)
    await store.watch("job_1", again(part), sessions=b"fresh")
    await store.save("job_1", (again(part), again(part).collected()), [a_picture()], at=9.0)
    job = await store.find("owner", "job_1")
    assert (job.sessions, job.late, job.finished_at) == (b"", True, 2.0)


async def test_of_two_who_would_watch_it_again_the_second_hears_of_it(store: OwnStore) -> None:
    part = let_go()
    await failed(store, part)
    await store.watch("job_1", again(part), sessions=b"first")
    with pytest.raises(Superseded):
        await store.watch("job_1", again(part), sessions=b"second")
    assert (await store.find("owner", "job_1")).sessions == b"first"
