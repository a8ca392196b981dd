"""Who a Bearer is: a session of the caller's own, or a key or token that this gateway has issued."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Protocol

import msgspec
from sqlalchemy import Connection, Insert, RowMapping, Select, Update, insert, select, update

from jimeng_api.accounts.issued import Issued, Kind
from jimeng_api.accounts.session import ISSUED, Caller, Session
from jimeng_api.accounts.tables import issued_keys
from jimeng_api.accounts.terms import UNLIMITED, Terms
from jimeng_api.accounts.vault import Vault
from jimeng_api.clock import Clock
from jimeng_api.database.database import Database, Superseded
from jimeng_api.domain.errors import InvalidKey, NotFound, StorageUnavailable
from jimeng_api.domain.secret import Secret

_BYTES = 32
_FORM = re.compile(r"jm-[A-Za-z0-9_-]{43}")
_NOTED_SECONDS = 60.0  # how exactly the last use of a key is known


class Accounts(Protocol):
    """The stored accounts that keys stand for."""

    async def sessions(
        self, *, sites: Collection[str] | None, ids: Collection[str] | None
    ) -> tuple[Session, ...]:
        """Those that may be used now, on these sites and with these ids; None means any."""

    async def any(self) -> bool:
        """Whether there is one at all."""


class NoAccounts:
    """Nothing is stored."""

    async def sessions(
        self, *, sites: Collection[str] | None, ids: Collection[str] | None
    ) -> tuple[Session, ...]:
        return ()

    async def any(self) -> bool:
        return False


class Keys:
    """Issues keys and tokens, finds out whose they are, and takes them back.

    Each is looked up with every request, by the digest of its text: one that is revoked at one gateway is
    refused by all others from that moment on.
    """

    def __init__(self, database: Database, vault: Vault, clock: Clock, accounts: Accounts) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._accounts = accounts
        self._noted: dict[str, float] = {}

    # ---------------------------------------------------------------------- callers

    async def caller(self, bearer: str) -> Caller:
        """Who sent this. Raises InvalidKey, StorageUnavailable."""
        if not bearer.startswith(ISSUED):
            return self._vault.caller(bearer)
        found = await self.read(Secret(bearer))
        if found.kind == "token":
            return Caller(
                owner=found.owner,
                sessions=self._vault.open(found.sessions, row=found.id),
                terms=found.terms,
            )
        sessions = await self._accounts.sessions(sites=found.terms.sites, ids=found.terms.accounts)
        return Caller(owner=found.owner, sessions=sessions, terms=found.terms, stored=True)

    async def read(self, text: Secret) -> Issued:
        """The key or token of this text, which is noted as used. Raises InvalidKey where it is no good."""
        query = select(issued_keys).where(issued_keys.c.digest == self.digest(text))
        found = await self._first(query) if _FORM.fullmatch(text.reveal()) else None
        if found is None:
            raise InvalidKey("This gateway has not issued that key.")
        match found.state(self._clock.now()):
            case "revoked":
                raise InvalidKey("This key was revoked.")
            case "expired":
                raise InvalidKey("This key has expired.")
            case "active":
                await self._note_use(found)
        return found

    async def _note_use(self, found: Issued) -> None:
        now = self._clock.now()
        if now - max(found.used_at or 0, self._noted.get(found.id, 0)) < _NOTED_SECONDS:
            return
        self._noted[found.id] = now
        used = update(issued_keys).where(issued_keys.c.id == found.id).values(used_at=now)
        with suppress(StorageUnavailable, Superseded):  # it can be read all the same
            await self._write(used)

    # ---------------------------------------------------------------------- issuing

    async def issue(
        self,
        *,
        kind: Kind = "key",
        name: str = "",
        terms: Terms = UNLIMITED,
        owner: str | None = None,
        sessions: Collection[Session] = (),
        expires_at: float | None = None,
    ) -> tuple[Issued, Secret]:
        """A new key or token, and its text, which is told now and never again.

        Its jobs are those of `owner`, else its own.
        """
        text = new_text(ISSUED)
        id_ = f"{kind}_{self._clock.token(12)}"
        made = Issued(
            id=id_,
            kind=kind,
            name=name,
            hint=text.reveal()[-4:],
            owner=owner or self._vault.digest("issued key", id_),
            terms=terms,
            sessions=self._vault.seal(sessions, row=id_) if sessions else b"",
            created_at=self._clock.now(),
            expires_at=expires_at,
        )
        row = {**asdict(made), "terms": msgspec.json.encode(terms), "digest": self.digest(text)}
        written = insert(issued_keys).values(row)
        await self._write(written)
        return made, text

    async def all(self, kind: Kind = "key") -> list[Issued]:
        """All of a kind that were ever issued, the newest first."""
        query = (
            select(issued_keys)
            .where(issued_keys.c.kind == kind)
            .order_by(issued_keys.c.created_at.desc(), issued_keys.c.id)
        )
        return await self._database.read(
            lambda connection: [_issued(row) for row in connection.execute(query).mappings()]
        )

    async def find(self, id_: str, kind: Kind = "key") -> Issued:
        """Raises NotFound."""
        query = select(issued_keys).where(issued_keys.c.id == id_, issued_keys.c.kind == kind)
        found = await self._first(query)
        if found is None:
            raise NotFound(f"There is no {kind} {id_!r}.", param=f"{kind}_id")
        return found

    async def revoke(self, id_: str, kind: Kind = "key") -> Issued:
        """Take it back at once, at every gateway; its jobs run on. Raises NotFound."""
        await self.find(id_, kind)
        revoked = (
            update(issued_keys)
            .where(issued_keys.c.id == id_, issued_keys.c.revoked_at.is_(None))
            .values(revoked_at=self._clock.now())
        )
        await self._write(revoked)
        return await self.find(id_, kind)

    async def any(self) -> bool:
        """Whether there is a key that is good."""
        now = self._clock.now()
        return any(one.state(now) == "active" for one in await self.all())

    async def _first(self, query: Select[Any]) -> Issued | None:
        def work(connection: Connection) -> Issued | None:
            row = connection.execute(query).mappings().first()
            return None if row is None else _issued(row)

        return await self._database.read(work)

    async def _write(self, statement: Insert | Update) -> None:
        def work(connection: Connection) -> None:
            connection.execute(statement)

        await self._database.write(work)

    def digest(self, text: Secret) -> str:
        """What is kept of a key's text."""
        return self._vault.digest("issued", text.reveal())


def new_text(prefix: str) -> Secret:
    """A key or token that nobody can guess."""
    return Secret(prefix + base64.urlsafe_b64encode(os.urandom(_BYTES)).rstrip(b"=").decode())


def _issued(row: RowMapping) -> Issued:
    values = dict(row)
    del values["digest"]
    return Issued(**values | {"terms": msgspec.json.decode(row["terms"], type=Terms)})
