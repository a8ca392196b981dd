"""What clients send that cannot be run here is answered in the form that they read."""

from __future__ import annotations

import pytest

from tests.clients.clients import Outcome
from tests.clients.pages import ADDRESS, client_page, settings_on
from tests.clients.replay import Replay, replays, sending
from tests.clients.stage import Stage

REPLAYS = replays()


@pytest.mark.parametrize("replay", REPLAYS, ids=lambda replay: replay.name)
def test_a_client_set_up_as_its_page_says_gets_what_it_reads(
    replay: Replay, stage: Stage, outcomes: dict[str, Outcome]
) -> None:
    settings = settings_on(client_page("en", replay.name))
    assert settings == settings_on(client_page("zh", replay.name))
    for meaning, name in replay.settings.items():
        assert name in settings, f"the page of {replay.client} does not name {name} ({meaning})"
    assert ADDRESS in settings[replay.settings["base"]]
    sent: dict[str, str | None] = {}
    outcomes[f"{replay.client} (replayed)"] = Outcome({}, sent)
    for request in sending(replay, settings, stage):
        sent[f"replay: {request}"] = None
