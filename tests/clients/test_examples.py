"""The examples on the clients' pages, run as they stand there with the client that they are for."""

from __future__ import annotations

import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.clients.clients import EVERY, JS, Node, NotInstalled, Python, Runner, environment
from tests.clients.pages import ADDRESS, client_page, pages, settings_on
from tests.clients.replay import replays
from tests.clients.stage import Stage
from tests.docs.pages import LANGUAGES, ROOT, blocks


@dataclass(frozen=True, slots=True)
class Example:
    """`kind` is the language of its blocks on the page."""

    page: str
    kind: str
    runner: Runner | None = None

    @property
    def name(self) -> str:
        return f"{self.page}-{self.kind}"


EXAMPLES = (
    Example("curl", "sh"),
    Example("openai-sdk", "python", Python("")),
    Example("openai-sdk", "js", Node("")),
    Example("ai-sdk", "js", Node("")),
    Example("litellm", "python", Python("", "clients")),
    Example("langchain", "python", Python("", "clients")),
    Example("llm", "sh", Python("", "clients")),
)


def run(example: Example, stage: Stage, folder: Path) -> list[str]:
    """What each block of this kind says."""
    page = client_page("en", example.page).replace(ADDRESS, urlsplit(stage.gateway).netloc)
    found = environment(stage, folder) | {"LLM_USER_PATH": str(folder)}
    for models in blocks(page, "yaml"):
        (folder / "extra-openai-models.yaml").write_text(models)
    if isinstance(example.runner, Python):
        found["PATH"] = f"{Path(example.runner.interpreter()[0]).parent}:{found['PATH']}"
    said = []
    for code in blocks(page, example.kind):
        if example.kind == "sh" or example.runner is None:
            command = ["bash", "-euc", code]
        else:
            command = example.runner.example(code)
        done = subprocess.run(
            command,
            env=found,
            cwd=JS if isinstance(example.runner, Node) else folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        said.append(done.stdout)
    return said


@pytest.fixture(scope="module")
def begun(
    stage: Stage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[Example, Future[list[str]]]]:
    with ThreadPoolExecutor(2) as pool:
        yield {
            one: pool.submit(run, one, stage, tmp_path_factory.mktemp("example"))
            for one in EXAMPLES
        }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_shows_a_link_to_a_picture(
    example: Example, begun: Mapping[Example, Future[list[str]]], stage: Stage
) -> None:
    try:
        every = begun[example].result(timeout=600)
    except NotInstalled as missing:
        if os.environ.get(EVERY):
            raise
        pytest.skip(str(missing))
    assert every
    for said in every:
        links = re.findall(rf"{stage.gateway}/media/\w+", said)
        assert links, said
        with urllib.request.urlopen(links[-1], timeout=30) as answer:
            assert answer.headers["content-type"] == "image/png"


def test_every_page_is_of_a_client_that_is_tested() -> None:
    tested = {one.page for one in EXAMPLES} | {one.name for one in replays()}
    for language in LANGUAGES:
        assert {path.stem for path in pages(language)} == tested


def test_every_example_is_one_that_is_run() -> None:
    run_here = {(one.page, one.kind) for one in EXAMPLES} | {("llm", "yaml")}
    for path in pages("en"):
        kinds = set(re.findall(r"^```(\w+)$", path.read_text("utf-8"), re.MULTILINE))
        assert {(path.stem, kind) for kind in kinds - {"env", "text"}} <= run_here


@pytest.mark.parametrize("path", pages("en"), ids=lambda path: path.stem)
def test_both_languages_show_the_same_code(path: Path) -> None:
    english, chinese = (
        re.findall(r"^```.*?^```", client_page(language, path.stem), re.MULTILINE | re.DOTALL)
        for language in LANGUAGES
    )
    assert english == chinese
    assert english


def test_the_models_on_the_pages_are_there(stage: Stage) -> None:
    request = urllib.request.Request(
        f"{stage.gateway}/v1/models", headers={"authorization": "Bearer pages-of-clients"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        listed = answer.read().decode()
    named = set()
    for path in (ROOT / "docs").glob("*/clients/*.md"):
        named |= {*re.findall(r"jimeng-(?:video-)?\d[\w.-]*\w", path.read_text("utf-8"))}
    assert len(named) > 1
    assert [name for name in named if f'"id":"{name}"' not in listed] == []


def test_settings_are_read_in_both_forms() -> None:
    assert settings_on("```env\nA_B=http://x/v1\n```") == {"A_B": "http://x/v1"}
    assert settings_on("```text\nAPI Host: http://x\n```") == {"API Host": "http://x"}
