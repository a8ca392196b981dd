"""The circuits of every site, and what the end of each request means to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal, NamedTuple

import structlog

from jimeng_api.catalog.sites import Site
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import (
    GatewayBusy,
    GatewayError,
    InvalidKey,
    ProtocolChanged,
    ProxyRefused,
    RiskControl,
    SessionExpired,
    SubmissionUncertain,
    UpstreamCode,
    UpstreamMaintenance,
    UpstreamUnreachable,
)
from jimeng_api.transport import NotSent
from jimeng_api.upstream.circuit import Circuit, Failure, Language, Limits, Trouble
from jimeng_api.upstream.error_codes import SIGNATURE_RET

log = structlog.get_logger()

Operation = Literal["submit", "look", "check", "catalogue", "other"]
_Kind = Operation | Literal["language"]
_Meaning = Failure | Literal["works", "nothing"]
_NO_WAY = (UpstreamUnreachable, UpstreamMaintenance, ProxyRefused)


class _Rest(NamedTuple):
    """Until when (monotonic seconds) an account is left alone, and what the upstream said."""

    until: float
    upstream: UpstreamCode | None


class Gates:
    """Keeps requests back from a site that fails, each kind of request and each way to it by itself.

    So trouble with looks stops no submission, and trouble with submissions never stops the collection of
    what was paid for. An account that must not be looked at is sent nothing either: nobody could collect in
    time what it pays for.
    """

    def __init__(self, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        self._circuits: dict[tuple[Site, _Kind], Circuit] = {}
        self._resting: dict[tuple[str, str], _Rest] = {}

    @contextmanager
    def reading(self, site: Site, operation: Operation, account: str) -> Iterator[None]:
        """Around one read. Where it is kept back, this raises what it would fail with."""
        if operation == "look":
            self._check_rest(site, account)
        try:
            with self._passing(site, operation, lambda error: _trouble(error, account)):
                yield
        except RiskControl as error:
            if operation == "look" and error.retry_after is not None:
                self._rest(site, account, error.retry_after, error.upstream)
            raise

    @contextmanager
    def submitting(self, site: Site, account: str, submission: str) -> Iterator[None]:
        """Around the sending of one submission. Where it is kept back, nothing was sent."""
        self._check_rest(site, account)
        with (
            self._passing(site, "language", lambda error: _misunderstanding(error, account)),
            self._passing(site, "submit", lambda error: _trouble(error, account, submission)),
        ):
            yield

    def seen(self, site: Site, submissions: Iterable[str]) -> None:
        """The upstream lists these: it took them, whatever became of its answers."""
        circuit = self._circuits.get((site, "submit"))
        if circuit is not None:
            circuit.seen(submissions, self._clock.monotonic())

    def _check_rest(self, site: Site, account: str) -> None:
        rest = self._resting.get((site.name, account))
        if rest is None or (left := rest.until - self._clock.monotonic()) <= 0:
            return
        raise RiskControl(
            "The site's risk control stopped a look at this account lately. The account is left alone for a "
            "while; nothing was sent.",
            upstream=rest.upstream,
            retry_after=left,
        )

    def _rest(
        self, site: Site, account: str, seconds: float, upstream: UpstreamCode | None
    ) -> None:
        now = self._clock.monotonic()
        self._resting = {key: rest for key, rest in self._resting.items() if rest.until > now}
        self._resting[site.name, account] = _Rest(now + seconds, upstream)

    @contextmanager
    def _passing(
        self, site: Site, kind: _Kind, meaning_of: Callable[[BaseException], _Meaning]
    ) -> Iterator[None]:
        circuit = self._circuit(site, kind)
        attempt = circuit.attempt(self._clock.monotonic())
        if attempt is None:
            raise _kept_back(circuit, kind, self._clock.monotonic())
        try:
            yield
        except BaseException as error:
            now, meaning = self._clock.monotonic(), meaning_of(error)
            if meaning == "works":
                circuit.worked(attempt, now)
            elif meaning == "nothing":
                circuit.left(attempt)
            elif isinstance(error, SubmissionUncertain):
                circuit.doubted(attempt, now, meaning)
            else:
                circuit.failed(attempt, now, meaning)
            raise
        circuit.worked(attempt, self._clock.monotonic())

    def _circuit(self, site: Site, kind: _Kind) -> Circuit:
        circuit = self._circuits.get((site, kind))
        if circuit is None:
            limits = self._limits
            circuit = self._circuits[site, kind] = Circuit(
                Language(limits) if kind == "language" else Trouble(limits),
                pause=lambda: limits.pause * self._clock.uniform(1.0, 1.0 + limits.jitter),
                doubt=limits.doubt,
                turned=partial(_tell, site, kind),
            )
        return circuit


def _trouble(error: BaseException, account: str, submission: str | None = None) -> _Meaning:
    """What a request that ended so says of the way to the upstream."""
    told: BaseException | None = error
    if isinstance(error, SubmissionUncertain):
        told = error.__cause__
        if isinstance(told, SessionExpired):
            return "works"  # it asks for a login: it answers, if only this account
    elif not isinstance(error, GatewayError) or isinstance(error, GatewayBusy | InvalidKey):
        return "nothing"
    elif not isinstance(error, (*_NO_WAY, ProtocolChanged)) or _is_of_the_signature(error):
        return "works"
    named = told if isinstance(told, _NO_WAY) else None
    return Failure(
        error=type(named) if named else UpstreamUnreachable,
        account=None if isinstance(error.__cause__, NotSent) else account,
        submission=submission,
        upstream=named.upstream if named else None,
    )


def _misunderstanding(error: BaseException, account: str) -> _Meaning:
    """What a submission that ended so says of the language that we share with the upstream."""
    if not isinstance(error, GatewayError):
        return "nothing"
    if _is_of_the_signature(error):
        return Failure(error=ProtocolChanged, account=account, upstream=error.upstream)
    if isinstance(error, (*_NO_WAY, SubmissionUncertain, GatewayBusy, InvalidKey)):
        return "nothing"
    return "works"


def _is_of_the_signature(error: GatewayError) -> bool:
    said = error.upstream
    return isinstance(error, ProtocolChanged) and said is not None and said.code == SIGNATURE_RET


def _kept_back(circuit: Circuit, kind: _Kind, now: float) -> GatewayError:
    """The error of a request that was not made."""
    failure, wait = circuit.opened_by, circuit.wait(now)
    upstream = failure.upstream if failure else None
    if kind == "language":
        return ProtocolChanged(
            "The site said lately that it does not understand the gateway. Nothing was sent; one request "
            "every half minute finds out when that has changed.",
            upstream=upstream,
        )
    if failure is not None and failure.error is UpstreamMaintenance:
        return UpstreamMaintenance(
            "The site is down for maintenance. Nothing was sent.",
            upstream=upstream,
            retry_after=wait,
        )
    if failure is not None and failure.error is ProxyRefused:
        return ProxyRefused(
            "The proxy for this site did not let the gateway through lately. Nothing was sent.",
            retry_after=wait,
        )
    return UpstreamUnreachable(
        "The site could not be reached lately, and is tried again in a moment. Nothing was sent.",
        upstream=upstream,
        retry_after=wait,
    )


def _tell(site: Site, kind: _Kind, opened_by: Failure | None) -> None:
    if opened_by is None:
        log.info("upstream_works_again", site=site.name, operation=kind)
    else:
        log.warning(
            "upstream_left_in_peace", site=site.name, operation=kind, code=opened_by.error.code
        )
