"""Runs all tests, in two pytests side by side: those within one process, and those that start others.

python scripts/run_tests.py

The first one's output comes when both are done; the second one's as it is written.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WITHIN = ("tests/unit", "tests/simulator", "tests/fuzz", "tests/machines", "tests/choices")


def main() -> int:
    within = [path for path in WITHIN if (ROOT / path).is_dir()]
    others = [f"--ignore={path}" for path in within]
    pytest = (sys.executable, "-m", "pytest", "--color=no")
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        first = subprocess.Popen((*pytest, *within), cwd=ROOT, stdout=said, stderr=said)
        try:
            second = subprocess.run((*pytest, *others), cwd=ROOT, check=False)
        except BaseException:
            first.terminate()
            raise
        finally:
            first.wait()
        said.seek(0)
        print(said.read())
    for name, code in (("within one process", first.returncode), ("others", second.returncode)):
        print(f"tests, {name}: {'all well' if code == 0 else f'exit code {code}'}")
    return first.returncode or second.returncode


if __name__ == "__main__":
    sys.exit(main())
