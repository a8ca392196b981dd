"""A submission that is to be sent, and what it needs of the accounts that could take it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from jimeng_api.accounts.choice import Kind, Need
from jimeng_api.accounts.session import Session
from jimeng_api.domain.requests import GenerationRequest, VideoRequest

Key = tuple[str, int]
"""A submission: its job and its number."""

Price = Callable[[GenerationRequest, str], float | None]
"""What a request is thought to cost on a site, in credits; None where nobody knows."""


def unknown_price(request: GenerationRequest, site: str) -> float | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A submission that is to be sent. `at` is when it was accepted, `deadline` when it is given up.

    `sites` are those that have its model, None where nobody knows: then the site says so itself.
    """

    key: Key
    owner: str
    request: GenerationRequest
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


def wanted_by(request: GenerationRequest, sessions: Iterable[Session], price: Price) -> Wanted:
    fit = tuple(sessions)
    return Wanted(fit, tuple(need_of(request, price=price(request, one.site)) for one in fit))


def need_of(request: GenerationRequest, *, price: float | None = None) -> Need:
    return Need(kind=kind_of(request), model=request.model, price=price)


def kind_of(request: GenerationRequest) -> Kind:
    return "video" if isinstance(request, VideoRequest) else "image"
