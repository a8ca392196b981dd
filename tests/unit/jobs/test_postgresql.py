"""Several gateways on one PostgreSQL: who has an account, who ends a job, what a lost connection costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from jimeng_api.clock import SystemClock
from jimeng_api.database import postgresql
from jimeng_api.database.postgresql import LEASE_SECONDS
from jimeng_api.database.schema import OtherKeyFile
from jimeng_api.domain.errors import StorageUnavailable
from jimeng_api.jobs.job import State, Submission
from tests.stores import OwnStore
from tests.unit.jobs.conftest import empty
from tests.unit.jobs.made import FAILURE, a_job, a_part, a_picture

ACCOUNT, OTHER = "a" * 32, "f" * 32
Opened = Callable[..., Awaitable[OwnStore]]


@pytest.fixture
async def url(one_postgresql_url: str) -> str:
    await asyncio.to_thread(empty, one_postgresql_url)
    return one_postgresql_url


@pytest.fixture
async def opened(url: str) -> AsyncIterator[Opened]:
    """A gateway's store on the one database, as many as are asked for."""
    stores: list[OwnStore] = []

    async def open_(key_digest: str = "key") -> OwnStore:
        stores.append(store := OwnStore(url, SystemClock()))
        await store.open(key_digest=key_digest)
        return store

    yield open_
    await asyncio.gather(*(store.close() for store in stores))


async def value(store: OwnStore, query: str) -> Any:
    return await store._database.read(lambda connection: connection.execute(text(query)).scalar())


async def end_connection(store: OwnStore, url: str) -> None:
    """As when the server restarts, or an operator ends it."""
    process: int = await value(store, "SELECT pg_backend_pid()")

    def end() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", [process])

    await asyncio.to_thread(end)


async def soon(true: Callable[[], object], *, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - it comes from a thread
            await asyncio.sleep(0.01)


def is_connected(store: OwnStore) -> bool:
    """Asked anew, which a type checker does not expect of a property."""
    return store.connected


async def until_free(store: OwnStore) -> None:
    """Return once the account is this gateway's."""
    async with asyncio.timeout(10):
        while not await store.claims.take([ACCOUNT]):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)


# ------------------------------------------------------------------ claims ----


async def test_an_account_belongs_to_one_gateway_until_it_is_given_up(opened: Opened) -> None:
    first, second = await opened(), await opened()
    assert first.claims.shared
    assert await first.claims.take([ACCOUNT, OTHER]) == {ACCOUNT, OTHER}
    assert await second.claims.take([ACCOUNT, "c" * 32]) == {"c" * 32}
    assert not second.claims.holds(ACCOUNT)
    await first.claims.release([ACCOUNT])
    assert first.claims.held == {OTHER}
    assert await second.claims.take([ACCOUNT, OTHER]) == {ACCOUNT}


async def test_an_account_that_was_taken_twice_is_free_after_it_was_given_up_once(
    opened: Opened,
) -> None:
    first, second = await opened(), await opened()
    for _ in range(3):
        await asyncio.gather(*(first.claims.take([ACCOUNT]) for _ in range(5)))
    await first.claims.release([ACCOUNT])
    assert await second.claims.take([ACCOUNT]) == {ACCOUNT}


async def test_what_was_not_free_is_asked_about_again_only_when_it_is_time(opened: Opened) -> None:
    first, second = await opened(), await opened()
    await first.claims.take([ACCOUNT])
    await second.claims.try_to_take(ACCOUNT)
    await first.claims.release([ACCOUNT])
    await second.claims.try_to_take(ACCOUNT)
    assert not second.claims.holds(ACCOUNT)
    second.claims.ask_again()
    await second.claims.try_to_take(ACCOUNT)
    assert second.claims.holds(ACCOUNT)


async def test_a_gateway_that_closes_leaves_its_accounts(opened: Opened, url: str) -> None:
    first = OwnStore(url, SystemClock())
    await first.open(key_digest="key")
    second = await opened()
    await first.claims.take([ACCOUNT])
    await first.close()
    await until_free(second)


async def test_names_of_accounts_that_are_no_digests_have_locks_too(opened: Opened) -> None:
    store = await opened()
    names = {"", "0" * 32, "7" + "f" * 31, "8" + "0" * 31}
    assert await store.claims.take(names) == names


# ----------------------------------------------------------- lost connection ----


