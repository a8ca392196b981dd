"""When to leave the upstream in peace: what failed lately, and who may try next. Pure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from jimeng_api.domain.errors import GatewayError, UpstreamCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The figures, times in seconds.

    It is too much when `in_a_row` requests failed one after the other, or the `share` of at least `least`
    within `window`, and that has been going on for `lasting`: trouble of a moment is for the next tries of
    each submission. Then one may try after `pause`, longer by up to the share `jitter`. A submission without
    a verdict counts as failed when nothing is seen of it for `doubt`.

    Nobody speaks the upstream's language any more when it said so `answers` times, or to so many `accounts`,
    within `language_window`, and understood nothing in between.
    """

    in_a_row: int = 5
    share: float = 0.5
    least: int = 20
    window: float = 60.0
    lasting: float = 5.0
    pause: float = 30.0
    jitter: float = 0.2
    doubt: float = 30.0
    accounts: int = 5
    answers: int = 20
    language_window: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A request that failed.

    `account` is None where nothing reached the upstream: of that no account can be the reason. Of the tries
    of one `submission`, only the first counts in a row.
    """

    error: type[GatewayError]
    account: str | None
    submission: str | None = None
    upstream: UpstreamCode | None = None


class Evidence(Protocol):
    """Decides when failures are too many. `now` never goes back."""

    def worked(self, now: float) -> None: ...

    def failed(self, now: float, failure: Failure, *, since: float) -> bool:
        """Whether that makes it too much; `since` is when it failed, if that is only known now."""

    def forget(self) -> None: ...


class Trouble:
    """Failures that say that nobody can use the upstream.

    They do not where all of them are one account's: its requests may be special, and the others must not
    suffer for it.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.forget()

    def forget(self) -> None:
        self._worked: deque[float] = deque()
        self._failed: deque[tuple[float, float, str | None]] = deque()
        self._accounts: Counter[str | None] = Counter()
        self._row: list[float] = []
        self._row_accounts: set[str | None] = set()
        self._row_submissions: set[str] = set()

    def worked(self, now: float) -> None:
        self._row.clear()
        self._row_accounts.clear()
        self._row_submissions.clear()
        self._worked.append(now)
        self._drop(now - self._limits.window)

    def failed(self, now: float, failure: Failure, *, since: float) -> bool:
        self._failed.append((now, since, failure.account))
        self._accounts[failure.account] += 1
        self._drop(now - self._limits.window)
        if failure.submission not in self._row_submissions:
            self._row_accounts.add(failure.account)
            if len(self._row) < self._limits.in_a_row:
                self._row.append(since)
                if failure.submission is not None:
                    self._row_submissions.add(failure.submission)
        long_ago = now - self._limits.lasting
        return self._too_many_in_a_row(long_ago) or self._too_many_lately(long_ago)

    def _too_many_in_a_row(self, long_ago: float) -> bool:
        many = len(self._row) >= self._limits.in_a_row
        return many and min(self._row) <= long_ago and _anybodys(self._row_accounts)

    def _too_many_lately(self, long_ago: float) -> bool:
        failed = len(self._failed)
        requests = failed + len(self._worked)
        many = requests >= self._limits.least and failed >= self._limits.share * requests
        return many and self._failed[0][1] <= long_ago and _anybodys(self._accounts)

    def _drop(self, before: float) -> None:
        while self._worked and self._worked[0] <= before:
            self._worked.popleft()
        while self._failed and self._failed[0][0] <= before:
            _, _, account = self._failed.popleft()
            self._accounts[account] -= 1
            if not self._accounts[account]:
                del self._accounts[account]


def _anybodys(accounts: set[str | None] | Counter[str | None]) -> bool:
    return None in accounts or len(accounts) > 1


