"""Two real gateways share a PostgreSQL database: the short form of `tests.crash.replicas`."""

from __future__ import annotations

from pathlib import Path

from tests.crash.replicas import replicas_test
from tests.crash.takeover import Plan


async def test_what_a_killed_gateway_had_in_hand_is_carried_on_by_the_other(
    tmp_path: Path, postgresql_url: str
) -> None:
    plan = Plan(
        jobs=40, accounts=4, fresh=6, seed=5, job=(12, 14), confirmation=5, settle=120, total=300
    )
    verdict = await replicas_test(plan, tmp_path, database=postgresql_url)
    print(verdict)
    assert verdict.violations == ()


async def test_a_run_that_does_not_come_to_its_end_is_ended_and_tells_what_has_not_ended(
    tmp_path: Path, postgresql_url: str
) -> None:
    plan = Plan(jobs=4, accounts=2, fresh=0, seed=5, job=(300, 300), total=15)
    verdict = await replicas_test(plan, tmp_path, database=postgresql_url)
    told = str(verdict)
    assert "after 15 s it was still " in told
    assert "what was heard last of orders: " in told
    assert "accounts held: " in told
