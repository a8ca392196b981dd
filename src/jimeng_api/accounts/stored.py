"""An account that the operator has stored, and what is known of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jimeng_api.accounts.session import Session
from jimeng_api.domain.credits import Credits
from jimeng_api.domain.errors import RegionRefused, RiskControl, SessionExpired
from jimeng_api.domain.failure import Failure

Standing = Literal["unchecked", "ready", "resting", "expired", "barred", "region_refused"]

BARRED_RET = "1018"  # what the upstream says of an account that it has punished


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAccount:
    """`user` is a keyed digest of whose session it is, empty until it was asked. Times are unix seconds.

    `images_at_once` and `films_at_once` cap what it runs at the same time; None leaves that to the upstream.
    `trouble` is what the upstream last refused it with, until it is well again. `received_on` is the day of
    its last daily credits.
    """

    id: str
    name: str
    session: Session
    added_at: float
    user: str = ""
    images_at_once: int | None = None
    films_at_once: int | None = None
    membership: str = ""
    credits: Credits | None = None
    checked_at: float | None = None
    trouble: Failure | None = None
    trouble_at: float | None = None
    resting_until: float | None = None
    received_on: str = ""

    def standing(self, now: float) -> Standing:
        if self.trouble is not None:
            if self.trouble.code == SessionExpired.code:
                return "expired"
            if self.trouble.code == RegionRefused.code:
                return "region_refused"
            if (self.trouble.code, self.trouble.upstream_code) == (RiskControl.code, BARRED_RET):
                return "barred"
        if self.resting_until is not None and self.resting_until > now:
            return "resting"
        return "ready" if self.checked_at is not None else "unchecked"

    def usable(self, now: float) -> bool:
        """Whether there is any use in asking it: one that is at rest is well again by itself.

        One whose session had ended for a job is asked again after its rest; for a look, it has ended.
        """
        standing = self.standing(now)
        rests = standing == "expired" and self.resting_until is not None
        return rests or standing not in ("expired", "barred")
