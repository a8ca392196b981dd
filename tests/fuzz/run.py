"""Sends cases that schemathesis draws from the OpenAPI document to a gateway on the simulated upstream.

Malformed bodies go to every route after them. `python -m tests.fuzz.run --cases 10000` takes some minutes on
one core, and no socket. Exit code 1 when an answer was not as it must be; the same seed sends the same.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Sequence

import structlog

from tests.fuzz.bodies import try_bodies
from tests.fuzz.cases import ROUND, Fuzzing
from tests.fuzz.world import world


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--round", type=int, default=ROUND, help="cases of a route in a row")
    given = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    began = time.perf_counter()
    with world() as found:
        run = Fuzzing(found, given.seed).go(given.cases, a_round=given.round)
    with world() as found:
        tried = try_bodies(found)
    for finding in sorted(run.findings.values(), key=lambda one: (one.rule, one.route)):
        print(f"{finding.route}: {finding.rule}\n  {finding.says}\n  at {finding.request}\n")
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(run.statuses.items()))
    print(
        f"{run.cases} cases at {len(run.routes)} routes in {time.perf_counter() - began:.0f} s; "
        f"answers {statuses}; {run.submitted} submitted; {len(run.findings)} findings"
    )
    for wrong in tried.wrong:
        print(wrong)
    print(
        f"{len(tried.bodies)} malformed bodies at {tried.routes} routes, {tried.requests} requests; "
        f"{len(tried.wrong)} findings"
    )
    return 1 if run.findings or tried.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
