"""The hunt finds what is there: else it would prove nothing that it finds nothing."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planted.hunt import Hunt

SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_a_secret_is_found_wherever_it_stands(before: bytes, behind: bytes) -> None:
    for written in (
        before + SECRET.encode() + behind,
        base64.b64encode(before + SECRET.encode() + behind),
        base64.urlsafe_b64encode(before + SECRET.encode() + behind),
        (before + SECRET.encode() + behind).hex().encode(),
        json.dumps({"key": SECRET}).encode(),
    ):
        hunt = Hunt()
        hunt.plant("one", SECRET)
        hunt.search("here", written)
        assert hunt.hits


def test_what_has_to_stand_there_is_not_counted_and_folders_are_searched(tmp_path: Path) -> None:
    hunt = Hunt()
    hunt.plant("one", SECRET)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "file").write_text(f"x{SECRET}x")
    hunt.search_folder("folder", tmp_path, but=frozenset({"one"}))
    assert hunt.hits == []
    hunt.search_folder("folder", tmp_path)
    assert hunt.hits == ["one in folder (1)"]
    assert "folder" in hunt.table()
    hunt.search("packed", zlib.compress(SECRET.encode()))
    assert len(hunt.hits) == 1


def test_a_secret_that_could_stand_anywhere_is_not_planted() -> None:
    hunt = Hunt()
    with pytest.raises(AssertionError, match="short"):
        hunt.plant("one", "abc")
