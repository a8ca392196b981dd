"""The pages about the simulator name everything that it can do."""

import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from jimeng_api.simulator.control import ACCOUNT_FIELDS, ROUTES_MEAN
from jimeng_api.simulator.faults import FAULTS
from jimeng_api.simulator.menu import MODEL_FIELDS
from jimeng_api.simulator.operations import OPERATIONS
from jimeng_api.simulator.switches import SWITCHES
from tests.simulator.caller import Sim

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {language: DOCS / language / "simulator.md" for language in ("en", "zh")}


def page(language: str) -> str:
    return PAGES[language].read_text(encoding="utf-8")


def headings(text: str) -> list[int]:
    return [len(mark) for mark in re.findall(r"^(#+) ", text, re.MULTILINE)]


def rows(text: str) -> dict[str, str]:
    """Table rows by the name in their first column."""
    return dict(re.findall(r"^\| `([\w-]+)` \|(.*)\|$", text, re.MULTILINE))


@pytest.mark.parametrize("language", PAGES)
def test_every_fault_has_a_row_with_its_settings(language: str) -> None:
    found = rows(page(language))
    for fault in FAULTS.values():
        assert fault.name in found, fault.name
        for setting in fault.settings:
            assert f"`{setting}`" in found[fault.name]


def test_the_english_rows_say_what_the_overview_says() -> None:
    found = rows(page("en"))
    meanings = {row.name: row.meaning for row in FAULTS.values()}
    meanings |= {row.name: row.meaning for row in SWITCHES.values()}
    for name, meaning in meanings.items():
        assert found[name].endswith(f"| {meaning} "), name


@pytest.mark.parametrize("language", PAGES)
def test_every_switch_operation_field_and_route_is_named(language: str) -> None:
    text = page(language)
    names = [*SWITCHES, *OPERATIONS, *ACCOUNT_FIELDS, *MODEL_FIELDS]
    names += [row.path for row in OPERATIONS.values()]
    assert [name for name in names if name not in text] == []
    assert [route for route in ROUTES_MEAN if route.split()[1] not in text] == []


def test_both_pages_have_the_same_headings_and_rows() -> None:
    assert headings(page("en")) == headings(page("zh"))
    assert list(rows(page("en"))) == list(rows(page("zh")))


def examples() -> list[Any]:
    blocks = re.findall(r"^```sh\n(.*?)^```", page("en"), re.MULTILINE | re.DOTALL)
    commands = "".join(blocks).replace("\\\n", " ")
    words = shlex.split(commands.replace("\ncurl", " ; curl").replace("\njimeng", " ; jimeng"))
    found: list[list[str]] = [[]]
    for word in words:
        if word == ";":
            found.append([])
        else:
            found[-1].append(word)
    return [each for each in found if each and each[0] == "curl"]


@pytest.mark.parametrize("words", examples(), ids=lambda words: " ".join(words[2:])[:60])
async def test_every_example_works(words: list[str]) -> None:
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    body = words[words.index("-d") + 1] if "-d" in words else ""
    url = next(urlsplit(word) for word in words if word.startswith("http://"))
    answer = await Sim().raw(method, f"{url.path}?{url.query}", body.encode())
    assert answer.status == 200
