"""What a caller may do: nothing is forbidden to those who send a session of their own. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The limits of a key that this gateway has issued; None wherever there is none.

    `models` are models' own names. `accounts` are ids of stored accounts: with `sites`, those of them that
    are there. `concurrency` is how many of its jobs may be unfinished at once.
    """

    models: tuple[str, ...] | None = None
    sites: tuple[str, ...] | None = None
    accounts: tuple[str, ...] | None = None
    concurrency: int | None = None
    requests_per_minute: int | None = None
    credits_per_day: int | None = None

    def allow(self, model: str) -> bool:
        return self.models is None or model in self.models


UNLIMITED = Terms()
