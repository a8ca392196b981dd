"""`jimeng-api accounts` and `credits`: an operator's commands, on a database that no gateway works on."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from jimeng_api.cli.app import app
from jimeng_api.cli.serve import _simulator

SESSION, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("TOKEN", "BASE_URL", "ADMIN_KEY"):
        monkeypatch.delenv(f"JIMENG_API_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    # It is set up for a whole process, and this one has other tests.
    monkeypatch.setattr("jimeng_api.cli.logs.set_up", lambda level, form: None)
    monkeypatch.setenv("JIMENG_API_DATA_DIR", str(tmp_path / "data"))
    with _simulator(0, 1000.0, None) as origin:
        monkeypatch.setenv("JIMENG_API_UPSTREAM_URL", origin)
        yield origin


def run(*arguments: str, typed: str = "") -> Result:
    """In this process: to start one for each command takes longer than all of them."""
    return CliRunner().invoke(app, arguments, input=typed)


def account(origin: str, session: str, **rules: object) -> None:
    order = json.dumps({"session": session, **rules}).encode()
    urllib.request.urlopen(f"{origin}/_sim/accounts", data=order, timeout=10).close()


def test_an_account_is_stored_listed_checked_changed_and_removed(
    upstream: str, tmp_path: Path
) -> None:
    account(upstream, SESSION, credits=66, site="us")
    added = run("accounts", "add", "studio", "--site", "us", typed=f"{SESSION}\n")
    assert (added.exit_code, "Stored." in added.output) == (0, True), added.output
    file = tmp_path / "session.txt"
    file.write_text(OTHER)
    assert run("accounts", "add", "--file", str(file)).exit_code == 0
    again = run("accounts", "add", typed=f"us-{SESSION}")
    assert "was here already" in again.output

    listed = run("accounts", "list")
    for word in ("studio", "cn-1", "0123…cdef", "ready", "66"):
        assert word in listed.output
    changed = run("accounts", "change", "studio", "--name", "loft", "--proxy", "http://10.0.0.1:1")
    assert ("loft" in changed.output, "http://10.0.0.1:1" in changed.output) == (True, True)
    assert run("accounts", "change", "loft", "--proxy", "none").exit_code == 0
    credits_ = run("credits")
    assert ("loft" in credits_.output, "66" in credits_.output) == (True, True)

    account(upstream, OTHER, dead=True)
    checked = run("accounts", "check")
    assert checked.exit_code == 1
    assert "cn-1: The upstream does not accept the session" in checked.output
    assert run("accounts", "check", "loft").exit_code == 0
    assert run("accounts", "remove", "cn-1").exit_code == 0
    gone = run("accounts", "check", "cn-1")
    assert (gone.exit_code, "not_found" in gone.output) == (1, True)
    for told in (added, again, listed, changed, checked):
        assert SESSION not in told.output


@pytest.mark.parametrize(
    ("arguments", "typed"),
    [
        (("accounts", "add", SESSION), ""),
        (("accounts", "add", f"us-{SESSION}"), ""),
        (("accounts", "add", "--proxy", "http://u:password@h:1"), SESSION),
        (("accounts", "change", "studio", "--proxy", "http://u:password@h:1"), ""),
        (("accounts", "add"), " \n"),
    ],
)
def test_no_secret_is_taken_from_the_command_line(
    upstream: str, arguments: tuple[str, ...], typed: str
) -> None:
    refused = run(*arguments, typed=typed)
    assert refused.exit_code == 2
    assert "password@" not in refused.output


def test_a_new_key_opens_everything(upstream: str, tmp_path: Path) -> None:
    assert run("accounts", "add", "studio", typed=SESSION).exit_code == 0
    before = (tmp_path / "data" / "secret.key").read_text()
    rekeyed = run("accounts", "rekey")
    assert (rekeyed.exit_code, "1 rows" in rekeyed.output) == (0, True), rekeyed.output
    assert (tmp_path / "data" / "secret.key").read_text() != before
    assert run("accounts", "check", "studio").exit_code == 0
    (tmp_path / "data" / "secret.key").write_text(before)
    refused = run("accounts", "list")
    assert (refused.exit_code, "another key file" in refused.output) == (1, True)
