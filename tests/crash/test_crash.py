"""Real gateways are killed while jobs are ordered: the short form of `make crash`."""

from __future__ import annotations

from pathlib import Path

from tests.crash.harness import Plan, crash_test


async def test_twelve_kills_over_sixty_jobs_lose_nothing_and_pay_nothing_twice(
    tmp_path: Path,
) -> None:
    plan = Plan(kills=12, jobs=60, seed=7, vanish=0, settle=120, total=300)
    verdict = await crash_test(plan, tmp_path)
    print(verdict)
    assert verdict.violations == ()


async def test_six_kills_over_forty_jobs_on_postgresql_lose_nothing_and_pay_nothing_twice(
    tmp_path: Path, postgresql_url: str
) -> None:
    plan = Plan(kills=6, jobs=40, seed=8, vanish=0, settle=120, total=300)
    verdict = await crash_test(plan, tmp_path, database=postgresql_url)
    print(verdict)
    assert verdict.violations == ()
