"""Gateways that claim accounts of one database, lose their connections and claim again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from jimeng_api.domain.errors import StorageUnavailable
from jimeng_api.jobs.store import JobStore
from tests.inline import Inline
from tests.machines.profile import run
from tests.machines.server import ServedFile, Server
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
        with patch("jimeng_api.jobs.store._backend", lambda _: self.backend):
            self.store = JobStore("", VirtualClock(), thread=self.thread)
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
    run(Claiming, examples=150, steps=40)
