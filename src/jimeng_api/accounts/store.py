"""Stored accounts on the disk: their sessions and proxies sealed, the rest in the clear."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import msgspec
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from jimeng_api.accounts.session import Session
from jimeng_api.accounts.stored import StoredAccount
from jimeng_api.accounts.tables import accounts
from jimeng_api.accounts.vault import Vault
from jimeng_api.clock import Clock
from jimeng_api.database.database import Database
from jimeng_api.domain.credits import Credits
from jimeng_api.domain.errors import InvalidValue, NotFound, StorageUnavailable
from jimeng_api.domain.failure import Failure
from jimeng_api.domain.secret import Secret

T = TypeVar("T")


class AccountStore:
    """The operator's accounts. Trouble with the database is raised as StorageUnavailable."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._opened: dict[str, tuple[bytes, Session]] = {}
        self.known: Mapping[str, StoredAccount] = {}
        """All as they were last read, by the names of their sessions."""

    # ---------------------------------------------------------------------- reading

    async def all(self) -> list[StoredAccount]:
        """In the order in which they were added."""
        found = await self._database.read(self._every)
        self.known = {one.session.account: one for one in found}
        return found

    async def find(self, name: str) -> StoredAccount:
        """The account of this name or id. Raises NotFound."""
        return await self._database.read(lambda connection: self._one(connection, name))

    async def any(self) -> bool:
        return bool(await self.all())

    async def sessions(
        self, *, sites: Collection[str] | None, ids: Collection[str] | None
    ) -> tuple[Session, ...]:
        """Those that may be used, on these sites and with these ids; None means any."""
        now = self._clock.now()
        return tuple(
            one.session
            for one in await self.all()
            if one.usable(now)
            and (sites is None or one.session.site in sites)
            and (ids is None or one.id in ids)
        )

    # ---------------------------------------------------------------------- writing

    async def add(
        self, session: Session, *, name: str = "", user: str = ""
    ) -> tuple[StoredAccount, bool]:
        """Store a session; the account, and whether it is a new one.

        A session that is there already, or another one of the same user of the site, is the same account:
        its session is replaced, and its name where one is given. Its proxy stays where none is given.
        """

        def work(connection: Connection) -> tuple[StoredAccount, bool]:
            known = self._same(connection, session, user)
            if known is None:
                id_ = f"account_{self._clock.token(12)}"
                made = StoredAccount(
                    id=id_,
                    name=_free(name, connection, but=id_) or _next(session.site, connection),
                    session=session,
                    user=user,
                    added_at=self._clock.now(),
                )
                connection.execute(insert(accounts).values(self._row(made)))
                return made, True
            changed = replace(
                known,
                name=_free(name, connection, but=known.id) or known.name,
                session=replace(session, proxy=session.proxy or known.session.proxy),
                user=user or known.user,
            )
            if changed.session.account != known.session.account:
                changed = replace(
                    changed, trouble=None, trouble_at=None, resting_until=None, checked_at=None
                )
            self._write(connection, changed)
            return changed, False

        return await self._changed(work)

    async def change(
        self,
        name: str,
        *,
        new_name: str = "",
        proxy: Secret | Literal["same"] | None = "same",
        limits: Mapping[str, int | None] = MappingProxyType({}),
    ) -> StoredAccount:
        """Change what the operator decides of an account. Raises NotFound, InvalidValue."""

        def work(connection: Connection) -> StoredAccount:
            found = self._one(connection, name)
            changed = replace(
                found,
                name=_free(new_name, connection, but=found.id) or found.name,
                images_at_once=limits.get("images_at_once", found.images_at_once),
                films_at_once=limits.get("films_at_once", found.films_at_once),
            )
            if proxy != "same":
                changed = replace(changed, session=replace(changed.session, proxy=proxy))
            self._write(connection, changed)
            return changed

        return await self._changed(work)

    async def remove(self, name: str) -> StoredAccount:
        """Forget it and its session. Jobs that it has in hand keep theirs until they end. Raises NotFound."""

        def work(connection: Connection) -> StoredAccount:
            found = self._one(connection, name)
            connection.execute(delete(accounts).where(accounts.c.id == found.id))
            self._opened.pop(found.id, None)
            return found

        return await self._changed(work)

    async def _changed(self, work: Callable[[Connection], T]) -> T:
        """Do it; what is different counts at once."""
        done = await self._database.write(work)
        with suppress(StorageUnavailable):  # it is read again with the next request of a key
            await self.all()
        return done

    async def note_check(
        self,
        account: str,
        *,
        trouble: Failure | None,
        user: str = "",
        membership: str | None = None,
        credits_: Credits | None = None,
    ) -> None:
        """Write down how a look at the account (its session's name) went.

        One that goes well ends no rest: why the site stops an account cannot be seen by looking.
        """
        now = self._clock.now()
        found: dict[str, Any] = {
            "membership": membership,
            "credits": _json(credits_),
            "user": user or None,
        }
        noted = {name: value for name, value in found.items() if value is not None}
        refused = {
            "trouble": _json(trouble),
            "trouble_at": None if trouble is None else now,
            "resting_until": None,
        }
        its = accounts.c.account == account

        def work(connection: Connection) -> None:
            row = connection.execute(select(accounts).where(its)).mappings().first()
            if row is None:
                return
            stays = trouble is None and self._account(row).standing(now) == "resting"
            values = {"checked_at": now, **noted, **({} if stays else refused)}
            connection.execute(update(accounts).where(its).values(values))

        await self._changed(work)

    async def note_credits(self, account: str, found: Credits) -> None:
        """Write down what the account may spend."""
        await self._note(account, credits=_json(found))

    async def note_trouble(
        self, account: str, trouble: Failure, *, resting_until: float | None = None
    ) -> None:
        """Write down what the upstream refused the account with, and until when it is left alone."""
        await self._note(
            account,
            trouble=_json(trouble),
            trouble_at=self._clock.now(),
            resting_until=resting_until,
        )

    async def note_well(self, account: str) -> None:
        """Write down that the account does its work again."""
        await self._note(account, trouble=None, trouble_at=None, resting_until=None)

    async def take_day(self, account: str, day: str) -> bool:
        """Write down that the daily credits of that day are being received; False where they were already."""
        taken = (
            update(accounts)
            .where(accounts.c.account == account, accounts.c.received_on != day)
            .values(received_on=day)
        )
        return await self._database.write(
            lambda connection: connection.execute(taken).rowcount == 1
        )

    async def give_day_back(self, account: str) -> None:
        """Nothing was received after all, and may be tried again."""
        await self._note(account, received_on="")

    async def _note(self, account: str, **values: Any) -> None:
        noted = update(accounts).where(accounts.c.account == account).values(values)

        def work(connection: Connection) -> None:
            connection.execute(noted)

        await self._database.write(work)

    # ------------------------------------------------------------------------- rows

    def _every(self, connection: Connection) -> list[StoredAccount]:
        query = select(accounts).order_by(accounts.c.added_at, accounts.c.id)
        return [self._account(row) for row in connection.execute(query).mappings()]

    def _one(self, connection: Connection, name: str) -> StoredAccount:
        query = select(accounts).where((accounts.c.name == name) | (accounts.c.id == name))
        row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFound("There is no account of this name or id.", param="account")
        return self._account(row)

    def _same(self, connection: Connection, session: Session, user: str) -> StoredAccount | None:
        named = accounts.c.account == session.account
        if user:
            named |= (accounts.c.user == user) & (accounts.c.site == session.site)
        # The session itself first: two rows can be meant where a user was not known before.
        rows = connection.execute(select(accounts).where(named)).mappings().all()
        same = sorted(rows, key=lambda row: row["account"] != session.account)
        for row in same[1:]:
            connection.execute(delete(accounts).where(accounts.c.id == row["id"]))
        return self._account(same[0]) if same else None

    def _write(self, connection: Connection, changed: StoredAccount) -> None:
        row = self._row(changed)
        connection.execute(update(accounts).where(accounts.c.id == changed.id).values(row))

    def _row(self, account: StoredAccount) -> dict[str, Any]:
        plain = {name: getattr(account, name) for name in _PLAIN}
        return plain | {
            "sealed": self._vault.seal([account.session], row=account.id),
            "account": account.session.account,
            "site": account.session.site,
            "trouble": _json(account.trouble),
            "credits": _json(account.credits),
        }

    def _account(self, row: RowMapping) -> StoredAccount:
        id_, sealed = row["id"], row["sealed"]
        # They are asked for with every request: what was opened once is the same while its bytes are.
        opened = self._opened.get(id_)
        if opened is None or opened[0] != sealed:
            (session,) = self._vault.open(sealed, row=id_)
            opened = self._opened[id_] = (sealed, session)
        trouble, credits_ = row["trouble"], row["credits"]
        return StoredAccount(
            **{name: row[name] for name in _PLAIN},
            session=opened[1],
            trouble=msgspec.json.decode(trouble, type=Failure) if trouble else None,
            credits=msgspec.json.decode(credits_, type=Credits) if credits_ else None,
        )


_APART = ("session", "trouble", "credits")
_PLAIN = [one.name for one in fields(StoredAccount) if one.name not in _APART]


def _json(value: Failure | Credits | None) -> bytes | None:
    return None if value is None else msgspec.json.encode(value)


def _free(name: str, connection: Connection, *, but: str) -> str:
    """The name, if nobody else has it."""
    taken = select(accounts.c.id).where(accounts.c.name == name, accounts.c.id != but)
    if name and connection.execute(taken).first() is not None:
        raise InvalidValue(f"There is another account of the name {name!r}.", param="name")
    return name


def _next(site: str, connection: Connection) -> str:
    """A name for an account that was given none: `cn-1`, `cn-2`."""
    names = set(connection.execute(select(accounts.c.name)).scalars())
    number = 1
    while f"{site}-{number}" in names:
        number += 1
    return f"{site}-{number}"
