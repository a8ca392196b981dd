"""When failures are too many, and who may try after that."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from typing_extensions import override

from jimeng_api.domain.errors import ProtocolChanged, UpstreamUnreachable
from jimeng_api.upstream.circuit import Attempt, Circuit, Failure, Language, Limits, Trouble

LIMITS = Limits()


def failure(account: str | None = None, submission: str | None = None) -> Failure:
    return Failure(error=UpstreamUnreachable, account=account, submission=submission)


class Moment:
    """A circuit and its clock. Pauses are exactly half a minute."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.now = 1000.0
        self.turns: list[Failure | None] = []
        self.circuit = Circuit(
            Trouble(limits),
            pause=lambda: limits.pause,
            doubt=limits.doubt,
            turned=self.turns.append,
        )

    def open(self) -> bool:
        return self.circuit.opened_by is not None

    def attempt(self) -> Attempt:
        attempt = self.circuit.attempt(self.now)
        assert attempt is not None, "it was not let through"
        return attempt

    def fail(self, times: int = 1, *, after: float = 0.0, **kind: str | None) -> None:
        for _ in range(times):
            self.now += after
            self.circuit.failed(self.attempt(), self.now, failure(**kind))

    def work(self, times: int = 1, *, after: float = 0.0) -> None:
        for _ in range(times):
            self.now += after
            self.circuit.worked(self.attempt(), self.now)

    def opened(self) -> Moment:
        self.fail(LIMITS.in_a_row, after=2)
        assert self.open()
        return self


# -------------------------------------------------------------------- when it opens


def test_five_failures_in_a_row_open_it_however_slowly_they_come() -> None:
    moment = Moment()
    moment.fail(4, after=3600)
    assert not moment.open()
    moment.fail(after=3600)
    assert moment.open()
    assert moment.circuit.attempt(moment.now) is None


def test_trouble_of_a_moment_is_not_too_much_however_many_meet_it() -> None:
    moment = Moment()
    moment.fail(1000, after=0.0049)
    assert not moment.open()
    moment.fail(after=0.11)
    assert moment.open()


def test_a_row_counts_from_its_first() -> None:
    moment = Moment()
    moment.fail(4)
    moment.fail(after=5)
    assert moment.open()


def test_one_that_works_begins_the_row_anew() -> None:
    moment = Moment()
    for _ in range(4):
        moment.fail(4, after=70)
        moment.work()
    assert not moment.open()


def test_half_of_twenty_within_a_minute_open_it() -> None:
    moment = Moment()
    for _ in range(9):
        moment.fail(after=2.5)
        moment.work(after=2.5)
    moment.fail()
    assert not moment.open()  # 10 of 19
    moment.fail()
    assert moment.open()


def test_fewer_than_half_or_fewer_than_twenty_within_a_minute_do_not() -> None:
    seldom, mostly_well = Moment(), Moment()
    for _ in range(100):
        seldom.fail(2, after=3.6)  # 16 a minute at most
        seldom.work(after=3.6)
        mostly_well.work(3)
        mostly_well.fail(2, after=0.1)
    assert not seldom.open()
    assert not mostly_well.open()


def test_the_tries_of_one_submission_are_one_in_a_row() -> None:
    moment = Moment()
    for submission in "abcd":
        moment.fail(3, submission=submission, after=1)
    assert not moment.open()
    moment.fail(submission="e")
    assert moment.open()


# An account whose requests are special in some way must not keep all others out.
@pytest.mark.parametrize("times", [5, 30, 200])
def test_what_only_one_account_meets_does_not_open_it(times: int) -> None:
    moment = Moment()
    moment.fail(times, account="one", after=1.3)
    assert not moment.open()
    moment.fail(account="another")
    assert moment.open()


def test_what_never_reached_the_upstream_is_nobodys_own() -> None:
    moment = Moment()
    moment.fail(4, account="one", after=2)
    assert not moment.open()
    moment.fail(account=None)
    assert moment.open()


def test_the_account_of_old_failures_is_forgotten_with_them() -> None:
    moment = Moment()
    moment.fail(account="another")
    moment.work()
    moment.now += 61
    moment.fail(40, account="one", after=1)
    assert not moment.open()


# ------------------------------------------------------------------------- half-open


def test_one_may_try_after_the_pause_and_only_one() -> None:
    moment = Moment().opened()
    moment.now += 29.9
    assert moment.circuit.attempt(moment.now) is None
    assert moment.circuit.wait(moment.now) == pytest.approx(1.0)
    moment.now += 0.2
    probe = moment.attempt()
    for _ in range(3):
        assert moment.circuit.attempt(moment.now) is None
        moment.now += 60
    moment.circuit.worked(probe, moment.now)
    assert not moment.open()
    moment.attempt()
    moment.attempt()


