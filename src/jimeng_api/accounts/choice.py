"""Which of the sessions that may serve a job takes it now. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jimeng_api.accounts.session import Session


def choose(sessions: Sequence[Session], *, load: Callable[[str], int]) -> Session | None:
    """The least loaded session, in the caller's order where they are even.

    `load` counts the submissions that an account has in hand.
    """
    return min(sessions, key=lambda session: load(session.account), default=None)
