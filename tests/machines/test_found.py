"""Single scenes: what the machines have found, and what none of their rules leads to."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from jimeng_api.accounts.session import Caller
from jimeng_api.generation.new_jobs import ready
from jimeng_api.jobs.job import Job, State, Submission
from tests.machines.upstream import Fate
from tests.machines.world import JOB_SECONDS, Life, World

BUSY = Fate(verdict="busy")


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.start()
    yield world
    world.close()


def ordered(world: World, fate: Fate) -> Job:
    world.books.fates.append(fate)
    desk, caller = world.lives[0].desk, world.caller("session-number-0")
    return world.do(desk.order(caller, ready(world.request("a cat")), asked_model="m"))


def begun_anew(world: World, *, seconds: float = 0.0) -> Life:
    world.end(world.lives[0], well=False)
    world.let_pass(seconds)
    return world.start()


def test_what_was_taken_back_just_before_a_crash_is_not_sent_by_the_next_gateway(
    world: World,
) -> None:
    job = ordered(world, BUSY)
    world.let_pass(1.0)
    assert world.jobs()[job.id].state is State.ACCEPTED  # refused, and waits to be sent again
    world.do(world.lives[0].store.cancel(job.id, at=world.now()))
    begun_anew(world)
    world.let_pass(100.0)
    found = world.jobs()[job.id]
    assert found.failure is not None
    assert (found.failure.code, found.failure.charge) == ("job_cancelled", "none")
    assert not world.books.taken


def test_what_was_taken_back_while_the_disk_was_away_is_not_sent_when_it_is_back(
    world: World,
) -> None:
    # The second attempt, ten to twelve seconds after the first, cannot be written down. When the disk is back
    # it will be tried again in some seconds, and the cancellation is quicker.
    job = ordered(world, BUSY)
    world.let_pass(5.0)
    world.server.away = True
    world.let_pass(11.0)
    world.server.away = False
    desk = world.lives[0].desk
    cancelled = world.do(desk.cancel(world.caller("session-number-0"), job.id))
    assert cancelled.failure is not None
    assert (cancelled.failure.code, cancelled.failure.charge) == ("job_cancelled", "none")
    world.let_pass(100.0)
    assert not world.books.taken


def test_what_was_not_sent_when_its_time_is_over_is_never_sent_and_costs_nothing(
    world: World,
) -> None:
    job = ordered(world, BUSY)
    world.let_pass(1.0)
    begun_anew(world, seconds=JOB_SECONDS)
    world.let_pass(1.0)
    found = world.jobs()[job.id]
    assert found.failure is not None
    assert (found.failure.code, found.failure.charge) == ("generation_timeout", "none")
    assert found.untouched
    assert not world.books.taken


def test_word_that_came_while_the_disk_was_away_is_looked_for_soon_after(world: World) -> None:
    job = ordered(world, BUSY)
    world.let_pass(1.0)
    store = world.lives[0].store
    world.server.away = True
    store.signals.work.set()  # some word comes, and the look that it leads to fails
    world.let_pass(2.0)
    world.server.away = False
    world.do(store.cancel(job.id, at=world.now()))
    world.let_pass(2.0)
    assert world.jobs()[job.id].state is State.FAILED


def test_what_an_earlier_release_accepted_without_an_account_gets_one_and_is_done(
    world: World,
) -> None:
    life = world.lives[0]
    caller = world.caller("session-number-0", "session-number-1")
    request = world.request("a cat")
    part = Submission(
        submit_id="s", job_id="job_1", number=0, gen_count=4, seed=request.seed, site="", account=""
    )
    job = Job(
        id="job_1", owner=caller.owner, asked_model="m", request=request, created_at=world.now(),
        deadline=world.now() + JOB_SECONDS, sessions=world.vault.seal(caller.sessions, row="job_1"),
        submissions=(part,),
    )  # fmt: skip
    world.do(life.store.accept(job))
    life = begun_anew(world)
    world.let_pass(60.0)
    found = world.jobs()["job_1"]
    assert found.state is State.COMPLETED
    assert found.submissions[0].account in {session.account for session in caller.sessions}
    assert [one.session for one in world.books.taken] == ["session-number-0"]
    assert life.placing.load(found.submissions[0].account) == 0


def test_a_job_ends_in_memory_and_on_the_disk_at_the_same_moment(world: World) -> None:
    job = ordered(world, Fate(seconds=5.0))
    world.let_pass(4.0)
    world.server.away = True
    over = world.now() + 20.0
    world.let_pass(20.0)
    world.server.away = False
    waiting = world.lives[0].desk.wait(world.caller("session-number-0"), job.id, seconds=100)
    ended = world.do(waiting)
    assert ended.finished_at == world.jobs()[job.id].finished_at
    assert (ended.finished_at or 0) < over  # and not when it could be written down at last


def test_a_caller_who_leaves_while_the_disk_is_away_leaves_no_error_behind(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    ordered(world, Fate())
    before = world.jobs()
    life = world.lives[0]
    caller = world.caller("session-number-0")

    async def leave(turns: int) -> None:
        asking = life.ask(life.desk.order(caller, ready(world.request("a cat")), asked_model="m"))
        for _ in range(turns):
            await world.clock.sleep(0)
        asking.cancel()

    world.server.away = True
    for turns in range(8):
        world.do(leave(turns))
        world.let_pass(1.0)
    world.server.away = False
    gc.collect()
    assert not [record for record in caplog.records if "never retrieved" in record.message]
    assert set(world.jobs()) == set(before)


@pytest.fixture
def two_gateways() -> Iterator[World]:
    """Each account makes one picture at a time."""
    world = World(shared=True, pause=1.0, at_once=1)
    world.start()
    world.start()
    yield world
    world.close()


def test_who_waits_gets_an_account_that_another_gateway_has_given_up(two_gateways: World) -> None:
    world = two_gateways
    here, there = world.lives
    pool = world.caller("session-number-0", "session-number-1")

    def order(life: Life, caller: Caller, seconds: float) -> Job:
        world.books.fates.append(Fate(seconds=seconds))
        request = ready(world.request("a cat"))
        job = world.do(life.desk.order(caller, request, asked_model="m"))
        world.let_pass(0.5)
        return job

    order(there, world.caller("session-number-1"), 30.0)
    order(here, pool, 700.0)
    waits = order(here, pool, 10.0)
    world.let_pass(20.0)
    assert world.jobs()[waits.id].state is State.ACCEPTED
    assert here.desk.line(waits) is not None
    world.let_pass(40.0)
    assert [one.session for one in world.books.taken] == [
        "session-number-1",
        "session-number-0",
        "session-number-1",
    ]
    assert world.jobs()[waits.id].state is State.COMPLETED
    assert here.desk.line(waits) is None
