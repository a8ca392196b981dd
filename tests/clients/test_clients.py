"""Each client that is installed does what its users do with it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.clients.clients import CLIENTS, EVERY, Client, NotInstalled, Outcome, outcome
from tests.clients.stage import Stage


@pytest.fixture(scope="module")
def begun(
    stage: Stage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[Outcome]]]:
    """Two at once: most of their time they wait."""
    with ThreadPoolExecutor(2) as pool:
        yield {
            client.name: pool.submit(outcome, client, stage, tmp_path_factory.mktemp("client"))
            for client in CLIENTS
        }


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_client_does_all_that_it_does_with_openai(
    client: Client, begun: Mapping[str, Future[Outcome]], outcomes: dict[str, Outcome]
) -> None:
    try:
        found = begun[client.name].result(timeout=600)
    except NotInstalled as missing:
        if os.environ.get(EVERY):
            raise
        pytest.skip(str(missing))
    outcomes[client.name] = found
    assert found.versions
    assert len(found.checks) > 1
    assert not found.errors, "\n\n".join(f"{name}: {why}" for name, why in found.errors.items())
