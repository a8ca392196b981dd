"""A key or token that this gateway has issued, as far as it is known here: never its text. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jimeng_api.accounts.terms import Terms

Kind = Literal["key", "token"]
"""A key stands for stored accounts, an access token for the sessions that it was exchanged for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """`hint` is the end of its text, for whoever has several. `owner` is what its jobs bear.

    `sessions` are those of a token, sealed; a key has none of its own. Times are unix seconds.
    """

    id: str
    kind: Kind
    name: str
    hint: str
    owner: str
    terms: Terms
    created_at: float
    sessions: bytes = b""
    expires_at: float | None = None
    revoked_at: float | None = None
    used_at: float | None = None

    def state(self, now: float) -> Literal["active", "expired", "revoked"]:
        if self.revoked_at is not None:
            return "revoked"
        expired = self.expires_at is not None and self.expires_at <= now
        return "expired" if expired else "active"
