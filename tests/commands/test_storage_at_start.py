"""`jimeng-api serve` where its data cannot be used: it says why in a sentence, and does not start."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.test_serve import command


def no_database(folder: Path) -> None:
    (folder / "jimeng-api.db").write_text("something else altogether, and long enough to be read\n")


def a_file_for_a_folder(folder: Path) -> None:
    (folder / "media").touch()


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (no_database, "file is not a database"),
        (a_file_for_a_folder, "media store cannot be opened"),
    ],
    ids=["no database", "no media folder"],
)
def test_what_is_wrong_is_told(tmp_path: Path, prepare: Callable[[Path], None], words: str) -> None:
    prepare(tmp_path)
    process = command(tmp_path, "--port", "0")
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 1
    assert words in said
    assert "Traceback" not in said


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    process = command(tmp_path, "--port", "0", DATA_DIR=str(tmp_path / "file" / "data"))
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 1
    assert str(tmp_path / "file") in said
    assert "Traceback" not in said


def test_a_folder_that_takes_no_file_is_not_taken_for_a_database_in_use(tmp_path: Path) -> None:
    (tmp_path / "jimeng-api.db-owner").mkdir()
    process = command(tmp_path, "--port", "0")
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 1
    assert "unable to open database file" in said
    assert "Another jimeng-api" not in said


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="nothing is denied to root"
)
def test_a_database_that_can_only_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "jimeng-api.db").touch(mode=0o444)
    process = command(tmp_path, "--port", "0")
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 1
    assert "cannot be written" in said
