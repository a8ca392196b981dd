"""Hostile URLs, a resolver that answers as the one who wrote them would, and a record of every connect."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

from jimeng_api.domain.addresses import is_public

PUBLIC, PUBLIC6 = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"

HOSTILE_URLS: tuple[str, ...] = tuple(
    json.loads(line)
    for line in (Path(__file__).parent / "hostile_urls.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
)

# What a name resolves to: the first time, the second time and so on, and then from the start again.
NAMES: Mapping[str, Sequence[Sequence[str]]] = {
    "public.test": [[PUBLIC]],
    "localhost": [["127.0.0.1", "::1"]],
    "loopback.test": [["127.0.0.1"]],
    "private.test": [["10.0.0.1"]],
    "a_b.private.test": [["10.0.0.1"]],
    "metadata.test": [["169.254.169.254"]],
    "metadata.google.internal": [["169.254.169.254"]],
    "cgnat.test": [["100.64.0.1"]],
    "zero.test": [["0.0.0.0"]],
    "v6loopback.test": [["::1"]],
    "mapped.test": [["::ffff:127.0.0.1"]],
    "nat64.test": [["64:ff9b::7f00:1"]],
    "sixtofour.test": [["2002:7f00:1::1"]],
    "linklocal.test": [["fe80::1"]],
    "zone.test": [["fe80::1%1"]],
    "ula.test": [["fd00:ec2::254"]],
    "azure.test": [["168.63.129.16"]],
    "alibaba.test": [["100.100.100.200"]],
    "isatap.test": [["2a00:1450:4001:810::5efe:7f00:1"]],
    "mixed.test": [[PUBLIC, "127.0.0.1"]],
    "mixed6.test": [["::1", PUBLIC6, "10.0.0.1"]],
    "many.test": [["127.0.0.1", "10.0.0.1", "::1", "169.254.169.254", "fe80::1"]],
    "rebind.test": [[PUBLIC], ["127.0.0.1"]],
    "rebind6.test": [["::1"], [PUBLIC6]],
    "127.0.0.1.nip.test": [["127.0.0.1"]],
}


class HostileResolver(AbstractResolver):
    """Knows `names`, and numbers in every form that the system takes; asks nobody else."""

    def __init__(self, names: Mapping[str, Sequence[Sequence[str]]] = NAMES) -> None:
        self._names = names
        self._asked: dict[str, int] = {}

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        name = host.lower().rstrip(".")
        answers = self._names.get(name)
        if answers is not None:
            turn = self._asked.get(name, 0)
            self._asked[name] = turn + 1
            addresses = list(answers[turn % len(answers)])
        else:
            found = socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)
            addresses = [str(one[4][0]) for one in found]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    @override
    async def close(self) -> None:
        pass


@dataclass
class Connects:
    """What was connected to while this was watching. Only ports of `ours` were really connected to."""

    ours: set[int] = field(default_factory=set)
    to: list[tuple[str, int]] = field(default_factory=list)

    @property
    def astray(self) -> list[tuple[str, int]]:
        """The connects to what is not public, and not ours."""
        return [
            (host, port) for host, port in self.to if not is_public(host) and port not in self.ours
        ]


_watching: list[Connects] = []
_hooked: list[bool] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect" or not _watching or not isinstance(arguments[1], tuple):
        return
    host, port = arguments[1][:2]
    for one in _watching:
        one.to.append((str(host), int(port)))
        if port not in one.ours:
            raise ConnectionRefusedError("no test connects to anything but its own servers")


@contextmanager
def watched(*ours: int) -> Iterator[Connects]:
    """All connects of this process, seen where Python makes them; those to other ports are refused."""
    if not _hooked:  # a hook stays for ever
        sys.addaudithook(_hook)
        _hooked.append(True)
    connects = Connects(ours=set(ours))
    _watching.append(connects)
    try:
        yield connects
    finally:
        _watching.remove(connects)
