"""Requests as clients send them that cannot be run here, byte for byte, and what each reads from the answer.

A file under `replays/` is a client. Its `settings` are those that the client's page names, and requests go
where the page's values lead. In what is sent, `<base>` stands for the path of the page's address, `<key>`
and `<model>` for what the page has there, `<picture>` for a PNG and `<data uri>` for the same as text,
`<length>` for the length of the body, and every other name for what an earlier answer was asked to `keep`.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.clients.stage import Stage
from tests.forms import data_uri, picture

HERE = Path(__file__).parent / "replays"
PICTURE = picture(640, 360)
PATIENCE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request and what is read from its answer: a path to a value, and what must be there.

    `reads` has `<png>`, `<link>`, `<text>` and so on (see `LOOKS`) or the value itself. `until` says that the
    client asks again until the value is one of these.
    """

    does: str
    send: str
    status: int = 200
    type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    reads: Mapping[str, Any] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()
    keep: Mapping[str, str] = field(default_factory=dict)
    until: Mapping[str, list[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replay:
    """`settings` leads from `base`, `key` and perhaps `model` to their names on the client's page."""

    name: str
    client: str
    settings: Mapping[str, str]
    requests: tuple[Request, ...]


def replays() -> list[Replay]:
    found = []
    for path in sorted(HERE.glob("*.toml")):
        file = tomllib.loads(path.read_text("utf-8"))
        requests = tuple(Request(**one) for one in file["request"])
        found.append(Replay(path.stem, file["client"], file.get("settings", {}), requests))
    return found


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> Any:
        """Its JSON; of an event stream, the events, and the text that a chat's deltas make."""
        if not self.headers["content-type"].startswith("text/event-stream"):
            return json.loads(self.body)
        lines = [line[6:] for line in self.body.decode().splitlines() if line.startswith("data: ")]
        events = [json.loads(line) for line in lines if line != "[DONE]"]
        deltas = [choice["delta"] for one in events for choice in one.get("choices", ())]
        return {
            "events": events,
            "deltas": deltas,
            "text": "".join(delta.get("content") or "" for delta in deltas),
            "last": lines[-1],
        }


def sending(replay: Replay, settings: Mapping[str, str], stage: Stage) -> Iterator[str]:
    """Send it all, one after the other, as the settings of the client's page say; tells what went well."""
    chosen = {meaning: settings[name] for meaning, name in replay.settings.items()}
    known = {**chosen, "base": urlsplit(chosen["base"]).path.rstrip("/")}
    for request in replay.requests:
        answer = _answer(request, known, stage)
        where = f"{replay.client} {request.does}"
        said = f"{where}: {answer.status} {answer.body[:500]!r}"
        assert answer.status == request.status, said
        if request.type:
            assert answer.headers["content-type"].startswith(request.type), said
        for name, value in request.headers.items():
            assert answer.headers.get(name, "") == value, (where, name, answer.headers)
        if request.type == "video/mp4":
            assert answer.body[4:8] == b"ftyp", said
        elif request.reads or request.lacks or request.keep:
            document = answer.document()
            for path, expected in request.reads.items():
                _check(document, path, expected, where)
            for path in request.lacks:
                assert not values(document, path), f"{where}: has {path}"
            for name, path in request.keep.items():
                known[name] = str(values(document, path)[0])
        yield request.does


def _answer(request: Request, known: Mapping[str, str], stage: Stage) -> Answer:
    end = time.monotonic() + PATIENCE
    while True:
        answer = _sent(_written(request.send, known, stage), stage)
        document = answer.document() if request.until else None
        if all(values(document, path)[0] in wanted for path, wanted in request.until.items()):
            return answer
        assert time.monotonic() < end, answer
        time.sleep(0.2)


def _written(text: str, known: Mapping[str, str], stage: Stage) -> bytes:
    """The bytes: a head has CRLF at its ends of lines, and so has a form."""
    head, _, body = text.partition("\n\n")
    is_form = "multipart/form-data" in head
    body = body.replace("\n", "\r\n") if is_form else body.removesuffix("\n")
    values: dict[str, bytes] = {
        "picture": PICTURE,
        "data uri": data_uri(PICTURE).encode(),
        "host": urlsplit(stage.gateway).netloc.encode(),
        **{name: value.encode() for name, value in known.items()},
    }

    def filled(part: str) -> bytes:
        return re.sub(rb"<([a-z ]+)>", lambda mark: values[mark[1].decode()], part.encode())

    sent = filled(body)
    values["length"] = str(len(sent)).encode()
    return filled(head.replace("\n", "\r\n")) + b"\r\n\r\n" + sent


def _sent(data: bytes, stage: Stage) -> Answer:
    to = urlsplit(stage.gateway)
    with socket.create_connection((to.hostname or "", to.port or 80), timeout=PATIENCE) as wire:
        wire.sendall(data)
        response = http.client.HTTPResponse(wire, method=data.partition(b" ")[0].decode())
        response.begin()
        body = response.read()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, body)


def values(document: Any, path: str) -> list[Any]:
    """What stands at a path such as `data.*.url`; `*` is every element. What is absent is left out."""
    found = [document]
    for step in path.split("."):
        inner: list[Any] = []
        for value in found:
            if step == "*" and isinstance(value, list):
                inner += value
            elif step.isdecimal() and isinstance(value, list):
                inner += value[int(step) : int(step) + 1]
            elif isinstance(value, dict) and step in value:
                inner.append(value[step])
        found = inner
    return found


def _check(document: Any, path: str, expected: Any, where: str) -> None:
    found = values(document, path)
    assert found, f"{where}: {path} is not there"
    for value in found:
        look = LOOKS.get(expected) if isinstance(expected, str) else None
        if look is not None:
            look(value)
        else:
            assert value == expected, f"{where}: {path} is {value!r}"


def _png(text: str) -> None:
    assert base64.b64decode(text, validate=True).startswith(b"\x89PNG\r\n\x1a\n")


def _data_uri(text: str) -> None:
    head, _, encoded = text.partition(";base64,")
    assert head == "data:image/png"
    _png(encoded)


def _link(url: str) -> None:
    to = urlsplit(url)
    assert to.scheme == "http"
    connection = http.client.HTTPConnection(to.netloc, timeout=PATIENCE)
    connection.request("GET", to.path)
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.getheader("content-type", "").startswith(("image/", "video/"))
    connection.close()


def _text(value: object) -> None:
    assert isinstance(value, str)
    assert value


def _number(value: object) -> None:
    assert isinstance(value, int)


def _markdown(text: str) -> None:
    found = re.search(r"!\[[^\]]*\]\(([^)\s]+)\)", text)
    assert found, text
    _link(found[1])


def _null(value: object) -> None:
    assert value is None


LOOKS = {
    "<png>": _png,
    "<data uri>": _data_uri,
    "<link>": _link,
    "<text>": _text,
    "<null>": _null,
    "<number>": _number,
    "<markdown>": _markdown,
}
