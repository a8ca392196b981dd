"""What the operator decides of stored accounts counts for their work, and what that tells is kept."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from pydantic import SecretStr

from jimeng_api.domain.errors import StorageUnavailable
from tests.simulated.house import House, until
from tests.simulated.test_accounts import ADMIN, FIRST, SECOND, a_key, admin, stored


@pytest.fixture
async def operated(house: House) -> House:
    await house.start(admin_key=SecretStr(ADMIN))
    await house.upstream.time(seconds=5)
    return house


def of(house: House, name: str) -> dict[str, Any]:
    (found,) = house._rows(f"SELECT * FROM accounts WHERE name = '{name}'")
    return found


def in_line(house: House) -> int:
    return len(house.gateway.workshop._placing._line)


async def test_an_accounts_own_limit_bounds_what_it_has_in_hand_and_can_be_changed(
    operated: House,
) -> None:
    await operated.upstream.time(seconds=70_000)
    await operated.stop()
    await operated.start(job_seconds=80_000)
    await stored(operated, name="studio", images_at_once=1)
    key = await a_key(operated)
    for _ in range(4):
        await operated.leave(key)
    await until(lambda: in_line(operated) == 3)
    assert await operated.upstream.requests("generate") <= 1
    await admin(operated, "PATCH", "/studio", {"images_at_once": 3})
    await until(lambda: in_line(operated) == 1)
    await operated.stop()
    await operated.start(images_at_once=2)  # the lower of the two counts
    await admin(operated, "PATCH", "/studio", {"images_at_once": 9})
    for _ in range(2):
        await operated.leave(key)
    await until(lambda: in_line(operated) == 3)


@pytest.mark.parametrize(
    ("trouble", "code", "standing"),
    [
        ("shark", "upstream_risk_control", "resting"),
        ("dead", "upstream_session_expired", "expired"),
    ],
)
async def test_an_account_that_a_job_found_in_trouble_rests_on_after_a_restart(
    operated: House, trouble: str, code: str, standing: str
) -> None:
    await stored(operated, name="studio")
    key = await a_key(operated)
    if trouble == "dead":
        await operated.upstream.account(FIRST, dead=True)
    else:
        await operated.upstream.fault(trouble, "generate", account=FIRST, times=1)
    assert (await operated.generate(key)).error["code"] == code
    await until(lambda: of(operated, "studio")["trouble"])
    found = (await admin(operated, "GET", "/studio")).json
    assert (found["standing"], found["trouble"]["code"]) == (standing, code)
    await operated.stop()
    assert of(operated, "studio")["resting_until"] > of(operated, "studio")["trouble_at"]
    with closing(sqlite3.connect(operated.folder / "jimeng-api.db")) as rows, rows:
        rows.execute("UPDATE accounts SET resting_until = resting_until + 1e9")  # no test waits
    await operated.start()
    sent = await operated.upstream.requests("generate")
    await stored(operated, SECOND, name="other")
    assert (await operated.generate(key)).status == 200
    assert await operated.upstream.charged(FIRST) == 0
    assert await operated.upstream.requests("generate") == sent + 1


async def test_an_account_without_credits_says_so_until_it_works_again(operated: House) -> None:
    await stored(operated, name="studio")
    key = await a_key(operated)
    await operated.upstream.fault("daily_limit", "generate", account=FIRST, times=1)
    assert (await operated.generate(key)).status == 429
    await until(lambda: of(operated, "studio")["trouble"])
    found = (await admin(operated, "GET", "/studio")).json
    assert found["trouble"]["code"] == "upstream_daily_limit"
    assert found["standing"] == "ready"  # films may still go
    assert (await operated.generate(key)).status == 200
    await until(lambda: of(operated, "studio")["trouble"] is None)


async def test_what_cannot_be_written_keeps_nobody_waiting_and_is_written_later(
    operated: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored(operated, name="studio")
    await stored(operated, SECOND, name="other")
    key = await a_key(operated)
    pool = operated.gateway.workshop._placing.health._pool
    assert pool is not None
    store, tries = pool._store, asyncio.Event()
    real = store.note_trouble

    async def failing(*args: Any, **kwargs: Any) -> None:
        tries.set()
        monkeypatch.setattr(store, "note_trouble", real)
        raise StorageUnavailable("The disk is full.")

    monkeypatch.setattr(store, "note_trouble", failing)
    await operated.upstream.fault("daily_limit", "generate", account=FIRST, times=1)
    assert (await operated.generate(key)).status == 200
    await tries.wait()
    await until(lambda: of(operated, "studio")["trouble"])


async def test_jobs_of_a_well_account_write_nothing_of_it(operated: House) -> None:
    await stored(operated, name="studio")
    key = await a_key(operated)
    before = of(operated, "studio")
    for _ in range(3):
        assert (await operated.generate(key)).status == 200
    pool = operated.gateway.workshop._placing.health._pool
    assert pool is not None
    assert pool._task is None
    assert of(operated, "studio") == before
