"""Access tokens for sessions: granted for a while, renewed by a refresh token, taken back."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from jimeng_api.accounts.keys import Keys, new_text
from jimeng_api.accounts.session import ISSUED, Session
from jimeng_api.accounts.tables import issued_keys, refresh_tokens
from jimeng_api.accounts.vault import Vault
from jimeng_api.clock import Clock
from jimeng_api.database.database import Database
from jimeng_api.domain.errors import InvalidKey
from jimeng_api.domain.secret import Secret

REFRESH = "jm-refresh-"
"""What every refresh token begins with: as all that is issued here does, so that it goes to no site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A pair of tokens, told once. They are good for so many seconds from now."""

    access: Secret
    refresh: Secret
    seconds: float
    refresh_seconds: float


class Tokens:
    """An access token is an issued key with sessions of its own, which are kept as long as it can be renewed.

    Its jobs are those of the sessions themselves: whoever sends these sees the same ones.
    """

    def __init__(
        self,
        database: Database,
        keys: Keys,
        vault: Vault,
        clock: Clock,
        *,
        seconds: float,
        refresh_seconds: float,
    ) -> None:
        """An access token is good for `seconds` at most, and may be renewed for `refresh_seconds`."""
        self._database = database
        self._keys = keys
        self._vault = vault
        self._clock = clock
        self._refresh_seconds = max(refresh_seconds, seconds)
        self.seconds = seconds

    async def grant(
        self, sessions: tuple[Session, ...], *, owner: str, seconds: float | None = None
    ) -> Grant:
        now, seconds = self._clock.now(), min(seconds or self.seconds, self.seconds)
        issued, access = await self._keys.issue(
            kind="token", owner=owner, sessions=sessions, expires_at=now + seconds
        )
        refresh = new_text(REFRESH)
        kept = insert(refresh_tokens).values(
            token_id=issued.id,
            digest=self._digest(refresh),
            seconds=seconds,
            until=now + self._refresh_seconds,
        )

        def work(connection: Connection) -> None:
            connection.execute(kept)

        await self._database.write(work)
        return self._granted(access, refresh, seconds)

    async def renew(self, text: Secret) -> Grant:
        """A new pair in place of the old one, which is no good from now on. Raises InvalidKey.

        A refresh token that comes a second time is in two hands: then nobody gets anything any more.
        """
        now, sent = self._clock.now(), self._digest(text)
        access, refresh = new_text(ISSUED), new_text(REFRESH)
        theirs = (refresh_tokens.c.digest == sent) | (refresh_tokens.c.spent == sent)

        def work(connection: Connection) -> float | None:
            row = connection.execute(select(refresh_tokens).where(theirs)).mappings().first()
            if row is None or row["until"] <= now:
                return None
            if row["digest"] != sent:
                self._end(connection, row["token_id"])
                return None
            renewed = (
                update(refresh_tokens)
                .where(refresh_tokens.c.digest == sent)
                .values(digest=self._digest(refresh), spent=sent, until=now + self._refresh_seconds)
            )
            if connection.execute(renewed).rowcount != 1:  # another gateway was quicker
                return None
            seconds: float = row["seconds"]
            connection.execute(
                update(issued_keys)
                .where(issued_keys.c.id == row["token_id"])
                .values(
                    digest=self._keys.digest(access),
                    hint=access.reveal()[-4:],
                    expires_at=now + seconds,
                )
            )
            return seconds

        seconds = await self._database.write(work) if text.reveal().startswith(REFRESH) else None
        if seconds is None:
            raise InvalidKey(
                "This refresh token is not good, or not any more. Send the sessions to /token again."
            )
        return self._granted(access, refresh, seconds)

    async def revoke(self, text: Secret) -> bool:
        """Take back the pair that this access or refresh token is of; whether there was one."""
        issued = select(issued_keys.c.id).where(
            issued_keys.c.kind == "token",
            issued_keys.c.digest == self._keys.digest(text),
            issued_keys.c.revoked_at.is_(None),
        )
        refreshing = select(refresh_tokens.c.token_id).where(
            refresh_tokens.c.digest == self._digest(text)
        )

        def work(connection: Connection) -> bool:
            found = connection.execute(issued).scalar() or connection.execute(refreshing).scalar()
            if found is not None:
                self._end(connection, found)
            return found is not None

        return await self._database.write(work)

    async def forget(self) -> int:
        """Delete the tokens that cannot even be renewed any more, with their sessions; how many."""
        now = self._clock.now()
        renewable = select(refresh_tokens.c.token_id).where(refresh_tokens.c.until > now)
        over = delete(issued_keys).where(
            issued_keys.c.kind == "token",
            issued_keys.c.expires_at <= now,
            issued_keys.c.id.not_in(renewable),
        )
        return await self._database.write(lambda connection: connection.execute(over).rowcount)

    def _end(self, connection: Connection, token_id: str) -> None:
        connection.execute(delete(refresh_tokens).where(refresh_tokens.c.token_id == token_id))
        connection.execute(
            update(issued_keys)
            .where(issued_keys.c.id == token_id)
            .values(revoked_at=self._clock.now(), sessions=b"")
        )

    def _granted(self, access: Secret, refresh: Secret, seconds: float) -> Grant:
        return Grant(
            access=access, refresh=refresh, seconds=seconds, refresh_seconds=self._refresh_seconds
        )

    def _digest(self, text: Secret) -> str:
        return self._vault.digest("refresh", text.reveal())
