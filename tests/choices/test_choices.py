"""The account is chosen well: short forms of the proofs of `make choices`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.choices.run import World

ROOT = Path(__file__).parents[2]


def test_thousands_of_choices_break_no_rule() -> None:
    books = World(7).run(10_000)
    assert books.wrong == []
    assert books.taken > 1000
    assert books.waited
    assert books.checks
    assert books.refused.keys() == {
        "account_busy",
        "upstream_session_expired",
        "upstream_risk_control",
        "insufficient_quota",
    }


@pytest.mark.parametrize(
    "proof",
    [("pool", "--orders", "150", "--seeds", "1"), ("fairness", "--flood", "100")],
    ids=[
        "every order that can be served is, and callers of other accounts see no error",
        "a single order waits no more than twice as long beside a flood",
    ],
)
def test_short_proofs(proof: tuple[str, ...]) -> None:
    """In a process of its own: its time is virtual, and its database is written in the loop."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.choices.{proof[0]}", *proof[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
