"""`jimeng-api serve` as a process: how it starts, what it refuses, how it stops."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jimeng_api.cli.serve import _beside_the_real_one
from jimeng_api.domain.secret import Secret
from jimeng_api.settings import Settings

KEY = "0123456789abcdef0123456789abcdef"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def command(folder: Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
    named = {f"JIMENG_API_{name}": value for name, value in settings.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "jimeng_api", "serve", *arguments],
        env=os.environ | {"JIMENG_API_DATA_DIR": str(folder)} | named,
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A gateway with a simulator, and its address."""
    port = free_port()
    process = command(folder, "--simulate", "--port", str(port), *options)
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"{address}/readyz", timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, process.communicate()[1]
                assert time.monotonic() < until
                time.sleep(0.05)
        yield process, address
    finally:
        process.kill()
        process.communicate()


def test_told_to_stop_it_lets_those_who_wait_go_and_ends_well(tmp_path: Path) -> None:
    answers: list[tuple[int, str, str]] = []

    def ask(address: str) -> None:
        request = urllib.request.Request(
            f"{address}/v1/images/generations",
            data=json.dumps({"model": "jimeng-4.5", "prompt": "a cat"}).encode(),
            headers={"authorization": f"Bearer {KEY}", "content-type": "application/json"},
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=30)
        with caught.value as error:
            told = json.loads(error.read())["error"]["code"]
            answers.append((error.code, told, error.headers["x-should-retry"]))

    with served(tmp_path) as (process, address):
        asking = threading.Thread(target=ask, args=(address,))
        asking.start()
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        asking.join(timeout=10)
    assert answers == [(503, "shutting_down", "false")]


def test_a_second_gateway_on_the_same_jobs_is_refused(tmp_path: Path) -> None:
    with served(tmp_path):
        second = command(tmp_path, "--simulate", "--port", "0")
        said = second.communicate(timeout=30)[1]
    assert second.returncode == 1
    assert "Another jimeng-api works on" in said


def test_after_a_kill_the_next_gateway_has_the_jobs_to_itself(tmp_path: Path) -> None:
    with served(tmp_path) as (process, _):
        process.kill()
        process.wait(timeout=10)
    with served(tmp_path) as (process, _):
        assert process.poll() is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "many"),
        ("TRUSTED_PROXIES", "anybody"),
        ("DATABASE_URL", "mysql://u@h/d"),
        ("BUSY_SECONDS", "soon"),
        ("DEFAULT_IMAGE_MODEL", "no-such-model"),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_starts(tmp_path: Path, name: str, value: str) -> None:
    process = command(tmp_path, **{name: value})
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 2
    assert f"JIMENG_API_{name}" in said
    assert "Traceback" not in said


def test_a_taken_port_is_told_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = command(tmp_path, "--port", str(listening.getsockname()[1]))
        said = process.communicate(timeout=30)[1]
    assert process.returncode == 1
    assert "Cannot listen on" in said
    assert "Traceback" not in said


def test_simulated_jobs_stay_apart_from_those_of_the_real_sites(tmp_path: Path) -> None:
    with served(tmp_path):
        assert (tmp_path / "simulated" / "jimeng-api.db").exists()
        assert not (tmp_path / "jimeng-api.db").exists()


def test_simulated_sites_are_not_looked_for_behind_a_proxy(tmp_path: Path) -> None:
    real = Settings(data_dir=tmp_path, proxies={"cn": Secret("http://10.0.0.1:3128")})
    assert dict(_beside_the_real_one(real, "http://127.0.0.1:5199").proxies) == {}
