"""The queue from which requests meet their faults."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jimeng_api.simulator.clock import Chance
from jimeng_api.simulator.faults import FAULTS, Fault, Kind
from jimeng_api.simulator.operations import ANY, operation_named
from jimeng_api.simulator.timeline import FOR_EVER

_ORDER_KEYS = frozenset({"on", "fault", "times", "after", "nth", "account", "probability"})


class BadFault(ValueError):
    """An order that names no such operation, fault or setting."""


@dataclass(slots=True)
class Queued:
    """A fault that waits to be met."""

    number: int
    fault: Fault
    on: str
    times: int
    after: int
    account: str | None
    probability: float
    settings: dict[str, Any]
    seen: int = 0
    """How many requests could have met it."""
    met: int = 0

    @property
    def left(self) -> int:
        return FOR_EVER if self.times < 0 else max(0, self.times - self.met)

    def __getitem__(self, name: str) -> Any:
        return self.settings[name]


def queued_from(order: Mapping[str, Any], number: int) -> Queued:
    """Read one order; raise `BadFault` if it cannot be meant."""
    name = order.get("fault")
    row = FAULTS.get(name) if isinstance(name, str) else None
    if row is None:
        raise BadFault(f"no fault is called {name!r}")
    on = order.get("on") or (next(iter(row.on)) if len(row.on) == 1 else ANY)
    operation = operation_named(on) if isinstance(on, str) else None
    if operation is None:
        raise BadFault(f"no operation is called {on!r}")
    if operation != ANY and operation not in row.on:
        raise BadFault(f"fault {name!r} is met on {', '.join(sorted(row.on))}, not on {on!r}")
    given = {key: value for key, value in order.items() if key not in _ORDER_KEYS}
    unknown = given.keys() - row.settings.keys()
    if unknown:
        allowed = ", ".join(sorted(row.settings)) or "none"
        raise BadFault(f"fault {name!r} has no setting {min(unknown)!r}; it has: {allowed}")
    for key, value in given.items():
        _check_setting(row, key, value)
    try:
        nth = order.get("nth")
        return Queued(
            number=number,
            fault=row,
            on=operation,
            times=int(order.get("times", 1)),
            after=int(order.get("after", 0)) if nth is None else int(nth) - 1,
            account=None if order.get("account") is None else str(order["account"]),
            probability=float(order.get("probability", 1.0)),
            settings={**row.settings, **given},
        )
    except (TypeError, ValueError) as error:
        raise BadFault(f"fault {name!r}: {error}") from error


def _check_setting(row: Fault, key: str, value: Any) -> None:
    default = row.settings[key]
    free = default is None or key in ("code", "ret")
    numbers = isinstance(default, (int, float)) and isinstance(value, (int, float))
    if not free and not numbers and not isinstance(value, type(default)):
        kind = type(default).__name__
        raise BadFault(f"fault {row.name!r}: {key!r} takes a {kind}, not {value!r}")


class FaultQueue:
    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._count = 0
        self._queued: list[Queued] = []
        self._live: dict[Kind, list[Queued]] = {}

    def add(self, orders: Iterable[Mapping[str, Any]]) -> list[Queued]:
        """Queue them all, or none if one is wrong."""
        new = [
            queued_from(order, self._count + index) for index, order in enumerate(orders, start=1)
        ]
        self._count += len(new)
        for queued in new:
            self._queued.append(queued)
            if queued.left:
                self._live.setdefault(queued.fault.kind, []).append(queued)
        return new

    def clear(self) -> None:
        self._queued.clear()
        self._live.clear()

    def use(self, chance: Chance) -> None:
        """Draw from here on from another seed."""
        self._chance = chance

    def take(self, kind: Kind, operation: str, *names: str) -> Queued | None:
        """The fault of this kind that this request meets, if any.

        `names` are the names of the account that asks.
        """
        return next(self._met(kind, operation, names), None)

    def take_all(self, kind: Kind, operation: str, *names: str) -> list[Queued]:
        """All faults of this kind that fit; used for jobs, which may suffer several at once."""
        return list(self._met(kind, operation, names))

    def _met(self, kind: Kind, operation: str, names: tuple[str, ...]) -> Iterator[Queued]:
        for queued in tuple(self._live.get(kind, ())):
            if not _fits(queued, operation, names):
                continue
            queued.seen += 1
            if queued.seen <= queued.after:
                continue
            if queued.probability < 1:
                drawn = self._chance.fraction(f"fault {queued.number}")
                if drawn >= queued.probability:
                    continue
            queued.met += 1
            if not queued.left:
                self._live[queued.fault.kind].remove(queued)
            yield queued

    def __iter__(self) -> Iterator[Queued]:
        return iter(self._queued)

    @property
    def unspent(self) -> int:
        """How many meetings are still to come, not counting those without end."""
        return sum(queued.left for queued in self._queued if queued.times > 0)


def _fits(queued: Queued, operation: str, names: tuple[str, ...]) -> bool:
    if queued.on == ANY:
        if operation not in queued.fault.on:
            return False
    elif queued.on != operation:
        return False
    return queued.account is None or queued.account in names
