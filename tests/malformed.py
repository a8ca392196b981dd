"""Bodies that are none: a table that tests of the parsers and of all routes share."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jimeng_api.web.forms import MAX_FILES, MAX_TEXTS
from jimeng_api.web.incoming import MAX_DEPTH
from tests.forms import multipart


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


MALFORMED_JSON: tuple[tuple[bytes, str], ...] = (
    (b"", "no body"),
    (b"  \n", "no body"),
    (b"{", "not JSON"),
    (b'{"a":1}}', "not JSON"),
    (b"[]", "must be a JSON object"),
    (b'"text"', "must be a JSON object"),
    (b"null", "must be a JSON object"),
    (b"true", "must be a JSON object"),
    (b"12", "must be a JSON object"),
    (b'[{"prompt": "a cat"}]', "must be a JSON object"),
    (b"\xff\xfe{\0}\0", "not UTF-8"),
    (b'{"a": "\xff"}', "not UTF-8"),
    (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
    (b'{"a": "\xc0\x80"}', "not UTF-8"),
    (b'{"a": "\xf8\x88\x80\x80\x80"}', "not UTF-8"),
    ('{"a": "猫"}'.encode("utf-16"), "not UTF-8"),
    ('{"a": "狗"}'.encode("gb18030"), "not UTF-8"),
    ('{"a": 1}'.encode("utf-16-le"), "not JSON"),
    ('{"a": 1}'.encode("utf-32-be"), "not JSON"),
    (b'{"a":1,"a":2}', "'a' twice"),
    (b'{"a":1,"\\u0061":2}', "'a' twice"),
    (b'{"x":{"a":1,"a":2}}', "'a' twice"),
    (b'{"x":[{"a":1,"a":1}]}', "'a' twice"),
    (b'{"a": NaN}', "NaN"),
    (b'{"a": Infinity}', "Infinity"),
    (b'{"a": -Infinity}', "Infinity"),
    (b'{"a": 1e999}', "too large"),
    (b'{"a": -1e999}', "too large"),
    (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
    (b'{"a": -' + b"9" * 100 + b"}", "digits"),
    (b'{"a": [1, ' + b"1" * 65 + b"]}", "digits"),
    (b'{"a": "\\ud800"}', "surrogate"),
    (b'{"a": "\\udc00\\ud800"}', "surrogate"),
    (b'{"\\udfff": 1}', "surrogate"),
    (b'{"a": [["\\uD9ab"]]}', "surrogate"),
    (b'{"a": "\\u0000"}', "U+0000"),
    (b'{"\\u0000": 1}', "U+0000"),
    (b'{"a": "\0"}', "not JSON"),
    (b"\0", "not JSON"),
    (b"'a'", "not JSON"),
    (b"{'a': 1}", "not JSON"),
    (b"{a: 1}", "not JSON"),
    (b'{"a": 1,}', "not JSON"),
    (b'{"a": [1,]}', "not JSON"),
    (b'{"a" 1}', "not JSON"),
    (b'{"a": 01}', "not JSON"),
    (b'{"a": 0x10}', "not JSON"),
    (b'{"a": 1.}', "not JSON"),
    (b'{"a": .5}', "not JSON"),
    (b'{"a": +1}', "not JSON"),
    (b'{"a": 1e}', "not JSON"),
    (b'{"a": tru}', "not JSON"),
    (b'{"a": True}', "not JSON"),
    (b'{"a": undefined}', "not JSON"),
    (b'{"a": "\n"}', "not JSON"),
    (b'{"a": "\x1b"}', "not JSON"),
    (b'{"a": "\\x41"}', "not JSON"),
    (b'{"a": "\\u12"}', "not JSON"),
    (b'{"a": "\\', "not JSON"),
    (b'{"a": "unended', "not JSON"),
    (b'{"a": 1 /* why */}', "not JSON"),
    (b'// what\n{"a": 1}', "not JSON"),
    (b'{"a": 1}{"a": 2}', "not JSON"),
    (b'{"a": 1}\n{"a": 2}\n', "not JSON"),
    (b'{"a": 1} x', "not JSON"),
    (b'data: {"a": 1}\n\n', "not JSON"),
    (b")]}',\n{}", "not JSON"),
    (b"<?xml version='1.0'?><a/>", "not JSON"),
    (b"<!DOCTYPE html><html></html>", "not JSON"),
    (b"a: 1\nb: 2\n", "not JSON"),
    (b"prompt=a+cat&n=2", "not JSON"),
    (b"%7B%22a%22%3A1%7D", "not JSON"),
    (b"--boundary\r\n", "not JSON"),
    (b"\x81\xa1a\x01", "not UTF-8"),
    (b"\x89PNG\r\n\x1a\n", "not UTF-8"),
    (gzip.compress(b'{"a": 1}', mtime=0), "not UTF-8"),
    (nested(MAX_DEPTH + 1), "nested"),
    (b"[" * 1_000_000, "nested"),
    (b'{"a":' + b"[" * 500_000 + b"]" * 500_000 + b"}", "nested"),
    (b'{"a":' * 100_000, "nested"),
    (b'{"a":"' + b'\\"[' * 200_000, "no partner"),
    (b"]" * 100_000, "not JSON"),
)
"""JSON that is refused whatever the route, and what the refusal says."""

_FORM = "multipart/form-data; boundary=b"
_PART = b'--b\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n'
_END = b"--b--\r\n"

MALFORMED_FORMS: tuple[tuple[bytes, str], ...] = (
    (b"", "multipart/form-data"),
    (_END, "multipart/form-data"),
    (b"", "multipart/form-data; boundary="),
    (_END, "multipart/form-data;boundary"),
    (_END, 'multipart/form-data; boundary="'),
    (_END, "multipart/form-data; boundary=b b "),
    (b"", f"multipart/form-data; boundary={'x' * 71}"),
    (b"", f"multipart/form-data; boundary={'x' * 4000}"),
    (b"", 'multipart/form-data; boundary="a\\"b"'),
    (b"", "multipart/form-data; boundary=ä"),
    (b"", "multipart/form-data; boundary=\t"),
    (b"not a form", _FORM),
    (b'{"prompt": "a cat"}', _FORM),
    (b"prompt=a+cat", _FORM),
    (b"\0" * 100, _FORM),
    (b"--b\r\n\r\nx\r\n--b--\r\n", _FORM),
    (b"--c\r\n\r\nx\r\n--c--\r\n", _FORM),
    (b"--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n" + _END, _FORM),
    (b"--b\r\ncontent-disposition: form-data; filename=a\r\n\r\nx\r\n" + _END, _FORM),
    (_PART % (b"prompt", b"a cat"), _FORM),
    (_PART % (b"prompt", b"a cat") + b"--b", _FORM),
    (_PART % (b"prompt", b"a cat") + b"--b-", _FORM),
    (_PART % (b"prompt", b"a cat") + b"--b\r\n", _FORM),
    (b"--b\r\ncontent-type: text/plain\r\n\r\nx\r\n" + _END, _FORM),
    (b"--b\r\n: x\r\n\r\nx\r\n" + _END, _FORM),
    (b"--b\r\nno colon\r\n\r\nx\r\n" + _END, _FORM),
    (b"--b\r\nbad name: x\r\n\r\nx\r\n" + _END, _FORM),
    (b"--b\rcontent-disposition: form-data; name=a\r\n\r\nx\r\n" + _END, _FORM),
    (b"--b\r\ncontent-disposition: form-data; name=a\r\r\nx\r\n" + _END, _FORM),
    (b"--b\r\nx: y\rz\r\n\r\nx\r\n" + _END, _FORM),
    (b"--bb\r\ncontent-disposition: form-data; name=a\r\n\r\nx\r\n" + _END, _FORM),
    (b"-" + _PART % (b"a", b"x") + _END, _FORM),
    (_PART % (b"prompt", b"\xff") + _END, _FORM),
    (_PART % (b"prompt", "狗".encode("gb18030")) + _END, _FORM),
    (_PART % (b"prompt", b"nul \0") + _END, _FORM),
    (_PART % (b"a\0", b"x") + _END, _FORM),
    (_PART % (b"\xff", b"x") + _END, f"{_FORM}; charset=utf-16"),
    (_PART % (b"prompt", b"\xff") + _END, f"{_FORM}; charset=latin-1"),
    (_PART % (b"image[a][b]", b"x") + _END, _FORM),
    (_PART % (b"image", b"x") + _PART % (b"image[url]", b"y") + _END, _FORM),
    (_PART % (b"image[url]", b"y") + _PART % (b"image", b"x") + _END, _FORM),
    (_PART % (b"image[url]", b"y") * 2 + _END, _FORM),
    (_PART % (b"image[0][url]", b"y") * 2 + _END, _FORM),
    (b"--b\r\n" + b"x: y\r\n" * 20 + b"\r\nx\r\n--b--\r\n", _FORM),
    (b"--b\r\nx: " + b"y" * 10_000 + b"\r\n\r\nx\r\n" + _END, _FORM),
    (b"--b\r\n" + b"y" * 10_000 + b": x\r\n\r\nx\r\n" + _END, _FORM),
    (multipart([(f"field-{n}", "x") for n in range(MAX_TEXTS + 1)], "b")[0], _FORM),
    (multipart([(f"file-{n}", b"x") for n in range(MAX_FILES + 1)], "b")[0], _FORM),
    (multipart([("field", "x")] * 5000, "b")[0], _FORM),
)
"""Forms that are refused whatever the route."""

MALFORMED_URLENCODED: tuple[bytes, ...] = (
    b"prompt=%ff",
    b"\xff=1",
    b"a=%00",
    b"%00=a",
    b"prompt=%ed%a0%80",
    b"&".join([b"a=1"] * 41),
    b"a=1&" * 10_000,
    b"image=x&image[url]=y",
    b"image[a][b]=x",
)
"""Forms without files that are refused whatever the route."""

_WRONG: tuple[Any, ...] = (
    *(True, False, 0, -1, 10**30, -(10**18), 0.5, 1e308, -1e-308),
    *("", " ", "x", "猫" * 3, "x" * 100_000, "\u202e\u200b\ufeff", "../../etc/passwd", "0", "1e9"),
    *("file:///etc/passwd", "http://127.0.0.1:5100/", "data:,", "data:image/png;base64,@@@@"),
    *("<script>", "'; DROP TABLE jobs; --", "${jndi:x}", "%s%n", "A\tB\nC", "nan", "null"),
    *([], [[]], [None], [1, "x", {}], ["x"] * 5000, [[[[["x"]]]]]),
    *({}, {"a": 1}, {"": ""}, {"url": 1}, {"file_id": None}, {"__proto__": {}}, {"x" * 5000: 1}),
)
"""Values of the wrong type, size or meaning for about any field."""


@dataclass(frozen=True)
class Malformed:
    """`surely` is whether any route that reads its body must refuse it."""

    name: str
    body: bytes
    content_type: str | None
    surely: bool = True
    headers: tuple[tuple[str, str], ...] = ()


def malformed(example: Mapping[str, Any]) -> Iterator[Malformed]:
    """Over three hundred bodies, some of them made of what would be a good one at the route."""
    good = json.dumps(dict(example)).encode()
    for number, (body, says) in enumerate(MALFORMED_JSON):
        yield Malformed(f"json {number}: {says}", body, "application/json")
    for at in sorted({len(good) * step // 40 for step in range(40)}):
        yield Malformed(f"the first {at} bytes", good[:at], "application/json")
    for at in sorted({1 + (len(good) - 2) * step // 20 for step in range(20)}):
        broken = good[:at] + b"\xff" + good[at:]
        yield Malformed(f"a wrong byte at {at}", broken, "application/json")
        broken = good[:at] + b"\0" + good[at:]
        yield Malformed(f"a zero at {at}", broken, "application/json")
    yield from _other_types(good)
    for number, (body, kind) in enumerate(MALFORMED_FORMS):
        yield Malformed(f"form {number}", body, kind)
    whole, headers = multipart([("prompt", "a cat"), ("image", b"no picture")], "b")
    for step in range(24):
        part = whole[: len(whole) * step // 25]
        yield Malformed(f"{step}/25 of a form", part, headers["content-type"])
    for number, body in enumerate(MALFORMED_URLENCODED):
        yield Malformed(f"urlencoded {number}", body, "application/x-www-form-urlencoded")
    yield from _wrong_values(example)


def _other_types(good: bytes) -> Iterator[Malformed]:
    """What says that it is something else than it is, or of another length."""
    form, headers = multipart([("prompt", "a cat")])
    yield Malformed("a form as JSON", form, "application/json")
    yield Malformed("a form of no type", form, None)
    yield Malformed("JSON as a form", good, headers["content-type"], surely=False)
    for body in (good[:-1], b" {"):
        yield Malformed("half JSON as a form", body, "application/x-www-form-urlencoded")
    yield Malformed("packed", gzip.compress(good, mtime=0), "application/json")
    packed = (("content-encoding", "gzip"),)
    yield Malformed(
        "packed, and said so", gzip.compress(good, mtime=0), "application/json", headers=packed
    )
    for kind in ("text/xml", "image/png", "application/octet-stream", "text/event-stream", "\xff"):
        yield Malformed(f"bytes as {kind}", b"\x89PNG\r\n\x1a\n", kind)
        yield Malformed(f"text as {kind}", b"a cat", kind)
    for charset in ("utf-16", "utf-7", "gb18030", "x" * 200, ""):
        body = "猫".encode("utf-16")
        yield Malformed(f"charset {charset[:9]}", body, f"application/json; charset={charset}")
    for length in ("-1", "1e3", "0x10", "9" * 30, "", " ", "1, 1"):
        sent = (("content-length", length),)
        yield Malformed(f"length {length!r}", good[:-1], "application/json", headers=sent)


def _wrong_values(example: Mapping[str, Any]) -> Iterator[Malformed]:
    """A good body with one field of it wrong: some routes are lenient about some of these."""
    names = [*example] or ["prompt"]
    for number, value in enumerate(_WRONG):
        for name in (names[number % len(names)], names[(number * 3 + 1) % len(names)]):
            body = json.dumps({**example, name: value}).encode()
            yield Malformed(f"{name} = {repr(value)[:40]}", body, "application/json", surely=False)