async def test_a_lost_connection_frees_its_accounts_and_writes_nothing_until_it_is_made_anew(
    opened: Opened, url: str
) -> None:
    first, second = await opened(), await opened()
    await first.accept(a_job())
    await first.claims.take([ACCOUNT, OTHER])
    await end_connection(first, url)
    with pytest.raises(StorageUnavailable) as caught:
        await first.save("job_1", (a_part(), a_part().failed(FAILURE)), at=1.0)
    assert caught.value.retry_after
    assert "password" not in str(caught.value)
    assert not first.connected
    assert await second.claims.take([ACCOUNT]) == {ACCOUNT}
    # It does not come back by itself, and so cannot write on what is another's now.
    with pytest.raises(StorageUnavailable):
        await first.accept(a_job("job_2"))
    with pytest.raises(StorageUnavailable):
        await first.claims.take(["c" * 32])
    assert not await first.database.alive()
    assert (await second.find("owner", "job_1")).state is State.ACCEPTED

    await first.reconnect()
    assert is_connected(first)
    assert first.claims.held == frozenset()
    assert await first.claims.take([ACCOUNT, OTHER]) == {OTHER}
    await first.accept(a_job("job_2"))
    assert await first.database.alive()


async def test_a_connection_that_is_there_is_not_made_anew(opened: Opened) -> None:
    store = await opened()
    process = await value(store, "SELECT pg_backend_pid()")
    await store.claims.take([ACCOUNT])
    await store.reconnect()
    assert await value(store, "SELECT pg_backend_pid()") == process
    assert store.claims.holds(ACCOUNT)


async def test_an_error_of_a_statement_loses_no_connection(opened: Opened) -> None:
    store = await opened()
    await store.claims.take([ACCOUNT])
    with pytest.raises(StorageUnavailable):
        await value(store, "SELECT nothing")
    assert store.connected
    assert await value(store, "SELECT 1") == 1
    assert await (await opened()).claims.take([ACCOUNT]) == set()


async def test_a_server_that_is_not_there_is_no_traceback_and_tells_no_password() -> None:
    store = OwnStore("postgresql://jimeng:a-password@127.0.0.1:1/jobs", SystemClock())
    with pytest.raises(StorageUnavailable) as caught:
        await store.open()
    assert "a-password" not in str(caught.value)
    await store.close()


