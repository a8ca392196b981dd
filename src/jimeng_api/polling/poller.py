"""The waiting loop of one account: one look for all its due jobs, judge, sleep."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

import structlog

from jimeng_api.clock import Clock
from jimeng_api.domain.errors import GatewayError, InternalError, SessionExpired
from jimeng_api.domain.progress import Progress
from jimeng_api.polling.durations import Durations, Kind
from jimeng_api.polling.pace import Expectation, Pace, after_trouble, next_look, next_round
from jimeng_api.polling.rules import Fail, Finish, Patience, Sight, judge

log = structlog.get_logger()


class Look(Protocol):
    """Asks the upstream about several submissions of one account in one call; answers by id what it lists."""

    def __call__(
        self, *, submit_ids: Sequence[str], history_ids: Sequence[str]
    ) -> Awaitable[Mapping[str, Progress]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One submission to be followed.

    `age` and `budget` are seconds since it was sent, `given_up` says that its caller waits no more (see
    `rules.Sight`). `between` is how many seconds at least lie between two looks for its sake: what takes
    minutes may be seen some seconds late.
    """

    account: str
    submit_id: str
    history_id: str | None
    kind: Kind
    first_guess: Expectation
    age: float
    budget: float
    look: Look
    given_up: bool = False
    between: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A new sight of a submission; `last` when there is nothing more to come."""

    progress: Progress
    last: bool = field(kw_only=True)


@dataclass(slots=True, eq=False)
class _Followed:
    """A watch and what its looks have shown. Times are the clock's monotonic seconds.

    Two watches may be of the same submission: two callers who share an account may both have it as a job, and
    one whose links do not open is asked for again. `overdue`: it may have ended long before anybody looks.
    """

    watch: Watch
    sent: float
    due: float
    confirmed: bool
    changed: float
    progress: Progress | None = None
    missing_since: float | None = None
    missing_looks: int = 0
    looked: float | None = None
    looked_before: float | None = None
    overdue: bool = False
    told: Progress | None = None
    events: asyncio.Queue[Seen | Fail] = field(default_factory=asyncio.Queue)


class Poller:
    """Follows submissions, each account's with looks of its own.

    An account is looked at while it has something to follow, never by two looks at once, and each look begins
    `Pace.round` after the one before has ended: so they arrive so far apart, however late they are sent. Of
    an account that comes anew, whoever had it before may have looked at it this very moment. A look that
    fails is repeated, with growing waits, until the jobs' time is over.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        pace: Pace | None = None,
        patience: Patience | None = None,
        session_grace: float = 900,
    ) -> None:
        """`session_grace`: seconds to sign in again when a session dies under its running jobs."""
        self._clock = clock
        self._pace = pace or Pace()
        self._patience = patience or Patience()
        self._session_grace = session_grace
        self._durations = Durations()
        self._accounts: dict[str, _Account] = {}
        self._rounds: dict[str, float] = {}

    async def follow(self, watch: Watch) -> AsyncGenerator[Seen, None]:
        """Each new sight of the submission, the last one marked; raises what it failed with."""
        account = self._accounts.get(watch.account)
        if account is None:
            account = self._accounts[watch.account] = _Account(
                self._clock,
                self._pace,
                self._patience,
                self._session_grace,
                self._durations,
                at_rest=partial(self._rest, watch.account),
                last_round=self._last_round(watch),
            )
        followed = account.add(watch)
        ending = asyncio.create_task(account.end_in_time(followed), name="deadline")
        try:
            while True:
                event = await followed.events.get()
                if isinstance(event, Fail):
                    raise event.error
                yield event
                if event.last:
                    return
        finally:
            ending.cancel()
            account.remove(followed)

    def _last_round(self, watch: Watch) -> float:
        """When an account that nobody follows here was looked at last, by anyone, as far as can be told.

        What was sent a while ago may have been looked at just now: by a gateway that had it until then, or to
        find out what there is to adopt.
        """
        own = self._rounds.pop(watch.account, None)
        if own is None or watch.age > self._pace.round:
            return self._clock.monotonic()
        return own

    def _rest(self, name: str) -> None:
        """Nothing is left to follow; when the account was looked at last still counts for a moment."""
        account = self._accounts.pop(name, None)
        ended = self._clock.monotonic() - self._pace.round
        self._rounds = {one: at for one, at in self._rounds.items() if at > ended}
        if account is not None:
            self._rounds[name] = account.last_round

    def following(self, account: str) -> int:
        """How many submissions of the account are being followed."""
        found = self._accounts.get(account)
        return len(found) if found else 0


