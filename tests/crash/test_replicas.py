"""Two real gateways share a PostgreSQL database: the short form of `tests.crash.replicas`."""

from __future__ import annotations

from pathlib import Path

from tests.crash.replicas import Plan, replicas_test


async def test_what_a_killed_gateway_had_in_hand_is_carried_on_by_the_other(
    tmp_path: Path, postgresql_url: str
) -> None:
    plan = Plan(
        jobs=40, accounts=4, fresh=6, seed=5, job=(12, 14), confirmation=5, settle=120, total=300
    )
    verdict = await replicas_test(plan, tmp_path, database=postgresql_url)
    print(verdict)
    assert verdict.violations == ()
