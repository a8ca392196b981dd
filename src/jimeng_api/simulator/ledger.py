"""What tests take for the truth: who asked for what, what was accepted, charged and sent."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jimeng_api.simulator.accounts import LAPSED, Account

KEPT_TIMES = 100_000


class Charge(NamedTuple):
    account: str
    submit_id: str
    history_id: str
    credits: int
    at: float


class Received(NamedTuple):
    """One picture, film or sound that was uploaded and may be used."""

    account: str
    site: str
    uri: str
    bytes: int
    crc32: str
    md5: str
    width: int
    height: int
    format: str
    """Empty where the bytes were neither picture, film nor sound."""
    at: float
    kind: str = "picture"
    vid: str = ""
    seconds: float = 0.0


class Seen(NamedTuple):
    """One request, for those who want to know when it came."""

    at: float
    operation: str
    account: str | None
    ids: int


@dataclass(slots=True)
class Ledger:
    charges: list[Charge] = field(default_factory=list)
    refunds: list[Charge] = field(default_factory=list)
    uploads: deque[Received] = field(default_factory=lambda: deque(maxlen=KEPT_TIMES))
    submits: int = 0
    """Submissions that arrived, the refused ones too."""
    accepted: int = 0
    double: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    by_path: Counter[str] = field(default_factory=Counter)
    by_operation: Counter[str] = field(default_factory=Counter)
    by_account: dict[str, Counter[str]] = field(default_factory=dict)
    looks: Counter[str] = field(default_factory=Counter)
    """Ids asked for, by account."""
    bytes_by_operation: Counter[str] = field(default_factory=Counter)
    pictures_served: int = 0
    films_served: int = 0
    times: deque[Seen] = field(default_factory=lambda: deque(maxlen=KEPT_TIMES))

    def count(self, path: str, operation: str, account: str | None, at: float) -> None:
        self.by_path[path] += 1
        self.by_operation[operation] += 1
        if account is not None:
            counts = self.by_account.get(account)
            if counts is None:
                counts = self.by_account[account] = Counter()
            counts[operation] += 1
        if operation not in ("picture", "film"):
            self.times.append(Seen(at, operation, account, 0))

    def looked(self, account: str, ids: int) -> None:
        """So many ids were asked for in the request that was counted last."""
        self.looks[account] += ids
        if self.times:
            self.times[-1] = self.times[-1]._replace(ids=ids)

    def books(self, accounts: Iterable[Account], now: float) -> dict[str, dict[str, int]]:
        """All that accounts spent and got, which adds up to their balances."""
        charged, refunded = Counter[str](), Counter[str]()
        for entries, sums in ((self.charges, charged), (self.refunds, refunded)):
            for each in entries:
                sums[each.account] += each.credits
        return {
            account.uid: _books_of(account, charged[account.uid], refunded[account.uid], now)
            for account in accounts
        }

    @property
    def polls(self) -> dict[str, int]:
        return {
            account: counts["poll"] for account, counts in self.by_account.items() if counts["poll"]
        }

    def totals(self) -> dict[str, Any]:
        return {
            "submits": self.submits,
            "accepted": self.accepted,
            "double": self.double,
            "refused": sum(self.refusals.values()),
            "requests": sum(self.by_operation.values()),
            "polls": self.by_operation["poll"],
            "looks": sum(self.looks.values()),
            "charged": sum(charge.credits for charge in self.charges),
            "refunded": sum(charge.credits for charge in self.refunds),
            "uploads": len(self.uploads),
            "pictures_served": self.pictures_served,
            "films_served": self.films_served,
            "bytes_served": self.bytes_by_operation["picture"] + self.bytes_by_operation["film"],
        }


def _books_of(account: Account, charged: int, refunded: int, now: float) -> dict[str, int]:
    account.lapse(now)
    lapsed = sum(row.amount for row in account.rows if row.title == LAPSED)
    return {
        "opening": account.opening,
        "charged": charged,
        "refunded": refunded,
        "received": account.booked + charged - refunded - lapsed,
        "lapsed": -lapsed,
        "balance": account.balance,
    }
