from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from jimeng_api.upstream.replies.shapes import Shape


class Leaf(msgspec.Struct):
    name: Any = None


class Tree(msgspec.Struct):
    name: Any = None
    leaf: Leaf | None = None
    leaves: list[Leaf | None] | None = None


TREE = Shape(Tree)


def read(value: Any) -> Tree | None:
    return TREE.read(json.dumps(value).encode())


def test_an_object_is_read_with_its_parts() -> None:
    value = {"name": 1, "leaf": {"name": "a", "new": [1]}, "leaves": [{"name": "b"}, None]}
    assert read(value) == Tree(name=1, leaf=Leaf("a"), leaves=[Leaf("b"), None])


@pytest.mark.parametrize("odd", [7, "x", [], [{}], True])
def test_a_part_of_another_shape_leaves_the_rest(odd: Any) -> None:
    value = {"name": 1, "leaf": odd, "leaves": [odd, {"name": "b"}, {"name": odd}]}
    assert read(value) == Tree(name=1, leaves=[None, Leaf("b"), Leaf(odd)])


@pytest.mark.parametrize("odd", [7, "x", {}])
def test_a_list_of_another_shape_is_empty(odd: Any) -> None:
    assert read({"leaf": {"name": "a"}, "leaves": odd}) == Tree(leaf=Leaf("a"), leaves=[])


@pytest.mark.parametrize("value", [None, 7, "x", []])
def test_what_is_no_object_is_none(value: Any) -> None:
    assert read(value) is None


def test_a_map_keeps_what_is_unreadable_and_leaves_out_what_is_nothing() -> None:
    entries: dict[str, Any] = {"a": {"name": 1}, "b": None, "c": []}
    assert TREE.read_map(json.dumps(entries).encode()) == {"a": Tree(name=1)}
    assert TREE.read_map(json.dumps({**entries, "d": 7}).encode()) == {"a": Tree(name=1), "d": None}
    assert TREE.read_map(b"[]") is None
