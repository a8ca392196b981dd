"""The events of the edge are kept instead of printed."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

Events = list[MutableMapping[str, Any]]


@pytest.fixture(autouse=True)
def events() -> Iterator[Events]:
    with capture_logs() as found:
        yield found
