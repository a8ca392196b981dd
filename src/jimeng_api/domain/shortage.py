"""What a request costs that cannot be paid, and what could be had in its place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The same request with another `value` for one parameter of its, and what it costs then."""

    param: str
    value: str | int
    credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """Credits: what a request needs, what there is for it, and the nearest choices that can be paid."""

    needed: int
    available: int
    choices: tuple[Choice, ...] = ()

    @property
    def missing(self) -> int:
        return self.needed - self.available
