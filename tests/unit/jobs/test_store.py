"""Jobs on disk: what is read is what was written, and one failed change is its own loss only."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
from sqlalchemy import func, select

from jimeng_api.clock import SystemClock
from jimeng_api.database.database import Superseded
from jimeng_api.database.schema import REVISION
from jimeng_api.domain.errors import NotFound, OutOfCredits, StorageUnavailable, UpstreamCode
from jimeng_api.domain.failure import Failure
from jimeng_api.jobs.job import State, Submission
from jimeng_api.jobs.store import TakenKey
from jimeng_api.jobs.tables import jobs, submissions
from tests.stores import OwnStore
from tests.unit.jobs.made import (
    FAILURE,
    FINISHING,
    INPUT,
    REQUEST,
    TIMED_OUT,
    a_job,
    a_part,
    a_picture,
    given_up,
    in_state,
)

ACCOUNT = a_part().account


async def moved(store: OwnStore, before: Submission, after: Submission, *, at: float = 2.0) -> None:
    await store.save(after.job_id, (before, after), at=at)


async def brought(store: OwnStore, part: Submission) -> None:
    """A job with this one submission, from its start straight to where the part stands."""
    start = replace(part, state=State.ACCEPTED, attempt=0, watched_until=None, failure=None)
    await store.accept(a_job(part.job_id, submissions=(start,)))
    await moved(store, start, part)


async def ids(store: OwnStore) -> set[str]:
    return {job.id for job in await store.at_work([ACCOUNT])}


# --------------------------------------------------------- what comes back ----


async def test_a_job_comes_back_as_it_was_written(store: OwnStore) -> None:
    job = a_job(parts=3, fingerprint="f" * 64)
    await store.accept(job)
    assert await store.find("owner", "job_1") == job


async def test_what_a_job_starts_from_comes_back_as_it_was_written(store: OwnStore) -> None:
    job = a_job(request=replace(REQUEST, inputs=(INPUT, INPUT), finishing=FINISHING))
    await store.accept(job)
    assert await store.find("owner", "job_1") == job
    await moved(store, a_part(), a_part().uploaded(["tos-1/a", "tos-1/b"]))
    assert (await store.find("owner", "job_1")).submissions[0].uploads == ("tos-1/a", "tos-1/b")


async def test_every_step_comes_back_as_it_was_written(store: OwnStore) -> None:
    job = a_job(parts=2)
    await store.accept(job)
    before = job.submissions[1]
    part = before.submitting(digest="d" * 64, at=1.5)
    for after, found in ((part, ()), (part.listed("h"), (a_picture(0), a_picture(1)))):
        job = job.moved(after, at=2.0).with_pictures(found)
        await store.save("job_1", (before, after), found, at=2.0)
        assert await store.find("owner", "job_1") == job
        before = after
    trouble = OutOfCredits("none left", param="n", retry_after=1.5)
    trouble.upstream = UpstreamCode("1006", "积分不足", "log")
    last_moves = (
        (before, before.collected()),
        (a_part(), a_part().failed(Failure.of(trouble))),
    )
    for before, after in last_moves:
        job = job.moved(after, at=9.5)
        await store.save("job_1", (before, after), at=9.5)
        assert await store.find("owner", "job_1") == job
    assert job.state is State.FAILED
    found_job = await store.find("owner", "job_1")
    assert found_job.failure is not None
    assert found_job.failure.error().upstream == trouble.upstream


@pytest.mark.parametrize("watched", [False, True])
async def test_a_refused_submission_comes_back_with_all_that_refused_it(
    store: OwnStore, watched: bool
) -> None:
    await store.accept(a_job())
    sent = a_part().submitting(digest="d", at=1.5)
    await moved(store, a_part(), sent)
    again = sent.refused(submit_id="s", site="us", account="b" * 32, refused_by=("c", "d"))
    await moved(store, sent, again)
    assert (await store.find("owner", "job_1")).submissions == (again,)
    ended = again.failed(TIMED_OUT, watched_until=7.25 if watched else None)
    await moved(store, again, ended)
    assert (await store.find("owner", "job_1")).submissions == (ended,)


async def test_the_sessions_of_a_job_go_with_the_last_thing_that_is_left_to_do(
    store: OwnStore,
) -> None:
    await store.accept(a_job(parts=2))
    first, second = given_up(State.SUBMITTING, until=50.0), a_part(number=1).failed(FAILURE)
    sent = a_part().submitting(digest="d", at=1.0)
    await moved(store, a_part(), sent)
    await moved(store, sent, first, at=3.0)
    assert (await store.find("owner", "job_1")).state is State.ACCEPTED  # its other half is to come
    await moved(store, a_part(number=1), second, at=4.0)
    job = await store.find("owner", "job_1")
    assert (job.state, job.finished_at, job.failure) == (State.FAILED, 4.0, TIMED_OUT)
    assert job.sessions
    late = first.collected()
    await store.save("job_1", (first, late), [a_picture()], at=60.0)
    job = await store.find("owner", "job_1")
    assert (job.state, job.finished_at, job.failure) == (State.FAILED, 4.0, TIMED_OUT)
    assert job.sessions == b""
    assert job.pictures == (a_picture(),)


async def test_what_the_disk_says_of_an_end_is_what_the_memory_says(store: OwnStore) -> None:
    """The rule stands twice, in `Job.moved` and in SQL: for every pair of ends they must say the same."""
    ends = [
        in_state(State.COMPLETED),
        in_state(State.RUNNING).collected(watched_until=100.0),
        in_state(State.FAILED),
        given_up(),
        given_up(State.RECONCILING).collected(),
        given_up().let_go(),
        in_state(State.RUNNING).failed(FAILURE),
    ]
    pairs = [(one, other) for one in ends for other in ends]
    for number, pair in enumerate(pairs):
        name = f"job_{number}"
        job = a_job(name, parts=2)
        await store.accept(job)
        for place, end in enumerate(pair):
            before = job.submissions[place]
            after = replace(end, job_id=name, number=place, submit_id=before.submit_id)
            job = job.moved(after, at=float(place))
            await moved(store, before, after, at=float(place))
            assert await store.find("owner", name) == job


async def test_another_owners_job_is_not_there(store: OwnStore) -> None:
    await store.accept(a_job())
    for owner, name in (("other", "job_1"), ("owner", "job_2"), ("", "job_1"), ("owner", "")):
        with pytest.raises(NotFound):
            await store.find(owner, name)
    assert await store.page("other", after=None, limit=10, newest_first=True) == []


@pytest.mark.parametrize("newest_first", [True, False])
async def test_pages_hold_every_job_once_also_those_of_the_same_moment(
    store: OwnStore, newest_first: bool
) -> None:
    # Three share a moment: the id decides between them, the same way on every database, whatever the
    # language that its server was set up in would make of these.
    names = ["job_A", "job_a", "job_B", "job_-", "job_1", "job_10", "job_2"]
    for number, name in enumerate(names):
        await store.accept(a_job(name, created_at=float(number // 3)))
    await store.accept(a_job("job_x", owner="other"))
    seen: list[str] = []
    after = None
    while page := await store.page("owner", after=after, limit=2, newest_first=newest_first):
        seen += [job.id for job in page]
        after = seen[-1]
    in_order = [*sorted(names[:3]), *sorted(names[3:6]), names[6]]
    assert seen == (in_order[::-1] if newest_first else in_order)


async def test_a_page_behind_a_job_that_is_not_there_is_refused(store: OwnStore) -> None:
    await store.accept(a_job("job_x", owner="other"))
    for mark in ("job_x", "nothing"):
        with pytest.raises(NotFound):
            await store.page("owner", after=mark, limit=2, newest_first=True)


async def test_a_picture_is_found_by_its_name_alone(store: OwnStore) -> None:
    await store.accept(a_job())
    await store.save("job_1", found=[a_picture()], at=1.0)
    assert await store.picture("job_1-media-0") == a_picture()
    with pytest.raises(NotFound):
        await store.picture("job_1-media-1")


async def test_a_submission_is_found_by_either_of_its_ids_for_its_owner_alone(
    store: OwnStore,
) -> None:
    for name, owner, at in (("job_1", "owner", 1.0), ("job_2", "owner", 2.0), ("job_3", "x", 3.0)):
        part = a_part(name, submit_id="the-submit")
        await store.accept(a_job(name, owner=owner, created_at=at, submissions=(part,)))
        sent = part.submitting(digest="d", at=1.0)
        await moved(store, part, sent)
        await moved(store, sent, sent.listed("the-history"))
    for id_ in ("the-submit", "the-history"):
        found = await store.submitted("owner", id_)
        assert found is not None
        assert found.id == "job_2"  # the newest, where a refusal put the same one back
        assert await store.submitted("nobody", id_) is None
    assert await store.submitted("owner", "another") is None


# ------------------------------------------------------- what is left to do ----


@pytest.mark.parametrize("state", State)
async def test_there_is_work_on_an_account_while_a_submission_has_not_ended(
    store: OwnStore, state: State
) -> None:
    await brought(store, in_state(state))
    account = in_state(state).account
    assert await store.work() == ({} if state.ended else {account: 1})
    assert [job.id for job in await store.at_work([account])] == ([] if state.ended else ["job_1"])


@pytest.mark.parametrize("part", [given_up(), in_state(State.RUNNING).collected(watched_until=9.0)])
async def test_there_is_work_on_an_account_while_a_result_or_its_rest_may_come_late(
    store: OwnStore, part: Submission
) -> None:
    await brought(store, part)
    assert await store.work() == {part.account: 1}
    assert [job.submissions for job in await store.at_work([part.account])] == [(part,)]
    await moved(store, part, part.let_go())
    assert await store.work() == {}
    assert await store.at_work([part.account]) == []


async def test_work_is_counted_by_account_and_found_oldest_first(store: OwnStore) -> None:
    for number, account in enumerate("abcab"):
        part = a_part(f"job_{number}", account=account)
        await store.accept(a_job(f"job_{number}", created_at=100.0 - number, submissions=(part,)))
    two = (a_part("both", account="a"), a_part("both", 1, account="c"))
    await store.accept(a_job("both", created_at=1.0, submissions=two))
    assert await store.work() == {"a": 3, "b": 2, "c": 2}
    assert [job.id for job in await store.at_work(["a"])] == ["both", "job_3", "job_0"]
    assert [job.id for job in await store.at_work(["c", "b"])] == [
        "both", "job_4", "job_2", "job_1",
    ]  # fmt: skip
    assert await store.at_work([]) == []
    assert await store.at_work(["nobody"]) == []


async def test_more_accounts_than_one_statement_can_name_are_asked_about_too(
    store: OwnStore,
) -> None:
    await store.accept(a_job())
    crowd = [f"account {number}" for number in range(12_000)]
    assert [job.id for job in await store.at_work([*crowd, ACCOUNT])] == ["job_1"]


async def test_what_was_taken_back_is_listed_until_it_has_ended(store: OwnStore) -> None:
    await store.accept(a_job())
    await store.accept(a_job("job_2"))
    await store.cancel("job_1", at=5.0)
    await store.cancel("job_1", at=6.0)
    assert await store.cancelled() == ["job_1"]
    assert (await store.find("owner", "job_1")).cancelled_at == 5.0
    await moved(store, a_part(), a_part().failed(FAILURE))
    assert await store.cancelled() == []
    assert (await store.find("owner", "job_1")).cancelled_at == 5.0


# -------------------------------------------------------- who moves it first ----


@pytest.mark.parametrize(
    "meanwhile",
    [
        in_state(State.SUBMITTING),
        in_state(State.SUBMITTING).refused(
            submit_id="job_1-0", site="cn", account=ACCOUNT, refused_by=()
        ),  # the same state again, and one attempt later
        in_state(State.FAILED),
    ],
)
async def test_only_one_of_two_moves_from_the_same_place_is_made(
    store: OwnStore, meanwhile: Submission
) -> None:
    await store.accept(a_job())
    await moved(store, a_part(), meanwhile)
    with pytest.raises(Superseded):
        await moved(store, a_part(), in_state(State.SUBMITTING))
    assert (await store.find("owner", "job_1")).submissions == (meanwhile,)


@pytest.mark.parametrize(
    "over", [in_state(State.COMPLETED), in_state(State.FAILED), given_up().let_go()]
)
async def test_nothing_moves_what_has_come_to_its_end(store: OwnStore, over: Submission) -> None:
    await brought(store, over)
    ended = await store.find("owner", "job_1")
    for after in (replace(over, failure=TIMED_OUT), replace(over, state=State.RUNNING)):
        with pytest.raises(Superseded):
            await moved(store, over, after, at=99.0)
    assert await store.find("owner", "job_1") == ended


async def test_a_move_of_a_job_that_is_not_there_is_refused(store: OwnStore) -> None:
    with pytest.raises(Superseded):
        await moved(store, a_part(), in_state(State.SUBMITTING))


async def test_of_many_moves_from_the_same_place_at_once_exactly_one_is_made(
    store: OwnStore,
) -> None:
    await store.accept(a_job())
    steps = [a_part().submitting(digest=f"d{number}", at=float(number)) for number in range(20)]
    results = await asyncio.gather(
        *(moved(store, a_part(), step) for step in steps), return_exceptions=True
    )
    made = [step for step, result in zip(steps, results, strict=True) if result is None]
    assert len(made) == 1
    assert all(result is None or isinstance(result, Superseded) for result in results)
    assert (await store.find("owner", "job_1")).submissions == (made[0],)


# ------------------------------------------------------------ whole or not ----


async def test_five_hundred_at_once_are_all_on_disk_when_they_are_told_so(
    store: OwnStore, database_url: str
) -> None:
    async def accept(number: int) -> str:
        await store.accept(a_job(f"job_{number}", parts=2))
        return f"job_{number}"

    told = await asyncio.gather(*map(accept, range(500)))
    found, parts = await store._database.read(
        lambda connection: (
            set(connection.execute(select(jobs.c.id)).scalars()),
            connection.execute(select(func.count()).select_from(submissions)).scalar_one(),
        )
    )
    assert found == set(told)
    assert parts == 1000


async def test_a_change_that_fails_does_not_take_the_others_along(store: OwnStore) -> None:
    await store.accept(a_job("job_7"))
    results = await asyncio.gather(
        *(store.accept(a_job(f"job_{number}")) for number in range(20)), return_exceptions=True
    )
    failed = [number for number, result in enumerate(results) if result is not None]
    assert failed == [7]
    assert isinstance(results[7], Superseded)
    assert len(await ids(store)) == 20


async def test_a_change_is_written_whole_or_not_at_all(store: OwnStore) -> None:
    await store.accept(a_job())
    twice = (a_picture(0), a_picture(0))
    part = a_part().submitting(digest="d", at=1.0)
    with pytest.raises(Superseded):
        await store.save("job_1", (a_part(), part), twice, at=1.0)
    assert await store.find("owner", "job_1") == a_job()


async def test_a_writer_that_is_cancelled_leaves_its_change_to_be_written(store: OwnStore) -> None:
    writing = asyncio.create_task(store.accept(a_job()))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await store.accept(a_job("job_2"))
    assert await ids(store) == {"job_1", "job_2"}


async def test_changes_are_written_in_the_order_in_which_they_came(store: OwnStore) -> None:
    await store.accept(a_job())
    parts = [replace(a_part(), attempt=number) for number in range(40)]
    await asyncio.gather(*(moved(store, before, after) for before, after in pairwise(parts)))
    assert (await store.find("owner", "job_1")).submissions == (parts[-1],)


# ------------------------------------------------------------------- keys ----


async def test_a_key_belongs_to_its_first_job_and_to_its_owner(store: OwnStore) -> None:
    await store.accept(a_job(fingerprint="f"), key=TakenKey(key="k"))
    await store.accept(a_job("job_2", owner="other"), key=TakenKey(key="k"))
    found = await store.keyed("owner", "k")
    assert found is not None
    assert found.id == "job_1"
    assert await store.keyed("owner", "another") is None
    assert await store.keyed("nobody", "k") is None
    with pytest.raises(Superseded):
        await store.accept(a_job("job_3"), key=TakenKey(key="k"))
    with pytest.raises(NotFound):  # its job went with it
        await store.find("owner", "job_3")


async def test_a_key_that_its_job_needs_no_more_goes_to_one_other(store: OwnStore) -> None:
    await store.accept(a_job(), key=TakenKey(key="k"))
    results = await asyncio.gather(
        *(
            store.accept(a_job(f"job_{number}"), key=TakenKey(key="k", freed="job_1"))
            for number in range(2, 8)
        ),
        return_exceptions=True,
    )
    assert [result for result in results if result is None] == [None]
    taken = await store.keyed("owner", "k")
    assert taken is not None
    assert taken.id == f"job_{2 + results.index(None)}"
    assert await ids(store) == {"job_1", taken.id}


async def test_a_key_may_hold_whatever_a_header_may(store: OwnStore) -> None:
    for key in ("", "'; --", "a" * 255, "ключ-鍵"):
        name = f"job_{len(key)}"
        await store.accept(a_job(name), key=TakenKey(key=key))
        found = await store.keyed("owner", key)
        assert found is not None
        assert found.id == name


async def test_alike_are_an_owners_jobs_for_the_same_that_are_not_long_over(
    store: OwnStore,
) -> None:
    for name, owner, fingerprint in (
        ("runs", "owner", "f"), ("other", "else", "f"), ("differs", "owner", "g"),
        ("old", "owner", "f"), ("fresh", "owner", "f"), ("plain", "owner", ""),
    ):  # fmt: skip
        await store.accept(a_job(name, owner=owner, fingerprint=fingerprint))
    for name, at in (("old", 99.0), ("fresh", 100.0)):
        await moved(store, a_part(name), a_part(name).failed(FAILURE), at=at)
    found = await store.alike("owner", "f", since=100.0)
    assert {job.id for job in found} == {"runs", "fresh"}


# ------------------------------------------------------------ opening again ----


async def test_another_gateway_on_the_same_database_reads_what_was_written(
    database_url: str,
) -> None:
    first = OwnStore(database_url, SystemClock())
    await first.open()
    await first.accept(a_job())
    await first.close()
    second = OwnStore(database_url, SystemClock())
    await second.open()
    assert await second.at_work([ACCOUNT]) == [a_job()]
    assert await second.database.alive()
    await second.close()


async def test_opening_again_changes_nothing(database_url: str) -> None:
    revision = None
    for _ in range(2):
        store = OwnStore(database_url, SystemClock())
        await store.open()
        revision = await store._database.read(
            lambda connection: connection.exec_driver_sql(
                "SELECT version_num FROM alembic_version"
            ).scalar()
        )
        await store.close()
    assert revision == REVISION


async def test_the_tables_are_those_that_the_migrations_lead_to(store: OwnStore) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    import jimeng_api.jobs.tables  # noqa: F401 - adds its own
    from jimeng_api.database.tables import metadata

    different = await store._database.read(
        lambda connection: compare_metadata(MigrationContext.configure(connection), metadata)
    )
    assert different == []


async def test_a_store_that_was_not_opened_is_away(database_url: str) -> None:
    store = OwnStore(database_url, SystemClock())
    with pytest.raises(StorageUnavailable):
        await store.find("owner", "job_1")
    await store.close()


async def test_what_waits_to_be_written_when_the_connection_is_lost_is_refused_and_not_written(
    store: OwnStore,
) -> None:
    under_way = asyncio.create_task(store.accept(a_job("job_1")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting = asyncio.create_task(store.accept(a_job("job_2")))
    await asyncio.sleep(0)
    await store.reconnect()
    await under_way
    with pytest.raises(StorageUnavailable):
        await waiting
    assert await ids(store) == {"job_1"}
