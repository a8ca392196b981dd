"""What all tests share: no blocking call in the event loop, and a whole gateway on the simulated upstream."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from jimeng_api.accounts.vault import Vault
from jimeng_api.clock import SystemClock
from tests.postgres import PostgresServer, postgres_server
from tests.simulated.house import Counted, House
from tests.stores import OwnStore

SPEED = 100.0
COUNTED = pytest.StashKey[Counted]()


@pytest.fixture(scope="session", autouse=True)
def nothing_blocks_the_loop() -> Iterator[None]:
    """A call that would block the event loop raises, if any of our code is on the stack."""
    with blockbuster_ctx("jimeng_api") as found:
        # These read files once, before anybody is served: migrations, the path of the database, the version.
        for function in found.functions.values():
            function.can_block_in("jimeng_api/database/sqlite.py", {"__init__"})
            function.can_block_in("jimeng_api/web/app.py", {"create_routes"})
            # A command serves nobody beside itself.
            function.can_block_in("jimeng_api/cli/accounts.py", {"work"})
            function.can_block_in("jimeng_api/cli/balance.py", {"work"})
            # And this shows a developer the source around a defect.
            function.can_block_in("structlog/dev.py", {"__call__"})
        yield


@pytest.fixture(scope="session")
def fresh_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as a gateway leaves it that never did anything: it is copied, which is quicker."""
    folder = tmp_path_factory.mktemp("fresh")
    Vault.at(folder / "secret.key")

    async def make() -> None:
        store = OwnStore(f"sqlite:///{folder / 'jimeng-api.db'}", SystemClock())
        await store.open()
        await store.close()

    asyncio.run(make())
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server, started when the first test asks for it."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def postgresql_url(postgres: PostgresServer) -> Iterator[str]:
    """An empty PostgreSQL database for one test."""
    url = postgres.fresh_database()
    yield url
    postgres.drop(url)


@pytest.fixture(scope="session")
def counted(pytestconfig: pytest.Config) -> Iterator[Counted]:
    """Over all tests together: as many submissions were accepted as were meant to be, amplification 1.000."""
    found = pytestconfig.stash[COUNTED] = Counted()
    yield found
    assert found.accepted == found.meant


@pytest.fixture
async def house(
    request: pytest.FixtureRequest, tmp_path: Path, fresh_data: Path, counted: Counted
) -> AsyncIterator[House]:
    """A simulated upstream without a gateway yet; time runs `SPEED` times as fast, or as a mark says."""
    mark = request.node.get_closest_marker("speed")
    folder = tmp_path / "data"
    await asyncio.to_thread(shutil.copytree, fresh_data, folder)
    house = House(folder, speed=mark.args[0] if mark else SPEED)
    try:
        yield house
    finally:
        await house.close(counted)


@pytest.fixture
async def gateway(house: House) -> House:
    """The house with a gateway running in it."""
    await house.start()
    return house


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    found = config.stash.get(COUNTED, None)
    if found is not None and found.meant:
        terminalreporter.write_line(
            f"amplification {found.accepted / found.meant:.3f}: "
            f"{found.accepted} submissions accepted, {found.meant} meant"
        )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "speed(times): how much faster than life the clock runs")
