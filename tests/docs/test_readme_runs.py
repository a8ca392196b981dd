"""Every command and example of the READMEs works as it stands there, against a gateway of its own."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.docs.pages import READMES, ROOT, blocks

BIN = Path(sys.executable).parent
PORT = "127.0.0.1:5100"
PNG = b"\x89PNG\r\n\x1a\n"
SERVE = ".venv/bin/jimeng-api serve --simulate\n"
INSTALL = "pip install .\n"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The gateway that the READMEs start, on a free port and with a quick simulator; its host and port."""
    address = f"127.0.0.1:{free_port()}"
    command = shlex.split(SERVE.replace(".venv/bin", str(BIN)))
    command += ["--port", address.rpartition(":")[2], "--speed", "100"]
    data = tmp_path_factory.mktemp("data")
    with (data / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=os.environ | {"JIMENG_API_DATA_DIR": str(data)}, cwd=data, stderr=log
        )
        try:
            wait_for(address, process)
            yield address
        finally:
            process.terminate()
            process.wait(timeout=20)


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(f"http://{address}/readyz", timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the gateway did not start")


def run(script: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        script,
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        body: bytes = answer.read()
        return body


def shell_blocks(language: str) -> list[str]:
    return blocks(READMES[language].read_text("utf-8"), "sh")


def demo_draws_a_picture(language: str, folder: Path, gateway: str) -> None:
    command = shlex.split(shell_blocks(language)[0].splitlines()[-1])
    would_run = run([command[0], "-n", "--no-print-directory", *command[1:]], ROOT).splitlines()[-1]
    script = would_run.replace(".venv/bin", str(BIN)).replace("scripts/", f"{ROOT}/scripts/")
    run(["bash", "-c", script], folder)
    (picture,) = (folder / "demo").iterdir()
    assert picture.read_bytes().startswith(PNG)


def pip_installs_the_whole_package(language: str, folder: Path, gateway: str) -> None:
    # The dependencies are here already, and what builds the package is, too: no index is asked.
    options = [
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
        "installed",
    ]
    run([sys.executable, "-m", *INSTALL.split()[:2], *options, str(ROOT)], folder)
    package = folder / "installed" / "jimeng_api"
    assert files(package) == files(ROOT / "src" / "jimeng_api")
    assert "serve" in run([sys.executable, "-m", "jimeng_api", "--help"], package.parent)


def files(package: Path) -> set[Path]:
    return {
        path.relative_to(package)
        for path in package.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def curl_gets_a_picture(language: str, folder: Path, gateway: str) -> None:
    answer = run(["bash", "-euc", shell_blocks(language)[3].replace(PORT, gateway)], folder)
    assert '"size":"2560x1440"' in answer
    link = answer.partition('"url":"')[2].partition('"')[0]
    assert fetched(link).startswith(PNG)


def the_command_line_saves_a_picture(language: str, folder: Path, gateway: str) -> None:
    script = shell_blocks(language)[4].replace(".venv/bin", str(BIN))
    said = run(["bash", "-euc", script], folder, JIMENG_API_BASE_URL=f"http://{gateway}")
    (picture,) = (folder / "pictures").iterdir()
    assert picture.read_bytes().startswith(PNG)
    assert picture.name in said
    assert "completed" in said


def the_sdk_example_prints_a_link_to_a_picture(language: str, folder: Path, gateway: str) -> None:
    (example,) = blocks(READMES[language].read_text("utf-8"), "python")
    said = run([sys.executable, "-c", example.replace(PORT, gateway)], folder)
    assert fetched(said.strip()).startswith(PNG)


Example = Callable[[str, Path, str], None]
# Prompts apart, the examples are the same in both languages; one of each is enough.
EXAMPLES: list[tuple[Example, str]] = [
    (demo_draws_a_picture, "zh"),
    (pip_installs_the_whole_package, "en"),
    (curl_gets_a_picture, "zh"),
    (the_command_line_saves_a_picture, "zh"),
    (the_sdk_example_prints_a_link_to_a_picture, "en"),
]


@pytest.fixture(scope="module")
def begun(
    gateway: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[tuple[Example, str], Future[None]]]:
    """Every example, begun at once: most of their time they wait."""
    with ThreadPoolExecutor(len(EXAMPLES)) as pool:
        yield {
            (example, language): pool.submit(
                example, language, tmp_path_factory.mktemp("example"), gateway
            )
            for example, language in EXAMPLES
        }


@pytest.mark.parametrize("language", READMES)
def test_every_shell_block_is_one_that_is_run_here(language: str) -> None:
    first, install, serve, curl, client, keeping = shell_blocks(language)
    assert first.startswith("git clone ")
    assert first.splitlines()[-1].startswith("make demo PROMPT=")
    assert (install, serve) == (INSTALL, SERVE)
    assert curl.startswith("curl ")
    assert "jimeng-api image" in client
    # Asks for a session; `tests/commands` runs both commands with one.
    assert [line.split()[:3] for line in keeping.splitlines()] == [
        ["jimeng-api", "accounts", "add"],
        ["jimeng-api", "keys", "create"],
    ]


@pytest.mark.parametrize(
    ("example", "language"), EXAMPLES, ids=[f"{one.__name__}-{name}" for one, name in EXAMPLES]
)
def test_an_example_works(
    begun: Mapping[tuple[Example, str], Future[None]], example: Example, language: str
) -> None:
    begun[example, language].result(timeout=90)
