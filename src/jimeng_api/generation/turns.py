"""Callers who mean the same, one after the other: whoever may mean an earlier request must see its job."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

Whose = tuple[str, str]
"""An owner, and what is meant."""


class Turns:
    """The lines in which they stand, each only as long as somebody stands in it."""

    def __init__(self) -> None:
        self._lines: defaultdict[Whose, dict[asyncio.Future[None], None]] = defaultdict(dict)

    def __bool__(self) -> bool:
        return bool(self._lines)

    @asynccontextmanager
    async def turn(self, whose: Whose, *, waits: bool) -> AsyncIterator[None]:
        """A place in the line of those who mean the same; who `waits`, waits for all that came before."""
        line = self._lines[whose]
        before = list(line) if waits else []
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if waits:
            line.clear()  # it is over after all of them: whoever comes later need only wait for this one
        line[over] = None
        try:
            if before:
                await asyncio.wait(before)
            yield
        finally:
            _end(over, after=[one for one in before if not one.done()])
            over.add_done_callback(partial(self._leave, whose))

    def _leave(self, whose: Whose, over: asyncio.Future[None]) -> None:
        self._lines[whose].pop(over, None)
        if not self._lines[whose]:
            del self._lines[whose]


def _end(over: asyncio.Future[None], *, after: list[asyncio.Future[None]]) -> None:
    """Let this be over once all these are, should it have been given up before them."""
    left = len(after)
    if not left:
        over.set_result(None)

    def one_less(_: asyncio.Future[None]) -> None:
        nonlocal left
        left -= 1
        if not left:
            over.set_result(None)

    for one in after:
        one.add_done_callback(one_less)
