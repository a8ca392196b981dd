"""What schemathesis draws from the OpenAPI document, a little of it; `make fuzz` sends ten thousand cases."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from tests.answer import Answer
from tests.fuzz.cases import Fuzzing
from tests.fuzz.world import World, bearer, error_shape, world


def test_every_answer_is_as_the_document_says_and_no_refusal_submits_anything() -> None:
    with world() as gateway:
        run = Fuzzing(gateway, 7).go(400, a_round=9)
    assert [*run.findings.values()] == []
    assert len(run.routes) > 40
    assert run.statuses[200] > 40, "some of it must be good"
    assert run.submitted > 5


def test_a_film_that_is_not_waited_for_is_answered_as_the_document_says() -> None:
    """Ten thousand cases met this once."""
    body = b'{"prompt": "waves", "async": true}'
    with world() as gateway:
        document = gateway.call("GET", "/openapi.json").json
        path = "/v1/videos/generations"
        headers = {**bearer(path), "content-type": "application/json"}
        answer = gateway.call("POST", path, headers, body)
    content = document["paths"][path]["post"]["responses"]["200"]["content"]
    schema = content["application/json"]["schema"]
    assert answer.json["object"] == "job"
    assert jsonschema_rs.is_valid({**schema, "components": document["components"]}, answer.json)


class Lying:
    """A world whose answers are spoilt."""

    def __init__(self, world: World, answer: Answer | None, submits: int) -> None:
        self._world = world
        self._answer = answer
        self._submits = submits
        self._count = 0

    def call(self, method: str, target: str, *more: Any) -> Answer:
        answer = self._world.call(method, target, *more)
        return answer if target == "/openapi.json" else self._answer or answer

    def accepted(self) -> int:
        self._count += self._submits
        return self._count


JSON = {"content-type": "application/json"}
ERROR = b'{"error": {"message": "m", "type": "t", "param": null, "code": "c"}}'


@pytest.mark.parametrize(
    ("answer", "submits", "rule"),
    [
        (Answer(500, JSON, ERROR), 0, "no 5xx"),
        (Answer(404, JSON, b'{"detail": "no"}'), 0, "errors have OpenAI's shape"),
        (Answer(404, JSON, ERROR), 1, "a refusal submits nothing"),
        (Answer(200, JSON, b'{"object": "list"}'), 0, "the document is kept to"),
        (Answer(418, JSON, ERROR), 0, "the document is kept to"),
        (Answer(200, {"content-type": "text/html"}, b""), 0, "the document is kept to"),
    ],
)
def test_an_answer_that_is_wrong_is_found(answer: Answer, submits: int, rule: str) -> None:
    with world() as gateway:
        lying: Any = Lying(gateway, answer, submits)
        run = Fuzzing(lying, 1).go(60, a_round=1)
    assert rule in {finding.rule for finding in run.findings.values()}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"error": "text"}',
        b'{"error": {"message": "m", "type": "t", "code": "c"}}',
        b'{"error": {"message": "", "type": "t", "code": "c", "param": null}}',
        b'{"error": {"message": "m", "type": "t", "code": null, "param": null}}',
        b'{"error": {"message": "m", "type": "t", "code": "c", "param": 1}}',
    ],
)
def test_an_error_of_another_shape_is_seen(body: bytes) -> None:
    assert error_shape(Answer(400, {}, body)) is not None
    assert error_shape(Answer(400, {}, ERROR)) is None