class Language:
    """Answers that say that the upstream does not understand how we ask, whoever asks."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lately: deque[tuple[float, str | None]] = deque()

    def forget(self) -> None:
        self._lately.clear()

    def worked(self, now: float) -> None:
        self._lately.clear()

    def failed(self, now: float, failure: Failure, *, since: float) -> bool:
        self._lately.append((now, failure.account))
        while self._lately[0][0] <= now - self._limits.language_window:
            self._lately.popleft()
        accounts = {account for _, account in self._lately}
        return len(self._lately) >= self._limits.answers or len(accounts) >= self._limits.accounts


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """A request that was let through; `age` counts how often the circuit had opened and closed before."""

    age: int


class Circuit:
    """Lets requests through, until they fail too much; from then on one at a time, with pauses between.

    `now` is in seconds and never goes back. Of every attempt its end must be told, by one of `worked`,
    `failed`, `doubted` and `left`.
    """

    def __init__(
        self,
        evidence: Evidence,
        *,
        pause: Callable[[], float],
        doubt: float,
        turned: Callable[[Failure | None], object] = lambda _: None,
    ) -> None:
        """`pause` draws the next pause; `turned` hears what opened the circuit, and None when it closes."""
        self._evidence = evidence
        self._pause = pause
        self._doubt = doubt
        self._turned = turned
        self._age = 0
        self._opened_by: Failure | None = None
        self._not_before = 0.0
        self._probe: Attempt | None = None
        self._doubts: dict[str, tuple[float, Attempt, Failure]] = {}

    @property
    def opened_by(self) -> Failure | None:
        """What opened it; None while it is closed."""
        return self._opened_by

    def wait(self, now: float) -> float:
        """Seconds after which it is worth asking again: of a try that is under way, one hears soon."""
        if self._opened_by is None:
            return 0.0
        return 1.0 if self._probe is not None else max(self._not_before - now, 1.0)

    def attempt(self, now: float) -> Attempt | None:
        """Leave to make one request; None where there is none."""
        self._settle(now)
        if self._opened_by is None:
            return Attempt(self._age)
        if self._probe is not None or now < self._not_before:
            return None
        self._not_before = now + self._pause()
        self._probe = Attempt(self._age)
        return self._probe

    def worked(self, attempt: Attempt, now: float) -> None:
        """The upstream answered, if only with a refusal."""
        self._settle(now)
        self._worked(attempt, now)

    def failed(self, attempt: Attempt, now: float, failure: Failure) -> None:
        self._settle(now)
        self._failed(attempt, now, failure, since=now)

    def doubted(self, attempt: Attempt, now: float, failure: Failure) -> None:
        """A submission went out, and no verdict came. What becomes of it decides."""
        if failure.submission is None:
            self.failed(attempt, now, failure)
        else:
            self._settle(now)
            self._doubts[failure.submission] = (now, attempt, failure)

    def seen(self, submissions: Iterable[str], now: float) -> None:
        """The upstream has these after all: it works, and only its answers were lost."""
        doubts = [self._doubts.pop(each) for each in submissions if each in self._doubts]
        self._settle(now)
        for _, attempt, _ in doubts:
            self._worked(attempt, now)

    def left(self, attempt: Attempt) -> None:
        """It ended in a way that says nothing of the upstream."""
        if attempt is self._probe:
            self._probe = None

    def _settle(self, now: float) -> None:
        """The doubts that nothing has resolved in time are failures, of the moment when it was over."""
        while self._doubts:
            submission = next(iter(self._doubts))
            since, attempt, failure = self._doubts[submission]
            if now - since < self._doubt:
                return
            del self._doubts[submission]
            self._failed(attempt, since + self._doubt, failure, since=since)

    def _worked(self, attempt: Attempt, now: float) -> None:
        if attempt is self._probe:
            self._turn(None)
        elif self._counts(attempt):
            self._evidence.worked(now)

    def _failed(self, attempt: Attempt, now: float, failure: Failure, *, since: float) -> None:
        """`since` is when it failed, if that is only known now."""
        if attempt is self._probe or (
            self._counts(attempt) and self._evidence.failed(now, failure, since=since)
        ):
            self._turn(failure)
            self._not_before = now + self._pause()

    def _counts(self, attempt: Attempt) -> bool:
        """Whether it was let through as it now is; what was under way before tells of other times."""
        return self._opened_by is None and attempt.age == self._age

    def _turn(self, failure: Failure | None) -> None:
        was_closed = self._opened_by is None
        self._opened_by = failure
        self._age += 1
        self._probe = None
        self._evidence.forget()
        if was_closed or failure is None:
            self._turned(failure)
