"""The list of the decisions, by the headings of their pages."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "decisions"


def parts(language: str) -> dict[str, str]:
    rows = []
    for page in sorted(FOLDER.glob("[0-9]*.md")):
        heading = page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        rows.append(f"- [{heading}]({page.name})")
    return {"decisions": "\n".join(rows)}
