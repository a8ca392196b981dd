"""Which account takes a submission, of those that could."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jimeng_api.accounts.choice import Rest, Shut, Standing, Take, Wait, choose, lapsing


def one(account: str, **differs: object) -> Standing:
    return Standing(account=account, **differs)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ({"rest": Rest.LAST}, {"running": 9, "trouble": 9}),
        ({"pays": False}, {"running": 9, "pays": True}),
        ({"pays": False}, {"running": 9, "pays": None}),
        ({}, {"expires": 1e9, "running": 9, "trouble": 9}),
        ({"expires": 2e9}, {"expires": 1e9, "running": 9}),
        ({"trouble": 1}, {"running": 9}),
        ({"running": 2}, {"running": 1, "seconds": 100.0}),
        ({"seconds": 30.0}, {"seconds": 10.0}),
    ],
)
def test_the_better_one_is_taken_wherever_it_stands(
    worse: dict[str, object], better: dict[str, object]
) -> None:
    pair = [one("worse", **worse), one("better", **better)]
    assert choose(pair) == Take("better")
    assert choose(reversed(pair)) == Take("better")


def test_between_equals_the_callers_order_decides() -> None:
    assert choose([one("a"), one("b")]) == Take("a")
    assert choose([one("a", seconds=10.0), one("b", seconds=9.5)]) == Take("a")


@pytest.mark.parametrize(("opens", "until"), [([None, 7.0], None), ([9.0, 7.0], 7.0)])
def test_a_healthy_one_is_waited_for_rather_than_that_a_doubtful_one_is_tried(
    opens: list[float | None], until: float | None
) -> None:
    full = [one(f"full {each}", room=False, opens=each) for each in opens]
    assert choose([one("dry", rest=Rest.LAST), *full]) == Wait(until)


def test_what_is_shut_is_sent_nothing_and_the_first_to_open_is_named() -> None:
    shut = [one("a", rest=Rest.SHUT, until=90.0), one("b", rest=Rest.SHUT, until=60.0)]
    assert choose(shut) == Shut("b", 60.0)
    assert choose([*shut, one("dry", rest=Rest.LAST)]) == Take("dry")
    assert choose([*shut, one("full", room=False)]) == Wait(None)
    assert choose([]) is None


standings = st.lists(
    st.builds(
        Standing,
        account=st.uuids().map(str),
        rest=st.sampled_from([Rest.NONE, Rest.LAST, Rest.SHUT]),
        until=st.floats(0, 100),
        room=st.booleans(),
        running=st.integers(0, 5),
        pays=st.sampled_from([None, True, False]),
        expires=st.sampled_from([math.inf, 1.0, 2.0]),
        trouble=st.integers(0, 3),
        seconds=st.floats(0, 60),
    ),
    max_size=6,
)


@given(standings)
def test_no_choice_breaks_a_rule(given_: list[Standing]) -> None:
    verdict = choose(given_)
    open_ = [each for each in given_ if each.rest is not Rest.SHUT]
    well = [each for each in open_ if each.rest is Rest.NONE and each.pays is not False]
    match verdict:
        case Take(account):
            taken = next(each for each in given_ if each.account == account)
            assert taken in open_
            assert taken.room
            assert taken in well or not well
            like_it = (taken.rest, taken.pays is False)
            ready = [each for each in (well or open_) if each.room]
            among = [each for each in ready if (each.rest, each.pays is False) == like_it]
            assert taken.expires == min(each.expires for each in among)
        case Wait():
            assert open_
            assert not any(each.room for each in (well or open_))
        case Shut(account, until):
            assert not open_
            assert until == min(each.until for each in given_)
        case None:
            assert not given_


def test_the_first_credits_to_lapse_count_if_there_are_any_left() -> None:
    assert lapsing([(0, 5.0), (3, 9.0), (3, 20.0), (7, 1.0)], now=2.0) == 9.0
    assert lapsing([(3, 1.0)], now=2.0) == math.inf
    assert lapsing([], now=2.0) == math.inf
