"""Submissions whose answers are lost: the short form of `python -m tests.crash.ambiguous`.

In a process of its own, because a database in virtual time works in the event loop, which no test else may.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

from tests.crash.ambiguous import Found
from tests.crash.troubles import LOST_ANSWERS


def test_seventy_submissions_whose_answers_are_lost_in_seven_ways_are_adopted() -> None:
    command = (sys.executable, "-m", "tests.crash.ambiguous", "--submits", "70")
    found = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    print(found.stdout, found.stderr)
    assert found.returncode == 0
    assert "all adopted" in found.stdout


def test_a_submission_that_is_sent_again_or_given_up_is_found() -> None:
    def all_adopted() -> Found:
        return Found(*(Counter(dict.fromkeys(LOST_ANSWERS, 10)) for _ in range(4)))

    assert all_adopted().sound
    for counts in ("again", "failed"):
        found = all_adopted()
        getattr(found, counts)["drip"] += 1
        assert not found.sound
    for counts in ("lost", "taken", "adopted"):
        found = all_adopted()
        getattr(found, counts)["reset"] -= 1
        assert not found.sound