class _Account:
    """The looks at one account. `at_rest` is called when there is nothing left to follow."""

    def __init__(
        self,
        clock: Clock,
        pace: Pace,
        patience: Patience,
        session_grace: float,
        durations: Durations,
        *,
        at_rest: Callable[[], object],
        last_round: float,
    ) -> None:
        self._clock = clock
        self._pace = pace
        self._patience = patience
        self._session_grace = session_grace
        self._durations = durations
        self._at_rest = at_rest
        self._followed: dict[_Followed, None] = {}
        self.last_round = last_round
        self._not_before = 0.0
        self._failures = 0
        self._signed_out_since: float | None = None
        self._earlier = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._followed)

    def add(self, watch: Watch) -> _Followed:
        now = self._clock.monotonic()
        followed = _Followed(
            watch=watch,
            sent=now - watch.age,
            due=now,
            confirmed=watch.history_id is not None,
            changed=now,
        )
        self._set_due(followed, now)
        followed.overdue = followed.due <= now
        self._followed[followed] = None
        self._earlier.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="poller")
        return followed

    def remove(self, followed: _Followed) -> None:
        self._followed.pop(followed, None)
        self._earlier.set()

    async def end_in_time(self, followed: _Followed) -> None:
        """Looks that hang, or must not be made for a while, hold nobody beyond their time."""
        end = followed.sent + followed.watch.budget + _LAST_LOOK
        await self._clock.sleep(end - self._clock.monotonic())
        if followed in self._followed:
            self._judge(followed, self._clock.monotonic())
            self._earlier.set()

    async def _run(self) -> None:
        while self._followed:
            dues = (max(one.due, self.last_round + one.watch.between) for one in self._followed)
            at = next_round(self._pace, dues, last=self.last_round)
            assert at is not None  # noqa: S101 - there is something to follow
            if not await self._slept_until(max(at, self._not_before)):
                continue
            now = self._clock.monotonic()
            # What may wait long for a round of its own is taken along by any other.
            ripe = [
                one
                for one in self._followed
                if one.due <= now + max(self._pace.join, one.watch.between)
            ]
            for start in range(0, len(ripe), self._pace.most_ids):
                await self._look(ripe[start : start + self._pace.most_ids])
            # From its end: nobody here knows when a look arrives there, only that it has by now.
            self.last_round = self._clock.monotonic()
            self._judge_all()
        self._at_rest()

    async def _slept_until(self, at: float) -> bool:
        """Whether that moment came; False when the dues changed before it, so that it must be found anew."""
        self._earlier.clear()
        wait = at - self._clock.monotonic()
        if wait <= 0:
            return True
        sleep = asyncio.ensure_future(self._clock.sleep(wait))
        earlier = asyncio.ensure_future(self._earlier.wait())
        try:
            await asyncio.wait({sleep, earlier}, return_when=asyncio.FIRST_COMPLETED)
            return sleep.done()
        finally:
            sleep.cancel()
            earlier.cancel()

    async def _look(self, group: list[_Followed]) -> None:
        by_submit, by_history = _keys(group)
        try:
            seen = await group[0].watch.look(
                submit_ids=[key for key, _ in by_submit],
                history_ids=[key for key, _ in by_history],
            )
        except GatewayError as error:
            self._note_trouble(error)
            return
        except Exception as error:  # a defect in one look must not end the others' waiting
            log.exception("look_broke")
            self._note_trouble(InternalError(type(error).__name__))
            return
        self._failures = 0
        self._not_before = 0.0
        self._signed_out_since = None
        now = self._clock.monotonic()
        for key, one in (*by_submit, *by_history):
            self._note(one, seen.get(key), now)

    def _note(self, one: _Followed, progress: Progress | None, now: float) -> None:
        one.looked_before, one.looked = one.looked, now
        if progress is None:
            one.missing_looks += 1
            one.missing_since = now if one.missing_since is None else one.missing_since
        else:
            one.missing_looks = 0
            one.missing_since = None
            one.confirmed = True
            if progress != one.progress:
                if one.progress is None or _but_links(progress) != _but_links(one.progress):
                    one.changed = now
                one.progress = progress
        self._set_due(one, now)

    def _note_trouble(self, error: GatewayError) -> None:
        """A look that failed says nothing about the jobs; only a dead session may, when it stays dead."""
        now = self._clock.monotonic()
        self._failures += 1
        if self._failures == 1:
            log.warning("look_failed", code=error.code, jobs=len(self._followed))
        wait = after_trouble(self._pace, self._failures) * self._clock.uniform(0.8, 1.2)
        named = (error.retry_after or 0.0) * self._clock.uniform(1.0, 1.2)
        self._not_before = now + max(wait, named)
        if not isinstance(error, SessionExpired):
            return
        if self._signed_out_since is None:
            self._signed_out_since = now
        # For what was given up nobody waits: it is asked for again, ever more rarely.
        over = now - self._signed_out_since >= self._session_grace
        for one in self._followed:
            if over or one.watch.given_up:
                one.events.put_nowait(Fail(error))

    def _judge_all(self) -> None:
        now = self._clock.monotonic()
        for one in list(self._followed):
            self._judge(one, now)

    def _judge(self, one: _Followed, now: float) -> None:
        verdict = judge(_sight(one, now), self._patience)
        match verdict:
            case Finish(progress):
                if one.looked_before is not None or not one.overdue:
                    self._durations.add(one.watch.kind, _took(one, now))
                one.events.put_nowait(Seen(progress, last=True))
            case Fail():
                one.events.put_nowait(verdict)
            case None:
                if one.progress is not None and one.progress is not one.told:
                    one.told = one.progress
                    one.events.put_nowait(Seen(one.progress, last=False))
                return
        del self._followed[one]

    def _set_due(self, one: _Followed, now: float) -> None:
        expected = self._durations.expected(one.watch.kind, one.watch.first_guess)
        age = next_look(
            self._pace,
            expected,
            age=now - one.sent,
            confirmed=one.confirmed,
            looked=one.looked is not None,
            queue=one.progress.queue if one.progress else None,
            given_up=one.watch.given_up,
            between=one.watch.between,
        )
        one.due = one.sent + min(age, max(one.watch.budget, now - one.sent))