def test_a_failed_try_begins_the_next_pause() -> None:
    moment = Moment().opened()
    for _ in range(10):
        moment.now += 30
        moment.fail(account="one")
        assert moment.open()
        assert moment.circuit.wait(moment.now) == 30
        moment.now += 29
        assert moment.circuit.attempt(moment.now) is None
        moment.now += 1


def test_a_try_that_says_nothing_leaves_room_for_another_after_the_pause() -> None:
    moment = Moment().opened()
    moment.now += 30
    moment.circuit.left(moment.attempt())
    assert moment.open()
    assert moment.circuit.attempt(moment.now + 29) is None
    assert moment.circuit.attempt(moment.now + 30) is not None


def test_what_was_under_way_when_it_turned_changes_nothing_any_more() -> None:
    moment = Moment()
    early = [moment.attempt() for _ in range(20)]
    moment.opened()
    moment.circuit.worked(early.pop(), moment.now)
    assert moment.open()
    moment.now += 30
    moment.work()
    assert not moment.open()
    for attempt in early:
        moment.now += 1
        moment.circuit.failed(attempt, moment.now, failure())
    assert not moment.open()


def test_after_it_closed_it_takes_as_much_to_open_it_as_before() -> None:
    moment = Moment().opened()
    moment.now += 30
    moment.work()
    moment.fail(4)
    assert not moment.open()


def test_it_is_told_once_that_it_opened_and_once_that_it_closed() -> None:
    moment = Moment().opened()
    for _ in range(3):
        moment.now += 30
        moment.fail()
    moment.now += 30
    moment.work(3)
    assert [turn is None for turn in moment.turns] == [False, True]


# ---------------------------------------------------------------------------- doubt


def doubt(moment: Moment, submission: str, account: str) -> None:
    moment.circuit.doubted(moment.attempt(), moment.now, failure(account, submission))


def test_submissions_that_are_seen_after_all_never_open_it() -> None:
    moment = Moment()
    for number in range(1000):
        doubt(moment, f"s{number}", f"a{number % 20}")
        moment.now += 0.1
        if number >= 100:
            moment.circuit.seen([f"s{number - 100}"], moment.now)
    for number in range(900, 1000):
        moment.circuit.seen([f"s{number}"], moment.now)
    moment.now += 40
    moment.attempt()
    assert not moment.open()


def test_submissions_of_which_nothing_is_seen_open_it_half_a_minute_later() -> None:
    moment = Moment()
    for number in range(5):
        doubt(moment, f"s{number}", f"a{number}")
    moment.now += 29.9
    moment.attempt()
    moment.now += 0.1
    assert moment.circuit.attempt(moment.now) is None
    assert moment.open()


def test_a_doubt_of_an_hour_ago_keeps_nobody_back_now() -> None:
    moment = Moment()
    for number in range(5):
        doubt(moment, f"s{number}", f"a{number}")
    moment.now += 3600
    assert moment.circuit.attempt(moment.now) is not None


def test_a_try_that_was_left_in_doubt_an_hour_ago_keeps_nobody_back_now() -> None:
    moment = Moment().opened()
    moment.now += 30
    doubt(moment, "first", "one")
    moment.now += 3600
    assert moment.circuit.attempt(moment.now) is not None


def test_submissions_that_are_all_seen_at_last_never_open_it() -> None:
    moment = Moment()
    for number in range(5):
        doubt(moment, f"s{number}", f"a{number}")
    moment.now += 40
    moment.circuit.seen([f"s{number}" for number in range(5)], moment.now)
    moment.attempt()
    assert not moment.open()


def test_a_try_in_doubt_decides_when_it_is_seen_or_not() -> None:
    moment = Moment().opened()
    moment.now += 30
    doubt(moment, "first", "one")
    moment.now += 29
    assert moment.circuit.attempt(moment.now) is None
    moment.now += 1
    assert moment.circuit.attempt(moment.now) is None  # not seen: it failed, and a new pause begins
    moment.now += 30
    doubt(moment, "second", "one")
    moment.now += 2
    moment.circuit.seen(["second"], moment.now)
    assert not moment.open()


def test_whoever_comes_while_a_try_is_under_way_hears_soon_what_it_found() -> None:
    moment = Moment().opened()
    moment.now += 30
    under_way = moment.attempt()
    assert moment.circuit.attempt(moment.now) is None
    assert moment.circuit.wait(moment.now) == 1.0
    moment.circuit.failed(under_way, moment.now, failure())
    assert moment.circuit.wait(moment.now) == 30


def test_a_doubt_without_a_name_is_a_failure() -> None:
    moment = Moment()
    for number in range(5):
        moment.now += 2
        moment.circuit.doubted(moment.attempt(), moment.now, failure(f"a{number}"))
    assert moment.open()


