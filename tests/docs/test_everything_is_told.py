"""What the outside may rely on stands on the pages, in both languages."""

from __future__ import annotations

import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from fastapi.routing import APIRoute

from jimeng_api.cli.app import app as command_line
from jimeng_api.domain.errors import every_error
from jimeng_api.settings import Settings
from jimeng_api.simulator.faults import FAULTS
from jimeng_api.upstream.constants import Constants
from jimeng_api.web import routes as web_routes
from tests.docs.pages import LANGUAGES, ROOT, blocks, page

SOURCE = ROOT / "src" / "jimeng_api"


def settings() -> list[str]:
    names = [name for name in Settings.model_fields if name != "upstream"]
    inner = [f"UPSTREAM__{name}" for name in Constants.__dataclass_fields__]
    return [f"`JIMENG_API_{name.upper()}`" for name in (*names, *inner)]


def commands(command: Any = None, path: str = "") -> Iterator[str]:
    command = command or typer.main.get_command(command_line)
    path = f"{path} {command.name}".strip()
    yield f"## `{path}`"
    for inner in getattr(command, "commands", {}).values():
        yield from commands(inner, path)


def routes() -> Iterator[tuple[str, str]]:
    """(Method, path) of every route; those of the API stand on the pages with `/v1` before them."""
    for module in pkgutil.iter_modules(web_routes.__path__, f"{web_routes.__name__}."):
        for route in importlib.import_module(module.name).router.routes:
            assert isinstance(route, APIRoute)
            for method in (route.methods or set()) - {"HEAD"}:
                yield method, re.sub(r"\{.*?\}", "{id}", route.path)


def events() -> list[str]:
    """The names of the log's events, out of the calls that write them."""
    found: set[str] = set()
    for module in SOURCE.rglob("*.py"):
        if not module.is_relative_to(SOURCE / "simulator"):
            text = module.read_text("utf-8")
            found |= {*re.findall(r"\blog\.[a-z]+\(\s*(?:logging\.\w+[^\"]*)?\"(\w+)\"", text)}
    found |= {"request"}  # its level is worked out in the call
    return [f"`{name}`" for name in sorted(found)]


TOLD = {
    "settings": ("operating.md", settings()),
    "commands": ("commands.md", list(commands())),
    "errors": ("errors.md", [f"`{one.code}`" for one in every_error() if not one.__subclasses__()]),
    "faults": ("simulator.md", [f"| `{name}` |" for name in FAULTS]),
    "events": ("operating.md", events()),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("subject", TOLD)
def test_a_page_names_every_one(subject: str, language: str) -> None:
    name, expected = TOLD[subject]
    text = page(language, name)
    assert len(expected) > 5
    assert [one for one in expected if one not in text] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_route_is_on_a_page(language: str) -> None:
    pages = ("api.md", "operating.md", "keys.md", "accounts.md")
    text = "".join(page(language, name) for name in pages)
    found = list(routes())
    assert ("POST", "/images/generations") in found
    untold = [
        f"{method} {path}"
        for method, path in found
        if f"`{method} /v1{path}`" not in text and f"`{method} {path}`" not in text
    ]
    assert untold == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_operating_names_no_event_that_is_gone(language: str) -> None:
    table = page(language, "operating.md").partition("| `request` |")[2].partition("\n\n")[0]
    rows = [row.split(" | ")[0] for row in table.splitlines()[1:]]
    named = {name for row in rows for name in re.findall(r"`\w+`", row)}
    assert named - set(events()) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_examples_of_a_file_of_settings_are_taken(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = blocks(page(language, "operating.md"), "toml")
    assert len(examples) > 1
    for example in examples:
        (tmp_path / "example.toml").write_text(example)
        monkeypatch.setenv("JIMENG_API_CONFIG", str(tmp_path / "example.toml"))
        read = Settings().model_dump(mode="json")
        for name, value in tomllib.loads(example).items():
            if name == "upstream":
                assert value.items() <= read[name].items()
            elif name == "proxies":  # they may hold passwords
                assert read[name] == dict.fromkeys(value, "***")
            else:
                assert read[name] == value, name


def test_every_runtime_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    text = (ROOT / "docs" / "decisions" / "dependencies.md").read_text("utf-8")
    needed = {re.split(r"[\[<>=;~! ]", one)[0] for one in project["dependencies"]}
    assert set(re.findall(r"^\| ([a-z][a-z-]+) \|", text, re.MULTILINE)) == {"package", *needed}
