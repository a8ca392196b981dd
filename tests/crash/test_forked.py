"""Gateways are killed at every failpoint: the short form of `python -m tests.crash.forked`.

In a process of its own, because only one without threads may be forked.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.crash.failpoints import NAMES

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def forked(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "tests.crash.forked", "--seed", "7", *arguments)
    found = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    print(found.stdout, found.stderr)
    return found


def test_a_gateway_that_is_killed_at_every_failpoint_loses_nothing_and_pays_nothing_twice() -> None:
    found = forked("--kills", str(2 * len(NAMES)))
    assert found.returncode == 0
    assert f"{len(NAMES)} of {len(NAMES)} reached" in found.stdout


@pytest.mark.parametrize(
    ("defect", "failpoint", "rule"),
    [
        ("late acceptance", "told: the job's id", "R1"),
        ("late submitting", "submit: arrived, no answer yet", "R2"),
    ],
)
def test_what_is_told_or_sent_before_it_is_on_the_disk_is_found(
    defect: str, failpoint: str, rule: str
) -> None:
    found = forked("--kills", "4", "--broken", defect, "--only", failpoint)
    assert found.returncode == 1
    assert f"world 0: {rule} " in found.stdout


def test_a_run_that_does_not_reach_every_failpoint_is_none() -> None:
    found = forked("--kills", "2")
    assert found.returncode == 1
    assert "no violation" in found.stdout
    assert f"2 of {len(NAMES)} reached" in found.stdout
