"""Data URIs: read as browsers read them, and not much longer than a picture may be."""

from __future__ import annotations

import base64
import textwrap
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jimeng_api.media.anatomy import MOST_BYTES, NotTaken
from jimeng_api.media.data_uri import bytes_in, is_data_uri

BODY = bytes(range(256)) * 5
TEXT = base64.b64encode(BODY).decode()


@pytest.mark.parametrize(
    "head",
    ["data:image/png;base64,", "data:;base64,", "data:image/jpg;base64,", "DATA:IMAGE/PNG;BASE64,",
     "data:image/png;charset=utf-8;base64,", "data:image/png; base64 ,", "data:text/html;base64,"],
)  # fmt: skip
def test_the_type_that_is_named_does_not_count(head: str) -> None:
    assert is_data_uri(head + TEXT)
    assert bytes_in(head + TEXT) == BODY


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.rstrip("="),
        TEXT.replace("+", "-").replace("/", "_"),
        "\r\n".join(textwrap.wrap(TEXT, 76)),
        f" {TEXT}\n",
        quote(TEXT, safe=""),
    ],
)
def test_every_spelling_of_base64_is_read(text: str) -> None:
    assert bytes_in(f"data:image/png;base64,{text}") == BODY


@pytest.mark.parametrize(
    "uri",
    ["data:", "data:,abc", "data:image/png,abc", "data:image/png;base64", "data:image/png;base64;x,QUJD",
     "data:image/png;base64,A", "data:image/png;base64,QU!D", "data:image/png;base64,图",
     "data:image/png;base64,QUJD\0", "data:" + "a" * 300 + ";base64,QUJD"],
)  # fmt: skip
def test_anything_else_is_refused(uri: str) -> None:
    with pytest.raises(NotTaken):
        bytes_in(uri)


@given(st.text(max_size=50))
def test_no_text_whatever_raises_anything_else(text: str) -> None:
    for uri in (f"data:{text}", f"data:;base64,{text}"):
        try:
            bytes_in(uri)
        except NotTaken:
            continue


@pytest.mark.parametrize("letter", ["A", "%41", "\n", "图", "data:;base64,"])
def test_what_is_too_long_is_refused_before_it_is_read(letter: str) -> None:
    uri = "data:;base64," + letter * (MOST_BYTES * 3 // 2 // len(letter)) + "A" * 14
    began = time.perf_counter()
    with pytest.raises(NotTaken, match="larger than 20 MiB"):
        bytes_in(uri)
    assert time.perf_counter() - began < 0.1


def test_the_largest_picture_fits() -> None:
    text = base64.b64encode(bytes(MOST_BYTES)).decode()
    assert len(bytes_in(f"data:image/png;base64,{text}")) == MOST_BYTES
