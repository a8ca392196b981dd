"""Keys and tokens of the gateway's own: what is kept of them, whom they stand for, when they are no good."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection
from typing_extensions import override

from jimeng_api.accounts.issued import Issued
from jimeng_api.accounts.keys import Keys, NoAccounts
from jimeng_api.accounts.session import Session
from jimeng_api.accounts.terms import Terms
from jimeng_api.accounts.vault import Vault
from jimeng_api.clock import SystemClock
from jimeng_api.database.database import Database
from jimeng_api.domain.errors import InvalidKey, NotFound
from jimeng_api.domain.secret import Secret

SESSION = "0123456789abcdef0123456789abcdef"


class SetClock(SystemClock):
    def __init__(self) -> None:
        self.time = 1_795_000_000.0

    @override
    def now(self) -> float:
        return self.time


@dataclass
class Pool:
    """Stored accounts, by id."""

    held: dict[str, Session] = field(default_factory=dict)

    async def sessions(
        self, *, sites: Collection[str] | None, ids: Collection[str] | None
    ) -> tuple[Session, ...]:
        return tuple(
            one
            for id_, one in self.held.items()
            if (sites is None or one.site in sites) and (ids is None or id_ in ids)
        )

    async def any(self) -> bool:
        return bool(self.held)


def a_session(vault: Vault, key: str) -> Session:
    (session,) = vault.caller(key).sessions
    return session


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def pool(vault: Vault) -> Pool:
    return Pool({"one": a_session(vault, SESSION), "two": a_session(vault, f"us-{SESSION}")})


@pytest.fixture
def keys(database: Database, vault: Vault, clock: SetClock, pool: Pool) -> Keys:
    return Keys(database, vault, clock, pool)


def stands_in(text: bytes, folder: Path) -> bool:
    files = list(folder.glob("jobs.db*"))
    assert len(files) >= 3  # the write-ahead log among them
    return any(text in file.read_bytes() for file in files)


async def used(keys: Keys, issued: Issued) -> float | None:
    return (await keys.find(issued.id)).used_at


async def refused(keys: Keys, text: str) -> str:
    with pytest.raises(InvalidKey) as caught:
        await keys.caller(text)
    return caught.value.message


# --------------------------------------------------------------- what is kept ----


async def test_a_key_is_256_bits_that_are_told_once_and_kept_nowhere(
    database_url: str, database: Database, keys: Keys, tmp_path: Path
) -> None:
    issued, text = await keys.issue(name="one")
    assert re.fullmatch(r"jm-[A-Za-z0-9_-]{43}", text.reveal())
    assert text.reveal() not in repr(issued)
    assert issued.hint == text.reveal()[-4:]
    found = await database.read(
        lambda connection: connection.exec_driver_sql("SELECT * FROM issued_keys").all()
    )
    assert text.reveal()[3:-4] not in str(found)
    if database_url.startswith("sqlite"):
        assert not await asyncio.to_thread(stands_in, text.reveal()[3:].encode(), tmp_path)


async def test_without_the_key_file_what_is_kept_fits_no_key(
    database: Database, keys: Keys, clock: SetClock, pool: Pool
) -> None:
    _, text = await keys.issue()
    other = Keys(database, Vault(Secret("o" * 64)), clock, pool)
    assert "not issued" in await refused(other, text.reveal())


async def test_no_two_keys_are_alike(keys: Keys) -> None:
    made = [await keys.issue() for _ in range(20)]
    assert len({text.reveal() for _, text in made}) == 20
    assert len({issued.owner for issued, _ in made}) == 20


@given(
    st.builds(
        Terms,
        models=st.none() | st.tuples(st.text()),
        sites=st.none() | st.tuples(),
        accounts=st.none() | st.tuples(st.text(), st.text()),
        concurrency=st.none() | st.integers(1, 10**6),
        requests_per_minute=st.none() | st.integers(1, 10**6),
        credits_per_day=st.none() | st.integers(0, 10**9),
    )
)
def test_terms_are_read_as_they_were_written(terms: Terms) -> None:
    import msgspec

    assert msgspec.json.decode(msgspec.json.encode(terms), type=Terms) == terms


# --------------------------------------------------------------- who it stands for ----


async def test_a_session_of_ones_own_is_its_caller_without_a_look_at_the_database(
    vault: Vault, clock: SetClock
) -> None:
    never_opened = Database.at("sqlite:////nowhere/at/all.db", clock)
    keys = Keys(never_opened, vault, clock, NoAccounts())
    assert await keys.caller(SESSION) == vault.caller(SESSION)
    assert "not issued" in await refused(keys, "jm-0123456789")


async def test_a_key_stands_for_the_stored_accounts_of_its_terms(keys: Keys, pool: Pool) -> None:
    async def lent(**terms: Any) -> set[str]:
        _, text = await keys.issue(terms=Terms(**terms))
        caller = await keys.caller(text.reveal())
        assert caller.stored
        return {id_ for id_, session in pool.held.items() if session in caller.sessions}

    assert await lent() == {"one", "two"}
    assert await lent(sites=("us",)) == {"two"}
    assert await lent(accounts=("one",)) == {"one"}
    assert await lent(sites=("us",), accounts=("one",)) == set()
    pool.held["three"] = pool.held["two"]
    assert await lent(sites=("us",)) == {"two", "three"}  # as they are now


async def test_each_key_has_jobs_of_its_own_unless_it_replaces_another(keys: Keys) -> None:
    first, text = await keys.issue()
    caller = await keys.caller(text.reveal())
    _, other = await keys.issue()
    assert (await keys.caller(other.reveal())).owner != caller.owner
    _, newer = await keys.issue(owner=first.owner)
    assert (await keys.caller(newer.reveal())).owner == caller.owner


async def test_a_token_stands_for_its_own_sessions(keys: Keys, vault: Vault) -> None:
    session = a_session(vault, f"hk-{SESSION}")
    issued, text = await keys.issue(kind="token", sessions=[session], owner="whose")
    caller = await keys.caller(text.reveal())
    assert (caller.owner, caller.sessions, caller.stored) == ("whose", (session,), False)
    assert SESSION.encode() not in issued.sessions
    assert [one.id for one in await keys.all("token")] == [issued.id]
    assert await keys.all() == []
    with pytest.raises(NotFound):
        await keys.find(issued.id)


# --------------------------------------------------------------- when it is no good ----


@pytest.mark.parametrize(
    "text",
    [
        "jm-",
        "jm-x",
        "jm-" + "a" * 42,
        "jm-" + "a" * 44,
        "jm-" + "é" * 43,
        "jm-" + "a" * 43,
        "jm-' OR 1=1",
    ],
)
async def test_what_was_never_issued_is_refused(keys: Keys, text: str) -> None:
    await keys.issue()
    assert "not issued" in await refused(keys, text)


async def test_one_character_less_or_in_another_case_is_another_key(keys: Keys) -> None:
    _, issued = await keys.issue()
    text = issued.reveal()
    swapped = text[:3] + text[3:].swapcase()
    for wrong in (text[:-1], text + "a", text[:-1] + ("a" if text[-1] != "a" else "b"), swapped):
        assert "not issued" in await refused(keys, wrong)


async def test_a_revoked_key_is_refused_by_another_gateway_at_once(
    database: Database, database_url: str, vault: Vault, clock: SetClock, pool: Pool, keys: Keys
) -> None:
    issued, text = await keys.issue()
    other, theirs = keys, database
    if database_url.startswith("postgresql"):
        theirs = Database.at(database_url, clock)
        await theirs.open()
        other = Keys(theirs, vault, clock, pool)
    assert await other.caller(text.reveal()) == await keys.caller(text.reveal())
    revoked = await keys.revoke(issued.id)
    assert revoked.state(clock.now()) == "revoked"
    assert "revoked" in await refused(other, text.reveal())
    again = await keys.revoke(issued.id)
    assert again.revoked_at == revoked.revoked_at
    with pytest.raises(NotFound):
        await keys.revoke("key_0")
    if theirs is not database:
        await theirs.close()


async def test_a_key_is_good_until_it_expires(keys: Keys, clock: SetClock) -> None:
    issued, text = await keys.issue(expires_at=clock.now() + 60)
    clock.time += 59
    await keys.caller(text.reveal())
    assert await keys.any()
    clock.time += 1
    assert "expired" in await refused(keys, text.reveal())
    assert (await keys.find(issued.id)).state(clock.now()) == "expired"
    assert not await keys.any()


async def test_its_last_use_is_known_to_within_a_minute(keys: Keys, clock: SetClock) -> None:
    issued, text = await keys.issue()
    assert await used(keys, issued) is None
    began = clock.now()
    for _ in range(3):
        await keys.caller(text.reveal())
        clock.time += 29
    assert await used(keys, issued) == began
    await keys.caller(text.reveal())
    assert await used(keys, issued) == began + 87


async def test_a_key_is_read_while_its_use_cannot_be_written(
    keys: Keys, clock: SetClock, database: Database, database_url: str
) -> None:
    if not database_url.startswith("sqlite"):
        pytest.skip("the switch is SQLite's")
    issued, text = await keys.issue()

    def make_read_only(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA query_only = ON")

    await database.read(make_read_only)
    await keys.caller(text.reveal())
    assert await used(keys, issued) is None


async def test_it_is_found_by_an_index_and_the_newest_is_listed_first(
    keys: Keys, clock: SetClock, database: Database
) -> None:
    made = []
    for _ in range(3):
        made.append((await keys.issue())[0].id)
        clock.time += 1
    assert [one.id for one in await keys.all()] == made[::-1]
    if database.engine.dialect.name == "sqlite":
        plan = await database.read(
            lambda connection: connection.exec_driver_sql(
                "EXPLAIN QUERY PLAN SELECT * FROM issued_keys WHERE digest = 'd'"
            ).all()
        )
        assert "USING INDEX" in str(plan)
