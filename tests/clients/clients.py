"""The clients that are run, one row each: where its checks are, what runs them, and which page shows it."""

from __future__ import annotations

import base64
import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.clients.stage import Stage
from tests.docs.pages import ROOT
from tests.forms import picture

HERE = Path(__file__).parent
JS = HERE / "js"
EVERY = "EVERY_CLIENT"
"""In the environment: a client that is not installed is a failure. `make clients` says so."""


class NotInstalled(Exception):
    """Why a client cannot be run here."""


@dataclass(frozen=True, slots=True)
class Python:
    """A module of `python/`, run by one of the environments that `make clients` makes, or by our own."""

    script: str
    environment: str | None = None

    def command(self) -> list[str]:
        return [*self.interpreter(), "-m", f"tests.clients.python.{self.script}"]

    def interpreter(self) -> list[str]:
        if self.environment is None:
            return [sys.executable]
        found = Path(sys.prefix) / self.environment / "bin" / "python"
        if not found.exists():
            raise NotInstalled(f"{found} is not there; `make clients` installs it")
        return [str(found)]

    def example(self, code: str) -> list[str]:
        return [*self.interpreter(), "-c", code]


@dataclass(frozen=True, slots=True)
class Node:
    """A script under `js/`."""

    script: str
    arguments: tuple[str, ...] = ()
    in_browser: bool = False

    def command(self) -> list[str]:
        browser = [chromium()] if self.in_browser else []
        return [node(), str(JS / self.script), *self.arguments, *browser]

    def example(self, code: str) -> list[str]:
        # What such code imports is looked for where it is run.
        return [node(), "--input-type=module", "--eval", code]


Runner = Python | Node


@functools.cache
def node() -> str:
    found = shutil.which("node")
    if found is None:
        raise NotInstalled("node is not installed")
    if not (JS / "node_modules" / ".package-lock.json").exists():
        raise NotInstalled(f"the packages are not in {JS}; `npm ci` there installs them")
    return found


def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise NotInstalled("Chromium is not installed")


@dataclass(frozen=True, slots=True)
class Client:
    name: str
    runner: Runner


CLIENTS: Sequence[Client] = (
    Client("openai (Python)", Python("openai_sdk")),
    Client("openai (JavaScript)", Node("openai.mjs")),
    Client("openai in Chromium", Node("browser.mjs", in_browser=True)),
    Client("Vercel AI SDK 7", Node("ai.mjs", ("7",))),
    Client("Vercel AI SDK 6", Node("ai.mjs", ("6",))),
    Client("LiteLLM", Python("litellm_sdk", "clients")),
    Client("LangChain", Python("langchain_sdk", "clients")),
    Client("llm", Python("llm_command", "clients")),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a client's checks: its packages with their versions, and each check's error or None."""

    versions: Mapping[str, str]
    checks: Mapping[str, str | None]

    @property
    def errors(self) -> dict[str, str]:
        return {name: error for name, error in self.checks.items() if error is not None}


def outcome(client: Client, stage: Stage, folder: Path) -> Outcome:
    done = subprocess.run(
        client.runner.command(),
        env=environment(stage, folder)
        | {"KEYS": f"key-{re.sub(r'[^a-z0-9]', '', client.name.lower())}-"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    versions: dict[str, str] = {}
    checks: dict[str, str | None] = {}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            facts = json.loads(line)
            versions |= facts.get("client", {})
            if "check" in facts:
                checks[facts["check"]] = facts["error"]
    assert done.returncode == 0, done.stdout + done.stderr
    return Outcome(versions, checks)


def environment(stage: Stage, folder: Path) -> dict[str, str]:
    """What a client finds: the addresses, a picture, a home of its own, and no keys or proxies of ours."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return {
        **kept,
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),  # for the checks; the client's own environment has nothing of ours
        "GATEWAY": stage.gateway,
        "UPSTREAM": stage.upstream,
        "PICTURE": base64.b64encode(picture(640, 360)).decode(),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # otherwise it is fetched when it is imported
        "ANONYMIZED_TELEMETRY": "False",
    }
