"""What is known of every account: how it did lately, what it may run, and until when it rests."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import structlog

from jimeng_api.accounts.choice import Kind, Need, Rest, Standing, lapsing
from jimeng_api.accounts.limits import Limit
from jimeng_api.accounts.pool import Pool
from jimeng_api.accounts.resting import Row, Scope, row_for
from jimeng_api.accounts.session import Session
from jimeng_api.catalog.sites import SITES
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import (
    AccountBusy,
    AccountUnusable,
    GatewayError,
    GenerationFailed,
    GenerationTimedOut,
    OutOfCredits,
    RateLimited,
    SessionExpired,
    SubmissionUncertain,
    UpstreamCode,
    UpstreamTrouble,
)

log = structlog.get_logger()

_MOST_REMEMBERED = 20_000
_HALF_LIFE = 300.0  # seconds in which trouble counts for half
_LATELY = 0.3  # how much the newest duration counts
_DAY = 86_400.0
_TROUBLE = (AccountUnusable, UpstreamTrouble, SubmissionUncertain, GenerationFailed)

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Balance:
    """Credits as they were seen: how many, and (amount, unix seconds) of those that lapse.

    A `member` pays less for some models than is known.
    """

    total: float
    lapsing: tuple[tuple[float, float], ...] = ()
    member: bool = False


@dataclass(slots=True)
class _Resting:
    row: Row
    error: type[GatewayError]
    since: float
    until: float
    times: int
    upstream: UpstreamCode | None


@dataclass(slots=True)
class _Account:
    limits: dict[Kind, Limit] = field(default_factory=dict)
    seconds: dict[Kind, float] = field(default_factory=dict)
    busy_in_a_row: int = 0
    balance: Balance | None = None
    balance_at: float = 0.0
    trouble: float = 0.0
    trouble_at: float = 0.0


class Health:
    """Learns from every answer and asks nothing itself.

    A new process learns anew, but for what is written down of stored accounts.

    Times are monotonic: a rest is no longer or shorter because the machine's clock was set.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        most: Mapping[Kind, int | None] = MappingProxyType({}),
        busy: Sequence[float] = (10.0, 20.0, 40.0),
        pool: Pool | None = None,
    ) -> None:
        """`most` bounds what any account has in hand; `busy` are the rests of one that has too much.

        Those of the `pool` have bounds of their own besides, and what is learned of them is told there.
        """
        self._clock = clock
        self._most = most
        self._busy = busy
        self._pool = pool
        self._told: dict[str, _Key] = {}
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._rests: OrderedDict[_Key, dict[type[GatewayError], _Resting]] = OrderedDict()

    # --------------------------------------------------------------------- asking

    def standing(
        self, session: Session, need: Need, *, held: int, unanswered: int, reserved: float = 0.0
    ) -> Standing:
        """How the account stands to the need, with so many in hand and so many of them without an answer.

        `reserved` are those of its credits that are promised already.
        """
        now = self._clock.monotonic()
        rest, until, opens = Rest.NONE, 0.0, 0.0
        for found in self._resting(session, need, now):
            if found.row.rest is Rest.WAIT:
                opens = max(opens, found.until)
            else:
                rest = max(rest, found.row.rest)
            if found.row.rest is Rest.SHUT:
                until = max(until, found.until)
        known = self._accounts.get(session.account)
        limit = (
            self._limit(session.account, known, need.kind)
            if known
            else Limit(self._bound(session.account, need.kind))
        )
        pays, expires = self._credits(known, need, reserved) if known else (None, math.inf)
        return Standing(
            account=session.account,
            rest=rest,
            until=until,
            room=not opens and limit.room(held=held, unanswered=unanswered, now=now),
            opens=opens or None,
            running=held,
            pays=pays,
            expires=expires,
            trouble=round(self._trouble(known, now)) if known else 0,
            seconds=known.seconds.get(need.kind, 0.0) if known else 0.0,
        )

    def limit(self, account: str, kind: Kind) -> int | None:
        """How many the account may run at once; None where nothing is known to limit it."""
        known = self._accounts.get(account)
        if known is None:
            return self._bound(account, kind)
        return self._limit(account, known, kind).value

    def seconds(self, account: str, kind: Kind) -> float | None:
        """How long it took lately, from the sending to the result."""
        known = self._accounts.get(account)
        return known.seconds.get(kind) if known else None

    def changes_at(self, session: Session, need: Need) -> float | None:
        """When (monotonic) time alone may let the account take more than it does now."""
        now = self._clock.monotonic()
        moments = [found.until for found in self._resting(session, need, now)]
        known = self._accounts.get(session.account)
        opens = self._limit(session.account, known, need.kind).opens_at() if known else None
        if opens is not None and opens > now:
            moments.append(opens)
        return min(moments, default=None)

    def refusal(self, session: Session, need: Need) -> GatewayError:
        """What an order is refused with that only this account could take, which is shut."""
        now = self._clock.monotonic()
        found = self._resting(session, need, now)
        shut = [rest for rest in found if rest.row.rest is Rest.SHUT]
        longest = max(shut, key=lambda rest: rest.until)
        return longest.error(
            longest.row.says, upstream=longest.upstream, retry_after=longest.until - now
        )

    def available(self, account: str) -> float | None:
        """The credits that the account has, None where that is not known."""
        known = self._accounts.get(account)
        return self._left(known.balance) if known and known.balance else None

    def credits_age(self, account: str) -> float:
        """How many seconds ago its credits were seen; infinite where they are not known."""
        known = self._accounts.get(account)
        if known is None or known.balance is None:
            return math.inf
        return self._clock.monotonic() - known.balance_at

    def unchecked(self, account: str) -> bool:
        """Whether it was signed out when last heard of, and is to be asked before it is sent anything."""
        rests = self._rests.get(("account", account), {}).values()
        written = self._pool is not None and self._pool.expired(account)
        return written or any(rest.row.checked for rest in rests)

    # ------------------------------------------------------------------- learning

    def given(self, account: str, kind: Kind, *, held: int) -> None:
        """It was given one more, with which it has so many in hand."""
        known = self._accounts.get(account)
        if known is not None:
            self._limit(account, known, kind).given(held=held)

    def taken(self, session: Session, need: Need, *, running: int) -> None:
        """It took a submission, with which it runs so many."""
        known = self._known(session.account)
        known.busy_in_a_row = 0
        known.trouble /= 2
        limit = self._limit(session.account, known, need.kind)
        limit.taken(running=running, now=self._clock.monotonic())
        for key in _keys(session, need):
            self._rests.pop(key, None)
        if self._pool is not None and self._told.get(session.account) in (
            None,
            *_keys(session, need),
        ):
            self._well(session.account)
        self.spent(session.account, need.price)

    def refused(
        self, session: Session, need: Need, error: GatewayError, *, running: int, others: int
    ) -> None:
        """It refused a submission for certain, with so many running, and so many others without an answer."""
        known, now = self._known(session.account), self._clock.monotonic()
        limit = self._limit(session.account, known, need.kind)
        if isinstance(error, AccountBusy | RateLimited):
            hurried = isinstance(error, RateLimited)
            limit.refused(running=running, now=now, hurried=hurried)
            if hurried or not (running or others):
                self._leave_alone(session, need, error, at_least=self._busy_seconds(known))
            return
        limit.dropped()
        if isinstance(error, OutOfCredits) and self._credits(known, need)[0]:
            known.balance = None  # it has less than was seen, or the price is another
        self.failed(session, need, error)

    def failed(self, session: Session, need: Need | None, error: GatewayError) -> None:
        """Something went wrong with the account, or with its site."""
        known = self._known(session.account)
        # That a time was over says more of the time than of the account.
        if isinstance(error, _TROUBLE) and not isinstance(error, GenerationTimedOut):
            now = self._clock.monotonic()
            known.trouble, known.trouble_at = self._trouble(known, now) + 1, now
        self._leave_alone(session, need, error)

    def doubted(self, session: Session, need: Need, error: GatewayError) -> None:
        """It gave no verdict. After a login page in its place it is asked whether it is signed in."""
        self.dropped(session.account, need.kind)
        if isinstance(error, SessionExpired):
            self._leave_alone(session, need, error, at_once=True)
        else:
            self.failed(session, need, error)

    def dropped(self, account: str, kind: Kind) -> None:
        """What it was given ended before there was an answer."""
        if (known := self._accounts.get(account)) is not None:
            self._limit(account, known, kind).dropped()

    def delivered(self, account: str, kind: Kind, *, seconds: float) -> None:
        """A result came so long after the sending."""
        known = self._known(account)
        before = known.seconds.get(kind, seconds)
        known.seconds[kind] = before + _LATELY * (seconds - before)

    def alive(self, account: str) -> None:
        """It was asked, and is signed in."""
        rests = self._rests.get(("account", account), {})
        for error in [error for error, rest in rests.items() if rest.row.checked]:
            del rests[error]
        if self._pool is not None and self._pool.expired(account):
            self._well(account)

    def credits(self, account: str, balance: Balance | None) -> None:
        """Its credits were seen; None: they are not known any more."""
        known = self._known(account)
        known.balance, known.balance_at = balance, self._clock.monotonic()

    def spent(self, account: str, price: float | None) -> None:
        """So many of its credits went, or may have gone."""
        known = self._accounts.get(account)
        if price and known is not None and known.balance is not None:
            known.balance = _less(known.balance, price)

    # ----------------------------------------------------------------------------

    def _credits(
        self, known: _Account, need: Need, reserved: float = 0.0
    ) -> tuple[bool | None, float]:
        balance, now = known.balance, self._clock.now()
        if balance is None:
            return None, math.inf
        pays: bool | None = None
        if need.price is not None:
            pays = need.price <= 0 or self._left(balance) - reserved >= need.price
        if pays is False and balance.member:
            pays = None
        free = need.price is not None and need.price <= 0
        return pays, math.inf if free else lapsing(balance.lapsing, now=now)

    def _left(self, balance: Balance) -> float:
        now = self._clock.now()
        return balance.total - sum(amount for amount, at in balance.lapsing if at <= now)

    def _resting(self, session: Session, need: Need, now: float) -> list[_Resting]:
        """All for which the account is left alone now, where this need is concerned."""
        found = [
            rest
            for key in _keys(session, need)
            if key in self._rests
            for rest in self._rests[key].values()
            if rest.until > now
        ]
        if (written := self._written(session.account, now)) is not None:
            found.append(written)
        known = self._accounts.get(session.account)
        if known is None or known.balance is None:
            return found
        # Whether its credits are enough is known better since they were seen.
        seen = known.balance_at
        return [rest for rest in found if rest.error is not OutOfCredits or rest.since > seen]

    def _written(self, account: str, now: float) -> _Resting | None:
        """The rest that another process, or an earlier one, has written down."""
        written = self._pool.rest(account) if self._pool is not None else None
        if written is None:
            return None
        error, left = written
        row, own = row_for(error), self._rests.get(("account", account), {})
        if row is None or type(error) in own:  # known better here
            return None
        return _Resting(row, type(error), now, now + left, 1, error.upstream)

    def _tell(self, account: str, key: _Key, error: GatewayError, row: Row, seconds: float) -> None:
        """Trouble of the account alone, that lasts, and that its operator may want to know of."""
        if self._pool is None or row.scope == "site" or row.rest < Rest.LAST:
            return
        whole = row.scope == "account"
        if self._pool.troubled(account, error, seconds=seconds if whole else None):
            self._told[account] = key

    def _well(self, account: str) -> None:
        self._told.pop(account, None)
        if self._pool is not None:
            self._pool.well(account)

    def _leave_alone(
        self,
        session: Session,
        need: Need | None,
        error: GatewayError,
        *,
        at_least: float = 0.0,
        at_once: bool = False,
    ) -> None:
        """`at_once`: it may be asked again without delay."""
        row = row_for(error)
        if row is None or (key := _key(row.scope, session, need)) is None:
            return
        now = self._clock.monotonic()
        before = self._rests.setdefault(key, {}).get(type(error))
        # Several that were on their way at once are refused for one and the same reason.
        times = 1 if before is None else before.times + (before.until <= now)
        seconds = max(row.first, error.retry_after or 0.0) * 2.0 ** min(times - 1, 20)
        if row.longest:
            seconds = max(min(seconds, row.longest), error.retry_after or 0.0)
        if row.to_midnight:
            seconds = error.retry_after or self._seconds_to_midnight(session.site)
        if row.rest is Rest.WAIT:
            seconds = max(error.retry_after or 0.0, at_least) * self._clock.uniform(1.0, 1.2)
        if at_once:
            seconds, times = 0.0, 0
        elif row.rest is Rest.SHUT and (before is None or before.until <= now):
            log.warning(
                "account_left_alone",
                account=session.account,
                site=session.site,
                code=error.code,
                seconds=round(seconds),
            )
        self._rests[key][type(error)] = _Resting(
            row, type(error), now, now + seconds, times, error.upstream
        )
        if not at_once:
            self._tell(session.account, key, error, row, seconds)
        self._rests.move_to_end(key)
        while len(self._rests) > _MOST_REMEMBERED:
            self._rests.popitem(last=False)

    def _busy_seconds(self, known: _Account) -> float:
        known.busy_in_a_row += 1
        return self._busy[min(known.busy_in_a_row, len(self._busy)) - 1] if self._busy else 0.0

    def _seconds_to_midnight(self, site: str) -> float:
        return _DAY - (self._clock.now() + SITES[site].utc_offset_hours * 3600) % _DAY

    def _trouble(self, known: _Account, now: float) -> float:
        return known.trouble * math.pow(0.5, (now - known.trouble_at) / _HALF_LIFE)

    def _bound(self, account: str, kind: Kind) -> int | None:
        """The lower of what any account, and this one, may have in hand; it may change at any time."""
        general = self._most.get(kind)
        own = self._pool.most(account, kind) if self._pool is not None else None
        return general if own is None else min(own, own if general is None else general)

    def _limit(self, account: str, known: _Account, kind: Kind) -> Limit:
        limit = known.limits.get(kind) or known.limits.setdefault(kind, Limit())
        limit.most = self._bound(account, kind)
        return limit

    def _known(self, account: str) -> _Account:
        known = self._accounts.get(account)
        if known is None:
            known = self._accounts[account] = _Account()
            if len(self._accounts) > _MOST_REMEMBERED:
                self._accounts.popitem(last=False)
        else:
            self._accounts.move_to_end(account)
        return known


def _less(balance: Balance, price: float) -> Balance:
    """What is left: sites take what lapses soonest first."""
    lapsing_, left = [], price
    for amount, at in sorted(balance.lapsing, key=lambda one: one[1]):
        part = min(left, amount)
        left -= part
        if amount > part:
            lapsing_.append((amount - part, at))
    return replace(balance, total=balance.total - price, lapsing=tuple(lapsing_))


def _keys(session: Session, need: Need) -> Iterable[_Key]:
    return (
        ("account", session.account),
        ("kind", f"{session.account} {need.kind}"),
        ("model", f"{session.account} {need.model}"),
        ("site", session.site),
    )


def _key(scope: Scope, session: Session, need: Need | None) -> _Key | None:
    match scope:
        case "account":
            return scope, session.account
        case "site":
            return scope, session.site
        case "kind":
            return (scope, f"{session.account} {need.kind}") if need else None
        case "model":
            return (scope, f"{session.account} {need.model}") if need else None