async def test_the_server_ends_a_gateway_that_is_silent_for_too_long(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await opened()
    assert await value(store, "SHOW idle_session_timeout") == f"{LEASE_SECONDS}s"
    assert await value(store, "SHOW idle_in_transaction_session_timeout") == f"{LEASE_SECONDS}s"
    assert await value(store, "SHOW synchronous_commit") == "on"
    monkeypatch.setitem(postgresql._LEASE, "idle_session_timeout", "200ms")
    silent = await opened()
    await silent.claims.take([ACCOUNT])
    await until_free(store)
    with pytest.raises(StorageUnavailable):
        await silent.accept(a_job())
    assert not silent.connected


# ------------------------------------------------------------ one job, two ----


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
async def test_a_job_whose_last_two_submissions_end_at_the_same_moment_ends_once(
    opened: Opened, url: str, isolation: str
) -> None:
    """Whatever the operator has set as the usual isolation of transactions."""
    await asyncio.to_thread(set_isolation, url, isolation)
    first, second = await opened(), await opened()
    await asyncio.to_thread(set_isolation, url, "read committed")  # for the tests to come
    for number in range(40):
        name = f"job_{number}"
        await first.accept(a_job(name, parts=2))
        well = a_part(name).submitting(digest="d", at=1.0)
        await first.save(name, (a_part(name), well), at=2.0)
        listed = well.listed("h")
        await first.save(name, (well, listed), at=3.0)
        badly = a_part(name, 1)
        picture = a_picture(job=name)
        await asyncio.gather(
            first.save(name, (listed, listed.collected()), [picture], at=4.0 + number % 2),
            second.save(name, (badly, badly.failed(FAILURE)), at=5.0 - number % 2),
        )
        job = await second.find("owner", name)
        assert (job.state, job.failure, job.sessions) == (State.FAILED, FAILURE, b""), number
        assert job.finished_at in (4.0, 5.0)
        assert job.pictures == (picture,)


def set_isolation(url: str, isolation: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f"ALTER DATABASE {connection.info.dbname} SET default_transaction_isolation = '{isolation}'"
        )


async def test_of_two_gateways_that_move_a_submission_at_once_exactly_one_does(
    opened: Opened,
) -> None:
    first, second = await opened(), await opened()
    for number in range(30):
        name = f"job_{number}"
        part = a_part(name)
        await first.accept(a_job(name))
        steps: list[Submission] = [part.submitting(digest=digest, at=1.0) for digest in "ab"]
        results = await asyncio.gather(
            first.save(name, (part, steps[0]), at=1.0),
            second.save(name, (part, steps[1]), at=1.0),
            return_exceptions=True,
        )
        made = [step for step, result in zip(steps, results, strict=True) if result is None]
        assert len(made) == 1, results
        assert (await second.find("owner", name)).submissions == (made[0],)


# ------------------------------------------------------------------- word ----


async def test_word_of_a_change_reaches_those_who_wait_at_another_gateway(opened: Opened) -> None:
    first, second = await opened(), await opened()
    await first.accept(a_job())
    await soon(lambda: second.signals.work.is_set())  # it began to listen: look at everything
    second.signals.work.clear()
    first.signals.work.clear()
    with second.signals.of_job("job_1") as changed, second.signals.of_job("job_2") as other:
        await first.save("job_1", (a_part(), a_part().submitting(digest="d", at=1.0)), at=1.0)
        await soon(changed.is_set)
        assert not other.is_set()
        assert not second.signals.work.is_set()  # nothing for it to do
        await first.accept(a_job("job_2"), work=True)
        await soon(lambda: other.is_set() and second.signals.work.is_set())
    assert not first.signals.work.is_set()  # its own word


async def test_word_of_a_cancellation_reaches_whoever_works_on_the_job(opened: Opened) -> None:
    first, second = await opened(), await opened()
    await first.accept(a_job())
    await soon(lambda: second.signals.work.is_set())
    second.signals.work.clear()
    await first.cancel("job_1", at=1.0)
    await soon(second.signals.work.is_set)
    assert await second.cancelled() == ["job_1"]


async def test_word_of_many_changes_in_one_commit_is_whole(opened: Opened) -> None:
    first, second = await opened(), await opened()
    names = [f"job_{number:032}" for number in range(400)]
    contexts = [second.signals.of_job(name) for name in names]
    events = [context.__enter__() for context in contexts]
    await soon(lambda: second.signals.work.is_set())
    for event in events:
        event.clear()
    await asyncio.gather(*(first.accept(a_job(name)) for name in names))
    await soon(lambda: all(event.is_set() for event in events))
    for context in contexts:
        context.__exit__(None, None, None)


async def test_who_listens_again_after_a_lost_connection_looks_at_everything(
    opened: Opened, url: str
) -> None:
    store = await opened()
    with store.signals.of_job("job_1") as changed:
        await soon(changed.is_set)  # it has begun to listen
        changed.clear()
        store.signals.work.clear()

        def end_listeners() -> None:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND query IN ('LISTEN jimeng_api', 'SELECT 1')"
                )

        await asyncio.to_thread(end_listeners)
        # Without waiting for the next connection: what holds the claims may have gone with this one.
        await soon(lambda: changed.is_set() and store.signals.work.is_set(), seconds=1)
        assert store.connected
        changed.clear()
        await soon(changed.is_set)


async def test_a_word_that_is_not_ours_is_passed_over(opened: Opened, url: str) -> None:
    first, second = await opened(), await opened()
    await soon(second.signals.work.is_set)
    second.signals.work.clear()

    def say() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_notify('jimeng_api', 'hello'), pg_notify('jimeng_api', '')"
            )

    await asyncio.to_thread(say)
    await first.accept(a_job(), work=True)
    await soon(second.signals.work.is_set)


# --------------------------------------------------------------- key file ----


async def test_gateways_with_different_key_files_do_not_share_a_database(
    opened: Opened, url: str
) -> None:
    await opened("one key")
    await opened("one key")
    other = OwnStore(url, SystemClock())
    with pytest.raises(OtherKeyFile, match="SECRET_KEY_FILE"):
        await other.open(key_digest="another key")
    await other.close()


async def test_of_gateways_that_come_first_at_the_same_moment_with_other_keys_one_stays(
    url: str,
) -> None:
    stores = [OwnStore(url, SystemClock()) for _ in range(4)]
    results = await asyncio.gather(
        *(store.open(key_digest=f"key {number}") for number, store in enumerate(stores)),
        return_exceptions=True,
    )
    await asyncio.gather(*(store.close() for store in stores))
    assert [result for result in results if result is None] == [None], results
