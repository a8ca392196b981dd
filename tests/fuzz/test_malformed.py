"""Malformed bodies at every route: refused in the usual shape, and nothing is submitted for them."""

from __future__ import annotations

from tests.fuzz.bodies import try_bodies
from tests.fuzz.world import world
from tests.malformed import malformed


def test_there_are_three_hundred_and_no_two_are_the_same() -> None:
    rows = [*malformed({"prompt": "a cat", "model": "jimeng-4.5", "n": 1, "size": "1024x1024"})]
    assert len({(row.body, row.content_type, row.headers) for row in rows}) >= 300


def test_every_route_refuses_malformed_bodies_and_submits_nothing() -> None:
    """A sixth of what `make fuzz` sends, so that every body and every route have their turn."""
    with world() as gateway:
        tried = try_bodies(gateway, share=6)
    assert tried.wrong == []
    assert len(tried.bodies) >= 300
    assert tried.routes > 40
