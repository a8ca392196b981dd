"""The pages as text: which there are, their headings, links and blocks of code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "zh")
READMES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh.md"}

_CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_INLINE_CODE = re.compile(r"`[^`\n]*`")


def page(language: str, name: str) -> str:
    return (ROOT / "docs" / language / name).read_text("utf-8")


def every_page() -> list[Path]:
    found = [*READMES.values(), ROOT / "CHANGELOG.md"]
    for folder in ("docs", "changelog.d", ".github"):
        found += (ROOT / folder).rglob("*.md")
    return found


def without_code(text: str) -> str:
    return _CODE.sub("", text)


def headings(text: str) -> list[tuple[int, str]]:
    """(Level, text) of each heading."""
    found = re.findall(r"^(#+) (.*)$", without_code(text), re.MULTILINE)
    return [(len(marks), words) for marks, words in found]


def anchors(text: str) -> set[str]:
    """What a link may name behind `#`: each heading as GitHub spells it there."""
    return {re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-") for _, words in headings(text)}


def links(text: str) -> list[str]:
    """The targets of links and pictures that are not in code."""
    prose = _INLINE_CODE.sub("``", without_code(text))
    return re.findall(r"\]\(([^)\s]+)\)", prose) + re.findall(r' src="([^"]+)"', prose)


def blocks(text: str, kind: str) -> list[str]:
    """The blocks of code of one kind, such as `sh`."""
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
