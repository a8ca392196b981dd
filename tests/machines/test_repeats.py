"""Requests that are sent again, with a key and without: what is paid twice is only what was ordered twice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from jimeng_api.accounts.session import Caller
from jimeng_api.domain.errors import JobStillRunning, KeyReused
from jimeng_api.generation.new_jobs import ready
from jimeng_api.jobs.job import Job
from jimeng_api.jobs.repeats import KEPT_SECONDS, Repeat
from tests.machines.profile import run
from tests.machines.upstream import Fate
from tests.machines.world import Life, World

DAY = 86_400.0
FATES = {
    "well": Fate(seconds=5.0),
    "slowly": Fate(seconds=700.0),
    "refused": Fate(verdict="refuse"),
    "failed and charged": Fate(seconds=5.0, ending="fails"),
    "taken unseen": Fate(verdict="take, then break", listed_after=1e9),
    "never sent, for all that is known": Fate(verdict="break"),
}
# Few of each, so that much of it meets.
owners = st.sampled_from([*["session-number-0"] * 4, "session-number-1"])
bodies = st.sampled_from([*["a cat"] * 3, "a dog"])
keys = st.sampled_from(["k", "k", "l"])
outcomes = st.sampled_from([*FATES, "refused"])
which = st.integers(0, 9)
often_the_last = st.sampled_from([-1, -1, 0, 1, 2])
soon = st.sampled_from([0.0, 1.0])
late = st.sampled_from([0.0, 1.0, 30.0, DAY + 100])


@dataclass(frozen=True)
class Ordered:
    """What is known of a job: of all outcomes, only a refusal takes nothing."""

    id: str
    owner: str
    body: str
    outcome: str


class Repeats(RuleBasedStateMachine):
    """The model is two dicts: what was ordered, and which job has a key."""

    gateways = 1

    @initialize()
    def begin(self) -> None:
        self.world = World(shared=self.gateways > 1, pause=3600.0)
        self.ordered: dict[str, Ordered] = {}
        self.keys: dict[tuple[str, str], str] = {}
        self.answered: set[str] = set()
        self.waits: list[tuple[str, asyncio.Task[Job]]] = []
        for _ in range(self.gateways):
            self.world.start()

    # ---------------------------------------------------------------- the model

    def free(self, one: Ordered) -> bool:
        """Whether the job that has a key needs it no more."""
        job = self.world.jobs()[one.id]
        if job.finished_at is None or any(part.open for part in job.submissions):
            return False
        return one.outcome == "refused" or job.finished_at + DAY < self.world.now()

    def has(self, owner: str, key: str) -> Ordered | None:
        """The job that the key belongs to at this moment."""
        job_id = self.keys.get((owner, key))
        found = None if job_id is None else self.ordered[job_id]
        return None if found is None or self.free(found) else found

    def meant(self, owner: str, body: str) -> set[str]:
        """The jobs that are as likely as each other to be meant by a request that is sent again."""
        jobs, now = self.world.jobs(), self.world.now()
        awaited = {job_id for job_id, wait in self.waits if not wait.done()}
        ranks: dict[str, tuple[bool, bool, float]] = {}
        for one in self.ordered.values():
            job = jobs[one.id]
            lately = job.finished_at is None or job.finished_at >= now - KEPT_SECONDS
            nothing = one.outcome == "refused" and job.finished_at is not None
            if (one.owner, one.body) == (owner, body) and lately and not nothing:
                ranks[one.id] = (one.id in awaited, one.id in self.answered, -job.created_at)
        return {job_id for job_id, rank in ranks.items() if rank == min(ranks.values())}

    def note(self, job_id: str, owner: str, body: str, outcome: str) -> None:
        assert job_id not in self.ordered, "an earlier job in place of a new one"
        self.ordered[job_id] = Ordered(job_id, owner, body, outcome)

    # ------------------------------------------------------------------ posting

    def life(self, number: int) -> Life:
        return self.world.lives[number % len(self.world.lives)]

    def post(
        self, owner: str, said: list[Repeat], outcome: str, *, turns: int = 0, first: int = 0
    ) -> list[str | None]:
        """The jobs of these requests, made so many turns of the loop apart; None where a key was reused."""
        caller = self.world.caller(owner)
        self.world.books.fates.clear()
        self.world.books.fates.extend([FATES[outcome]] * len(said))

        async def one(number: int, repeat: Repeat) -> str | None:
            for _ in range(number * turns):
                await asyncio.sleep(0)
            return await self.order(self.life(first + number), caller, repeat)

        async def every() -> list[str | None]:
            return await asyncio.gather(*(one(*each) for each in enumerate(said)))

        return self.world.do(every())

    async def order(self, life: Life, caller: Caller, repeat: Repeat) -> str | None:
        request = self.world.request(repeat.fingerprint)
        try:
            job = await life.desk.order(caller, ready(request), asked_model="m", repeat=repeat)
        except KeyReused:
            return None
        return job.id

    @rule(
        owner=owners,
        body=bodies,
        key=keys,
        again=st.booleans(),
        outcome=outcomes,
        times=st.integers(1, 3),
        turns=st.integers(0, 8),
        passes=late,
    )
    def with_a_key(
        self,
        owner: str,
        body: str,
        key: str,
        again: bool,
        outcome: str,
        times: int,
        turns: int,
        passes: float,
    ) -> None:
        expected = self.has(owner, key)
        said = [Repeat(fingerprint=body, key=key, again=again)] * times
        got = self.post(owner, said, outcome, turns=turns)
        if expected is None:
            assert len({*got}) == 1, "one key, and two jobs"
            assert got[0] is not None
            self.note(got[0], owner, body, outcome)
            self.keys[owner, key] = got[0]
        elif expected.body == body:
            assert got == [expected.id] * times
        else:
            assert got == [None] * times
        self.world.let_pass(passes)

    @rule(owner=owners, body=bodies, outcome=outcomes, times=st.integers(1, 2), passes=soon)
    def anew(self, owner: str, body: str, outcome: str, times: int, passes: float) -> None:
        """The same order placed so many times: it is meant so many times."""
        got = self.post(owner, [Repeat(fingerprint=body)] * times, outcome)
        assert len({*got}) == times, "two orders, and one job"
        for job_id in got:
            assert job_id is not None
            self.note(job_id, owner, body, outcome)
        self.world.let_pass(passes)

    @rule(owner=owners, body=bodies, outcome=outcomes, times=st.integers(1, 2), gateway=which)
    def again(self, owner: str, body: str, outcome: str, times: int, gateway: int) -> None:
        """A client that saw no answer; where it is alone, it may also mean a job of its own last time."""
        expected = self.meant(owner, body)
        said = [Repeat(fingerprint=body, again=True)] * times
        turns = 0 if self.gateways == 1 else 200
        got = self.post(owner, said, outcome, turns=turns, first=gateway)
        assert len({*got}) == 1, "sent again twice, and two jobs"
        assert got[0] is not None
        if expected:
            assert got[0] in expected
        else:
            self.note(got[0], owner, body, outcome)

    @rule(owner=owners, body=bodies, outcome=outcomes, turns=st.integers(0, 12))
    def anew_and_cut(self, owner: str, body: str, outcome: str, turns: int) -> None:
        """A connection that breaks at once: the client sends again while the first is being written down."""
        if self.gateways > 1:
            turns = 200  # of two at the very same moment, another gateway cannot know
        said = [Repeat(fingerprint=body), Repeat(fingerprint=body, again=True)]
        first, second = self.post(owner, said, outcome, turns=turns)
        assert first is not None
        self.note(first, owner, body, outcome)
        if self.gateways == 1:
            assert second in self.meant(owner, body), "sent again, and a second job"
        assert second in self.ordered

    @rule(owner=owners, body=bodies, outcome=outcomes, waits=st.booleans(), answer=st.booleans())
    @precondition(lambda self: self.gateways == 1)
    def two_alike_and_again(
        self, owner: str, body: str, outcome: str, waits: bool, answer: bool
    ) -> None:
        """Of two equal orders the newer may be waited for, or answered: then the older is meant."""
        for _ in range(2):
            self.anew(owner, body, outcome, 1, 1.0)
        if waits:
            self.somebody_waits(0, -1, 30.0)
        if answer:
            self.an_answer_goes_out(-1)
        self.again(owner, body, outcome, 1, 0)

    # ------------------------------------------------------------- what happens

    @rule(gateway=which, number=often_the_last, seconds=st.sampled_from([30.0, 5000.0]))
    @precondition(lambda self: self.gateways == 1 and self.ordered)
    def somebody_waits(self, gateway: int, number: int, seconds: float) -> None:
        one = self.some_job(number)
        caller = self.world.caller(one.owner)
        life = self.life(gateway)

        async def begin() -> asyncio.Task[Job]:
            waiting = life.ask(life.desk.wait(caller, one.id, seconds=seconds))
            await asyncio.sleep(0.01)
            return waiting

        self.waits.append((one.id, self.world.do(begin())))

    @rule(number=often_the_last)
    @precondition(lambda self: self.gateways == 1 and self.ordered)
    def an_answer_goes_out(self, number: int) -> None:
        one = self.some_job(number)
        self.life(0).desk.answered(one.id)
        self.answered.add(one.id)

    def some_job(self, number: int) -> Ordered:
        return [*self.ordered.values()][number % len(self.ordered)]

    @rule(seconds=st.sampled_from([0.15, 60.0, 950.0, 1300.0, DAY, DAY + 2000]))
    def time_passes(self, seconds: float) -> None:
        self.world.let_pass(seconds)

    @rule(gateway=which, well=st.booleans())
    def a_gateway_ends_and_the_next_one_starts(self, gateway: int, well: bool) -> None:
        self.world.end(self.life(gateway), well=well)
        self.world.start()
        if self.gateways == 1:
            self.answered.clear()

    # ------------------------------------------------------------- what holds

    @invariant()
    @precondition(lambda self: hasattr(self, "world"))
    def as_many_are_paid_as_were_ordered(self) -> None:
        jobs = self.world.jobs()
        assert set(jobs) == set(self.ordered)
        taken = [one.request for one in self.world.books.taken]
        assert len(taken) == len({*taken})
        for wait in [wait for _, wait in self.waits if wait.done() and not wait.cancelled()]:
            assert (
                wait.exception() is None
                or isinstance(wait.exception(), JobStillRunning)
                or (getattr(wait.exception(), "code", None) == "shutting_down")
            )

    @override
    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()


class RepeatsAmongTwo(Repeats):
    gateways = 2


def test_a_repeated_request_is_the_same_job_and_an_equal_one_is_another() -> None:
    run(Repeats, examples=30, steps=15)


def test_it_is_so_on_two_gateways_as_well() -> None:
    run(RepeatsAmongTwo, examples=15, steps=15)
