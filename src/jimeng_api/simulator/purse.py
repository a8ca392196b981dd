"""The credits of an account: what was bought, and parcels that lapse."""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["gift", "vip"]
"""What may lapse: gifts, and what comes with a membership. What was bought never does."""

KINDS: tuple[Kind, ...] = ("gift", "vip")


@dataclass(slots=True)
class Parcel:
    kind: Kind
    amount: int
    ends: float
    """Good until then, this second included."""


@dataclass(slots=True)
class Purse:
    bought: int = 0
    parcels: list[Parcel] = field(default_factory=list)
    """Soonest to lapse first."""

    def sum_of(self, kind: Kind) -> int:
        return sum(parcel.amount for parcel in self.parcels if parcel.kind == kind)

    @property
    def total(self) -> int:
        return self.bought + sum(parcel.amount for parcel in self.parcels)

    def put(self, kind: Kind, amount: int, ends: float) -> None:
        """Add a parcel, to one of the same kind and end where there is one."""
        if not amount:
            return
        for parcel in self.parcels:
            if (parcel.kind, parcel.ends) == (kind, ends):
                parcel.amount += amount
                return
        self.parcels.append(Parcel(kind, amount, ends))
        self.parcels.sort(key=lambda parcel: (parcel.ends, KINDS.index(parcel.kind)))

    def empty(self, kind: Kind | None = None) -> None:
        """Take out all parcels, or those of a kind."""
        self.parcels = [
            parcel for parcel in self.parcels if kind is not None and parcel.kind != kind
        ]

    def take(self, price: int) -> None:
        """Pay, with what lapses first."""
        left = price
        for parcel in self.parcels:
            part = min(left, parcel.amount)
            parcel.amount -= part
            left -= part
        self.parcels = [parcel for parcel in self.parcels if parcel.amount]
        self.bought -= left

    def lapse(self, now: float) -> list[Parcel]:
        """Drop what is over, and say what that was."""
        over = [parcel for parcel in self.parcels if now > parcel.ends]
        if over:
            self.parcels = [parcel for parcel in self.parcels if now <= parcel.ends]
        return over
