"""Who is next, of those who wait for a place: the owners take turns, whatever each has ordered. Pure."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)

_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Lane:
    """Those who can go to the same places, for the same kind of thing: `group` is what turns are taken in.

    `need` is whatever else must be alike for all of them.
    """

    places: tuple[str, ...]
    group: str
    need: Hashable = None


class _Entry(NamedTuple):
    at: float
    number: int
    key: Hashable


@dataclass(slots=True)
class _Queue:
    """What one owner has waiting in one lane, oldest first."""

    owner: str
    lane: Lane
    entries: list[_Entry] = field(default_factory=list)


class Line(Generic[K]):
    """A place that gets free goes to the owner whose last turn is longest ago, and there to the oldest.

    So whoever wants one thing waits for one turn of each of the others, however much they want.
    """

    def __init__(self) -> None:
        self._where: dict[K, tuple[_Queue, _Entry]] = {}
        self._queues: dict[tuple[str, Lane], _Queue] = {}
        self._at: dict[str, dict[tuple[str, Lane], _Queue]] = {}
        self._waiting: Counter[str] = Counter()
        self._turns: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._entered = 0
        self._served = 0

    def __len__(self) -> int:
        return len(self._where)

    def __contains__(self, key: K) -> bool:
        return key in self._where

    def waiting(self, owner: str) -> int:
        """How many of the owner wait."""
        return self._waiting[owner]

    def enter(self, key: K, *, owner: str, lane: Lane, at: float) -> None:
        """Wait, as somebody who came at this moment: those of the owner who came later wait behind."""
        if key in self._where:
            raise ValueError(f"{key!r} waits already")
        queue = self._queues.get((owner, lane))
        if queue is None:
            queue = self._queues[owner, lane] = _Queue(owner, lane)
            for place in lane.places:
                self._at.setdefault(place, {})[owner, lane] = queue
        self._entered += 1
        entry = _Entry(at, self._entered, key)
        insort(queue.entries, entry)
        self._where[key] = queue, entry
        self._waiting[owner] += 1

    def leave(self, key: K) -> None:
        """Wait no more; nothing happens where it does not."""
        found = self._where.pop(key, None)
        if found is None:
            return
        queue, entry = found
        del queue.entries[bisect_left(queue.entries, entry)]
        self._waiting[queue.owner] -= 1
        if not self._waiting[queue.owner]:
            del self._waiting[queue.owner]
        if not queue.entries:
            name = queue.owner, queue.lane
            del self._queues[name]
            for place in queue.lane.places:
                del self._at[place][name]
                if not self._at[place]:
                    del self._at[place]

    def next(self, place: str, takes: Callable[[Lane], bool]) -> tuple[K, Lane] | None:
        """Who of those that can go to the place is next, and leaves the line; None where nobody is.

        `takes` says whether somebody of a lane can be served at the moment.
        """
        asked: dict[Lane, bool] = {}
        for queue in sorted(self._at.get(place, {}).values(), key=self._rank):
            lane = queue.lane
            if lane not in asked:
                asked[lane] = takes(lane)
            if asked[lane]:
                key: K = queue.entries[0].key  # type: ignore[assignment]
                self.had_turn(queue.owner, lane.group)
                self.leave(key)
                return key, lane
        return None

    def had_turn(self, owner: str, group: str) -> None:
        """The owner was served, with or without waiting."""
        self._served += 1
        self._turns[owner, group] = self._served
        self._turns.move_to_end((owner, group))
        if len(self._turns) > _MOST_REMEMBERED:
            self._turns.popitem(last=False)

    def lanes(self, place: str) -> Collection[Lane]:
        """The lanes of those who wait for this place, among others."""
        return dict.fromkeys(queue.lane for queue in self._at.get(place, {}).values())

    def places(self) -> Iterator[str]:
        """All that somebody waits for."""
        return iter(tuple(self._at))

    def of(self, lane: Lane) -> list[K]:
        """All who wait in a lane."""
        queues = [queue for queue in self._queues.values() if queue.lane == lane]
        return [entry.key for queue in queues for entry in queue.entries]  # type: ignore[misc]

    def position(self, key: K) -> int | None:
        """How many places have to get free until it is served, if nobody else comes; None if it waits not."""
        found = self._where.get(key)
        if found is None:
            return None
        mine, entry = found
        places, group = set(mine.lane.places), mine.lane.group
        ahead: Counter[str] = Counter()
        ranks: dict[str, tuple[int, float, int]] = {}
        for queue in self._queues.values():
            if queue.lane.group == group and not places.isdisjoint(queue.lane.places):
                owner, rank = queue.owner, self._rank(queue)
                theirs = owner != mine.owner
                ahead[owner] += len(queue.entries) if theirs else bisect_left(queue.entries, entry)
                ranks[owner] = min(rank, ranks.get(owner, rank))
        own = ahead.pop(mine.owner)
        before = [
            min(count, own + (ranks[owner] < ranks[mine.owner])) for owner, count in ahead.items()
        ]
        return own + sum(before) + 1

    def _turn(self, queue: _Queue) -> int:
        return self._turns.get((queue.owner, queue.lane.group), 0)

    def _rank(self, queue: _Queue) -> tuple[int, float, int]:
        oldest = queue.entries[0]
        return self._turn(queue), oldest.at, oldest.number
