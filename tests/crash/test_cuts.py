"""OpenAI's own client, its connection cut: the short form of `python -m tests.crash.cuts`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.cuts import A_FEW, FORGOTTEN, PICTURES, Moment, Passed, answer, cut_all, request

REQUEST = b"POST / HTTP/1.1\r\ncontent-length: 10\r\n\r\n0123456789"
HEAD = REQUEST.index(b"0123")


async def test_wherever_the_connection_is_cut_one_job_is_paid_and_its_pictures_arrive(
    tmp_path: Path,
) -> None:
    *outcomes, forgotten = sorted(
        await cut_all([*A_FEW, FORGOTTEN], tmp_path), key=lambda one: one.moment == FORGOTTEN
    )
    assert [str(one) for one in outcomes if not one.well] == []
    assert len(outcomes) == len(A_FEW)
    # What costs twice would be seen.
    assert (forgotten.submits, forgotten.jobs, forgotten.well) == (2, 2, False)
    assert forgotten.pictures == PICTURES


@pytest.mark.parametrize("piece", [1, 7, len(REQUEST)])
@pytest.mark.parametrize(
    ("moment", "passes"),
    [
        (request("", "head", more=1), 1),
        (request("", "head", more=20), 20),
        (request("", "head", 1.0), HEAD),
        (answer("", "body", 0.5), HEAD + 5),
        (answer("", "body", 1.0, -1), HEAD + 9),
        (answer("", "body", 1.0), HEAD + 10),
        (answer("", "body", more=3), HEAD + 3),
        (None, HEAD + 10),
    ],
)
def test_the_wire_lets_through_what_comes_before_its_moment(
    moment: Moment | None, passes: int, piece: int
) -> None:
    passed = Passed(moment)
    through = b""
    for start in range(0, len(REQUEST), piece):
        part = REQUEST[start : start + piece]
        allowed = passed.allowed(part)
        through += allowed
        if len(allowed) < len(part):
            break
    assert REQUEST.startswith(through)
    assert len(through) == passes
