"""How many submissions an account may have in hand at once: learned from its refusals. Pure."""

from __future__ import annotations

_FIRST_WINDOW = 16
_PAUSE = 60.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 30.0, 3600.0


class Limit:
    """What one account runs of one kind at a time.

    Nobody knows the limit at first. Then it is found without asking much: at most `window` submissions may be
    without an answer, and with every one that is taken there may be one more. A refusal sets the limit to
    what was running; from time to time one more is tried, sooner where that went well, later where it did
    not. `most` is the operator's own bound.
    """

    __slots__ = ("_learned", "_next_try", "_pause", "_trying", "_window", "most")

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self._learned: int | None = None
        self._window = _FIRST_WINDOW
        self._pause = _PAUSE
        self._next_try = 0.0
        self._trying = False

    @property
    def value(self) -> int | None:
        """How many at once; None where nothing is known to limit them."""
        known = [one for one in (self.most, self._learned) if one is not None]
        return min(known, default=None)

    def room(self, *, held: int, unanswered: int, now: float) -> bool:
        """Whether one more may be sent, beside those in hand, of which some have no answer yet."""
        if unanswered >= self._window:
            return False
        if self.most is not None and held >= self.most:
            return False
        if self._learned is None or held < self._learned:
            return True
        return held == self._learned and not self._trying and now >= self._next_try

    def opens_at(self) -> float | None:
        """When one more may be tried than is known to go; None where only an end makes room."""
        if self._learned is None or self._trying:
            return None
        return None if self.most is not None and self._learned >= self.most else self._next_try

    def given(self, *, held: int) -> None:
        """One more was sent; `held` counts it. It may be a try of how much goes."""
        if self._learned is not None and held > self._learned:
            self._trying = True

    def taken(self, *, running: int, now: float) -> None:
        """One was taken; with it, so many run."""
        self._window += 1
        if self._learned is not None and running > self._learned:
            self._learned = running
            if self._trying:
                self._pause = max(self._pause / 2, _SHORTEST_PAUSE)
                self._next_try = now + self._pause
        self._trying = False

    def refused(self, *, running: int, now: float, hurried: bool = False) -> None:
        """One more than `running` was too much; `hurried`: it was not their number but their pace."""
        if self._trying:
            self._trying = False
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        runs = max(1, running // 2 if hurried else running)
        self._learned = runs if self._learned is None else min(runs, self._learned)
        self._window = _FIRST_WINDOW
        self._next_try = now + self._pause

    def dropped(self) -> None:
        """What was sent ended without a word on how much goes."""
        self._trying = False
