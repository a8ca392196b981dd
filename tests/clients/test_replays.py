"""What clients send that cannot be run here is answered in the form that they read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.clients.clients import Outcome
from tests.clients.pages import ADDRESS, client_page, settings_on
from tests.clients.replay import Replay, replays, sending
from tests.clients.stage import Stage

REPLAYS = replays()


def replayed(replay: Replay, stage: Stage, sent: dict[str, str | None]) -> None:
    settings = settings_on(client_page("en", replay.name))
    try:
        for request in sending(replay, settings, stage):
            sent[f"replay: {request}"] = None
    except BaseException as error:
        sent["replay: the next"] = str(error)
        raise


@pytest.fixture(scope="module")
def begun(stage: Stage, outcomes: dict[str, Outcome]) -> Iterator[Mapping[str, Future[None]]]:
    """Some at once: most of their time they wait."""
    with ThreadPoolExecutor(4) as pool:
        futures = {}
        for replay in REPLAYS:
            sent: dict[str, str | None] = {}
            outcomes[f"{replay.client} (replayed)"] = Outcome({}, sent)
            futures[replay.name] = pool.submit(replayed, replay, stage, sent)
        yield futures


@pytest.mark.parametrize("replay", REPLAYS, ids=lambda replay: replay.name)
def test_a_client_set_up_as_its_page_says_gets_what_it_reads(
    replay: Replay, begun: Mapping[str, Future[None]]
) -> None:
    begun[replay.name].result(timeout=600)


@pytest.mark.parametrize("replay", REPLAYS, ids=lambda replay: replay.name)
def test_a_page_names_the_settings_that_are_replayed(replay: Replay) -> None:
    settings = settings_on(client_page("en", replay.name))
    assert settings == settings_on(client_page("zh", replay.name))
    for meaning, name in replay.settings.items():
        assert name in settings, f"the page of {replay.client} does not name {name} ({meaning})"
    assert ADDRESS in settings[replay.settings["base"]]
