"""The gateway's ledger is the upstream's own, whatever happened; `make ledger` has 20,000 orders."""

from __future__ import annotations

import pytest

from tests.ledger.run import kept


@pytest.mark.parametrize("seed", [1, 2])
def test_both_books_agree_to_the_unit(seed: int) -> None:
    books = kept(jobs=150, seed=seed)
    assert books.differ == []
    assert books.ours == books.theirs
    assert books.unsettled == books.unknown == 0
    assert books.submissions > 100
    assert sum(books.theirs.values()) > 0
    assert books.refunds > 0
