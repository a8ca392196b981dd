"""Generated parts are fresh, both languages say the same things, and nothing points at what is not there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.pages import (
    LANGUAGES,
    READMES,
    ROOT,
    anchors,
    blocks,
    every_page,
    headings,
    links,
    page,
    without_code,
)


def pages_in(language: str) -> list[str]:
    folder = ROOT / "docs" / language
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.md"))


PAGES = pages_in("en")


def test_the_generated_parts_are_fresh() -> None:
    script = [sys.executable, "scripts/docs.py", "--check"]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_page_is_there_in_both_languages() -> None:
    assert pages_in("zh") == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_both_languages_have_the_same_headings(name: str) -> None:
    english, chinese = (
        [level for level, _ in headings(page(language, name))] for language in LANGUAGES
    )
    assert english == chinese


def test_both_readmes_have_the_same_headings_and_commands() -> None:
    english, chinese = (READMES[language].read_text("utf-8") for language in LANGUAGES)
    assert [level for level, _ in headings(english)] == [level for level, _ in headings(chinese)]
    for kind in ("sh", "python"):
        assert [without_prompts(one) for one in blocks(english, kind)] == [
            without_prompts(one) for one in blocks(chinese, kind)
        ]


def without_prompts(block: str) -> str:
    return re.sub(r"#.*|cat on a \w+|a cat\b[\w ,]*|[\u3000-\uffef]+", "", block)


@pytest.mark.parametrize("path", every_page(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    for link in links(text):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        target, _, anchor = unquote(link).partition("#")
        file = path.parent / target if target else path
        assert file.exists(), link
        if anchor:
            assert anchor in anchors(file.read_text("utf-8")), link


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_index_lists_every_page_beside_it(language: str) -> None:
    for index in (Path(name) for name in PAGES if name.endswith("index.md")):
        beside = {Path(name).name for name in PAGES if Path(name).parent == index.parent}
        below = {name for name in PAGES if name.endswith("/index.md") and index.parent == Path()}
        listed = {*links(page(language, str(index)))}
        assert beside - {"index.md"} | below - {str(index)} <= listed


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_file_that_the_page_of_the_architecture_names_is_there(language: str) -> None:
    prose = without_code(page(language, "architecture.md"))
    named = set(re.findall(r"`([\w./]+(?:\.py|/|\.toml))`", prose))
    assert len(named) > 30
    places = (ROOT / "src" / "jimeng_api", ROOT)
    gone = [
        name
        for name in named
        if "NAME" not in name and not any((place / name).exists() for place in places)
    ]
    assert gone == []


def test_the_decisions_are_numbered_without_gaps() -> None:
    found = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [int(path.name[:4]) for path in found] == list(range(1, len(found) + 1))
