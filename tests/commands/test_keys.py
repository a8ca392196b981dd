"""`jimeng-api keys`, with a gateway that runs and without one; and a gateway that must not be open to all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.commands.test_serve import KEY, command, free_port, served

ADMIN = "the-admin-key-of-this-gateway"


def run(
    folder: Path, *arguments: str, said: str | None = None, **settings: str
) -> subprocess.CompletedProcess[str]:
    named = {f"JIMENG_API_{name}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "jimeng_api", *arguments],
        env=os.environ | {"JIMENG_API_DATA_DIR": str(folder)} | named,
        cwd=folder,
        input=said or "",
        capture_output=True,
        text=True,
        check=False,
    )


def status(address: str, key: str) -> int:
    request = urllib.request.Request(
        f"{address}/v1/jobs", headers={"authorization": f"Bearer {key}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_without_a_gateway_the_command_works_on_the_database(tmp_path: Path) -> None:
    away = {"PORT": str(free_port())}
    made = run(tmp_path, "keys", "create", "one", "--model", "4.5", "--concurrency", "2", **away)
    assert made.returncode == 0, made.stderr
    assert re.fullmatch(r"jm-[\w-]{43}\n", made.stdout)  # nothing else, so that it can be piped
    assert "models: jimeng-4.5, jobs at once: 2" in made.stderr
    (key_id,) = re.findall(r"key_[0-9a-f]{24}", made.stderr)
    listed = run(tmp_path, "keys", "list", **away).stdout
    assert key_id in listed
    assert made.stdout.strip() not in listed
    revoked = run(tmp_path, "keys", "revoke", key_id, **away)
    assert revoked.stdout == f"{key_id}  revoked\n"
    for arguments, says in (
        (("revoke", "key_0"), "not_found"),
        (("create", "x", "--model", "no-such"), "does not exist"),
    ):
        refused = run(tmp_path, "keys", *arguments, **away)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert says in refused.stderr
        assert "Traceback" not in refused.stderr


def test_with_a_gateway_the_command_speaks_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIMENG_API_ADMIN_KEY", ADMIN)
    with served(tmp_path) as (_, address):
        port = {"PORT": address.rpartition(":")[2]}
        first = run(tmp_path, "keys", "create", "here", **port)
        named = run(tmp_path, "keys", "create", "there", BASE_URL=address)
        for made in (first, named):
            assert made.returncode == 0, made.stderr
            assert status(address, made.stdout.strip()) == 200
            (key_id,) = re.findall(r"key_[0-9a-f]{24}", made.stderr)
            assert run(tmp_path, "keys", "revoke", key_id, **port).returncode == 0
            assert status(address, made.stdout.strip()) == 401
        wrong = run(tmp_path, "keys", "list", BASE_URL=address, ADMIN_KEY=ADMIN[:-1] + "_")
        assert (wrong.returncode, wrong.stdout) == (1, "")
        assert "not the admin key" in wrong.stderr
    away = run(tmp_path, "keys", "list", BASE_URL=address)
    assert away.returncode == 3


def test_a_database_that_a_gateway_holds_is_left_to_it(tmp_path: Path) -> None:
    with served(tmp_path):
        held = run(tmp_path / "simulated", "keys", "list", PORT=str(free_port()))
    assert (held.returncode, held.stdout) == (1, "")
    assert "JIMENG_API_ADMIN_KEY" in held.stderr
    assert "Traceback" not in held.stderr


def test_a_gateway_that_holds_accounts_is_open_to_others_only_with_a_key(tmp_path: Path) -> None:
    away = {"PORT": str(free_port()), "UPSTREAM_URL": f"http://127.0.0.1:{free_port()}"}
    stored = run(tmp_path, "accounts", "add", "--no-check", said=KEY, **away)
    assert stored.returncode == 0, stored.stderr
    process = command(tmp_path, "--host", "0.0.0.0", "--port", "0", **away)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "no key was issued" in said
    assert "Traceback" not in said
    assert starts(tmp_path, "127.0.0.1", away)
    assert starts(tmp_path, "0.0.0.0", {**away, "ADMIN_KEY": ADMIN})
    assert run(tmp_path, "keys", "create", "one", **away).returncode == 0
    assert starts(tmp_path, "0.0.0.0", away)


def starts(folder: Path, host: str, settings: dict[str, str]) -> bool:
    process = command(folder, "--host", host, "--port", "0", **settings)
    assert process.stderr is not None
    try:
        return any("jimeng-api at http" in line for line in process.stderr)
    finally:
        process.kill()
        process.communicate()
