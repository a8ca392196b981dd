"""Which account a submission goes to, of those that this gateway may work on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from jimeng_api.accounts.choice import choose
from jimeng_api.accounts.session import Session
from jimeng_api.domain.requests import GenerationRequest
from jimeng_api.generation.live_catalogue import LiveCatalogue
from jimeng_api.jobs.claims import Claims


class Placing:
    """Counts what every account has in hand here, and places the next submission where there is least."""

    def __init__(self, claims: Claims, catalogue: LiveCatalogue | None = None) -> None:
        self._claims = claims
        self._catalogue = catalogue or LiveCatalogue()
        self._in_hand: Counter[str] = Counter()

    async def place(
        self,
        sessions: Sequence[Session],
        request: GenerationRequest,
        *,
        avoid: Collection[str] = (),
    ) -> Session | None:
        """The session that is to take a submission of the request; it counts as in hand from now on.

        An account that is idle and ours, or that nobody has, is best; then ours with the least in hand; then
        one that another gateway works on, which will do it.
        """
        fit = [one for one in sessions if self._fits(one, request) and one.account not in avoid]
        for one in fit:
            if not self._idle(fit):
                await self._claims.try_to_take(one.account)
        ours = [one for one in fit if self._claims.holds(one.account)]
        chosen = choose(ours or fit, load=self.load)
        if chosen is not None:
            self.add(chosen.account)
        return chosen

    def _fits(self, session: Session, request: GenerationRequest) -> bool:
        """Whether it may take the request: what an account has upstream, only that account can work on."""
        origin = request.origin
        if origin is not None and origin.account != session.account:
            return False
        row = self._catalogue.now.row(request.model)
        return (
            row is None or session.site in row.upstream
        )  # None: the site will say when it is sent

    async def take(self, account: str) -> None:
        """A submission that this account has upstream counts as in hand; it is claimed if nobody has it."""
        await self._claims.try_to_take(account)
        self.add(account)

    def _idle(self, sessions: Sequence[Session]) -> bool:
        """Whether one of them is ours and has nothing in hand."""
        return any(
            self._claims.holds(one.account) and not self._in_hand[one.account] for one in sessions
        )

    def is_ours(self, account: str) -> bool:
        return self._claims.holds(account)

    @property
    def certain(self) -> bool:
        """Whether what was ours still is, as far as can be told."""
        return self._claims.certain

    def load(self, account: str) -> int:
        return self._in_hand[account]

    def add(self, account: str) -> None:
        self._in_hand[account] += 1

    def clear(self) -> None:
        self._in_hand.clear()

    def remove(self, account: str) -> None:
        self._in_hand[account] -= 1
        if self._in_hand[account] <= 0:
            del self._in_hand[account]
