"""A submission that is to be sent, and what it needs of the accounts that could take it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from jimeng_api.accounts.choice import Kind, Need
from jimeng_api.accounts.session import Session
from jimeng_api.domain.requests import GenerationRequest, VideoRequest
from jimeng_api.generation.pricing import Price

Key = tuple[str, int]
"""A submission: its job and its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A submission that is to be sent, of `count` pictures (None: what the upstream makes unasked).

    `at` is when it was accepted, `deadline` when it is given up. `sites` are those that have its model, None
    where nobody knows: then the site says so itself.
    """

    key: Key
    owner: str
    request: GenerationRequest
    count: int | None = None
    sessions: Sequence[Session]
    sites: Collection[str] | None
    at: float
    deadline: float
    avoid: Collection[str] = ()

    @property
    def fit(self) -> list[Session]:
        """The sessions that may take it: what an account has upstream, only that account can work on."""
        origin = self.request.origin
        return [
            one
            for one in self.sessions
            if (self.sites is None or one.site in self.sites)
            and one.account not in self.avoid
            and (origin is None or origin.account == one.account)
        ]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The sessions that could take a submission, and what it needs of each."""

    sessions: tuple[Session, ...]
    needs: tuple[Need, ...]

    def __iter__(self) -> Iterator[tuple[Session, Need]]:
        return zip(self.sessions, self.needs, strict=True)

    def of(self, account: str) -> tuple[Session, Need]:
        return next(pair for pair in self if pair[0].account == account)


def wanted_by(order: Order, sessions: Iterable[Session], price: Price) -> Wanted:
    fit, request = tuple(sessions), order.request
    prices = {site: price(request, site, order.count) for site in {one.site for one in fit}}
    return Wanted(fit, tuple(need_of(request, price=prices[one.site]) for one in fit))


def need_of(request: GenerationRequest, *, price: int | None = None) -> Need:
    return Need(kind=kind_of(request), model=request.model, price=price)


def kind_of(request: GenerationRequest) -> Kind:
    return "video" if isinstance(request, VideoRequest) else "image"
