"""Hours of trouble in virtual time break no promise, and go the same way again from the same seed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

HOURS = "6"
ROOT = Path(__file__).parents[2]


def run(*arguments: str, hash_seed: str) -> subprocess.Popen[str]:
    """The command, in a process of its own: nothing of this one, nor of its order of things, gets in."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.run", "--hours", HOURS, *arguments],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def traces(told: str) -> list[str]:
    return re.findall(r"trace ([0-9a-f]{16})", told)


def test_hours_of_trouble_break_no_promise_and_a_seed_goes_the_same_way_again() -> None:
    both = run("--seeds", "2", hash_seed="1")
    again = run("--seeds", "1", "--first-seed", "2", hash_seed="2")
    told, told_again = both.communicate()[0], again.communicate()[0]
    assert both.returncode == 0, told
    assert again.returncode == 0, told_again
    first, second = traces(told)
    assert first != second
    assert traces(told_again) == [second]
