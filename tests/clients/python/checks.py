"""Runs the checks of one client and prints a line of JSON for each. It needs nothing but Python.

A check is a function that takes an address below which the API is, and a key of its own: accounts draw side
by side, so that all checks of a client take as long as the slowest. `GATEWAY` and `UPSTREAM` in the
environment say where the gateway and the simulated upstream are, `KEYS` how this client's keys begin.
"""

from __future__ import annotations

import base64
import json
import os
import traceback
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import TypeVar

GATEWAY, UPSTREAM = os.environ["GATEWAY"], os.environ["UPSTREAM"]
BASE = f"{GATEWAY}/v1"
SMALL = "jimeng-3.0"
"""A model with small pictures, for haste."""
FILM = "jimeng-video-3.0"
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
KEYS = os.environ["KEYS"]
PICTURE = base64.b64decode(os.environ["PICTURE"])

E = TypeVar("E", bound=BaseException)
Check = Callable[[str], None]


def run(checks: Mapping[str, Check], *packages: str) -> None:
    """Run them all, each with a key of its own, and print what came of each."""
    say(client={package: version(package) for package in packages})
    keys = [f"{KEYS}{number:02}" for number in range(len(checks))]
    with ThreadPoolExecutor(len(checks)) as pool:
        list(pool.map(outcome, checks.items(), keys))


def outcome(named: tuple[str, Check], key: str) -> None:
    name, check = named
    try:
        check(key)
    except BaseException:  # noqa: BLE001 - it is told, and the others go on
        say(check=name, error=traceback.format_exc(limit=-6))
    else:
        say(check=name, error=None)


def say(**facts: object) -> None:
    print(json.dumps(facts) + "\n", end="", flush=True)


def error_of(kind: type[E], ask: Callable[[], object]) -> E:
    """The error of this kind that asking so ends in."""
    try:
        ask()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def fetched(url: str) -> tuple[str, bytes]:
    """What a link leads to: its type and its bytes."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.headers["content-type"], answer.read()


def is_picture_link(url: str) -> None:
    kind, body = fetched(url)
    assert kind == "image/png", kind
    assert body.startswith(PNG_HEAD)


def is_picture(encoded: str) -> None:
    assert base64.b64decode(encoded).startswith(PNG_HEAD)


def link_in(markdown: str) -> str:
    """The link of the first picture in a text."""
    assert "![" in markdown, markdown
    return markdown.partition("](")[2].partition(")")[0]


def control(path: str, order: object = None) -> object:
    """Tell the simulated upstream something, or ask it."""
    body = None if order is None else json.dumps(order).encode()
    request = urllib.request.Request(f"{UPSTREAM}/_sim{path}", data=body)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def submissions(key: str) -> int:
    """How many paid submissions the upstream has accepted of a key."""
    ledger = control(f"/ledger?brief=1&account={key}")
    assert isinstance(ledger, dict)
    return len(ledger["submits"])


def asked(key: str, operation: str) -> int:
    """How often the upstream was asked for something on behalf of a key, refused or not."""
    account, requests = control("/accounts", {"session": key}), control("/requests")
    assert isinstance(account, dict)
    assert isinstance(requests, dict)
    count: int = requests["by_account"].get(account["account"], {}).get(operation, 0)
    return count
