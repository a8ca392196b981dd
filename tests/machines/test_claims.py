"""Gateways that claim accounts of one database, lose their connections and claim again."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import psycopg
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import text
from typing_extensions import override

from jimeng_api.clock import SystemClock
from jimeng_api.database.database import Database
from jimeng_api.database.postgresql import PostgresServer
from jimeng_api.domain.errors import StorageUnavailable
from jimeng_api.generation.new_jobs import ready
from jimeng_api.jobs.claims import Claims
from tests.inline import Inline
from tests.machines.profile import run
from tests.machines.server import ServedFile, Server
from tests.machines.upstream import Fate
from tests.machines.world import World
from tests.stores import OwnStore
from tests.virtual_time import VirtualClock, VirtualLoop

P = ParamSpec("P")
T = TypeVar("T")

ACCOUNTS = ("a", "b", "c")
accounts = st.sets(st.sampled_from(ACCOUNTS), min_size=1)
whose = st.integers(0, 2)


class Stepped(ThreadPoolExecutor):
    """A thread that does the next thing when it is told to, so that anything may happen before."""

    def __init__(self) -> None:
        super().__init__(1)
        self.waiting: deque[Callable[[], object]] = deque()
        self._inline = Inline()

    @override
    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        done: Future[T] = Future()

        def work() -> None:
            inner = self._inline.submit(fn, *args, **kwargs)
            error = inner.exception()
            if error is None:
                done.set_result(inner.result())
            else:
                done.set_exception(error)

        self.waiting.append(work)
        return done

    def step(self) -> None:
        if self.waiting:
            self.waiting.popleft()()


class Gateway:
    def __init__(self, server: Server) -> None:
        self.backend = ServedFile("sqlite:////nowhere/never-opened.db", server, shared=True)
        self.backend.open()
        self.thread = Stepped()
        self.store = OwnStore(self.backend, VirtualClock(), thread=self.thread)
        self.asked: list[asyncio.Task[Any]] = []
        self.workshop: asyncio.Task[Any] | None = None

    @property
    def at_rest(self) -> bool:
        return all(task.done() for task in self.asked) and not self.thread.waiting


class Claiming(RuleBasedStateMachine):
    """Every step of every gateway's database thread is a rule: any order of them is tried."""

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner(loop_factory=VirtualLoop)
        self.server = Server()
        self.gateways = [Gateway(self.server) for _ in range(3)]

    def ask(self, gateway: Gateway, work: Coroutine[Any, Any, Any]) -> None:
        async def begin() -> None:
            gateway.asked.append(asyncio.ensure_future(work))
            await asyncio.sleep(0)

        self.runner.run(begin())

    def ask_as_workshop(
        self, gateway: Gateway, work: Callable[[], Coroutine[Any, Any, Any]]
    ) -> None:
        """Only the workshop gives accounts up and connects anew, one after the other."""
        if gateway.workshop is None or gateway.workshop.done():
            self.ask(gateway, work())
            gateway.workshop = gateway.asked[-1]

    @rule(who=whose, what=accounts)
    def take(self, who: int, what: set[str]) -> None:
        self.ask(self.gateways[who], self.gateways[who].store.claims.take(what))

    @rule(who=whose, what=st.sampled_from(ACCOUNTS))
    def place(self, who: int, what: str) -> None:
        self.ask(self.gateways[who], self.gateways[who].store.claims.try_to_take(what))

    @rule(who=whose, what=accounts)
    def release(self, who: int, what: set[str]) -> None:
        gateway = self.gateways[who]
        self.ask_as_workshop(gateway, lambda: gateway.store.claims.release(what))

    @rule(who=whose)
    def ask_again(self, who: int) -> None:
        self.gateways[who].store.claims.ask_again()

    @rule(who=whose)
    def lose_the_connection(self, who: int) -> None:
        self.gateways[who].backend.lose()

    @rule(who=whose)
    def say_something(self, who: int) -> None:
        """Whatever else a gateway does with its database: so it hears that the connection is lost."""
        gateway = self.gateways[who]
        self.ask(gateway, gateway.store._database.run(gateway.backend.said))

    @rule(who=whose, steps=st.integers(0, 3), lost_before=st.integers(0, 4))
    def start_over_where_it_is_seen(self, who: int, steps: int, lost_before: int) -> None:
        """The thread may have done more, and the connection be lost amid that, before the loop hears."""
        gateway = self.gateways[who]

        async def start_over() -> None:
            for number in range(steps):
                if number == lost_before:
                    gateway.backend.lose()
                gateway.thread.step()
            if not gateway.store.connected:
                gateway.store.claims.forget()
                await gateway.store.reconnect()

        self.ask_as_workshop(gateway, start_over)

    @rule(who=whose)
    def the_thread_goes_on(self, who: int) -> None:
        self.gateways[who].thread.step()

    @rule(turns=st.integers(1, 4))
    def the_loops_go_on(self, turns: int) -> None:
        async def turn() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        self.runner.run(turn())

    @invariant()
    @precondition(lambda self: hasattr(self, "gateways"))
    def nobody_believes_to_hold_what_it_does_not(self) -> None:
        for gateway in self.gateways:
            session = gateway.backend.session
            if session is not None and session.alive:
                for account in gateway.store.claims.held:
                    assert session.locks[account], "held, and not locked"
        for account in ACCOUNTS:
            assert len(self.server.holders(account)) <= 1, "two holders"

    @invariant()
    @precondition(lambda self: hasattr(self, "gateways"))
    def nobody_keeps_a_lock_that_it_does_not_know_of(self) -> None:
        for gateway in self.gateways:
            session = gateway.backend.session
            if session is not None and session.alive and gateway.at_rest:
                locks = {account: count for account, count in session.locks.items() if count}
                assert locks == dict.fromkeys(gateway.store.claims.held, 1)

    @override
    def teardown(self) -> None:
        if not hasattr(self, "gateways"):
            return
        for gateway in self.gateways:
            while not gateway.at_rest:
                gateway.thread.step()
                self.the_loops_go_on(3)
            for task in gateway.asked:
                assert task.exception() is None or isinstance(task.exception(), StorageUnavailable)
        self.nobody_keeps_a_lock_that_it_does_not_know_of()
        for gateway in self.gateways:
            gateway.backend.close()
        self.runner.close()


