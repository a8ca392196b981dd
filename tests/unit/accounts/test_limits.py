"""How many an account may have in hand at once, and how that is learned."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jimeng_api.accounts.limits import Limit


def room(limit: Limit, held: int, now: float = 0.0) -> bool:
    return limit.room(held=held, unanswered=0, now=now)


def test_nothing_limits_an_account_that_never_refused() -> None:
    limit = Limit()
    assert room(limit, 100_000)
    assert limit.value is None


def test_only_so_many_are_sent_before_an_answer_comes_and_more_with_every_one_taken() -> None:
    limit = Limit()
    assert limit.room(held=15, unanswered=15, now=0)
    assert not limit.room(held=16, unanswered=16, now=0)
    for running in range(1, 17):
        limit.taken(running=running, now=0)
    assert limit.room(held=47, unanswered=31, now=0)
    assert not limit.room(held=48, unanswered=32, now=0)


def test_a_refusal_sets_the_limit_to_what_was_running() -> None:
    limit = Limit()
    limit.refused(running=3, now=0)
    assert limit.value == 3
    assert room(limit, 2)
    assert not room(limit, 3)
    limit.refused(running=0, now=0)
    assert limit.value == 1, "one may always be tried"


def test_too_fast_halves_it() -> None:
    limit = Limit()
    limit.refused(running=8, now=0, hurried=True)
    assert limit.value == 4


def test_one_more_is_tried_after_a_while_and_only_one() -> None:
    limit = Limit()
    limit.refused(running=3, now=0)
    moment = limit.opens_at()
    assert moment == 60
    assert not room(limit, 3, 59.9)
    assert room(limit, 3, 60)
    limit.given(held=4)
    assert not room(limit, 3, 61), "until there is an answer"
    limit.taken(running=4, now=62)
    assert limit.value == 4
    assert limit.opens_at() == 92, "sooner, since that went well"


def test_a_try_that_is_refused_is_made_later_the_next_time() -> None:
    limit = Limit()
    limit.refused(running=3, now=0)
    for now, opens in ((60.0, 180.0), (180.0, 420.0)):
        assert room(limit, 3, now)
        limit.given(held=4)
        limit.refused(running=3, now=now)
        assert limit.value == 3
        assert limit.opens_at() == opens


def test_a_try_that_ends_without_an_answer_may_be_made_again() -> None:
    limit = Limit()
    limit.refused(running=1, now=0)
    limit.given(held=2)
    limit.dropped()
    assert room(limit, 1, 60)


def test_what_runs_all_the_same_is_allowed() -> None:
    limit = Limit()
    limit.refused(running=0, now=0)  # the answers of those that were taken came later
    for running in (1, 2, 3):
        limit.taken(running=running, now=1)
    assert limit.value == 3


@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, 9), st.floats(0, 1e5), st.booleans()), max_size=20),
)
def test_the_operators_bound_is_never_passed(
    most: int, told: list[tuple[int, float, bool]]
) -> None:
    limit = Limit(most)
    for running, now, taken in told:
        if taken:
            limit.taken(running=running, now=now)
        else:
            limit.refused(running=running, now=now)
        assert limit.value is not None
        assert 1 <= limit.value <= most
        assert not room(limit, most, 1e9)
