"""Two processes on one database: a shortened run of `python -m tests.machines.double_claims`."""

from __future__ import annotations

import multiprocessing

from tests.machines.double_claims import ACCOUNTS, Claimer, Counted, claim


def test_two_processes_claim_no_account_twice(postgresql_url: str) -> None:
    counted = claim(postgresql_url, claims=2000, processes=2)
    assert counted.claims >= 2000
    assert counted.double == 0
    assert counted.refused, "they never wanted the same"
    assert counted.lost, "no connection was lost"


def test_a_double_claim_would_be_seen() -> None:
    owners = multiprocessing.Array("i", ACCOUNTS)
    first, second = (Claimer("postgresql://nowhere", number, owners) for number in (1, 2))
    accounts = set(first._names[:3])
    assert first._enter(accounts) == 0
    assert second._enter({first._names[2], first._names[3]}) == 1
    first._leave(accounts)
    assert first._enter(accounts) == 0
    assert Counted(double=1) + Counted(double=2, claims=1) == Counted(double=3, claims=1)