def test_no_order_of_steps_gives_an_account_to_two_gateways() -> None:
    run(Claiming, examples=100, steps=40)


def test_what_was_being_claimed_when_the_connection_was_lost_is_not_held() -> None:
    """The thread claims, loses the connection and sees it, all before the loop hears of the first."""
    machine = Claiming()
    machine.begin()
    gateway = machine.gateways[0]
    machine.take(0, {"a"})
    machine.say_something(0)
    machine.start_over_where_it_is_seen(0, 2, 1)
    machine.the_loops_go_on(5)
    gateway.thread.step()
    machine.the_loops_go_on(5)
    assert gateway.store.connected
    assert gateway.store.claims.held == frozenset()
    machine.teardown()


# --------------------------------------------------------- a real PostgreSQL ----


class ClaimingOnPostgreSQL(RuleBasedStateMachine):
    """The model is one dict: who has which account."""

    url = ""

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.operator = psycopg.connect(self.url, autocommit=True)
        self.owners: dict[str, int] = {}
        self.lost: set[int] = set()
        self.databases = [Database(PostgresServer(self.url), SystemClock()) for _ in range(3)]
        self.claims = [Claims(database) for database in self.databases]
        for database in self.databases:
            self.runner.run(database.open())

    def held(self, who: int) -> set[str]:
        return {account for account, owner in self.owners.items() if owner == who}

    async def process(self, who: int) -> int:
        query = text("SELECT pg_backend_pid()")
        return await self.databases[who].read(
            lambda connection: int(connection.execute(query).scalar_one())
        )

    def fails(self, who: int, work: Coroutine[Any, Any, Any]) -> None:
        with pytest.raises(StorageUnavailable):
            self.runner.run(work)
        assert not self.databases[who].backend.connected

    def is_gone(self, who: int) -> None:
        for account in self.held(who):
            del self.owners[account]

    @rule(who=whose, what=accounts)
    def take(self, who: int, what: set[str]) -> None:
        taking = self.claims[who].take(what)
        if who in self.lost:
            if what <= self.claims[who].held:
                taking.close()  # it would not even ask
            else:
                self.fails(who, taking)
            return
        free = {account for account in what if self.owners.get(account, who) == who}
        assert self.runner.run(taking) == free
        self.owners |= dict.fromkeys(free, who)

    @rule(who=whose, what=accounts)
    @precondition(lambda self: len(self.lost) < 3)
    def release(self, who: int, what: set[str]) -> None:
        if who in self.lost:
            return
        self.runner.run(self.claims[who].release(what))
        for account in what & self.held(who):
            del self.owners[account]

    @rule(who=whose)
    def lose_the_connection(self, who: int) -> None:
        if who not in self.lost:
            process = self.runner.run(self.process(who))
            self.operator.execute("SELECT pg_terminate_backend(%s, 5000)", [process])
            self.lost.add(who)
            self.is_gone(who)

    @rule(who=whose)
    def start_over(self, who: int) -> None:
        """A connection that is there is not made anew, and one that is lost must be seen to be."""
        if who in self.lost and self.databases[who].backend.connected:
            self.fails(who, self.process(who))
        self.runner.run(self.claims[who].reconnect())
        self.lost.discard(who)

    @rule(who=whose)
    def close_and_open_another(self, who: int) -> None:
        process = None if who in self.lost else self.runner.run(self.process(who))
        self.runner.run(self.databases[who].close())
        gone = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
        while self.operator.execute(gone, [process]).fetchone() != (0,):
            time.sleep(0.001)
        self.is_gone(who)
        self.lost.discard(who)
        self.databases[who] = Database(PostgresServer(self.url), SystemClock())
        self.claims[who] = Claims(self.databases[who])
        self.runner.run(self.databases[who].open())

    @invariant()
    @precondition(lambda self: hasattr(self, "claims"))
    def who_believes_to_hold_an_account_holds_it(self) -> None:
        for who in {0, 1, 2} - self.lost:
            assert self.claims[who].held == self.held(who)

    @override
    def teardown(self) -> None:
        if hasattr(self, "claims"):
            for database in self.databases:
                self.runner.run(database.close())
            self.operator.close()
            self.runner.close()


