"""Who waits in line, and in which order they are served."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jimeng_api.generation.line import Lane, Line

ANY = Lane(("x", "y"), "image")
ONLY_X = Lane(("x",), "image")
ONLY_Y = Lane(("y",), "image")
FILMS = Lane(("x", "y"), "video")


def every(lane: Lane) -> bool:
    return True


def served(line: Line[str], place: str = "x") -> list[str]:
    """All who can go there, in the order in which they are served."""
    keys: list[str] = []
    while (found := line.next(place, every)) is not None:
        keys.append(found[0])
    return keys


def test_owners_take_turns_whatever_each_has_ordered() -> None:
    line: Line[str] = Line()
    for number in range(5):
        line.enter(f"a{number}", owner="a", lane=ANY, at=number)
    line.enter("b0", owner="b", lane=ANY, at=100)
    line.enter("c0", owner="c", lane=ONLY_X, at=101)
    assert [line.position(key) for key in ("a0", "b0", "c0", "a1", "a4")] == [1, 2, 3, 4, 7]
    assert served(line) == ["a0", "b0", "c0", "a1", "a2", "a3", "a4"]


def test_who_was_served_before_waits_for_those_who_were_not() -> None:
    line: Line[str] = Line()
    line.had_turn("a", "image")
    line.enter("a0", owner="a", lane=ANY, at=0)
    line.enter("b0", owner="b", lane=ANY, at=1)
    assert [line.position("b0"), line.position("a0")] == [1, 2]
    assert served(line) == ["b0", "a0"]


def test_turns_of_pictures_and_of_films_are_counted_apart() -> None:
    line: Line[str] = Line()
    line.had_turn("a", "video")
    line.enter("a0", owner="a", lane=ANY, at=0)
    line.enter("b0", owner="b", lane=ANY, at=1)
    assert served(line) == ["a0", "b0"]


def test_whoever_comes_back_stands_where_it_stood() -> None:
    line: Line[str] = Line()
    line.enter("a1", owner="a", lane=ANY, at=1)
    line.enter("a0", owner="a", lane=ANY, at=0)
    assert served(line) == ["a0", "a1"]


def test_a_place_goes_only_to_those_who_can_go_there_and_are_served_now() -> None:
    line: Line[str] = Line()
    line.enter("film", owner="a", lane=FILMS, at=0)
    line.enter("y", owner="a", lane=ONLY_Y, at=1)
    line.enter("x", owner="a", lane=ONLY_X, at=2)
    assert line.next("x", lambda lane: lane.group == "image") == ("x", ONLY_X)
    assert line.next("x", lambda lane: lane.group == "image") is None
    assert line.next("z", every) is None
    assert served(line, "y") == ["film", "y"]


@given(
    owners=st.lists(st.sampled_from("abcd"), max_size=20),
    turns=st.lists(st.sampled_from("abcd"), max_size=4),
)
def test_the_place_in_line_is_that_in_which_it_is_served(owners: str, turns: str) -> None:
    line: Line[str] = Line()
    for owner in turns:
        line.had_turn(owner, "image")
    keys = [f"{owner}{number}" for number, owner in enumerate(owners)]
    for number, key in enumerate(keys):
        line.enter(key, owner=key[0], lane=ANY, at=number)
    told = {key: line.position(key) for key in keys}
    assert {key: place for place, key in enumerate(served(line), 1)} == told
    assert line.position("nobody") is None
