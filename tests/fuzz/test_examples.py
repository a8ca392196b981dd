"""Every example of the OpenAPI document is valid against the schema beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from tests.fuzz.world import world


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    with world() as gateway:
        found: dict[str, Any] = gateway.call("GET", "/openapi.json").json
    return found


def media_types(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Wherever there is an example beside a schema."""
    if isinstance(node, dict):
        if "schema" in node and ("example" in node or "examples" in node):
            yield path, node
        for name, inner in node.items():
            if name not in ("example", "examples"):
                yield from media_types(inner, f"{path}/{name}")
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            yield from media_types(inner, f"{path}/{number}")


def examples(media: dict[str, Any]) -> Iterator[Any]:
    if "example" in media:
        yield media["example"]
    for one in media.get("examples", {}).values():
        yield one["value"]


def test_examples_are_valid_against_their_schemas(document: dict[str, Any]) -> None:
    wrong, tried = [], 0
    for path, media in media_types(document["paths"]):
        schema = {**media["schema"], "components": document["components"]}
        validator = jsonschema_rs.validator_for(schema)
        for example in examples(media):
            tried += 1
            wrong += [
                f"{path}: {error.message[:200]} at {error.instance_path}"
                for error in validator.iter_errors(example)
            ]
    assert wrong == []
    assert tried > 100


def test_every_body_and_every_good_answer_has_an_example(document: dict[str, Any]) -> None:
    without = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            content |= operation["responses"].get("200", {}).get("content", {})
            without += [
                f"{method} {path} {kind}"
                for kind, media in content.items()
                if not {"example", "examples"} & media.keys() and not _is_file(kind)
            ]
    assert without == []


def _is_file(kind: str) -> bool:
    return kind.startswith(("image/", "video/", "audio/", "application/octet", "*/*"))