def test_postgresql_gives_an_account_to_one_gateway_at_a_time(postgresql_url: str) -> None:
    ClaimingOnPostgreSQL.url = postgresql_url
    run(ClaimingOnPostgreSQL, examples=12, steps=25)


# --------------------------------------------------------------- the shares ----


@pytest.fixture
def three() -> Iterator[World]:
    """Three gateways, of which the first has something to do on each of a dozen accounts."""
    world = World(shared=True, pause=1.0)
    first = world.start()
    for number in range(12):
        world.books.fates.append(Fate(seconds=90.0))
        caller = world.caller(f"session-number-{number}")
        request = world.request("a cat")
        world.do(first.desk.order(caller, ready(request), asked_model="m"))
    world.start()
    world.start()
    world.let_pass(5.0)
    yield world
    world.close()


def at_work(world: World) -> list[int]:
    return [len(life.workshop._running) for life in world.lives]


def test_the_accounts_of_a_gateway_that_died_are_shared_by_the_others(three: World) -> None:
    assert at_work(three) == [12, 0, 0]
    three.end(three.lives[0], well=False)
    three.let_pass(10.0)
    assert sum(at_work(three)) == 12
    assert min(at_work(three)) >= 2
    held = [life.store.claims.held for life in three.lives]
    assert not held[0] & held[1]
    three.let_pass(120.0)
    assert {job.status for job in three.jobs().values()} == {"completed"}


def test_a_gateway_that_loses_its_connection_works_on_nothing_that_another_has_taken(
    three: World,
) -> None:
    first = three.lives[0]
    first.backend.lose()
    three.let_pass(10.0)
    assert sum(at_work(three)) == 12
    assert [*map(len, (life.store.claims.held for life in three.lives))] == at_work(three)
    assert first.store.connected


def test_a_gateway_that_learns_that_its_connection_is_lost_lets_go_at_once(three: World) -> None:
    first = three.lives[0]
    first.backend.lose()
    first.store.signals.work.set()
    three.let_pass(0.2)
    assert first.store.connected
    assert len(first.workshop._running) == len(first.store.claims.held)


def test_a_gateway_that_the_server_may_have_given_up_looks_at_no_account_until_it_knows(
    three: World,
) -> None:
    for life in three.lives:
        life.backend.lease = 15.0
    three.let_pass(3.0)
    three.server.away = True
    three.let_pass(16.0)
    looks = [life.line.looks for life in three.lives]
    assert looks[0]
    three.let_pass(30.0)
    assert [life.line.looks for life in three.lives] == looks
    three.server.away = False
    three.let_pass(120.0)
    assert {job.status for job in three.jobs().values()} == {"completed"}


def test_accounts_without_work_are_given_up(three: World) -> None:
    three.let_pass(120.0)
    assert all(life.store.claims.held == frozenset() for life in three.lives)
    assert not any(session.locks.total() for session in three.server.sessions)
