"""The very first start is killed while the gateway makes its tables."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.crash.processes import Gateway


@pytest.mark.parametrize("written_bytes", [20_000, 36_000])
async def test_a_gateway_that_was_killed_while_it_made_its_tables_starts_again(
    tmp_path: Path, written_bytes: int
) -> None:
    gateway = Gateway(tmp_path, upstream="http://127.0.0.1:9", confirmation_seconds=4)
    try:
        async with asyncio.timeout(60):
            await gateway.start()
            await gateway.wrote(written_bytes)
            await gateway.kill()
            await gateway.start()
            await gateway.ready()
    finally:
        await gateway.kill()
