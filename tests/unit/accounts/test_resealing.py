"""A new key: everything opens with it and nothing with the old one, names stay, and no cut loses anything."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import Connection

from jimeng_api.accounts import key_file
from jimeng_api.accounts.resealing import reseal, sealed_columns
from jimeng_api.accounts.vault import Vault, VaultBroken
from jimeng_api.cli.caller import Refused
from jimeng_api.cli.rekeying import given_up, rekeyed
from jimeng_api.clock import SystemClock
from jimeng_api.database.database import Database
from jimeng_api.database.schema import OtherKeyFile
from jimeng_api.database.tables import metadata
from jimeng_api.domain.secret import Secret
from jimeng_api.settings import Settings
from jimeng_api.wiring import opened
from tests.unit.accounts.conftest import Stores
from tests.unit.jobs.made import a_job

ONE, TWO = "a" * 32, "b" * 32

keys = st.text("0123456789abcdef", min_size=64, max_size=64)
sessions = st.lists(
    st.tuples(st.sampled_from(["cn", "us", "hk"]), st.text("abc123", min_size=6, max_size=40)),
    min_size=1,
    max_size=4,
)


@given(st.lists(keys, min_size=2, max_size=5, unique=True), sessions, st.text(max_size=20))
def test_through_any_number_of_keys_the_last_one_opens_and_names_stay(
    texts: list[str], pairs: list[tuple[str, str]], row: str
) -> None:
    first = vault = Vault(Secret(texts[0]))
    kept = tuple(vault.session(site, Secret(text)) for site, text in pairs)
    sealed, before = vault.seal(kept, row=row), [vault]
    for text in texts[1:]:
        later = Vault(vault.later_key(Secret(text)))
        sealed = later.seal(vault.open(sealed, row=row), row=row)
        vault = later
        assert vault.open(sealed, row=row) == kept  # with the accounts' names among it
        assert vault.digest("owner", row) == first.digest("owner", row)
        assert vault.key_digest not in [one.key_digest for one in before]
        for old in before:
            with pytest.raises(VaultBroken):
                old.open(sealed, row=row)
        before.append(vault)


def test_every_column_of_encrypted_bytes_is_known() -> None:
    found = {f"{column.table.name}.{column.name}" for column in sealed_columns()}
    assert found == {"accounts.sealed", "issued_keys.sessions", "jobs.sessions"}
    for column in sealed_columns():
        assert len(column.table.primary_key.columns) == 1
    assert len(metadata.tables) > len(found)


async def test_all_rows_open_with_the_new_key_alone(stores: Stores) -> None:
    old, new = stores.vault, Vault(stores.vault.later_key(Secret("n" * 64)))
    session = old.session("us", Secret(ONE), Secret("http://u:p@10.0.0.1:1"))
    account, _ = await stores.accounts.add(session)
    grant = await stores.tokens.grant((session,), owner="somebody")
    jobs = [a_job(f"job_{number}") for number in range(3)]
    for job in jobs:
        await stores.jobs.accept(replace(job, sessions=old.seal((session,), row=job.id)))
    await stores.jobs.accept(a_job("job_over", sessions=b""))
    count = await stores.database.alone(lambda connection: reseal(connection, old, new))
    assert count == 5
    after = Stores.on(stores.database, new)
    assert (await after.accounts.find(account.id)).session == session
    caller = await after.keys.caller(grant.access.reveal())
    assert caller.sessions == (session,)
    assert (await after.tokens.renew(grant.refresh)).seconds == 600
    found = await after.jobs.find("owner", jobs[0].id)
    assert new.open(found.sessions, row=found.id) == (session,)
    with pytest.raises(VaultBroken):
        await stores.accounts.all()
    await stores.database.check_key(new.key_digest)
    with pytest.raises(OtherKeyFile):
        await stores.database.check_key(old.key_digest)


async def test_more_rows_than_a_portion_are_all_sealed_anew(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jimeng_api.accounts.resealing._PORTION", 3)
    old, new = stores.vault, Vault(stores.vault.later_key(Secret("n" * 64)))
    for number in range(10):
        await stores.accounts.add(old.session("cn", Secret(f"session-{number}")))
    assert await stores.database.alone(lambda connection: reseal(connection, old, new)) == 10
    assert len(await Stores.on(stores.database, new).accounts.all()) == 10


async def test_one_row_that_does_not_open_stops_it_and_changes_nothing(stores: Stores) -> None:
    old, new = stores.vault, Vault(stores.vault.later_key(Secret("n" * 64)))
    await stores.accounts.add(old.session("cn", Secret(ONE)))
    await stores.jobs.accept(a_job("job_1", sessions=b"not sealed by anybody"))
    with pytest.raises(VaultBroken):
        await stores.database.alone(lambda connection: reseal(connection, old, new))
    assert len(await stores.accounts.all()) == 1
    await stores.database.check_key(old.key_digest)


# ----------------------------------------------------------------------------- the command


def stored(settings: Settings) -> list[str]:
    """The sessions that the next start finds."""

    async def work() -> list[str]:
        database = Database.at(settings.database, SystemClock())
        try:
            found = Stores.on(database, await opened(database, settings))
            return [one.session.secret.reveal() for one in await found.accounts.all()]
        finally:
            await database.close()

    return asyncio.run(work())


def store(settings: Settings, text: str) -> None:
    async def work() -> None:
        database = Database.at(settings.database, SystemClock())
        vault = await opened(database, settings)
        await Stores.on(database, vault).accounts.add(vault.session("cn", Secret(text)))
        await database.close()

    asyncio.run(work())


def rekey(settings: Settings, to: Path | None = None) -> int:
    return asyncio.run(rekeyed(settings, to))


def test_the_key_file_is_replaced(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    store(settings, ONE)
    before = settings.key_file.read_text()
    assert rekey(settings) == 1
    after = settings.key_file.read_text()
    assert after.split()[0] != before.strip()
    assert settings.key_file.stat().st_mode & 0o777 == 0o600
    assert not key_file.next_to(settings.key_file).exists()
    store(settings, ONE)  # its name is the same: it is no second account
    store(settings, TWO)
    assert rekey(settings) == 2
    assert stored(settings) == [ONE, TWO]
    settings.key_file.write_text(before)
    with pytest.raises(OtherKeyFile):
        stored(settings)


class Cut(BaseException):
    """The power goes."""


@pytest.mark.parametrize("where", ["before the rows", "among the rows", "before the file"])
def test_whenever_it_is_cut_the_next_start_finds_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    settings = Settings(data_dir=tmp_path)
    store(settings, ONE)

    def cut(*_: object) -> None:
        raise Cut

    def cut_among(connection: Connection, old: Vault, new: Vault) -> int:
        reseal(connection, old, new)
        raise Cut

    with monkeypatch.context() as patched:
        match where:
            case "before the rows":
                patched.setattr("jimeng_api.cli.rekeying.reseal", cut)
            case "among the rows":
                patched.setattr("jimeng_api.cli.rekeying.reseal", cut_among)
            case _:
                patched.setattr("jimeng_api.accounts.key_file.take_next", cut)
        with pytest.raises(Cut):
            rekey(settings)
    assert key_file.next_to(settings.key_file).exists()
    assert stored(settings) == [ONE]
    assert stored(settings) == [ONE]
    assert rekey(settings) == 1
    assert stored(settings) == [ONE]


def test_where_the_key_is_lost_the_operator_may_go_on_without_what_it_sealed(
    tmp_path: Path,
) -> None:
    settings = Settings(data_dir=tmp_path)
    store(settings, ONE)
    with pytest.raises(Refused, match="nothing is lost"):
        asyncio.run(given_up(settings))
    settings.key_file.unlink()
    with pytest.raises(OtherKeyFile, match="--lost"):
        stored(settings)
    with pytest.raises(Refused, match="another key file"):
        rekey(settings)
    asyncio.run(given_up(settings))
    assert stored(settings) == []
    store(settings, TWO)
    assert stored(settings) == [TWO]


def test_a_key_from_the_environment_is_handed_over_in_a_file(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, secret_key=SecretStr("e" * 64))
    store(settings, ONE)
    assert not settings.key_file.exists()
    with pytest.raises(Refused, match="--to"):
        rekey(settings)
    to = tmp_path / "new.key"
    assert rekey(settings, to) == 1
    with pytest.raises(OtherKeyFile):
        stored(settings)
    assert stored(settings.model_copy(update={"secret_key": SecretStr(to.read_text())})) == [ONE]
    with pytest.raises(Refused, match="there already"):
        rekey(settings, to)


def test_no_key_is_replaced_while_a_gateway_works(tmp_path: Path, postgresql_url: str) -> None:
    async def beside_one(settings: Settings) -> None:
        database = Database.at(settings.database, SystemClock())
        await opened(database, settings)
        try:
            await rekeyed(settings, None)
        finally:
            await database.close()

    for url in (None, postgresql_url):
        settings = Settings(data_dir=tmp_path, database_url=SecretStr(url) if url else None)
        with pytest.raises(Refused, match="works on this database"):
            asyncio.run(beside_one(settings))
        assert rekey(settings) == 0
        settings.key_file.unlink()
