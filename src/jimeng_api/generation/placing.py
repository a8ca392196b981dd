"""Which account a submission goes to, and when: of those that this gateway may work on, within its limits."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from jimeng_api.accounts.choice import (
    Kind,
    Need,
    Rest,
    Shut,
    Standing,
    Take,
    Verdict,
    Wait,
    choose,
)
from jimeng_api.accounts.health import Health
from jimeng_api.accounts.session import Session
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import (
    GatewayError,
    GenerationTimedOut,
    InternalError,
    JobCancelled,
    ModelNotAvailable,
    OutOfCredits,
    QueueFull,
)
from jimeng_api.domain.progress import Queue
from jimeng_api.domain.requests import GenerationRequest
from jimeng_api.generation.alarm import Alarm
from jimeng_api.generation.line import Lane, Line
from jimeng_api.generation.orders import (
    Key,
    Order,
    Wanted,
    kind_of,
    need_of,
    wanted_by,
)
from jimeng_api.generation.pricing import Price, shipped_price
from jimeng_api.generation.purses import MOST_ASKED, Purses
from jimeng_api.jobs.claims import Claims

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many submissions may wait for a place: of one owner, and of all together."""

    of_owner: int = 5_000
    of_all: int = 20_000


@dataclass(slots=True, kw_only=True)
class _Ticket:
    """Where a submission stands: it waits in line, has a place at `account`, or is `running` there.

    While it waits, it counts for the account that it is written down for. What was sent before this gateway
    knew of it is `wanted` by nobody.
    """

    kind: Kind
    account: str
    wanted: Wanted | None = None
    placed: bool = False
    running: bool = False
    failure: GatewayError | None = None
    deadline: float = 0.0
    word: asyncio.Event = field(default_factory=asyncio.Event)


