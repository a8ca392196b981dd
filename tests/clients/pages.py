"""The pages of the clients: the settings they name, and the examples they show."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.pages import ROOT, blocks

ADDRESS = "127.0.0.1:5100"
"""Where the gateway is on the pages."""


def pages(language: str) -> list[Path]:
    folder = ROOT / "docs" / language / "clients"
    return [path for path in sorted(folder.glob("*.md")) if path.stem != "index"]


def client_page(language: str, name: str) -> str:
    return (ROOT / "docs" / language / "clients" / f"{name}.md").read_text("utf-8")


def settings_on(page: str) -> dict[str, str]:
    """The names and values in its first block, be they variables of an environment or fields of a form."""
    shown = [*blocks(page, "env"), *blocks(page, "text")][0]
    found = [re.fullmatch(r"([\w ]+)(?:=|: )(.*)", line) for line in shown.splitlines()]
    return {match[1]: match[2] for match in found if match}
