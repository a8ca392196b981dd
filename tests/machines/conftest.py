"""The machines make many gateways; what these tell is kept instead of printed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from tests.machines.world import clear


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    clear()
