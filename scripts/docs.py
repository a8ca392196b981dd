"""Writes the generated parts of the pages; with `--check` it only names the pages that are stale.

Any page may show a part: it stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`. The parts are
made by the modules of `tables/`, each for its own subject and in the language of the page.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tables import (
    chats,
    commands,
    decisions,
    errors,
    models,
    modules,
    routes,
    settings,
    upstream_codes,
)

ROOT = Path(__file__).resolve().parent.parent
SUBJECTS = (chats, commands, decisions, errors, models, modules, routes, settings, upstream_codes)
PLACE = re.compile(r"<!-- generated: (\S+) -->\n(.*?)<!-- end: \1 -->", re.DOTALL)
MARK = re.compile(r"<!-- (?:generated|end): \S+ -->")


def pages() -> dict[Path, str]:
    """Every page that may show a part, and its language."""
    found = {ROOT / "README.md": "en", ROOT / "README.zh.md": "zh"}
    for folder, language in (("en", "en"), ("zh", "zh"), ("decisions", "en")):
        found |= dict.fromkeys(sorted((ROOT / "docs" / folder).rglob("*.md")), language)
    return found


def written(page: str, parts: Mapping[str, str], *, shown: set[str]) -> str:
    """The page with its parts made anew; the names of these are added to `shown`."""

    def fresh(place: re.Match[str]) -> str:
        name = place[1]
        if name not in parts:
            raise ValueError(f"there is no part {name!r}; there are {', '.join(sorted(parts))}")
        shown.add(name)
        return f"<!-- generated: {name} -->\n{parts[name]}\n<!-- end: {name} -->"

    if len(MARK.findall(page)) != 2 * len(PLACE.findall(page)):
        raise ValueError("a mark of a generated part has no partner, or parts overlap")
    return PLACE.sub(fresh, page)


def main(arguments: Sequence[str]) -> int:
    check = "--check" in arguments
    parts = {
        language: {name: text for one in SUBJECTS for name, text in one.parts(language).items()}
        for language in ("en", "zh")
    }
    shown: dict[str, set[str]] = {"en": set(), "zh": {*decisions.parts("zh")}}
    stale = []
    for path, language in pages().items():
        page = path.read_text(encoding="utf-8")
        try:
            fresh = written(page, parts[language], shown=shown[language])
        except ValueError as error:
            sys.exit(f"{path.relative_to(ROOT)}: {error}")
        if fresh != page:
            stale.append(str(path.relative_to(ROOT)))
            if not check:
                path.write_text(fresh, encoding="utf-8")
    for language, names in shown.items():
        if missing := sorted(parts[language].keys() - names):
            sys.exit(f"no page in the language {language} shows {', '.join(missing)}")
    if stale:
        print("stale, run `make fix`:" if check else "written:", *stale, sep="\n  ")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
