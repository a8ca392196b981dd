"""A gateway for the clients, and the table of what came of each client's checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.clients.clients import Outcome
from tests.clients.stage import Stage, staged

KINDS = (
    "models",
    "generate",
    "edit",
    "stream",
    "videos",
    "chat",
    "responses",
    "errors",
    "retries",
    "replay",
)
OUTCOMES = pytest.StashKey[dict[str, Outcome]]()


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("stage")) as found:
        yield found


@pytest.fixture(scope="session")
def outcomes(pytestconfig: pytest.Config) -> dict[str, Outcome]:
    """For the table: each client's outcome, by its name."""
    return pytestconfig.stash.setdefault(OUTCOMES, {})


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if outcomes := config.stash.get(OUTCOMES, {}):
        terminalreporter.section("clients")
        for line in table(outcomes):
            terminalreporter.write_line(line)


def table(outcomes: dict[str, Outcome]) -> list[str]:
    """A row for each client, a column for each kind of check: how many passed, or of how many."""
    found = {kind(name) for outcome in outcomes.values() for name in outcome.checks}
    kinds = [*(one for one in KINDS if one in found), *sorted(found - {*KINDS})]
    rows = [["client", *kinds, "versions"]]
    for name, outcome in outcomes.items():
        made = Counter(map(kind, outcome.checks))
        wrong = Counter(map(kind, outcome.errors))
        cells = [cell(made[one], wrong[one]) for one in kinds]
        versions = ", ".join(f"{package} {number}" for package, number in outcome.versions.items())
        rows.append([name, *cells, versions])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def kind(check: str) -> str:
    return check.partition(":")[0]


def cell(made: int, wrong: int) -> str:
    if not made:
        return "-"
    return f"{made - wrong}/{made} WRONG" if wrong else f"{made} ok"
