"""What an account may spend."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiring:
    """Credits that lapse at a moment (Unix seconds)."""

    amount: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Credits:
    """What an account may spend: of its membership, given to it, bought by it; `expiring` soonest first."""

    vip: int = 0
    gift: int = 0
    purchased: int = 0
    expiring: tuple[Expiring, ...] = ()

    @property
    def total(self) -> int:
        return max(self.vip + self.gift + self.purchased, sum(e.amount for e in self.expiring))