_Keyed = list[tuple[str, _Followed]]


def _keys(group: list[_Followed]) -> tuple[_Keyed, _Keyed]:
    """By which id each is asked for: its submit id, and while that finds nothing its history id in turn."""
    by_submit: _Keyed = []
    by_history: _Keyed = []
    for one in group:
        if one.watch.history_id is not None and one.missing_looks % 2 == 1:
            by_history.append((one.watch.history_id, one))
        else:
            by_submit.append((one.watch.submit_id, one))
    return by_submit, by_history


def _but_links(progress: Progress) -> Progress:
    """The same without its links, which the upstream may sign anew for every answer."""
    return replace(
        progress, items=tuple(replace(item, url="", download_url="") for item in progress.items)
    )


def _sight(one: _Followed, now: float) -> Sight:
    return Sight(
        progress=one.progress,
        age=now - one.sent,
        budget=one.watch.budget,
        confirmed=one.confirmed,
        missing_for=0 if one.missing_since is None else now - one.missing_since,
        missing_looks=one.missing_looks,
        unchanged_for=now - one.changed,
        given_up=one.watch.given_up,
    )


def _took(one: _Followed, now: float) -> float:
    """About how long it took: it ended somewhere between the last two looks.

    A job that had ended at its very first look counts as shorter than it looks, or jobs that become quicker
    would never be looked at earlier.
    """
    before = (
        one.sent + _FIRST_LOOK_SHARE * (now - one.sent)
        if one.looked_before is None
        else one.looked_before
    )
    return (before + now) / 2 - one.sent


_FIRST_LOOK_SHARE = 0.85
_LAST_LOOK = 1.0  # the look that is due when the time is over may still be answered
