"""The line in which those wait who find no account free: owners take turns, and nobody is passed over."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jimeng_api.generation.line import Lane, Line
from tests.machines.profile import run

ANY = Lane(("x", "y"), "image")
ONLY_X = Lane(("x",), "image")
ONLY_Y = Lane(("y",), "image")
FILMS = Lane(("x", "y"), "video")


@dataclass(frozen=True)
class Standing:
    owner: str
    lane: Lane
    at: float
    entered: int


class Lines(RuleBasedStateMachine):
    """The line beside a plain list of who stands in it, and of when each owner was served."""

    @initialize()
    def begin(self) -> None:
        self.line: Line[int] = Line()
        self.standing: dict[int, Standing] = {}
        self.turns: dict[tuple[str, str], int] = {}
        self.entered = 0
        self.passed_over: Counter[tuple[str, str, str]] = Counter()

    @rule(
        owner=st.sampled_from("abc"),
        lane=st.sampled_from([ANY, ONLY_X, ONLY_Y, FILMS]),
        at=st.integers(0, 5),
    )
    def enter(self, owner: str, lane: Lane, at: int) -> None:
        self.entered += 1
        self.standing[self.entered] = Standing(owner, lane, at, self.entered)
        self.line.enter(self.entered, owner=owner, lane=lane, at=at)

    @precondition(lambda self: self.standing)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.standing)))
        del self.standing[key]
        self.line.leave(key)
        self.line.leave(key)  # nothing happens

    @rule(
        place=st.sampled_from("xyz"), open_=st.sets(st.sampled_from([ANY, ONLY_X, ONLY_Y, FILMS]))
    )
    def place_gets_free(self, place: str, open_: set[Lane]) -> None:
        able = {
            key: one
            for key, one in self.standing.items()
            if place in one.lane.places and one.lane in open_
        }
        found = self.line.next(place, open_.__contains__)
        if found is None:
            assert not able
            return
        key, lane = found
        one = able[key]
        assert lane == one.lane
        mine = self.turns.get((one.owner, lane.group), 0)
        for other_key, other in able.items():
            turn = self.turns.get((other.owner, other.lane.group), 0)
            assert turn >= mine, "an owner whose turn is longer ago was passed over"
            same = (other.owner, other.lane) == (one.owner, lane)
            if same and other_key != key:
                assert (other.at, other.entered) > (one.at, one.entered), "a younger one was taken"
        self.turns[one.owner, lane.group] = max(self.turns.values(), default=0) + 1
        del self.standing[key]
        self._nobody_starves(place, lane.group, one.owner, able)

    def _nobody_starves(
        self, place: str, group: str, served_owner: str, able: dict[int, Standing]
    ) -> None:
        """Between two turns of an owner, each of the others has had one, if it could have it."""
        waiting = {one.owner for one in able.values() if one.lane.group == group} - {served_owner}
        for owner in waiting:
            self.passed_over[owner, served_owner, group] += 1
            assert self.passed_over[owner, served_owner, group] <= 2
        for other in "abc":
            self.passed_over[served_owner, other, group] = 0

    @invariant()
    def the_same_stand_in_it(self) -> None:
        if not hasattr(self, "line"):
            return
        assert len(self.line) == len(self.standing)
        for owner in "abc":
            mine = [one for one in self.standing.values() if one.owner == owner]
            assert self.line.waiting(owner) == len(mine)
        for lane in (ANY, ONLY_X, ONLY_Y, FILMS):
            keys = {key for key, one in self.standing.items() if one.lane == lane}
            assert set(self.line.of(lane)) == keys
        for place in "xy":
            lanes = {one.lane for one in self.standing.values() if place in one.lane.places}
            assert set(self.line.lanes(place)) == lanes
        assert set(self.line.places()) == {
            place for one in self.standing.values() for place in one.lane.places
        }

    @invariant()
    def a_place_in_line_is_as_many_turns_away(self) -> None:
        if not hasattr(self, "line"):
            return
        for key in self.standing:
            position = self.line.position(key)
            assert position is not None
            assert 1 <= position <= len(self.standing)


def test_the_line_is_fair_whatever_happens() -> None:
    run(Lines, examples=120, steps=40)
