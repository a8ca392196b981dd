"""Forms become the same objects as JSON."""

from __future__ import annotations

import string
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import UploadFile

from jimeng_api.domain.errors import MalformedBody
from jimeng_api.web.forms import (
    MAX_FILES,
    MAX_TEXTS,
    close_files,
    files_of,
    multipart_fields,
    nested,
    urlencoded_fields,
)
from tests.forms import Parts, multipart
from tests.malformed import MALFORMED_FORMS, MALFORMED_URLENCODED


async def read(parts: Parts, *, boundary: str = "b", chunk: int = 1000) -> dict[str, Any]:
    body, headers = multipart(parts, boundary)
    return await read_raw(body, headers["content-type"], chunk=chunk)


async def read_raw(body: bytes, content_type: str, *, chunk: int = 1000) -> dict[str, Any]:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), chunk):
            yield body[start : start + chunk]

    return await multipart_fields(content_type, chunks())


async def plain(value: object) -> object:
    """The value with the bytes of its files."""
    if isinstance(value, UploadFile):
        await value.seek(0)
        return await value.read()
    if isinstance(value, list):
        return [await plain(item) for item in value]
    if isinstance(value, dict):
        return {name: await plain(item) for name, item in value.items()}
    return value


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([("prompt", "a cat"), ("n", "2")], {"prompt": "a cat", "n": "2"}),
        ([("image", b"1")], {"image": b"1"}),
        ([("image[]", b"1")], {"image": [b"1"]}),
        ([("image[]", b"1"), ("image[]", b"2")], {"image": [b"1", b"2"]}),
        ([("image", b"1"), ("image", b"2")], {"image": [b"1", b"2"]}),
        ([("image", b"1"), ("image[]", b"2")], {"image": [b"1", b"2"]}),
        ([("images[0]", b"1"), ("images[1]", "http://x")], {"images": [b"1", "http://x"]}),
        ([("ref[image_url]", "http://x")], {"ref": {"image_url": "http://x"}}),
        (
            [("images[][url]", "a"), ("images[][url]", "b")],
            {"images": [{"url": "a"}, {"url": "b"}]},
        ),
        (
            [("images[0][url]", "a"), ("images[1][file_id]", "b")],
            {"images": [{"url": "a"}, {"file_id": "b"}]},
        ),
        ([("prompt", "a"), ("prompt", "b")], {"prompt": ["a", "b"]}),
        ([("prompt", "猫"), ("a[b][c][d]", "x"), ("[", "y")], None),
        ([("n", ""), ("prompt", "a")], {"prompt": "a"}),
    ],
)
async def test_names_with_brackets_are_lists_and_objects(parts: Any, expected: Any) -> None:
    found = await read(parts)
    if expected is None:
        expected = {"prompt": "猫", "a[b][c][d]": "x", "[": "y"}
    assert await plain(found) == expected
    await close_files(files_of(found))


@pytest.mark.parametrize(
    "parts",
    [
        [("image", "a"), ("image[url]", "b")],
        [("image[url]", "b"), ("image", "a")],
        [("image[url]", "a"), ("image[url]", "b")],
        [("image[a][b]", "a")],
        [("image[0][url]", "a"), ("image[0][url]", "b")],
        [("prompt", "nul \0")],
        [(f"field-{n}", "x") for n in range(MAX_TEXTS + 1)],
        [(f"file-{n}", b"x") for n in range(MAX_FILES + 1)],
    ],
)
async def test_a_form_that_means_two_things_or_holds_too_much_is_refused(parts: Any) -> None:
    with pytest.raises(MalformedBody):
        await read(parts)


@pytest.mark.parametrize(("body", "content_type"), MALFORMED_FORMS)
async def test_a_broken_form_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(MalformedBody):
        await read_raw(body, content_type)


async def test_a_file_is_one_by_its_name_however_that_is_written() -> None:
    head = b"--b\r\ncontent-disposition: form-data; "
    end = b"\r\n\r\nx\r\n--b--\r\n"
    kind = "multipart/form-data; boundary=b"
    named = 'name="image"; filename="../../猫.png"; filename*=UTF-8\'\'%E7%8C%AB.png'.encode()
    found = await read_raw(head + named + end, kind)
    assert await plain(found) == {"image": b"x"}
    await close_files(files_of(found))
    # RFC 2231 has no say in which field it is.
    found = await read_raw(head + b"name=\"user\"; name*=UTF-8''mask" + end, kind)
    assert found == {"user": "x"}


async def test_a_large_file_does_not_stay_in_memory() -> None:
    found = await read([("image", bytes(3 * 1024 * 1024))], chunk=64 * 1024)
    (file,) = files_of(found)
    assert getattr(file.file, "_rolled") is True  # noqa: B009 - the standard library's own
    assert file.size == 3 * 1024 * 1024
    await close_files([file])


def test_a_form_without_files_is_the_same() -> None:
    body = urlencode([("prompt", "a cat & 猫"), ("n", "2"), ("images[]", "x"), ("images[]", "y")])
    assert urlencoded_fields(body.encode()) == {
        "prompt": "a cat & 猫",
        "n": "2",
        "images": ["x", "y"],
    }


@pytest.mark.parametrize("body", MALFORMED_URLENCODED)
def test_a_broken_form_without_files_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        urlencoded_fields(body)


names = st.text(string.ascii_letters + "_", min_size=1, max_size=8)
texts = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40
)
objects = st.dictionaries(names, texts, min_size=1, max_size=3)
bodies = st.dictionaries(
    names,
    texts
    | st.binary(max_size=2000)
    | st.lists(texts | st.binary(max_size=100), min_size=1, max_size=4)
    | objects
    | st.lists(objects, min_size=1, max_size=2),
    max_size=4,
)


def written(fields: dict[str, Any]) -> list[tuple[str, str | bytes]]:
    """The fields as OpenAI's clients write them in a form."""
    found: list[tuple[str, str | bytes]] = []
    for name, value in fields.items():
        if isinstance(value, list):
            for number, item in enumerate(value):
                if isinstance(item, dict):
                    found += [(f"{name}[{number}][{inner}]", text) for inner, text in item.items()]
                else:
                    found.append((f"{name}[]", item))
        elif isinstance(value, dict):
            found += [(f"{name}[{inner}]", text) for inner, text in value.items()]
        else:
            found.append((name, value))
    return found


@given(
    fields=bodies, chunk=st.integers(1, 3000), boundary=st.text("abc-_'", min_size=1, max_size=70)
)
async def test_whatever_json_can_say_a_form_can_say(
    fields: dict[str, Any], chunk: int, boundary: str
) -> None:
    parts = written(fields)
    if any(
        f"--{boundary}".encode() in (v if isinstance(v, bytes) else v.encode()) for _, v in parts
    ):
        return
    found = await read(parts, boundary=f"{boundary}-", chunk=chunk)
    assert await plain(found) == fields
    await close_files(files_of(found))


@given(body=st.binary(max_size=400), chunk=st.integers(1, 50))
async def test_any_bytes_are_a_form_or_refused(body: bytes, chunk: int) -> None:
    for tail in (body, b"--b\r\ncontent-disposition: form-data; name=a\r\n\r\n" + body):
        try:
            found = await read_raw(tail, "multipart/form-data; boundary=b", chunk=chunk)
        except MalformedBody:
            continue
        await close_files(files_of(found))


@given(items=st.lists(st.tuples(st.text("ab[]01\0", max_size=12), texts), max_size=8))
def test_any_names_are_understood_or_refused(items: list[tuple[str, str]]) -> None:
    try:
        found = nested(items)
    except MalformedBody:
        return
    assert isinstance(found, dict)
