"""Lets gateways live through days of trouble in virtual time, one seed after the other.

`python -m tests.chaos.run --hours 72 --seeds 20` takes a quarter of an hour on one core. Exit code 1 when a
promise was broken; the same seed always goes the same way.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from itertools import groupby

from tests.chaos.checker import check
from tests.chaos.simulation import JOBS_AN_HOUR, Seed, simulate
from tests.crash.checker import Verdict

SHOWN = 5
"""Violations of one rule in one seed that are printed."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=72)
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument(
        "--jobs", type=int, help=f"of each seed; {JOBS_AN_HOUR} an hour unless said"
    )
    parser.add_argument("--in-order", action="store_true", help="leave the loop's order as it is")
    parser.add_argument("--figures", action="store_true", help="print all figures of each seed")
    given = parser.parse_args(arguments)
    broken = 0
    for number in range(given.first_seed, given.first_seed + given.seeds):
        seed = Seed(
            number=number,
            hours=given.hours,
            jobs=round(given.hours * JOBS_AN_HOUR) if given.jobs is None else given.jobs,
            shuffled=not given.in_order,
        )
        began = time.perf_counter()
        verdict = check(simulate(seed))
        print(_line(seed, verdict, time.perf_counter() - began), flush=True)
        if given.figures:
            print(_table(verdict), flush=True)
        if verdict.violations:
            broken += 1
            _tell(seed, verdict)
    print(f"{given.seeds - broken} of {given.seeds} seeds kept all promises")
    return 1 if broken else 0


def _line(seed: Seed, verdict: Verdict, seconds: float) -> str:
    figures = verdict.figures
    jobs, kills = figures["jobs"].partition(" ")[0], figures["kills"].partition(" ")[0]
    return (
        f"seed {seed.number}: {jobs} jobs, {figures['accepted upstream']} taken, {kills} kills in "
        f"{figures['lives']} lives, {figures['requests']} requests, {len(verdict.violations)} "
        f"violations, {seconds:.1f} s, trace {figures['trace'][:16]}"
    )


def _table(verdict: Verdict) -> str:
    width = max(map(len, verdict.figures))
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in verdict.figures.items())


def _tell(seed: Seed, verdict: Verdict) -> None:
    """What went wrong, and how to see it again."""
    for rule, found in groupby(verdict.violations, key=lambda one: one.rule):
        every = [*found]
        for violation in every[:SHOWN]:
            print(f"  {violation}")
        if len(every) > SHOWN:
            print(f"  {rule}: and {len(every) - SHOWN} more")
    order = " --in-order" if not seed.shuffled else ""
    print(
        f"  again: python -m tests.chaos.run --hours {seed.hours:g} --jobs {seed.jobs} --seeds 1 "
        f"--first-seed {seed.number}{order}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