class Placing:
    """Gives out the places that accounts have; whoever finds none free stands in line.

    The account is chosen when there is a place, which is just before the sending. A place is held until the
    upstream has come to an end with what was sent.
    """

    def __init__(
        self,
        claims: Claims,
        health: Health,
        clock: Clock,
        *,
        bounds: Bounds | None = None,
        price: Price = shipped_price,
        purses: Purses | None = None,
    ) -> None:
        self.health = health
        self._claims = claims
        self._clock = clock
        self._bounds = bounds or Bounds()
        self._price = price
        self._purses = purses or Purses(health, clock)
        self._tickets: dict[Key, _Ticket] = {}
        self._line: Line[Key] = Line()
        self._held: Counter[tuple[str, Kind]] = Counter()
        self._unanswered: Counter[tuple[str, Kind]] = Counter()
        self._load: Counter[str] = Counter()
        self._alarm: Alarm[str | Key] = Alarm(clock, self._rung)

    # -------------------------------------------------------------------- placing

    async def place(self, order: Order) -> Session:
        """The account that a new submission is written down for. It has a place there, or stands in line.

        An account that is idle and ours, or that nobody has, is best; then any of ours. One that another
        gateway works on, which will do it, takes it only where ours are shut. Raises ModelNotAvailable,
        QueueFull, OutOfCredits where none can pay it, and where no account may be sent anything for the
        moment, why.
        """
        fit = order.fit
        if not fit:
            raise ModelNotAvailable(
                f"None of the sessions is on a site that offers {order.request.model}."
            )
        await self._claim_payers(order)
        open_ = self._payers(order, ours := self._ours(fit))
        verdict = choose(standing for standing, _ in open_)
        if isinstance(verdict, Take | Wait):
            wanted = self._wanted(order, [session for _, session in open_])
            if isinstance(verdict, Wait):
                self._check_bounds(order, wanted)
            return self._entered(order, wanted, verdict)
        foreign = [session for _, session in self._payers(order, fit) if session not in ours]
        if foreign:
            return foreign[0]
        if self.means(order):
            raise OutOfCredits("No account that this could go to has the credits for it.")
        wanted = self._wanted(order, ours)
        raise self._shut(wanted, self._choose(wanted))

    def means(self, order: Order) -> list[tuple[str, float]]:
        """The sites and free credits of the accounts that could take it, were they able to pay."""
        return [
            (session.site, free)
            for session, need in self._open(order, order.fit)
            if need.price and (free := self._purses.free(session.account)) is not None
        ]

    async def _claim_payers(self, order: Order) -> None:
        """Claim until one of ours is well, idle and able to pay, as far as it tells."""
        fit, asked = order.fit, 0
        while True:
            await self._claim(fit, order)
            ours = self._ours(fit)
            known = await self._purses.look(self._open(order, ours or fit), most=MOST_ASKED - asked)
            asked += known
            if not known or asked >= MOST_ASKED or self._can_pay(order, ours):
                break
        if not self._can_pay(order, fit):
            await self._purses.look(self._open(order, fit), sure=True)

    def _can_pay(self, order: Order, sessions: Iterable[Session]) -> bool:
        return any(one.rest is not Rest.SHUT for one, _ in self._payers(order, sessions))

    def _open(self, order: Order, sessions: Iterable[Session]) -> list[tuple[Session, Need]]:
        return [
            (session, need)
            for session, need in self._wanted(order, sessions)
            if self._standing(session, need).rest is not Rest.SHUT
        ]

    def _payers(self, order: Order, sessions: Iterable[Session]) -> list[tuple[Standing, Session]]:
        """Those that a new order can go to: what is promised to others already is not theirs to spend."""
        found = [
            (self._standing(session, need, new=True), session)
            for session, need in self._wanted(order, sessions)
        ]
        return [(standing, session) for standing, session in found if standing.pays is not False]

    async def turn(self, order: Order) -> Session:
        """The account that is to take the submission now, one of ours; returns when it has a place there.

        Raises GenerationTimedOut where its time is over before that, or is certain to be; JobCancelled; and
        where no account may be sent anything for the moment, why.
        """
        if order.key not in self._tickets:
            if not self._ours(fit := order.fit):
                await self._claim(fit, order)  # it was written down for none of them
            self.again(order)
        ticket = self._tickets[order.key]
        while not ticket.placed:
            if ticket.failure is not None:
                raise ticket.failure
            ticket.word.clear()
            await ticket.word.wait()
        return next(one for one in order.sessions if one.account == ticket.account)

    def again(self, order: Order) -> None:
        """Give up the place that the submission has, if any, and get another, or stand in line for it."""
        self.leave(order.key)
        ours = self._ours(order.fit)
        if not ours:
            raise InternalError("No session of this job may be used here any more.")
        verdict = self._choose(wanted := self._wanted(order, ours))
        if isinstance(verdict, Wait) and verdict.until is not None:
            left = verdict.until - self._clock.monotonic()
            if self._clock.now() + left > order.deadline:
                raise GenerationTimedOut(NOT_IN_TIME)
        if not isinstance(verdict, Take | Wait):
            raise self._shut(wanted, verdict)
        self._entered(order, wanted, verdict)

    async def other(self, order: Order, *, not_on: str | None = None) -> Session | None:
        """An account for a submission that was refused: ours if one will do, else another gateway's.

        With `not_on`, one on another site than this, and one that is well.
        """
        fit = [one for one in order.fit if one.site != not_on]
        await self._claim(fit, order)
        wanted = self._wanted(
            order, [session for _, session in self._payers(order, self._ours(fit))]
        )
        if not_on is not None:
            well = [one for one in self._standings(wanted) if one.rest is Rest.NONE]
            wanted = self._wanted(order, [wanted.of(one.account)[0] for one in well])
        match self._choose(wanted):
            case Take(account):
                return wanted.of(account)[0]
            case Wait():
                return self._least_loaded(wanted.sessions)
            case _:
                return next((one for one in fit if not self._claims.holds(one.account)), None)

    async def take(self, key: Key, account: str, request: GenerationRequest) -> None:
        """A submission that this account has upstream; it is claimed if nobody has it."""
        await self._claims.try_to_take(account)
        self.runs(key, account, request)

    def runs(self, key: Key, account: str, request: GenerationRequest) -> None:
        """A submission that was sent and may run upstream has its place there, room or no room."""
        if key not in self._tickets:
            ticket = _Ticket(kind=kind_of(request), account=account, placed=True, running=True)
            self._tickets[key] = ticket
            self._load[account] += 1
            self._held[account, ticket.kind] += 1

    def leave(self, key: Key) -> None:
        """The submission needs no place any more; whoever is next gets it."""
        ticket = self._tickets.pop(key, None)
        if ticket is None:
            return
        self._line.leave(key)
        self._alarm.off(key)
        _less(self._load, ticket.account)
        self._purses.release(key)
        if ticket.placed:
            place = ticket.account, ticket.kind
            _less(self._held, place)
            if not ticket.running:
                _less(self._unanswered, place)
                self.health.dropped(*place)
            self._serve(ticket.account)

    def call_off(self, key: Key) -> None:
        """Its owner took it back: it waits no more."""
        self._fail(key, JobCancelled("The job was cancelled before anything was submitted."))

    def clear(self) -> None:
        """Nothing runs here any more."""
        self._tickets.clear()
        self._line = Line()
        for counted in (self._held, self._unanswered, self._load):
            counted.clear()
        self._purses.clear()
        self._alarm.clear()

    # ------------------------------------------------------------------- learning

    def taken(self, key: Key) -> None:
        """The upstream took it."""
        if (ticket := self._answered(key)) is not None and ticket.wanted is not None:
            session, need = ticket.wanted.of(ticket.account)
            place = ticket.account, ticket.kind
            self._purses.paid(key)
            self.health.taken(session, need, running=self._running(place))
            self._serve(ticket.account)

    def in_doubt(self, key: Key, error: GatewayError) -> None:
        """Nobody knows whether the upstream took it: it holds its place until that is known."""
        if (ticket := self._answered(key)) is not None and ticket.wanted is not None:
            session, need = ticket.wanted.of(ticket.account)
            self._purses.paid(key)
            self.health.doubted(session, need, error)
            self.health.spent(ticket.account, need.price)
            self._reconsider(ticket.account)

    def _answered(self, key: Key) -> _Ticket | None:
        ticket = self._tickets.get(key)
        if ticket is not None and not ticket.running:
            ticket.running = True
            _less(self._unanswered, (ticket.account, ticket.kind))
        return ticket

    def refused(self, key: Key, error: GatewayError) -> bool:
        """It was refused for certain. Whether anything else of ours runs there, and will make room."""
        ticket = self._tickets.get(key)
        if ticket is None or ticket.wanted is None:
            return False
        place = ticket.account, ticket.kind
        running, others = self._running(place), self._unanswered[place] - 1
        session, need = ticket.wanted.of(ticket.account)
        self.health.refused(session, need, error, running=running, others=others)
        self._reconsider(ticket.account)
        return running + others > 0

    def failed(self, session: Session, request: GenerationRequest, error: GatewayError) -> None:
        """Something else went wrong with an account."""
        self.health.failed(session, need_of(request), error)
        self._reconsider(session.account)

    def signed_in(self, account: str) -> None:
        """It answered, as it does only where it is signed in."""
        if self.health.unchecked(account):
            self.health.alive(account)
            self._serve(account)

    def still_open(self, key: Key) -> bool:
        """Whether it may be sent to the account that it has a place at, which may have come to rest since."""
        ticket = self._tickets[key]
        if ticket.wanted is None:
            return True
        session, need = ticket.wanted.of(ticket.account)
        now = self._standing(session, need)
        return now.rest is not Rest.SHUT and now.opens is None

    def delivered(self, account: str, request: GenerationRequest, *, seconds: float) -> None:
        self.health.delivered(account, kind_of(request), seconds=seconds)

    # --------------------------------------------------------------------- asking

    def is_ours(self, account: str) -> bool:
        return self._claims.holds(account)

    @property
    def certain(self) -> bool:
        """Whether what was ours still is, as far as can be told."""
        return self._claims.certain

    def load(self, account: str) -> int:
        """How many submissions count on it here."""
        return self._load[account]

    @property
    def in_hand(self) -> Collection[Key]:
        """The submissions that have a place, or wait for one."""
        return self._tickets.keys()

    def queue(self, keys: Iterable[Key]) -> Queue | None:
        """How long these still wait here: the place in line of the last of them."""
        found = [(self._line.position(key) or 0, key) for key in keys if key in self._line]
        if not found:
            return None
        position, key = max(found)
        wanted = self._tickets[key].wanted
        return Queue(
            position=position,
            length=len(self._line),
            waiting=True,
            wait_seconds=self._seconds(position, wanted) if wanted else None,
        )

    # -------------------------------------------------------------------- waiting

    async def claim_more(self) -> None:
        """Claim what has become free of the accounts that are waited for.

        Ours may have got room as well: their operator can change their limits.
        """
        foreign = [place for place in self._line.places() if not self._claims.holds(place)]
        for place in self._line.places():
            self._serve(place)
        if foreign:
            for account in await self._claims.take(foreign):
                self._serve(account)

    def _entered(self, order: Order, wanted: Wanted, verdict: Take | Wait) -> Session:
        """A place, or one in line; the session to write down until then."""
        session = (
            wanted.of(verdict.account)[0]
            if isinstance(verdict, Take)
            else self._least_loaded(wanted.sessions)
        )
        kind = kind_of(order.request)
        all_wanted = self._wanted(order, order.fit)
        ticket = _Ticket(
            kind=kind, account=session.account, wanted=all_wanted, deadline=order.deadline
        )
        self._tickets[order.key] = ticket
        self._load[session.account] += 1
        if isinstance(verdict, Take):
            self._line.had_turn(order.owner, kind)
            self._give(order.key, session.account)
        else:
            price = all_wanted.of(session.account)[1].price
            self._purses.promise(order.key, session.account, price, due=False)
            lane = Lane(tuple(one.account for one in all_wanted.sessions), kind, all_wanted)
            self._line.enter(order.key, owner=order.owner, lane=lane, at=order.at)
            self._alarm.at(self._moment(order.deadline), order.key)
            self._set_alarms(lane)
        return session

    def _give(self, key: Key, account: str) -> None:
        ticket = self._tickets[key]
        _less(self._load, ticket.account)
        self._load[account] += 1
        self._held[account, ticket.kind] += 1
        self._unanswered[account, ticket.kind] += 1
        self.health.given(account, ticket.kind, held=self._held[account, ticket.kind])
        ticket.account, ticket.placed = account, True
        price = ticket.wanted.of(account)[1].price if ticket.wanted else None
        self._purses.promise(key, account, price, due=True)
        ticket.word.set()

    def _serve(self, account: str) -> None:
        """Give the places that are free there to those whose turn it is."""
        chosen: dict[Lane, str] = {}

        def takes(lane: Lane) -> bool:
            verdict = self._choose_for(lane)
            if isinstance(verdict, Take):
                chosen[lane] = verdict.account
            return isinstance(verdict, Take)

        while (found := self._line.next(account, takes)) is not None:
            key, lane = found
            self._alarm.off(key)
            self._give(key, chosen[lane])
        for lane in self._line.lanes(account):
            self._set_alarms(lane)

    def _reconsider(self, account: str) -> None:
        """Let those go whose accounts are all shut by now; serve the others."""
        for lane in self._line.lanes(account):
            verdict = self._choose_for(lane)
            if isinstance(verdict, Shut):
                wanted: Wanted = lane.need  # type: ignore[assignment]
                for key in self._line.of(lane):
                    self._fail(key, self._shut(wanted, verdict))
        self._serve(account)

    def _set_alarms(self, lane: Lane) -> None:
        """Look again when time alone may have made room."""
        wanted: Wanted = lane.need  # type: ignore[assignment]
        for session, need in wanted:
            moment = self.health.changes_at(session, need)
            if moment is not None and self._claims.holds(session.account):
                self._alarm.at(moment, session.account)

    def _rung(self, what: str | Key) -> None:
        if isinstance(what, str):
            self._serve(what)
        elif (ticket := self._tickets.get(what)) is not None and what in self._line:
            if self._clock.now() < ticket.deadline:  # the clock was set meanwhile
                self._alarm.at(self._moment(ticket.deadline), what)
            else:
                self._fail(what, GenerationTimedOut(NOT_IN_TIME))

    def _fail(self, key: Key, error: GatewayError) -> None:
        ticket = self._tickets.get(key)
        if ticket is not None and not ticket.placed:
            self._line.leave(key)
            self._alarm.off(key)
            ticket.failure = error
            ticket.word.set()

    def _check_bounds(self, order: Order, wanted: Wanted) -> None:
        mine, all_ = self._line.waiting(order.owner), len(self._line)
        if mine < self._bounds.of_owner and all_ < self._bounds.of_all:
            return
        whose = "of this key " if mine >= self._bounds.of_owner else ""
        seconds = self._seconds(1, wanted)
        raise QueueFull(
            f"As many orders {whose}wait for a free account as may. Nothing was taken on; try again later.",
            retry_after=None if seconds is None else min(max(seconds, 1.0), 600.0),
        )

    # ----------------------------------------------------------------------------

    async def _claim(self, fit: Sequence[Session], order: Order) -> None:
        """Claim what nobody has, until one of ours is well and idle."""

        def idle() -> bool:
            return any(
                not self._load[session.account] and standing.rest is Rest.NONE
                for standing, session in self._payers(order, self._ours(fit))
            )

        for one in fit:
            if not idle():
                await self._claims.try_to_take(one.account)

    def _ours(self, sessions: Iterable[Session]) -> list[Session]:
        return [one for one in sessions if self._claims.holds(one.account)]

    def _wanted(self, order: Order, sessions: Iterable[Session]) -> Wanted:
        return wanted_by(order, sessions, self._price)

    def _choose(self, wanted: Wanted) -> Verdict | None:
        return choose(self._standings(wanted))

    def _choose_for(self, lane: Lane) -> Verdict | None:
        """The verdict on all who wait in a lane: their accounts as far as they are ours."""
        wanted: Wanted = lane.need  # type: ignore[assignment]
        return choose(
            self._standing(session, need)
            for session, need in wanted
            if self._claims.holds(session.account)
        )

    def _standings(self, wanted: Wanted) -> list[Standing]:
        return [self._standing(session, need) for session, need in wanted]

    def _standing(self, session: Session, need: Need, *, new: bool = False) -> Standing:
        """A `new` order may not spend what is promised; of those who wait, each has its promise."""
        place, account = (session.account, need.kind), session.account
        return self.health.standing(
            session,
            need,
            held=self._held[place],
            unanswered=self._unanswered[place],
            reserved=self._purses.promised(account) if new else self._purses.due(account),
        )

    def _running(self, place: tuple[str, Kind]) -> int:
        return self._held[place] - self._unanswered[place]

    def _least_loaded(self, sessions: Sequence[Session]) -> Session:
        return min(sessions, key=lambda one: self._load[one.account])

    def _shut(self, wanted: Wanted, verdict: Verdict | None) -> GatewayError:
        if not isinstance(verdict, Shut):
            return InternalError("No session of this job may be used here any more.")
        return self.health.refusal(*wanted.of(verdict.account))

    def _seconds(self, position: int, wanted: Wanted) -> float | None:
        """How long until so many places have become free, as things went lately."""
        ours = [pair for pair in wanted
                if self._claims.holds(pair[0].account)]  # fmt: skip
        limits = [self.health.limit(session.account, need.kind) for session, need in ours]
        lately = [self.health.seconds(session.account, need.kind) for session, need in ours]
        known = [one for one in lately if one is not None]
        if not known or any(one is None for one in limits):
            return None
        return position * (sum(known) / len(known)) / max(1, sum(one or 0 for one in limits))

    def _moment(self, unix: float) -> float:
        return self._clock.monotonic() + max(0.0, unix - self._clock.now())


def _less(counted: Counter[T], what: T) -> None:
    counted[what] -= 1
    if counted[what] <= 0:
        del counted[what]


NOT_IN_TIME = "The job could not be submitted within its time; nothing was charged."
