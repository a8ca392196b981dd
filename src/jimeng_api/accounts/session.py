"""What a caller's key says: sessions of an account, each on one site. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from jimeng_api.accounts.terms import UNLIMITED, Terms
from jimeng_api.catalog.sites import SITES, Site, split_token
from jimeng_api.domain.errors import InvalidKey
from jimeng_api.domain.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One signed-in session. `account` is a keyed digest that names it where the secret must not stand.

    `proxy` is its own way to the upstream, which only an operator gives it.
    """

    site: str
    secret: Secret
    account: str
    proxy: Secret | None = None

    def by(self, proxy: Secret | None) -> Session:
        """The same session, with this way of its own."""
        return replace(self, proxy=proxy)

    @property
    def home(self) -> Site:
        """The site, by the way that this account takes."""
        site = SITES[self.site]
        return site if self.proxy is None else replace(site, proxy=self.proxy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: `owner` is a keyed digest that all jobs of this caller bear.

    `stored` says that the sessions are the operator's, lent to a key of this gateway: what else happens on
    those accounts is none of the caller's business.
    """

    owner: str
    sessions: tuple[Session, ...]
    terms: Terms = UNLIMITED
    stored: bool = False

    @property
    def sites(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(session.site for session in self.sessions))


ISSUED = "jm-"
"""What every key and token begins with that this gateway has issued."""

# A session id is 32 hex characters today. What is longer or otherwise spelt may be tomorrow's, and the
# upstream says so itself; what is shorter or could not stand in a cookie is a typing mistake.
_SESSION = re.compile(r"[A-Za-z0-9._~%-]{6,512}")
_OPENAI_KEY = re.compile(r"sk-[A-Za-z0-9_-]{20,}")


def sessions_of(key: str) -> tuple[tuple[str, Secret], ...]:
    """The (site name, session) pairs of a key: one session, or several separated by commas."""
    parts = [part.strip() for part in key.split(",") if part.strip()]
    if not parts:
        raise InvalidKey(f"No key was sent. {_HOW}")
    if len(parts) > _MOST_SESSIONS:
        raise InvalidKey(f"A key may list at most {_MOST_SESSIONS} sessions.")
    return tuple(dict.fromkeys(_session_of(part) for part in parts))


def _session_of(part: str) -> tuple[str, Secret]:
    if "://" in part:
        raise InvalidKey(
            "A key may not name a proxy: proxies belong to the gateway's own configuration."
        )
    if _OPENAI_KEY.fullmatch(part):
        raise InvalidKey(f"This looks like an OpenAI key, which is not sent on. {_HOW}")
    if part.startswith(ISSUED):
        raise InvalidKey("A key of this gateway is sent alone, not in a list.")
    site, text = split_token(part)
    if not _SESSION.fullmatch(part) or not text:
        raise InvalidKey(f"The key is not a session id. {_HOW}")
    return site.name, Secret(text)


_MOST_SESSIONS = 64
_HOW = (
    "Send the `sessionid` cookie of a signed-in account as `Authorization: Bearer <sessionid>`, "
    "with `us-`, `hk-`, `jp-` or `sg-` before it for an account outside China."
)
