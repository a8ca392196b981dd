"""Events on standard error, whatever becomes of it."""

from __future__ import annotations

import errno
import io
import json
from collections.abc import Iterator

import pytest
import structlog
from typing_extensions import override

from jimeng_api.cli import logs


@pytest.fixture(autouse=True)
def set_up_as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


class Full(io.StringIO):
    """A file on a full disk."""

    full = True

    @override
    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_that_cannot_be_written_stops_nobody_and_goes_on_later(
    monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    file = Full()
    monkeypatch.setattr("sys.stderr", file)
    logs.set_up("info", form)
    log = structlog.get_logger()
    log.warning("lost")
    try:
        int("x")
    except ValueError:
        log.exception("lost_too")
    file.full = False
    log.warning("written")
    assert "written" in file.getvalue()
    assert "lost" not in file.getvalue()


def test_a_closed_pipe_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr("sys.stderr", file)
    logs.set_up("info", "json")
    file.close()
    structlog.get_logger().warning("lost")


def test_in_json_each_event_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr("sys.stderr", file)
    logs.set_up("info", "json")
    log = structlog.get_logger()
    log.info("one", text="two\nlines")
    log.debug("too little")
    (line,) = file.getvalue().splitlines()
    found = json.loads(line)
    assert (found["event"], found["level"], found["text"]) == ("one", "info", "two\nlines")
