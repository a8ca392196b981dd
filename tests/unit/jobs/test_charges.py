"""What submissions cost is kept with them, and settled once they have ended."""

from __future__ import annotations

from dataclasses import replace

from jimeng_api.jobs.charges import Settled
from jimeng_api.jobs.job import State, Submission
from tests.stores import OwnStore
from tests.unit.jobs.made import a_job, in_state

ACCOUNT = "a" * 32


async def sent(
    store: OwnStore, name: str, *, price: int | None = 4, at: float = 100.0
) -> Submission:
    """A submission that was sent, and has ended."""
    first = replace(a_job(name).submissions[0], account=ACCOUNT, submit_id=f"submit {name}")
    await store.accept(a_job(name, submissions=(first,)))
    sending = first.submitting(digest="d", at=at, price=price)
    await store.save(name, (first, sending), at=at)
    running = sending.listed("h")
    await store.save(name, (sending, running), at=at)
    done = running.collected()
    await store.save(name, (running, done), at=at + 10)
    return done


async def test_what_was_sent_and_has_ended_waits_to_be_settled(store: OwnStore) -> None:
    await sent(store, "job_1")
    await store.accept(a_job("job_2"))
    found = await store.charges.unsettled([ACCOUNT])
    assert [(one.job_id, one.price, one.delivered) for one in found[ACCOUNT]] == [
        ("job_1", 4, True)
    ]
    assert found[ACCOUNT][0].ended_at == 110.0


async def test_what_is_settled_waits_no_more_and_is_shown_with_the_job(store: OwnStore) -> None:
    done = await sent(store, "job_1")
    settled = Settled(job_id="job_1", number=0, submit_id=done.submit_id, charged=3)
    await store.charges.settle([settled])
    assert not await store.charges.unsettled([ACCOUNT])
    (part,) = (await store.find("owner", "job_1")).submissions
    assert (part.price, part.charged, part.unsettled) == (4, 3, False)


async def test_a_settlement_of_another_submission_changes_nothing(store: OwnStore) -> None:
    await sent(store, "job_1")
    await store.charges.settle([Settled(job_id="job_1", number=0, submit_id="another", charged=99)])
    assert await store.charges.unsettled([ACCOUNT])


async def test_what_nobody_could_settle_for_long_is_given_up(store: OwnStore) -> None:
    await sent(store, "job_1", at=100.0)
    await sent(store, "job_2", at=200.0)
    assert await store.charges.give_up(before=150.0) == 1
    assert [one.job_id for one in (await store.charges.unsettled([ACCOUNT]))[ACCOUNT]] == ["job_2"]


async def test_an_owner_has_spent_what_was_charged_and_else_what_was_expected(
    store: OwnStore,
) -> None:
    done = await sent(store, "job_1", price=4)
    await store.charges.settle(
        [Settled(job_id="job_1", number=0, submit_id=done.submit_id, charged=3)]
    )
    await sent(store, "job_2", price=5)
    await sent(store, "job_3", price=None)
    promised = replace(a_job("job_4").submissions[0], price=7)
    await store.accept(a_job("job_4", submissions=(promised,)))
    unsent = replace(in_state(State.FAILED, job_id="job_5"), price=100, sent_at=None)
    await store.accept(a_job("job_5", submissions=(unsent,)))
    await store.accept(
        a_job("job_6", owner="another", submissions=(replace(promised, job_id="job_6"),))
    )
    assert await store.charges.spent("owner", since=0.0) == 3 + 5 + 7
    assert await store.charges.spent("owner", since=2e9) == 0
