"""Which of the sessions that may serve a job takes it now. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from jimeng_api.accounts.session import Session


def choose(
    sessions: Sequence[Session],
    *,
    sites: Collection[str],
    avoid: Collection[str],
    load: Callable[[str], int],
) -> Session | None:
    """The least loaded session on one of `sites`, in the caller's order where they are even.

    `avoid` names accounts that refused this job already, `load` counts the jobs an account has in hand.
    """
    fit = [
        session for session in sessions if session.site in sites and session.account not in avoid
    ]
    return min(fit, key=lambda session: load(session.account), default=None)