# ------------------------------------------------------------------------- language


def refused(times: int, accounts: int, *, every: float = 1.0) -> bool:
    language = Language(LIMITS)
    found = [
        language.failed(
            number * every, Failure(error=ProtocolChanged, account=f"a{number % accounts}"), since=0
        )
        for number in range(times)
    ]
    assert not any(found[:-1])
    return found[-1]


def test_five_accounts_or_twenty_answers_say_that_nobody_is_understood() -> None:
    assert not refused(4, 4)
    assert refused(5, 5)
    assert not refused(19, 1)
    assert refused(20, 1)
    assert refused(20, 4)


def test_answers_of_more_than_five_minutes_ago_do_not_count() -> None:
    assert not refused(40, 1, every=16)
    assert not refused(40, 5, every=76)


def test_one_that_was_understood_shows_that_the_language_is_the_same() -> None:
    language = Language(LIMITS)
    for number in range(40):
        kind = Failure(error=ProtocolChanged, account=f"a{number}")
        assert not language.failed(number, kind, since=number)
        if number % 4 == 3:
            language.worked(number)


# -------------------------------------------------------------------- whatever happens


class AnyCourse(RuleBasedStateMachine):
    """Requests begin and end in any order, at any time and in any way."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = Moment()
        self.under_way: list[Attempt] = []
        self.doubts: set[str] = set()
        self.let_through_while_open: list[float] = []
        self.numbers = itertools.count()

    @property
    def circuit(self) -> Circuit:
        return self.moment.circuit

    @rule(seconds=st.floats(0, 100))
    def wait(self, seconds: float) -> None:
        self.moment.now += seconds

    @rule(times=st.integers(1, 8))
    def begin(self, times: int) -> None:
        for _ in range(times):
            # Asking may bring old doubts to their end, and so open it.
            attempt = self.circuit.attempt(self.moment.now)
            if self.moment.open():
                if attempt is not None:
                    self.let_through_while_open.append(self.moment.now)
            else:
                assert attempt is not None, "closed, and yet it keeps back"
                self.let_through_while_open.clear()
            if attempt is not None:
                self.under_way.append(attempt)

    def _one(self, which: int) -> Attempt:
        return self.under_way.pop(which % len(self.under_way))

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 50))
    def work(self, which: int) -> None:
        self.circuit.worked(self._one(which), self.moment.now)

    @precondition(lambda self: self.under_way)
    @rule(
        which=st.integers(0, 50), account=st.sampled_from([None, "a", "b"]), times=st.integers(1, 9)
    )
    def fail(self, which: int, account: str | None, times: int) -> None:
        for _ in range(min(times, len(self.under_way))):
            self.circuit.failed(self._one(which), self.moment.now, failure(account))

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 50), account=st.sampled_from(["a", "b"]))
    def doubt(self, which: int, account: str) -> None:
        name = f"s{next(self.numbers)}"
        self.doubts.add(name)
        self.circuit.doubted(self._one(which), self.moment.now, failure(account, name))

    @precondition(lambda self: self.doubts)
    @rule()
    def see(self) -> None:
        self.circuit.seen([self.doubts.pop()], self.moment.now)

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 50))
    def leave(self, which: int) -> None:
        self.circuit.left(self._one(which))

    @invariant()
    def tries_are_a_pause_apart(self) -> None:
        if not self.moment.open():
            self.let_through_while_open.clear()
        for earlier, later in itertools.pairwise(self.let_through_while_open):
            assert later - earlier >= LIMITS.pause

    @invariant()
    def whoever_is_kept_back_is_told_how_long(self) -> None:
        wait = self.circuit.wait(self.moment.now)
        longest = (
            LIMITS.pause + 1e-6
        )  # a moment and a pause, less that moment: the last digit may differ
        assert (1.0 <= wait <= longest) if self.moment.open() else wait == 0.0

    @invariant()
    def it_turns_one_way_and_then_the_other(self) -> None:
        ways = [turn is None for turn in self.moment.turns]
        assert ways == [number % 2 == 1 for number in range(len(ways))]
        assert self.moment.open() is (len(ways) % 2 == 1)

    @override
    def teardown(self) -> None:
        """Once everything has ended and the upstream is well, it closes within a pause."""
        for attempt in self.under_way:
            self.circuit.left(attempt)
        for _ in range(3):
            self.moment.now += 2 * LIMITS.pause
            probe = self.circuit.attempt(self.moment.now)
            if probe is not None:
                self.circuit.worked(probe, self.moment.now)
        assert not self.moment.open()


AnyCourse.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestAnyCourse = AnyCourse.TestCase
