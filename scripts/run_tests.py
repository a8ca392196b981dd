"""Runs all tests, in a few pytests side by side: many of them wait, and one after the other they take long.

python scripts/run_tests.py

What each has to say comes when it is done.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAULTS = "tests/simulated/test_fault_table.py"
WITHIN = ("tests/unit", "tests/simulator", "tests/fuzz", "tests/machines", "tests/choices")
USED = ("tests/commands", "tests/clients", "tests/docs")
OTHERS = ("tests", *(f"--ignore={path}" for path in ("tests/simulated", *WITHIN, *USED)))

# Those of a lane run one after the other. The first keeps a core busy; the others wait most of the time.
LANES: Sequence[Sequence[Sequence[str]]] = (
    (WITHIN, OTHERS),
    (("tests/simulated", f"--ignore={FAULTS}"),),
    ((FAULTS,), USED),
)


def run(lane: Sequence[Sequence[str]]) -> int:
    """The worst exit code of the lane."""
    worst = 0
    for paths in lane:
        began = time.monotonic()
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
            command = (sys.executable, "-m", "pytest", "--color=no", *paths)
            done = subprocess.run(command, cwd=ROOT, stdout=said, stderr=said, check=False)
            said.seek(0)
            seconds = time.monotonic() - began
            print(f"{' '.join(paths)}: exit code {done.returncode}, {seconds:.0f} s")
            print(said.read(), flush=True)
        worst = max(worst, abs(done.returncode))
    return worst


def main() -> int:
    with ThreadPoolExecutor(len(LANES)) as pool:
        return max(pool.map(run, LANES))


if __name__ == "__main__":
    sys.exit(main())
