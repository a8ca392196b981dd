"""Jobs through any order of orders, cancellations, refusals, broken connections, kills and time."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from jimeng_api.domain.errors import (
    GatewayError,
    JobCancelled,
    JobEnded,
    JobStillRunning,
    KeyReused,
    StorageUnavailable,
)
from jimeng_api.generation.new_jobs import ready
from jimeng_api.jobs.job import Job
from jimeng_api.jobs.repeats import Repeat
from tests.machines.profile import run
from tests.machines.rules import Overseer
from tests.machines.upstream import ENDINGS, VERDICTS, Fate
from tests.machines.world import WATCH_SECONDS, Life, World
from tests.virtual_time import EPOCH

SESSIONS = ("session-number-0", "session-number-1", "session-number-2")
CALLERS = ((0,), (0, 1), (0, 1, 2))
KEYS = ("k", "l")

fates = st.builds(
    Fate,
    verdict=st.sampled_from(["take"] * 3 + [*VERDICTS]),
    seconds=st.sampled_from([5.0, 40.0, 400.0, 1500.0, 40_000.0]),
    listed_after=st.sampled_from([0.0, 0.0, 90.0, 2000.0]),
    ending=st.sampled_from(ENDINGS),
)
whom = st.integers(0, 9)


class Jobs(RuleBasedStateMachine):
    """One gateway at a time on one database."""

    gateways = 1
    pause = 900.0

    @initialize()
    def begin(self) -> None:
        self.world = World(shared=self.gateways > 1, pause=self.pause)
        self.overseer = Overseer()
        self.orders = 0
        self.forgiven: set[str] = set()
        self.asked: list[tuple[str, asyncio.Task[Any]]] = []
        self.requests: list[tuple[int, str, Repeat]] = []  # caller, order and what was said of it
        for _ in range(self.gateways):
            self.world.start()

    def life(self, which: int) -> Life:
        return self.world.lives[which % len(self.world.lives)]

    # -------------------------------------------------------------- callers

    def new_order(self, fate: list[Fate]) -> str:
        self.orders += 1
        self.world.books.fates.extend(fate)
        return f"order-{self.orders}"

    def ask(self, what: str, life: Life, work: Any) -> None:
        async def begin() -> asyncio.Task[Any]:
            return life.ask(work)

        self.asked.append((what, self.world.do(begin())))

    @rule(
        gateway=whom,
        who=st.integers(0, len(CALLERS) - 1),
        count=st.sampled_from([1, 1, 10]),
        fate=st.lists(fates, min_size=1, max_size=3),
        said=st.sampled_from(["nothing", "again", *KEYS]),
        turns=st.none() | st.integers(0, 15),
    )
    def order(
        self, gateway: int, who: int, count: int, fate: list[Fate], said: str, turns: int | None
    ) -> None:
        """Whoever orders is told after some turns of the loop, unless something happens before."""
        name = self.new_order(fate)
        repeat = Repeat(fingerprint=name, key=said if said in KEYS else None, again=said == "again")
        self.requests.append((who, name, repeat))
        self.place(gateway, who, self.world.request(name, count=count), repeat)
        self.world.step(turns if turns is not None else 200)

    @rule(gateway=whom, which=whom, other_body=st.booleans())
    @precondition(lambda self: self.requests)
    def repeat(self, gateway: int, which: int, other_body: bool) -> None:
        """The same request again, or another one with its key, on any gateway."""
        who, name, said = self.requests[which % len(self.requests)]
        if other_body:
            name = self.new_order([])
        repeat = Repeat(fingerprint=name, key=said.key, again=True)
        self.place(gateway, who, self.world.request(name), repeat)
        self.world.step(200)

    def place(self, gateway: int, who: int, request: Any, repeat: Repeat) -> None:
        life = self.life(gateway)
        caller = self.world.caller(*(SESSIONS[n] for n in CALLERS[who]))
        self.ask(
            "order", life, life.desk.order(caller, ready(request), asked_model="m", repeat=repeat)
        )

    @rule(gateway=whom, which=whom)
    @precondition(lambda self: self.overseer.promised)
    def cancel(self, gateway: int, which: int) -> None:
        job = self.any_job(which)
        life = self.life(gateway)
        self.ask("cancel", life, life.desk.cancel(self.owner(job), job.id))
        self.world.step(200)

    @rule(gateway=whom, which=whom)
    @precondition(lambda self: self.overseer.promised)
    def wait_for(self, gateway: int, which: int) -> None:
        job = self.any_job(which)
        life = self.life(gateway)
        self.ask("wait", life, life.desk.wait(self.owner(job), job.id, seconds=2000))

    def any_job(self, which: int) -> Job:
        names = sorted(self.overseer.promised)
        return self.world.jobs()[names[which % len(names)]]

    def owner(self, job: Job) -> Any:
        callers = (self.world.caller(*(SESSIONS[n] for n in one)) for one in CALLERS)
        return next(caller for caller in callers if caller.owner == job.owner)

    # ----------------------------------------------------------- what happens

    @rule(seconds=st.sampled_from([0.05, 0.12, 0.25, 1.0, 12.0, 70.0, 300.0, 1250.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.let_pass(seconds)

    @rule(turns=st.integers(1, 30))
    def a_moment_passes(self, turns: int) -> None:
        self.world.step(turns)

    @rule(seconds=st.sampled_from([3.0, 100.0]))
    def the_upstream_is_down(self, seconds: float) -> None:
        self.world.books.shut = True
        self.world.let_pass(seconds)
        self.world.books.shut = False

    @rule(which=st.sampled_from(SESSIONS), seconds=st.sampled_from([10.0, 1000.0]))
    def a_session_is_signed_out(self, which: str, seconds: float) -> None:
        self.world.books.signed_out.add(which)
        self.forgiven.add(which)
        self.world.let_pass(seconds)
        self.world.books.signed_out.discard(which)

    @rule(seconds=st.sampled_from([0.2, 5.0, 100.0]))
    def the_database_is_away(self, seconds: float) -> None:
        self.world.server.away = True
        self.world.let_pass(seconds)
        self.world.server.away = False
        self.overseer.trouble_until = self.world.now()

    @rule(gateway=whom, well=st.booleans(), seconds=st.sampled_from([0.0, 2.0, 400.0, 3000.0]))
    def a_gateway_ends_and_the_next_one_starts(
        self, gateway: int, well: bool, seconds: float
    ) -> None:
        self.world.end(self.life(gateway), well=well)
        self.world.let_pass(seconds)
        self.world.start()
        self.overseer.trouble_until = self.world.now()

    # ------------------------------------------------------------- what holds

    @invariant()
    @precondition(lambda self: hasattr(self, "world"))
    def everything_is_as_it_must_be(self) -> None:
        self.hear()
        self.overseer.look(self.world.jobs(), self.world.books, began=EPOCH, now=self.world.now())

    def hear(self) -> None:
        """What those were told who had asked something."""
        left: list[tuple[str, asyncio.Task[Any]]] = []
        for what, task in self.asked:
            if not task.done():
                left.append((what, task))
            elif not task.cancelled():
                self.heard(what, task)
        self.asked = left

    def heard(self, what: str, task: asyncio.Task[Any]) -> None:
        error = task.exception()
        if error is None:
            job: Job = task.result()
            self.overseer.promised.add(job.id)
            assert what == "order" or job.state.ended
            if what == "cancel":
                assert job.failure is not None
                assert job.failure.code == JobCancelled.code
            return
        allowed: tuple[type[GatewayError], ...] = {
            "order": (StorageUnavailable, KeyReused),
            "cancel": (StorageUnavailable, JobEnded, JobStillRunning),
            "wait": (JobStillRunning,),
        }[what]
        stopped = getattr(error, "code", None) == "shutting_down"
        assert stopped or isinstance(error, allowed), repr(error)

    @override
    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.everything_is_as_it_must_be()
            self.world.let_pass(self.pause + 60)
            self.world.look_seldom()
            self.world.let_pass(WATCH_SECONDS + 5000)
            self.everything_is_as_it_must_be()
            self.overseer.look_at_the_end(
                self.world.jobs(), self.world.books, began=EPOCH, forgiven=self.forgiven
            )
            assert not self.asked
            for life in self.world.lives:
                assert life.remembers == {}
        finally:
            self.world.close()


class JobsAmongTwo(Jobs):
    """Two gateways on one database, each of which may be killed, stopped, or lose its connection."""

    gateways = 2
    pause = 30.0

    @rule(gateway=whom, seconds=st.sampled_from([0.0, 0.2, 12.0]))
    def a_connection_is_lost(self, gateway: int, seconds: float) -> None:
        """Its jobs are gone on with once it, or the other gateway, has looked."""
        self.life(gateway).backend.lose()
        self.overseer.trouble_until = self.world.now() + 2 * self.pause
        self.world.let_pass(seconds)

    @invariant()
    @precondition(lambda self: hasattr(self, "world"))
    def nobody_works_on_what_another_has(self) -> None:
        working: dict[str, Life] = {}
        for life in self.world.lives:
            session = life.backend.session
            if session is None or not session.alive:
                continue
            for job_id, number in life.workshop._running:
                account = life.workshop._open[job_id].part(number).account
                assert session.locks[account] == 1
                assert working.setdefault(account, life) is life


def test_one_gateway_loses_nothing_and_pays_once() -> None:
    run(Jobs, examples=30, steps=20)


def test_two_gateways_lose_nothing_and_pay_once() -> None:
    run(JobsAmongTwo, examples=12, steps=20)
